//! Whole conversations with a scripted backend.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::Sender;

use super::super::backend::{BackendJob, DiffJob, EarlierFound, LeftJob, PlanJob, WriteJob};
use super::*;
use crate::app::sample;
use crate::domain::board::{Board, Update};
use crate::domain::drift_rules;
use crate::domain::history::Entry;
use crate::domain::id::{Digest, Target};
use crate::domain::policy::Confirm;
use crate::domain::reference::Repository;
use crate::domain::write::{Progress, Proposal, Request};
use proptest::prelude::*;

/// The sample's world. Production is confirmed by its name.
#[derive(Default)]
struct Sample {
    written: AtomicUsize,
    planned: Mutex<Vec<Request>>,
}

impl Backend for Sample {
    fn refresh(&self, _: crate::domain::rotation::BoardLook, to: Sender<Update>) -> BackendJob {
        Box::pin(async move {
            let mut board = Board::default();
            for update in [sample::opened(), sample::opened()]
                .into_iter()
                .chain(sample::findings())
            {
                board.apply(update.clone());
                let _ = to.send(update).await;
            }
            let drift = drift_rules::detect(&board, sample::before(300));
            let _ = to.send(Update::Drift(drift)).await;
            let _ = to.send(Update::Finished(sample::now())).await;
            Ok(())
        })
    }

    fn history(&self, _: Target, to: Sender<Vec<Entry>>) -> BackendJob {
        Box::pin(async move {
            let _ = to.send(sample::history()).await;
            Ok(())
        })
    }

    fn earlier_digests(&self, _: Target, _: Option<Digest>, to: Sender<EarlierFound>) -> BackendJob {
        Box::pin(async move {
            let _ = to.send(EarlierFound::List(sample::earlier())).await;
            Ok(())
        })
    }

    fn diff(&self, _: (Repository, Digest), _: (Repository, Digest)) -> DiffJob {
        Box::pin(async { Ok(sample::digest_diff()) })
    }

    fn follow(&self, _: Vec<crate::domain::board::PinKey>, _: Sender<Update>) -> BackendJob {
        Box::pin(async { Ok(()) })
    }

    fn plan(&self, request: Request) -> PlanJob {
        self.planned.lock().expect("lock").push(request.clone());
        Box::pin(async move {
            let mut proposal = sample::proposal_of(request);
            for plan in &mut proposal.plans {
                if plan.environment.as_str() == "production" {
                    plan.confirm = Confirm::TypeName;
                }
            }
            Ok(proposal)
        })
    }

    fn left(&self) -> LeftJob {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn finish_left(&self, _: String, _: Sender<Progress>, _: watch::Receiver<bool>) -> WriteJob {
        Box::pin(async { Err(Failure::failed("no").into()) })
    }

    fn forget_left(&self, _: String) -> LeftJob {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn execute(&self, proposal: Proposal, to: Sender<Progress>, _: watch::Receiver<bool>) -> WriteJob {
        self.written.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let _ = to.send(Progress::Committing).await;
            let _ = to.send(Progress::Pushing).await;
            Ok(sample::receipt_of(&proposal))
        })
    }
}

/// What was said to these lines, how often something was written, and how it ended.
fn talk_with(backend: &Arc<Sample>, lines: &[&str]) -> (String, Result<PlainEnd, Failure>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut out = Vec::new();
    let ended = runtime.block_on(async {
        let (to, from) = channel(lines.len().max(1));
        for line in lines {
            to.send((*line).to_owned()).await.expect("room");
        }
        drop(to);
        let (_signal, interrupted) = watch::channel(false);
        let options = PlainOptions {
            setup: Setup::default(),
            keymap: Keymap::default(),
            is_terminal: false,
            clock: sample::now,
            columns: || None,
        };
        run(
            Arc::clone(backend) as Arc<dyn Backend>,
            options,
            from,
            interrupted,
            &mut out,
        )
        .await
    });
    (String::from_utf8(out).expect("text"), ended.expect("written"))
}

fn talk(lines: &[&str]) -> (String, usize) {
    let backend = Arc::new(Sample::default());
    let (said, ended) = talk_with(&backend, lines);
    assert_eq!(ended, Ok(PlainEnd::Quit), "{said}");
    (said, backend.written.load(Ordering::SeqCst))
}

#[test]
fn looking_around() {
    let (said, written) = talk(&[
        "list",
        "filter env:production !verified",
        "filter",
        "sort verdict",
        "show checkout",
        "show ledger production",
        "evidence ledger production",
        "drift",
        "history checkout production",
        "diff checkout production",
        "events",
    ]);
    assert_eq!(written, 0);
    insta::assert_snapshot!(said);
}

#[test]
fn a_promotion_is_told_confirmed_and_told_again() {
    let (said, written) = talk(&["promote checkout to staging", "yes"]);
    assert_eq!(written, 1);
    insta::assert_snapshot!(said);
}

#[test]
fn a_revert_is_chosen_by_number_and_confirmed_by_name() {
    let (said, written) = talk(&["revert checkout production", "3", "yes", "production"]);
    assert_eq!(written, 1, "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn the_end_of_input_confirms_nothing() {
    for lines in [
        &["promote checkout to staging"][..],
        &["promote checkout to staging", ""],
        &["revert checkout production", "3"],
        &["revert checkout production", "3", "yes"],
        &["revert checkout production", "1", "2"],
        &["hold checkout staging", "it pages us"],
        &["hold checkout staging"],
        &[],
    ] {
        let (said, written) = talk(lines);
        assert_eq!(written, 0, "{lines:?}: {said}");
        assert!(said.contains("end of input"), "{said}");
    }
}

#[test]
fn a_refresh_that_fails_is_the_end_of_a_pipe() {
    struct Broken;
    impl Backend for Broken {
        fn refresh(&self, _: crate::domain::rotation::BoardLook, _: Sender<Update>) -> BackendJob {
            Box::pin(async { Err(Failure::unreachable("no route to git.example.com")) })
        }
        fn history(&self, _: Target, _: Sender<Vec<Entry>>) -> BackendJob {
            Box::pin(async { Ok(()) })
        }
        fn earlier_digests(&self, _: Target, _: Option<Digest>, _: Sender<EarlierFound>) -> BackendJob {
            Box::pin(async { Ok(()) })
        }
        fn diff(&self, _: (Repository, Digest), _: (Repository, Digest)) -> DiffJob {
            Box::pin(async { Err(Failure::failed("no")) })
        }
        fn follow(&self, _: Vec<crate::domain::board::PinKey>, _: Sender<Update>) -> BackendJob {
            Box::pin(async { Ok(()) })
        }

        fn plan(&self, _: Request) -> PlanJob {
            Box::pin(async { Err(Failure::failed("no").into()) })
        }
        fn left(&self) -> LeftJob {
            Box::pin(async { Ok(Vec::new()) })
        }
        fn finish_left(&self, _: String, _: Sender<Progress>, _: watch::Receiver<bool>) -> WriteJob {
            Box::pin(async { Err(Failure::failed("no").into()) })
        }
        fn forget_left(&self, _: String) -> LeftJob {
            Box::pin(async { Ok(Vec::new()) })
        }
        fn execute(&self, _: Proposal, _: Sender<Progress>, _: watch::Receiver<bool>) -> WriteJob {
            Box::pin(async { Err(Failure::failed("no").into()) })
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut out = Vec::new();
    let ended = runtime.block_on(async {
        let (to, from) = channel(1);
        drop(to);
        let (_signal, interrupted) = watch::channel(false);
        let options = PlainOptions {
            setup: Setup::default(),
            keymap: Keymap::default(),
            is_terminal: false,
            clock: sample::now,
            columns: || None,
        };
        run(Arc::new(Broken), options, from, interrupted, &mut out).await
    });
    let said = String::from_utf8(out).expect("text");
    assert!(ended.expect("written").is_err(), "{said}");
    assert!(said.contains("no route to git.example.com"), "{said}");
}

#[test]
fn a_line_that_is_too_long_confirms_nothing() {
    let text = format!("{}\nyes\n{}yes\n\nlast", "x".repeat(5000), "y".repeat(4096));
    let mut from = io::Cursor::new(text.into_bytes());
    let mut lines = Vec::new();
    while let Some(line) = next_line(&mut from) {
        lines.push(line);
    }
    assert_eq!(lines, ["", "yes", "", "", "last"]);
}

fn any_line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "promote checkout to staging",
        "promote checkout to production",
        "promote search catalog to staging",
        "promote 1 2 3 to integration",
        "promote",
        "p",
        "revert checkout production",
        "revert payments staging",
        "r",
        "V",
        "revert-to checkout production",
        "hold checkout staging",
        "release-hold ledger production",
        "H",
        "pin notifier dev",
        "undo",
        "u",
        "refresh",
        "list",
        "filter drift",
        "filter",
        "show 1",
        "3",
        "1",
        "2",
        "9",
        "",
        "a",
        "b because",
        "b",
        "m why not",
        "m",
        "h",
        "i",
        "w",
        "x checkout",
        "x",
        "n",
        "d",
        "tag",
        "T",
        "Y",
        "YES",
        "Yes",
        "yes please",
        "y y",
        "ja",
        "ok",
        "sure",
        "true",
        "esc",
        "stop",
        "enter",
        "no",
        "produktion",
        "production staging",
        "help",
        "?",
        "watch",
        "events",
        "\u{1b}",
        "yes\u{0}",
        "ｙ",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_script_without_the_confirmation_ever_writes(lines in prop::collection::vec(any_line(), 0..40)) {
        let backend = Arc::new(Sample::default());
        // Watching ends with a line, and here there may be none.
        let lines: Vec<&str> = lines.into_iter().filter(|line| *line != "watch").collect();
        let (said, _) = talk_with(&backend, &lines);
        prop_assert_eq!(backend.written.load(Ordering::SeqCst), 0, "{:?}\n{}", lines, said);
    }

    /// Each thing that is written was told as a plan first, and each yes writes one thing at most.
    #[test]
    fn nothing_is_written_that_was_not_told(lines in prop::collection::vec(prop_oneof![3 => any_line(), 1 => Just("yes"), 1 => Just("production")], 0..40)) {
        let backend = Arc::new(Sample::default());
        let lines: Vec<&str> = lines.into_iter().filter(|line| *line != "watch").collect();
        let (said, _) = talk_with(&backend, &lines);
        let written = backend.written.load(Ordering::SeqCst);
        let told = said.lines().filter(|line| line.starts_with("plan: ")).count();
        let said_yes = lines.iter().filter(|line| matches!(**line, "yes" | "production")).count();
        prop_assert!(written <= told && written <= said_yes, "{} written, {} told\n{}", written, told, said);
    }

    #[test]
    fn every_line_is_plain_words(lines in prop::collection::vec(any_line(), 0..20)) {
        let backend = Arc::new(Sample::default());
        let lines: Vec<&str> = lines.into_iter().filter(|line| *line != "watch").collect();
        let (said, _) = talk_with(&backend, &lines);
        prop_assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", said);
        prop_assert!(said.lines().all(|line| line == line.trim() && !line.contains("  ")), "{}", said);
    }
}

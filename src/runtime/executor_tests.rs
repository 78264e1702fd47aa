//! What the executor does to a scripted backend's jobs.

use std::sync::Mutex;

use tokio::sync::oneshot;

use super::super::backend::{DiffJob, LeftJob, PlanJob, WriteJob};
use super::super::parting::{Flight, Parting, settle};
use super::super::signals::Signals;
use super::*;
use crate::app::generation::Generations;
use crate::app::sample;
use crate::domain::board::Update;
use crate::domain::failure::Failure;
use crate::domain::history::Entry;
use crate::domain::write::WriteFailure;
use crate::domain::write::{Ask, Progress, Receipt};

/// Every job waits for its gate and notes how it ended.
#[derive(Default)]
struct Scripted {
    plans: Mutex<Vec<oneshot::Receiver<()>>>,
    writes: Mutex<Vec<oneshot::Receiver<()>>>,
    dropped: Arc<Mutex<Vec<&'static str>>>,
    panics: bool,
}

struct Note(Arc<Mutex<Vec<&'static str>>>, &'static str);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.lock().expect("lock").push(self.1);
    }
}

impl Backend for Scripted {
    fn refresh(&self, _: crate::domain::rotation::BoardLook, _: Sender<Update>) -> BackendJob {
        Box::pin(std::future::pending())
    }

    fn history(&self, _: Target, _: Sender<Vec<Entry>>) -> BackendJob {
        Box::pin(async { Ok(()) })
    }

    fn earlier_digests(
        &self,
        _target: Target,
        _wanted: Option<Digest>,
        _to: Sender<crate::runtime::backend::EarlierFound>,
    ) -> BackendJob {
        Box::pin(async { Ok(()) })
    }

    fn diff(&self, _: (Repository, Digest), _: (Repository, Digest)) -> DiffJob {
        Box::pin(async { Err(Failure::failed("no")) })
    }

    fn follow(&self, _: Vec<crate::domain::board::PinKey>, _: Sender<Update>) -> BackendJob {
        Box::pin(async { Ok(()) })
    }

    fn plan(&self, request: Request) -> PlanJob {
        let gate = self.plans.lock().expect("lock").pop();
        let note = Note(self.dropped.clone(), "plan");
        Box::pin(async move {
            let _note = note;
            if let Some(gate) = gate {
                let _ = gate.await;
            }
            Ok(sample::proposal_of(request))
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

    fn execute(&self, proposal: Proposal, to: Sender<Progress>, mut cancel: watch::Receiver<bool>) -> WriteJob {
        let gate = self.writes.lock().expect("lock").pop();
        let note = Note(self.dropped.clone(), "write");
        let panics = self.panics;
        Box::pin(async move {
            let _note = note;
            assert!(!panics, "scripted");
            let _ = to.send(Progress::Verifying("checkout".into())).await;
            if let Some(gate) = gate {
                tokio::select! {
                    _ = gate => {}
                    _ = cancel.wait_for(|stop| *stop) => return Err(WriteFailure::from(Failure::interrupted())),
                }
            }
            Ok(sample::receipt_of(&proposal))
        })
    }
}

fn request() -> Request {
    Request::new(Ask::ReleaseHold {
        target: Target::new("checkout", "production"),
    })
}

fn ticket(slot: QueryKind) -> Ticket {
    Generations::default().issue(slot, None)
}

async fn written(answers: &mut ExecutorEvents) -> Result<Box<Receipt>, WriteFailure> {
    loop {
        match answers.writes.recv().await {
            Some(ExecutorEvent::Msg(Msg::Written { result, .. })) => return result,
            Some(ExecutorEvent::Msg(Msg::Progress { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_newer_plan_drops_the_older_one() {
    let (open, gate) = oneshot::channel();
    let backend = Arc::new(Scripted::default());
    backend.plans.lock().expect("lock").push(gate);
    let (mut executor, mut answers) = Executor::new(backend.clone());
    executor.plan(ticket(QueryKind::Plan), request());
    tokio::task::yield_now().await;
    executor.plan(ticket(QueryKind::Plan), request());
    let Some(ExecutorEvent::Msg(Msg::Planned { result: Ok(_), .. })) = answers.reads.recv().await else {
        panic!("no plan");
    };
    assert!(answers.reads.try_recv().is_err(), "one answer only");
    assert!(open.is_closed(), "the first plan was dropped");
}

#[tokio::test]
async fn a_write_outlives_the_executor() {
    let (open, gate) = oneshot::channel();
    let backend = Arc::new(Scripted::default());
    backend.writes.lock().expect("lock").push(gate);
    let (mut executor, mut answers) = Executor::new(backend.clone());
    executor.execute(ticket(QueryKind::Write), sample::proposal_of(request()));
    tokio::task::yield_now().await;
    for slot in [QueryKind::Write, QueryKind::Plan, QueryKind::Board] {
        executor.stop(slot);
    }
    drop(executor);
    open.send(()).expect("the write still waits");
    assert!(written(&mut answers).await.is_ok());
}

#[tokio::test]
async fn one_write_at_a_time() {
    let (open, gate) = oneshot::channel();
    let backend = Arc::new(Scripted::default());
    backend.writes.lock().expect("lock").push(gate);
    let (mut executor, mut answers) = Executor::new(backend);
    executor.execute(ticket(QueryKind::Write), sample::proposal_of(request()));
    executor.execute(ticket(QueryKind::Write), sample::proposal_of(request()));
    let refused = written(&mut answers).await;
    assert!(matches!(refused, Err(WriteFailure::Failed(_))), "{refused:?}");
    open.send(()).expect("the first is untouched");
    assert!(written(&mut answers).await.is_ok());
}

#[tokio::test]
async fn cancelling_is_a_signal() {
    let (_open, gate) = oneshot::channel();
    let backend = Arc::new(Scripted::default());
    backend.writes.lock().expect("lock").push(gate);
    let (mut executor, mut answers) = Executor::new(backend);
    executor.execute(ticket(QueryKind::Write), sample::proposal_of(request()));
    executor.cancel_write();
    assert_eq!(
        written(&mut answers).await,
        Err(WriteFailure::from(Failure::interrupted()))
    );
}

/// What was said after the terminal was given back.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn say(parting: Parting) {
    let text = match parting {
        Parting::Waiting { what } => format!("waiting: {what}"),
        Parting::Ended { result, .. } => format!("ended: {}", result.is_ok()),
        Parting::Left { what } => format!("left: {what}"),
    };
    SAID.lock().expect("lock").push(text);
}

#[tokio::test]
async fn a_cockpit_that_ends_stops_its_write_and_says_what_became_of_it() {
    let (_open, gate) = oneshot::channel();
    let backend = Arc::new(Scripted::default());
    backend.writes.lock().expect("lock").push(gate);
    let (mut executor, mut answers) = Executor::new(backend.clone());
    let proposal = sample::proposal_of(request());
    let mut flight = Flight::of(&proposal);
    executor.execute(ticket(QueryKind::Write), proposal.clone());
    assert!(executor.is_writing());
    let mut signals = Signals::new().expect("signals");
    settle(flight, &executor, &mut answers, &mut signals, say).await;
    assert_eq!(*backend.dropped.lock().expect("lock"), ["write"]);
    // An end that nobody saw is only said.
    flight = Flight::of(&proposal);
    flight.ended = Some(Err(WriteFailure::from(Failure::interrupted())));
    settle(flight, &executor, &mut answers, &mut signals, say).await;
    let what = crate::app::plan_screen::title(&request().ask);
    assert_eq!(
        *SAID.lock().expect("lock"),
        [
            format!("waiting: {what}"),
            "ended: false".to_owned(),
            "ended: false".to_owned()
        ]
    );
}

#[tokio::test]
async fn a_panic_in_a_write_is_a_failure_that_promises_nothing() {
    let backend = Arc::new(Scripted {
        panics: true,
        ..Scripted::default()
    });
    let (mut executor, mut answers) = Executor::new(backend);
    executor.execute(ticket(QueryKind::Write), sample::proposal_of(request()));
    let Err(WriteFailure::Failed(failure)) = written(&mut answers).await else {
        panic!("no failure");
    };
    assert!(failure.next().as_str().contains("pindeck resume"));
}

#[tokio::test]
async fn progress_comes_before_the_end() {
    let (mut executor, mut answers) = Executor::new(Arc::new(Scripted::default()));
    executor.execute(ticket(QueryKind::Write), sample::proposal_of(request()));
    let Some(ExecutorEvent::Msg(Msg::Progress { .. })) = answers.writes.recv().await else {
        panic!("no progress");
    };
    assert!(written(&mut answers).await.is_ok());
}

#[tokio::test]
async fn a_comparison_that_fails_is_an_answer() {
    let (mut executor, mut answers) = Executor::new(Arc::new(Scripted::default()));
    let side = (sample::repository("checkout"), sample::digest("c1"));
    executor.diff(ticket(QueryKind::Diff), side.clone(), side);
    let Some(ExecutorEvent::Msg(Msg::Compared { result, .. })) = answers.reads.recv().await else {
        panic!("no answer");
    };
    assert!(result.is_err());
}

use std::sync::Mutex;

use super::*;
use crate::domain::id::{Digest, Target};
use crate::domain::plan::Verb;
use crate::domain::recovery::{Fact, RecoveryAction, RecoveryFacts};
use crate::domain::write::{Ask, Request};

fn draft() -> NewEntry {
    NewEntry {
        request: Request {
            reason: Some("because".to_owned()),
            ..Request::new(Ask::Hold {
                target: Target {
                    service: "payments".into(),
                    environment: "production".into(),
                },
                digest: None,
            })
        },
        base: "b".repeat(40),
        repository: None,
        remote: "origin".to_owned(),
        remote_at: None,
        branch: "main".to_owned(),
        new_branch: false,
        writes: vec![RecordedWrite {
            verb: Verb::Promote,
            service: "payments".into(),
            environment: "production".into(),
            from: None,
            to: Digest::from_bytes([7; 32]),
            edits: Vec::new(),
            copies: vec![CopyNote {
                source: "a.example/x".to_owned(),
                destination: "b.example/x".to_owned(),
                digest: Digest::from_bytes([7; 32]),
                tag: None,
            }],
            terms: None,
        }],
        holds_on: None,
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a time")
}

fn journal() -> (tempfile::TempDir, Journal) {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(&dir.path().join("pindeck/journal"));
    (dir, journal)
}

#[test]
fn every_step_is_on_disk_before_the_next_thing_happens() {
    let (_dir, journal) = journal();
    assert!(
        journal.pending().expect("reads").is_empty(),
        "no folder is an empty journal"
    );
    let mut running = journal.begin(draft(), now()).expect("begins");
    let on_disk = || match journal.pending().expect("reads").as_slice() {
        [Pending::UnderWay(entry)] => entry.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (on_disk().step, on_disk()),
        (WriteStep::Planned, running.entry().clone())
    );
    for step in [WriteStep::Copying, WriteStep::Copied] {
        running.step(step, now()).expect("recorded");
        assert_eq!(on_disk().step, step);
    }
    let commits = ["c".repeat(40), "d".repeat(40)];
    running.committed(&"e".repeat(40), &commits, now()).expect("recorded");
    let entry = on_disk();
    assert_eq!(
        (entry.step, entry.base, entry.commits.as_slice()),
        (WriteStep::Committed, "e".repeat(40), &commits[..])
    );
    running.step(WriteStep::Pushing, now()).expect("recorded");
    running.step(WriteStep::Pushed, now()).expect("recorded");
    assert_eq!(on_disk().step, WriteStep::Pushed);
    running.done().expect("removed");
    assert!(journal.pending().expect("reads").is_empty());
    assert_eq!(
        fs::read_dir(&journal.dir).expect("there").count(),
        0,
        "nothing is left lying about"
    );
}

#[test]
fn what_a_process_leaves_behind_is_taken_by_one_and_finished_once() {
    let (_dir, journal) = journal();
    let running = journal.begin(draft(), now()).expect("begins");
    let id = running.entry().id.clone();
    assert!(matches!(journal.take(&id), Err(JournalError::Busy { .. })));
    assert!(matches!(journal.forget(&id), Err(JournalError::Busy { .. })));
    drop(running);
    assert!(matches!(journal.pending().expect("reads").as_slice(), [Pending::Left(entry)] if entry.id == id));
    let taken = journal.take(&id).expect("taken");
    assert!(matches!(journal.take(&id), Err(JournalError::Busy { .. })));
    taken.done().expect("finished");
    assert!(matches!(journal.take(&id), Err(JournalError::Gone { .. })));
    assert!(matches!(journal.forget(&id), Err(JournalError::Gone { .. })));
}

#[test]
fn two_writes_at_once_have_an_entry_each() {
    let (_dir, journal) = journal();
    let a = journal.begin(draft(), now()).expect("begins");
    let b = journal.begin(draft(), now()).expect("begins");
    assert_ne!(a.entry().id, b.entry().id);
    assert_eq!(journal.pending().expect("reads").len(), 2);
    a.done().expect("removed");
    assert!(
        matches!(&journal.pending().expect("reads")[0], Pending::Left(left) | Pending::UnderWay(left) if left.id == b.entry().id)
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_can_be_dropped() {
    let (_dir, journal) = journal();
    let running = journal.begin(draft(), now()).expect("begins");
    let id = running.entry().id.clone();
    drop(running);
    let path = journal.entry_path(&id);
    let whole = fs::read_to_string(&path).expect("written");
    for broken in [
        "",
        "nonsense",
        &whole[..whole.len() / 2],
        &whole.replace("journal/v1", "journal/v2"),
        &whole.replace(&id, "20200101T000000Z-other"),
        &" ".repeat(usize::try_from(MAX_BYTES).expect("fits") + 1),
    ] {
        fs::write(&path, broken).expect("writable");
        let pending = journal.pending().expect("reads");
        assert!(
            matches!(pending.as_slice(), [Pending::Unreadable { id: named, .. }] if *named == id),
            "{pending:?}"
        );
        assert!(matches!(journal.take(&id), Err(JournalError::Unreadable { .. })));
    }
    journal.forget(&id).expect("dropped");
    assert!(journal.pending().expect("reads").is_empty());
}

#[test]
fn ids_name_no_other_files() {
    let (dir, journal) = journal();
    fs::write(dir.path().join("x.json"), "{}").expect("written");
    for id in ["../../x", "/etc/passwd", "", ".x", "a/b"] {
        assert!(matches!(journal.take(id), Err(JournalError::Gone { .. })), "{id:?}");
        assert!(matches!(journal.forget(id), Err(JournalError::Gone { .. })), "{id:?}");
    }
    assert!(dir.path().join("x.json").exists());
}

#[test]
fn a_write_too_large_to_record_does_not_begin() {
    let (_dir, journal) = journal();
    let mut large = draft();
    large.request.reason = Some("x".repeat(usize::try_from(MAX_BYTES).expect("fits")));
    assert!(matches!(
        journal.begin(large, now()),
        Err(JournalError::TooLarge { .. })
    ));
    assert_eq!(fs::read_dir(&journal.dir).expect("there").count(), 0);
}

#[test]
fn the_observer_hears_each_step_on_both_sides_of_the_disk() {
    let (_dir, journal) = journal();
    let heard: Arc<Mutex<Vec<(WriteStep, JournalMoment, usize)>>> = Arc::default();
    let (ears, dir) = (Arc::clone(&heard), journal.dir.clone());
    let observed = journal.observed(Arc::new(move |step, moment| {
        let files = fs::read_dir(&dir).expect("there").flatten();
        let entries = files
            .filter(|f| f.path().extension().is_some_and(|e| e == "json"))
            .count();
        ears.lock().expect("whole").push((step, moment, entries));
    }));
    let running = observed.begin(draft(), now()).expect("begins");
    running.done().expect("removed");
    assert_eq!(
        *heard.lock().expect("whole"),
        [
            (WriteStep::Planned, JournalMoment::Before, 0),
            (WriteStep::Planned, JournalMoment::After, 1),
            (WriteStep::Done, JournalMoment::Before, 1),
            (WriteStep::Done, JournalMoment::After, 0)
        ]
    );
}

#[test]
fn what_stands_follows_from_step_and_facts() {
    let (_dir, journal) = journal();
    let mut entry = journal.begin(draft(), now()).expect("begins").entry().clone();
    let facts = |landed, copied| RecoveryFacts {
        landed,
        copied,
        hold: None,
        commits_here: true,
    };
    let status = entry.recovery(facts(Fact::Unknown, Fact::No));
    assert_eq!(
        (status.pushed, status.next),
        (Fact::No, RecoveryAction::Retry),
        "nothing was ever sent"
    );
    assert_eq!(status.says(), "not wholly copied, not committed, not pushed");
    entry.commits = vec!["c".repeat(40)];
    entry.step = WriteStep::Committed;
    assert_eq!(
        entry.recovery(facts(Fact::Unknown, Fact::Yes)).next,
        RecoveryAction::Retry
    );
    for step in [WriteStep::Pushing, WriteStep::Pushed] {
        entry.step = step;
        let next = |landed| entry.recovery(facts(landed, Fact::Yes)).next;
        assert_eq!(
            [next(Fact::Yes), next(Fact::No), next(Fact::Unknown)],
            [RecoveryAction::Close, RecoveryAction::Retry, RecoveryAction::Wait],
            "{step:?}"
        );
    }
    // A hold that is pushed on its own: what of the two is there, and what is not known, is said.
    let half = |landed, hold| {
        let known = RecoveryFacts {
            hold: Some(hold),
            ..facts(landed, Fact::Yes)
        };
        let status = entry.recovery(known);
        (status.next, status.says().split_off("copied, committed, ".len()))
    };
    for (landed, hold, next, says) in [
        (Fact::No, Fact::No, RecoveryAction::Retry, "not pushed"),
        (
            Fact::No,
            Fact::Yes,
            RecoveryAction::Retry,
            "the hold is pushed, the pin is not",
        ),
        (Fact::Yes, Fact::Yes, RecoveryAction::Close, "pushed"),
        // Whoever takes the hold out of history meanwhile does not undo the pin.
        (Fact::Yes, Fact::No, RecoveryAction::Close, "pushed"),
        (
            Fact::No,
            Fact::Unknown,
            RecoveryAction::Wait,
            "the pin is not pushed, the hold perhaps: not known until the remote answers",
        ),
        (
            Fact::Unknown,
            Fact::Yes,
            RecoveryAction::Wait,
            "the hold is pushed, the pin perhaps: not known until the remote answers",
        ),
    ] {
        assert_eq!(half(landed, hold), (next, says.to_owned()), "{landed:?} {hold:?}");
    }
    let lost = RecoveryFacts {
        commits_here: false,
        ..facts(Fact::No, Fact::Unknown)
    };
    assert!(!entry.recovery(lost).committed, "commits that are gone are not made");
    entry.writes[0].copies.clear();
    assert_eq!(entry.recovery(lost).copied, None);
}

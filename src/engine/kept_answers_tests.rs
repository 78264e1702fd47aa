use std::collections::BTreeMap;

use super::*;
use crate::domain::board::Assessment;
use crate::domain::drift::DriftKind;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::reference::Repository;
use crate::engine::image_labels::VersionLabel;
use crate::engine::image_presence::PresenceScope;

const LONG: SignedDuration = SignedDuration::from_hours(1);

fn trust() -> Arc<Trust> {
    Arc::new(Trust::new(&BTreeMap::new()).expect("no profile"))
}

fn repository() -> Repository {
    Repository::parse("registry.example/shop/api").expect("a repository")
}

fn question(policy: &str) -> AssessmentKey {
    let service = Some("api".into());
    let digest = Digest::of(b"image");
    (
        repository(),
        digest,
        service,
        Some(policy.to_owned()),
        PresenceScope::default(),
    )
}

fn found(presence: Presence) -> Assessed {
    Assessed {
        asked_at: Timestamp::UNIX_EPOCH,
        assessment: Assessment {
            verdict: None,
            evidence: Arc::default(),
        },
        presence,
        label: VersionLabel::None,
        children: Vec::new(),
        via: None,
        indexes: Vec::new(),
        unlisted: None,
    }
}

fn gone() -> Assessed {
    found(Presence::Absent {
        detail: "gone".into(),
        part: None,
    })
}

/// What a pass under some trust finds kept, having kept an answer under each of two policies.
fn kept(trust: &Arc<Trust>) -> (KeptAnswers, Digest) {
    let (mut answers, tags) = (KeptAnswers::default(), Digest::of(b"tags"));
    answers.begin(trust, Timestamp::UNIX_EPOCH, |_| LONG);
    for policy in ["dev", "production"] {
        answers.keep(question(policy), &found(Presence::Present), Some(tags));
    }
    answers.end(&[]);
    (answers, tags)
}

#[test]
fn an_answer_counts_until_the_tags_around_it_change() {
    let trust = trust();
    let (mut answers, tags) = kept(&trust);
    answers.begin(&trust, Timestamp::UNIX_EPOCH, |_| LONG);
    assert!(answers.get(&question("dev"), tags).is_some());
    assert!(answers.get(&question("dev"), Digest::of(b"others")).is_none());
    assert!(answers.get(&question("test"), tags).is_none(), "nobody asked");
}

#[test]
fn another_policy_or_root_leaves_nothing() {
    let (mut answers, tags) = kept(&trust());
    answers.begin(&trust(), Timestamp::UNIX_EPOCH, |_| LONG);
    assert!(answers.get(&question("dev"), tags).is_none());
}

#[test]
fn a_doubt_under_one_policy_is_one_about_the_place() {
    let trust = trust();
    let (mut answers, tags) = kept(&trust);
    answers.begin(&trust, Timestamp::UNIX_EPOCH, |_| LONG);
    answers.keep(question("production"), &gone(), Some(tags));
    assert!(answers.get(&question("dev"), tags).is_none());
    answers.keep(question("dev"), &found(Presence::Present), Some(tags));
    assert!(answers.get(&question("dev"), tags).is_none(), "not in this pass");
    // Cut short, without an end: the next one has it from nowhere, either.
    answers.begin(&trust, Timestamp::UNIX_EPOCH, |_| LONG);
    assert!(answers.get(&question("dev"), tags).is_none());
}

#[test]
fn what_is_not_known_whole_is_not_kept() {
    let trust = trust();
    let unlisted = Assessed {
        unlisted: Some("no list".into()),
        ..found(Presence::Present)
    };
    // Nobody knows then which tag names its version, and whether that one moved.
    let unlabelled = Assessed {
        label: VersionLabel::Unread(Failure::new(FailureKind::Unreachable, "timeout")),
        ..found(Presence::Present)
    };
    let whole = found(Presence::Present);
    for (found, has_tags) in [(unlisted, true), (unlabelled, true), (gone(), true), (whole, false)] {
        let (mut answers, tags) = kept(&trust);
        answers.begin(&trust, Timestamp::UNIX_EPOCH, |_| LONG);
        answers.keep(question("dev"), &found, has_tags.then_some(tags));
        assert!(answers.get(&question("dev"), tags).is_none(), "{found:?}");
    }
}

#[test]
fn a_clock_that_was_set_back_leaves_nothing() {
    let trust = trust();
    let (mut answers, tags) = kept(&trust);
    let minute = |minutes: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
    answers.begin(&trust, minute(14), |_| LONG);
    assert!(answers.get(&question("dev"), tags).is_some());
    answers.begin(&trust, minute(4), |_| LONG);
    assert!(answers.get(&question("dev"), tags).is_none());
}

#[test]
fn drift_that_a_registry_can_end_is_asked_about_in_the_next_pass() {
    let trust = trust();
    for (kind, is_kept) in [(DriftKind::TagMoved, false), (DriftKind::SkippedEnvironment, true)] {
        let (mut answers, tags) = kept(&trust);
        answers.begin(&trust, Timestamp::UNIX_EPOCH, |_| LONG);
        assert!(answers.get(&question("dev"), tags).is_some());
        let drift = Drift {
            id: "one".to_owned(),
            kind,
            service: "api".into(),
            environment: Some("dev".into()),
            component: None,
            image: repository(),
            tag: None,
            expected: Some(Digest::of(b"image")),
            found: None,
            since: Timestamp::UNIX_EPOCH,
            detail: "it drifts".into(),
        };
        answers.end(&[drift]);
        assert_eq!(answers.get(&question("dev"), tags).is_some(), is_kept, "{kind:?}");
    }
}

#[test]
fn what_a_pass_did_not_come_to_is_forgotten() {
    let trust = trust();
    let (mut answers, tags) = kept(&trust);
    answers.begin(&trust, Timestamp::UNIX_EPOCH, |_| LONG);
    assert!(answers.get(&question("dev"), tags).is_some());
    answers.end(&[]);
    assert!(answers.get(&question("production"), tags).is_none());
    assert!(answers.get(&question("dev"), tags).is_some());
}

use std::collections::BTreeSet;

use super::*;
use crate::domain::board::{RepositoryInfo, TagSource};
use crate::domain::candidate::Candidate;
use crate::domain::evidence::CauseKind;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{Digest, Target};
use crate::domain::pin::Pin;
use crate::domain::reference::Repository;
use crate::domain::verdict::{Outcome, Verdict};

const REPOSITORY: &str = "registry.example.com/shop/api";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn digest() -> Digest {
    Digest::of(b"pinned")
}

fn pin() -> Pin {
    Pin {
        target: Target::new("api", "production"),
        image: Repository::parse(REPOSITORY).expect("a repository"),
        tag: Some("1.4.0".to_owned()),
        digest: Some(digest()),
        locations: Vec::new(),
        component: None,
        uncertain: None,
    }
}

fn opened() -> Update {
    Update::Opened {
        repository: RepositoryInfo {
            path: "/srv/gitops".to_owned(),
            branch: "main".to_owned(),
            commit: "c".repeat(40),
            remote: None,
            ahead: 0,
            behind: 0,
            dirty: false,
            elsewhere: Default::default(),
            fetch: crate::domain::board::Fetch::NotAsked,
        },
        environments: Vec::new(),
        services: vec![ServiceRow::new("api".into(), None, vec![pin()])],
        unmanaged: Vec::new(),
    }
}

fn judged(result: Outcome, cause: Option<CauseKind>) -> Assessment {
    let cause = cause.map(|cause| crate::domain::Cause {
        check: crate::domain::verdict::CheckOf::Digest,
        cause,
        detail: "r.example answers 503".into(),
        subject: None,
    });
    Assessment {
        verdict: Some(Verdict {
            result,
            policy: "release".to_owned(),
            policy_digest: Digest::of(b"policy"),
            at: at(1),
            causes: cause.into_iter().collect(),
        }),
        evidence: std::sync::Arc::default(),
    }
}

fn answered<T>(second: i64, result: Result<T, Failure>) -> Answered<T> {
    Answered { result, at: at(second) }
}

fn down<T>() -> Result<T, Failure> {
    Err(Failure::unreachable("r.example answers 503"))
}

/// One pass: tag and candidate as given, and the verdicts of both.
fn pass(
    board: &mut Board,
    second: i64,
    tag: Result<Option<Digest>, Failure>,
    candidate: Result<Option<Candidate>, Failure>,
    assessment: Assessment,
) {
    let asked = candidate.is_ok();
    let updates = [
        opened(),
        Update::Tag {
            key: pin().key(),
            source: TagSource::Pin("1.4.0".to_owned()),
            immutable: true,
            matches_via_index: tag.is_ok(),
            digest: answered(second, tag),
        },
        Update::Candidate("api".into(), answered(second, candidate)),
        Update::Assessed {
            key: pin().key(),
            assessment: answered(second, Ok(assessment.clone())),
            version: None,
            same_image: BTreeSet::new(),
            missing: false,
        },
    ];
    updates.into_iter().for_each(|update| board.apply(update));
    if asked {
        board.apply(Update::CandidateAssessed(
            "api".into(),
            answered(second, Ok(assessment)),
        ));
    }
    board.apply(Update::Finished(at(second)));
}

fn candidate() -> Candidate {
    Candidate {
        image: pin().image,
        tag: "main".to_owned(),
        digest: digest(),
        versions: Vec::new(),
    }
}

#[test]
fn a_registry_that_fails_after_a_good_pass_empties_nothing() {
    let mut board = Board::default();
    let good = judged(Outcome::Verified, None);
    pass(&mut board, 100, Ok(Some(digest())), Ok(Some(candidate())), good.clone());
    assert!(board.unreachable().is_none());
    let unknown = judged(Outcome::Unknown, Some(CauseKind::Unreachable));
    // Twice: the second failure must not lose what the first one kept.
    for second in [200, 300] {
        pass(&mut board, second, down(), down(), unknown.clone());
        let row = &board.services[0];
        let cell = &row.cells[0];
        assert!(row.candidate.is_unreachable() && row.assessment.is_unreachable());
        assert_eq!(row.candidate.value(), Some(&Some(candidate())));
        assert_eq!(
            (row.candidate.at(), row.assessment.at()),
            (Some(at(100)), Some(at(100)))
        );
        assert!(cell.tag_digest.is_unreachable() && cell.assessment.is_unreachable());
        assert_eq!(
            (cell.tag_digest.value(), cell.tag_digest.at()),
            (Some(&Some(digest())), Some(at(100)))
        );
        assert!(cell.tag_matches_via_index);
        assert_eq!(
            (cell.assessment.value(), cell.assessment.at()),
            (Some(&good), Some(at(100)))
        );
        assert!(board.unreachable().is_some_and(|why| why.contains("503")));
    }
    pass(&mut board, 400, Ok(Some(digest())), Ok(Some(candidate())), good);
    assert!(board.unreachable().is_none());
    assert_eq!(board.services[0].cells[0].assessment.at(), Some(at(400)));
}

#[test]
fn a_first_pass_that_fails_says_why_there_is_no_verdict() {
    let mut board = Board::default();
    let unknown = judged(Outcome::Unknown, Some(CauseKind::Unreachable));
    pass(&mut board, 100, down(), down(), unknown.clone());
    let cell = &board.services[0].cells[0];
    assert_eq!(cell.assessment.value(), Some(&unknown));
    assert!(cell.is_unreachable());
    // A later one takes its place, so that its age is true.
    pass(&mut board, 200, down(), down(), unknown);
    assert_eq!(board.services[0].cells[0].assessment.at(), Some(at(200)));
}

#[test]
fn a_verdict_that_was_made_always_counts() {
    let mut board = Board::default();
    let tag = || Ok(Some(digest()));
    pass(&mut board, 100, tag(), Ok(None), judged(Outcome::Verified, None));
    assert_eq!(board.services[0].assessment.value().map(|_| ()), Some(()));
    pass(
        &mut board,
        200,
        tag(),
        Ok(None),
        judged(Outcome::Rejected, Some(CauseKind::Absent)),
    );
    let result = board.services[0].cells[0].verdict().map(|v| v.result);
    assert_eq!(result, Some(Outcome::Rejected));
}

#[test]
fn what_was_not_asked_is_not_unreachable() {
    let mut board = Board::default();
    let offline = || Failure::new(FailureKind::NotChecked, "--offline forbids asking");
    let unknown = judged(Outcome::Unknown, Some(CauseKind::NotChecked));
    pass(&mut board, 100, Err(offline()), Err(offline()), unknown.clone());
    let (row, cell) = (&board.services[0], &board.services[0].cells[0]);
    assert_eq!(
        (&row.candidate, &cell.tag_digest),
        (&Seen::NotChecked, &Seen::NotChecked)
    );
    assert_eq!(cell.assessment.value(), Some(&unknown));
    assert!(!cell.is_unreachable());
    assert_eq!(board.unreachable(), None);
}

#[test]
fn a_key_is_of_its_own_pin_and_of_no_other() {
    let pin = pin();
    let mut all = vec![pin.clone()];
    let mut change = |with: &dyn Fn(&mut Pin)| {
        let mut other = pin.clone();
        with(&mut other);
        all.push(other);
    };
    change(&|pin| pin.digest = None);
    change(&|pin| (pin.digest, pin.tag) = (None, Some("another".to_owned())));
    change(&|pin| (pin.digest, pin.tag) = (None, None));
    change(&|pin| pin.component = Some("fpm".to_owned()));
    change(&|pin| pin.target.environment = "elsewhere".into());
    change(&|pin| pin.target.service = "another".into());
    for one in &all {
        for other in &all {
            assert_eq!(one.key().is_of(other), one.key() == other.key(), "{one:?} {other:?}");
        }
    }
}

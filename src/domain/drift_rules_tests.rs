use super::*;
use crate::domain::board::{Assessment, Hold, TagSource};
use crate::domain::drift::{Event, events};
use crate::domain::freshness::Seen;
use crate::domain::id::Target;
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::reference::Repository;
use crate::domain::verdict::{Cause, CheckOf, Verdict};

fn digest(n: u8) -> Digest {
    Digest::from_bytes([n; 32])
}

pub(super) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

pub(super) fn cell(env: &str, pinned: Option<u8>) -> Cell {
    Cell::new(Pin {
        target: Target::new("payments", env),
        image: Repository::parse("r.example/payments").expect("valid"),
        tag: Some("1.2.0".to_owned()),
        digest: pinned.map(digest),
        component: None,
        locations: Vec::new(),
        uncertain: None,
    })
}

fn tag_at(cell: &mut Cell, immutable: bool, at: Option<u8>) {
    cell.tag = TagSource::Pin("1.2.0".to_owned());
    cell.tag_is_immutable = immutable;
    cell.tag_digest = Seen::Fresh {
        value: at.map(digest),
        at: now(),
    };
}

pub(super) fn board(cells: Vec<Cell>) -> Board {
    let mut row = ServiceRow::new("payments".into(), None, Vec::new());
    row.cells = cells;
    Board {
        services: vec![row],
        ..Board::default()
    }
}

fn kinds(cells: Vec<Cell>) -> Vec<DriftKind> {
    detect(&board(cells), now()).into_iter().map(|d| d.kind).collect()
}

#[test]
fn nothing_known_is_no_drift() {
    assert_eq!(kinds(vec![cell("dev", Some(1))]), []);
}

#[test]
fn a_moved_tag_is_drift_only_if_it_must_not_move() {
    let mut moved = cell("dev", Some(1));
    tag_at(&mut moved, true, Some(2));
    let found = detect(&board(vec![moved.clone()]), now());
    assert_eq!(
        (found[0].kind, found[0].expected, found[0].found),
        (DriftKind::TagMoved, Some(digest(1)), Some(digest(2)))
    );
    tag_at(&mut moved, false, Some(2));
    assert_eq!(kinds(vec![moved.clone()]), []);
    tag_at(&mut moved, true, Some(1));
    assert_eq!(kinds(vec![moved.clone()]), []);
    tag_at(&mut moved, true, None);
    assert_eq!(
        kinds(vec![moved.clone()]),
        [],
        "a tag that does not exist moved nowhere"
    );
    tag_at(&mut moved, true, Some(2));
    moved.tag_matches_via_index = true;
    assert_eq!(kinds(vec![moved.clone()]), [], "index and platform manifest match");
    moved.tag_matches_via_index = false;
    moved.tag_digest = Seen::Unreachable {
        failure: crate::domain::Failure::unreachable("timeout"),
        last: Some((Some(digest(2)), now())),
    };
    assert_eq!(kinds(vec![moved]), [], "what could not be asked is not drift");
}

#[test]
fn each_kind_from_its_own_fact() {
    assert_eq!(kinds(vec![cell("dev", None)]), [DriftKind::PinnedByTag]);
    let mut gone = cell("dev", Some(1));
    gone.missing = true;
    assert_eq!(kinds(vec![gone]), [DriftKind::MissingFromRegistry]);
    let mut skipped = cell("dev", Some(1));
    skipped.skipped = Some(true);
    assert_eq!(kinds(vec![skipped.clone()]), [DriftKind::SkippedEnvironment]);
    skipped.skipped = None;
    assert_eq!(kinds(vec![skipped]), []);
    let mut held = cell("dev", Some(1));
    held.hold = Some(Hold {
        service: "payments".into(),
        environment: "dev".into(),
        digest: digest(1),
        reason: "bad".into(),
        since: None,
        by: None,
    });
    assert_eq!(kinds(vec![held]), [DriftKind::Held]);
    assert_eq!(
        kinds(vec![cell("dev", Some(1)), cell("dev", Some(2))]),
        [DriftKind::PinSplit]
    );
}

fn rejected(cause: CauseKind, subject: Option<u8>) -> Seen<Assessment> {
    let verdict = Verdict {
        result: Outcome::Rejected,
        policy: "p".into(),
        policy_digest: digest(0),
        at: now(),
        causes: vec![Cause {
            check: CheckOf::Evidence(crate::domain::EvidenceKind::Sbom),
            cause,
            detail: "why".into(),
            subject: subject.map(digest),
        }],
    };
    Seen::Fresh {
        value: Assessment {
            verdict: Some(verdict),
            evidence: std::sync::Arc::default(),
        },
        at: now(),
    }
}

#[test]
fn the_other_digest_is_named_by_where_it_is_pinned() {
    let mut wrong = cell("dev", Some(1));
    wrong.assessment = rejected(CauseKind::WrongSubject, Some(9));
    let found = detect(&board(vec![wrong.clone()]), now());
    assert!(!found[0].detail.raw().contains("which"), "{}", found[0].detail.raw());
    let found = detect(&board(vec![wrong, cell("staging", Some(9))]), now());
    let detail = found[0].detail.raw();
    assert!(detail.contains("which payments in staging pins (1.2.0)"), "{detail}");
}

#[test]
fn evidence_elsewhere_comes_beside_not_verified() {
    let mut wrong = cell("dev", Some(1));
    wrong.assessment = rejected(CauseKind::WrongSubject, Some(9));
    let found = detect(&board(vec![wrong]), now());
    assert_eq!(
        found.iter().map(|d| d.kind).collect::<Vec<_>>(),
        [DriftKind::EvidenceElsewhere, DriftKind::NotVerified]
    );
    assert_eq!(found[0].found, Some(digest(9)));
}

#[test]
fn a_refusal_names_each_cause_once_with_its_checks() {
    let mut refused = cell("dev", Some(1));
    refused.assessment = rejected(CauseKind::OtherSigner, None);
    if let Seen::Fresh { value, .. } = &mut refused.assessment {
        let verdict = value.verdict.as_mut().expect("a verdict");
        let one = verdict.causes[0].clone();
        for (kind, cause) in [
            (crate::domain::EvidenceKind::TestResult, CauseKind::OtherSigner),
            (crate::domain::EvidenceKind::Provenance, CauseKind::Absent),
        ] {
            verdict.causes.push(Cause {
                check: CheckOf::Evidence(kind),
                cause,
                ..one.clone()
            });
        }
    }
    let found = detect(&board(vec![refused]), now());
    assert_eq!(
        found[0].detail.clean().as_str(),
        "other signer: sbom, test-result; absent: provenance"
    );
}

#[test]
fn rebuilt_is_one_per_service_whatever_the_environment() {
    let with_version = |env, pinned: u8| {
        let mut c = cell(env, Some(pinned));
        c.version = Some("1.2.0".into());
        c
    };
    let found = detect(
        &board(vec![
            with_version("dev", 1),
            with_version("staging", 1),
            with_version("production", 2),
        ]),
        now(),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, &found[0].environment),
        (DriftKind::RebuiltPerEnvironment, &None)
    );
    assert_eq!(kinds(vec![with_version("dev", 1), with_version("staging", 1)]), []);
}

#[test]
fn ids_are_stable_and_events_follow() {
    let mut moved = cell("dev", Some(1));
    tag_at(&mut moved, true, Some(2));
    let first = detect(&board(vec![moved.clone()]), now());
    let later = Timestamp::from_second(60).expect("in range");
    let mut again = detect(&board(vec![moved.clone()]), later);
    assert_eq!(events(&first, &mut again), []);
    assert_eq!(again[0].since, first[0].since, "known since the first time");
    tag_at(&mut moved, true, Some(3));
    let mut other = detect(&board(vec![moved]), later);
    assert_eq!(
        events(&again, &mut other).iter().map(|(e, _)| *e).collect::<Vec<_>>(),
        [Event::Changed]
    );
    assert_eq!(
        events(&other, &mut []).iter().map(|(e, _)| *e).collect::<Vec<_>>(),
        [Event::Cleared]
    );
    assert_eq!(
        events(&[], &mut other).iter().map(|(e, _)| *e).collect::<Vec<_>>(),
        [Event::Appeared]
    );
}

#[test]
fn what_cannot_be_reached_is_not_cleared() {
    let mut moved = cell("dev", Some(1));
    tag_at(&mut moved, true, Some(2));
    let before = detect(&board(vec![moved.clone()]), now());
    moved.tag_digest = Seen::Unreachable {
        failure: crate::domain::Failure::unreachable("timeout"),
        last: None,
    };
    let blind = board(vec![moved.clone()]);
    let mut after = detect(&blind, now());
    carry_over(&before, &blind, &mut after);
    assert_eq!(after, before);
    tag_at(&mut moved, true, Some(1));
    let seen = board(vec![moved]);
    let mut after = detect(&seen, now());
    carry_over(&before, &seen, &mut after);
    assert_eq!(after, []);
}

/// An index (1) and one of its own platform manifests (2): the same image, pinned in two ways.
#[test]
fn an_index_and_its_own_manifest_are_one_image() {
    let labelled = |env: &str, pinned: u8, same_image: &[u8]| {
        let mut cell = cell(env, Some(pinned));
        cell.version = Some("1.2.0".into());
        cell.same_image = same_image.iter().map(|n| digest(*n)).collect();
        cell
    };
    // Either side may be the one that knows: the index lists it, or the manifest was found listed.
    for (index, child) in [(&[2, 3][..], &[][..]), (&[], &[1])] {
        let pair = |env: &str| vec![labelled("dev", 1, index), labelled(env, 2, child)];
        assert_eq!(kinds(pair("dev")), []);
        assert_eq!(kinds(pair("production")), []);
        let mut skipped = pair("production");
        skipped[1].skipped = Some(true);
        let mut board = board(skipped);
        let env = |name: &str| Environment::new(name, Vec::new());
        board.environments = vec![env("dev"), env("production")];
        board.environments[1].after = vec!["dev".into()];
        assert_eq!(detect(&board, now()), []);
        board.environments[1].after.clear();
        assert_eq!(detect(&board, now()).len(), 1);
    }
    // Two manifests of one index, and an index beside a stranger, are not.
    let strangers = vec![labelled("dev", 2, &[1]), labelled("dev", 3, &[1])];
    assert_eq!(
        kinds(strangers),
        [DriftKind::RebuiltPerEnvironment, DriftKind::PinSplit]
    );
    let three = vec![
        labelled("dev", 1, &[2]),
        labelled("dev", 2, &[1]),
        labelled("dev", 9, &[]),
    ];
    let found = detect(&board(three), now());
    let split = found.iter().find(|d| d.kind == DriftKind::PinSplit).expect("a split");
    assert_eq!((split.expected, split.found), (Some(digest(1)), Some(digest(9))));
}

#[test]
fn components_are_neither_split_nor_rebuilt() {
    let of = |env: &str, component: Option<&str>, n: u8| {
        let mut cell = cell(env, Some(n));
        cell.pin.component = component.map(str::to_owned);
        cell.version = Some("1.2.0".into());
        cell
    };
    // Two components of one version in one environment are two images.
    let two = vec![of("dev", Some("fpm"), 1), of("dev", Some("nginx"), 2)];
    assert_eq!(kinds(two), []);
    // The same component with two digests is both.
    let same = vec![of("dev", Some("fpm"), 1), of("dev", Some("fpm"), 2)];
    let found = detect(&board(same), now());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found
            .iter()
            .any(|d| d.kind == DriftKind::PinSplit && d.component.as_deref() == Some("fpm")),
        "{found:?}"
    );
    // What is about one component has another identity than the same about another.
    let by_tag = |component| {
        let mut cell = of("dev", component, 1);
        cell.pin.digest = None;
        detect(&board(vec![cell]), now()).remove(0).id
    };
    assert_ne!(by_tag(Some("fpm")), by_tag(Some("nginx")));
}

/// A pin by tag while its registry does not answer for one pass: the same drift, with what was found before.
#[test]
fn a_silent_registry_gives_a_drift_no_other_identity() {
    let mut by_tag = cell("dev", None);
    tag_at(&mut by_tag, false, Some(2));
    let before = detect(&board(vec![by_tag.clone()]), now());
    by_tag.tag_digest = Seen::Unreachable {
        failure: crate::domain::Failure::unreachable("timeout"),
        last: None,
    };
    let blind = board(vec![by_tag.clone()]);
    let mut after = detect(&blind, now());
    assert_eq!((after[0].found, &after[0].id), (None, &before[0].id));
    carry_over(&before, &blind, &mut after);
    assert_eq!(after, before);
    assert_eq!(events(&before, &mut after), []);
    // The registry answers again, and the tag is at something else: the same drift has changed.
    tag_at(&mut by_tag, false, Some(3));
    let mut moved = detect(&board(vec![by_tag]), now());
    let found: Vec<Event> = events(&after, &mut moved).into_iter().map(|(event, _)| event).collect();
    assert_eq!((found, &moved[0].id), (vec![Event::Changed], &before[0].id));
}

/// What is not pinned any more, or pinned by digest now, is over, whether or not the registry answers.
#[test]
fn what_git_says_is_over_is_not_kept_for_a_silent_registry() {
    let unreachable = || Seen::Unreachable {
        failure: crate::domain::Failure::unreachable("timeout"),
        last: None,
    };
    let mut moved = cell("dev", Some(1));
    tag_at(&mut moved, true, Some(2));
    let before = [
        detect(&board(vec![cell("dev", None)]), now()),
        detect(&board(vec![moved]), now()),
    ]
    .concat();
    assert_eq!(before.len(), 2);
    let mut repinned = cell("dev", Some(9));
    repinned.tag_digest = unreachable();
    let blind = board(vec![repinned]);
    let mut after = detect(&blind, now());
    carry_over(&before, &blind, &mut after);
    assert_eq!(after, []);
}

/// What a registry may have said about a pin.
#[derive(Debug, Clone)]
struct Known {
    tag: Option<Option<u8>>,
    version: bool,
    same_image: bool,
    missing: bool,
    rejected: Option<Option<u8>>,
}

impl Known {
    fn tell(&self, cell: &mut Cell) {
        if let Some(at) = self.tag {
            tag_at(cell, true, at);
        } else {
            cell.tag = TagSource::Pin("1.2.0".to_owned());
            cell.tag_is_immutable = true;
            cell.tag_digest = Seen::Unreachable {
                failure: crate::domain::Failure::unreachable("timeout"),
                last: None,
            };
        }
        cell.version = self.version.then(|| "1.2.0".into());
        if self.same_image {
            cell.same_image = [digest(1), digest(2)].into();
        }
        cell.missing = self.missing;
        if let Some(subject) = self.rejected {
            cell.assessment = rejected(CauseKind::WrongSubject, subject);
        }
    }
}

mod identity {
    use proptest::prelude::*;

    use super::*;

    fn known() -> impl Strategy<Value = Known> {
        let tag = proptest::option::of(proptest::option::of(1..4u8));
        let rejected = proptest::option::of(proptest::option::of(1..4u8));
        (tag, any::<bool>(), any::<bool>(), any::<bool>(), rejected).prop_map(
            |(tag, version, same_image, missing, rejected)| Known {
                tag,
                version,
                same_image,
                missing,
                rejected,
            },
        )
    }

    /// Any part of it, or nothing.
    fn less(known: &Known, keep: [bool; 5]) -> Known {
        Known {
            tag: known.tag.filter(|_| keep[0]),
            version: known.version && keep[1],
            same_image: known.same_image && keep[2],
            missing: known.missing && keep[3],
            rejected: known.rejected.filter(|_| keep[4]),
        }
    }

    /// What git says of a pin.
    type Pinned = (usize, Option<u8>, bool, bool);

    fn cells(pins: &[(Pinned, Known, [bool; 5])], all: bool) -> Vec<Cell> {
        let mut out: Vec<Cell> = Vec::new();
        for ((env, pinned, held, skipped), known, keep) in pins {
            let mut cell = cell(["dev", "staging", "production"][*env], *pinned);
            cell.skipped = Some(*skipped);
            cell.hold = held.then(|| Hold {
                service: "payments".into(),
                environment: "dev".into(),
                digest: digest(1),
                reason: "bad".into(),
                since: None,
                by: None,
            });
            // A place pins a digest once.
            if out.iter().any(|other| other.pin.key() == cell.pin.key()) {
                continue;
            }
            if all { known.clone() } else { less(known, *keep) }.tell(&mut cell);
            out.push(cell);
        }
        out
    }

    proptest! {
        /// Whatever a registry no longer says, a drift that is still known is known by the same id, and no
        /// two drifts share one.
        #[test]
        fn an_id_never_changes_when_information_is_removed(
            pins in proptest::collection::vec(
                (
                    (0..3usize, proptest::option::of(1..4u8), any::<bool>(), any::<bool>()),
                    known(),
                    any::<[bool; 5]>(),
                ),
                1..6,
            ),
        ) {
            let rich = detect(&board(cells(&pins, true)), now());
            let poor = detect(&board(cells(&pins, false)), now());
            for drifts in [&rich, &poor] {
                let ids: std::collections::BTreeSet<&str> = drifts.iter().map(|d| d.id.as_str()).collect();
                prop_assert_eq!(ids.len(), drifts.len());
            }
            // By what a person would call the same finding, without looking at ids.
            let finding = |d: &Drift| {
                let one_a_place = matches!(d.kind, DriftKind::PinSplit | DriftKind::RebuiltPerEnvironment);
                (d.kind, d.environment.clone(), d.expected.filter(|_| !one_a_place))
            };
            for drift in &poor {
                for same in rich.iter().filter(|other| finding(other) == finding(drift)) {
                    prop_assert_eq!(&same.id, &drift.id, "{:?} {:?}", same, drift);
                }
            }
        }
    }
}

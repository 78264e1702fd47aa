use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::hold::sample as hold;
use crate::domain::policy::Environment;

fn digest(name: u8) -> Digest {
    Digest::from_bytes([name; 32])
}

/// A commit at this minute of the history.
fn by(minute: i64) -> PinnedBy {
    PinnedBy {
        commit: format!("{minute:040x}"),
        author: "Ada".into(),
        at: Timestamp::from_second(minute * 60).expect("a time"),
        subject: "bump".into(),
    }
}

/// A commit at `minute` that replaces one digest by another.
fn change(minute: i64, from: u8, to: u8, is_revert: bool) -> DigestChange {
    let side = |name: u8| -> PinnedDigests {
        let tag = format!("v{name}");
        [(digest(name), Some(tag))].into()
    };
    DigestChange {
        by: by(minute),
        is_revert,
        before: side(from),
        after: side(to),
    }
}

const PROMOTE: bool = false;
const REVERT: bool = true;

/// A history, oldest first, of (minute, new digest, whether the commit is a revert) that begins with `first`.
fn history(first: u8, steps: &[(i64, u8, bool)]) -> Vec<DigestChange> {
    let mut pinned = first;
    let mut all = Vec::new();
    for (minute, to, is_revert) in steps {
        all.push(change(*minute, pinned, *to, *is_revert));
        pinned = *to;
    }
    all.reverse();
    all
}

fn environments() -> Vec<Environment> {
    ["staging", "production", "mirror"]
        .into_iter()
        .map(|name| Environment::new(name, Vec::new()))
        .collect()
}

fn earlier(history: &[DigestChange], holds: &[Hold]) -> Vec<EarlierDigest> {
    let now: BTreeSet<Digest> = history
        .first()
        .map(|c| c.after.keys().copied().collect())
        .unwrap_or_default();
    let target = Target::new("payments", "production");
    let (environments, services) = (environments(), BTreeSet::from(["payments".into()]));
    let holds = HoldsInForce {
        holds,
        environments: &environments,
        services: &services,
    };
    earlier_digests(history, &now, holds, &target)
}

/// The chosen digest and those that were skipped for it.
fn chosen(history: &[DigestChange], holds: &[Hold]) -> (Option<Digest>, Vec<Digest>) {
    let all = earlier(history, holds);
    let choice = last_known_good(&all);
    (
        choice.target.map(|one| one.digest),
        choice.skipped.iter().map(|one| one.digest).collect(),
    )
}

/// The service was renamed after the hold was made: the digest is not chosen by itself all the same.
#[test]
fn a_hold_under_an_older_name_is_never_chosen() {
    let history = history(1, &[(100, 2, PROMOTE), (300, 3, PROMOTE)]);
    let mut old = hold("staging", 2);
    old.service = "money".into();
    assert_eq!(chosen(&history, &[old]), (Some(digest(1)), vec![digest(2)]));
}

#[test]
fn the_table_of_histories() {
    type Case<'a> = (&'a str, Vec<DigestChange>, Vec<Hold>, Option<u8>, Vec<u8>);
    let cases: Vec<Case<'_>> = vec![
        ("nothing was ever pinned before", Vec::new(), vec![], None, vec![]),
        (
            "one promotion",
            history(1, &[(100, 2, PROMOTE)]),
            vec![],
            Some(1),
            vec![],
        ),
        (
            "the newest earlier one, not the oldest",
            history(1, &[(100, 2, PROMOTE), (300, 3, PROMOTE)]),
            vec![],
            Some(2),
            vec![],
        ),
        (
            "after a revert, the digest that it took out is skipped",
            history(1, &[(100, 2, PROMOTE), (300, 3, PROMOTE), (310, 2, REVERT)]),
            vec![],
            Some(1),
            vec![3],
        ),
        (
            "the pinned digest is never its own target",
            history(1, &[(100, 2, PROMOTE), (310, 1, REVERT)]),
            vec![],
            None,
            vec![2],
        ),
        (
            "taken back once, promoted again and replaced: the newest entry counts",
            history(
                1,
                &[
                    (100, 2, PROMOTE),
                    (310, 1, REVERT),
                    (400, 2, PROMOTE),
                    (900, 3, PROMOTE),
                ],
            ),
            vec![],
            Some(2),
            vec![],
        ),
        (
            "good once, taken back later: the newest entry counts",
            history(
                1,
                &[
                    (100, 2, PROMOTE),
                    (200, 3, PROMOTE),
                    (300, 2, PROMOTE),
                    (400, 4, REVERT),
                    (500, 5, PROMOTE),
                ],
            ),
            vec![],
            Some(4),
            vec![],
        ),
        (
            "a hold here skips",
            history(1, &[(100, 2, PROMOTE), (300, 3, PROMOTE)]),
            vec![hold("production", 2)],
            Some(1),
            vec![2],
        ),
        (
            "a hold in an earlier environment skips",
            history(1, &[(100, 2, PROMOTE), (300, 3, PROMOTE)]),
            vec![hold("staging", 2)],
            Some(1),
            vec![2],
        ),
        (
            "a hold in a later environment does not",
            history(1, &[(100, 2, PROMOTE), (300, 3, PROMOTE)]),
            vec![hold("mirror", 2)],
            Some(2),
            vec![],
        ),
        (
            "everything is skipped",
            history(1, &[(100, 2, PROMOTE), (300, 3, REVERT)]),
            vec![hold("production", 1)],
            None,
            vec![2, 1],
        ),
    ];
    for (name, history, holds, target, skipped) in cases {
        let skipped: Vec<Digest> = skipped.into_iter().map(digest).collect();
        assert_eq!(chosen(&history, &holds), (target.map(digest), skipped), "{name}");
    }
}

#[test]
fn each_earlier_digest_tells_its_newest_entry() {
    let history = history(
        1,
        &[
            (100, 2, PROMOTE),
            (130, 3, PROMOTE),
            (300, 2, PROMOTE),
            (310, 4, REVERT),
        ],
    );
    let all = earlier(&history, &[hold("staging", 3)]);
    let told: Vec<_> = all
        .iter()
        .map(|one| {
            (
                one.digest,
                one.tag.as_deref().unwrap_or_default(),
                one.pinned.as_ref().map(|by| by.at.as_second() / 60),
                one.replaced.at.as_second() / 60,
                one.ended_by_revert,
                one.hold.is_some(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (digest(2), "v2", Some(300), 310, true, false),
            (digest(3), "v3", Some(130), 300, false, true),
            (digest(1), "v1", None, 100, false, false),
        ]
    );
}

#[test]
fn one_that_stood_less_than_an_hour_gets_a_warning_with_that_time() {
    for (replaced, warned) in [
        (101, Some("1 minute")),
        (159, Some("59 minutes")),
        (160, None),
        (99, Some("0 seconds")),
    ] {
        let history = history(1, &[(100, 2, PROMOTE), (replaced, 3, PROMOTE)]);
        let all = earlier(&history, &[]);
        let words = remarks(&last_known_good(&all));
        match warned {
            Some(time) => assert!(
                words.len() == 1 && words[0].raw().contains(&format!("only {time} ")),
                "{words:?}"
            ),
            None => assert!(words.is_empty(), "{words:?}"),
        }
    }
    // A history that does not reach its pin proves no time.
    let history = history(1, &[(100, 2, PROMOTE)]);
    assert_eq!(earlier(&history, &[])[0].stood_seconds(), None);
}

#[test]
fn what_is_skipped_is_named_with_its_reason() {
    let history = history(1, &[(100, 2, PROMOTE), (300, 3, PROMOTE), (400, 4, REVERT)]);
    let all = earlier(&history, &[hold("staging", 2)]);
    let words: Vec<String> = remarks(&last_known_good(&all))
        .iter()
        .map(|words| words.raw().to_owned())
        .collect();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words[0].contains(&digest(3).to_string()) && words[0].contains("taken out by the revert"),
        "{words:?}"
    );
    assert!(
        words[1].contains(&digest(2).to_string()) && words[1].contains("on hold in staging: \"crashes on start\""),
        "{words:?}"
    );
}

#[test]
fn a_warned_digest_is_good_only_when_it_is_acknowledged() {
    for (result, acknowledged, good) in [
        (Outcome::Verified, false, true),
        (Outcome::Warned, false, false),
        (Outcome::Warned, true, true),
        (Outcome::Rejected, true, false),
        (Outcome::Unknown, true, false),
    ] {
        assert_eq!(is_good(result, acknowledged), good, "{result:?}");
    }
}

#[test]
fn only_the_digest_of_the_newest_revert_undoes_it() {
    let history = history(
        1,
        &[
            (100, 2, PROMOTE),
            (200, 1, REVERT),
            (300, 3, PROMOTE),
            (400, 1, REVERT),
            (500, 5, PROMOTE),
        ],
    );
    assert!(undoes_a_revert(&history, digest(3)));
    for other in [1, 2, 5, 9] {
        assert!(!undoes_a_revert(&history, digest(other)), "{other}");
    }
    assert_eq!(
        reverted(&history, digest(2)).map(|by| by.at.as_second()),
        Some(200 * 60)
    );
    assert_eq!(reverted(&history, digest(5)), None);
}

#[test]
fn a_split_pin_offers_each_of_its_digests_once() {
    let mut split = change(100, 1, 3, PROMOTE);
    split.before.insert(digest(2), None);
    let older = change(50, 2, 1, PROMOTE);
    let all = earlier(&[split, older], &[]);
    assert_eq!(
        all.iter().map(|one| one.digest).collect::<Vec<_>>(),
        [digest(1), digest(2)]
    );
}

proptest! {
    /// Whatever the history and the holds: the default is never what is pinned, never a digest that a hold
    /// closes here, and never one whose newest entry ended by a revert; and nothing that is none of these
    /// and newer is passed over.
    #[test]
    fn never_a_held_or_taken_back_digest(
        steps in proptest::collection::vec((0u8..6, any::<bool>()), 0..24),
        held in proptest::collection::vec((0u8..6, 0usize..3), 0..5),
    ) {
        let steps: Vec<(i64, u8, bool)> = steps
            .into_iter()
            .enumerate()
            .map(|(at, (to, is_revert))| (i64::try_from(at).expect("small"), to, is_revert))
            .collect();
        let history = history(0, &steps);
        let names = ["staging", "production", "mirror"];
        let holds: Vec<Hold> = held.iter().map(|(name, at)| hold(names[*at], *name)).collect();
        let all = earlier(&history, &holds);
        let choice = last_known_good(&all);
        let now = history.first().map(|change| change.after.clone()).unwrap_or_default();
        let is_closed = |digest: Digest| holds.iter().any(|h| h.digest == digest && h.environment != "mirror".into());
        let newest_end = |digest: Digest| history.iter().find(|change| change.takes_out(digest));
        let is_good = |digest: Digest| {
            !now.contains_key(&digest) && !is_closed(digest) && newest_end(digest).is_some_and(|end| !end.is_revert)
        };
        if let Some(target) = choice.target {
            prop_assert!(is_good(target.digest));
            prop_assert!(choice.skipped.iter().all(|one| !is_good(one.digest)));
        } else {
            prop_assert!((0..6).all(|name| !is_good(digest(name))));
        }
        // Each digest is listed once, and only what is not pinned now.
        let listed: BTreeSet<Digest> = all.iter().map(|one| one.digest).collect();
        prop_assert_eq!(listed.len(), all.len());
        prop_assert!(listed.iter().all(|digest| !now.contains_key(digest)));
    }
}

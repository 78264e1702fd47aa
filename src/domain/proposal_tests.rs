use super::*;

fn digest(n: u8) -> Digest {
    Digest::from_bytes([n; 32])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn pin(branch: &str, seconds: i64) -> ProposedPin {
    ProposedPin {
        target: Target::new("payments", "production"),
        from: Some(digest(1)),
        to: digest(2),
        branch: branch.to_owned(),
        head: "a".repeat(40),
        at: at(seconds),
        is_contained: false,
    }
}

fn there(state: ProposalState, checks: Option<CheckCounts>) -> ForgeProposal {
    ForgeProposal {
        number: 41,
        url: Some("https://forge.example/o/r/pulls/41".to_owned()),
        state,
        is_draft: false,
        head: None,
        checks,
    }
}

fn answered(mut report: ProposalReport, answer: Option<ForgeProposal>) -> ProposalReport {
    report.forge = Seen::Fresh {
        value: answer,
        at: at(9),
    };
    report.explained();
    report
}

/// Whatever a forge says, only a pinned digest is a merged one, and a pinned digest always is.
#[test]
fn git_alone_says_that_it_is_merged() {
    for said in [ProposalState::Open, ProposalState::Merged, ProposalState::Closed] {
        let waits = answered(
            ProposalReport::of(pin("pindeck/a", 1), Some(digest(1))),
            Some(there(said, None)),
        );
        assert_ne!(waits.state, ProposalState::Merged, "{said:?}");
        let pinned = answered(
            ProposalReport::of(pin("pindeck/a", 1), Some(digest(2))),
            Some(there(said, None)),
        );
        assert_eq!(pinned.state, ProposalState::Merged, "{said:?}");
    }
}

#[test]
fn a_cell_says_it_in_few_words() {
    let open = || ProposalReport::of(pin("pindeck/a", 1), Some(digest(1)));
    let checks = |passed, failed, pending| {
        Some(CheckCounts {
            passed,
            failed,
            pending,
        })
    };
    for (report, words) in [
        (open(), "proposed"),
        (answered(open(), None), "proposed"),
        (answered(open(), Some(there(ProposalState::Open, None))), "proposed #41"),
        (
            answered(open(), Some(there(ProposalState::Open, checks(3, 0, 0)))),
            "proposed #41, checks 3/3 passed",
        ),
        (
            answered(open(), Some(there(ProposalState::Open, checks(1, 0, 2)))),
            "proposed #41, checks 1/3 passed, 2 pending",
        ),
        (
            answered(open(), Some(there(ProposalState::Open, checks(1, 1, 1)))),
            "proposed #41, checks 1/3 failed",
        ),
        (
            answered(open(), Some(there(ProposalState::Open, checks(0, 0, 0)))),
            "proposed #41",
        ),
        (
            answered(open(), Some(there(ProposalState::Closed, None))),
            "closed unmerged #41",
        ),
        (
            answered(open(), Some(there(ProposalState::Merged, None))),
            "merged #41 there, not pinned here",
        ),
        (ProposalReport::of(pin("pindeck/a", 1), Some(digest(2))), "merged"),
        (
            ProposalReport::of(pin("pindeck/a", 1), Some(digest(3))),
            "proposed, overtaken",
        ),
    ] {
        assert_eq!(report.brief(), words);
    }
    let mut unreachable = open();
    unreachable.forge = Seen::Unreachable {
        failure: Failure::unreachable("no"),
        last: Some((Some(there(ProposalState::Open, None)), at(3))),
    };
    assert_eq!(unreachable.brief(), "proposed #41, forge unreachable");
}

#[test]
fn what_waits_is_shown_before_what_is_over() {
    let open = |branch, seconds| ProposalReport::of(pin(branch, seconds), Some(digest(1)));
    let overtaken = ProposalReport::of(pin("pindeck/old", 9), Some(digest(3)));
    let closed = answered(open("pindeck/closed", 8), Some(there(ProposalState::Closed, None)));
    let all = vec![open("pindeck/a", 1), overtaken, closed.clone(), open("pindeck/b", 2)];
    assert_eq!(chosen(all).expect("one").pin.branch, "pindeck/b");
    assert_eq!(chosen(vec![closed.clone()]), Some(closed));
    // Merged long ago, and another digest is pinned since.
    let mut past = ProposalReport::of(pin("pindeck/past", 7), Some(digest(3)));
    past.pin.is_contained = true;
    assert_eq!(chosen(vec![past]), None);
}

#[test]
fn what_was_known_of_the_same_branch_stays_until_it_is_asked_again() {
    let open = |branch| ProposalReport::of(pin(branch, 1), Some(digest(1)));
    let known = answered(open("pindeck/a"), Some(there(ProposalState::Closed, None)));
    let kept = open("pindeck/a").keeping(Some(&known));
    assert_eq!((kept.state, kept.forge.at()), (ProposalState::Closed, Some(at(9))));
    assert_eq!(open("pindeck/b").keeping(Some(&known)).forge, Seen::NotChecked);
}

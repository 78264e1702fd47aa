use super::*;
use crate::domain::id::Digest;
use crate::domain::plan::{PolicyUsed, Verb};
use crate::domain::policy::Confirm;
use crate::domain::reference::Repository;
use crate::domain::write::{Ask, Request};

fn plan() -> Plan {
    Plan {
        verb: Verb::Promote,
        service: "payments".into(),
        environment: "production".into(),
        component: None,
        image: Some(Repository::parse("registry.example/payments").expect("a repository")),
        from: None,
        to: Digest::from_bytes([7; 32]),
        base_commit: "1".repeat(40),
        policy: PolicyUsed {
            name: "release".to_owned(),
            digest: Digest::from_bytes([1; 32]),
            source: "file".to_owned(),
        },
        edits: Vec::new(),
        copies: Vec::new(),
        loose_copies: Vec::new(),
        holds: Default::default(),
        gates: vec![gate(GateState::Waived)],
        warnings: Vec::new(),
        verdict: None,
        message: String::new(),
        confirm: Confirm::Y,
    }
}

fn gate(state: GateState) -> Gate {
    Gate {
        gate: GateName::Freeze,
        state,
        detail: "".into(),
        opener: None,
        waivable: false,
    }
}

fn prepared(plan: Plan, write: WriteMode) -> Prepared {
    Prepared {
        proposal: Proposal {
            request: Request::new(Ask::Pin {
                services: Vec::new(),
                environment: None,
            }),
            plans: vec![plan],
            already: Vec::new(),
            alternatives: Vec::new(),
            whole_commit: None,
            repository: None,
            holds_on: None,
            remote: "origin".to_owned(),
            remote_at: Some(Digest::from_bytes([3; 32])),
            branch: match write {
                WriteMode::Push => "main".to_owned(),
                WriteMode::Branch => "pindeck/x".to_owned(),
            },
            command: String::new(),
        },
        drafts: Vec::new(),
        write,
    }
}

fn compared(confirmed: RecordedWrite, now: Prepared) -> ProposalComparison {
    compared_with(confirmed, now, false)
}

fn compared_with(confirmed: RecordedWrite, now: Prepared, hold_landed: bool) -> ProposalComparison {
    let confirmed = Confirmed {
        writes: vec![confirmed],
        branch: "main".to_owned(),
        repository: None,
        holds_on: None,
        remote_at: Some(Digest::from_bytes([3; 32])),
        way: WriteMode::Push,
        hold_landed,
    };
    compare(&confirmed, &now)
}

#[test]
fn what_the_journal_gives_back_is_the_same() {
    let text = serde_json::to_string(&RecordedWrite::of(&plan())).expect("JSON");
    let back: RecordedWrite = serde_json::from_str(&text).expect("a write");
    assert_eq!(
        compared(back, prepared(plan(), WriteMode::Push)),
        ProposalComparison::Same
    );
}

#[test]
fn everything_that_was_confirmed_is_compared() {
    type Edit = fn(&mut Plan);
    let changes: [(&str, Edit); 6] = [
        ("holds that begin and end", |p| {
            let hold = (p.service.clone(), p.environment.clone(), Digest::from_bytes([8; 32]));
            p.holds = [crate::domain::hold::HoldChange::Ends(hold.0, hold.1, hold.2)].into();
        }),
        ("policy", |p| p.policy.digest = Digest::from_bytes([2; 32])),
        ("gates", |p| p.gates = vec![gate(GateState::Open)]),
        ("confirmed in another way", |p| p.confirm = Confirm::TypeName),
        ("pins of", |p| {
            p.image = Some(Repository::parse("registry.example/other").expect("a repository"));
        }),
        ("copied", |p| {
            p.copies.push(crate::domain::plan::Copy {
                source: p.image.clone().expect("an image"),
                destination: p.image.clone().expect("an image"),
                digest: p.to,
                tag: None,
            });
        }),
    ];
    for (word, change) in changes {
        let mut now = plan();
        change(&mut now);
        let said = compared(RecordedWrite::of(&plan()), prepared(now, WriteMode::Push));
        assert!(
            matches!(&said, ProposalComparison::Moved(what) if what.contains(word)),
            "{word}: {said:?}"
        );
    }
    let said = compared(RecordedWrite::of(&plan()), prepared(plan(), WriteMode::Branch));
    assert!(
        matches!(&said, ProposalComparison::Moved(what) if what.contains("main")),
        "{said:?}"
    );
}

#[test]
fn an_entry_without_its_terms_has_moved() {
    let mut value = serde_json::to_value(RecordedWrite::of(&plan())).expect("JSON");
    value.as_object_mut().expect("an object").remove("terms");
    let old: RecordedWrite = serde_json::from_value(value).expect("an old entry is read");
    let said = compared(old, prepared(plan(), WriteMode::Push));
    assert!(
        matches!(&said, ProposalComparison::Moved(what) if what.contains("not recorded")),
        "{said:?}"
    );
}

#[test]
fn a_freeze_that_began_meanwhile_is_seen_unless_it_was_waived() {
    use jiff::civil::{Weekday, time};
    let windows = [Freeze {
        from: (Weekday::Friday, time(16, 0, 0, 0)),
        to: (Weekday::Monday, time(8, 0, 0, 0)),
        zone: "UTC".to_owned(),
    }];
    let saturday: Timestamp = "2026-01-03T12:00:00Z".parse().expect("a time");
    let tuesday: Timestamp = "2026-01-06T12:00:00Z".parse().expect("a time");
    let mut open = plan();
    open.gates = vec![gate(GateState::Open)];
    assert!(frozen_since(&open, &windows, saturday).is_some());
    assert_eq!(frozen_since(&open, &windows, tuesday), None);
    assert_eq!(frozen_since(&plan(), &windows, saturday), None);
}

#[test]
fn another_repository_is_another_write() {
    let mut now = prepared(plan(), WriteMode::Push);
    now.proposal.repository = Some("https://git.example/elsewhere".to_owned());
    let said = compared(RecordedWrite::of(&plan()), now);
    assert!(
        matches!(&said, ProposalComparison::Moved(what) if what.contains("another repository")),
        "{said:?}"
    );
}

#[test]
fn a_hold_that_landed_is_not_missed_and_nothing_new_comes_with_it() {
    let hold = |byte| {
        let of = (plan().service, plan().environment, Digest::from_bytes([byte; 32]));
        crate::domain::hold::HoldChange::Begins(of.0, of.1, of.2)
    };
    let mut confirmed = plan();
    confirmed.holds = [hold(8)].into();
    let confirmed = RecordedWrite::of(&confirmed);
    let again = |holds: Vec<crate::domain::hold::HoldChange>, hold_landed| {
        let mut now = plan();
        now.holds = holds.into_iter().collect();
        compared_with(confirmed.clone(), prepared(now, WriteMode::Push), hold_landed)
    };
    assert_eq!(again(Vec::new(), true), ProposalComparison::Same);
    assert_eq!(again(vec![hold(8)], true), ProposalComparison::Same);
    assert!(matches!(again(Vec::new(), false), ProposalComparison::Moved(_)));
    assert!(matches!(again(vec![hold(9)], true), ProposalComparison::Moved(_)));
}

#[test]
fn holds_that_landed_are_in_force_or_begin_again_as_a_whole() {
    let (service, environment) = (plan().service, plan().environment);
    let of = |byte| (service.clone(), environment.clone(), Digest::from_bytes([byte; 32]));
    let begins = |byte| HoldChange::Begins(of(byte).0, of(byte).1, of(byte).2);
    let ends = HoldChange::Ends(of(7).0, of(7).1, of(7).2);
    let mut confirmed = plan();
    confirmed.holds = [begins(8), begins(9), ends.clone()].into();
    let confirmed = RecordedWrite::of(&confirmed);
    let again = |holds: Vec<HoldChange>| {
        let mut now = plan();
        now.holds = holds.into_iter().collect();
        compared_with(confirmed.clone(), prepared(now, WriteMode::Push), true)
    };
    for same in [
        Vec::new(),
        vec![ends.clone()],
        vec![begins(8), begins(9)],
        vec![begins(8), begins(9), ends.clone()],
    ] {
        assert_eq!(again(same.clone()), ProposalComparison::Same, "{same:?}");
    }
    for moved in [vec![begins(8)], vec![begins(9), ends]] {
        let said = again(moved.clone());
        assert!(matches!(said, ProposalComparison::Moved(_)), "{moved:?}: {said:?}");
    }
}

#[test]
fn holds_that_would_lie_elsewhere_are_another_write() {
    let on = |branch: &str| {
        let mut now = prepared(plan(), WriteMode::Push);
        now.proposal.holds_on = Some(HoldsPlace {
            remote: Some("origin".to_owned()),
            remote_at: None,
            branch: branch.to_owned(),
        });
        now
    };
    let confirmed = |branch| Confirmed::of(&on(branch).proposal, "main");
    assert_eq!(compare(&confirmed("main"), &on("main")), ProposalComparison::Same);
    for now in [on("other"), prepared(plan(), WriteMode::Push)] {
        let said = compare(&confirmed("main"), &now);
        assert!(
            matches!(&said, ProposalComparison::Moved(what) if what.contains("policy and holds")),
            "{said:?}"
        );
    }
}

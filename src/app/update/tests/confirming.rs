//! What a plan needs before it is carried out.

use super::*;
use crate::app::sample::{answer_plan, asked, begun, fail_plan, planned, planned_as, proposal_of, see};
use crate::domain::failure::Failure;
use crate::domain::loose_copy::LooseCopy;
use crate::domain::plan::{Gate, GateName, GateState};
use crate::domain::policy::Confirm;
use crate::domain::write::{Ask, Proposal, Request, Scope, WriteFailure};

fn plan(state: &CockpitState) -> &crate::app::plan_screen::PlanScreen {
    match state.screen() {
        Some(Screen::Plan(plan)) => plan,
        other => panic!("no plan: {other:?}"),
    }
}

fn close_gate(proposal: &mut Proposal, gate: GateName, waivable: bool) {
    proposal.plans[0].gates.push(Gate {
        gate,
        state: GateState::Closed,
        detail: "frozen until Monday".into(),
        opener: None,
        waivable,
    });
}

fn replanned(state: &mut CockpitState, keys: &str) -> Request {
    asked(&press(state, keys)).1
}

#[test]
fn y_carries_out_exactly_what_is_shown() {
    let mut state = board();
    planned(&mut state, "p");
    let shown = plan(&state).proposal().cloned().expect("a proposal");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    assert_eq!(proposal, shown);
    assert_eq!(ticket.slot, QueryKind::Write);
    assert!(state.writing.is_some());
}

#[test]
fn enter_is_cancel() {
    let mut state = board();
    planned(&mut state, "p");
    let commands = press(&mut state, "<enter>");
    assert!(!commands.iter().any(|c| matches!(c, Command::Execute { .. })));
    assert!(state.screens.is_empty());
}

#[test]
fn no_other_key_confirms() {
    for key in [
        "p", "r", "u", "<enter>", "<space>", "Y", "<ctrl-y>", "n", "m", "a", "b", "w", "1", "<tab>", "j", "G", "P",
        "H", "?", ":", "<f5>",
    ] {
        let mut state = board();
        planned(&mut state, "p");
        let commands = press(&mut state, key);
        let executes = commands.iter().any(|c| matches!(c, Command::Execute { .. }));
        assert!(!executes && state.writing.is_none(), "{key}");
    }
}

#[test]
fn i_takes_the_loose_copies_along() {
    let mut state = board();
    planned(&mut state, "p");
    assert_eq!(press(&mut state, "i"), []);
    assert!(notice(&state).contains("no loose copy"), "{}", notice(&state));
    let mut state = board();
    planned_as(&mut state, "p", |proposal| {
        proposal.plans[0].loose_copies.push(LooseCopy {
            file: "envs/staging/images.yaml".to_owned(),
            line: 3,
            reference: "registry.example.com/shop/checkout@sha256:…".into(),
            has_digest: true,
            taken: false,
            why: None,
        });
    });
    assert!(replanned(&mut state, "i").take_copies);
}

#[test]
fn keys_typed_ahead_confirm_nothing() {
    let mut state = board();
    let (ticket, request) = asked(&press(&mut state, "p"));
    assert_eq!(press(&mut state, "y"), []);
    assert!(notice(&state).contains("still planning"));
    let msg = Msg::Planned {
        ticket,
        result: Ok(Box::new(proposal_of(request))),
    };
    update(&mut state, msg, sample::now());
    assert_eq!(press(&mut state, "y"), [], "not drawn yet");
    assert!(notice(&state).contains("look at it first"));
    see(&mut state);
    assert!(matches!(press(&mut state, "y").as_slice(), [Command::Execute { .. }]));
}

#[test]
fn a_plan_seen_before_does_not_count_for_the_next() {
    let mut state = board();
    planned(&mut state, "p");
    let (ticket, request) = asked(&press(&mut state, "n"));
    let msg = Msg::Planned {
        ticket,
        result: Ok(Box::new(proposal_of(request))),
    };
    update(&mut state, msg, sample::now());
    assert_eq!(press(&mut state, "y"), []);
}

#[test]
fn a_closed_gate_makes_confirming_impossible() {
    let mut state = board();
    planned_as(&mut state, "p", |p| close_gate(p, GateName::Freeze, false));
    assert_eq!(press(&mut state, "y"), []);
    assert!(notice(&state).contains("frozen until Monday"));
    assert_eq!(state.writing, None);
}

#[test]
fn a_closed_gate_of_one_service_stops_the_set() {
    let mut state = board();
    planned_as(&mut state, "<space><space>kp", |p| {
        p.plans[1].gates[0].state = GateState::Closed;
    });
    assert_eq!(press(&mut state, "y"), []);
    assert_eq!(state.writing, None);
}

#[test]
fn warned_is_acknowledged_by_a_step_of_its_own() {
    let mut state = board();
    planned_as(&mut state, "p", |p| close_gate(p, GateName::Acknowledge, false));
    assert_eq!(press(&mut state, "y"), []);
    let request = replanned(&mut state, "a");
    assert!(request.acknowledge_warned);
    assert_eq!(state.writing, None, "acknowledging writes nothing");
}

#[test]
fn nothing_is_acknowledged_that_does_not_ask_for_it() {
    let mut state = board();
    planned(&mut state, "p");
    assert_eq!(press(&mut state, "a"), []);
    assert!(notice(&state).contains("no WARNED result"));
}

#[test]
fn glass_is_broken_with_a_typed_reason_where_the_policy_lets_it() {
    let mut state = board();
    planned_as(&mut state, "p", |p| close_gate(p, GateName::Freeze, true));
    assert_eq!(press(&mut state, "b<enter>"), []);
    assert!(notice(&state).contains("reason in words"));
    let request = replanned(&mut state, "outage<enter>");
    assert_eq!(request.break_glass.as_deref(), Some("outage"));
}

#[test]
fn glass_stays_whole_where_the_policy_does_not_list_it() {
    let mut state = board();
    planned_as(&mut state, "p", |p| close_gate(p, GateName::Hold, false));
    assert_eq!(press(&mut state, "b"), []);
    assert!(notice(&state).contains("nobody break"));
    assert_eq!(plan(&state).input, None);
    let mut state = board();
    planned(&mut state, "p");
    assert_eq!(press(&mut state, "b"), []);
    assert!(notice(&state).contains("no gate refuses this"));
}

#[test]
fn a_reason_goes_into_the_commit_by_planning_again() {
    let mut state = board();
    planned(&mut state, "p");
    let request = replanned(&mut state, "mfix for #12<enter>");
    assert_eq!(request.reason.as_deref(), Some("fix for #12"));
    let mut state = board();
    planned(&mut state, "p");
    assert_eq!(replanned(&mut state, "m  <enter>").reason, None);
}

#[test]
fn letters_of_a_reason_confirm_nothing() {
    let mut state = board();
    planned(&mut state, "p");
    assert_eq!(press(&mut state, "my<space>y"), []);
    assert_eq!(press(&mut state, "<esc>"), [], "esc leaves the line first");
    assert!(matches!(state.screen(), Some(Screen::Plan(plan)) if plan.input.is_none()));
}

#[test]
fn the_name_is_never_pasted_but_a_reason_may_be() {
    let mut state = board();
    planned_as(&mut state, "p", |p| p.plans[0].confirm = Confirm::TypeName);
    press(&mut state, "y");
    update(&mut state, Msg::Paste("integration".to_owned()), sample::now());
    assert_eq!(press(&mut state, "<enter>"), []);
    press(&mut state, "<esc>m");
    update(&mut state, Msg::Paste("incident 12\nrm -rf".to_owned()), sample::now());
    assert_eq!(replanned(&mut state, "<enter>").reason.as_deref(), Some("incident 12"));
}

#[test]
fn a_pasted_y_confirms_nothing() {
    let mut state = board();
    planned(&mut state, "p");
    assert_eq!(update(&mut state, Msg::Paste("y".to_owned()), sample::now()), []);
    assert_eq!(state.writing, None);
}

#[test]
fn where_y_starts_writes_the_name_is_typed_instead() {
    let mut state = board();
    let keys = std::collections::BTreeMap::from([("promote".to_owned(), vec!["y".to_owned()])]);
    state.keymap = crate::app::Keymap::with(&keys).expect("valid");
    planned(&mut state, "y");
    assert_eq!(press(&mut state, "y"), []);
    assert!(plan(&state).input.is_some());
    assert!(matches!(
        press(&mut state, "integration<enter>").as_slice(),
        [Command::Execute { .. }]
    ));
}

#[test]
fn nothing_to_do_is_nothing_to_confirm() {
    let mut state = board();
    planned_as(&mut state, "p", |p| p.plans.clear());
    assert_eq!(press(&mut state, "y"), []);
    assert!(notice(&state).contains("nothing to do"));
}

#[test]
fn the_whole_commit_can_be_asked_for_and_back() {
    let mut state = board();
    sample::planned_revert_as(&mut state, "<right><right><right>r", |p| {
        p.whole_commit = Some("abc".to_owned())
    });
    let (ticket, request) = asked(&press(&mut state, "w"));
    assert!(matches!(
        request.ask,
        Ask::Revert {
            scope: Scope::WholeCommit,
            ..
        }
    ));
    answer_plan(&mut state, &ticket, proposal_of(request));
    let request = replanned(&mut state, "w");
    assert!(matches!(request.ask, Ask::Revert { scope: Scope::Auto, .. }));
}

#[test]
fn alternatives_are_chosen_by_number() {
    let mut state = board();
    sample::planned_revert_as(&mut state, "<right><right><right>r", |p| {
        close_gate(p, GateName::Verdict, false);
        p.alternatives = sample::alternatives();
    });
    assert_eq!(press(&mut state, "y"), [], "nothing is preselected");
    let request = replanned(&mut state, "2");
    assert!(matches!(request.ask, Ask::Revert { to: Some(to), .. } if to == digest("c00")));
    let mut state = board();
    sample::planned_revert_as(&mut state, "<right><right><right>r", |p| {
        p.alternatives = sample::alternatives()
    });
    assert_eq!(press(&mut state, "9"), []);
}

#[test]
fn a_plan_that_cannot_be_made_says_why_and_is_tried_again() {
    let mut state = board();
    let (ticket, _) = asked(&press(&mut state, "p"));
    fail_plan(
        &mut state,
        &ticket,
        WriteFailure::from(Failure::unreachable("registry.example.com: timed out")),
    );
    assert!(matches!(&plan(&state).stage, crate::app::plan_screen::Stage::Failed(_)));
    assert_eq!(press(&mut state, "y"), []);
    let request = replanned(&mut state, "n");
    assert!(matches!(request.ask, Ask::Promote { .. }));
}

#[test]
fn copying_the_command_gives_the_plans_own() {
    let mut state = board();
    state.setup.global_arguments = "-C /srv/gitops".to_owned();
    planned(&mut state, "p");
    let commands = press(&mut state, "c");
    let [Command::Copy { text, .. }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!(
        text,
        "pindeck -C /srv/gitops promote checkout --to staging --from integration"
    );
}

#[test]
fn a_plan_scrolls_no_further_than_its_text() {
    let mut state = board();
    planned(&mut state, "p");
    state.limits.text = 5;
    press(&mut state, "jjjjjjjj");
    assert_eq!(plan(&state).top, 5);
    press(&mut state, "g");
    assert_eq!(plan(&state).top, 0);
}

#[test]
fn help_over_a_plan_takes_the_keys() {
    let mut state = board();
    planned(&mut state, "p");
    assert_eq!(press(&mut state, "?y"), []);
    assert_eq!(state.writing, None);
}

#[test]
fn digests_are_compared_beside_the_plan_one_after_the_other() {
    let mut state = board();
    let commands = planned(&mut state, "<space><space>kp");
    let [Command::Diff { ticket, a, b }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!((a.1, b.1), (digest("c2"), digest("c3")));
    let msg = Msg::Compared {
        ticket: ticket.clone(),
        result: Ok(Box::new(sample::digest_diff())),
    };
    let commands = update(&mut state, msg, sample::now());
    assert!(matches!(commands.as_slice(), [Command::Diff { .. }]), "{commands:?}");
    assert!(matches!(
        plan(&state).compared[0],
        crate::app::comparison::ComparisonState::Known(_)
    ));
}

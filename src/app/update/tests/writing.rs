//! A write in flight, and what becomes of it.

use super::*;
use crate::app::plan_screen::Stage;
use crate::app::sample::{asked, begun, planned, planned_as, proposal_of, receipt_of, written};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Target;
use crate::domain::write::{Ask, Progress, Proposal, WriteFailure, WriteState};

const PRODUCTION: &str = "<right><right><right>";

/// A cockpit with a promotion of checkout in flight.
fn flying() -> (CockpitState, Ticket, Proposal) {
    let mut state = board();
    planned(&mut state, "p");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    (state, ticket, proposal)
}

fn step(state: &mut CockpitState, ticket: &Ticket, progress: Progress) {
    let msg = Msg::Progress {
        ticket: ticket.clone(),
        progress,
    };
    assert_eq!(update(state, msg, sample::now()), []);
}

fn stage(state: &CockpitState) -> &Stage {
    match state.screen() {
        Some(Screen::Plan(plan)) => &plan.stage,
        other => panic!("no plan: {other:?}"),
    }
}

fn failed(failure: WriteFailure) -> CockpitState {
    let (mut state, ticket, _) = flying();
    written(&mut state, &ticket, Err(failure));
    state
}

#[test]
fn what_git_accepted_is_done_and_the_board_is_looked_at_again() {
    let (mut state, ticket, proposal) = flying();
    let commands = written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert!(matches!(commands.as_slice(), [Command::Refresh(..)]), "{commands:?}");
    assert!(matches!(stage(&state), Stage::Done(..)));
    assert_eq!(state.writing, None);
    press(&mut state, "<enter>");
    assert!(state.screens.is_empty());
}

#[test]
fn a_running_pass_is_replaced_after_a_write() {
    let (mut state, ticket, proposal) = flying();
    let old = refresh(&mut state);
    let commands = written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    let [Command::Refresh(new, _)] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert!(!state.generations.accepts(&old) && state.generations.accepts(new));
}

#[test]
fn no_second_write_while_one_is_in_flight() {
    let (mut state, _, _) = flying();
    for key in ["y", "p", "r", "u", "<enter>", "P"] {
        let commands = press(&mut state, key);
        assert!(
            !commands
                .iter()
                .any(|c| matches!(c, Command::Execute { .. } | Command::Plan { .. })),
            "{key}"
        );
    }
}

#[test]
fn esc_stops_it_before_the_git_step_only_and_once() {
    let (mut state, ticket, _) = flying();
    assert_eq!(press(&mut state, "<esc>"), [Command::CancelWrite]);
    assert_eq!(press(&mut state, "<esc>"), []);
    assert!(state.writing.is_some(), "in flight until it says that it has ended");
    written(&mut state, &ticket, Err(WriteFailure::from(Failure::interrupted())));
    assert!(matches!(stage(&state), Stage::Failed(failure) if failure.kind() == FailureKind::Interrupted));
    let (mut state, ticket, _) = flying();
    step(&mut state, &ticket, Progress::Committing);
    assert_eq!(press(&mut state, "<esc>"), []);
    assert!(notice(&state).contains("too late"));
}

#[test]
fn overtaken_by_somebody_else_it_can_be_stopped_again() {
    let (mut state, ticket, _) = flying();
    step(&mut state, &ticket, Progress::Pushing);
    step(&mut state, &ticket, Progress::Replanning { attempt: 2 });
    assert_eq!(press(&mut state, "<esc>"), [Command::CancelWrite]);
}

#[test]
fn quitting_asks_while_a_write_is_in_flight() {
    let (mut state, ticket, _) = flying();
    assert_eq!(press(&mut state, "q"), []);
    assert_eq!((state.layer.clone(), state.quitting), (Some(Modal::Leave), false));
    assert_eq!(press(&mut state, "<enter>"), []);
    assert_eq!((state.layer.clone(), state.quitting), (None, false));
    assert_eq!(press(&mut state, "qy"), [Command::CancelWrite]);
    assert!(!state.quitting, "it leaves when the write has ended");
    let commands = written(&mut state, &ticket, Err(WriteFailure::from(Failure::interrupted())));
    assert_eq!(commands, [Command::Quit]);
    assert!(state.quitting);
}

#[test]
fn leaving_past_the_git_step_waits_for_its_end() {
    let (mut state, ticket, proposal) = flying();
    step(&mut state, &ticket, Progress::Pushing);
    assert_eq!(press(&mut state, "<ctrl-c>y"), [], "nothing is stopped");
    let commands = written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert!(commands.contains(&Command::Quit) && state.quitting);
}

#[test]
fn the_question_goes_when_its_reason_has_gone() {
    let (mut state, ticket, proposal) = flying();
    press(&mut state, "q");
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!((state.layer.clone(), state.quitting), (None, false));
}

#[test]
fn suspending_waits_for_the_write() {
    let (mut state, _, _) = flying();
    assert_eq!(press(&mut state, "<ctrl-z>"), []);
    assert!(notice(&state).contains("in flight"));
}

#[test]
fn a_failure_keeps_its_kind() {
    for failure in [
        WriteFailure::from(Failure::unreachable("x")),
        WriteFailure::from(Failure::new(FailureKind::RemoteRefused, "hook says no")),
        WriteFailure::from(Failure::failed("disk full")),
        WriteFailure::from(Failure::usage("x")),
    ] {
        let mut state = failed(failure.clone());
        assert!(matches!(stage(&state), Stage::Failed(f) if *f == failure));
        let (_, request) = asked(&press(&mut state, "n"));
        assert!(matches!(request.ask, Ask::Promote { .. }), "planned anew: {failure:?}");
    }
}

#[test]
fn the_board_is_read_again_where_something_may_have_landed() {
    for (failure, is_read) in [
        (Failure::failed("the hold is pushed, the pin is not"), true),
        (Failure::unreachable("pushed or not: not known"), true),
        (Failure::new(FailureKind::RemoteRefused, "hook says no"), false),
    ] {
        let (mut state, ticket, _) = flying();
        let commands = written(&mut state, &ticket, Err(failure.into()));
        let reads = commands.iter().any(|command| matches!(command, Command::Refresh(..)));
        assert_eq!(reads, is_read, "{commands:?}");
    }
}

#[test]
fn a_conflict_offers_the_new_plan_which_must_be_confirmed_anew() {
    let proposal = {
        let (_, _, mut proposal) = flying();
        proposal.plans[0].base_commit = "b".repeat(40);
        proposal
    };
    let mut state = failed(WriteFailure::Conflict(Box::new(proposal.clone()), "moved".into()));
    assert!(
        !press(&mut state, "n")
            .iter()
            .any(|c| matches!(c, Command::Execute { .. }))
    );
    assert!(matches!(stage(&state), Stage::Shown(shown) if **shown == proposal));
    assert_eq!(press(&mut state, "y"), [], "the new plan has not been seen");
    sample::see(&mut state);
    assert!(matches!(press(&mut state, "y").as_slice(), [Command::Execute { .. }]));
}

#[test]
fn a_failed_write_leaves_marks_and_undo_as_they_were() {
    let mut state = board();
    planned(&mut state, "<space><space>kp");
    let (ticket, _) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Err(WriteFailure::from(Failure::unreachable("x"))));
    assert_eq!(state.marked.len(), 2);
    assert!(state.undo.is_empty());
}

#[test]
fn a_written_set_is_no_longer_marked() {
    let mut state = board();
    planned(&mut state, "<space><space>kp");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert!(state.marked.is_empty());
}

#[test]
fn on_a_plan_the_key_of_yes_copies_nothing_at_any_stage() {
    let mut state = board();
    let (ticket, request) = asked(&press(&mut state, "p"));
    let mut stages = vec![state.clone()];
    sample::answer_plan(&mut state, &ticket, proposal_of(request));
    let mut compared = state.clone();
    press(&mut compared, "d");
    stages.push(compared);
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    stages.push(state.clone());
    let mut done = state.clone();
    written(&mut done, &ticket, Ok(receipt_of(&proposal)));
    stages.push(done);
    written(&mut state, &ticket, Err(WriteFailure::from(Failure::unreachable("x"))));
    stages.push(state);
    for mut stage in stages {
        assert_eq!(press(&mut stage, "y"), [], "{:?}", stage.screen());
        assert!(stage.notice.is_some(), "it says why");
    }
}

#[test]
fn a_plan_is_copied_by_its_reference() {
    let mut state = board();
    planned(&mut state, "p");
    for key in ["I", "D"] {
        let commands = press(&mut state, key);
        let [Command::Copy { text, .. }] = commands.as_slice() else {
            panic!("{commands:?}");
        };
        assert!(text.ends_with(&digest("c3").to_string()), "{text}");
    }
}

#[test]
fn a_set_says_whose_gate_is_closed() {
    let mut state = board();
    planned_as(&mut state, "<space><space>kp", |p| {
        p.plans[1].gates[0].state = crate::domain::plan::GateState::Closed;
    });
    assert_eq!(press(&mut state, "y"), []);
    assert!(notice(&state).starts_with("payments in "), "{}", notice(&state));
}

#[test]
fn from_r_to_a_pushed_revert_in_three_keys() {
    let mut state = board();
    press(&mut state, PRODUCTION);
    // r, enter for the last known good, y.
    sample::planned_revert_as(&mut state, "r", |_| {});
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert!(matches!(stage(&state), Stage::Done(_, receipt) if receipt.state == WriteState::Pushed));
}

#[test]
fn a_reverted_line_of_the_history() {
    let mut state = board();
    let commands = press(&mut state, &format!("{PRODUCTION}L"));
    let [Command::History { ticket, .. }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    sample::answer_history(&mut state, ticket);
    assert_eq!(press(&mut state, "r"), []);
    assert!(notice(&state).contains("pinned now"), "{}", notice(&state));
    sample::listed(&mut state, "jr");
    let Some(Screen::Revert(revert)) = state.screen() else {
        panic!("no choice of digests");
    };
    assert_eq!(revert.target, Target::new("checkout", "production"));
    assert_eq!(revert.selected, Some(digest("c1")), "that of the line");
    press(&mut state, "<esc>jjjj");
    assert_eq!(press(&mut state, "r"), []);
    assert!(notice(&state).contains("pinned no digest"));
}

#[test]
fn stale_progress_and_ends_are_dropped() {
    let (mut state, ticket, proposal) = flying();
    let mut stale = ticket.clone();
    stale.generation += 1;
    written(&mut state, &stale, Ok(receipt_of(&proposal)));
    assert!(state.writing.is_some());
    step(&mut state, &stale, Progress::Committing);
    assert!(state.writing.as_ref().is_some_and(|w| !w.committed));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    step(&mut state, &ticket, Progress::Committing);
    assert_eq!(state.writing, None);
}

#[test]
fn the_copy_is_measured_per_service() {
    let (mut state, ticket, _) = flying();
    let copying = |service: &str, bytes| Progress::Copying {
        service: service.into(),
        items: 1,
        of_items: 3,
        bytes,
        of_bytes: 100,
    };
    step(&mut state, &ticket, copying("checkout", 10));
    step(&mut state, &ticket, copying("checkout", 50));
    let meter = state.writing.as_ref().and_then(|w| w.meter.clone()).expect("measured");
    assert_eq!((meter.0.as_str(), meter.2), ("checkout", 10));
    step(&mut state, &ticket, copying("payments", 0));
    let meter = state.writing.as_ref().and_then(|w| w.meter.clone()).expect("measured");
    assert_eq!(meter.0.as_str(), "payments");
}

#[test]
fn live_data_goes_on_during_a_write() {
    let (mut state, _, _) = flying();
    let ticket = refresh(&mut state);
    feed(&mut state, &ticket, [sample::opened()]);
    assert!(state.writing.is_some() && matches!(stage(&state), Stage::Running(_)));
}

#[test]
fn a_refused_write_shows_its_closed_gates() {
    let (_, _, mut proposal) = flying();
    proposal.plans[0].gates[0].state = crate::domain::plan::GateState::Closed;
    let mut state = failed(WriteFailure::Refused(Box::new(proposal.clone()), "no".into()));
    press(&mut state, "n");
    assert!(matches!(stage(&state), Stage::Shown(shown) if **shown == proposal));
    sample::see(&mut state);
    assert_eq!(press(&mut state, "y"), []);
}

#[test]
fn a_warned_plan_goes_through_in_its_steps() {
    let mut state = board();
    planned_as(&mut state, "p", |p| {
        p.plans[0].gates.push(crate::domain::plan::Gate {
            gate: crate::domain::plan::GateName::Acknowledge,
            state: crate::domain::plan::GateState::Closed,
            detail: "a test result WARNED".into(),
            opener: None,
            waivable: false,
        });
    });
    let (ticket, request) = asked(&press(&mut state, "a"));
    sample::answer_plan(&mut state, &ticket, proposal_of(request));
    let (_, proposal) = begun(&press(&mut state, "y"));
    assert!(proposal.request.acknowledge_warned);
}

#[test]
fn a_stop_that_came_too_late_is_said_with_the_way_back() {
    let (mut state, ticket, proposal) = flying();
    assert_eq!(press(&mut state, "<esc>"), [Command::CancelWrite]);
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!(
        notice(&state),
        "too late to stop: it was committed and pushed; u takes it back"
    );
    assert!(matches!(stage(&state), Stage::Done(..)));
    // The question whether to leave does not go without a word.
    let (mut state, ticket, proposal) = flying();
    press(&mut state, "q");
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!(notice(&state), "the write has ended: nothing is in flight any more");
}

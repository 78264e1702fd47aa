//! A write in flight, and what becomes of it.

use super::*;
use crate::app::plan_screen::Stage;
use crate::app::sample::{asked, begun, planned, planned_as, proposal_of, receipt_of, written};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Target;
use crate::domain::write::{Ask, Progress, Proposal, Scope, WriteFailure, WriteState};

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
    assert!(matches!(commands.as_slice(), [Command::Refresh(_)]), "{commands:?}");
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
    let [Command::Refresh(new)] = commands.as_slice() else {
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
fn undo_of_a_promotion_is_a_revert_to_what_was_there() {
    let (mut state, ticket, proposal) = flying();
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    let (_, request) = asked(&press(&mut state, "u"));
    assert_eq!(
        request.ask,
        Ask::Revert {
            target: Target::new("checkout", "integration"),
            to: Some(digest("c2")),
            scope: Scope::Auto,
        }
    );
    assert_eq!(state.screens.len(), 1, "the receipt has been read");
}

/// The labels of what there is to choose between.
fn labels(state: &CockpitState) -> Vec<&str> {
    match &state.layer {
        Some(Modal::Choose { choices, .. }) => choices.iter().map(|choice| choice.label.as_str()).collect(),
        other => panic!("nothing to choose: {other:?}"),
    }
}

/// A cockpit whose revert of checkout in production has landed.
fn reverted() -> CockpitState {
    let mut state = board();
    sample::planned_revert_as(&mut state, &format!("{PRODUCTION}r"), |_| {});
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    state
}

#[test]
fn undo_of_a_revert_offers_both_ways_back_in_words() {
    let mut state = reverted();
    assert_eq!(press(&mut state, "u"), [], "it asks first");
    assert_eq!(
        labels(&state),
        [
            "put 1.4.0 back and release its hold",
            "only release the hold on 1.4.0; 1.3.2 stays pinned"
        ]
    );
    let target = Target::new("checkout", "production");
    let (_, request) = asked(&press(&mut state, "<enter>"));
    let back = Ask::Revert {
        target: target.clone(),
        to: Some(digest("c2")),
        scope: Scope::Auto,
    };
    assert_eq!((request.ask, request.release_hold), (back, true));
    let mut state = reverted();
    let (_, request) = asked(&press(&mut state, "uj<enter>"));
    assert_eq!(
        (request.ask, request.release_hold),
        (Ask::ReleaseHold { target }, false)
    );
}

#[test]
fn a_revert_that_held_nothing_has_one_way_back() {
    let mut state = board();
    sample::planned_revert_as(&mut state, &format!("{PRODUCTION}r"), |p| {
        p.plans[0].holds.added.clear()
    });
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    let (_, request) = asked(&press(&mut state, "u"));
    assert!(matches!(request.ask, Ask::Revert { to: Some(to), .. } if to == digest("c2")));
    assert!(!request.release_hold);
}

/// A cockpit whose set of checkout and payments has landed.
fn set_written() -> CockpitState {
    let mut state = board();
    planned(&mut state, "<space><space>kp");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    assert_eq!(state.undo.len(), 2);
    state
}

/// Answers the plan that was asked for, confirms it and lets it land; answers which service went back.
fn taken_back(state: &mut CockpitState, commands: &[Command]) -> String {
    let (ticket, request) = asked(commands);
    let Ask::Revert { target, .. } = request.ask.clone() else {
        panic!("no revert: {request:?}");
    };
    sample::answer_plan(state, &ticket, proposal_of(request));
    let (ticket, proposal) = begun(&press(state, "y"));
    written(state, &ticket, Ok(receipt_of(&proposal)));
    target.service.to_string()
}

#[test]
fn a_set_is_undone_whole_or_one_of_it() {
    let mut state = set_written();
    assert_eq!(press(&mut state, "u"), [], "it asks first");
    let named = labels(&state).join("\n");
    assert!(
        named.starts_with("all 2, one plan after another: checkout, payments\n"),
        "{named}"
    );
    assert!(
        named.contains("checkout alone: ") && named.contains("payments alone: "),
        "{named}"
    );
    let commands = press(&mut state, "jj<enter>");
    assert_eq!(taken_back(&mut state, &commands), "payments");
    let commands = press(&mut state, "u");
    assert_eq!(
        taken_back(&mut state, &commands),
        "checkout",
        "the other is still there"
    );
}

#[test]
fn the_whole_set_is_planned_one_after_another() {
    let mut state = set_written();
    let commands = press(&mut state, "u<enter>");
    assert_eq!(taken_back(&mut state, &commands), "checkout");
    let words = state.undo.words().expect("more to take back");
    assert!(words.starts_with("next: revert payments in "), "{words}");
    let commands = press(&mut state, "u");
    assert_eq!(taken_back(&mut state, &commands), "payments");
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
    let commands = press(&mut state, "Y");
    let [Command::Copy { text, .. }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert!(text.ends_with(&digest("c3").to_string()), "{text}");
}

/// A pass over the board reads the branch at that commit.
fn branch_at(state: &mut CockpitState, commit: &str, change: impl FnOnce(&mut Vec<crate::domain::board::ServiceRow>)) {
    let ticket = state.generations.issue(QueryKind::Board, None);
    let Update::Opened {
        mut repository,
        environments,
        mut services,
        unmanaged,
    } = sample::opened()
    else {
        panic!("no skeleton");
    };
    repository.commit = commit.to_owned();
    change(&mut services);
    let opened = Update::Opened {
        repository,
        environments,
        services,
        unmanaged,
    };
    feed(state, &ticket, [opened]);
}

fn moved(state: &CockpitState) -> Option<&crate::app::plan_screen::BranchMoved> {
    match state.screen() {
        Some(Screen::Plan(plan)) => plan.moved.as_ref(),
        other => panic!("no plan: {other:?}"),
    }
}

/// A plan of checkout whose old digest is the one that the board shows.
fn planned_on_the_board() -> CockpitState {
    let mut state = board();
    let pinned = state
        .board
        .row(&"checkout".into())
        .and_then(|row| row.cell(&"integration".into()));
    let pinned = pinned.and_then(|cell| cell.pin.digest);
    planned_as(&mut state, "p", |p| p.plans[0].from = pinned);
    state
}

#[test]
fn a_branch_that_moved_makes_an_open_plan_out_of_date() {
    let mut state = planned_on_the_board();
    let base = match state.screen() {
        Some(Screen::Plan(plan)) => plan.shown().expect("shown").plans[0].base_commit.clone(),
        other => panic!("no plan: {other:?}"),
    };
    branch_at(&mut state, &base, |_| {});
    assert_eq!(moved(&state), None);
    branch_at(&mut state, &"e".repeat(40), |_| {});
    assert_eq!(
        moved(&state).map(|moved| (moved.commit.len(), moved.changed.clone())),
        Some((40, None))
    );
    assert!(
        matches!(press(&mut state.clone(), "y").as_slice(), [Command::Execute { .. }]),
        "nothing that it writes was touched: the engine looks again by itself"
    );
    asked(&press(&mut state, "n"));
    assert_eq!(moved(&state), None, "planned anew");
}

#[test]
fn a_plan_whose_pin_somebody_changed_is_not_confirmed() {
    let mut state = planned_on_the_board();
    branch_at(&mut state, &"e".repeat(40), |services| {
        let row = services
            .iter_mut()
            .find(|row| row.name == "checkout".into())
            .expect("a row");
        let cells = row
            .cells
            .iter_mut()
            .filter(|cell| cell.pin.target.environment == "integration".into());
        cells.for_each(|cell| cell.pin.digest = Some(digest("somebody's")));
    });
    let changed = moved(&state).and_then(|moved| moved.changed.clone());
    assert_eq!(changed, Some(Target::new("checkout", "integration")));
    assert_eq!(press(&mut state, "y"), []);
    assert!(notice(&state).contains("n plans again"), "{}", notice(&state));
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
fn nothing_written_is_nothing_to_undo() {
    let mut state = board();
    assert_eq!(press(&mut state, "u"), []);
    assert!(notice(&state).contains("nothing was written"));
    let (mut state, ticket, proposal) = flying();
    let mut receipt = receipt_of(&proposal);
    receipt.state = WriteState::Proposed;
    written(&mut state, &ticket, Ok(receipt));
    assert!(state.undo.is_empty(), "a proposal is not on the branch");
}

#[test]
fn a_pin_by_tag_has_no_inverse() {
    let mut state = board();
    planned(&mut state, "jjjjP");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    press(&mut state, "<enter>");
    assert_eq!(press(&mut state, "u"), []);
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

//! A plan that is open while the branch moves.

use super::*;
use crate::app::sample::{asked, planned_as};
use crate::domain::id::Target;

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

//! The guided line: leads somebody who sees a cockpit for the first time through looking, why something is
//! rejected, a promotion and the way back. One key sends it away.

use super::cell_status::{CellStatus, of_cell};
use super::cursor::{Column, ScreenSubject};
use super::guide::{Guide, GuideStep};
use super::pane::Pane;
use super::plan_screen::{PlanScreen, Stage, name_to_type};
use super::state::{CockpitState, Screen};
use crate::domain::id::Target;
use crate::domain::plan::Verb;
use crate::domain::write::Ask;

/// Goes on where the person has done what a step asks for.
pub fn advance(state: &mut CockpitState) {
    let Some(guide) = &state.guide else { return };
    if guide.began_at.is_none() {
        let cursor = state.cursor.clone();
        if let Some(guide) = &mut state.guide {
            guide.began_at = cursor;
        }
        return;
    }
    let written = |verb: Verb| match state.screen() {
        Some(Screen::Plan(plan)) => match &plan.stage {
            Stage::Done(_, receipt) => receipt.plans.iter().any(|plan| plan.verb == verb),
            _ => false,
        },
        _ => false,
    };
    let is_rejected = |subject: &ScreenSubject| {
        let cell = state.cell_of(subject);
        cell.is_some_and(|cell| of_cell(cell, state.minute()).status == CellStatus::Rejected)
    };
    let done = match guide.step {
        // Enter gives the keys to the details: that is looking closer too.
        GuideStep::Look => state.cursor != guide.began_at || !state.screens.is_empty() || state.pane == Pane::Inspector,
        GuideStep::Why => matches!(state.screen(), Some(Screen::Evidence(at)) if is_rejected(&at.subject)),
        GuideStep::Promote => written(Verb::Promote),
        GuideStep::Revert => written(Verb::Revert),
        GuideStep::Done => false,
    };
    // Whoever goes their own way is met where they are.
    if guide.step < GuideStep::Revert && written(Verb::Promote) || guide.step < GuideStep::Done && written(Verb::Revert)
    {
        let step = if written(Verb::Revert) {
            GuideStep::Done
        } else {
            GuideStep::Revert
        };
        if let Some(guide) = &mut state.guide {
            guide.step = step;
        }
        return;
    }
    let next = match guide.step {
        GuideStep::Look => GuideStep::Why,
        GuideStep::Why => GuideStep::Promote,
        GuideStep::Promote => GuideStep::Revert,
        GuideStep::Revert | GuideStep::Done => GuideStep::Done,
    };
    if let (true, Some(guide)) = (done, &mut state.guide) {
        guide.step = next;
    }
}

/// What to do next, by what is on screen.
pub fn words(state: &CockpitState, guide: &Guide) -> String {
    let place = |target: &Target| format!("{} · {}", target.service, target.environment);
    let start = state.setup.start_at.as_ref();
    let at = |target: &Target| {
        let column = Column::Environment(target.environment.clone());
        let cursor = state.cursor.as_ref();
        cursor.is_some_and(|cursor| cursor.service == target.service && cursor.column == column)
    };
    let typed = |plan: &PlanScreen| {
        let name = plan.shown().and_then(name_to_type);
        name.map_or_else(String::new, |name| format!(", then type {name} and enter"))
    };
    match (guide.step, state.screen()) {
        (GuideStep::Look, _) => {
            "1/4 Rows are services. Same sign, same bytes. Move with the arrow keys; enter looks closer".to_owned()
        }
        (GuideStep::Why, Some(Screen::Plan(_) | Screen::Revert(_) | Screen::Diff(_) | Screen::History(_))) => {
            "2/4 Why is something rejected? esc leads back to the board".to_owned()
        }
        (GuideStep::Why, _) => match rejected(state) {
            Some(target) if at(&target) => "2/4 Why is this rejected? e shows every statement and check".to_owned(),
            Some(target) => format!("2/4 Why is something rejected? Go to {} and press e", place(&target)),
            None => "2/4 Why is something rejected? On a cell with that verdict, press e".to_owned(),
        },
        (GuideStep::Promote, Some(Screen::Plan(plan))) => match &plan.stage {
            Stage::Shown(proposal) if proposal.refused().is_some() => {
                "3/4 A gate refuses this step. enter leads back; try another cell".to_owned()
            }
            Stage::Shown(_) => format!("3/4 Read what would change. y confirms{}", typed(plan)),
            _ => "3/4 The same bytes and their evidence go to the next environment".to_owned(),
        },
        (GuideStep::Promote, Some(_)) => "3/4 Now promote something: esc leads back to the board".to_owned(),
        (GuideStep::Promote, None) => match start {
            Some(start) if at(start) => "3/4 Step these bytes forward: press p".to_owned(),
            Some(start) => format!("3/4 Step verified bytes forward: go to {} and press p", place(start)),
            None => "3/4 Step verified bytes forward: on a verified cell, press p".to_owned(),
        },
        (GuideStep::Revert, Some(Screen::Revert(revert))) if revert.row().is_none() => {
            "4/4 What was pinned here before is being read".to_owned()
        }
        (GuideStep::Revert, Some(Screen::Revert(_))) => {
            "4/4 The last known good one is selected: enter plans the way back".to_owned()
        }
        (GuideStep::Revert, Some(Screen::Plan(plan))) => match &plan.stage {
            Stage::Done(..) => "4/4 It is in git. Now put the last good one back: enter closes this".to_owned(),
            // Another plan than a revert is not what the line leads to.
            _ if !matches!(plan.request.ask, Ask::Revert { .. }) => {
                "4/4 Put the last good one back: esc leads to the board".to_owned()
            }
            Stage::Shown(_) => format!("4/4 What goes out is put on hold. y confirms{}", typed(plan)),
            _ => "4/4 Git takes the commit that pinned it back".to_owned(),
        },
        (GuideStep::Revert, Some(_)) => "4/4 Put the last good one back: esc leads to the board".to_owned(),
        (GuideStep::Revert, None) => match written_last(state) {
            Some(target) if at(&target) => "4/4 Was it bad? Put the last good one back: press r".to_owned(),
            Some(target) => format!("4/4 Was it bad? Go to {} and press r", place(&target)),
            None => "4/4 Put the last good one back: on an environment, press r".to_owned(),
        },
        (GuideStep::Done, _) => "That was look, why, promote and revert. ? has every key, E what happened".to_owned(),
    }
}

/// The first pin of the board that is rejected.
fn rejected(state: &CockpitState) -> Option<Target> {
    let cells = state.board.services.iter().flat_map(|row| &row.cells);
    let mut rejected = cells.filter(|cell| of_cell(cell, state.minute()).status == CellStatus::Rejected);
    rejected.next().map(|cell| cell.pin.target.clone())
}

/// Where the last write landed.
fn written_last(state: &CockpitState) -> Option<Target> {
    state.undo.targets().next().cloned()
}

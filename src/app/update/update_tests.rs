//! What keys and answers do to the state.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::app::cell_status::{self, CellStatus};
use crate::app::cursor::ScreenSubject;
use crate::app::cursor::{Column, Cursor};
use crate::app::filter::Filter;
use crate::app::generation::QueryKind;
use crate::app::msg::ScrollLimits;
use crate::app::sample::{self, digest, feed, finish, press, started};
use crate::app::state::{BoardPass, Pane, Reading, Screen};
use crate::domain::board::Update;
use crate::domain::freshness::Seen;

fn board() -> CockpitState {
    sample::state(140, 40)
}

fn at(state: &CockpitState) -> (String, String) {
    let cursor = state.cursor.as_ref().expect("a cursor");
    let column = match &cursor.column {
        Column::Environment(environment) => environment.to_string(),
        Column::Candidate => "CI".to_owned(),
    };
    (cursor.service.to_string(), column)
}

fn is_at(state: &CockpitState, service: &str, column: &str) {
    assert_eq!(at(state), (service.to_owned(), column.to_owned()));
}

fn notice(state: &CockpitState) -> &str {
    state.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

fn evidence(state: &CockpitState) -> &crate::app::state::EvidenceScreen {
    match state.screen() {
        Some(Screen::Evidence(screen)) => screen,
        other => panic!("no evidence screen: {other:?}"),
    }
}

fn history(state: &CockpitState) -> &crate::app::state::HistoryScreen {
    match state.screen() {
        Some(Screen::History(screen)) => screen,
        other => panic!("no history screen: {other:?}"),
    }
}

/// Presses `R`; answers the ticket of the pass that begins.
fn refresh(state: &mut CockpitState) -> Ticket {
    match press(state, "R").as_slice() {
        [Command::Refresh(ticket, _)] => ticket.clone(),
        other => panic!("no refresh: {other:?}"),
    }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(sample::now().as_second() + seconds).expect("valid")
}

#[path = "tests/actions.rs"]
mod actions;
#[path = "tests/comparing.rs"]
mod comparing;
#[path = "tests/confirming.rs"]
mod confirming;
#[path = "tests/cursor.rs"]
mod cursor;
#[path = "tests/events.rs"]
mod events;
#[path = "tests/evidence_screen.rs"]
mod evidence_screen;
#[path = "tests/filters.rs"]
mod filters;
#[path = "tests/frozen.rs"]
mod frozen;
#[path = "tests/guided.rs"]
mod guided;
#[path = "tests/history_screen.rs"]
mod history_screen;
#[path = "tests/large_boards.rs"]
mod large_boards;
#[path = "tests/obstacles.rs"]
mod obstacles;
#[path = "tests/outdated.rs"]
mod outdated;
#[path = "tests/palette.rs"]
mod palette;
#[path = "tests/panes.rs"]
mod panes;
#[path = "tests/passes.rs"]
mod passes;
#[path = "tests/promoting.rs"]
mod promoting;
#[path = "tests/reverting.rs"]
mod reverting;
#[path = "tests/statuses.rs"]
mod statuses;
#[path = "tests/typed.rs"]
mod typed;
#[path = "tests/undoing.rs"]
mod undoing;
#[path = "tests/unfinished.rs"]
mod unfinished;
#[path = "tests/writing.rs"]
mod writing;

//! Whether an action can be done now, and if not, why: a clause for the person.

use super::offer;
use super::state::{Pane, Screen, State, Subject};

#[expect(clippy::unnecessary_wraps, reason = "one signature for the whole table")]
pub(super) fn always(_: &State) -> Result<(), String> {
    Ok(())
}

pub(super) fn can_promote(state: &State) -> Result<(), String> {
    offer::promote(state).map(drop)
}

pub(super) fn can_revert(state: &State) -> Result<(), String> {
    offer::revert(state).map(drop)
}

pub(super) fn can_pin(state: &State) -> Result<(), String> {
    offer::pin(state).map(drop)
}

pub(super) fn can_release_hold(state: &State) -> Result<(), String> {
    offer::release_hold(state).map(drop)
}

pub(super) fn can_undo(state: &State) -> Result<(), String> {
    offer::undo(state).map(drop)
}

pub(super) fn can_diff(state: &State) -> Result<(), String> {
    match state.screen() {
        Some(Screen::Diff(_)) => Err("the comparison is on screen".to_owned()),
        _ => offer::pairs(state).map(drop),
    }
}

pub(super) fn can_mark(state: &State) -> Result<(), String> {
    if state.setup.read_only {
        return Err("read-only: pindeck was started so that nothing can be written".to_owned());
    }
    on_board(state)?;
    match &state.cursor {
        Some(cursor) if state.board.row(&cursor.service).is_some() => Ok(()),
        _ => Err("nothing is selected".to_owned()),
    }
}

pub(super) fn has_panes(state: &State) -> Result<(), String> {
    match state.screen() {
        Some(Screen::Diff(diff)) if diff.pairs.len() > 1 => Ok(()),
        Some(Screen::Diff(_)) => Err("there is one comparison".to_owned()),
        _ => on_board(state),
    }
}

pub(super) fn not_writing(state: &State) -> Result<(), String> {
    match &state.writing {
        None => Ok(()),
        Some(writing) => Err(format!("not while a write is in flight: {}", writing.what)),
    }
}

pub(super) fn has_command(state: &State) -> Result<(), String> {
    match state.screen() {
        Some(Screen::Plan(plan)) if plan.proposal().is_some() => Ok(()),
        Some(Screen::Plan(_)) => Err("there is no plan yet".to_owned()),
        _ => has_something(state),
    }
}

pub(super) fn on_board(state: &State) -> Result<(), String> {
    match state.screen() {
        None => Ok(()),
        Some(_) => Err("only on the board: esc goes back".to_owned()),
    }
}

pub(super) fn has_subject(state: &State) -> Result<Subject, String> {
    if let Some(subject) = state.subject() {
        return Ok(subject);
    }
    if matches!(state.screen(), Some(Screen::Plan(_))) {
        return Err("not on a plan: esc goes back".to_owned());
    }
    match &state.cursor {
        None => Err("nothing is selected".to_owned()),
        Some(cursor) if state.board.row(&cursor.service).is_none() => {
            Err(format!("{} is no longer on the board", cursor.service))
        }
        Some(_) => Err("nothing is pinned here".to_owned()),
    }
}

pub(super) fn has_something(state: &State) -> Result<(), String> {
    has_subject(state).map(drop)
}

pub(super) fn has_digest(state: &State) -> Result<(), String> {
    let subject = has_subject(state)?;
    match (state.digest_of(&subject), subject) {
        (Some(_), _) => Ok(()),
        (None, Subject::Pin(_)) => Err("pinned by tag only: there is no digest".to_owned()),
        (None, Subject::Candidate(_)) => Err("no candidate is known".to_owned()),
    }
}

pub(super) fn has_pin(state: &State) -> Result<(), String> {
    match has_subject(state)? {
        Subject::Pin(_) => Ok(()),
        Subject::Candidate(_) => Err("a candidate has no pins: choose an environment".to_owned()),
    }
}

pub(super) fn has_several_pins(state: &State) -> Result<(), String> {
    on_board(state)?;
    match has_subject(state)? {
        Subject::Pin(key) => {
            let row = state.board.row(&key.target.service);
            let pins = row.map_or(0, |row| super::select::cells(row, &key.target.environment).count());
            if pins > 1 {
                Ok(())
            } else {
                Err("there is one pin here".to_owned())
            }
        }
        Subject::Candidate(_) => Err("there is one candidate".to_owned()),
    }
}

pub(super) fn has_filter(state: &State) -> Result<(), String> {
    if state.filter.text().is_empty() {
        Err("no filter is set".to_owned())
    } else {
        Ok(())
    }
}

pub(super) fn not_refreshing(state: &State) -> Result<(), String> {
    if state.is_refreshing() {
        Err("a refresh is already running".to_owned())
    } else {
        Ok(())
    }
}

pub(super) fn can_open(state: &State) -> Result<(), String> {
    match state.screen() {
        None if state.pane == Pane::Feed => match state.feed_position() {
            Some(_) => Ok(()),
            None => Err("no drift is selected".to_owned()),
        },
        None if state.pane == Pane::Board => has_something(state),
        None => has_digest(state),
        Some(Screen::Evidence(_)) => Ok(()),
        Some(Screen::History(_)) => Err("nothing lies behind a line: d compares, r goes back to it".to_owned()),
        Some(Screen::Diff(_) | Screen::Plan(_)) => Err("nothing to open here".to_owned()),
    }
}

//! Whether an action is possible now, and if not, why: a clause for the person.

use super::action::Action;
use super::comparable;
use super::cursor::{self, ScreenSubject};
use super::request::{self, on_screen_subject};
use super::state::{CockpitState, Pane, Reading, Screen};

type Possible = Result<(), String>;

impl Action {
    /// Whether the action is possible now.
    ///
    /// # Errors
    /// The reason why it is not, as a clause for the person.
    pub fn enabled(self, state: &CockpitState) -> Result<(), String> {
        match self {
            Self::MoveUp
            | Self::MoveDown
            | Self::PageUp
            | Self::PageDown
            | Self::First
            | Self::Last
            | Self::Back
            | Self::Freeze
            | Self::Palette
            | Self::Help
            | Self::NextTheme
            | Self::Redraw
            | Self::Quit => Ok(()),
            Self::MoveLeft | Self::MoveRight | Self::Filter | Self::Sort | Self::Columns | Self::FullScreen => {
                on_board(state)
            }
            Self::SortThen => has_order(state),
            Self::NextPane | Self::PreviousPane => has_panes(state),
            Self::NextPin => has_several_pins(state),
            Self::Open => can_open(state),
            Self::Events => match state.screen() {
                Some(Screen::Events(_)) => Err("the events are on screen".to_owned()),
                _ => Ok(()),
            },
            Self::EndGuide => match &state.guide {
                Some(_) => Ok(()),
                None => Err("there is no guided line".to_owned()),
            },
            Self::CopyDigest | Self::CopyReference => copies(state),
            Self::Evidence => has_digest(state),
            Self::History => has_pin(state),
            Self::Diff => can_compare(state),
            Self::ClearFilter => has_filter(state),
            Self::CopyCommand => has_command(state),
            Self::Promote => request::promote(state).map(drop),
            Self::Revert => request::revert(state).map(drop),
            Self::RevertTo => request::revert_to(state).map(drop),
            Self::Hold => request::hold(state).map(drop),
            Self::TagRule => match state.screen() {
                Some(Screen::Plan(plan)) if plan.shown().is_some_and(|shown| !shown.plans.is_empty()) => Ok(()),
                _ => Err("only on a plan: it says what becomes of the tag beside its digest".to_owned()),
            },
            Self::Pin => request::pin(state).map(drop),
            Self::ReleaseHold => request::release_hold(state).map(drop),
            Self::Undo => request::undo(state).map(drop),
            Self::Mark => can_mark(state),
            Self::Refresh => can_refresh(state),
            Self::Suspend | Self::Unfinished => not_writing(state),
        }
    }
}

fn can_compare(state: &CockpitState) -> Possible {
    match state.screen() {
        Some(Screen::Diff(_)) => Err("the comparison is on screen".to_owned()),
        _ => comparable::pairs(state).map(drop),
    }
}

fn can_mark(state: &CockpitState) -> Possible {
    if state.setup.read_only {
        return Err("read-only: pindeck was started so that nothing can be written".to_owned());
    }
    on_board(state)?;
    match &state.cursor {
        Some(cursor) if state.board.row(&cursor.service).is_some() => Ok(()),
        _ => Err("nothing is selected".to_owned()),
    }
}

fn has_panes(state: &CockpitState) -> Possible {
    match state.screen() {
        Some(Screen::Diff(diff)) if diff.pairs.len() > 1 => Ok(()),
        Some(Screen::Diff(_)) => Err("there is one comparison".to_owned()),
        _ => on_board(state),
    }
}

fn not_writing(state: &CockpitState) -> Possible {
    match &state.writing {
        None => Ok(()),
        Some(writing) => Err(format!("not while a write is in flight: {}", writing.what)),
    }
}

fn has_command(state: &CockpitState) -> Possible {
    match state.screen() {
        Some(Screen::Plan(plan)) if plan.proposal().is_some() => Ok(()),
        Some(Screen::Plan(_)) => Err("there is no plan yet".to_owned()),
        Some(Screen::Revert(revert)) if revert.row().is_some() => Ok(()),
        _ => on_screen_subject(state).map(drop),
    }
}

fn on_board(state: &CockpitState) -> Possible {
    match state.screen() {
        None => Ok(()),
        Some(_) => Err("only on the board: esc goes back".to_owned()),
    }
}

fn has_digest(state: &CockpitState) -> Possible {
    let subject = on_screen_subject(state)?;
    match (state.digest_of(&subject), subject) {
        (Some(_), _) => Ok(()),
        (None, ScreenSubject::Pin(_)) => Err("pinned by tag only: there is no digest".to_owned()),
        (None, ScreenSubject::Candidate(_)) => Err("no candidate is known".to_owned()),
    }
}

/// On a plan of one service it is the new digest that is copied.
fn copies(state: &CockpitState) -> Possible {
    match state.screen() {
        Some(Screen::Plan(plan)) => match plan.proposal().map(|proposal| proposal.plans.as_slice()) {
            Some([_]) => Ok(()),
            Some([_, _, ..]) => Err("a set has several digests".to_owned()),
            Some([]) | None => Err("there is no plan yet".to_owned()),
        },
        _ => has_digest(state),
    }
}

fn has_pin(state: &CockpitState) -> Possible {
    match on_screen_subject(state)? {
        ScreenSubject::Pin(_) => Ok(()),
        ScreenSubject::Candidate(_) => Err("a candidate has no pins: choose an environment".to_owned()),
    }
}

fn has_several_pins(state: &CockpitState) -> Possible {
    on_board(state)?;
    match on_screen_subject(state)? {
        ScreenSubject::Pin(key) => {
            let row = state.board.row(&key.target.service);
            let pins = row.map_or(0, |row| cursor::cells(row, &key.target.environment).count());
            if pins > 1 {
                Ok(())
            } else {
                Err("there is one pin here".to_owned())
            }
        }
        ScreenSubject::Candidate(_) => Err("there is one candidate".to_owned()),
    }
}

fn has_filter(state: &CockpitState) -> Possible {
    if state.filter.text().is_empty() {
        Err("no filter is set".to_owned())
    } else {
        Ok(())
    }
}

fn has_order(state: &CockpitState) -> Possible {
    on_board(state)?;
    if state.sorting.is_by_name() {
        return Err("the rows stand by name: no two are the same".to_owned());
    }
    Ok(())
}

/// A pass that asks everything takes the place of one that does not.
fn can_refresh(state: &CockpitState) -> Possible {
    if state.is_refreshing() && state.wants_everything {
        Err("a refresh is already running".to_owned())
    } else {
        Ok(())
    }
}

fn can_open(state: &CockpitState) -> Possible {
    match state.screen() {
        None => match state.pane {
            Pane::Feed => match state.feed_position() {
                Some(_) => Ok(()),
                None => Err("no drift is selected".to_owned()),
            },
            Pane::Board => on_screen_subject(state).map(drop),
            Pane::Inspector => has_digest(state),
        },
        Some(Screen::Evidence(_)) => Ok(()),
        Some(Screen::Revert(revert)) => match revert.row() {
            Some(_) => request::writable(state),
            None if revert.reading == Reading::Running => {
                Err("what was pinned here before is still being read".to_owned())
            }
            None => Err("there is no digest to go back to".to_owned()),
        },
        Some(Screen::History(_)) => Err("nothing lies behind a line: d compares, r goes back to it".to_owned()),
        Some(Screen::Diff(_) | Screen::Plan(_) | Screen::Events(_)) => Err("nothing to open here".to_owned()),
    }
}

//! How the board is laid out: the order of its rows, its columns, and which pane fills the screen.

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::cursor::{Cursor, columns};
use crate::app::key::{Code, KeyPress};
use crate::app::sorting::Sorting;
use crate::app::state::{CockpitState, Modal};

pub(super) fn sort(state: &mut CockpitState) -> Vec<Command> {
    sort_by(state, state.sorting.next_first())
}

pub(super) fn sort_then(state: &mut CockpitState) -> Vec<Command> {
    sort_by(state, state.sorting.next_then())
}

fn sort_by(state: &mut CockpitState, sorting: Sorting) -> Vec<Command> {
    state.sorting = sorting;
    state.sort();
    state.say(format!("sorted by {}", sorting.words()));
    Vec::new()
}

pub(super) fn full_screen(state: &mut CockpitState) -> Vec<Command> {
    state.full_screen = !state.full_screen;
    Vec::new()
}

pub(super) fn open_columns(state: &mut CockpitState) -> Vec<Command> {
    let here = state.cursor.as_ref().map(|cursor| &cursor.column);
    let at = columns(&state.board).iter().position(|column| here == Some(column));
    state.layer = Some(Modal::Columns { at: at.unwrap_or(0) });
    Vec::new()
}

/// A key while the columns are being chosen.
pub(super) fn columns_key(state: &mut CockpitState, key: KeyPress, at: usize) -> Vec<Command> {
    let last = columns(&state.board).len().saturating_sub(1);
    let (mut to, mut commands) = (at.min(last), Vec::new());
    match (key.code, state.keymap.action(key)) {
        (Code::Char(' '), _) => commands = toggle(state, to),
        (Code::Enter | Code::Esc, _) | (_, Some(Action::Back | Action::Quit | Action::Columns)) => return commands,
        (_, Some(Action::MoveDown | Action::MoveRight)) => to = (to + 1).min(last),
        (_, Some(Action::MoveUp | Action::MoveLeft)) => to = to.saturating_sub(1),
        _ => {}
    }
    state.layer = Some(Modal::Columns { at: to });
    commands
}

/// Puts a column away, or brings it back. One always stays; a cursor in the column that is put away moves to
/// the one beside it, because the column of the cursor is always shown.
fn toggle(state: &mut CockpitState, at: usize) -> Vec<Command> {
    let all = columns(&state.board);
    let Some(column) = all.get(at) else {
        return Vec::new();
    };
    if !state.hidden_columns.remove(column) {
        let stays = |column: &&crate::app::cursor::Column| !state.hidden_columns.contains(*column);
        let others = || all.iter().filter(stays).filter(|other| *other != column);
        if others().next().is_none() {
            state.complain("one column has to stay");
            return Vec::new();
        }
        let beside = all[at..].iter().chain(all[..at].iter().rev());
        let beside = beside.filter(stays).find(|other| *other != column).cloned();
        if let (Some(cursor), Some(beside)) = (&state.cursor, beside)
            && cursor.column == *column
        {
            state.put(Cursor::at(cursor.service.clone(), beside));
        }
        state.hidden_columns.insert(column.clone());
    }
    vec![Command::RememberColumns(state.hidden_columns.iter().cloned().collect())]
}

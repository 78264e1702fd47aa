//! What a crash left unfinished: it is shown with what stands of it, and finished or forgotten.

use super::text_field::edit;
use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::generation::QueryKind;
use crate::app::key::{Code, KeyPress};
use crate::app::plan_screen::{Writing, title};
use crate::app::state::{CockpitState, Modal, UnfinishedList, UnfinishedQuestion};
use crate::domain::failure::Failure;
use crate::domain::recovery::LeftWrite;

/// Opens the list and asks for it.
pub(super) fn open(state: &mut CockpitState) -> Vec<Command> {
    state.layer = Some(Modal::Unfinished(UnfinishedList::default()));
    vec![Command::Left(state.generations.issue(QueryKind::Left, None))]
}

pub(super) fn listed(state: &mut CockpitState, result: Result<Vec<LeftWrite>, Failure>) -> Vec<Command> {
    let Some(Modal::Unfinished(list)) = &mut state.layer else {
        return Vec::new();
    };
    *list = UnfinishedList {
        found: Some(result),
        ..UnfinishedList::default()
    };
    Vec::new()
}

/// A frame has shown what the state is now.
pub(super) fn drawn(state: &mut CockpitState) {
    if let Some(Modal::Unfinished(list)) = &mut state.layer {
        list.is_drawn = list.found.is_some();
    }
}

/// A key on the list.
pub(super) fn key(state: &mut CockpitState, key: KeyPress, mut list: UnfinishedList) -> Vec<Command> {
    let leaves = key.code == Code::Esc || key.code == Code::Char('c') && key.ctrl;
    let commands = match (&mut list.question, key.code) {
        (UnfinishedQuestion::Finish, _) if leaves => return Vec::new(),
        (question, _) if leaves => {
            *question = UnfinishedQuestion::Finish;
            Vec::new()
        }
        (UnfinishedQuestion::Name(typed), Code::Enter) => {
            let wanted = list.found.as_ref().and_then(|found| found.as_ref().ok());
            let wanted = wanted.and_then(|found| found.get(list.at)?.type_name.clone());
            if wanted.is_some_and(|name| name.as_str() == typed) {
                return finish(state, &list);
            }
            state.complain("that is not the name of the environment: nothing was done");
            list.question = UnfinishedQuestion::Finish;
            Vec::new()
        }
        (UnfinishedQuestion::Name(typed), _) => {
            edit(typed, key);
            Vec::new()
        }
        (UnfinishedQuestion::Forget, Code::Char('y')) if key.typed().is_some() => return forget(state, list),
        (UnfinishedQuestion::Forget, _) => {
            list.question = UnfinishedQuestion::Finish;
            Vec::new()
        }
        (UnfinishedQuestion::Finish, Code::Char('y')) if key.typed().is_some() => match asked_to_finish(state, &list) {
            Ok(Some(question)) => {
                list.question = question;
                Vec::new()
            }
            Ok(None) => return finish(state, &list),
            Err(why) => {
                state.complain(why);
                Vec::new()
            }
        },
        (UnfinishedQuestion::Finish, Code::Char('x')) if key.typed().is_some() => {
            if list.is_drawn && list.selected().is_some() {
                list.question = UnfinishedQuestion::Forget;
            }
            Vec::new()
        }
        (UnfinishedQuestion::Finish, _) => {
            let last = match &list.found {
                Some(Ok(found)) => found.len().saturating_sub(1),
                _ => 0,
            };
            match state.keymap.action(key) {
                Some(Action::MoveDown) => list.at = (list.at + 1).min(last),
                Some(Action::MoveUp) => list.at = list.at.saturating_sub(1),
                Some(Action::Back | Action::Quit | Action::Unfinished) => return Vec::new(),
                _ => {}
            }
            Vec::new()
        }
    };
    state.layer = Some(Modal::Unfinished(list));
    commands
}

/// Whether the selected write can be finished; where its environment asks for its name, the question for that.
fn asked_to_finish(state: &CockpitState, list: &UnfinishedList) -> Result<Option<UnfinishedQuestion>, &'static str> {
    let Some(selected) = list.selected().filter(|_| list.is_drawn) else {
        return Err("there is nothing to finish");
    };
    if state.setup.read_only {
        return Err("read-only: pindeck was started so that nothing can be written");
    }
    if selected.ask.is_none() {
        return Err("this one cannot be finished from here: the line below it says why");
    }
    let name = selected.type_name.as_ref();
    Ok(name.map(|_| UnfinishedQuestion::Name(String::new())))
}

fn finish(state: &mut CockpitState, list: &UnfinishedList) -> Vec<Command> {
    let Some(LeftWrite { id, ask: Some(ask), .. }) = list.selected() else {
        return Vec::new();
    };
    let what = title(ask);
    state.writing = Some(Writing {
        what: what.clone(),
        ask: ask.clone(),
        since: state.now,
        progress: None,
        meter: None,
        cancelling: false,
        committed: false,
        was_left: true,
    });
    let ticket = state.generations.issue(QueryKind::Write, None);
    let id = id.clone();
    vec![Command::FinishLeft { ticket, id, what }]
}

fn forget(state: &mut CockpitState, list: UnfinishedList) -> Vec<Command> {
    let Some(id) = list.selected().map(|selected| selected.id.clone()) else {
        return Vec::new();
    };
    state.layer = Some(Modal::Unfinished(UnfinishedList::default()));
    let ticket = state.generations.issue(QueryKind::Left, None);
    vec![Command::ForgetLeft { ticket, id }]
}

//! Keeps the screen still while the engine goes on.

use crate::app::command::Command;
use crate::app::state::{CockpitState, FrozenBoard};

pub(super) fn toggle(state: &mut CockpitState) -> Vec<Command> {
    match state.frozen.take() {
        None => {
            state.frozen = Some(FrozenBoard {
                live: state.board.clone(),
                waiting: 0,
                since: state.now,
                told: state.events.count(),
            });
            state.say("frozen: the screen holds still, updates wait");
        }
        Some(frozen) => {
            state.board = frozen.live;
            state.sort();
            state.settle();
            super::data::note_arrivals(state);
            let updates = match frozen.waiting {
                0 => "live again: nothing had changed".to_owned(),
                1 => "live again: 1 update shown".to_owned(),
                n => format!("live again: {n} updates shown"),
            };
            state.say(match super::looking::since_looked(state, frozen.since, frozen.told) {
                Some(words) => format!("{updates}; {words}"),
                None => updates,
            });
        }
    }
    Vec::new()
}

//! What a person may have missed: cells that flash, lines that go by themselves, and what happened since somebody
//! looked last.

use jiff::SignedDuration;

use crate::app::command::Command;
use crate::app::events::{EventLog, digest_of};
use crate::app::key::KeyPress;
use crate::app::state::CockpitState;
use crate::app::versions::VersionNames;
use crate::app::{Action, age};
use crate::domain::board::Update;

/// How long a cell that has changed is drawn differently.
const FLASH: SignedDuration = SignedDuration::from_millis(1_500);
/// Without a key for so long, a person may have looked away.
const AWAY: SignedDuration = SignedDuration::from_secs(120);

/// Writes down what an update means to a person; the cells on screen that it changes flash.
pub(super) fn note(state: &mut CockpitState, update: &Update) {
    let now = state.now;
    let before = state.frozen.as_ref().map_or(&state.board, |frozen| &frozen.live);
    let names = VersionNames::new(before, &state.versions);
    let told = state.events.count();
    let own_writes = &state.own_writes;
    let changed = state
        .events
        .note(before, update, &names, |target| own_writes.contains(target), now);
    if state.frozen.is_none() {
        state.flashing.extend(changed.into_iter().map(|cell| (cell, now)));
        if state.events.count() != told
            && let Some(event) = state.events.last().map(|event| event.text.clone())
        {
            state.announce(event);
        }
    }
}

/// Time passes: what has flashed, and what has been announced, goes.
pub(super) fn tick(state: &mut CockpitState) {
    let now = state.now;
    state.flashing.retain(|_, since| now.duration_since(*since) < FLASH);
    if state
        .notice
        .as_ref()
        .is_some_and(|notice| notice.until.is_some_and(|until| until <= now))
    {
        state.notice = None;
    }
}

/// Does what a key does. After a pause it is also said what happened meanwhile, unless the key has an answer.
pub(super) fn key(
    state: &mut CockpitState,
    key: KeyPress,
    act: fn(&mut CockpitState, KeyPress) -> Vec<Command>,
) -> Vec<Command> {
    let (before, told) = std::mem::replace(&mut state.looked_at, (state.now, state.events.count()));
    let commands = act(state, key);
    if state.now.duration_since(before) >= AWAY
        && state.notice.is_none()
        && let Some(words) = since_looked(state, before, told)
    {
        state.say(words);
    }
    commands
}

/// What happened after somebody looked last, when there had been so many events; `None` = nothing.
pub(super) fn since_looked(state: &CockpitState, at: jiff::Timestamp, told: usize) -> Option<String> {
    let events: &EventLog = &state.events;
    let words = digest_of(&events.since(told))?;
    let key = state.keymap.key_of(Action::Events);
    let all = key.map_or_else(String::new, |key| format!("  ({key} lists events)"));
    Some(format!("since you looked, {}: {words}{all}", age::ago(at, state.now)))
}

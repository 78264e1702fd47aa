//! A cockpit without its terminal: what it knows, what it looks like, and when a frame is due.

use std::time::Instant;

use jiff::Timestamp;

use super::display::Display;
use super::pace::Pace;
use crate::app::command::Command;
use crate::app::state::{Modal, Screen};
use crate::app::update::update;
use crate::app::{CockpitState, Msg};

/// State and display, moved on by messages.
#[derive(Debug)]
pub(crate) struct CockpitSession {
    pub(crate) state: CockpitState,
    pub(crate) display: Display,
    pace: Pace,
}

impl CockpitSession {
    /// A session of which nothing has been shown yet.
    pub(crate) fn new(state: CockpitState, display: Display) -> Self {
        let mut pace = Pace::default();
        pace.want();
        Self { state, display, pace }
    }

    /// Applies a message; answers what is to be done about it.
    pub(crate) fn take(&mut self, msg: Msg, now: Timestamp) -> Vec<Command> {
        // Time that passes shows only where it is on screen: no frame is built for it while it is not.
        let before = matches!(msg, Msg::Tick).then(|| self.state.shown_time());
        let commands = update(&mut self.state, msg, now);
        if before.is_none_or(|before| before != self.state.shown_time()) || !commands.is_empty() {
            self.pace.want();
        }
        commands
    }

    /// The screen is no longer what was drawn last: the next frame draws everything.
    pub(crate) fn disturbed(&mut self) {
        self.display.forget();
        self.pace.want();
    }

    /// Something looks different now, for another reason than a message.
    #[cfg(feature = "measure")]
    pub(crate) fn wants_a_frame(&mut self) {
        self.pace.want();
    }

    /// When the next frame may be drawn; `None` = nothing waits to be shown.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        self.pace.due(now)
    }

    /// Keys were pressed: whether what they did is to be shown now. What asks for an answer is, before the next key counts;
    /// walking about may wait for its frame.
    pub(crate) fn keys_are_shown_at(&mut self, now: Instant) -> bool {
        self.pace.hurry();
        let asks =
            self.state.layer.is_some() || matches!(self.state.screen(), Some(Screen::Plan(_) | Screen::Revert(_)));
        asks || self.pace.due(now).is_some_and(|due| due <= now)
    }

    /// The bytes of a frame if anything has happened since the last one; none where it looks the same.
    pub(crate) fn draw(&mut self, now: Instant, time: Timestamp) -> Vec<u8> {
        if !self.pace.take(now) {
            return Vec::new();
        }
        let (bytes, limits) = self.display.frame(&self.state);
        // A list of unfinished writes is answered once it was seen, and it may leave all limits as they were.
        let is_awaited = matches!(&self.state.layer, Some(Modal::Unfinished(list)) if list.waits_to_be_seen());
        if limits != self.state.limits || is_awaited {
            update(&mut self.state, Msg::Drawn(limits), time);
        }
        bytes
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;

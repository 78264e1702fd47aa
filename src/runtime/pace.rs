//! When a frame is due: at once for a key, else at most every [`FRAME`].

use std::time::Instant;

use super::clock::FRAME;

/// Remembers whether anything waits to be shown, and when something was shown last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    wanted: bool,
    last: Option<Instant>,
}

impl Pace {
    /// Something looks different now.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// When the next frame that no key asked for may be drawn; `None` = nothing waits to be shown.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        self.wanted.then(|| self.last.map_or(now, |last| last + FRAME))
    }

    /// Whether there is anything to draw. From now on there is not.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let wanted = std::mem::take(&mut self.wanted);
        if wanted {
            self.last = Some(now);
        }
        wanted
    }
}

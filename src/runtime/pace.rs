//! When a frame is due: for a key at once, but for keys that repeat at most every [`KEY_FRAME`]; else at most every [`FRAME`].

use std::time::Instant;

use super::clock::{FRAME, KEY_FRAME};

/// Remembers whether anything waits to be shown, and when something was shown last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    wanted: bool,
    by_key: bool,
    last: Option<Instant>,
}

impl Pace {
    /// Something looks different now.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// A key has been pressed, and somebody waits to see what it did.
    pub(crate) fn hurry(&mut self) {
        self.by_key = self.wanted;
    }

    /// When the next frame may be drawn; `None` = nothing waits to be shown.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let gap = if self.by_key { KEY_FRAME } else { FRAME };
        self.wanted.then(|| self.last.map_or(now, |last| last + gap))
    }

    /// Whether there is anything to draw. From now on there is not.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let wanted = std::mem::take(&mut self.wanted);
        self.by_key = false;
        if wanted {
            self.last = Some(now);
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_is_shown_at_once_and_keys_that_repeat_thirty_times_a_second() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(pace.due(start), None);
        let mut drawn = Vec::new();
        for millis in 0..1_000 {
            if millis % 10 == 0 {
                pace.want();
                pace.hurry();
            }
            if pace.due(at(millis)).is_some_and(|due| due <= at(millis)) && pace.take(at(millis)) {
                drawn.push(millis);
            }
        }
        assert_eq!(drawn[..3], [0, 34, 68]);
        assert_eq!(drawn.len(), 30);
    }

    #[test]
    fn what_no_key_asked_for_waits_longer() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.want();
        assert!(pace.take(start));
        pace.hurry();
        assert_eq!(pace.due(start), None, "the key changed nothing");
        pace.want();
        assert_eq!(pace.due(start), Some(start + FRAME));
        pace.hurry();
        assert_eq!(pace.due(start), Some(start + KEY_FRAME));
    }
}

//! Whether a registry has the referrers API.

use std::sync::atomic::{AtomicU8, Ordering};

/// What is known about a registry's referrers API.
#[derive(Debug, Default)]
pub(super) struct Support {
    known: AtomicU8,
    /// Held by the first request, which finds out for all.
    pub(super) finding_out: tokio::sync::Mutex<()>,
}

pub(super) const UNKNOWN: u8 = 0;
pub(super) const API: u8 = 1;
pub(super) const NO_API: u8 = 2;

impl Support {
    pub(super) fn get(&self) -> u8 {
        self.known.load(Ordering::Acquire)
    }

    pub(super) fn learn(&self, state: u8) {
        // A registry that once answered has the API, whatever a single request says later.
        let _ = self
            .known
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| (old != API).then_some(state));
    }
}

//! Whether it pays to ask for a blob before it is sent.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Blobs not there in a row, with none there, after which nobody asks any more.
const GIVE_UP_PROBING: u64 = 6;

/// Whether it is worth asking for a blob before sending it. A HEAD saves sending what is there;
/// where nothing is there, it is one request more for each blob.
#[derive(Debug, Default)]
pub(super) struct Probe {
    useless: AtomicBool,
    there: AtomicU64,
    not_there: AtomicU64,
}

impl Probe {
    /// Sets whether there is anything that a blob could be found among.
    pub(super) fn set(&self, worth: bool) {
        self.useless.store(!worth, Ordering::Relaxed);
    }

    pub(super) fn worth(&self) -> bool {
        let vain = self.not_there.load(Ordering::Relaxed);
        let given_up = vain >= GIVE_UP_PROBING && self.there.load(Ordering::Relaxed) == 0;
        !given_up && !self.useless.load(Ordering::Relaxed)
    }

    pub(super) fn learn(&self, there: bool) {
        let counter = if there { &self.there } else { &self.not_there };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

//! What talking to registries has cost, in requests.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;

use crate::domain::registry::Budget;

/// Counts every request that was sent.
#[derive(Debug, Default)]
pub(super) struct Meter {
    requests: AtomicU64,
    head: AtomicU64,
    get: AtomicU64,
    rate_limited: AtomicU64,
    from_cache: AtomicU64,
}

impl Meter {
    /// Counts a request that is about to be sent.
    pub(super) fn count(&self, method: &Method) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match *method {
            Method::HEAD => self.head.fetch_add(1, Ordering::Relaxed),
            Method::GET => self.get.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// Counts an answer with status 429. Every answer comes by here, those of redirects and of broken uploads too.
    pub(super) fn note_status(&self, status: u16) {
        if status == 429 {
            self.rate_limited.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts content that came from the cache instead of a registry.
    pub(super) fn cache_hit(&self) {
        self.from_cache.fetch_add(1, Ordering::Relaxed);
    }

    /// All requests so far.
    pub(super) fn budget(&self) -> Budget {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Budget {
            requests: load(&self.requests),
            head: load(&self.head),
            get: load(&self.get),
            from_cache: load(&self.from_cache),
            rate_limited: load(&self.rate_limited),
        }
    }
}

//! What talking to registries has cost, by host, method and status.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;

use super::lock::locked;
use crate::domain::registry::Budget;

/// One line of the traffic count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Traffic {
    /// Host and port.
    pub host: String,
    /// The method.
    pub method: String,
    /// The status; 0 where no answer came.
    pub status: u16,
    /// How often.
    pub count: u64,
}

/// Counts every request that was sent.
#[derive(Debug, Default)]
pub(super) struct Meter {
    traffic: Mutex<BTreeMap<(String, String, u16), u64>>,
    requests: AtomicU64,
    head: AtomicU64,
    get: AtomicU64,
    rate_limited: AtomicU64,
    from_cache: AtomicU64,
}

impl Meter {
    /// A request leaves.
    pub(super) fn count(&self, method: &Method) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match *method {
            Method::HEAD => self.head.fetch_add(1, Ordering::Relaxed),
            Method::GET => self.get.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// A request ended with this status; 0 is none.
    pub(super) fn tally(&self, host: &str, method: &Method, status: u16) {
        if status == 429 {
            self.rate_limited.fetch_add(1, Ordering::Relaxed);
        }
        let key = (host.to_owned(), method.to_string(), status);
        *locked(&self.traffic).entry(key).or_default() += 1;
    }

    /// Content came from the cache.
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

    pub(super) fn traffic(&self) -> Vec<Traffic> {
        locked(&self.traffic)
            .iter()
            .map(|((host, method, status), count)| Traffic {
                host: host.clone(),
                method: method.clone(),
                status: *status,
                count: *count,
            })
            .collect()
    }
}

//! The limits of one host: how many requests at once, how fast, and when to stop asking.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::RegistryError;
use crate::domain::Wording;

/// Requests in flight per host.
const PARALLEL: usize = 8;
/// How long an opened breaker refuses.
const OPEN: Duration = Duration::from_secs(30);
/// Failures older than this are forgotten.
const WINDOW: Duration = Duration::from_secs(60);
/// Weight at which the breaker opens.
const HARD_LIMIT: u32 = 4;
/// Server errors in a row at which the breaker opens.
const SOFT_LIMIT: u32 = 6;

/// How a request failed for good, as far as the breaker cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostFailure {
    /// The host is over its limit, for so long.
    Limited(Duration),
    /// No connection or no answer in time.
    Silent,
    /// It answered with a server error.
    Server,
}

/// Limits and state of one host.
#[derive(Debug)]
pub(super) struct Host {
    /// Host and port.
    pub(super) name: String,
    permits: Semaphore,
    spacing: Option<Duration>,
    state: Mutex<State>,
}

/// Whether a request may go now.
#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Open,
    /// It may go at this time; no other request is given the same time.
    At(Instant),
    /// Not before this time, when it has to ask again.
    AskAgain(Instant),
    /// It may not go: the host is left alone, for this reason.
    Shut(Wording),
}

#[derive(Debug, Default)]
struct State {
    hard: VecDeque<(Instant, u32)>,
    soft: u32,
    open_until: Option<Instant>,
    last: Wording,
    not_before: Option<Instant>,
    next_slot: Option<Instant>,
}

impl Host {
    pub(super) fn new(name: String, requests_per_second: Option<u32>) -> Self {
        Self {
            name,
            permits: Semaphore::new(PARALLEL),
            spacing: requests_per_second
                .filter(|&n| n > 0)
                .map(|n| Duration::from_secs(1) / n),
            state: Mutex::default(),
        }
    }

    /// Waits for a place. It is kept over retries, so that a host in trouble gets few questions.
    pub(super) async fn acquire(&self, what: &str) -> Result<SemaphorePermit<'_>, RegistryError> {
        // The semaphore is never closed; an error would only mean that.
        self.permits
            .acquire()
            .await
            .map_err(|_| self.refusal(what, Wording::own("shutting down")))
    }

    /// Waits for the pause the host asked for and for the rate limit.
    pub(super) async fn throttle(&self, what: &str) -> Result<(), RegistryError> {
        loop {
            match self.admission(Instant::now()) {
                Admission::Open => return Ok(()),
                Admission::At(slot) => {
                    tokio::time::sleep_until(slot).await;
                    return Ok(());
                }
                Admission::AskAgain(at) => tokio::time::sleep_until(at).await,
                Admission::Shut(detail) => return Err(self.refusal(what, detail)),
            }
        }
    }

    fn refusal(&self, what: &str, detail: Wording) -> RegistryError {
        RegistryError::Breaker {
            host: self.name.clone(),
            what: what.to_owned(),
            detail,
        }
    }

    fn admission(&self, now: Instant) -> Admission {
        let mut state = self.lock();
        if let Some(open_until) = state.open_until {
            if now < open_until {
                return Admission::Shut(state.last.clone());
            }
            // One request goes through and decides; the others are still refused.
            state.open_until = Some(now + OPEN);
            state.not_before = None;
        }
        if let Some(at) = state.not_before.filter(|&at| at > now) {
            return Admission::AskAgain(at);
        }
        let Some(gap) = self.spacing else {
            return Admission::Open;
        };
        let slot = state.next_slot.unwrap_or(now).max(now);
        state.next_slot = Some(slot + gap);
        if slot <= now {
            Admission::Open
        } else {
            Admission::At(slot)
        }
    }

    /// Lets no request to this host go until the wait is over.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        if state.not_before.is_none_or(|gate| gate < until) {
            state.not_before = Some(until);
        }
    }

    /// A request was answered.
    pub(super) fn succeeded(&self) {
        let mut state = self.lock();
        state.soft = 0;
        state.open_until = None;
    }

    /// A request failed for good.
    pub(super) fn failed(&self, failure: HostFailure, detail: Wording) {
        self.failed_at(Instant::now(), failure, detail);
    }

    fn failed_at(&self, now: Instant, failure: HostFailure, detail: Wording) {
        let mut state = self.lock();
        state.last = detail;
        let mut open = OPEN;
        let weight = match failure {
            HostFailure::Limited(wait) => {
                open = open.max(wait);
                HARD_LIMIT
            }
            HostFailure::Silent => HARD_LIMIT / 2,
            HostFailure::Server => {
                state.soft += 1;
                0
            }
        };
        if weight > 0 {
            state.hard.push_back((now, weight));
        }
        while state
            .hard
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            state.hard.pop_front();
        }
        let hard: u32 = state.hard.iter().map(|(_, weight)| weight).sum();
        // A probe through a half-open breaker that fails opens it again.
        if hard >= HARD_LIMIT || state.soft >= SOFT_LIMIT || state.open_until.is_some() {
            state.open_until = Some(now + open);
            state.hard.clear();
            state.soft = 0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail() -> Wording {
        Wording::own("test")
    }

    fn shut() -> Admission {
        Admission::Shut(detail())
    }

    #[test]
    fn silence_twice_opens_and_one_probe_decides() {
        let host = Host::new("h".to_owned(), None);
        let now = Instant::now();
        host.failed_at(now, HostFailure::Silent, detail());
        assert_eq!(host.admission(now), Admission::Open);
        host.failed_at(now, HostFailure::Silent, detail());
        assert_eq!(host.admission(now), shut());
        let later = now + OPEN;
        assert_eq!(host.admission(later), Admission::Open, "the probe");
        assert_eq!(host.admission(later), shut(), "only one");
        host.succeeded();
        assert_eq!(host.admission(later), Admission::Open);
        assert_eq!(host.admission(later), Admission::Open);
    }

    #[test]
    fn a_failed_probe_opens_again() {
        let host = Host::new("h".to_owned(), None);
        let now = Instant::now();
        host.failed_at(now, HostFailure::Limited(Duration::ZERO), detail());
        let later = now + OPEN;
        assert_eq!(host.admission(later), Admission::Open);
        host.failed_at(later, HostFailure::Server, detail());
        assert_eq!(host.admission(later + OPEN / 2), shut());
    }

    #[test]
    fn old_silence_is_forgotten() {
        let host = Host::new("h".to_owned(), None);
        let now = Instant::now();
        host.failed_at(now, HostFailure::Silent, detail());
        let later = now + WINDOW + Duration::from_secs(1);
        host.failed_at(later, HostFailure::Silent, detail());
        assert_eq!(host.admission(later), Admission::Open);
    }

    #[test]
    fn server_errors_open_only_in_a_row() {
        let host = Host::new("h".to_owned(), None);
        let now = Instant::now();
        for _ in 0..20 {
            host.failed_at(now, HostFailure::Server, detail());
            host.succeeded();
        }
        assert_eq!(host.admission(now), Admission::Open);
        for _ in 0..SOFT_LIMIT {
            host.failed_at(now, HostFailure::Server, detail());
        }
        assert_eq!(host.admission(now), shut());
    }

    #[test]
    fn a_limit_is_kept_as_long_as_asked() {
        let host = Host::new("h".to_owned(), None);
        let now = Instant::now();
        host.failed_at(now, HostFailure::Limited(Duration::from_secs(100)), detail());
        assert_eq!(host.admission(now + Duration::from_secs(99)), shut());
        assert_eq!(host.admission(now + Duration::from_secs(100)), Admission::Open);
    }

    #[test]
    fn requests_are_spaced() {
        let host = Host::new("h".to_owned(), Some(10));
        let now = Instant::now();
        assert_eq!(host.admission(now), Admission::Open);
        for n in 1..20u32 {
            assert_eq!(host.admission(now), Admission::At(now + Duration::from_millis(100) * n));
        }
    }
}

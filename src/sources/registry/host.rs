//! The limits of one host: how many requests at once, how fast, and when to stop asking.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::RegistryError;
use super::pace::{AT_ONCE_AT_FIRST, AtOnce, Pace};
use crate::domain::Wording;

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
    state: Mutex<State>,
}

/// A request's permit to be under way, until it is dropped.
#[derive(Debug)]
pub(super) struct HostPermit<'a> {
    host: &'a Host,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for HostPermit<'_> {
    fn drop(&mut self) {
        let mut state = self.host.lock();
        if let Some(left) = state.surplus.checked_sub(1)
            && let Some(permit) = self.permit.take()
        {
            state.surplus = left;
            permit.forget();
        }
    }
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

#[derive(Debug)]
struct State {
    pace: Pace,
    /// Permits that are in use, and are one too many each: they end with their use.
    surplus: usize,
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
            permits: Semaphore::new(AT_ONCE_AT_FIRST),
            state: Mutex::new(State {
                pace: Pace::new(requests_per_second),
                surplus: 0,
                hard: VecDeque::new(),
                soft: 0,
                open_until: None,
                last: Wording::default(),
                not_before: None,
                next_slot: None,
            }),
        }
    }

    /// Waits for a permit. It is kept over retries, so that a host in trouble gets few questions.
    pub(super) async fn acquire(&self, what: &str) -> Result<HostPermit<'_>, RegistryError> {
        // The semaphore is never closed; an error would only mean that.
        let permit = self.permits.acquire().await;
        let permit = permit.map_err(|_| self.refusal(what, Wording::own("shutting down")))?;
        Ok(HostPermit {
            host: self,
            permit: Some(permit),
        })
    }

    /// Waits for the pause the host asked for and for the rate limit.
    pub(super) async fn throttle(&self, what: &str) -> Result<(), RegistryError> {
        loop {
            match self.admission(Instant::now()) {
                Admission::Open => return Ok(()),
                Admission::At(slot) => {
                    tokio::time::sleep_until(slot).await;
                    // Meanwhile the host may have asked for a pause.
                    if !self.is_paused(Instant::now()) {
                        return Ok(());
                    }
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
        let gap = state.pace.gap(now);
        if gap.is_zero() {
            return Admission::Open;
        }
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

    fn is_paused(&self, now: Instant) -> bool {
        self.lock().not_before.is_some_and(|at| at > now)
    }

    /// A request that was sent at `sent` was answered.
    pub(super) fn succeeded(&self, sent: Instant) {
        self.succeeded_at(sent, Instant::now());
    }

    fn succeeded_at(&self, sent: Instant, now: Instant) {
        let mut state = self.lock();
        state.soft = 0;
        state.open_until = None;
        let at_once = state.pace.answered(sent, now);
        self.adapt(state, at_once);
    }

    /// A request that was sent at `sent` was refused with 429.
    pub(super) fn refused(&self, sent: Instant) {
        self.refused_at(sent, Instant::now());
    }

    fn refused_at(&self, sent: Instant, now: Instant) {
        let mut state = self.lock();
        let at_once = state.pace.refused(sent, now);
        self.adapt(state, at_once);
    }

    fn adapt(&self, mut state: MutexGuard<'_, State>, at_once: AtOnce) {
        match at_once {
            AtOnce::Same => {}
            AtOnce::OneMore => match state.surplus.checked_sub(1) {
                Some(left) => state.surplus = left,
                None => self.permits.add_permits(1),
            },
            AtOnce::Fewer(fewer) => state.surplus += fewer - self.permits.forget_permits(fewer),
        }
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
#[path = "host_tests.rs"]
mod tests;

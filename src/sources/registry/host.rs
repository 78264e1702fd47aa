//! The limits of one host: how many requests at once, how fast, and when to stop asking.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::RegistryError;
use super::pace::{AT_ONCE_AT_FIRST, AtOnce, HostPace};
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
    /// Its turn comes after the time that it has.
    TooLate,
}

#[derive(Debug)]
struct State {
    pace: HostPace,
    /// Permits that are in use, and are one too many each: they end with their use.
    surplus: usize,
    hard: VecDeque<(Instant, u32)>,
    soft: u32,
    open_until: Option<Instant>,
    /// When the breaker was opened last.
    opened: Option<Instant>,
    last: Wording,
    not_before: Option<Instant>,
    next_slot: Option<Instant>,
}

impl Host {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            permits: Semaphore::new(AT_ONCE_AT_FIRST),
            state: Mutex::new(State {
                pace: HostPace::new(),
                surplus: 0,
                hard: VecDeque::new(),
                soft: 0,
                open_until: None,
                opened: None,
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

    /// The policy asks for at most so many requests a second.
    pub(super) fn limit(&self, requests_per_second: u32) {
        self.lock().pace.limit(requests_per_second);
    }

    /// Waits for the pause the host asked for and for the rate limit. A turn that comes after `until` is not waited for:
    /// the time that is spent here is not the host's silence.
    pub(super) async fn throttle(&self, what: &str, until: Option<Instant>) -> Result<(), RegistryError> {
        loop {
            match self.admission(Instant::now(), until) {
                Admission::Open => return Ok(()),
                Admission::At(slot) => {
                    tokio::time::sleep_until(slot).await;
                    // Meanwhile the host may have asked for a pause, or failed.
                    if !self.is_closed(Instant::now()) {
                        return Ok(());
                    }
                }
                Admission::AskAgain(at) => tokio::time::sleep_until(at).await,
                Admission::Shut(detail) => return Err(self.refusal(what, detail)),
                Admission::TooLate => return Err(self.too_late(what)),
            }
        }
    }

    /// The error of a request whose turn does not come in its time.
    pub(super) fn too_late(&self, what: &str) -> RegistryError {
        RegistryError::RateLimited {
            host: self.name.clone(),
            what: what.to_owned(),
            retry_after: None,
        }
    }

    fn refusal(&self, what: &str, detail: Wording) -> RegistryError {
        RegistryError::Breaker {
            host: self.name.clone(),
            what: what.to_owned(),
            detail,
        }
    }

    fn admission(&self, now: Instant, until: Option<Instant>) -> Admission {
        let mut state = self.lock();
        if let Some(open_until) = state.open_until {
            if now < open_until {
                return Admission::Shut(state.last.clone());
            }
            // One request goes through and decides; the others are still refused.
            state.open_until = Some(now + OPEN);
            state.not_before = None;
            state.next_slot = None;
        }
        let is_late = |at: Instant| until.is_some_and(|until| at > until);
        if let Some(at) = state.not_before.filter(|&at| at > now) {
            return if is_late(at) {
                Admission::TooLate
            } else {
                Admission::AskAgain(at)
            };
        }
        let gap = state.pace.gap(now);
        if gap.is_zero() {
            return Admission::Open;
        }
        let slot = state.next_slot.unwrap_or(now).max(now);
        if is_late(slot) {
            return Admission::TooLate;
        }
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

    fn is_closed(&self, now: Instant) -> bool {
        let state = self.lock();
        [state.not_before, state.open_until]
            .into_iter()
            .flatten()
            .any(|at| at > now)
    }

    /// A request that was sent at `sent` was answered, and its answer began after this time.
    pub(super) fn succeeded(&self, sent: Instant, after: Duration) {
        self.succeeded_at(sent, after, Instant::now());
    }

    fn succeeded_at(&self, sent: Instant, after: Duration, now: Instant) {
        let mut state = self.lock();
        // What was under way when the host failed says nothing about it now.
        if state.opened.is_none_or(|opened| sent > opened) {
            state.soft = 0;
            state.open_until = None;
            state.opened = None;
        }
        let at_once = state.pace.answered(after, now);
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

    /// A request that was sent at `sent` was not answered, or with the word that the host has too much to do.
    pub(super) fn overloaded(&self, sent: Instant) {
        let mut state = self.lock();
        let at_once = state.pace.overloaded(sent, Instant::now());
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
            state.open_until = state.open_until.max(Some(now + open));
            state.opened = Some(now);
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

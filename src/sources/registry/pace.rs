//! How many requests a host gets at once, and how fast one after another: learned from its answers, within what the team's
//! policy allows.
//!
//! More go at once while that saves waiting. A host that is overloaded gets half as many; a 429 also tells the rate that the
//! host takes: what it answered in the last second. From then on requests are spaced for a little less than that, and slowly
//! for more again, so that of many requests few are refused.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Requests at once to a host of which nothing is known.
pub(super) const AT_ONCE_AT_FIRST: usize = 8;
/// Requests at once to a host that refuses many: a copy sends one blob fewer at once, for long uploads must not keep all others
/// waiting.
pub(super) const AT_ONCE_AT_LEAST: usize = 5;
/// Requests at once to any host, at most.
pub(super) const AT_ONCE_AT_MOST: usize = 32;
/// An answer that began sooner says that more at once would only cost connections and memory.
const WORTH_MORE: Duration = Duration::from_millis(10);
/// Answers that are worth more at once, for each one more.
const ANSWERS_FOR_ONE_MORE: usize = 4;
/// Answers are counted over so long.
const COUNTED: Duration = Duration::from_secs(1);
/// The part of a counted rate that is asked for.
const CAREFUL: f64 = 0.9;
/// A counted rate is at least this part of the one before: a host that was hardly asked says little of what it takes.
const LEAST_PART: f64 = 0.25;
/// Requests a second, at least.
const SLOWEST: f64 = 1.0;
/// The part by which a rate grows in each second.
const GROWTH: f64 = 0.005;
/// A host that has refused nothing for so long may take far more by now.
const TRUSTED_AFTER: f64 = 60.0;
/// From then on the rate doubles in so many seconds.
const DOUBLES_IN: f64 = 10.0;
/// At so many requests a second there is nothing left to space.
const UNLIMITED: f64 = 1000.0;

/// What changed about the requests at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtOnce {
    Same,
    OneMore,
    /// So many fewer.
    Fewer(usize),
}

/// What is known of a host's limits.
#[derive(Debug)]
pub(super) struct HostPace {
    /// The time between two requests that the policy asks for.
    least_gap: Duration,
    at_once: usize,
    /// Answers that were worth more at once, since there was one more.
    worth_more: usize,
    /// When the answers of the last second came.
    answers: VecDeque<Instant>,
    refused: Option<LastRefusal>,
    /// When there were too many at once last.
    overloaded: Option<Instant>,
}

/// When the host refused a request last, and what it seemed to take.
#[derive(Debug, Clone, Copy)]
struct LastRefusal {
    at: Instant,
    /// Requests a second that the host seemed to take then.
    rate: f64,
}

impl LastRefusal {
    /// Requests a second that it may take by now; `None` = as many as there are.
    fn rate_at(&self, now: Instant) -> Option<f64> {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        let doublings = (seconds - TRUSTED_AFTER).max(0.0) / DOUBLES_IN;
        let rate = self.rate * (1.0 + GROWTH * seconds) * doublings.exp2();
        (rate < UNLIMITED).then_some(rate)
    }
}

impl HostPace {
    pub(super) fn new() -> Self {
        Self {
            least_gap: Duration::ZERO,
            at_once: AT_ONCE_AT_FIRST,
            worth_more: 0,
            answers: VecDeque::new(),
            refused: None,
            overloaded: None,
        }
    }

    /// The policy asks for at most so many requests a second.
    pub(super) fn limit(&mut self, requests_per_second: u32) {
        if let Some(gap) = Duration::from_secs(1).checked_div(requests_per_second) {
            self.least_gap = self.least_gap.max(gap);
        }
    }

    /// The time between two requests.
    pub(super) fn gap(&self, now: Instant) -> Duration {
        let rate = self.refused.and_then(|refused| refused.rate_at(now));
        let learned = rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1).div_f64(rate));
        self.least_gap.max(learned)
    }

    /// The host answered a request, and began to after this time.
    pub(super) fn answered(&mut self, after: Duration, now: Instant) -> AtOnce {
        self.forget_old(now);
        self.answers.push_back(now);
        if self.at_once >= AT_ONCE_AT_MOST || after < WORTH_MORE {
            return AtOnce::Same;
        }
        self.worth_more += 1;
        // One that had too many is tried with more as slowly as it has answered them all.
        let needed = match self.overloaded {
            None => ANSWERS_FOR_ONE_MORE,
            Some(_) => ANSWERS_FOR_ONE_MORE.max(self.at_once),
        };
        if self.worth_more < needed {
            return AtOnce::Same;
        }
        self.worth_more = 0;
        self.at_once += 1;
        AtOnce::OneMore
    }

    /// The host refused a request that was sent at `sent`, because there were too many.
    pub(super) fn refused(&mut self, sent: Instant, now: Instant) -> AtOnce {
        // It was under way when another one was refused, and says nothing new.
        if self.refused.is_some_and(|before| sent <= before.at) {
            return AtOnce::Same;
        }
        self.forget_old(now);
        let counted = self.answers.len() as f64 * CAREFUL;
        let rate = match self.refused.and_then(|before| before.rate_at(now)) {
            Some(before) => counted.clamp(before * LEAST_PART, before * CAREFUL),
            // Where nothing was asked for a while the answers of the last second tell too little.
            None => counted.max(self.at_once as f64),
        };
        let rate = rate.max(SLOWEST);
        self.refused = Some(LastRefusal { at: now, rate });
        self.overloaded(sent, now)
    }

    /// The host could not do with as many at once, when it was sent a request at `sent`.
    pub(super) fn overloaded(&mut self, sent: Instant, now: Instant) -> AtOnce {
        if self.overloaded.is_some_and(|before| sent <= before) {
            return AtOnce::Same;
        }
        self.overloaded = Some(now);
        self.worth_more = 0;
        if self.at_once <= AT_ONCE_AT_LEAST {
            return AtOnce::Same;
        }
        let fewer = self.at_once - (self.at_once / 2).max(AT_ONCE_AT_LEAST);
        self.at_once -= fewer;
        AtOnce::Fewer(fewer)
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(first) = self.answers.front() {
            if now.saturating_duration_since(*first) < COUNTED {
                break;
            }
            self.answers.pop_front();
        }
    }
}

//! Which answers about digests are asked for again in one pass of many: those that are too old, and of the others
//! so many, the oldest first, that none grows too old. What is new, open or wrong is not among them: it is asked in
//! every pass.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::id::{ServiceId, Target};

/// So many manifests are asked about again in every pass, however young their answers are: where fewer are pinned,
/// everything is as new as the pass.
pub const MANIFESTS_A_PASS: u64 = 80;

/// How old answers may grow where one pass follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeLimits {
    /// In `drift --watch`.
    pub watched: SignedDuration,
    /// In a cockpit, of what is on the screen.
    pub on_screen: SignedDuration,
    /// In a cockpit, of everything else.
    pub off_screen: SignedDuration,
}

impl Default for AgeLimits {
    fn default() -> Self {
        Self {
            watched: SignedDuration::from_mins(15),
            // From then on the screen calls it stale.
            on_screen: SignedDuration::from_mins(10),
            off_screen: SignedDuration::from_mins(30),
        }
    }
}

/// What a person has on the screen of a cockpit when a pass begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoardLook {
    /// What is selected: asked about first, and in every pass.
    pub selected: Option<Target>,
    /// The services whose rows are on the screen.
    pub on_screen: BTreeSet<ServiceId>,
    /// The person asked for this pass: everything is asked again.
    pub is_wanted: bool,
}

impl BoardLook {
    /// How old the answers about a service may be.
    pub(crate) fn limit(&self, service: Option<&ServiceId>, limits: &AgeLimits) -> SignedDuration {
        if self.is_wanted {
            SignedDuration::ZERO
        } else if service.is_some_and(|service| self.on_screen.contains(service)) {
            limits.on_screen
        } else {
            limits.off_screen
        }
    }
}

/// Answers about one digest that count until they are too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AgedAnswer {
    /// When the oldest of them was asked for.
    pub asked: Timestamp,
    /// How old they may grow.
    pub limit: SignedDuration,
    /// The manifests that are asked about: the digest, and the platform manifests of an index.
    pub manifests: u64,
}

impl AgedAnswer {
    fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.asked)
    }

    /// Whether it no longer counts. One from the future has no age that anybody knows.
    fn is_over(&self, now: Timestamp) -> bool {
        let age = self.age(now);
        age.is_negative() || age >= self.limit
    }

    /// A time as a part of the limit, in millionths.
    fn part(&self, time: SignedDuration) -> u128 {
        let (time, limit) = (time.as_millis().max(0), self.limit.as_millis().max(1));
        time.min(limit).unsigned_abs() * MILLION / limit.unsigned_abs()
    }
}

const MILLION: u128 = 1_000_000;

/// How many manifests may be asked about in a pass that begins so long after the one before: their even share of the
/// time that they may grow old in, and never fewer than [`MANIFESTS_A_PASS`].
fn budget(answers: &[AgedAnswer], since: SignedDuration) -> u64 {
    let share = |answer: &AgedAnswer| answer.part(since) * u128::from(answer.manifests);
    let share = answers.iter().map(share).sum::<u128>().div_ceil(MILLION);
    u64::try_from(share).unwrap_or(u64::MAX).max(MANIFESTS_A_PASS)
}

/// The places of the answers that are asked for again in a pass that begins `since` after the one before.
pub(crate) fn due(answers: &[AgedAnswer], now: Timestamp, since: SignedDuration) -> Vec<usize> {
    let (mut due, mut others): (Vec<usize>, Vec<usize>) = (0..answers.len()).partition(|at| answers[*at].is_over(now));
    // Of equally old ones the first: the same in each run.
    others.sort_by_key(|at| std::cmp::Reverse(answers[*at].part(answers[*at].age(now))));
    let spent = due.iter().map(|at| answers[*at].manifests).sum();
    let mut left = budget(answers, since).saturating_sub(spent);
    for at in others {
        // A large index that does not fit waits for its limit, and keeps no other from its turn.
        if let Some(rest) = left.checked_sub(answers[at].manifests) {
            left = rest;
            due.push(at);
        }
    }
    due
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;

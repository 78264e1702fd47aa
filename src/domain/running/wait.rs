//! Waiting until what was pushed runs: how far a pin is, and when the waiting is over (docs/reference/running.md,
//! "Waiting for it").

use jiff::Timestamp;

use super::blocked::{BlockKind, Blocked};
use super::comparison::ImageComparison;
use super::observation::{NamespaceRunning, RunningDigest, RunningState, worst};
use super::pods::Counting;
use super::reconciler::{Reconciler, ReconcilerState};
use crate::domain::failure::FailureKind;
use crate::domain::id::Digest;
use crate::domain::text::Untrusted;

/// An obstacle that was reported so long before the waiting began, in seconds, may be one of an earlier try.
const EARLIER: i64 = 60;

/// How far a pushed pin is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitPhase {
    /// Git has it; nobody in the cluster is known to have seen it.
    Pushed,
    /// Whoever reconciles has seen the commit.
    Seen,
    /// Whoever reconciles has applied the commit.
    Applied,
    /// Containers of the pinned image start.
    Rolling,
    /// Every container that counts runs the pinned image and is ready, and no other image is left.
    Runs,
}

impl WaitPhase {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Seen => "seen",
            Self::Applied => "applied",
            Self::Rolling => "rolling",
            Self::Runs => "runs",
        }
    }
}

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitOutcome {
    /// Every pin that was waited for is in that phase.
    Runs,
    /// A gate refused it.
    GateDenied,
    /// A gate could not be asked, and nothing passes without its answer.
    GateUnreachable,
    /// Applying it failed, or it does not start.
    Failed,
    /// These credentials may not see what runs.
    Forbidden,
    /// The cluster cannot be asked.
    Unreachable,
    /// It took longer than somebody wanted to wait.
    Timeout,
    /// A person ended the waiting.
    Interrupted,
}

impl WaitOutcome {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::GateDenied => "gate-denied",
            Self::GateUnreachable => "gate-unreachable",
            Self::Failed => "failed",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
        }
    }

    /// A few words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Runs => "it runs",
            Self::GateDenied => "a gate denies it",
            Self::GateUnreachable => "a gate cannot be asked",
            Self::Failed => "it failed",
            Self::Forbidden => "what runs may not be looked at",
            Self::Unreachable => "the cluster cannot be asked",
            Self::Timeout => "it took too long",
            Self::Interrupted => "the waiting was ended",
        }
    }

    /// How long such an obstacle must stay before waiting for its end makes no sense, in seconds. A refusal is an
    /// answer; what cannot be asked or pulled may be back in a moment.
    const fn patience(self) -> Option<i64> {
        match self {
            Self::GateDenied | Self::Forbidden => Some(1),
            Self::Failed => Some(15),
            Self::GateUnreachable | Self::Unreachable => Some(30),
            Self::Runs | Self::Timeout | Self::Interrupted => None,
        }
    }
}

/// What stands in the way of a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitObstacle {
    /// How the waiting ends if it stays.
    pub outcome: WaitOutcome,
    /// Who refuses and in what words; it can quote a cluster.
    pub words: Untrusted,
    /// Whether it may be left from an earlier try.
    pub is_earlier: bool,
}

/// How far one pin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinProgress {
    /// The last one that it has reached.
    pub phase: WaitPhase,
    /// Pods of the pinned image that are ready.
    pub ready: u32,
    /// All Pods that should be.
    pub all: u32,
    /// What stands in its way, if anything does.
    pub obstacle: Option<WaitObstacle>,
}

impl PinProgress {
    /// How far the pin of that digest is, from what all namespaces of its environment say. `begun` is when the
    /// waiting began.
    pub fn of(namespaces: &[NamespaceRunning], digest: Digest, begun: Timestamp) -> Self {
        let counts = |row: &&RunningDigest| matches!(row.counting, Counting::Runs | Counting::ShouldRun);
        let rows = || namespaces.iter().flat_map(|one| &one.digests).filter(counts);
        let ours = |row: &&RunningDigest| row.comparison.is_same();
        let running: u32 = rows().filter(ours).map(|row| row.ready).sum();
        let pods: u32 = rows().map(|row| row.pods).sum();
        let each = namespaces.iter().map(NamespaceRunning::progress);
        let (ready, all) = each.fold((0, 0), |(ready, all), (its, of)| (ready + its, all + of));
        let state = worst(namespaces);
        let is_rolled_out = !namespaces.iter().any(|one| one.is_rolled_out == Some(false));
        let is_past = !namespaces.is_empty() && namespaces.iter().all(|one| one.is_past);
        let is_ready = running == pods && pods > 0 || is_past;
        let has_begun = rows().any(|row| row.comparison.is_same() || asks_for(row, digest));
        let furthest_behind = namespaces
            .iter()
            .filter_map(|one| one.reconciler.as_ref())
            .min_by_key(|one| (one.reached == Some(true), one.state));
        let phase = if state == Some(RunningState::Same) && is_ready && is_rolled_out {
            WaitPhase::Runs
        } else if has_begun {
            WaitPhase::Rolling
        } else {
            match furthest_behind {
                Some(one) if one.reached == Some(true) => WaitPhase::Applied,
                Some(one) if matches!(one.state, ReconcilerState::Syncing | ReconcilerState::Failed) => WaitPhase::Seen,
                _ => WaitPhase::Pushed,
            }
        };
        let obstacle = match phase {
            WaitPhase::Runs => None,
            _ => obstacle(namespaces, digest, furthest_behind, begun),
        };
        Self {
            phase,
            ready,
            all,
            obstacle,
        }
    }

    /// A pin that is no longer there.
    pub fn replaced() -> Self {
        Self {
            phase: WaitPhase::Pushed,
            ready: 0,
            all: 0,
            obstacle: Some(WaitObstacle {
                outcome: WaitOutcome::Failed,
                words: "another digest is pinned there by now".into(),
                is_earlier: false,
            }),
        }
    }

    /// A pin of which nothing could be seen.
    pub fn unseen(words: Untrusted) -> Self {
        Self {
            obstacle: Some(WaitObstacle {
                outcome: WaitOutcome::Unreachable,
                words,
                is_earlier: false,
            }),
            ..Self::replaced()
        }
    }

    /// The phase in words: `rolling 2/4`.
    pub fn words(&self) -> String {
        match self.phase {
            WaitPhase::Rolling | WaitPhase::Runs if self.all > 0 => {
                format!("{} {}/{}", self.phase.as_str(), self.ready, self.all)
            }
            WaitPhase::Pushed => "git has it; the cluster has not".to_owned(),
            phase => phase.as_str().to_owned(),
        }
    }
}

/// Whether a Pod asks for a digest: its node may not have reported anything yet.
fn asks_for(row: &RunningDigest, digest: Digest) -> bool {
    row.comparison != ImageComparison::Differs && row.asked.raw().ends_with(&digest.to_string())
}

fn obstacle(
    namespaces: &[NamespaceRunning],
    digest: Digest,
    reconciler: Option<&Reconciler>,
    begun: Timestamp,
) -> Option<WaitObstacle> {
    let is_in_the_way = |namespace: &NamespaceRunning, one: &Blocked| {
        one.digest == Some(digest) || namespace.state == RunningState::Blocked && one.digest.is_some()
    };
    let blocked = namespaces
        .iter()
        .flat_map(|place| place.blocked.iter().filter(|one| is_in_the_way(place, one)));
    let blocked = blocked.map(|one| of_blocked(one, begun));
    let unseen = namespaces.iter().filter_map(|place| {
        let outcome = match place.unfinished? {
            FailureKind::Denied => WaitOutcome::Forbidden,
            _ => WaitOutcome::Unreachable,
        };
        Some(WaitObstacle {
            outcome,
            words: place.missing.first().cloned().unwrap_or_default(),
            is_earlier: false,
        })
    });
    let failed = reconciler.and_then(|one| {
        let (outcome, words) = match one.state {
            ReconcilerState::Failed => (
                WaitOutcome::Failed,
                format!("{}: {}", one.name.quoted(), one.message.quoted()),
            ),
            ReconcilerState::Suspended => (WaitOutcome::Timeout, format!("{} is suspended", one.name.quoted())),
            ReconcilerState::Waiting if !one.message.is_empty() => (
                WaitOutcome::Timeout,
                format!("{}: {}", one.name.quoted(), one.message.quoted()),
            ),
            _ => return None,
        };
        Some(WaitObstacle {
            outcome,
            words: words.into(),
            is_earlier: false,
        })
    });
    blocked.chain(unseen).chain(failed).min_by_key(|one| one.outcome)
}

fn of_blocked(one: &Blocked, begun: Timestamp) -> WaitObstacle {
    let outcome = match one.what {
        BlockKind::GateDenied => WaitOutcome::GateDenied,
        BlockKind::GateUnreachable => WaitOutcome::GateUnreachable,
        BlockKind::Pull | BlockKind::Crash | BlockKind::Other => WaitOutcome::Failed,
    };
    let by = one
        .by
        .as_ref()
        .map(|by| format!(" ({})", by.quoted()))
        .unwrap_or_default();
    let is_earlier = |since: Timestamp| begun.as_second().saturating_sub(since.as_second()) > EARLIER;
    WaitObstacle {
        outcome,
        words: format!("{}{by}: {}", one.what.words(), one.message.quoted()).into(),
        is_earlier: one.since.is_some_and(is_earlier),
    }
}

/// A waiting: since when, until when, and what has stood in the way for how long.
#[derive(Debug, Clone)]
pub struct Waiting {
    begun: Timestamp,
    limit: i64,
    obstacle: Option<(WaitOutcome, Timestamp)>,
}

impl Waiting {
    /// A waiting that begins now and ends after so many seconds.
    pub fn new(begun: Timestamp, limit: i64) -> Self {
        Self {
            begun,
            limit,
            obstacle: None,
        }
    }

    /// When it began.
    pub fn begun(&self) -> Timestamp {
        self.begun
    }

    /// Takes a look at all pins in; the outcome, if the waiting is over.
    pub fn look(&mut self, pins: &[PinProgress], now: Timestamp) -> Option<WaitOutcome> {
        if pins.iter().all(|pin| pin.phase == WaitPhase::Runs) {
            return Some(WaitOutcome::Runs);
        }
        let worst = pins.iter().filter_map(|pin| pin.obstacle.as_ref());
        let worst = worst.min_by_key(|one| one.outcome);
        let since = match (worst, self.obstacle) {
            (Some(one), Some((known, since))) if one.outcome == known => since,
            _ => now,
        };
        self.obstacle = worst.map(|one| (one.outcome, since));
        let stood = now.as_second().saturating_sub(since.as_second());
        let is_final = worst.is_some_and(|one| {
            // Whoever refused an earlier try may accept this one.
            let patience = one
                .outcome
                .patience()
                .map(|least| if one.is_earlier { least.max(30) } else { least });
            patience.is_some_and(|patience| stood >= patience)
        });
        if is_final || self.elapsed(now) >= self.limit {
            return Some(worst.map_or(WaitOutcome::Timeout, |one| one.outcome));
        }
        None
    }

    /// Seconds since it began.
    pub fn elapsed(&self, now: Timestamp) -> i64 {
        now.as_second().saturating_sub(self.begun.as_second()).max(0)
    }

    /// How long to pause before the next look, in milliseconds, after so many looks: one second at first and five in
    /// the end, and never longer than the waiting itself.
    pub fn pause(&self, looks: u32, now: Timestamp) -> u64 {
        let usual = match looks {
            0..=3 => 1_000,
            4..=6 => 2_000,
            7..=9 => 3_000,
            _ => 5_000,
        };
        usual.min(self.left(now).max(100))
    }

    /// How long the waiting may still take, in milliseconds.
    pub fn left(&self, now: Timestamp) -> u64 {
        let seconds = self.limit.saturating_sub(self.elapsed(now)).max(0);
        u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000)
    }
}

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;

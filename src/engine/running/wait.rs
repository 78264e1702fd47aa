//! Waits until what was pushed runs, or something says that it will not (docs/reference/running.md, "Waiting for it").
//!
//! It only looks: git has the write, whatever becomes of the waiting.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::domain::board::{PinKey, Update};
use crate::domain::failure::{Failure, Hint};
use crate::domain::freshness::Answered;
use crate::domain::id::{Digest, Target};
use crate::domain::pin::Pin;
use crate::domain::policy::{Environment, WriteMode};
use crate::domain::running::observation::{NamespaceRunning, RunningState};
use crate::domain::running::report::RunningReport;
use crate::domain::running::wait::{PinProgress, WaitOutcome, WaitPhase, Waiting};
use crate::engine::open::Engine;

use super::{PinRunning, RunningObserver};

/// How long a waiting usually is.
const USUAL: Duration = Duration::from_secs(600);

/// How much longer than the waiting its last look may take.
const GRACE: Duration = Duration::from_secs(2);

/// Time as a waiting sees it: that of this machine, or that of a test.
pub(crate) trait WaitClock: Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;
    /// Lets so many milliseconds go by.
    fn pause(&self, milliseconds: u64) -> impl Future<Output = ()> + Send;
}

/// Real time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineClock;

impl WaitClock for MachineClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn pause(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// A pin that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WaitTarget {
    /// Service and environment.
    pub target: Target,
    /// Which variant of the image, where the environment has several.
    pub component: Option<String>,
    /// The digest that was pushed; `None` = whatever is pinned there.
    pub digest: Option<Digest>,
}

/// How far one pin is, at one look.
#[derive(Debug, Clone)]
pub(crate) struct WaitedPin {
    /// Which one.
    pub wanted: WaitTarget,
    /// How far it is.
    pub progress: PinProgress,
    /// What its clusters run, in one word.
    pub state: Option<RunningState>,
    /// What each namespace says.
    pub namespaces: Vec<NamespaceRunning>,
}

/// How a waiting ended.
#[derive(Debug, Clone)]
pub(crate) struct WaitEnd {
    /// Why it ended.
    pub outcome: WaitOutcome,
    /// How far the pin is that is furthest behind.
    pub phase: WaitPhase,
    /// How long it took, in seconds.
    pub seconds: i64,
    /// The pins as they were seen last.
    pub pins: Vec<WaitedPin>,
    /// When that was.
    pub observed_at: Timestamp,
}

impl Engine {
    /// Whether it makes sense to wait for these pins, asked before anything is written.
    ///
    /// # Errors
    /// A usage error: the environment proposes instead of pushing, names no cluster, or one that this person's
    /// configuration does not reach.
    pub(crate) async fn check_waiting(&self, targets: &[WaitTarget]) -> Result<(), Failure> {
        let ledger = self.ledger_as_known().await?;
        for wanted in targets {
            let name = &wanted.target.environment;
            let Some(environment) = ledger.environments.iter().find(|env| env.name == *name) else {
                continue;
            };
            let part = name.into();
            if environment.write == WriteMode::Branch {
                let what = format!("{name} takes proposals: nothing runs before one is merged");
                return Err(Failure::usage(what).hint("leave out --wait"));
            }
            if !environment.running.is_known() {
                let what = format!("nobody can wait for {name}: it does not say in which cluster it runs");
                let hint = Hint::with("leave out --wait, or give {} `running` in pindeck.toml", &[part]);
                return Err(Failure::usage(what).hint(hint));
            }
            if self.options().offline {
                return Err(Failure::usage("no cluster is asked with --offline").hint("leave out --wait"));
            }
            for place in &environment.running.places {
                let access = self.options().clusters.get(&place.cluster);
                self.inner.clusters.client(&place.cluster, access)?;
            }
        }
        Ok(())
    }

    /// Waits until the pins run, at most so many seconds. `cancel` turning true ends the waiting and nothing else.
    /// `tell` hears of every pin that is further than before, or in whose way something else stands.
    pub(crate) async fn wait(
        &self,
        targets: &[WaitTarget],
        limit: i64,
        clock: &impl WaitClock,
        mut cancel: watch::Receiver<bool>,
        tell: &mut (dyn FnMut(&WaitedPin) + Send),
    ) -> WaitEnd {
        let mut waiting = Waiting::new(clock.now(), limit);
        let mut last: Vec<WaitedPin> = Vec::new();
        let mut observed_at = waiting.begun();
        let mut fetched: BTreeSet<String> = BTreeSet::new();
        let mut looks = 0;
        let outcome = loop {
            let strange = revisions_not_known(&last, &fetched);
            let is_fetched = looks == 0 || !strange.is_empty();
            fetched.extend(strange);
            let now = tokio::select! {
                biased;
                _ = cancel.wait_for(|cancelled| *cancelled) => break WaitOutcome::Interrupted,
                now = self.look_at(targets, is_fetched, &waiting, clock.now()) => now,
            };
            observed_at = clock.now();
            let is_news = |one: &&WaitedPin| {
                let mut known = last.iter();
                !known.any(|known| known.wanted == one.wanted && known.progress == one.progress)
            };
            now.iter().filter(is_news).for_each(&mut *tell);
            let progress: Vec<PinProgress> = now.iter().map(|one| one.progress.clone()).collect();
            last = now;
            if let Some(outcome) = waiting.look(&progress, observed_at) {
                break outcome;
            }
            let pause = waiting.pause(looks, observed_at);
            looks += 1;
            tokio::select! {
                biased;
                _ = cancel.wait_for(|cancelled| *cancelled) => break WaitOutcome::Interrupted,
                () = clock.pause(pause) => {}
            }
        };
        let phases = last.iter().map(|one| one.progress.phase);
        WaitEnd {
            outcome,
            phase: phases.min().unwrap_or(WaitPhase::Pushed),
            seconds: waiting.elapsed(clock.now()),
            pins: last,
            observed_at,
        }
    }

    /// Looks at the clusters until they run these pins, and sends what they run meanwhile, at most so long as a
    /// waiting usually is.
    pub(crate) async fn follow(&self, pins: Vec<PinKey>, to: mpsc::Sender<Update>) {
        let target = |key: &PinKey| WaitTarget {
            target: key.target.clone(),
            component: key.component.clone(),
            digest: key.digest,
        };
        let targets: Vec<WaitTarget> = pins.iter().map(target).collect();
        let (_never, cancel) = watch::channel(false);
        let mut tell = |one: &WaitedPin| {
            let key = pins.iter().find(|key| {
                key.target == one.wanted.target
                    && key.component == one.wanted.component
                    && key.digest == one.wanted.digest
            });
            let (Some(key), Some(state)) = (key, one.state) else {
                return;
            };
            let now = Timestamp::now();
            let report = RunningReport {
                state,
                since: now,
                namespaces: one.namespaces.clone(),
            };
            let answer = Answered {
                result: Ok(report),
                at: now,
            };
            // Who is behind sees the next one, and the pass over the board.
            let _ = to.try_send(Update::Running(key.clone(), answer));
        };
        let limit = i64::try_from(USUAL.as_secs()).unwrap_or(i64::MAX);
        self.wait(&targets, limit, &MachineClock, cancel, &mut tell).await;
    }

    /// Looks once. Git that cannot be read is something in the way, and no end.
    async fn look_at(
        &self,
        targets: &[WaitTarget],
        is_fetched: bool,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Vec<WaitedPin> {
        // A cluster that is silent does not make the waiting much longer than it may be.
        let left = Duration::from_millis(waiting.left(now)) + GRACE;
        let seen = tokio::time::timeout(left, self.see_pins(targets, is_fetched)).await;
        let late = |_| Failure::unreachable("no whole answer came before the waiting was over");
        match seen.map_err(late).flatten() {
            Ok(seen) => targets
                .iter()
                .flat_map(|wanted| waited(wanted, &seen, waiting.begun()))
                .collect(),
            Err(failure) => {
                let one = |wanted: &WaitTarget| WaitedPin {
                    wanted: wanted.clone(),
                    progress: PinProgress::unseen(failure.sentence()),
                    state: None,
                    namespaces: Vec::new(),
                };
                targets.iter().map(one).collect()
            }
        }
    }

    async fn see_pins(&self, targets: &[WaitTarget], is_fetched: bool) -> Result<Vec<PinRunning>, Failure> {
        let (surveyed, _) = self.survey_after(is_fetched).await?;
        let context = Arc::new(self.survey_context(surveyed)?);
        let commits = self.pin_commits(&context).await;
        let environments: Vec<Environment> = (context.environments().iter())
            .filter(|env| targets.iter().any(|wanted| wanted.target.environment == env.name))
            .cloned()
            .collect();
        let observer = RunningObserver {
            clients: &self.inner.clusters,
            options: self.options(),
            memo: &context.memo,
            survey: &context.ledger,
        };
        let is_asked = |pin: &Pin| targets.iter().any(|wanted| wanted.target == pin.target);
        let seen = observer.look(&environments).await;
        Ok(observer.pins(&environments, &is_asked, &seen, &commits).await)
    }
}

/// The pins that a target means, with how far each is. A digest that is not pinned any more was replaced.
fn waited(wanted: &WaitTarget, seen: &[PinRunning], begun: Timestamp) -> Vec<WaitedPin> {
    let is_meant = |one: &&PinRunning| {
        one.pin.target == wanted.target
            && match wanted.digest {
                Some(digest) => one.pin.digest == Some(digest) && one.pin.component == wanted.component,
                None => one.pin.digest.is_some(),
            }
    };
    let meant: Vec<WaitedPin> = seen
        .iter()
        .filter(is_meant)
        .filter_map(|one| {
            let digest = one.pin.digest?;
            Some(WaitedPin {
                wanted: WaitTarget {
                    component: one.pin.component.clone(),
                    ..wanted.clone()
                },
                progress: PinProgress::of(&one.namespaces, digest, begun),
                state: one.state,
                namespaces: one.namespaces.clone(),
            })
        })
        .collect();
    match meant.is_empty() {
        false => meant,
        true => vec![WaitedPin {
            wanted: wanted.clone(),
            progress: PinProgress::replaced(),
            state: None,
            namespaces: Vec::new(),
        }],
    }
}

/// The revisions that reconcilers name and that nobody could compare, but for those that were fetched for before.
fn revisions_not_known(pins: &[WaitedPin], fetched: &BTreeSet<String>) -> Vec<String> {
    let reconcilers = pins.iter().flat_map(|one| &one.namespaces);
    let reconcilers = reconcilers.filter_map(|one| one.reconciler.as_ref());
    let open = reconcilers.filter(|one| one.reached.is_none());
    let revisions = open.filter_map(|one| one.revision.as_ref().map(|revision| revision.raw().to_owned()));
    revisions.filter(|revision| !fetched.contains(revision)).collect()
}

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;

//! Watching what runs: look after look, and what changed between them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::running::observation::{NamespaceRunning, RunningState};
use crate::engine::open::Engine;

use super::look::ClusterPlace;
use super::{PinRunning, RunningFilter};

/// Changes that come within this time are looked at together.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One pin of which something else runs than before, or that was seen first.
#[derive(Debug, Clone)]
pub(crate) struct RunningChange {
    /// When it was seen.
    pub at: Timestamp,
    /// The pin, and what runs of it.
    pub now: PinRunning,
}

/// What a pin was seen in last.
type LastSeen = BTreeMap<PinKey, (Option<RunningState>, Vec<NamespaceRunning>)>;

impl Engine {
    /// Sends what runs of every pin, then every change: a look when a cluster says that something changed, and one per
    /// `interval`. Ends when nobody listens. A look that
    /// fails is reported through `trouble` and tried again; a cluster that cannot be asked is a change like others.
    ///
    /// # Errors
    /// If the very first look fails.
    pub(crate) async fn watch_running(
        &self,
        filter: &RunningFilter,
        interval: Duration,
        to: mpsc::Sender<RunningChange>,
        mut trouble: impl FnMut(Failure),
    ) -> Result<(), Failure> {
        let mut last = LastSeen::new();
        let mut answer = self.running(filter).await?;
        loop {
            for change in changes(&mut last, answer.pins, answer.observed_at) {
                if to.send(change).await.is_err() {
                    return Ok(());
                }
            }
            answer = loop {
                tokio::select! {
                    () = self.next_look(&answer.places, interval) => {}
                    () = to.closed() => return Ok(()),
                }
                match self.running(filter).await {
                    Ok(answer) => break answer,
                    Err(failure) => trouble(failure),
                }
            };
        }
    }
}

impl Engine {
    /// Waits until a cluster says that something changed, or until it is time to look anyway: who may not watch, or
    /// cannot be reached, is looked at then.
    async fn next_look(&self, places: &[ClusterPlace], interval: Duration) {
        let watched = places.iter().map(|(cluster, namespace)| {
            let client = self
                .inner
                .clusters
                .client(cluster, self.options().clusters.get(cluster));
            Box::pin(async move {
                let is_told = match client {
                    Ok(client) => client.changed(namespace, interval).await.is_ok(),
                    Err(_) => false,
                };
                if !is_told {
                    std::future::pending::<()>().await;
                }
            })
        });
        let watched: Vec<_> = watched.collect();
        if watched.is_empty() {
            return tokio::time::sleep(interval).await;
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            // One change seldom comes alone.
            _ = futures_util::future::select_all(watched) => tokio::time::sleep(AT_ONCE.min(interval)).await,
        }
    }
}

/// The pins that are other than they were seen last. A pin that is gone is forgotten: git says that.
fn changes(last: &mut LastSeen, pins: Vec<PinRunning>, at: Timestamp) -> Vec<RunningChange> {
    let mut now = LastSeen::new();
    let mut out = Vec::new();
    for one in pins {
        let key = one.pin.key();
        let seen = (one.state, one.namespaces.clone());
        if one.state.is_some() && last.get(&key) != Some(&seen) {
            out.push(RunningChange { at, now: one });
        }
        now.insert(key, seen);
    }
    *last = now;
    out
}

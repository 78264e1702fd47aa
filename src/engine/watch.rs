//! Watching drift: pass after pass, and what changed between them.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::drift::{self, Drift, Event};
use crate::domain::failure::Failure;

use super::open::Engine;

/// One change of the drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DriftEvent {
    /// When it was seen.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// The drift that appeared, changed or cleared.
    pub drift: Drift,
}

impl Engine {
    /// Sends existing drift first, then every change, one pass per `interval`. Ends when nobody
    /// listens. A pass that fails is reported through `trouble` and tried again.
    ///
    /// # Errors
    /// If the very first pass fails.
    pub(crate) async fn watch(
        &self,
        interval: Duration,
        tx: mpsc::Sender<DriftEvent>,
        mut trouble: impl FnMut(Failure),
    ) -> Result<(), Failure> {
        let mut before = self.board().await?.drift;
        for drift in &before {
            let event = DriftEvent {
                at: Timestamp::now(),
                event: Event::Appeared,
                drift: drift.clone(),
            };
            if tx.send(event).await.is_err() {
                return Ok(());
            }
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = tx.closed() => return Ok(()),
            }
            let mut now = match self.board().await {
                Ok(board) => board.drift,
                Err(error) => {
                    trouble(error);
                    continue;
                }
            };
            for (event, drift) in drift::events(&before, &mut now) {
                if tx
                    .send(DriftEvent {
                        at: Timestamp::now(),
                        event,
                        drift,
                    })
                    .await
                    .is_err()
                {
                    return Ok(());
                }
            }
            before = now;
        }
    }
}

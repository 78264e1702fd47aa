//! Watching drift: pass after pass, and what changed between them.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::board::Board;
use crate::domain::drift::{self, Drift, Event};
use crate::domain::failure::Failure;

use super::open::Engine;

/// One change of the drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DriftEvent {
    /// When it was seen.
    pub at: Timestamp,
    /// The time of the oldest answer about evidence or presence that it was told from.
    pub evidence_as_of: Option<Timestamp>,
    /// What happened.
    pub event: Event,
    /// The drift that appeared, changed or cleared.
    pub drift: Drift,
}

/// What is to be said beside the changes: a watch that sees less than everything must not look like one that sees nothing.
#[derive(Debug)]
pub(crate) enum WatchNotice {
    /// A pass failed and will be tried again.
    Failed(Failure),
    /// From this pass on, something could not be asked: the first such thing.
    Incomplete(String),
    /// From this pass on, everything could be asked again.
    Whole,
}

impl WatchNotice {
    /// What a pass says that the one before did not say.
    fn of(board: &Board, is_incomplete: &mut bool) -> Option<Self> {
        let unreachable = board.unreachable();
        let was = std::mem::replace(is_incomplete, unreachable.is_some());
        match unreachable {
            Some(what) if !was => Some(Self::Incomplete(what)),
            None if was => Some(Self::Whole),
            _ => None,
        }
    }
}

impl Engine {
    /// Sends existing drift first, then every change, one pass per `interval`. Ends when nobody
    /// listens. A pass that fails is told and tried again; so is told when something cannot be asked any more, and when it
    /// can.
    ///
    /// # Errors
    /// If the very first pass fails.
    pub(crate) async fn watch(
        &self,
        interval: Duration,
        tx: mpsc::Sender<DriftEvent>,
        mut tell: impl FnMut(WatchNotice),
    ) -> Result<(), Failure> {
        let mut is_incomplete = false;
        let board = self.board_by_age().await?;
        WatchNotice::of(&board, &mut is_incomplete)
            .into_iter()
            .for_each(&mut tell);
        let evidence_as_of = board.evidence_as_of();
        let mut before = board.drift;
        for drift in &before {
            let event = DriftEvent {
                at: Timestamp::now(),
                evidence_as_of,
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
            let (evidence_as_of, mut now) = match self.board_by_age().await {
                Ok(board) => {
                    WatchNotice::of(&board, &mut is_incomplete)
                        .into_iter()
                        .for_each(&mut tell);
                    (board.evidence_as_of(), board.drift)
                }
                Err(error) => {
                    tell(WatchNotice::Failed(error));
                    continue;
                }
            };
            for (event, drift) in drift::events(&before, &mut now) {
                if tx
                    .send(DriftEvent {
                        at: Timestamp::now(),
                        evidence_as_of,
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

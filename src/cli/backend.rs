//! The engine as the cockpit's backend.

use std::collections::BTreeMap;

use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

use crate::app::{Action, Keymap};
use crate::domain::board::{PinKey, Update};
use crate::domain::failure::Failure;
use crate::domain::history::Entry;
use crate::domain::id::{Digest, Target};
use crate::domain::known_good;
use crate::domain::recovery::LeftWrite;
use crate::domain::reference::Repository;
use crate::domain::rotation::BoardLook;
use crate::domain::write::{Progress, Proposal, Receipt, Request, WriteFailure};
use crate::engine::Engine;
use crate::engine::release::UnfinishedWrite;
use crate::runtime::Backend;
use crate::runtime::backend::{BackendJob, DiffJob, EarlierFound, LeftJob, PlanJob, WriteJob};

/// An engine that answers the cockpit.
pub(crate) struct EngineBackend {
    engine: Engine,
    /// Said on the board as long as the journal has a write that nobody is at.
    left: String,
}

impl EngineBackend {
    /// An engine for somebody with these keys. Where they are wrong, the cockpit says so and does not start.
    pub(crate) fn new(engine: Engine, keys: &BTreeMap<String, Vec<String>>) -> Self {
        let key = Keymap::with(keys).ok().and_then(|map| map.key_of(Action::Unfinished));
        let shows = match key {
            Some(key) => format!("the key {key}"),
            None => format!("the action {}", Action::Unfinished.spec().name),
        };
        Self {
            engine,
            left: format!(
                "a write was left unfinished here: {shows} shows what stands of it, and finishes or forgets it"
            ),
        }
    }
}

impl Backend for EngineBackend {
    fn refresh(&self, look: BoardLook, to: Sender<Update>) -> BackendJob {
        let (engine, left) = (self.engine.clone(), self.left.clone());
        Box::pin(async move {
            if !engine.has_left() {
                return engine.refresh(look, to).await;
            }
            let (found, mut from) = tokio::sync::mpsc::channel(64);
            let tell = async {
                while let Some(update) = from.recv().await {
                    let opened = matches!(update, Update::Opened { .. });
                    if to.send(update).await.is_err() {
                        break;
                    }
                    if opened {
                        // Nobody listening any more is no error.
                        let _ = to.send(Update::Notice(left.as_str().into())).await;
                    }
                }
            };
            let (result, ()) = tokio::join!(engine.refresh(look, found), tell);
            result
        })
    }

    fn history(&self, target: Target, to: Sender<Vec<Entry>>) -> BackendJob {
        let engine = self.engine.clone();
        Box::pin(async move { engine.stream_history(target, to).await })
    }

    fn earlier_digests(&self, target: Target, wanted: Option<Digest>, to: Sender<EarlierFound>) -> BackendJob {
        let engine = self.engine.clone();
        Box::pin(async move {
            let earlier = engine.earlier_digests(&target).await?;
            // The one that is selected when the list opens comes first, then the rest from the newest on.
            let good = known_good::last_known_good(&earlier).target.map(|one| one.digest);
            let first = wanted.or(good);
            let mut digests: Vec<Digest> = earlier.iter().map(|one| one.digest).collect();
            digests.sort_by_key(|digest| Some(*digest) != first);
            if to.send(EarlierFound::List(earlier)).await.is_err() || digests.is_empty() {
                return Ok(());
            }
            let (found, mut from) = tokio::sync::mpsc::channel(16);
            let tell = async {
                while let Some((digest, verdict)) = from.recv().await {
                    if to.send(EarlierFound::Judged(digest, verdict)).await.is_err() {
                        break;
                    }
                }
            };
            let (result, ()) = tokio::join!(engine.judge_earlier(&target, digests, found), tell);
            result
        })
    }

    fn diff(&self, a: (Repository, Digest), b: (Repository, Digest)) -> DiffJob {
        let engine = self.engine.clone();
        Box::pin(async move { Ok(engine.diff_digests(a, b).await?.diff) })
    }

    fn follow(&self, pins: Vec<PinKey>, to: Sender<Update>) -> BackendJob {
        let engine = self.engine.clone();
        Box::pin(async move {
            engine.follow(pins, to).await;
            Ok(())
        })
    }

    fn plan(&self, request: Request) -> PlanJob {
        let engine = self.engine.clone();
        Box::pin(async move { engine.plan(request).await })
    }

    fn execute(&self, proposal: Proposal, progress: Sender<Progress>, cancel: watch::Receiver<bool>) -> WriteJob {
        let engine = self.engine.clone();
        to_its_end(async move { engine.execute(proposal, progress, cancel).await })
    }

    fn left(&self) -> LeftJob {
        let engine = self.engine.clone();
        Box::pin(async move { left_behind(&engine).await })
    }

    fn finish_left(&self, id: String, progress: Sender<Progress>, cancel: watch::Receiver<bool>) -> WriteJob {
        let engine = self.engine.clone();
        to_its_end(async move { engine.resume(&id, progress, cancel).await })
    }

    fn forget_left(&self, id: String) -> LeftJob {
        let engine = self.engine.clone();
        Box::pin(async move {
            engine.forget_left(&id)?;
            left_behind(&engine).await
        })
    }
}

async fn left_behind(engine: &Engine) -> Result<Vec<LeftWrite>, Failure> {
    let left = engine.left_behind().await?;
    Ok(left.iter().map(UnfinishedWrite::seen).collect())
}

/// A write on a thread of its own: it goes on to its end whoever drops this future.
fn to_its_end(write: impl Future<Output = Result<Receipt, WriteFailure>> + Send + 'static) -> WriteJob {
    let work = tokio::task::spawn_blocking(move || tokio::runtime::Handle::current().block_on(write));
    Box::pin(async move {
        work.await.unwrap_or_else(|_| {
            Err(Failure::bug("pindeck itself failed while writing")
                .hint("look at the remote's branch before trying again")
                .into())
        })
    })
}

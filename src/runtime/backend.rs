//! What the cockpit needs from an engine, as one small trait.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

use crate::domain::board::{PinKey, Update};
use crate::domain::diff::DigestDiff;
use crate::domain::failure::Failure;
use crate::domain::history::Entry;
use crate::domain::id::{Digest, Target};
use crate::domain::known_good::EarlierDigest;
use crate::domain::recovery::LeftWrite;
use crate::domain::reference::Repository;
use crate::domain::rotation::BoardLook;
use crate::domain::verdict::Verdict;
use crate::domain::write::{Progress, Proposal, Receipt, Request, WriteFailure};

/// Work in progress. Dropping it cancels the work.
pub(crate) type BackendJob = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Planning, and with it the registries' answers. Dropping it cancels it: nothing is written.
pub(crate) type PlanJob = Pin<Box<dyn Future<Output = Result<Proposal, WriteFailure>> + Send>>;

/// A write under way. It must be driven to its end; it is cancelled by its signal, never by dropping.
pub(crate) type WriteJob = Pin<Box<dyn Future<Output = Result<Receipt, WriteFailure>> + Send>>;

/// What a crash left unfinished, oldest first.
pub(crate) type LeftJob = Pin<Box<dyn Future<Output = Result<Vec<LeftWrite>, Failure>> + Send>>;

/// Two digests being compared.
pub(crate) type DiffJob = Pin<Box<dyn Future<Output = Result<DigestDiff, Failure>> + Send>>;

/// What is found about the digests that a target could go back to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EarlierFound {
    /// All of them, the one that was replaced last first.
    List(Vec<EarlierDigest>),
    /// The verdict of one.
    Judged(Digest, Verdict),
}

/// Answers the cockpit's questions.
///
/// Answers are streamed as they are found; the returned job ends when the question is answered.
/// A receiver that has gone away means that nobody wants the answer any more.
pub(crate) trait Backend: Send + Sync + 'static {
    /// One pass over the repository and the registries; about what is selected the registries are asked first.
    fn refresh(&self, look: BoardLook, to: Sender<Update>) -> BackendJob;

    /// Every change of the pins of a target, newest first, in batches.
    fn history(&self, target: Target, to: Sender<Vec<Entry>>) -> BackendJob;

    /// The digests that a target could go back to, then the verdict of each under today's policy: first that of
    /// `wanted` or, without it, of the last known good.
    fn earlier_digests(&self, target: Target, wanted: Option<Digest>, to: Sender<EarlierFound>) -> BackendJob;

    /// What separates two digests.
    fn diff(&self, a: (Repository, Digest), b: (Repository, Digest)) -> DiffJob;

    /// Looks at the clusters until they run these pins, and says what they run meanwhile.
    fn follow(&self, pins: Vec<PinKey>, to: Sender<Update>) -> BackendJob;

    /// Plans a write on the newest commit of the remote.
    fn plan(&self, request: Request) -> PlanJob;

    /// Carries out a proposal exactly as shown. `cancel` turning true stops it before the git step.
    fn execute(&self, proposal: Proposal, progress: Sender<Progress>, cancel: watch::Receiver<bool>) -> WriteJob;

    /// What a crash left unfinished here.
    fn left(&self) -> LeftJob;

    /// Finishes one of those if it still comes to what was confirmed. Cancelled as [`Self::execute`].
    fn finish_left(&self, id: String, progress: Sender<Progress>, cancel: watch::Receiver<bool>) -> WriteJob;

    /// Forgets one of those, and answers what is left then. Nothing that it has done is undone.
    fn forget_left(&self, id: String) -> LeftJob;
}

//! What the cockpit needs from an engine, as one small trait.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc::Sender;

use crate::app::msg::Failure;
use crate::domain::board::Update;
use crate::domain::history::Entry;
use crate::domain::id::Target;

/// Work in progress. Dropping it cancels the work.
pub type Job = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Answers the cockpit's questions.
///
/// Answers are streamed as they are found; the returned job ends when the question is answered.
/// A receiver that has gone away means that nobody wants the answer any more.
pub trait Backend: Send + Sync + 'static {
    /// One pass over the repository and the registries.
    fn refresh(&self, to: Sender<Update>) -> Job;

    /// Every change of the pins of a target, newest first, in batches.
    fn history(&self, target: Target, to: Sender<Vec<Entry>>) -> Job;
}

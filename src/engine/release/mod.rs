//! Writes: planned on the newest commit of the remote, shown, and carried out exactly as shown.
//!
//! Carrying out plans the same request once more on the head of that moment and goes on only if it comes
//! to the same (`compare`): what a person confirmed is what lands, or nothing does.

mod command;
mod compare;
mod destination_check;
mod draft;
mod edits;
mod execute;
mod hold;
mod left_write;
mod loose_copies;
mod opening;
mod pin;
pub(in crate::engine) mod pin_history;
mod plan_context;
mod prepare;
mod promote;
mod proposed_hold;
mod publish;
mod push_places;
mod render_proof;
mod resume;
mod revert;
mod revert_commit;
mod revert_options;
mod reverted_component;
mod running_write;
mod source;
mod surroundings;

pub(crate) use resume::UnfinishedWrite;

use tokio::sync::{mpsc, watch};

use crate::domain::failure::Failure;
use crate::domain::write::{Progress, Proposal, Receipt, Request, WriteFailure};

use super::open::Engine;
use plan_context::{PlanContext, Purpose};
use prepare::prepare;

impl Engine {
    /// Plans a write on the newest commit of the remote branch. Closed gates are part of the answer.
    ///
    /// # Errors
    /// If the question is wrong, or something that planning needs cannot be reached.
    pub fn plan(&self, request: Request) -> impl Future<Output = Result<Proposal, WriteFailure>> + Send {
        let this = self.clone();
        async move {
            let context = PlanContext::open(&this, Purpose::Show, &request.ask).await?;
            Ok(prepare(&context, request).await?.proposal)
        }
    }

    /// Carries out a proposal exactly as it was shown. `cancel` turning true stops it before the git
    /// step; a receiver of `progress` that is behind loses steps, not the write its time.
    ///
    /// # Errors
    /// A [`WriteFailure`]; nothing landed in git then.
    pub fn execute(
        &self,
        proposal: Proposal,
        progress: mpsc::Sender<Progress>,
        cancel: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<Receipt, WriteFailure>> + Send {
        let this = self.clone();
        async move { execute::run(&this, proposal, progress, cancel).await }
    }

    /// Holds in force on the newest commit.
    ///
    /// # Errors
    /// If the file cannot be read: then nobody knows what is held.
    pub async fn holds(&self) -> Result<Vec<crate::domain::board::Hold>, Failure> {
        let (ledger, _) = self.ledger().await?;
        ledger
            .survey
            .holds
            .map_err(|problem| Failure::usage(problem.clean().into_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: impl FnOnce(Engine) -> T) {}

    #[test]
    fn comparing_can_be_spawned_too() {
        is_send(|engine: Engine| async move { engine.diff("a", "b").await.is_ok() });
    }
}

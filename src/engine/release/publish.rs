//! The git step.
use super::Prepared;
use super::desk::Desk;
use crate::domain::text::Untrusted;
use crate::domain::write::{Progress, Proposal, WriteFailure};
use tokio::sync::mpsc;
pub(super) struct Landed {
    pub commits: Vec<String>,
    pub url: Option<String>,
    pub words: Vec<Untrusted>,
}
pub(super) enum Published {
    Landed(Landed),
    Overtaken,
}
pub(super) async fn publish(
    desk: &Desk,
    confirmed: &Proposal,
    prepared: &Prepared,
    progress: &mpsc::Sender<Progress>,
) -> Result<Published, WriteFailure> {
    let _ = (desk, confirmed, prepared, progress);
    Err(WriteFailure::Failed("x".into()))
}

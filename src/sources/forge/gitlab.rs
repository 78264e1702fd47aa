//! GitLab: merge requests, with the pipeline of their head (<https://docs.gitlab.com/api/merge_requests/>).

use serde_json::{Value, json};

use super::address::{ForgeAddress, segment};
use super::answers::{NewProposal, of_branch, read_proposals};
use super::client::ForgeClient;
use super::error::ForgeError;
use crate::domain::Wording;
use crate::domain::proposal::{ForgeProposal, ProposalState, ProposedPin};

fn requests(forge: &ForgeAddress) -> String {
    format!("/projects/{}/merge_requests", forge.as_one_segment())
}

/// The merge request of a branch, with its pipeline while it is open.
pub(super) async fn find(
    client: &ForgeClient,
    pin: &ProposedPin,
    number: Option<u64>,
) -> Result<Option<ForgeProposal>, ForgeError> {
    let what = format!("the merge request of {}", pin.branch);
    let all = requests(client.address());
    let read = async |path: String| -> Result<Option<ForgeProposal>, ForgeError> {
        let body = client.document(&path, &what).await?;
        let found = read_proposals(client.address(), &body);
        let found = found.map_err(|error| client.broken(&what, Wording::own(error)))?;
        Ok(of_branch(found, &pin.branch))
    };
    let number = match number {
        Some(number) => number,
        None => {
            let list = format!("{all}?source_branch={}&per_page=20", segment(&pin.branch));
            match read(list).await? {
                // Only a single one is told with its pipeline.
                Some(found) if found.state == ProposalState::Open => found.number,
                other => return Ok(other),
            }
        }
    };
    read(format!("{all}/{number}")).await
}

/// Path and keys of a new merge request.
pub(super) fn creation(forge: &ForgeAddress, new: &NewProposal<'_>) -> (String, Value) {
    let keys = json!({
        "source_branch": new.branch, "target_branch": new.base, "title": new.title,
        "description": new.description, "remove_source_branch": true,
    });
    (requests(forge), keys)
}

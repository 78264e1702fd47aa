//! GitHub: pull requests, check runs and commit statuses (<https://docs.github.com/rest/pulls/pulls>).

use serde_json::{Value, json};

use super::address::{ForgeAddress, segment};
use super::answers::{NewProposal, of_branch, read_checks, read_proposals};
use super::client::ForgeClient;
use super::error::ForgeError;
use crate::domain::Wording;
use crate::domain::proposal::{ForgeProposal, ProposalState, ProposedPin};

fn repository(forge: &ForgeAddress) -> String {
    let (owner, name) = forge.owner_and_name();
    format!("/repos/{owner}/{name}")
}

/// The pull request of a branch, with its checks while it is open.
pub(super) async fn find(
    client: &ForgeClient,
    pin: &ProposedPin,
    number: Option<u64>,
) -> Result<Option<ForgeProposal>, ForgeError> {
    let repository = repository(client.address());
    let what = format!("the pull request of {}", pin.branch);
    let (owner, _) = client.address().owner_and_name();
    let path = match number {
        Some(number) => format!("{repository}/pulls/{number}"),
        None => format!(
            "{repository}/pulls?head={owner}%3A{}&state=all&per_page=20",
            segment(&pin.branch)
        ),
    };
    let body = client.document(&path, &what).await?;
    let found = read_proposals(client.address(), &body).map_err(|error| client.broken(&what, Wording::own(error)))?;
    let Some(mut found) = of_branch(found, &pin.branch) else {
        return Ok(None);
    };
    if found.state == ProposalState::Open
        && let Some(head) = found.head.clone()
    {
        let what = format!("the checks of {}", pin.branch);
        let read = |body: Vec<u8>| read_checks(&body).map_err(|error| client.broken(&what, Wording::own(error)));
        let commit = format!("{repository}/commits/{head}");
        let runs = client
            .document(&format!("{commit}/check-runs?per_page=100"), &what)
            .await?;
        let statuses = client.document(&format!("{commit}/status?per_page=100"), &what).await?;
        found.checks = Some(read(runs)?.with(read(statuses)?));
    }
    Ok(Some(found))
}

/// Path and keys of a new pull request.
pub(super) fn creation(forge: &ForgeAddress, new: &NewProposal<'_>) -> (String, Value) {
    let keys = json!({"title": new.title, "head": new.branch, "base": new.base, "body": new.description});
    (format!("{}/pulls", repository(forge)), keys)
}

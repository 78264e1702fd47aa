//! Forgejo and Gitea: pull requests and commit statuses (`/api/swagger` of every server).

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::address::{ForgeAddress, segment};
use super::answers::{FoundProposal, NewProposal, of_branch, read_checks, read_proposals};
use super::client::ForgeClient;
use super::error::ForgeError;
use crate::domain::Wording;
use crate::domain::proposal::{ForgeProposal, ProposalState, ProposedPin};

fn repository(forge: &ForgeAddress) -> String {
    let (owner, name) = forge.owner_and_name();
    format!("/repos/{owner}/{name}")
}

/// The pull request of a branch, with its checks while it is open. What was pushed for review has no branch: it is
/// found by its commit.
pub(super) async fn find(
    client: &ForgeClient,
    pin: &ProposedPin,
    base: &str,
    number: Option<u64>,
) -> Result<Option<ForgeProposal>, ForgeError> {
    let repository = repository(client.address());
    let what = format!("the pull request of {}", pin.branch);
    let read = |body: &[u8]| -> Result<Vec<FoundProposal>, ForgeError> {
        read_proposals(client.address(), body).map_err(|error| client.broken(&what, Wording::own(error)))
    };
    // What was pushed for review has a branch of the forge's choosing, and this repository for its origin: a fork that
    // has the commit too is none of it.
    let is_it =
        |one: &FoundProposal| one.is_own && (one.branch == pin.branch || one.proposal.head.as_ref() == Some(&pin.head));
    let by_branch = match number {
        Some(number) => format!("{repository}/pulls/{number}"),
        None => format!("{repository}/pulls/{}/{}", segment(base), encoded(&pin.branch)),
    };
    let reply = client.get(&by_branch, &what).await?;
    let found = match reply.status {
        StatusCode::NOT_FOUND => {
            // Not found is said of a repository that may not be seen, too: the list of that one tells.
            let list = format!("{repository}/pulls?state=all&sort=recentupdate&limit=50");
            let all = read(&client.document(&list, &what).await?)?;
            let its = all.into_iter().filter(is_it).map(|one| one.proposal);
            its.max_by_key(|one| (one.state == ProposalState::Open, one.number))
        }
        _ => {
            let all = read(&reply.body)?;
            match number {
                Some(number) => {
                    let its = all.into_iter().filter(is_it).map(|one| one.proposal);
                    its.into_iter().find(|one| one.number == number)
                }
                None => of_branch(all, &pin.branch),
            }
        }
    };
    let Some(mut found) = found else { return Ok(None) };
    if found.state == ProposalState::Open
        && let Some(head) = found.head.clone()
    {
        let what = format!("the checks of {}", pin.branch);
        let body = client
            .document(&format!("{repository}/commits/{head}/status"), &what)
            .await?;
        let checks = read_checks(&body).map_err(|error| client.broken(&what, Wording::own(error)))?;
        found.checks = Some(checks);
    }
    Ok(Some(found))
}

/// The name of a branch, whose slashes are slashes of the path.
fn encoded(branch: &str) -> String {
    branch.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Path and keys of a new pull request.
pub(super) fn creation(forge: &ForgeAddress, new: &NewProposal<'_>) -> (String, Value) {
    let keys = json!({"head": new.branch, "base": new.base, "title": new.title, "body": new.description});
    (format!("{}/pulls", repository(forge)), keys)
}

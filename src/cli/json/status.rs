//! The document of `pindeck status`.

use serde::Serialize;
use serde_json::Value;

use super::{EvidenceDoc, evidence};
use crate::domain::board::{Board, Cell, Fetch, Hold, RepositoryInfo, ServiceRow, TagSource};
use crate::domain::candidate::Relation;
use crate::domain::drift::Drift;
use crate::domain::freshness::Seen;
use crate::domain::id::Digest;
use crate::domain::pin::{Location, PinnedBy, Unmanaged};
use crate::domain::policy::{Environment, WriteMode};
use crate::domain::reference::Repository;
use crate::domain::registry::Budget;
use crate::domain::text::Untrusted;
use crate::domain::verdict::Verdict;

/// The document of `pindeck status --json`.
#[derive(Debug, Serialize)]
pub(crate) struct StatusDoc<'a> {
    repository: Option<&'a RepositoryInfo>,
    environments: Vec<EnvironmentDoc<'a>>,
    services: Vec<ServiceDoc<'a>>,
    drift: &'a [Drift],
    unmanaged: &'a [Unmanaged],
    notices: &'a [Untrusted],
    budget: Budget,
}

#[derive(Debug, Serialize)]
struct EnvironmentDoc<'a> {
    name: &'a str,
    /// The branch that it is read from, and the commit that was read of it.
    branch: Option<&'a str>,
    commit: Option<&'a str>,
    /// The other repository that it lies in, how that was fetched, and why nothing of it is known, if nothing is.
    repository: Option<&'a str>,
    fetch: Option<&'a Fetch>,
    unread: Option<Untrusted>,
    policy: Option<&'a str>,
    registry: Option<&'a str>,
    write: WriteMode,
    read_only: bool,
}

#[derive(Debug, Serialize)]
struct ServiceDoc<'a> {
    name: &'a str,
    candidate: Option<CandidateDoc<'a>>,
    /// Why the candidate is not known, where it could not be asked for.
    candidate_unreachable: Option<Untrusted>,
    pins: Vec<PinDoc<'a>>,
}

#[derive(Debug, Serialize)]
struct CandidateDoc<'a> {
    image: &'a Repository,
    tag: &'a str,
    digest: Digest,
    ci_built: bool,
    verdict: Option<&'a Verdict>,
    evidence: Vec<EvidenceDoc<'a>>,
}

#[derive(Debug, Serialize)]
struct PinDoc<'a> {
    environment: &'a str,
    component: Option<&'a str>,
    /// Why it cannot be decided what is deployed, if so.
    uncertain: Option<&'a str>,
    image: &'a Repository,
    tag: Option<&'a str>,
    digest: Option<Digest>,
    tag_source: Option<&'static str>,
    /// The tag that is compared: its own, or the one its version label names.
    compared_tag: Option<&'a str>,
    tag_digest: Option<Digest>,
    /// Why the tag's digest is not known, where it could not be asked for.
    tag_unreachable: Option<Untrusted>,
    version: Option<&'a Untrusted>,
    locations: &'a [Location],
    pinned: Option<&'a PinnedBy>,
    relation: Relation,
    behind: Option<u32>,
    verdict: Option<&'a Verdict>,
    evidence: Vec<EvidenceDoc<'a>>,
    hold: Option<&'a Hold>,
    /// What the clusters run of it (docs/reference/running.md).
    running: Value,
    /// What is proposed for it (docs/reference/proposals.md).
    proposal: Value,
}

impl<'a> From<&'a Board> for StatusDoc<'a> {
    fn from(board: &'a Board) -> Self {
        Self {
            repository: board.repository.as_ref(),
            environments: (board.environments.iter())
                .map(|env| environment(env, board.repository.as_ref()))
                .collect(),
            services: (board.services.iter())
                .map(|row| service(row, &board.environments))
                .collect(),
            drift: &board.drift,
            unmanaged: &board.unmanaged,
            notices: &board.notices,
            budget: board.budget,
        }
    }
}

fn environment<'a>(env: &'a Environment, repository: Option<&'a RepositoryInfo>) -> EnvironmentDoc<'a> {
    let read = repository.map(|repository| repository.read_from(env));
    let origin = repository.and_then(|repository| repository.elsewhere.get(&env.name));
    EnvironmentDoc {
        name: env.name.as_str(),
        branch: read.and_then(|(branch, _)| branch),
        commit: read.and_then(|(_, commit)| commit),
        repository: origin.and_then(|origin| origin.repository.as_deref()),
        fetch: origin
            .filter(|origin| origin.repository.is_some())
            .map(|origin| &origin.fetch),
        unread: origin.and_then(|origin| Some(origin.unread.as_ref()?.sentence())),
        policy: env.policy.as_deref(),
        registry: env.registry.as_deref(),
        write: env.write,
        read_only: env.read_only,
    }
}

fn service<'a>(row: &'a ServiceRow, environments: &[Environment]) -> ServiceDoc<'a> {
    let candidate = row.candidate.fresh().and_then(Option::as_ref).map(|c| CandidateDoc {
        image: &c.image,
        tag: &c.tag,
        digest: c.digest,
        ci_built: row.ci_built(),
        verdict: row.assessment.fresh().and_then(|a| a.verdict.as_ref()),
        evidence: row.assessment.fresh().map_or_else(Vec::new, |a| evidence(&a.evidence)),
    });
    ServiceDoc {
        name: row.name.as_str(),
        candidate,
        candidate_unreachable: trouble(&row.candidate),
        pins: (row.cells.iter())
            .map(|cell| {
                let mut known = environments.iter();
                pin(cell, known.find(|env| env.name == cell.pin.target.environment))
            })
            .collect(),
    }
}

fn pin<'a>(cell: &'a Cell, environment: Option<&Environment>) -> PinDoc<'a> {
    let pin = &cell.pin;
    PinDoc {
        environment: pin.target.environment.as_str(),
        component: pin.component.as_deref(),
        uncertain: pin.uncertain.as_deref(),
        image: &pin.image,
        tag: pin.tag.as_deref(),
        digest: pin.digest,
        tag_source: match &cell.tag {
            TagSource::None => None,
            TagSource::Pin(_) => Some("pin"),
            TagSource::VersionLabel(_) => Some("version-label"),
        },
        compared_tag: cell.tag.tag(),
        tag_digest: cell.tag_digest.fresh().copied().flatten(),
        tag_unreachable: trouble(&cell.tag_digest),
        version: cell.version.as_ref().filter(|v| !v.is_empty()),
        locations: &pin.locations,
        pinned: cell.pinned_by.as_ref(),
        relation: cell.relation,
        behind: cell.behind,
        // A verdict is about a digest.
        verdict: pin.digest.and(cell.verdict()),
        evidence: cell.assessment.fresh().map_or_else(Vec::new, |a| evidence(&a.evidence)),
        hold: cell.hold.as_ref(),
        running: super::running::of_cell(cell, environment),
        proposal: super::proposal::of_cell(cell),
    }
}

fn trouble<T>(seen: &Seen<T>) -> Option<Untrusted> {
    match seen {
        Seen::Unreachable { failure, .. } => Some(failure.sentence()),
        _ => None,
    }
}

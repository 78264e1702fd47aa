//! What the journal knows of one write.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::hold::{HoldChange, HoldsPlace};
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::plan::{FileEdit, GateState, Plan, Verb};
use crate::domain::policy::Confirm;
use crate::domain::recovery::{self, RecoveryFacts, RecoveryStatus, WriteStep};
use crate::domain::write::{Proposal, Request};

/// Name and version of the form of an entry.
pub(crate) const SCHEMA: &str = "pindeck/journal/v1";

/// A write about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewEntry {
    /// The question, to be asked again by whoever finishes it.
    pub request: Request,
    /// The commit it was planned on.
    pub base: String,
    /// The other repository that is pushed to; `None` = that of the policy.
    pub repository: Option<String>,
    /// The remote that is pushed to.
    pub remote: String,
    /// A digest of where it leads.
    pub remote_at: Option<Digest>,
    /// The branch that is pushed.
    pub branch: String,
    /// That branch is made by this write (a pull request's).
    pub new_branch: bool,
    /// What was confirmed, service by service.
    pub writes: Vec<RecordedWrite>,
    /// The branch that the holds lie on, where that is not the branch of the pins.
    pub holds_on: Option<HoldsPlace>,
}

impl NewEntry {
    /// What is to be recorded of a confirmed proposal.
    pub(crate) fn of(proposal: &Proposal, new_branch: bool) -> Self {
        Self {
            request: proposal.request.clone(),
            base: proposal
                .plans
                .first()
                .map(|plan| plan.base_commit.clone())
                .unwrap_or_default(),
            repository: proposal.repository.clone(),
            remote: proposal.remote.clone(),
            remote_at: proposal.remote_at,
            branch: proposal.branch.clone(),
            new_branch,
            writes: proposal.plans.iter().map(RecordedWrite::of).collect(),
            holds_on: proposal.holds_on.clone(),
        }
    }
}

/// One write of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The version of this format: always [`SCHEMA`].
    pub schema: String,
    /// The id of the entry, which is also the name of its file without the ending.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// How far it has come.
    pub step: WriteStep,
    /// When it came to that step.
    pub reached: Timestamp,
    /// What was asked for, to be planned again by whoever finishes the write.
    pub request: Request,
    /// The commit that the newest plan or commits stand on.
    pub base: String,
    /// Name of the remote in git's configuration, for example `origin`.
    pub remote: String,
    /// A digest of where that remote leads; `None` = an earlier pindeck did not write it down, so nobody knows.
    #[serde(default)]
    pub remote_at: Option<Digest>,
    /// Name of the branch, without `refs/heads/`.
    pub branch: String,
    /// The branch is made by this write.
    pub new_branch: bool,
    /// What was confirmed.
    pub writes: Vec<RecordedWrite>,
    /// The commits, once they are made; after a lost race, those of the newest try.
    pub commits: Vec<String>,
    /// The other repository that is pushed to, as an address of git or a folder; `None` = that of the policy.
    #[serde(default)]
    pub repository: Option<String>,
    /// The hold that is pushed on its own before the pin, if it is.
    #[serde(default)]
    pub first: Option<FirstPush>,
    /// The branch that the holds lie on as it was confirmed, where that is not the branch of the pins.
    #[serde(default)]
    pub holds_on: Option<HoldsPlace>,
}

/// A hold that is pushed before the pin, to the repository of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstPush {
    /// Name of the remote in git's configuration, for example `origin`.
    pub remote: String,
    /// Name of the branch, without `refs/heads/`.
    pub branch: String,
    /// Full id of what is pushed there.
    pub commit: String,
}

/// What was confirmed for one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedWrite {
    /// What was done to the pin.
    pub verb: Verb,
    /// Name of the service, as configured or inferred.
    pub service: ServiceId,
    /// Name of the environment, as configured or inferred.
    pub environment: EnvId,
    /// The digest pinned before.
    pub from: Option<Digest>,
    /// The digest pinned afterwards.
    pub to: Digest,
    /// The file changes as they were shown.
    pub edits: Vec<FileEdit>,
    /// Content to be copied first.
    pub copies: Vec<CopyNote>,
    /// The rest of what was confirmed; `None` = an earlier pindeck did not write it down, so nobody knows.
    #[serde(default)]
    pub terms: Option<Terms>,
}

/// On what a write was confirmed: by which rules, and what they came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The repository that the pin names.
    pub image: String,
    /// Name of the policy, `none` where nothing is judged.
    pub policy: String,
    /// Digest of the policy and its trust profiles.
    pub policy_digest: Digest,
    /// What the verdict said, without when it was made; `None` = nothing is judged.
    pub verdict: Option<RecordedVerdict>,
    /// Every gate with its state.
    pub gates: BTreeSet<(String, String)>,
    /// The environment's name had to be typed.
    pub type_name: bool,
    /// The holds that begin and end; `None` = an earlier pindeck did not write them down, so nobody knows.
    #[serde(default)]
    pub holds: Option<BTreeSet<HoldChange>>,
}

/// What a verdict said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedVerdict {
    /// The result in the words of the JSON documents: `verified`, `warned`, `rejected` or `unknown`.
    pub result: String,
    /// Pairs of check and cause, in the words of the JSON documents.
    pub causes: BTreeSet<(String, String)>,
}

impl RecordedWrite {
    /// What is confirmed with a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let copies = plan.copies.iter().map(|copy| CopyNote {
            source: copy.source.to_string(),
            destination: copy.destination.to_string(),
            digest: copy.digest,
            tag: copy.tag.clone(),
        });
        Self {
            verb: plan.verb,
            service: plan.service.clone(),
            environment: plan.environment.clone(),
            from: plan.from,
            to: plan.to,
            edits: plan.edits.clone(),
            copies: copies.collect(),
            terms: Some(Terms::of(plan)),
        }
    }
}

impl Terms {
    fn of(plan: &Plan) -> Self {
        let state = |s| match s {
            GateState::Open => "open",
            GateState::Closed => "closed",
            GateState::Acknowledged => "acknowledged",
            GateState::Waived => "waived",
        };
        let gate = |g| serde_json::to_value(g).ok().and_then(|v| Some(v.as_str()?.to_owned()));
        Self {
            image: plan.image.as_ref().map(ToString::to_string).unwrap_or_default(),
            policy: plan.policy.name.clone(),
            policy_digest: plan.policy.digest,
            verdict: plan.verdict.as_ref().map(|verdict| RecordedVerdict {
                result: verdict.result.as_str().to_owned(),
                causes: verdict
                    .causes
                    .iter()
                    .map(|c| (c.check.as_str().to_owned(), c.cause.as_str().to_owned()))
                    .collect(),
            }),
            gates: plan
                .gates
                .iter()
                .map(|g| (gate(g.gate).unwrap_or_default(), state(g.state).to_owned()))
                .collect(),
            type_name: plan.confirm == Confirm::TypeName,
            holds: Some(plan.holds.clone()),
        }
    }
}

/// Content that a write copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyNote {
    /// The repository that has it, with its registry.
    pub source: String,
    /// The repository that it is copied to, with its registry.
    pub destination: String,
    /// Digest of the image or index that is copied.
    pub digest: Digest,
    /// The tag that is hung on it last.
    pub tag: Option<String>,
}

impl JournalEntry {
    pub(super) fn new(id: String, draft: NewEntry, now: Timestamp) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            id,
            started: now,
            step: WriteStep::Planned,
            reached: now,
            request: draft.request,
            base: draft.base,
            remote: draft.remote,
            remote_at: draft.remote_at,
            branch: draft.branch,
            new_branch: draft.new_branch,
            writes: draft.writes,
            commits: Vec::new(),
            repository: draft.repository,
            first: None,
            holds_on: draft.holds_on,
        }
    }

    /// The commit that is pushed: the last one.
    pub(crate) fn last_commit(&self) -> Option<&str> {
        self.commits.last().map(String::as_str)
    }

    /// Whether the remote has to be asked whether it landed: it was asked to take it, or may have been.
    pub(crate) fn may_have_landed(&self) -> bool {
        recovery::may_have_landed(self.step, self.last_commit().is_some())
    }

    /// What stands, from the facts.
    pub(crate) fn recovery(&self, facts: RecoveryFacts) -> RecoveryStatus {
        RecoveryStatus::of(self.step, self.last_commit().is_some(), self.copies(), facts)
    }

    /// The holds that were to end with the pin, and whose end is pushed on its own.
    pub(crate) fn holds_to_end(&self) -> BTreeSet<HoldChange> {
        let terms = self.writes.iter().filter_map(|write| write.terms.as_ref());
        let holds = terms.filter_map(|terms| terms.holds.as_ref()).flatten();
        let ends = holds.filter(|change| change.is_end() && self.holds_on.is_some());
        ends.cloned().collect()
    }

    /// Whether content has to be copied.
    pub(crate) fn copies(&self) -> bool {
        self.writes.iter().any(|write| !write.copies.is_empty())
    }
}

/// Reads an entry; the error says what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<JournalEntry, String> {
    #[derive(Deserialize)]
    struct JournalSchema {
        schema: String,
    }
    let form: JournalSchema = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if form.schema != SCHEMA {
        return Err(format!("its form is {:?}, this pindeck knows {SCHEMA}", form.schema));
    }
    serde_json::from_slice(bytes).map_err(|e| e.to_string())
}

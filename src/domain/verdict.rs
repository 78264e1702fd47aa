//! Verdicts: of one digest, under one policy, at one time. The decision itself is here, pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::acceptance::{Accepted, accepts, decide_result, has_result};
use super::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState};
use super::failure::Failure;
use super::id::Digest;
use super::policy::Policy;
use super::text::Untrusted;

/// The four outcomes. *Unknown* is never shown as any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything that the policy requires is there and genuine.
    Verified,
    /// Everything is good, except a test result that the policy lets a person acknowledge.
    Warned,
    /// Something required is definitely missing or wrong.
    Rejected,
    /// Something needed could not be checked.
    Unknown,
}

impl Outcome {
    /// The word used in JSON and on screen.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Warned => "warned",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The outcome.
    pub result: Outcome,
    /// The policy's name.
    pub policy: String,
    /// Digest of the policy and its trust profiles.
    pub policy_digest: Digest,
    /// When it was made.
    pub at: Timestamp,
    /// Why not, one per check; empty when verified or warned.
    pub causes: Vec<Cause>,
}

/// One check that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The check that failed or stayed open.
    pub check: CheckOf,
    /// Why.
    pub cause: CauseKind,
    /// One sentence for people.
    pub detail: Untrusted,
    /// Another digest that matters: the one that the evidence is about, or the part of the image that is
    /// not there.
    pub subject: Option<Digest>,
}

/// What a cause is about: the content itself, or one kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckOf {
    /// The content is there and hashes to its name.
    Digest,
    /// A required kind of evidence.
    Evidence(EvidenceKind),
}

impl CheckOf {
    /// The name in JSON.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Evidence(kind) => kind.as_str(),
        }
    }
}

impl Serialize for CheckOf {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CheckOf {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(from)?;
        if name == "digest" {
            return Ok(Self::Digest);
        }
        EvidenceKind::from_name(&name)
            .map(Self::Evidence)
            .ok_or_else(|| serde::de::Error::custom("unknown check"))
    }
}

/// Whether the content of a digest is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Fetched (now or before) and hashed; and the registry has it now.
    Present,
    /// The registry says with authority that it is not there.
    Absent {
        /// The registry's words.
        detail: Untrusted,
        /// What is not there, where it is a part of the image and not the digest itself.
        part: Option<Digest>,
    },
    /// It could not be asked for, or what is there cannot be used; the kind of failure says which.
    Failed(Failure),
}

/// Everything a verdict is made from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The digest in question.
    pub digest: Digest,
    /// Whether its content is there.
    pub presence: &'a Presence,
    /// Every statement found, checked against `digest`.
    pub evidence: &'a [Evidence],
    /// What of the search for statements failed; one entry is enough to make "absent" unprovable.
    pub incomplete: &'a [Failure],
    /// Source repository that provenance must name, if the policy asks and the service has one.
    pub source: Option<&'a str>,
}

/// Judges a digest (docs/reference/contract.md, "Causes"). Pure; fails closed.
pub fn judge(policy: &Policy, facts: Facts<'_>, now: Timestamp) -> Verdict {
    let verdict = |result, causes| Verdict {
        result,
        policy: policy.name.clone(),
        policy_digest: policy.digest,
        at: now,
        causes,
    };
    let content = |cause, detail: Untrusted| Cause {
        check: CheckOf::Digest,
        cause,
        detail,
        subject: None,
    };
    match facts.presence {
        Presence::Present => {}
        Presence::Absent { detail, part } => {
            let cause = Cause {
                subject: *part,
                ..content(CauseKind::Absent, detail.clone())
            };
            return verdict(Outcome::Rejected, vec![cause]);
        }
        Presence::Failed(failure) => {
            let cause = failure.kind.cause();
            let result = if cause.is_open() {
                Outcome::Unknown
            } else {
                Outcome::Rejected
            };
            return verdict(result, vec![content(cause, failure.sentence())]);
        }
    }
    if policy.require.is_empty() {
        let detail = format!("policy {} requires no evidence, so nothing is verified", policy.name);
        return verdict(Outcome::Rejected, vec![content(CauseKind::PolicyFailed, detail.into())]);
    }
    let mut causes = Vec::new();
    let mut warned = false;
    for &kind in &policy.require {
        match require(policy, &facts, kind, now) {
            Requirement::Met => {}
            Requirement::MetIfAcknowledged => warned = true,
            Requirement::Unmet(cause) => causes.push(cause),
        }
    }
    if causes.is_empty() {
        causes.extend(may_be_contradicted(policy, &facts));
    }
    let result = if causes.iter().any(|c| !c.cause.is_open()) {
        Outcome::Rejected
    } else if !causes.is_empty() {
        Outcome::Unknown
    } else if warned {
        Outcome::Warned
    } else {
        Outcome::Verified
    };
    verdict(result, causes)
}

/// Whether one required kind of evidence is there.
enum Requirement {
    Met,
    MetIfAcknowledged,
    Unmet(Cause),
}

fn require(policy: &Policy, facts: &Facts<'_>, kind: EvidenceKind, now: Timestamp) -> Requirement {
    let no = |cause, detail: Untrusted, subject| {
        Requirement::Unmet(Cause {
            check: CheckOf::Evidence(kind),
            cause,
            detail,
            subject,
        })
    };
    let verified: Vec<&Evidence> = facts
        .evidence
        .iter()
        .filter(|e| e.kind == kind && e.state == EvidenceState::Verified)
        .collect();
    let refusal = if has_result(kind) {
        // One more result can turn the answer: what could not be read decides nothing.
        if let Some(item) = facts.evidence.iter().find(|e| e.is_unread() && may_be_of(e, kind)) {
            return Requirement::Unmet(unread_cause(kind, item));
        }
        if let Some(failure) = facts.incomplete.first() {
            return no(open_cause(failure.kind.cause()), failure.sentence(), None);
        }
        match decide_result(policy, &verified, now) {
            Some(Ok(Accepted::Acknowledge)) => return Requirement::MetIfAcknowledged,
            Some(Ok(Accepted::Yes)) => return Requirement::Met,
            Some(Err(why)) => Some(why),
            None => None,
        }
    } else {
        let mut refusal = None;
        for item in &verified {
            match accepts(policy, facts.source, item, now) {
                Ok(()) => return Requirement::Met,
                Err(why) => refusal = refusal.or(Some(why)),
            }
        }
        refusal
    };
    // Nothing satisfies. What could not be fetched might have: unknown, not refused.
    if let Some(item) = maybe_hidden(facts, kind) {
        return no(item_cause(item), item.detail.clone().unwrap_or_default(), None);
    }
    if let Some(failure) = facts.incomplete.first() {
        return no(open_cause(failure.kind.cause()), failure.sentence(), None);
    }
    if let Some(why) = refusal {
        return no(CauseKind::PolicyFailed, why.into(), None);
    }
    let furthest = facts
        .evidence
        .iter()
        .filter(|e| e.kind == kind)
        .max_by_key(|e| e.cause.unwrap_or(CauseKind::Absent));
    match furthest {
        Some(item) if item.state != EvidenceState::Unsigned => {
            let cause = item.cause.unwrap_or(CauseKind::Unsupported);
            let subject = (cause == CauseKind::WrongSubject)
                .then(|| item.subjects.first().copied())
                .flatten();
            let detail = item.detail.clone().unwrap_or_else(|| cause.as_str().into());
            no(cause, detail, subject)
        }
        Some(_) => no(
            CauseKind::Absent,
            format!("there is no {kind} that is signed; an unsigned one is attached").into(),
            None,
        ),
        // It may be among what could not be fetched, whatever that is called.
        None => match facts.evidence.iter().find(|e| is_open(e)) {
            Some(item) => no(item_cause(item), item.detail.clone().unwrap_or_default(), None),
            None => no(
                CauseKind::Absent,
                format!("there is no {kind} that is signed").into(),
                None,
            ),
        },
    }
}

/// Whether an item could not be fetched, or was not asked for.
fn is_open(item: &Evidence) -> bool {
    matches!(item.state, EvidenceState::Unreachable | EvidenceState::NotChecked)
}

/// The cause of an item that leaves the answer open.
fn item_cause(item: &Evidence) -> CauseKind {
    open_cause(item.cause.unwrap_or(CauseKind::Unreachable))
}

/// Not checked where nothing was asked, else unreachable: an open answer is never anything worse.
fn open_cause(cause: CauseKind) -> CauseKind {
    match cause {
        CauseKind::NotChecked => cause,
        _ => CauseKind::Unreachable,
    }
}

/// Whether an item that was not read may be of this kind: it says so itself, or says nothing. What it
/// says of itself is not signed.
fn may_be_of(item: &Evidence, kind: EvidenceKind) -> bool {
    item.kind == kind || item.kind == EvidenceKind::Other
}

/// An item that could not be fetched and may be of this kind.
fn maybe_hidden<'a>(facts: &Facts<'a>, kind: EvidenceKind) -> Option<&'a Evidence> {
    facts.evidence.iter().find(|e| is_open(e) && may_be_of(e, kind))
}

/// Where everything else is satisfied: an item that was not read, whatever it is called, may be the
/// statement that contradicts a result which counted. Nobody but the registry says what it is called.
fn may_be_contradicted(policy: &Policy, facts: &Facts<'_>) -> Option<Cause> {
    let kind = policy.require.iter().copied().find(|kind| has_result(*kind))?;
    let item = facts.evidence.iter().find(|e| e.is_unread())?;
    Some(unread_cause(kind, item))
}

fn unread_cause(kind: EvidenceKind, item: &Evidence) -> Cause {
    let why = item.detail.as_ref().map_or("no reason is known", |detail| detail.raw());
    Cause {
        check: CheckOf::Evidence(kind),
        cause: item.cause.unwrap_or(CauseKind::Unreachable),
        detail: format!("what could not be read may be a {kind} that says otherwise: {why}").into(),
        subject: None,
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "verdict_results_tests.rs"]
mod results_tests;

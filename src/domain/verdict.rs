//! Verdicts: of one digest, under one policy, at one time. The decision itself is here, pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Summary};
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
    pub const fn as_str(self) -> &'static str {
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
    /// The check.
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
    pub const fn as_str(self) -> &'static str {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "presence")]
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
    /// What the registry serves under this digest does not hash to it.
    Corrupt {
        /// What it hashes to.
        actual: Digest,
    },
    /// It is there and hashes to its name, but is no image or index that can be used.
    Unusable {
        /// Malformed or unsupported.
        cause: CauseKind,
        /// What is wrong.
        detail: Untrusted,
    },
    /// Could not be asked.
    Unreachable {
        /// What went wrong.
        detail: Untrusted,
    },
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
    pub incomplete: &'a [Untrusted],
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
        Presence::Corrupt { actual } => {
            let detail = format!("the registry serves bytes that hash to {actual}");
            return verdict(Outcome::Rejected, vec![content(CauseKind::Corrupt, detail.into())]);
        }
        Presence::Unusable { cause, detail } => {
            return verdict(Outcome::Rejected, vec![content(*cause, detail.clone())]);
        }
        Presence::Unreachable { detail } => {
            return verdict(Outcome::Unknown, vec![content(CauseKind::Unreachable, detail.clone())]);
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
            Held::Yes => {}
            Held::Acknowledge => warned = true,
            Held::No(cause) => causes.push(cause),
        }
    }
    let result = if causes.iter().any(|c| c.cause != CauseKind::Unreachable) {
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

enum Held {
    Yes,
    Acknowledge,
    No(Cause),
}

fn require(policy: &Policy, facts: &Facts<'_>, kind: EvidenceKind, now: Timestamp) -> Held {
    let no = |cause, detail: Untrusted, subject| {
        Held::No(Cause {
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
    let refusals: Vec<String> = if kind == EvidenceKind::TestResult {
        // One more test result can turn the answer: what could not be read decides nothing.
        if let Some(item) = maybe_hidden(facts, kind) {
            return no(CauseKind::Unreachable, item.detail.clone().unwrap_or_default(), None);
        }
        if let Some(detail) = facts.incomplete.first() {
            return no(CauseKind::Unreachable, detail.clone(), None);
        }
        match decide_test_result(policy, &verified, now) {
            Some(Ok(true)) => return Held::Acknowledge,
            Some(Ok(false)) => return Held::Yes,
            Some(Err(why)) => vec![why],
            None => Vec::new(),
        }
    } else {
        let mut refusals = Vec::new();
        for item in &verified {
            match accepts(policy, facts, item, now) {
                Ok(()) => return Held::Yes,
                Err(why) => refusals.push(why),
            }
        }
        refusals
    };
    // Nothing satisfies. What could not be fetched might have: unknown, not refused.
    if let Some(item) = maybe_hidden(facts, kind) {
        return no(CauseKind::Unreachable, item.detail.clone().unwrap_or_default(), None);
    }
    if let Some(detail) = facts.incomplete.first() {
        return no(CauseKind::Unreachable, detail.clone(), None);
    }
    if let Some(why) = refusals.into_iter().next() {
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
            format!("only an unsigned {kind} is attached").into(),
            None,
        ),
        None => no(CauseKind::Absent, format!("no {kind} is attached to it").into(), None),
    }
}

/// An item that could not be fetched and may be of this kind.
fn maybe_hidden<'a>(facts: &Facts<'a>, kind: EvidenceKind) -> Option<&'a Evidence> {
    facts
        .evidence
        .iter()
        .find(|e| e.state == EvidenceState::Unreachable && (e.kind == kind || e.kind == EvidenceKind::Other))
}

/// Whether a verified statement's content is accepted by the policy.
fn accepts(policy: &Policy, facts: &Facts<'_>, item: &Evidence, now: Timestamp) -> Result<(), String> {
    fresh_enough(policy, item, now)?;
    if let Summary::VerificationSummary(said) = &item.summary {
        let result = said.result.as_ref().map_or("", |r| r.raw());
        if result != "PASSED" {
            return Err(format!("the verification summary says {result:?}"));
        }
    }
    let Summary::Provenance(said) = &item.summary else {
        return Ok(());
    };
    if !policy.builder.is_empty() {
        let builder = said.builder.as_ref().map_or("", |b| b.raw());
        if !policy.builder.iter().any(|b| b == builder) {
            return Err(format!("builder {builder:?} is not one of {:?}", policy.builder));
        }
    }
    if policy.source {
        let Some(wanted) = facts.source else {
            return Err("the policy asks for the service's source, but the service names none".to_owned());
        };
        let named = said.source.as_ref().map_or("", |s| s.raw());
        if normal_source(named) != normal_source(wanted) {
            return Err(format!("built from {named:?}, not from {wanted:?}"));
        }
    }
    Ok(())
}

/// `git+https://host/x.git@refs/heads/main` and `https://host/x` name the same repository.
pub fn normal_source(url: &str) -> String {
    let url = url.strip_prefix("git+").unwrap_or(url);
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let path_at = url[after_scheme..].find('/').map_or(url.len(), |at| after_scheme + at);
    let (host, path) = url.split_at(path_at);
    let path = path.split(['@', '#', '?']).next().unwrap_or("");
    let path = path.trim_end_matches('/');
    format!(
        "{}{}",
        host.to_ascii_lowercase(),
        path.strip_suffix(".git").unwrap_or(path)
    )
}

fn fresh_enough(policy: &Policy, item: &Evidence, now: Timestamp) -> Result<(), String> {
    let Some(&limit) = policy.max_age.get(&item.kind) else {
        return Ok(());
    };
    let own = match &item.summary {
        Summary::VulnerabilityScan(s) => s.finished_at,
        Summary::Provenance(p) => p.finished_at,
        Summary::VerificationSummary(v) => v.verified_at,
        Summary::Sbom(_) | Summary::TestResult(_) | Summary::None => None,
    };
    // The older of both: a time stamped onto an old statement must not make it young again.
    match item.signed_at.into_iter().chain(own).min() {
        None => Err(format!(
            "the policy limits the age of a {}, and this one has no time",
            item.kind
        )),
        Some(at) if now.as_second() - at.as_second() > limit => {
            Err(format!("the {} of {at} is older than the policy allows", item.kind))
        }
        Some(_) => Ok(()),
    }
}

/// Decides among verified test results. `None`: there is none. `Ok(true)`: good, if a person acknowledges it.
///
/// docs/reference/evidence.md, rule 4: where they disagree the newest verified time decides; a tie, or any of them
/// without a trusted time, lets the worst win.
fn decide_test_result(policy: &Policy, verified: &[&Evidence], now: Timestamp) -> Option<Result<bool, String>> {
    let rank = |result: &str| match result {
        "PASSED" => 0,
        "WARNED" => 1,
        _ => 2,
    };
    let said = |e: &Evidence| match &e.summary {
        Summary::TestResult(t) => t.result.clone(),
        _ => String::new(),
    };
    let all_timed = verified.iter().all(|e| e.signed_at.is_some());
    let newest = verified.iter().filter_map(|e| e.signed_at).max();
    let decisive = verified
        .iter()
        .filter(|e| !all_timed || e.signed_at == newest)
        .max_by_key(|e| rank(&said(e)))?;
    if let Err(why) = fresh_enough(policy, decisive, now) {
        return Some(Err(why));
    }
    let result = said(decisive);
    let rule = &policy.test_result;
    Some(if rule.accept.contains(&result) {
        Ok(false)
    } else if rule.acknowledge.contains(&result) {
        Ok(true)
    } else {
        Err(format!("the test result is {result}"))
    })
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;

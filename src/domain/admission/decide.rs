//! What a gate would say of a digest, from what pindeck's own verification found under each of its authorities.
//!
//! Only the verification of signatures is pindeck's; which of the statements count, and how many, is the gate's. Where
//! something that was not read may turn an answer, the answer is *cannot say*.

use super::globs::PatternMatch;
use super::{
    AdmissionAnswer, AdmissionPolicy, Authority, AuthoritySigner, DemandedStatement, GateProgram, UnreadEffect,
    UnreadField,
};
use crate::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Format};
use crate::domain::id::Digest;
use crate::domain::policy::SignatureFormat;

/// What was found for one digest under the trust profile of one authority.
#[derive(Debug, Clone)]
pub(crate) struct AuthorityFindings {
    /// Every statement, verified under that profile; or why there is no such profile.
    pub evidence: Result<Vec<Evidence>, String>,
    /// Why the list may not be whole: something could not be asked for, or the image is not there.
    pub incomplete: Option<String>,
}

/// An answer with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReasonedAnswer {
    /// What the gate would do.
    pub answer: AdmissionAnswer,
    /// Why, in one line.
    pub why: String,
}

impl ReasonedAnswer {
    fn new(answer: AdmissionAnswer, why: impl Into<String>) -> Self {
        Self {
            answer,
            why: why.into(),
        }
    }

    /// The answer that remains where these parts were not read.
    fn without(self, unread: &[UnreadField]) -> Self {
        let open = unread.iter().find(|part| match part.effect {
            UnreadEffect::Nothing => false,
            UnreadEffect::Either => self.answer != AdmissionAnswer::CannotSay,
            UnreadEffect::Tightens => self.answer == AdmissionAnswer::Admit,
            UnreadEffect::Narrows => self.answer == AdmissionAnswer::Refuse,
        });
        match open {
            Some(part) => Self::new(
                AdmissionAnswer::CannotSay,
                format!("{} (line {}) is not read: {}", part.what, part.line, part.why),
            ),
            None => self,
        }
    }
}

/// What one policy says of a digest; `None` where it is not about that image. `findings` are in the order of its
/// authorities.
pub(crate) fn of_policy(
    policy: &AdmissionPolicy,
    is_about: PatternMatch,
    digest: Digest,
    findings: &[AuthorityFindings],
) -> Option<ReasonedAnswer> {
    use AdmissionAnswer::{Admit, CannotSay, Refuse};
    if is_about == PatternMatch::No {
        return None;
    }
    let mut findings = findings.iter();
    let mut said = ReasonedAnswer::new(Admit, format!("{} is satisfied", policy.name));
    for demand in &policy.demands {
        let each: Vec<ReasonedAnswer> = demand
            .of
            .iter()
            .map(|authority| of_authority(policy.gate, authority, digest, findings.next()))
            .collect();
        let count = |answer| each.iter().filter(|one| one.answer == answer).count();
        let (yes, open) = (count(Admit), count(CannotSay));
        let first = |answer| each.iter().find(|one| one.answer == answer).map(|one| one.why.clone());
        if yes >= demand.at_least {
            continue;
        }
        if yes + open < demand.at_least {
            let why = first(Refuse).unwrap_or_else(|| "nobody is trusted".to_owned());
            said = ReasonedAnswer::new(Refuse, why);
            break;
        }
        // A later demand may still refuse.
        if said.answer == Admit {
            said = ReasonedAnswer::new(CannotSay, first(CannotSay).unwrap_or_default());
        }
    }
    let mut said = said.without(&policy.unread);
    if is_about == PatternMatch::Unsure && said.answer == Refuse {
        said = ReasonedAnswer::new(
            CannotSay,
            format!(
                "whether it is about this image depends on how the reference is written; if it is: {}",
                said.why
            ),
        );
    }
    // What is not read may say that it refuses somewhere after all.
    let is_open = policy.unread.iter().any(|part| part.effect == UnreadEffect::Either);
    if !policy.enforces && said.answer != Admit && !is_open {
        said = ReasonedAnswer::new(Admit, format!("it only warns: {}", said.why));
    }
    Some(said)
}

/// What all policies together say: the first refusal, else the first open answer.
///
/// policy-controller refuses what none of its policies match, so it admits only what one of them surely matches. Of
/// OpenShift's policies the one with the most specific scope decides; which that is, is not worked out.
pub(crate) fn of_all(
    mut answers: Vec<(&AdmissionPolicy, PatternMatch, ReasonedAnswer)>,
    gates: &[GateProgram],
) -> ReasonedAnswer {
    use AdmissionAnswer::{Admit, CannotSay, Refuse};
    let scoped = answers
        .iter()
        .filter(|(policy, ..)| policy.gate == GateProgram::Openshift);
    let scoped: Vec<_> = scoped.map(|(policy, _, said)| (&policy.images, said.answer)).collect();
    let is_mixed = |(images, answer): &(&Vec<String>, AdmissionAnswer)| {
        scoped.iter().any(|(other, said)| other != images && said != answer)
    };
    if scoped.iter().any(is_mixed) {
        for (policy, _, said) in &mut answers {
            if policy.gate == GateProgram::Openshift {
                *said = ReasonedAnswer::new(CannotSay, "the most specific scope decides, and they differ");
            }
        }
    }
    for wanted in [Refuse, CannotSay] {
        if let Some((policy, _, said)) = answers.iter().find(|(_, _, said)| said.answer == wanted) {
            return ReasonedAnswer::new(wanted, format!("{}: {}", policy.name, said.why));
        }
    }
    let decides = |part: &UnreadField| matches!(part.effect, UnreadEffect::Narrows | UnreadEffect::Either);
    let is_sure = |(policy, about, _): &(&AdmissionPolicy, PatternMatch, ReasonedAnswer)| {
        policy.gate == GateProgram::PolicyController
            && *about == PatternMatch::Yes
            && !policy.unread.iter().any(decides)
    };
    let must_match = gates.contains(&GateProgram::PolicyController);
    if must_match && !answers.is_empty() && !answers.iter().any(is_sure) {
        let why = format!(
            "no policy matches it for sure: {}",
            GateProgram::PolicyController.unmatched()
        );
        return ReasonedAnswer::new(CannotSay, why);
    }
    if answers.is_empty() {
        return match gates.contains(&GateProgram::PolicyController) {
            true => ReasonedAnswer::new(CannotSay, GateProgram::PolicyController.unmatched()),
            false => {
                let gate = gates.first().copied().unwrap_or(GateProgram::KyvernoRule);
                ReasonedAnswer::new(Admit, gate.unmatched())
            }
        };
    }
    let all: Vec<String> = answers.iter().map(|(_, _, said)| said.why.clone()).collect();
    ReasonedAnswer::new(Admit, all.join("; "))
}

fn of_authority(
    gate: GateProgram,
    authority: &Authority,
    digest: Digest,
    findings: Option<&AuthorityFindings>,
) -> ReasonedAnswer {
    use AdmissionAnswer::{Admit, CannotSay, Refuse};
    if let AuthoritySigner::Static(passes) = authority.signer {
        let answer = if passes { Admit } else { Refuse };
        return ReasonedAnswer::new(answer, "its answer is fixed").without(&authority.unread);
    }
    let Some(findings) = findings else {
        return ReasonedAnswer::new(CannotSay, "nothing was asked");
    };
    let evidence = match &findings.evidence {
        Ok(evidence) => evidence,
        Err(why) => return ReasonedAnswer::new(CannotSay, why.clone()),
    };
    let by_key = matches!(authority.signer, AuthoritySigner::Key(_));
    if by_key && gate == GateProgram::PolicyController && authority.stored == Some(SignatureFormat::Bundle) {
        let why = format!(
            "{}: policy-controller verifies no bundle that is signed with a key",
            authority.name
        );
        return ReasonedAnswer::new(Refuse, why);
    }
    let mut said = ReasonedAnswer::new(Admit, String::new());
    for statement in &authority.statements {
        let one = of_statement(authority, statement, digest, evidence, findings.incomplete.as_deref());
        match one.answer {
            Refuse => {
                said = one;
                break;
            }
            CannotSay if said.answer == Admit => said = one,
            CannotSay | Admit => {}
        }
    }
    said.without(&authority.unread)
}

fn of_statement(
    authority: &Authority,
    statement: &DemandedStatement,
    digest: Digest,
    evidence: &[Evidence],
    incomplete: Option<&str>,
) -> ReasonedAnswer {
    use AdmissionAnswer::{Admit, CannotSay, Refuse};
    // A gate looks beside the image, at exactly this digest: what counts here by way of an index or from elsewhere does not.
    let beside = |one: &&Evidence| one.attached_to == digest && one.found_in.is_none();
    let is_it = |one: &&Evidence| match &statement.predicate {
        None => one.kind == EvidenceKind::Signature,
        Some(predicate) => one
            .predicate_type
            .as_ref()
            .is_some_and(|found| found.raw() == predicate),
    };
    let stored = |one: &&Evidence| {
        let found = SignatureFormat::of(one.format).filter(|_| one.format != Format::Github);
        found.is_some() && (authority.stored.is_none() || authority.stored == found)
    };
    let verified = |one: &&Evidence| one.state == EvidenceState::Verified;
    let what = match &statement.predicate {
        None => "signature".to_owned(),
        Some(predicate) => predicate.clone(),
    };
    let mut here = evidence.iter().filter(beside).filter(stored).filter(verified);
    if here.clone().any(|one| is_it(&one)) {
        return ReasonedAnswer::new(Admit, String::new()).without(&statement.conditions);
    }
    if statement.predicate.is_none() && here.any(|one| one.format == Format::SigstoreBundle) {
        let why = "there is no signature but another bundle, which cosign may count as one".to_owned();
        return ReasonedAnswer::new(CannotSay, why);
    }
    if let Some(why) = incomplete {
        return ReasonedAnswer::new(CannotSay, why);
    }
    // What does not hash to its name is nothing for a gate either.
    let is_open = |one: &&Evidence| one.is_unread() && one.cause != Some(CauseKind::Corrupt);
    if let Some(unread) = evidence.iter().find(is_open) {
        let why = unread
            .detail
            .as_ref()
            .map_or("something could not be read", |detail| detail.raw());
        return ReasonedAnswer::new(CannotSay, why);
    }
    let unsupported = evidence.iter().filter(beside).filter(is_it);
    if let Some(one) = unsupported.clone().find(|one| one.state == EvidenceState::Unsupported) {
        let why = one
            .detail
            .as_ref()
            .map_or("it is of a format that pindeck does not judge", |detail| detail.raw());
        return ReasonedAnswer::new(CannotSay, why);
    }
    let found = evidence.iter().filter(is_it).filter(verified);
    let why = match (found.clone().next(), unsupported.clone().max_by_key(|one| one.cause)) {
        (Some(one), _) if one.attached_to != digest => {
            format!(
                "{}: the {what} is about the index {}, and a gate looks at the manifest only",
                authority.name, one.attached_to
            )
        }
        (Some(one), _) => format!(
            "{}: the {what} is stored as {}, where it is not looked for",
            authority.name,
            one.format.describe()
        ),
        (None, Some(one)) => format!(
            "{}: no {what} that counts ({})",
            authority.name,
            one.detail.as_ref().map_or("it does not verify", |detail| detail.raw())
        ),
        (None, None) => format!("{}: there is no {what}", authority.name),
    };
    ReasonedAnswer::new(Refuse, why)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

//! pindeck's policy beside a gate's, rule by rule: which of the two is stricter, and what only one of them can say.

use std::collections::BTreeSet;

use super::rules::{HerePolicy, Rows, RuleAnswer, RuleComparison, Together};
use super::signers;
use super::{
    AdmissionDemand, AdmissionPolicy, Authority, AuthorityRoot, AuthoritySigner, DemandedStatement, GateProgram,
    UnreadEffect,
};
use crate::domain::evidence::EvidenceKind;
use crate::domain::policy::{LogRule, Policy, TimeRule, TrustProfile, TrustRoot};

/// Rules that do not depend on a policy of pindeck's. `matched` of `pinned` repositories are matched.
pub(crate) fn in_general(there: &AdmissionPolicy, matched: usize, pinned: usize) -> Vec<RuleComparison> {
    use RuleAnswer::{CannotSay, Same, StricterHere, StricterThere};
    let mut rows = Rows {
        policy: None,
        all: Vec::new(),
    };
    match matched == pinned {
        true => rows.add("images", Same, format!("all {pinned} pinned repositories are matched")),
        false => rows.add(
            "images",
            CannotSay,
            format!(
                "{matched} of {pinned} pinned repositories are matched; {}",
                there.gate.unmatched()
            ),
        ),
    }
    match there.enforces {
        true => rows.add("mode", Same, "it refuses"),
        false => rows.add("mode", StricterHere, "it only warns there"),
    }
    if there.demands.is_empty() {
        rows.add("authorities", StricterHere, "it names nobody who must sign");
    }
    let fixed = |passes: bool| {
        there
            .authorities()
            .any(|one| one.signer == AuthoritySigner::Static(passes))
    };
    if fixed(true) {
        rows.add("static", StricterHere, "everything passes there without a signature");
    }
    if fixed(false) {
        rows.add("static", StricterThere, "everything is refused there, whoever signed");
    }
    for part in there
        .all_unread()
        .into_iter()
        .filter(|part| part.effect != UnreadEffect::Nothing)
    {
        rows.add(
            "condition",
            CannotSay,
            format!("{} at line {} is not read: {}", part.what, part.line, part.why),
        );
    }
    rows.add(
        "content",
        StricterHere,
        "a gate does not look whether the content of the image is there",
    );
    rows.add(
        "via-index",
        StricterThere,
        "evidence about an index does not count there for one of its platform manifests",
    );
    rows.all
}

/// Compares with one policy of pindeck's.
pub(crate) fn with_policy(there: &Together<'_>, here: HerePolicy<'_>) -> Vec<RuleComparison> {
    let mut rows = Rows {
        policy: Some(here.name()),
        all: Vec::new(),
    };
    let shared = kinds(&mut rows, there, here);
    for kind in shared {
        if let Some(profile) = here.profile(kind) {
            let who: Vec<&Authority> = there
                .this
                .authorities()
                .filter(|one| asks_for(one, kind).is_some())
                .collect();
            if !who.is_empty() {
                signers::compare(&mut rows, (there, &who), (here, profile));
                how(&mut rows, there, &who, profile);
            }
        }
    }
    content(&mut rows, there.this, here.policy);
    release(&mut rows, here.policy);
    rows.all
}

/// The statement of a kind that an authority demands.
fn asks_for(authority: &Authority, kind: EvidenceKind) -> Option<&DemandedStatement> {
    if matches!(authority.signer, AuthoritySigner::Static(_)) {
        return None;
    }
    authority.statements.iter().find(|one| one.kind() == kind)
}

/// Whether a policy demands a kind: `None` = only as one of several ways.
fn demands(policy: &AdmissionPolicy, kind: EvidenceKind) -> Option<bool> {
    let mut some = false;
    for demand in &policy.demands {
        let without = demand.of.iter().filter(|one| asks_for(one, kind).is_none()).count();
        if without < demand.at_least {
            return Some(true);
        }
        some |= without < demand.of.len();
    }
    (!some).then_some(false)
}

/// Compares which kinds are required; returns those that both ask for, perhaps as one of several ways.
fn kinds(rows: &mut Rows, there: &Together<'_>, here: HerePolicy<'_>) -> Vec<EvidenceKind> {
    use RuleAnswer::{CannotSay, Same, StricterHere, StricterThere};
    let mut shared = Vec::new();
    if there.this.gate == GateProgram::KyvernoImages {
        for kind in here.policy.require.iter().copied() {
            let detail = "which attestor must have signed what stands in CEL, which is not read";
            rows.add(format!("require {kind}"), CannotSay, detail);
            shared.push(kind);
        }
        return shared;
    }
    for kind in EvidenceKind::ALL {
        let rule = format!("require {kind}");
        let is_here = here.policy.require.contains(&kind);
        let this = demands(there.this, kind);
        let other = there.others.iter().find(|other| demands(other, kind) == Some(true));
        match (is_here, this, other) {
            (true, Some(true), _) => {
                let (answer, detail) = types(there.this, here, kind);
                rows.add(&rule, answer, detail);
                shared.push(kind);
            }
            (true, _, Some(other)) => rows.add(&rule, Same, format!("{} asks for it there", other.name)),
            (true, Some(false), None) => rows.add(&rule, StricterHere, "it is not asked for there"),
            (true, None, None) => {
                rows.add(&rule, StricterHere, "there it is only one of several ways");
                shared.push(kind);
            }
            (false, Some(true), _) => rows.add(&rule, StricterThere, "it is not asked for here"),
            (false, None, _) => rows.add(
                &rule,
                CannotSay,
                "there it is one of several ways, here it is not asked for",
            ),
            (false, Some(false), _) => {}
        }
    }
    shared
}

/// Compares which types of a kind are enough, where both sides ask for the kind.
fn types(there: &AdmissionPolicy, here: HerePolicy<'_>, kind: EvidenceKind) -> (RuleAnswer, String) {
    use RuleAnswer::{Same, StricterHere, StricterThere};
    let of_kind = |authority: &Authority| -> BTreeSet<String> {
        let statements = authority.statements.iter().filter(|one| one.kind() == kind);
        statements.filter_map(|one| one.predicate.clone()).collect()
    };
    let who: Vec<&Authority> = there
        .authorities()
        .filter(|one| asks_for(one, kind).is_some())
        .collect();
    let exact: BTreeSet<String> = who.iter().flat_map(|one| of_kind(one)).collect();
    let asking = |demand: &&AdmissionDemand| demand.of.iter().any(|one| asks_for(one, kind).is_some());
    let demands: Vec<&AdmissionDemand> = there.demands.iter().filter(asking).collect();
    let together = who.iter().any(|one| of_kind(one).len() > 1)
        || exact.len() > 1 && (demands.len() > 1 || demands.iter().any(|one| one.at_least > 1));
    let profile = here.profile(kind).map(|profile| profile.predicate_types.as_slice());
    let own = profile.unwrap_or_default().iter();
    let asked: BTreeSet<String> = own
        .filter(|one| EvidenceKind::of_predicate(one) == kind)
        .cloned()
        .collect();
    let words = |all: &BTreeSet<String>, by: &str| all.iter().cloned().collect::<Vec<_>>().join(by);
    if together {
        let detail = format!(
            "{} are demanded together there, one {kind} is enough here",
            words(&exact, " and ")
        );
        (StricterThere, detail)
    } else if exact == asked || exact.is_empty() {
        (Same, "both ask for it".to_owned())
    } else if !asked.is_empty() && asked.is_subset(&exact) {
        let detail = format!(
            "only {} counts here, {} there",
            words(&asked, " or "),
            words(&exact, " or ")
        );
        (StricterHere, detail)
    } else {
        (
            StricterThere,
            format!("only {} counts there, any {kind} here", words(&exact, " or ")),
        )
    }
}

/// Compares how a signature must be stored, logged, timestamped and anchored.
fn how(rows: &mut Rows, there: &Together<'_>, who: &[&Authority], here: &TrustProfile) {
    use RuleAnswer::{CannotSay, Same, StricterHere, StricterThere};
    let gate = there.this.gate.name();
    let with_keys = !here.keys.is_empty();
    for authority in who {
        match authority.stored {
            stored if stored == here.signature_format => rows.add("format", Same, "the same ways of storing count"),
            Some(stored) if here.signature_format.is_none() => {
                let other = if stored.as_str() == "legacy" {
                    "bundles"
                } else {
                    ".sig and .att tags"
                };
                let detail = format!("{gate} looks for {} only; {other} count here too", stored.as_str());
                rows.add("format", StricterThere, detail);
            }
            None => rows.add("format", StricterHere, "either way of storing counts there"),
            Some(_) => rows.add("format", CannotSay, "each looks for what the other does not find"),
        }
        match (here.transparency_log, authority.demands_log()) {
            (LogRule::InclusionProof, true) => {
                rows.add("log", CannotSay, "an inclusion proof cannot be asked for there")
            }
            (LogRule::Required, true) => rows.add("log", Same, "both ask for an entry"),
            (LogRule::NotRequired, false) => rows.add("log", Same, "neither looks at a log"),
            (LogRule::NotRequired, true) => rows.add("log", StricterThere, "an entry of the log is demanded there"),
            (_, false) if with_keys => {
                rows.add(
                    "log",
                    StricterHere,
                    "without a log of its own the authority skips the log silently",
                );
            }
            (_, false) => rows.add("log", StricterHere, "the log is not looked at there"),
        }
        match (here.timestamp, authority.timestamped) {
            (TimeRule::Rfc3161, true) if here.transparency_log != LogRule::NotRequired => {
                rows.add(
                    "timestamp",
                    CannotSay,
                    "log and timestamp cannot both be asked for in one authority",
                );
            }
            (TimeRule::Rfc3161, true) | (TimeRule::Any, false) => rows.add("timestamp", Same, "both ask the same"),
            (TimeRule::Rfc3161, false) => {
                rows.add("timestamp", StricterHere, "no RFC 3161 timestamp is asked for there")
            }
            (TimeRule::Any, true) => rows.add("timestamp", StricterThere, "an RFC 3161 timestamp is demanded there"),
            (TimeRule::Rekor, _) => rows.add("timestamp", CannotSay, "the log's own time cannot be asked for there"),
        }
        if let AuthoritySigner::Keyless { .. } = &authority.signer {
            match (here.sct, authority.ignores_sct) {
                (true, true) => rows.add("sct", StricterHere, "certificates without an SCT count there"),
                (false, false) => rows.add("sct", StricterThere, "an SCT is demanded there"),
                _ => rows.add("sct", Same, "both ask the same"),
            }
        }
        for root in anchors(authority, here) {
            match (there.roots.of(root), &here.root) {
                (Err(why), _) => rows.add("root", CannotSay, why),
                (Ok(theirs), Some(ours)) if same_root(&theirs, ours) => rows.add("root", Same, "the same root"),
                (Ok(_), _) => rows.add(
                    "root",
                    CannotSay,
                    "another root: certificates or log entries of one are nobody's for the other",
                ),
            }
        }
        let demands = &here.demands;
        if demands.log_entries > 1 || demands.times > 1 || demands.bundle_version.is_some() || demands.key_id.is_some()
        {
            rows.add(
                "proof",
                CannotSay,
                "numbers of entries or times, versions and key ids cannot be asked for there",
            );
        }
    }
}

/// What the certificates and the log entries that an authority asks for are anchored in; a log that is not looked at
/// here is none.
fn anchors<'a>(authority: &'a Authority, here: &TrustProfile) -> BTreeSet<&'a AuthorityRoot> {
    let certificates = match &authority.signer {
        AuthoritySigner::Keyless { root, .. } => Some(root),
        _ => None,
    };
    let is_looked_at = authority.demands_log() && here.transparency_log != LogRule::NotRequired;
    let log = authority.log.as_ref().filter(|_| is_looked_at);
    certificates.into_iter().chain(log).collect()
}

fn same_root(a: &TrustRoot, b: &TrustRoot) -> bool {
    match (a, b) {
        (TrustRoot::File { json: a, .. }, TrustRoot::File { json: b, .. }) => {
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            value(a).is_some() && value(a) == value(b)
        }
        (a, b) => a == b,
    }
}

/// Compares what is asked of the content of statements.
fn content(rows: &mut Rows, there: &AdmissionPolicy, here: &Policy) {
    use RuleAnswer::{CannotSay, StricterHere};
    let conditioned = |kind| {
        let mut all = there.authorities().filter_map(|one| asks_for(one, kind));
        all.any(|one| !one.conditions.is_empty())
            || there.unread.iter().any(|part| part.effect == UnreadEffect::Tightens)
    };
    let mut rule = |name: &str, kind: EvidenceKind, asked: bool| {
        if !asked || !here.require.contains(&kind) {
            return;
        }
        match conditioned(kind) {
            true => rows.add(name, CannotSay, format!("conditions on the {kind} there are not read")),
            false => rows.add(
                name,
                StricterHere,
                format!("there the content of the {kind} is not looked at"),
            ),
        }
    };
    rule("builder", EvidenceKind::Provenance, !here.builder.is_empty());
    rule("source", EvidenceKind::Provenance, here.source);
    rule("test-result", EvidenceKind::TestResult, true);
    rule("verification-summary", EvidenceKind::VerificationSummary, true);
    for kind in here.max_age.keys() {
        rule(&format!("max_age {kind}"), *kind, true);
    }
    if !here.test_result.acknowledge.is_empty() && here.require.contains(&EvidenceKind::TestResult) {
        rows.add(
            "acknowledge",
            CannotSay,
            "a gate asks no person: nobody can acknowledge a result there",
        );
    }
}

/// What is about releases, not about admission.
fn release(rows: &mut Rows, here: &Policy) {
    let mut asked: Vec<&str> = Vec::new();
    asked.extend(here.soak.map(|_| "soak"));
    asked.extend((!here.freeze.is_empty()).then_some("freeze"));
    asked.extend(["order", "holds"]);
    asked.extend((!here.break_glass.is_empty()).then_some("break-glass"));
    let detail = format!("{}: release policy, not admission", asked.join(", "));
    rows.add("release", RuleAnswer::CannotSay, detail);
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

//! Policies of a cluster's gate as pieces of a `pindeck.toml`: trust profiles and policies for what can be said here, and
//! everything else as a comment with its line. Pure.
//!
//! A policy is written only where it is no weaker than what was read: whatever it verifies, the gate's policy does not
//! refuse by anything that pindeck reads of it. Nothing is in force until an environment names the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::toml_text::quoted;
use crate::domain::admission::profile::NamedRoots;
use crate::domain::admission::{
    AdmissionDemand, AdmissionPolicy, Authority, AuthoritySigner, GateProgram, UnreadEffect, UnreadField,
};
use crate::domain::evidence::EvidenceKind;
use crate::domain::policy::{Identity, LogRule, Match, SignatureFormat, TimeRule, TrustProfile, TrustRoot};
use crate::domain::text::Clean;

/// Pieces of a configuration with the files that they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImportedPolicy {
    /// Trust profiles, policies, and comments.
    pub text: String,
    /// Files of keys: path, relative to the configuration, and content.
    pub keys: BTreeMap<String, String>,
    /// Names of the policies that could be said.
    pub policies: Vec<String>,
    /// What could not, one sentence each.
    pub left: Vec<String>,
}

/// A trust profile to be, with the kinds of evidence that it signs.
struct SigningProfile {
    profile: TrustProfile,
    kinds: BTreeSet<EvidenceKind>,
    /// Who else is enough there, and is not taken here.
    dropped: Vec<String>,
}

/// Writes policies as pieces of a configuration. Names in `taken` are in use already.
pub(crate) fn render(policies: &[AdmissionPolicy], roots: &NamedRoots, taken: &BTreeSet<String>) -> ImportedPolicy {
    let mut out = ImportedPolicy::default();
    let mut names = taken.clone();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for (at, policy) in policies.iter().enumerate() {
        if !done.insert(at) {
            continue;
        }
        let mut together = vec![policy];
        let mut said = signing(policy, roots);
        if let Ok(signing) = &mut said {
            // One policy for each kind is how a gate is told that all of them are required.
            for (other_at, other) in policies.iter().enumerate().skip(at + 1) {
                let same =
                    other.gate == policy.gate && other.images == policy.images && other.left_out == policy.left_out;
                if !same || done.contains(&other_at) || other.enforces != policy.enforces {
                    continue;
                }
                if let Ok(more) = signing_of_both(signing, other, roots) {
                    signing.extend(more);
                    together.push(other);
                    done.insert(other_at);
                }
            }
        }
        piece(&mut out, &mut names, &together, said);
    }
    out
}

/// The profiles of another policy, if no kind of evidence is signed twice.
fn signing_of_both(
    have: &[SigningProfile],
    other: &AdmissionPolicy,
    roots: &NamedRoots,
) -> Result<Vec<SigningProfile>, String> {
    let more = signing(other, roots)?;
    let known: BTreeSet<EvidenceKind> = have.iter().flat_map(|one| one.kinds.iter().copied()).collect();
    match more.iter().all(|one| one.kinds.is_disjoint(&known)) {
        true => Ok(more),
        false => Err("one kind of evidence has one signer here".to_owned()),
    }
}

/// Who must have signed what, so that the policy does not refuse.
///
/// # Errors
/// Why that cannot be said here.
fn signing(policy: &AdmissionPolicy, roots: &NamedRoots) -> Result<Vec<SigningProfile>, String> {
    if policy.gate == GateProgram::KyvernoImages {
        return Err("who must have signed what stands in CEL, which is not read".to_owned());
    }
    if policy.demands.is_empty() {
        return Err("it names nobody who must sign".to_owned());
    }
    // What may refuse less says as little as what may refuse more: nobody knows who must have signed where.
    if let Some(part) = policy.unread.iter().find(|part| part.effect == UnreadEffect::Either) {
        return Err(format!("{} (line {}) is not read: {}", part.what, part.line, part.why));
    }
    let mut all: Vec<SigningProfile> = Vec::new();
    for demand in &policy.demands {
        let next = of_demand(policy.gate, demand, roots)?;
        let known: BTreeSet<EvidenceKind> = all.iter().flat_map(|one| one.kinds.iter().copied()).collect();
        if !next.kinds.is_disjoint(&known) {
            return Err("two demands are about one kind of evidence, which has one signer here".to_owned());
        }
        all.push(next);
    }
    Ok(all)
}

fn of_demand(gate: GateProgram, demand: &AdmissionDemand, roots: &NamedRoots) -> Result<SigningProfile, String> {
    if demand.at_least > 1 {
        return Err(format!(
            "{} signers of {} must have signed, and here one is enough",
            demand.at_least,
            demand.of.len()
        ));
    }
    if demand.of.iter().any(|one| one.signer == AuthoritySigner::Static(true)) {
        return Err("everything passes there, whoever signed".to_owned());
    }
    let mut first: Option<SigningProfile> = None;
    let mut dropped = Vec::new();
    for authority in demand
        .of
        .iter()
        .filter(|one| !matches!(one.signer, AuthoritySigner::Static(_)))
    {
        match of_authority(gate, authority, roots) {
            Err(reason) => dropped.push(format!("{} (line {}): {reason}", authority.name, authority.line)),
            Ok(next) => {
                let is_taken = match &mut first {
                    None => {
                        first = Some(next);
                        true
                    }
                    // Any of them is enough, for each kind by itself: with several kinds two signers could share the work.
                    Some(first) => first.kinds.len() == 1 && widen(first, next),
                };
                if !is_taken {
                    dropped.push(format!(
                        "{} (line {}): it is enough by itself there, and one trust profile does not say both",
                        authority.name, authority.line
                    ));
                }
            }
        }
    }
    match first {
        Some(mut first) => {
            first.dropped = dropped;
            Ok(first)
        }
        None if dropped.is_empty() => Err("everything is refused there".to_owned()),
        None => Err(dropped.join("; ")),
    }
}

/// Adds the signers of an alternative, where the rest of the two profiles is the same; whether it is.
fn widen(have: &mut SigningProfile, next: SigningProfile) -> bool {
    let bare = |profile: &TrustProfile| TrustProfile {
        name: String::new(),
        keys: Vec::new(),
        identities: Vec::new(),
        sct: true,
        ..profile.clone()
    };
    let sct = have.profile.sct == next.profile.sct
        || have.profile.identities.is_empty()
        || next.profile.identities.is_empty();
    let is_same = have.kinds == next.kinds && sct && bare(&have.profile) == bare(&next.profile);
    if is_same {
        if have.profile.identities.is_empty() {
            have.profile.sct = next.profile.sct;
        }
        have.profile.keys.extend(next.profile.keys);
        have.profile.identities.extend(next.profile.identities);
    }
    is_same
}

fn of_authority(gate: GateProgram, authority: &Authority, roots: &NamedRoots) -> Result<SigningProfile, String> {
    if let Some(part) = authority.unread.iter().find(|part| part.effect == UnreadEffect::Either) {
        return Err(format!("{} (line {}) is not read: {}", part.what, part.line, part.why));
    }
    let with_key = matches!(authority.signer, AuthoritySigner::Key(_));
    if with_key && gate == GateProgram::PolicyController && authority.stored == Some(SignatureFormat::Bundle) {
        return Err("policy-controller verifies no bundle that is signed with a key".to_owned());
    }
    if let AuthoritySigner::Keyless { identities, .. } = &authority.signer
        && identities
            .iter()
            .any(|one| one.subject.is_none() || one.issuer.is_none())
    {
        return Err("it trusts certificates of anybody: name who is believed yourself".to_owned());
    }
    let mut profile = authority.as_profile("", roots)?;
    let mut kinds = BTreeSet::new();
    for statement in &authority.statements {
        let kind = statement.kind();
        if kind == EvidenceKind::Other {
            let name = statement.predicate.as_deref().unwrap_or_default();
            return Err(format!("attestations of type {name} cannot be required here"));
        }
        if !kinds.insert(kind) {
            return Err(format!(
                "two types of {kind} are demanded, and here one of them is enough"
            ));
        }
        profile.predicate_types.extend(statement.predicate.clone());
    }
    // A result can contradict a gate's: it is read here and not there, which only asks for more.
    profile.predicate_types.sort();
    Ok(SigningProfile {
        profile,
        kinds,
        dropped: Vec::new(),
    })
}

/// Writes one policy, or several that belong together.
fn piece(
    out: &mut ImportedPolicy,
    names: &mut BTreeSet<String>,
    together: &[&AdmissionPolicy],
    said: Result<Vec<SigningProfile>, String>,
) {
    let Some(first) = together.first() else { return };
    for policy in together {
        let _ = writeln!(
            out.text,
            "\n# From {}:{}: {} {:?}, about {}{}",
            comment(&policy.file),
            policy.line,
            comment(&policy.kind),
            comment(&policy.name),
            comment(&policy.images.join(", ")),
            if policy.enforces { "" } else { "; it only warns there" }
        );
    }
    let name = unused(names, &first.name);
    let is_made = said.is_ok();
    match said {
        Err(why) => {
            let _ = writeln!(out.text, "# No policy is made of it: {}", comment(&why));
            out.left
                .push(format!("{}:{}: {}: {why}", first.file, first.line, first.name));
        }
        Ok(signing) => {
            let single = signing.len() == 1;
            let mut rules: Vec<(EvidenceKind, String)> = Vec::new();
            for (nth, one) in signing.iter().enumerate() {
                for why in &one.dropped {
                    let _ = writeln!(out.text, "# Not taken: {}", comment(why));
                    out.left.push(format!("{}: {}: {why}", first.file, first.name));
                }
                let own = match single {
                    true => name.clone(),
                    false => unused(names, &format!("{name}-{}", nth + 1)),
                };
                profile(out, &own, &one.profile);
                rules.extend(one.kinds.iter().map(|kind| (*kind, own.clone())));
            }
            rules.sort();
            let kinds: Vec<String> = rules.iter().map(|(kind, _)| quoted(kind.as_str())).collect();
            let _ = writeln!(out.text, "\n[policies.{name}]\nrequire = [{}]", kinds.join(", "));
            match single {
                true => {
                    let _ = writeln!(out.text, "signer = {}", quoted(&name));
                }
                false => {
                    let each: Vec<String> = rules
                        .iter()
                        .map(|(kind, own)| format!("{kind} = {}", quoted(own)))
                        .collect();
                    let _ = writeln!(out.text, "signer = {{ {} }}", each.join(", "));
                }
            }
            out.policies.push(name);
        }
    }
    for policy in together {
        if !is_made {
            alternatives(out, policy);
        }
        for part in policy.all_unread() {
            if part.effect != UnreadEffect::Nothing || !part.text.is_empty() {
                unread(out, policy, part);
            }
        }
    }
}

/// Authorities of which no trust profile was made: keys that lie elsewhere, fixed answers.
fn alternatives(out: &mut ImportedPolicy, policy: &AdmissionPolicy) {
    for authority in policy.authorities() {
        let why = match &authority.signer {
            AuthoritySigner::Elsewhere(what) => what.clone(),
            AuthoritySigner::Static(true) => "everything passes there, whoever signed".to_owned(),
            AuthoritySigner::Static(false) => "everything is refused there".to_owned(),
            AuthoritySigner::Key(_) | AuthoritySigner::Keyless { .. } => continue,
        };
        let _ = writeln!(
            out.text,
            "# Not taken, line {}: {}: {}",
            authority.line,
            comment(&authority.name),
            comment(&why)
        );
        out.left
            .push(format!("{}:{}: {}: {why}", policy.file, authority.line, authority.name));
    }
}

fn unread(out: &mut ImportedPolicy, policy: &AdmissionPolicy, part: &UnreadField) {
    let _ = writeln!(
        out.text,
        "# Not read, line {}: {}: {}",
        part.line,
        comment(&part.what),
        comment(&part.why)
    );
    for line in part.text.lines() {
        let _ = writeln!(out.text, "#   | {}", comment(line));
    }
    out.left.push(format!(
        "{}:{}: {} is not read: {}",
        policy.file, part.line, part.what, part.why
    ));
}

/// One `[trust.*]` table; its keys go to files.
fn profile(out: &mut ImportedPolicy, name: &str, profile: &TrustProfile) {
    let _ = writeln!(out.text, "\n[trust.{name}]");
    let mut files = Vec::new();
    for (nth, key) in profile.keys.iter().enumerate() {
        let path = match profile.keys.len() {
            1 => format!("keys/{name}.pub"),
            // No name of a policy has a full stop in it.
            _ => format!("keys/{name}.{}.pub", nth + 1),
        };
        files.push(quoted(&path));
        out.keys.insert(path, format!("{}\n", key.pem.trim_end()));
    }
    let text = &mut out.text;
    if !files.is_empty() {
        let _ = writeln!(text, "keys = [{}]", files.join(", "));
    }
    match &profile.root {
        None => {}
        Some(TrustRoot::PublicGood) => text.push_str("root = \"public-good\"\n"),
        Some(TrustRoot::Github) => text.push_str("root = \"github\"\n"),
        // Its file may lie anywhere, and a configuration names files relative to itself: the root goes beside the keys.
        Some(TrustRoot::File { json, .. }) => {
            let content = format!("{}\n", json.trim_end());
            let mut path = "keys/trusted_root.json".to_owned();
            let mut nth = 1;
            while out.keys.get(&path).is_some_and(|there| *there != content) {
                nth += 1;
                path = format!("keys/trusted_root.{nth}.json");
            }
            let _ = writeln!(text, "root = {}", quoted(&path));
            out.keys.insert(path, content);
        }
    }
    let text = &mut out.text;
    if !profile.identities.is_empty() {
        text.push_str("identities = [\n");
        for one in &profile.identities {
            let _ = writeln!(text, "  {{ {} }},", identity(one));
        }
        text.push_str("]\n");
    }
    if profile.transparency_log == LogRule::NotRequired {
        text.push_str("transparency_log = \"not-required\"  # the gate does not look at the log\n");
    }
    if !profile.sct && !profile.identities.is_empty() {
        text.push_str("sct = false  # the gate asks for no SCT\n");
    }
    if profile.timestamp == TimeRule::Rfc3161 {
        text.push_str("timestamp = \"rfc3161\"\n");
    }
    if let Some(format) = profile.signature_format {
        let _ = writeln!(
            text,
            "signature_format = {}  # the gate looks for nothing else",
            quoted(format.as_str())
        );
    }
    if !profile.predicate_types.is_empty() {
        let types: Vec<String> = profile.predicate_types.iter().map(|one| quoted(one)).collect();
        let _ = writeln!(text, "predicate_types = [{}]", types.join(", "));
    }
}

fn identity(one: &Identity) -> String {
    let rule = |name: &str, rule: &Match| match rule {
        Match::Exact(text) => format!("{name} = {}", quoted(text)),
        Match::Regex(text) => format!("{name}_regex = {}", quoted(text)),
    };
    let issuer = one
        .issuer
        .as_ref()
        .map_or_else(|| "issuer = false".to_owned(), |issuer| rule("issuer", issuer));
    format!("{}, {issuer}", rule("san", &one.san))
}

/// A name for `pindeck.toml` that is not in use yet.
fn unused(names: &mut BTreeSet<String>, wanted: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let mut base: String = wanted.chars().map(plain).take(60).collect();
    while base.contains("--") {
        base = base.replace("--", "-");
    }
    let base = base.trim_matches('-');
    let base = if base.is_empty() { "imported" } else { base };
    let mut name = base.to_owned();
    let mut nth = 1;
    while !names.insert(name.clone()) {
        nth += 1;
        name = format!("{base}-{nth}");
    }
    name
}

/// Text for a comment: one line, nothing that a terminal would act on.
fn comment(text: &str) -> String {
    Clean::from_untrusted(text).into_string()
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;

//! `ClusterPolicy` (and `Policy`) of kyverno.io: each `verifyImages` entry of each rule is a policy by itself.
//!
//! All attestors of an entry must be satisfied; of the entries of an attestor as many as `count` says, without one all of
//! them; several keys in one text are as many entries. The log is asked unless `ignoreTlog` says otherwise.

use super::error::{AdmissionError, MAX_AUTHORITIES};
use super::fields::{PolicyFields, predicate};
use super::kyverno_attestor::{EntryRules, attestor};
use crate::domain::admission::{
    AdmissionDemand, AdmissionPolicy, DemandedStatement, GateProgram, UnreadEffect, UnreadField,
};
use crate::domain::policy::SignatureFormat;
use crate::sources::git::manifest::tree::Id;

/// What a part says that is about workloads, not about images.
const LOOKED_AT: &str = "it says which workloads are looked at";

pub(super) fn read(
    fields: &PolicyFields<'_>,
    root: Id,
    version: &str,
    kind: &str,
) -> Result<Vec<AdmissionPolicy>, AdmissionError> {
    if !matches!(version, "kyverno.io/v1" | "kyverno.io/v2beta1") {
        return Err(fields.error(
            root,
            format!("{version:?} is no version that pindeck reads: kyverno.io/v1 or v2beta1"),
        ));
    }
    let name = fields.name(root)?;
    let Some(spec) = fields.tree.get(root, "spec") else {
        return Err(fields.error(root, "spec is missing"));
    };
    let mut general = Vec::new();
    // Kyverno's default is Audit.
    let mut enforces = false;
    let mut rules = None;
    if kind == "Policy" {
        let why = "it is in force in one namespace only";
        general.push(UnreadField {
            text: String::new(),
            ..fields.unread(spec, "metadata.namespace", why, UnreadEffect::Narrows)
        });
    }
    for (key, value) in fields.map(spec, "spec")? {
        match key {
            "validationFailureAction" => enforces = is_enforcing(fields, value)?,
            "rules" => rules = Some(value),
            // It may refuse where the policy itself only reports.
            "validationFailureActionOverrides" => general.push(fields.unread(
                value,
                format!("spec.{key}"),
                "it says where the policy refuses and where it only reports",
                UnreadEffect::Either,
            )),
            "applyRules" => general.push(fields.unread(
                value,
                format!("spec.{key}"),
                "it says how many of the rules are looked at",
                UnreadEffect::Narrows,
            )),
            "webhookConfiguration" if fields.tree.get(value, "matchConditions").is_some() => {
                general.push(fields.unread(value, "spec.webhookConfiguration", LOOKED_AT, UnreadEffect::Narrows));
            }
            "admission" => {
                if !fields.flag(value, key)? {
                    general.push(fields.unread(value, "spec.admission", LOOKED_AT, UnreadEffect::Narrows));
                }
            }
            "background"
            | "webhookTimeoutSeconds"
            | "failurePolicy"
            | "webhookConfiguration"
            | "mutateExistingOnPolicyUpdate"
            | "emitWarning"
            | "useServerSideApply"
            | "schemaValidation"
            | "generateExisting" => {}
            other => general.push(fields.unknown(value, format!("spec.{other}"))),
        }
    }
    let mut found = Vec::new();
    let Some(rules) = rules else { return Ok(found) };
    for rule in fields.list(rules, "spec.rules")? {
        let mut unread = general.clone();
        let mut entries = None;
        let mut rule_name = String::new();
        for (key, value) in fields.map(*rule, "a rule")? {
            match key {
                "name" => rule_name = crate::domain::Clean::from_untrusted(fields.text(value, "name")?).into_string(),
                "verifyImages" => entries = Some(value),
                "match" => unread.extend(narrowing(fields, value)?),
                "exclude" | "preconditions" | "celPreconditions" => {
                    unread.push(fields.unread(value, format!("rules.{key}"), LOOKED_AT, UnreadEffect::Narrows))
                }
                "imageExtractors" => unread.push(fields.unread(
                    value,
                    "rules.imageExtractors",
                    "it takes images from other fields than those of pods",
                    UnreadEffect::Narrows,
                )),
                "context" => unread.push(fields.unread(
                    value,
                    "rules.context",
                    "its variables come from the cluster",
                    UnreadEffect::Nothing,
                )),
                "skipBackgroundRequests" => {}
                other => unread.push(fields.unknown(value, format!("rules.{other}"))),
            }
        }
        let Some(entries) = entries else { continue };
        for entry in fields.list(entries, "verifyImages")? {
            let mut policy = AdmissionPolicy {
                file: fields.file.to_owned(),
                line: fields.line(*entry),
                gate: GateProgram::KyvernoRule,
                kind: format!("{kind} {version}"),
                name: format!("{name}/{rule_name}"),
                enforces,
                images: Vec::new(),
                left_out: Vec::new(),
                demands: Vec::new(),
                unread: unread.clone(),
            };
            image_entry(fields, *entry, &mut policy)?;
            found.push(policy);
        }
    }
    Ok(found)
}

fn is_enforcing(fields: &PolicyFields<'_>, value: Id) -> Result<bool, AdmissionError> {
    match fields.text(value, "the failure action")? {
        "Enforce" | "enforce" => Ok(true),
        "Audit" | "audit" => Ok(false),
        other => Err(fields.error(value, format!("{other:?} is neither Enforce nor Audit"))),
    }
}

/// What a `match` says beyond "every pod".
fn narrowing(fields: &PolicyFields<'_>, value: Id) -> Result<Option<UnreadField>, AdmissionError> {
    // Each step is a mapping with one key: any or all, resources, kinds.
    let only = |id: Id, key: &str| match fields.tree.entries(id) {
        [(name, value)] if fields.tree.text_of(*name) == Some(key) => Some(*value),
        _ => None,
    };
    let one = |id: Id| match fields.tree.items(id) {
        [item] => Some(*item),
        _ => None,
    };
    let selected = only(value, "any")
        .or_else(|| only(value, "all"))
        .and_then(one)
        .unwrap_or(value);
    let kinds = only(selected, "resources")
        .and_then(|id| only(id, "kinds"))
        .and_then(one);
    if kinds.and_then(|id| fields.tree.text_of(id)) == Some("Pod") {
        return Ok(None);
    }
    Ok(Some(fields.unread(
        value,
        "rules.match",
        LOOKED_AT,
        UnreadEffect::Narrows,
    )))
}

fn image_entry(fields: &PolicyFields<'_>, entry: Id, policy: &mut AdmissionPolicy) -> Result<(), AdmissionError> {
    let mut how = EntryRules {
        stored: Some(SignatureFormat::Legacy),
        unread: Vec::new(),
    };
    let (mut attestors, mut attestations) = (None, None);
    for (key, value) in fields.map(entry, "an entry of verifyImages")? {
        match key {
            "imageReferences" => policy.images = fields.texts(value, key)?,
            "skipImageReferences" => policy.left_out = fields.texts(value, key)?,
            "image" => policy.images.push(fields.text(value, key)?.to_owned()),
            "attestors" => attestors = Some(value),
            "attestations" => attestations = Some(value),
            "failureAction" => policy.enforces = is_enforcing(fields, value)?,
            "type" => match fields.text(value, key)? {
                "Cosign" => {}
                "SigstoreBundle" => how.stored = Some(SignatureFormat::Bundle),
                "Notary" => how.unread.push(fields.unread(
                    value,
                    "verifyImages.type",
                    "signatures of the Notary Project are not verified by pindeck",
                    UnreadEffect::Either,
                )),
                other => return Err(fields.error(value, format!("type {other:?} is not known"))),
            },
            "mutateDigest" | "verifyDigest" | "required" | "useCache" | "imageRegistryCredentials" => {}
            "cosignOCI11" => {
                if fields.flag(value, key)? {
                    how.unread.push(fields.unread(
                        value,
                        "verifyImages.cosignOCI11",
                        "it looks for signatures as referrers",
                        UnreadEffect::Either,
                    ));
                }
            }
            "repository" => how.unread.push(fields.unread(
                value,
                "verifyImages.repository",
                "it looks for signatures elsewhere",
                UnreadEffect::Either,
            )),
            "annotations" => how.unread.push(fields.unread(
                value,
                "verifyImages.annotations",
                "annotations of signatures are not compared",
                UnreadEffect::Tightens,
            )),
            "validate" => how.unread.push(fields.unread(
                value,
                "verifyImages.validate",
                "it is a condition on the whole",
                UnreadEffect::Tightens,
            )),
            other => how.unread.push(fields.unknown(value, format!("verifyImages.{other}"))),
        }
    }
    if policy.images.is_empty() {
        return Err(fields.error(entry, "imageReferences is missing: it is about no image"));
    }
    let own: Vec<(Id, DemandedStatement)> = attestors
        .map(|id| (id, DemandedStatement::SIGNATURE))
        .into_iter()
        .collect();
    let mut asked = own;
    if let Some(list) = attestations {
        for item in fields.list(list, "attestations")? {
            asked.extend(attestation(fields, *item, &mut how.unread)?);
        }
    }
    for (list, statement) in asked {
        for set in fields.list(list, "attestors")? {
            policy.demands.push(attestor_set(fields, *set, &statement, &how)?);
        }
    }
    if policy.authorities().count() > MAX_AUTHORITIES {
        return Err(fields.error(entry, format!("more than {MAX_AUTHORITIES} attestors are not read")));
    }
    policy.unread.append(&mut how.unread);
    Ok(())
}

fn attestation(
    fields: &PolicyFields<'_>,
    item: Id,
    unread: &mut Vec<UnreadField>,
) -> Result<Option<(Id, DemandedStatement)>, AdmissionError> {
    let mut statement = DemandedStatement::SIGNATURE;
    let mut attestors = None;
    for (key, value) in fields.map(item, "an attestation")? {
        match key {
            "predicateType" | "type" => {
                let name = fields.text(value, key)?;
                let whole = predicate(name);
                if whole != name {
                    unread.push(fields.unread(
                        value,
                        format!("attestations.{key}"),
                        "it is a short name of cosign's, which Kyverno may take as it stands",
                        UnreadEffect::Either,
                    ));
                }
                statement.predicate = Some(whole);
            }
            "attestors" => attestors = Some(value),
            "conditions" => statement.conditions.push(fields.unread(
                value,
                "attestations.conditions",
                "it is a condition in Kyverno's expressions",
                UnreadEffect::Tightens,
            )),
            "name" => {}
            other => unread.push(fields.unknown(value, format!("attestations.{other}"))),
        }
    }
    if statement.predicate.is_none() {
        return Err(fields.error(item, "an attestation has no type"));
    }
    if attestors.is_none() {
        unread.push(fields.unread(
            item,
            "attestations",
            "nobody is named who must have signed it",
            UnreadEffect::Either,
        ));
    }
    Ok(attestors.map(|attestors| (attestors, statement)))
}

fn attestor_set(
    fields: &PolicyFields<'_>,
    set: Id,
    statement: &DemandedStatement,
    how: &EntryRules,
) -> Result<AdmissionDemand, AdmissionError> {
    let mut of = Vec::new();
    let mut at_least = 0;
    let mut strange = Vec::new();
    for (key, value) in fields.map(set, "an attestor")? {
        match key {
            "count" => at_least = fields.number(value, key)?,
            "entries" => {
                for entry in fields.list(value, key)? {
                    let at = of.len();
                    of.extend(attestor(fields, *entry, at, statement, how)?);
                }
            }
            other => strange.push(fields.unknown(value, format!("attestors.{other}"))),
        }
    }
    if of.is_empty() {
        return Err(fields.error(set, "an attestor has no entries"));
    }
    if at_least > of.len() {
        return Err(fields.error(set, format!("count is {at_least}, and there are {} entries", of.len())));
    }
    if let Some(first) = of.first_mut() {
        first.unread.append(&mut strange);
    }
    Ok(AdmissionDemand {
        at_least: if at_least == 0 { of.len() } else { at_least },
        of,
    })
}

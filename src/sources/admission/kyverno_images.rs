//! `ImageValidatingPolicy` of policies.kyverno.io. Which attestor must have signed what stands in CEL, which is not read: its
//! attestors are compared, and what it would say of a digest nobody can tell from here.

use super::error::{AdmissionError, MAX_AUTHORITIES};
use super::fields::{PolicyFields, elsewhere_kms, predicate, root_at};
use crate::domain::admission::{
    AdmissionDemand, AdmissionPolicy, Authority, AuthorityIdentity, AuthorityMatch, AuthorityRoot, AuthoritySigner,
    DemandedStatement, GateProgram, UnreadEffect,
};
use crate::sources::git::manifest::tree::Id;

const VERSIONS: [&str; 3] = [
    "policies.kyverno.io/v1",
    "policies.kyverno.io/v1beta1",
    "policies.kyverno.io/v1alpha1",
];

pub(super) fn read(
    fields: &PolicyFields<'_>,
    root: Id,
    version: &str,
    kind: &str,
) -> Result<AdmissionPolicy, AdmissionError> {
    if !VERSIONS.contains(&version) {
        return Err(fields.error(
            root,
            format!("{version:?} is no version that pindeck reads: {}", VERSIONS.join(", ")),
        ));
    }
    let mut policy = AdmissionPolicy {
        file: fields.file.to_owned(),
        line: fields.line(root),
        gate: GateProgram::KyvernoImages,
        kind: format!("{kind} {version}"),
        name: fields.name(root)?,
        // Kyverno's default is Deny.
        enforces: true,
        images: Vec::new(),
        left_out: Vec::new(),
        demands: Vec::new(),
        unread: Vec::new(),
    };
    let Some(spec) = fields.tree.get(root, "spec") else {
        return Err(fields.error(root, "spec is missing"));
    };
    let mut attestors = Vec::new();
    let mut statements = Vec::new();
    let mut validations = false;
    for (key, value) in fields.map(spec, "spec")? {
        let place = format!("spec.{key}");
        match key {
            "matchImageReferences" => {
                for item in fields.list(value, &place)? {
                    for (key, value) in fields.map(*item, &place)? {
                        match key {
                            "glob" => policy.images.push(fields.text(value, key)?.to_owned()),
                            "expression" => {
                                policy.images.push("*".to_owned());
                                policy.unread.push(fields.unread(
                                    value,
                                    format!("{place}.expression"),
                                    "it is a condition in CEL",
                                    UnreadEffect::Narrows,
                                ));
                            }
                            other => policy.unread.push(fields.unknown(value, format!("{place}.{other}"))),
                        }
                    }
                }
            }
            "attestors" => {
                for (at, item) in fields.list(value, &place)?.iter().enumerate() {
                    attestors.push(attestor(fields, *item, at)?);
                }
            }
            "attestations" => {
                for item in fields.list(value, &place)? {
                    statements.extend(attestation(fields, *item, &mut policy)?);
                }
            }
            "validations" => {
                validations = true;
                policy
                    .unread
                    .push(fields.unread(value, place, "it is a condition in CEL", UnreadEffect::Either));
            }
            "validationActions" => {
                policy.enforces = fields.texts(value, &place)?.iter().any(|action| action == "Deny");
            }
            "matchConstraints" | "matchConditions" => {
                policy.unread.push(fields.unread(
                    value,
                    place,
                    "it says which workloads are looked at",
                    UnreadEffect::Narrows,
                ));
            }
            "variables" | "images" | "auditAnnotations" => {
                policy
                    .unread
                    .push(fields.unread(value, place, "it is in CEL", UnreadEffect::Nothing));
            }
            "failurePolicy"
            | "webhookConfiguration"
            | "evaluation"
            | "autogen"
            | "credentials"
            | "validationConfigurations" => {}
            _ => policy.unread.push(fields.unknown(value, place)),
        }
    }
    if attestors.len() > MAX_AUTHORITIES {
        return Err(fields.error(spec, format!("more than {MAX_AUTHORITIES} attestors are not read")));
    }
    if policy.images.is_empty() {
        policy.images.push("*".to_owned());
    }
    if !validations {
        policy.unread.push(fields.unread(
            spec,
            "spec.validations",
            "nothing says what must be signed",
            UnreadEffect::Either,
        ));
    }
    if statements.is_empty() {
        statements.push(DemandedStatement::SIGNATURE);
    }
    for attestor in &mut attestors {
        attestor.statements.clone_from(&statements);
    }
    if !attestors.is_empty() {
        policy.demands.push(AdmissionDemand {
            at_least: 1,
            of: attestors,
        });
    }
    Ok(policy)
}

/// A kind of attestation that the conditions may speak of.
fn attestation(
    fields: &PolicyFields<'_>,
    item: Id,
    policy: &mut AdmissionPolicy,
) -> Result<Option<DemandedStatement>, AdmissionError> {
    let mut found = None;
    for (key, value) in fields.map(item, "an attestation")? {
        match key {
            "name" => {}
            "intoto" => {
                let name = fields.tree.get(value, "type");
                let name = name.ok_or_else(|| fields.error(value, "intoto.type is missing"))?;
                found = Some(DemandedStatement {
                    predicate: Some(predicate(fields.text(name, "intoto.type")?)),
                    conditions: Vec::new(),
                });
            }
            "referrer" => policy.unread.push(fields.unread(
                value,
                "spec.attestations.referrer",
                "attestations of the Notary Project are not verified by pindeck",
                UnreadEffect::Either,
            )),
            other => policy
                .unread
                .push(fields.unknown(value, format!("spec.attestations.{other}"))),
        }
    }
    Ok(found)
}

fn attestor(fields: &PolicyFields<'_>, item: Id, at: usize) -> Result<Authority, AdmissionError> {
    let place = format!("attestors[{at}]");
    let mut made = Authority {
        name: format!("attestor-{at}"),
        line: fields.line(item),
        signer: AuthoritySigner::Static(false),
        statements: Vec::new(),
        stored: None,
        log: Some(AuthorityRoot::PublicGood),
        timestamped: false,
        ignores_sct: false,
        unread: Vec::new(),
    };
    let mut signers = Vec::new();
    for (key, value) in fields.map(item, &place)? {
        match key {
            "name" => made.name = crate::domain::Clean::from_untrusted(fields.text(value, key)?).into_string(),
            "cosign" => signers.extend(cosign(fields, value, &place, &mut made)?),
            "notary" => {
                made.unread.push(fields.unread(
                    value,
                    format!("{place}.notary"),
                    "signatures of the Notary Project are not verified by pindeck",
                    UnreadEffect::Nothing,
                ));
                signers.push(AuthoritySigner::Elsewhere(
                    "it trusts certificates of the Notary Project".to_owned(),
                ));
            }
            other => made.unread.push(fields.unknown(value, format!("{place}.{other}"))),
        }
    }
    let [signer] = <[AuthoritySigner; 1]>::try_from(signers).map_err(|_| {
        fields.error(
            item,
            format!("{place} needs exactly one of key, keyless, certificate and notary"),
        )
    })?;
    made.signer = signer;
    Ok(made)
}

fn cosign(
    fields: &PolicyFields<'_>,
    value: Id,
    place: &str,
    made: &mut Authority,
) -> Result<Vec<AuthoritySigner>, AdmissionError> {
    let mut signers = Vec::new();
    let mut inline = None;
    for (key, value) in fields.map(value, place)? {
        match key {
            "key" => signers.push(self::key(fields, value, place, made)?),
            "keyless" => signers.push(keyless(fields, value, place, made)?),
            "certificate" => {
                made.unread.push(fields.unread(
                    value,
                    format!("{place}.certificate"),
                    "certificates of one's own are no trusted root",
                    UnreadEffect::Nothing,
                ));
                signers.push(AuthoritySigner::Elsewhere(
                    "it trusts a certificate of its own".to_owned(),
                ));
            }
            "ctlog" => log(fields, value, place, made)?,
            "trustedRoot" => inline = Some(value),
            "source" | "tuf" => made.unread.push(fields.unread(
                value,
                format!("{place}.{key}"),
                "it takes roots or signatures from elsewhere",
                UnreadEffect::Either,
            )),
            "annotations" => made.unread.push(fields.unread(
                value,
                format!("{place}.annotations"),
                "annotations of signatures are not compared",
                UnreadEffect::Tightens,
            )),
            other => made.unread.push(fields.unknown(value, format!("{place}.{other}"))),
        }
    }
    if let Some(value) = inline {
        let text = fields.text(value, "trustedRoot")?;
        crate::sources::evidence::check_root(text)
            .map_err(|why| fields.error(value, format!("{place}.trustedRoot is no trusted root: {why}")))?;
        let root = AuthorityRoot::Inline(text.to_owned());
        made.log = made.log.take().map(|_| root.clone());
        for signer in &mut signers {
            if let AuthoritySigner::Keyless { root: named, .. } = signer {
                *named = root.clone();
            }
        }
    }
    Ok(signers)
}

fn key(
    fields: &PolicyFields<'_>,
    value: Id,
    place: &str,
    made: &mut Authority,
) -> Result<AuthoritySigner, AdmissionError> {
    let mut found = None;
    for (key, value) in fields.map(value, place)? {
        match key {
            "data" => found = Some(AuthoritySigner::Key(fields.pem(value, &format!("{place}.key.data"))?)),
            "kms" => {
                made.unread.push(fields.unread(
                    value,
                    format!("{place}.key.kms"),
                    "the key lies in a key service",
                    UnreadEffect::Nothing,
                ));
                found = Some(elsewhere_kms(fields.text(value, key)?));
            }
            "secretRef" | "expression" => {
                made.unread.push(fields.unread(
                    value,
                    format!("{place}.key.{key}"),
                    "the key comes from the cluster",
                    UnreadEffect::Nothing,
                ));
                found = Some(AuthoritySigner::Elsewhere("its key comes from the cluster".to_owned()));
            }
            "hashAlgorithm" => {
                if fields.text(value, key)? != "sha256" {
                    made.unread.push(fields.unread(
                        value,
                        format!("{place}.key.hashAlgorithm"),
                        "pindeck takes the hash that belongs to the key",
                        UnreadEffect::Either,
                    ));
                }
            }
            other => made.unread.push(fields.unknown(value, format!("{place}.key.{other}"))),
        }
    }
    found.ok_or_else(|| fields.error(value, format!("{place}.key needs data, kms, secretRef or expression")))
}

fn log(fields: &PolicyFields<'_>, value: Id, place: &str, made: &mut Authority) -> Result<(), AdmissionError> {
    for (key, value) in fields.map(value, place)? {
        match key {
            "url" => {
                made.log = made
                    .log
                    .take()
                    .map(|_| fields.text(value, key).map(root_at))
                    .transpose()?
            }
            "insecureIgnoreTlog" => {
                if fields.flag(value, key)? {
                    made.log = None;
                }
            }
            "insecureIgnoreSCT" => made.ignores_sct = fields.flag(value, key)?,
            "rekorPubKey" | "ctLogPubKey" | "tsaCertChain" => made.unread.push(fields.unread(
                value,
                format!("{place}.ctlog.{key}"),
                "a key or a certificate alone is no trusted root",
                UnreadEffect::Either,
            )),
            other => made
                .unread
                .push(fields.unknown(value, format!("{place}.ctlog.{other}"))),
        }
    }
    Ok(())
}

fn keyless(
    fields: &PolicyFields<'_>,
    value: Id,
    place: &str,
    made: &mut Authority,
) -> Result<AuthoritySigner, AdmissionError> {
    let mut identities = Vec::new();
    for (key, value) in fields.map(value, place)? {
        match key {
            "identities" => {
                for item in fields.list(value, key)? {
                    identities.push(identity(fields, *item, place, made)?);
                }
            }
            "roots" => made.unread.push(fields.unread(
                value,
                format!("{place}.keyless.roots"),
                "a certificate authority alone is no trusted root",
                UnreadEffect::Either,
            )),
            other => made
                .unread
                .push(fields.unknown(value, format!("{place}.keyless.{other}"))),
        }
    }
    if identities.is_empty() {
        return Err(fields.error(
            value,
            format!("{place}.keyless.identities is missing: it would believe every certificate"),
        ));
    }
    Ok(AuthoritySigner::Keyless {
        identities,
        root: AuthorityRoot::PublicGood,
    })
}

fn identity(
    fields: &PolicyFields<'_>,
    item: Id,
    place: &str,
    made: &mut Authority,
) -> Result<AuthorityIdentity, AdmissionError> {
    let mut found = AuthorityIdentity {
        subject: None,
        issuer: None,
    };
    for (key, value) in fields.map(item, "an identity")? {
        let (slot, rule) = match key {
            "subject" => (
                &mut found.subject,
                AuthorityMatch::Exact(fields.text(value, key)?.to_owned()),
            ),
            "issuer" => (
                &mut found.issuer,
                AuthorityMatch::Exact(fields.text(value, key)?.to_owned()),
            ),
            "subjectRegExp" => (&mut found.subject, fields.regexp(value, key)?),
            "issuerRegExp" => (&mut found.issuer, fields.regexp(value, key)?),
            other => {
                made.unread
                    .push(fields.unknown(value, format!("{place}.keyless.identities.{other}")));
                continue;
            }
        };
        if slot.replace(rule).is_some() {
            return Err(fields.error(value, format!("{key} is given twice, as a text and as a pattern")));
        }
    }
    Ok(found)
}

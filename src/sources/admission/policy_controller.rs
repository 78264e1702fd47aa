//! `ClusterImagePolicy` of policy.sigstore.dev, v1alpha1 and v1beta1.
//!
//! Its rules, from its types and validators: several policies about one image must all be satisfied; of the authorities of
//! one policy any is enough; an authority with attestations checks these alone, all of them, and not the signature; one
//! without `ctlog` (or with an empty one) skips the transparency log; the format is cosign's tags unless it says *bundle*.

use super::error::{AdmissionError, MAX_AUTHORITIES};
use super::fields::{PolicyFields, elsewhere_kms, predicate, root_at};
use crate::domain::admission::{
    AdmissionDemand, AdmissionPolicy, Authority, AuthorityIdentity, AuthorityMatch, AuthorityRoot, AuthoritySigner,
    DemandedStatement, GateProgram, UnreadEffect, UnreadField,
};
use crate::domain::policy::SignatureFormat;
use crate::sources::git::manifest::tree::Id;

/// Characters of a glob, and the one that separates a digest.
fn is_glob(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '/' | '*' | '.' | '@');
    !text.is_empty() && text.chars().all(plain)
}

pub(super) fn read(fields: &PolicyFields<'_>, root: Id, version: &str) -> Result<AdmissionPolicy, AdmissionError> {
    if !matches!(version, "policy.sigstore.dev/v1alpha1" | "policy.sigstore.dev/v1beta1") {
        let what = format!("{version:?} is no version that pindeck reads: v1alpha1 or v1beta1");
        return Err(fields.error(root, what));
    }
    let mut policy = AdmissionPolicy {
        file: fields.file.to_owned(),
        line: fields.line(root),
        gate: GateProgram::PolicyController,
        kind: format!("ClusterImagePolicy {version}"),
        name: fields.name(root)?,
        enforces: true,
        images: Vec::new(),
        left_out: Vec::new(),
        demands: Vec::new(),
        unread: Vec::new(),
    };
    let spec = fields.tree.get(root, "spec");
    let spec = spec.ok_or_else(|| fields.error(root, "spec is missing"))?;
    let mut authorities = None;
    for (key, value) in fields.map(spec, "spec")? {
        match key {
            "images" => {
                for item in fields.list(value, "spec.images")? {
                    policy.images.push(image(fields, *item, &mut policy.unread)?);
                }
            }
            "authorities" => authorities = Some(value),
            "mode" => {
                policy.enforces = match fields.text(value, "spec.mode")? {
                    "enforce" => true,
                    "warn" => false,
                    other => {
                        return Err(fields.error(value, format!("spec.mode {other:?} is neither enforce nor warn")));
                    }
                };
            }
            "match" => policy.unread.push(fields.unread(
                value,
                "spec.match",
                "it says which workloads are looked at",
                UnreadEffect::Narrows,
            )),
            "policy" => policy.unread.push(conditions(fields, value, "spec.policy")?),
            other => policy.unread.push(fields.unknown(value, format!("spec.{other}"))),
        }
    }
    if policy.images.is_empty() {
        return Err(fields.error(spec, "spec.images is missing: it is about no image"));
    }
    let Some(list) = authorities else {
        policy.unread.push(UnreadField {
            line: fields.line(spec),
            what: "spec.authorities".to_owned(),
            text: String::new(),
            why: "it is missing, and whether such a policy is accepted is a setting of the controller".to_owned(),
            effect: UnreadEffect::Either,
        });
        return Ok(policy);
    };
    let items = fields.list(list, "spec.authorities")?;
    if items.is_empty() || items.len() > MAX_AUTHORITIES {
        let what = format!(
            "spec.authorities has {} entries, from 1 to {MAX_AUTHORITIES} are read",
            items.len()
        );
        return Err(fields.error(list, what));
    }
    let each = items.iter().enumerate().map(|(at, item)| authority(fields, *item, at));
    policy.demands.push(AdmissionDemand {
        at_least: 1,
        of: each.collect::<Result<_, _>>()?,
    });
    Ok(policy)
}

fn image(fields: &PolicyFields<'_>, item: Id, unread: &mut Vec<UnreadField>) -> Result<String, AdmissionError> {
    let mut glob = None;
    for (key, value) in fields.map(item, "an entry of spec.images")? {
        match key {
            "glob" => glob = Some((fields.text(value, "glob")?, value)),
            other => unread.push(fields.unknown(value, format!("spec.images.{other}"))),
        }
    }
    match glob {
        Some((text, _)) if is_glob(text) => Ok(text.to_owned()),
        Some((text, at)) => Err(fields.error(at, format!("{text:?} is no glob"))),
        None => Err(fields.error(item, "an entry of spec.images has no glob")),
    }
}

/// A condition in CUE or Rego, as it is written.
fn conditions(fields: &PolicyFields<'_>, value: Id, what: &str) -> Result<UnreadField, AdmissionError> {
    let entries = fields.map(value, what)?;
    let get = |name: &str| entries.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let language = match get("type").map(|id| fields.text(id, "type")).transpose()? {
        Some("cue") => "CUE",
        Some("rego") => "Rego",
        Some(other) => return Err(fields.error(value, format!("{what}.type {other:?} is neither cue nor rego"))),
        None => return Err(fields.error(value, format!("{what}.type is missing"))),
    };
    let (at, why) = match (get("data"), get("remote"), get("configMapRef")) {
        (Some(data), None, None) => (data, format!("it is a condition in {language}")),
        (None, Some(remote), None) => (remote, format!("it is a condition in {language} that lies elsewhere")),
        (None, None, Some(map)) => (map, format!("it is a condition in {language} that lies in the cluster")),
        _ => return Err(fields.error(value, format!("{what} needs one of data, remote and configMapRef"))),
    };
    Ok(fields.unread(at, what, why, UnreadEffect::Tightens))
}

fn authority(fields: &PolicyFields<'_>, item: Id, at: usize) -> Result<Authority, AdmissionError> {
    let place = format!("authorities[{at}]");
    let mut made = Authority {
        name: format!("authority-{at}"),
        line: fields.line(item),
        signer: AuthoritySigner::Static(false),
        statements: Vec::new(),
        stored: Some(SignatureFormat::Legacy),
        log: None,
        timestamped: false,
        ignores_sct: false,
        unread: Vec::new(),
    };
    let mut signers = Vec::new();
    let mut stamps = None;
    for (key, value) in fields.map(item, &place)? {
        match key {
            "name" => made.name = crate::domain::Clean::from_untrusted(fields.text(value, "name")?).into_string(),
            "key" => signers.push(self::key(fields, value, &format!("{place}.key"), &mut made.unread)?),
            "keyless" => signers.push(keyless(fields, value, &format!("{place}.keyless"), &mut made)?),
            "static" => signers.push(fixed(fields, value, &mut made.unread)?),
            "ctlog" => made.log = log(fields, value, &format!("{place}.ctlog"), &mut made.unread)?,
            "rfc3161timestamp" => {
                made.timestamped = true;
                for (key, value) in fields.map(value, "rfc3161timestamp")? {
                    match key {
                        "trustRootRef" => {
                            let named = fields.text(value, "trustRootRef")?.to_owned();
                            stamps = Some((AuthorityRoot::Named(named), value));
                        }
                        other => made
                            .unread
                            .push(fields.unknown(value, format!("{place}.rfc3161timestamp.{other}"))),
                    }
                }
            }
            "signatureFormat" => {
                made.stored = Some(match fields.text(value, "signatureFormat")? {
                    "legacy" => SignatureFormat::Legacy,
                    "bundle" => SignatureFormat::Bundle,
                    other => {
                        let what = format!("signatureFormat {other:?} is neither legacy nor bundle");
                        return Err(fields.error(value, what));
                    }
                });
            }
            "source" => made.unread.push(fields.unread(
                value,
                format!("{place}.source"),
                "it looks for signatures elsewhere",
                UnreadEffect::Either,
            )),
            "attestations" => {
                for item in fields.list(value, "attestations")? {
                    made.statements
                        .push(attestation(fields, *item, &place, &mut made.unread)?);
                }
            }
            other => made.unread.push(fields.unknown(value, format!("{place}.{other}"))),
        }
    }
    let [signer] = <[AuthoritySigner; 1]>::try_from(signers)
        .map_err(|_| fields.error(item, format!("{place} needs exactly one of key, keyless and static")))?;
    made.signer = signer;
    // A profile has one root, whichever of the two is written first.
    if let Some((root, at)) = stamps
        && *made.log.get_or_insert_with(|| root.clone()) != root
    {
        made.unread.push(fields.unread(
            at,
            format!("{place}.rfc3161timestamp.trustRootRef"),
            "its log and its timestamps are anchored in two roots",
            UnreadEffect::Either,
        ));
    }
    if made.statements.is_empty() {
        made.statements.push(DemandedStatement::SIGNATURE);
    }
    Ok(made)
}

fn attestation(
    fields: &PolicyFields<'_>,
    item: Id,
    place: &str,
    unread: &mut Vec<UnreadField>,
) -> Result<DemandedStatement, AdmissionError> {
    let mut made = DemandedStatement::SIGNATURE;
    for (key, value) in fields.map(item, "an attestation")? {
        match key {
            "name" => {}
            "predicateType" => made.predicate = Some(predicate(fields.text(value, "predicateType")?)),
            "policy" => made
                .conditions
                .push(conditions(fields, value, &format!("{place}.attestations.policy"))?),
            other => unread.push(fields.unknown(value, format!("{place}.attestations.{other}"))),
        }
    }
    match made.predicate {
        Some(_) => Ok(made),
        None => Err(fields.error(item, "an attestation has no predicateType")),
    }
}

fn key(
    fields: &PolicyFields<'_>,
    value: Id,
    place: &str,
    unread: &mut Vec<UnreadField>,
) -> Result<AuthoritySigner, AdmissionError> {
    let mut found = Vec::new();
    for (key, value) in fields.map(value, place)? {
        match key {
            "data" => found.push(AuthoritySigner::Key(fields.pem(value, &format!("{place}.data"))?)),
            "secretRef" => {
                let name = fields.tree.at(value, &["name"]).and_then(|id| fields.tree.text_of(id));
                let name = name.unwrap_or("NAME").to_owned();
                let space = fields
                    .tree
                    .at(value, &["namespace"])
                    .and_then(|id| fields.tree.text_of(id));
                let space = space.unwrap_or("cosign-system");
                let what = format!(
                    "its key lies in the secret {space}/{name}: kubectl get secret -n {space} {name} -o yaml shows it"
                );
                unread.push(fields.unread(
                    value,
                    format!("{place}.secretRef"),
                    "the key lies in the cluster",
                    UnreadEffect::Nothing,
                ));
                found.push(AuthoritySigner::Elsewhere(
                    crate::domain::Clean::from_untrusted(&what).into_string(),
                ));
            }
            "kms" => {
                let address = fields.text(value, &format!("{place}.kms"))?;
                aws(fields, value, address)?;
                unread.push(fields.unread(
                    value,
                    format!("{place}.kms"),
                    "the key lies in a key service",
                    UnreadEffect::Nothing,
                ));
                found.push(elsewhere_kms(address));
            }
            "hashAlgorithm" => match fields.text(value, "hashAlgorithm")? {
                "sha256" => {}
                "sha224" | "sha384" | "sha512" => unread.push(fields.unread(
                    value,
                    format!("{place}.hashAlgorithm"),
                    "pindeck takes the hash that belongs to the key",
                    UnreadEffect::Either,
                )),
                other => return Err(fields.error(value, format!("hashAlgorithm {other:?} is not known"))),
            },
            other => unread.push(fields.unknown(value, format!("{place}.{other}"))),
        }
    }
    match <[AuthoritySigner; 1]>::try_from(found) {
        Ok([signer]) => Ok(signer),
        Err(_) => Err(fields.error(value, format!("{place} needs exactly one of data, secretRef and kms"))),
    }
}

/// What the controller accepts as a key of AWS: an ARN of a key or an alias.
fn aws(fields: &PolicyFields<'_>, at: Id, address: &str) -> Result<(), AdmissionError> {
    let Some(rest) = address.strip_prefix("awskms://") else {
        return Ok(());
    };
    let key = rest.split('/').nth(1).unwrap_or_default();
    let parts: Vec<&str> = key.splitn(6, ':').collect();
    let is_arn = parts.len() == 6 && parts[0] == "arn" && matches!(parts[5], "key" | "alias");
    match is_arn {
        true => Ok(()),
        false => Err(fields.error(at, format!("{address:?} names no key of AWS by its ARN"))),
    }
}

fn fixed(
    fields: &PolicyFields<'_>,
    value: Id,
    unread: &mut Vec<UnreadField>,
) -> Result<AuthoritySigner, AdmissionError> {
    let mut action = None;
    for (key, value) in fields.map(value, "static")? {
        match key {
            "action" => match fields.text(value, "static.action")? {
                "pass" => action = Some(true),
                "fail" => action = Some(false),
                other => return Err(fields.error(value, format!("static.action {other:?} is neither pass nor fail"))),
            },
            "message" => {}
            other => unread.push(fields.unknown(value, format!("static.{other}"))),
        }
    }
    action
        .map(AuthoritySigner::Static)
        .ok_or_else(|| fields.error(value, "static.action is missing"))
}

/// The log: by its address or a `TrustRoot`; neither = it is not looked at.
fn log(
    fields: &PolicyFields<'_>,
    value: Id,
    place: &str,
    unread: &mut Vec<UnreadField>,
) -> Result<Option<AuthorityRoot>, AdmissionError> {
    let (mut address, mut named) = (None, None);
    for (key, value) in fields.map(value, place)? {
        match key {
            "url" => address = Some(root_at(fields.text(value, "ctlog.url")?)),
            "trustRootRef" => named = Some(AuthorityRoot::Named(fields.text(value, "trustRootRef")?.to_owned())),
            other => unread.push(fields.unknown(value, format!("{place}.{other}"))),
        }
    }
    Ok(named.or(address))
}

fn keyless(
    fields: &PolicyFields<'_>,
    value: Id,
    place: &str,
    made: &mut Authority,
) -> Result<AuthoritySigner, AdmissionError> {
    let (mut address, mut named, mut certificate) = (None, None, None);
    let mut identities = Vec::new();
    for (key, value) in fields.map(value, place)? {
        match key {
            "url" => address = Some(root_at(fields.text(value, "keyless.url")?)),
            "trustRootRef" => named = Some(AuthorityRoot::Named(fields.text(value, "trustRootRef")?.to_owned())),
            "ca-cert" => certificate = Some(value),
            "insecureIgnoreSCT" => made.ignores_sct = fields.flag(value, "insecureIgnoreSCT")?,
            "identities" => {
                for item in fields.list(value, "identities")? {
                    identities.push(identity(fields, *item, place, &mut made.unread)?);
                }
            }
            other => made.unread.push(fields.unknown(value, format!("{place}.{other}"))),
        }
    }
    if let Some(certificate) = certificate {
        if address.is_some() {
            return Err(fields.error(value, format!("{place} has both url and ca-cert")));
        }
        let part = fields.unread(
            certificate,
            format!("{place}.ca-cert"),
            "a certificate authority alone is no trusted root",
            UnreadEffect::Nothing,
        );
        made.unread.push(part);
        return Ok(AuthoritySigner::Elsewhere(
            "its certificate authority stands alone, without logs".to_owned(),
        ));
    }
    if identities.is_empty() {
        return Err(fields.error(
            value,
            format!("{place}.identities is missing: it would believe every certificate"),
        ));
    }
    Ok(AuthoritySigner::Keyless {
        identities,
        root: named.or(address).unwrap_or(AuthorityRoot::PublicGood),
    })
}

/// One identity. The controller only warns where subject or issuer is missing; such a policy trusts anybody, and is
/// refused here.
fn identity(
    fields: &PolicyFields<'_>,
    item: Id,
    place: &str,
    unread: &mut Vec<UnreadField>,
) -> Result<AuthorityIdentity, AdmissionError> {
    let (mut subjects, mut issuers) = (Vec::new(), Vec::new());
    for (key, value) in fields.map(item, "an identity")? {
        match key {
            "subject" => subjects.push(AuthorityMatch::Exact(fields.text(value, key)?.to_owned())),
            "issuer" => issuers.push(AuthorityMatch::Exact(fields.text(value, key)?.to_owned())),
            "subjectRegExp" => subjects.push(fields.regexp(value, key)?),
            "issuerRegExp" => issuers.push(fields.regexp(value, key)?),
            other => unread.push(fields.unknown(value, format!("{place}.identities.{other}"))),
        }
    }
    let one = |mut all: Vec<AuthorityMatch>, what: &str| match all.len() {
        1 => Ok(all.pop()),
        0 => Err(fields.error(item, format!("an identity names no {what}: anybody's would count"))),
        _ => Err(fields.error(item, format!("an identity names {what} twice"))),
    };
    Ok(AuthorityIdentity {
        subject: one(subjects, "subject")?,
        issuer: one(issuers, "issuer")?,
    })
}

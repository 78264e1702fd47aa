//! `ClusterImagePolicy` and `ImagePolicy` of config.openshift.io: the same name as Sigstore's, another schema. CRI-O applies
//! it when it pulls, to cosign's signatures in tags; attestations play no part in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::AdmissionError;
use super::fields::PolicyFields;
use crate::domain::admission::{
    AdmissionDemand, AdmissionPolicy, Authority, AuthoritySigner, DemandedStatement, GateProgram, UnreadEffect,
    UnreadField,
};
use crate::domain::policy::SignatureFormat;
use crate::sources::git::manifest::tree::Id;

pub(super) fn read(
    fields: &PolicyFields<'_>,
    root: Id,
    version: &str,
    kind: &str,
) -> Result<AdmissionPolicy, AdmissionError> {
    if !matches!(version, "config.openshift.io/v1" | "config.openshift.io/v1alpha1") {
        return Err(fields.error(
            root,
            format!("{version:?} is no version that pindeck reads: v1 or v1alpha1"),
        ));
    }
    let mut policy = AdmissionPolicy {
        file: fields.file.to_owned(),
        line: fields.line(root),
        gate: GateProgram::Openshift,
        kind: format!("{kind} {version}"),
        name: fields.name(root)?,
        enforces: true,
        images: Vec::new(),
        left_out: Vec::new(),
        demands: Vec::new(),
        unread: Vec::new(),
    };
    let Some(spec) = fields.tree.get(root, "spec") else {
        return Err(fields.error(root, "spec is missing"));
    };
    if kind == "ImagePolicy" {
        policy.unread.push(fields.unread(
            spec,
            "metadata.namespace",
            "it is in force in one namespace only",
            UnreadEffect::Narrows,
        ));
    }
    for (key, value) in fields.map(spec, "spec")? {
        match key {
            "scopes" => policy.images = fields.texts(value, "spec.scopes")?,
            "policy" => {
                let mut identity = false;
                for (key, value) in fields.map(value, "spec.policy")? {
                    match key {
                        "rootOfTrust" => {
                            let made = root_of_trust(fields, value)?;
                            policy.demands.push(AdmissionDemand {
                                at_least: 1,
                                of: vec![made],
                            });
                        }
                        "signedIdentity" => {
                            identity = true;
                            policy.unread.push(fields.unread(
                                value,
                                "spec.policy.signedIdentity",
                                "which reference the signature names is not compared",
                                UnreadEffect::Tightens,
                            ));
                        }
                        other => policy
                            .unread
                            .push(fields.unknown(value, format!("spec.policy.{other}"))),
                    }
                }
                if !identity {
                    policy.unread.push(UnreadField {
                        line: fields.line(value),
                        what: "spec.policy.signedIdentity".to_owned(),
                        text: String::new(),
                        why: "by default the signature must name the repository, which is not compared".to_owned(),
                        effect: UnreadEffect::Tightens,
                    });
                }
            }
            other => policy.unread.push(fields.unknown(value, format!("spec.{other}"))),
        }
    }
    if policy.images.is_empty() {
        return Err(fields.error(spec, "spec.scopes is missing: it is about no image"));
    }
    if policy.demands.is_empty() {
        return Err(fields.error(spec, "spec.policy.rootOfTrust is missing"));
    }
    Ok(policy)
}

fn root_of_trust(fields: &PolicyFields<'_>, value: Id) -> Result<Authority, AdmissionError> {
    let mut made = Authority {
        name: "rootOfTrust".to_owned(),
        line: fields.line(value),
        signer: AuthoritySigner::Elsewhere("its certificates and logs stand alone, without a trusted root".to_owned()),
        statements: vec![DemandedStatement::SIGNATURE],
        stored: Some(SignatureFormat::Legacy),
        log: None,
        timestamped: false,
        ignores_sct: false,
        unread: Vec::new(),
    };
    let mut has_kind = false;
    for (key, value) in fields.map(value, "rootOfTrust")? {
        match key {
            "policyType" => {
                has_kind = true;
                match fields.text(value, key)? {
                    "PublicKey" | "FulcioCAWithRekor" | "PKI" => {}
                    other => return Err(fields.error(value, format!("policyType {other:?} is not known"))),
                }
            }
            "publicKey" => {
                for (key, value) in fields.map(value, "publicKey")? {
                    match key {
                        "keyData" => made.signer = AuthoritySigner::Key(key_data(fields, value)?),
                        "rekorKeyData" => made.unread.push(fields.unread(
                            value,
                            "rootOfTrust.publicKey.rekorKeyData",
                            "a log's key alone is no trusted root: whether the log has an entry is not judged",
                            UnreadEffect::Tightens,
                        )),
                        other => made
                            .unread
                            .push(fields.unknown(value, format!("rootOfTrust.publicKey.{other}"))),
                    }
                }
            }
            "fulcioCAWithRekor" | "pki" => made.unread.push(fields.unread(
                value,
                format!("rootOfTrust.{key}"),
                "certificates and keys of logs that stand alone are no trusted root",
                UnreadEffect::Nothing,
            )),
            other => made.unread.push(fields.unknown(value, format!("rootOfTrust.{other}"))),
        }
    }
    match has_kind {
        true => Ok(made),
        false => Err(fields.error(value, "rootOfTrust.policyType is missing")),
    }
}

/// A key: PEM, in base64 as the API carries bytes.
fn key_data(fields: &PolicyFields<'_>, value: Id) -> Result<String, AdmissionError> {
    let text = fields.text(value, "keyData")?;
    let bare: String = text.split_whitespace().collect();
    let pem = STANDARD
        .decode(bare)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let pem = pem.ok_or_else(|| fields.error(value, "keyData is no base64 of a PEM text"))?;
    if pem.contains("PRIVATE KEY") {
        return Err(fields.error(value, "keyData has a private key in it: it is not secret any more"));
    }
    crate::sources::evidence::check_key(&pem)
        .map_err(|why| fields.error(value, format!("keyData is no public key: {why}")))?;
    Ok(pem)
}

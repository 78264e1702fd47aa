//! The entries of an attestor in a `verifyImages` rule of Kyverno: who signs.

use super::error::AdmissionError;
use super::fields::{PolicyFields, elsewhere_kms, root_at};
use crate::domain::admission::{
    Authority, AuthorityIdentity, AuthorityMatch, AuthorityRoot, AuthoritySigner, DemandedStatement, UnreadEffect,
    UnreadField,
};
use crate::domain::policy::SignatureFormat;
use crate::sources::git::manifest::tree::Id;

/// What applies to every attestor of an entry.
pub(super) struct EntryRules {
    /// How signatures must be stored.
    pub stored: Option<SignatureFormat>,
    /// What of the entry was not read.
    pub unread: Vec<UnreadField>,
}

/// Reads one entry; several keys in one text are as many authorities.
pub(super) fn attestor(
    fields: &PolicyFields<'_>,
    entry: Id,
    at: usize,
    statement: &DemandedStatement,
    how: &EntryRules,
) -> Result<Vec<Authority>, AdmissionError> {
    let mut made = Authority {
        name: format!("attestor-{at}"),
        line: fields.line(entry),
        signer: AuthoritySigner::Static(false),
        statements: vec![statement.clone()],
        stored: how.stored,
        log: Some(AuthorityRoot::PublicGood),
        timestamped: false,
        ignores_sct: false,
        unread: Vec::new(),
    };
    let mut signers: Vec<Vec<AuthoritySigner>> = Vec::new();
    for (key, value) in fields.map(entry, "an attestor's entry")? {
        match key {
            "keys" => signers.push(keys(fields, value, &mut made)?),
            "keyless" => signers.push(vec![keyless(fields, value, &mut made)?]),
            "certificates" => {
                made.unread.push(fields.unread(
                    value,
                    "certificates",
                    "certificates of one's own are no trusted root",
                    UnreadEffect::Nothing,
                ));
                signers.push(vec![AuthoritySigner::Elsewhere(
                    "it trusts a certificate of its own".to_owned(),
                )]);
            }
            "attestor" => {
                made.unread.push(fields.unread(
                    value,
                    "attestor",
                    "attestors inside attestors are not read",
                    UnreadEffect::Nothing,
                ));
                signers.push(vec![AuthoritySigner::Elsewhere(
                    "it is a set of attestors inside another".to_owned(),
                )]);
            }
            "repository" => made.unread.push(fields.unread(
                value,
                "repository",
                "it looks for signatures elsewhere",
                UnreadEffect::Either,
            )),
            "annotations" => made.unread.push(fields.unread(
                value,
                "annotations",
                "annotations of signatures are not compared",
                UnreadEffect::Tightens,
            )),
            other => made
                .unread
                .push(fields.unknown(value, format!("attestors.entries.{other}"))),
        }
    }
    let [signers] = <[Vec<AuthoritySigner>; 1]>::try_from(signers).map_err(|_| {
        fields.error(
            entry,
            "an attestor's entry needs exactly one of keys, keyless, certificates and attestor",
        )
    })?;
    let several = signers.len() > 1;
    let each = signers.into_iter().enumerate().map(|(nth, signer)| Authority {
        name: match several {
            true => format!("{}.{nth}", made.name),
            false => made.name.clone(),
        },
        signer,
        ..made.clone()
    });
    Ok(each.collect())
}

fn keys(fields: &PolicyFields<'_>, value: Id, made: &mut Authority) -> Result<Vec<AuthoritySigner>, AdmissionError> {
    let mut found = Vec::new();
    for (key, value) in fields.map(value, "keys")? {
        match key {
            "publicKeys" => found = public_keys(fields, value, made)?,
            "secret" => {
                made.unread.push(fields.unread(
                    value,
                    "keys.secret",
                    "the key lies in the cluster",
                    UnreadEffect::Nothing,
                ));
                found.push(AuthoritySigner::Elsewhere(
                    "its key lies in a secret of the cluster: kubectl get secret shows it".to_owned(),
                ));
            }
            "kms" => {
                made.unread.push(fields.unread(
                    value,
                    "keys.kms",
                    "the key lies in a key service",
                    UnreadEffect::Nothing,
                ));
                found.push(elsewhere_kms(fields.text(value, key)?));
            }
            "rekor" => rekor(fields, value, made)?,
            "ctlog" => ctlog(fields, value, made)?,
            "signatureAlgorithm" => match fields.text(value, key)? {
                "sha256" => {}
                "sha224" | "sha384" | "sha512" => made.unread.push(fields.unread(
                    value,
                    "keys.signatureAlgorithm",
                    "pindeck takes the hash that belongs to the key",
                    UnreadEffect::Either,
                )),
                other => return Err(fields.error(value, format!("signatureAlgorithm {other:?} is not known"))),
            },
            other => made.unread.push(fields.unknown(value, format!("keys.{other}"))),
        }
    }
    if found.is_empty() {
        return Err(fields.error(value, "keys needs publicKeys, secret or kms"));
    }
    Ok(found)
}

fn public_keys(
    fields: &PolicyFields<'_>,
    value: Id,
    made: &mut Authority,
) -> Result<Vec<AuthoritySigner>, AdmissionError> {
    let text = fields.text(value, "publicKeys")?;
    if text.contains("{{") || text.trim_start().starts_with("k8s://") {
        made.unread.push(fields.unread(
            value,
            "keys.publicKeys",
            "the key comes from the cluster",
            UnreadEffect::Nothing,
        ));
        return Ok(vec![AuthoritySigner::Elsewhere(
            "its key comes from the cluster".to_owned(),
        )]);
    }
    if text.contains("://") && !text.contains("-----") {
        made.unread.push(fields.unread(
            value,
            "keys.publicKeys",
            "the key lies in a key service",
            UnreadEffect::Nothing,
        ));
        return Ok(vec![elsewhere_kms(text.trim())]);
    }
    fields.pem(value, "publicKeys")?;
    const END: &str = "-----END PUBLIC KEY-----";
    let each = text.split_inclusive(END).filter(|part| part.contains(END));
    let all: Vec<AuthoritySigner> = each
        .map(|part| AuthoritySigner::Key(format!("{}\n", part.trim())))
        .collect();
    match all.is_empty() {
        true => Ok(vec![AuthoritySigner::Key(text.to_owned())]),
        false => Ok(all),
    }
}

fn rekor(fields: &PolicyFields<'_>, value: Id, made: &mut Authority) -> Result<(), AdmissionError> {
    for (key, value) in fields.map(value, "rekor")? {
        match key {
            "url" => {
                if made.log.is_some() {
                    made.log = Some(root_at(fields.text(value, "rekor.url")?));
                }
            }
            "ignoreTlog" => {
                if fields.flag(value, key)? {
                    made.log = None;
                }
            }
            "pubkey" => made.unread.push(fields.unread(
                value,
                "rekor.pubkey",
                "a log's key alone is no trusted root",
                UnreadEffect::Either,
            )),
            other => made.unread.push(fields.unknown(value, format!("rekor.{other}"))),
        }
    }
    Ok(())
}

fn ctlog(fields: &PolicyFields<'_>, value: Id, made: &mut Authority) -> Result<(), AdmissionError> {
    for (key, value) in fields.map(value, "ctlog")? {
        match key {
            "ignoreSCT" => made.ignores_sct = fields.flag(value, key)?,
            "pubkey" => made.unread.push(fields.unread(
                value,
                "ctlog.pubkey",
                "a log's key alone is no trusted root",
                UnreadEffect::Either,
            )),
            "tsaCertChain" => made.unread.push(fields.unread(
                value,
                "ctlog.tsaCertChain",
                "a timestamp authority alone is no trusted root",
                UnreadEffect::Either,
            )),
            other => made.unread.push(fields.unknown(value, format!("ctlog.{other}"))),
        }
    }
    Ok(())
}

fn keyless(fields: &PolicyFields<'_>, value: Id, made: &mut Authority) -> Result<AuthoritySigner, AdmissionError> {
    let mut identity = AuthorityIdentity {
        subject: None,
        issuer: None,
    };
    let own = |found: &mut Option<AuthorityMatch>, rule, at| match found.replace(rule) {
        None => Ok(()),
        Some(_) => Err(fields.error(at, "subject or issuer is given twice, as a text and as a pattern")),
    };
    for (key, value) in fields.map(value, "keyless")? {
        match key {
            "subject" => {
                let text = fields.text(value, key)?.to_owned();
                if made.stored != Some(SignatureFormat::Legacy) && text.contains(['*', '?']) {
                    made.unread.push(fields.unread(
                        value,
                        "keyless.subject",
                        "in bundles Kyverno compares it as a text, or as a pattern of another kind",
                        UnreadEffect::Either,
                    ));
                }
                own(&mut identity.subject, AuthorityMatch::Wildcard(text), value)?;
            }
            "issuer" => {
                let text = fields.text(value, key)?.to_owned();
                own(&mut identity.issuer, AuthorityMatch::Exact(text), value)?;
            }
            "subjectRegExp" => own(&mut identity.subject, fields.regexp(value, key)?, value)?,
            "issuerRegExp" => own(&mut identity.issuer, fields.regexp(value, key)?, value)?,
            "rekor" => rekor(fields, value, made)?,
            "ctlog" => ctlog(fields, value, made)?,
            "roots" => made.unread.push(fields.unread(
                value,
                "keyless.roots",
                "a certificate authority alone is no trusted root",
                UnreadEffect::Either,
            )),
            "additionalExtensions" => made.unread.push(fields.unread(
                value,
                "keyless.additionalExtensions",
                "extensions of certificates are not compared",
                UnreadEffect::Tightens,
            )),
            other => made.unread.push(fields.unknown(value, format!("keyless.{other}"))),
        }
    }
    let root = made.log.clone().unwrap_or(AuthorityRoot::PublicGood);
    Ok(AuthoritySigner::Keyless {
        identities: vec![identity],
        root,
    })
}

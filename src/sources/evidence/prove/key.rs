//! Signatures by a key: checked directly, then the log and timestamps where there are any.

use sigstore_verify::{Error, PublicKeyVerificationPolicy};

use super::super::claim::{Claim, Logs, Times, verify};
use super::super::explain::explain;
use super::super::keys::{Answer, Key};
use super::super::report::{Refusal, Report};
use super::super::trust::{Profile, Root};
use super::demands::{demand_log, log_check, log_passed, no_log, take_times, unasked};
use crate::domain::evidence::{CauseKind, CheckName, Signer, SignerKind};
use crate::domain::policy::LogRule;
use crate::domain::text::{Untrusted, quoted};

pub(super) fn prove(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    for check in [CheckName::Chain, CheckName::Sct, CheckName::Issuer] {
        report.not_present(check, "signed with a key, not with a certificate");
    }
    let key = find_key(report, profile, claim)?;
    let entries = &claim.bundle.verification_material.tlog_entries;
    let stamps = &claim
        .bundle
        .verification_material
        .timestamp_verification_data
        .rfc3161_timestamps;
    let nothing = entries.is_empty() && stamps.is_empty();
    let asked = profile.log != LogRule::NotRequired;
    let mut times = Times::default();
    match &profile.root {
        _ if asked && entries.is_empty() => return Err(no_log(profile)),
        None if asked => {
            let detail = format!("trust profile {} names no root with the log's key", profile.name);
            return Err(Refusal::new(log_check(profile), CauseKind::Unsupported, detail));
        }
        _ if nothing => {
            for check in [CheckName::LogPromise, CheckName::InclusionProof] {
                report.not_present(check, "no log entry; the trust profile asks for none");
            }
            report.not_present(CheckName::Timestamp, "no timestamp");
        }
        None => unasked(report, claim, "the trust profile asks for none and names no root"),
        Some(root) => match key_log(root, key, claim) {
            Ok(found) => {
                times = found;
                log_passed(report, profile, claim, &root.name);
            }
            Err(error) if asked => return Err(refused_log(claim, root, &error)),
            Err(error) => {
                let why = explain(&error, claim.bundle, root).detail;
                unasked(
                    report,
                    claim,
                    &format!("the trust profile asks for none; what is there does not verify ({why})"),
                );
            }
        },
    }
    times.rfc3161.extend(claim.times.iter().cloned());
    if asked {
        demand_log(profile, claim)?;
    }
    take_times(report, profile, &times, false)?;
    in_use(profile, key, &times)
}

/// Whether trusted times show that the signature was made while the key was in use. A key that the profile
/// lists more than once was in use in each of those times.
fn in_use(profile: &Profile, key: &Key, times: &Times) -> Result<(), Refusal> {
    let mut listed = profile.keys.iter().filter(|listed| listed.der == key.der);
    if listed.clone().any(|listed| listed.validity.is_always()) {
        return Ok(());
    }
    let refuse = |detail: String| Err(Refusal::new(CheckName::Timestamp, CauseKind::BadSignature, detail));
    // A later time proves nothing: an old signature can be stamped again. The oldest must lie inside.
    match times.all().map(|time| time.at).min() {
        None => refuse(format!(
            "{} was in use for a limited time, and no trusted time says when this was signed",
            key.name
        )),
        Some(at) if !listed.any(|listed| listed.validity.contains(at)) => {
            refuse(format!("signed at {at}, when {} was not in use", key.name))
        }
        Some(_) => Ok(()),
    }
}

fn find_key<'p>(report: &mut Report, profile: &'p Profile, claim: &Claim<'_>) -> Result<&'p Key, Refusal> {
    let signer = |identity: String| Signer {
        kind: SignerKind::Key,
        identity: Untrusted::new(identity),
        issuer: None,
    };
    let hint = claim.hint.filter(|h| !h.is_empty());
    let named = hint.and_then(|hint| profile.keys.iter().find(|key| key.is_named_by(hint)));
    report.signed_by(signer(named.map_or_else(
        || hint.unwrap_or("a key that is not named").to_owned(),
        |key| key.name.clone(),
    )));
    if profile.keys.is_empty() {
        let detail = format!(
            "signed with a key; trust profile {} believes certificates only",
            profile.name
        );
        return Err(Refusal::new(CheckName::Identity, CauseKind::OtherSigner, detail));
    }
    if let Some(wanted) = &profile.demands.key_id
        && claim.hint.unwrap_or_default() != wanted
    {
        let detail = format!("the key id is {:?}, not {wanted:?}", claim.hint.unwrap_or_default());
        return Err(Refusal::new(CheckName::Identity, CauseKind::OtherSigner, detail));
    }
    let mut needs_bytes = false;
    // The key that the hint names first; but a hint proves nothing, so the others too.
    let rest = profile
        .keys
        .iter()
        .filter(|key| !named.is_some_and(|n| std::ptr::eq(n, *key)));
    for key in named.into_iter().chain(rest) {
        match key.check(claim.message, claim.signature) {
            Answer::Holds(scheme) => {
                report.signed_by(signer(key.name.clone()));
                report.passed(CheckName::Signature, format!("verifies with {} ({scheme})", key.name));
                report.passed(
                    CheckName::Identity,
                    format!(
                        "the key is {} of trust profile {} (hint {})",
                        key.name,
                        profile.name,
                        key.hint()
                    ),
                );
                return Ok(key);
            }
            Answer::NeedsBytes => needs_bytes = true,
            Answer::Fails => {}
        }
    }
    let names: Vec<&str> = profile.keys.iter().map(|k| k.name.as_str()).collect();
    let names = names.join(", ");
    Err(match named {
        _ if needs_bytes => Refusal::new(
            CheckName::Signature,
            CauseKind::Unsupported,
            "an Ed25519 signature is over the bytes themselves, and only their digest is at hand",
        ),
        Some(key) => Refusal::new(
            CheckName::Signature,
            CauseKind::BadSignature,
            format!("the hint names {}, but the signature does not verify with it", key.name),
        ),
        None => Refusal::new(
            CheckName::Identity,
            CauseKind::OtherSigner,
            match hint {
                Some(hint) => format!("signed with key {}, which is not one of: {names}", quoted(hint)),
                None => format!("the signature is by none of the keys: {names}"),
            },
        ),
    })
}

/// Log entries and timestamps of a key's signature.
fn key_log(root: &Root, key: &Key, claim: &Claim<'_>) -> Result<Times, Error> {
    let policy = PublicKeyVerificationPolicy::new(key.der.clone());
    let entries = claim.bundle.verification_material.tlog_entries.len();
    let policy = if entries == 0 {
        policy.skip_tlog_unsafe()
    } else {
        policy
    };
    verify(root, claim, &policy, Some(&key.der), Logs::Asked)
}

fn refused_log(claim: &Claim<'_>, root: &Root, error: &Error) -> Refusal {
    let mut refusal = explain(error, claim.bundle, root);
    if matches!(error, Error::SignatureInvalid(_) | Error::Crypto(_)) {
        // The signature itself has been checked: it is the pair of algorithms that is not known there.
        refusal.cause = CauseKind::Unsupported;
    }
    if refusal.check == CheckName::Signature {
        refusal.check = CheckName::InclusionProof;
    }
    refusal
}

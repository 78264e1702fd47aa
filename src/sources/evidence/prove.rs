//! Proving a signature: with a key, or with a certificate, its log entries and its timestamps.
//!
//! Everything about certificates, logs and timestamps is decided by `sigstore-verify`; a key's
//! signature is checked here first, because a team may sign with a key and without a log. What a
//! trust profile asks for beyond that is looked at afterwards, on what has been verified.

use jiff::Timestamp;
use sigstore_crypto::parse_certificate_info;
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{Artifact, Bundle, DerPublicKey};
use sigstore_verify::{Error, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult};

use super::explain::{explain, reached};
use super::identity::{self, Fit};
use super::keys::{Answer, Key, Message};
use super::logged::ByHand;
use super::report::{Refusal, Report};
use super::trust::{Profile, Root};
use crate::domain::evidence::{CauseKind, CheckName, LogEvidence, Signer, SignerKind, TimeSource};
use crate::domain::policy::{LogRule, TimeRule};
use crate::domain::text::Untrusted;

/// A signature and what it is over.
pub(super) struct Claim<'a> {
    /// Everything around the signature, as a bundle.
    pub bundle: &'a Bundle,
    /// What was signed.
    pub message: Message<'a>,
    /// What the bundle is verified against: what it says of itself, compared with the question later.
    pub artifact: Artifact<'a>,
    /// The signature.
    pub signature: &'a [u8],
    /// What names the key (unsigned).
    pub hint: Option<&'a str>,
    /// A log entry of a kind that `sigstore-verify` does not know, bound by us.
    pub by_hand: Option<ByHand<'a>>,
    /// Times proven before, by timestamps that are not part of the bundle.
    pub times: Vec<Timestamp>,
    /// The service, for `{service}` in identities.
    pub service: Option<&'a str>,
}

/// Times that somebody trusted vouches for.
#[derive(Default)]
struct Times {
    rfc3161: Vec<Timestamp>,
    rekor: Vec<Timestamp>,
}

/// Proves a claim under a profile and writes every check down.
pub(super) fn prove(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    match claim.bundle.verification_material.content {
        VerificationMaterialContent::PublicKey(_) => with_key(report, profile, claim),
        _ => with_certificate(report, profile, claim),
    }
}

fn with_key(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
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
            let detail = format!("trust profile {} names no root that holds the log's key", profile.name);
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
                    &format!("the trust profile asks for none; what is there does not hold ({why})"),
                );
            }
        },
    }
    times.rfc3161.extend(&claim.times);
    if asked {
        demand_log(profile, claim)?;
    }
    take_times(report, profile, &times, false)
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
                Some(hint) => format!("signed with key {hint}, which is not one of: {names}"),
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
    let result = root.verifier.verify(claim.artifact.clone(), claim.bundle, &policy);
    match settled(result, claim, Some(&key.der))? {
        Some(result) => {
            let all = result.verified_timestamps();
            let stamps = &claim
                .bundle
                .verification_material
                .timestamp_verification_data
                .rfc3161_timestamps;
            let (rekor, rfc3161) = all.split_at(all.len().saturating_sub(stamps.len()));
            Ok(Times {
                rfc3161: rfc3161.to_vec(),
                rekor: rekor.to_vec(),
            })
        }
        None => Ok(promised(claim.bundle)),
    }
}

/// `sigstore-verify` checks the kind of a log entry's body last of all. For an entry kind that it does
/// not know, that last refusal is the one we expect; then the body is bound by hand.
fn settled(
    result: Result<VerificationResult, Error>,
    claim: &Claim<'_>,
    key: Option<&DerPublicKey>,
) -> Result<Option<VerificationResult>, Error> {
    match (result, &claim.by_hand) {
        (Ok(result), None) => Ok(Some(result)),
        (Ok(_), Some(_)) => Err(Error::UnsupportedBundle(
            "a log entry of an unknown kind was accepted".to_owned(),
        )),
        (Err(error), Some(by_hand)) if by_hand.is_last_refusal(&error) => {
            by_hand.bind(claim.bundle, key)?;
            Ok(None)
        }
        (Err(error), _) => Err(error),
    }
}

/// The integrated times of entries whose promise has been verified.
fn promised(bundle: &Bundle) -> Times {
    let entries = bundle.verification_material.tlog_entries.iter();
    Times {
        rfc3161: Vec::new(),
        rekor: entries
            .filter(|e| e.inclusion_promise.is_some())
            .filter_map(|e| e.integrated_time)
            .collect(),
    }
}

fn with_certificate(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    let certificate = claim.bundle.signing_certificate().map(parse_certificate_info);
    let certificate = match certificate {
        Some(Ok(certificate)) => certificate,
        Some(Err(error)) => {
            let detail = format!("the signing certificate cannot be read: {error}");
            return Err(Refusal::new(CheckName::Chain, CauseKind::Malformed, detail));
        }
        None => {
            return Err(Refusal::new(
                CheckName::Chain,
                CauseKind::Malformed,
                "the certificate chain is empty",
            ));
        }
    };
    report.signed_by(Signer {
        kind: SignerKind::Certificate,
        identity: Untrusted::new(certificate.identity.as_ref().map_or("", |i| i.as_str())),
        issuer: certificate.issuer.clone().map(Untrusted::new),
    });
    let Some(root) = profile.root.as_ref().filter(|_| !profile.identities.is_empty()) else {
        let detail = format!(
            "signed with a certificate; trust profile {} believes keys only",
            profile.name
        );
        return Err(Refusal::new(CheckName::Identity, CauseKind::OtherSigner, detail));
    };
    let asked = profile.log != LogRule::NotRequired;
    let (result, logged) = match certificate_log(root, profile, claim) {
        Ok(found) => found,
        Err(error) => {
            if matches!(error, Error::SignatureInvalid(_)) && other_scheme(&certificate.public_key, claim) {
                let detail = "the signature holds under a pair of key and hash that is not judged with certificates";
                return Err(Refusal::new(CheckName::Signature, CauseKind::Unsupported, detail));
            }
            let refusal = explain(&error, claim.bundle, root);
            reached(report, claim.bundle, &error, profile.sct);
            return Err(refusal);
        }
    };
    let mut times = match result {
        Some(result) => {
            let all = result.verified_timestamps();
            let stamps = &claim
                .bundle
                .verification_material
                .timestamp_verification_data
                .rfc3161_timestamps;
            let (rfc3161, rekor) = all.split_at(stamps.len().min(all.len()));
            Times {
                rfc3161: rfc3161.to_vec(),
                rekor: rekor.to_vec(),
            }
        }
        None => promised(claim.bundle),
    };
    // A timestamp outside the bundle counts like one inside: the certificate must hold at its time.
    if let Some(outside) = claim
        .times
        .iter()
        .find(|t| **t < certificate.not_before || **t > certificate.not_after)
    {
        let detail = format!("the certificate was not valid at {outside}, when it was timestamped");
        return Err(Refusal::new(CheckName::Timestamp, CauseKind::BadSignature, detail));
    }
    times.rfc3161.extend(&claim.times);
    report.passed(CheckName::Signature, "verifies with the certificate's key");
    report.passed(
        CheckName::Chain,
        format!(
            "leads to a certificate authority of root {}; valid {} to {}",
            root.name, certificate.not_before, certificate.not_after
        ),
    );
    if profile.sct {
        report.passed(
            CheckName::Sct,
            "a certificate log of the root promised to list the certificate",
        );
    } else {
        report.not_checked(
            CheckName::Sct,
            format!("trust profile {} does not ask (sct = false)", profile.name),
        );
    }
    if logged {
        log_passed(report, profile, claim, &root.name);
    } else {
        unasked(report, claim, "the trust profile asks for no log");
        if !times.rekor.is_empty() {
            report.passed(CheckName::LogPromise, "signed by a log of the root");
        }
    }
    if asked {
        demand_log(profile, claim)?;
    }
    take_times(report, profile, &times, true)?;
    whose(report, profile, &certificate, claim.service)
}

/// Verifies, with the log where it is asked for or there; without it where it is not asked for and
/// does not hold.
fn certificate_log(
    root: &Root,
    profile: &Profile,
    claim: &Claim<'_>,
) -> Result<(Option<VerificationResult>, bool), Error> {
    let policy = || {
        let policy = VerificationPolicy::any_identity();
        if profile.sct { policy } else { policy.skip_sct() }
    };
    let asked = profile.log != LogRule::NotRequired;
    let entries = claim.bundle.verification_material.tlog_entries.len();
    if asked || entries > 0 {
        let result = root.verifier.verify(claim.artifact.clone(), claim.bundle, &policy());
        match settled(result, claim, None) {
            Ok(result) => return Ok((result, entries > 0)),
            Err(Error::TransparencyLog(_) | Error::Bundle(_)) if !asked => {}
            Err(error) => return Err(error),
        }
    }
    let result = root
        .verifier
        .verify(claim.artifact.clone(), claim.bundle, &policy().skip_tlog_unsafe());
    Ok((settled(result, claim, None)?, false))
}

fn other_scheme(key: &DerPublicKey, claim: &Claim<'_>) -> bool {
    Key::from_der("", key.as_bytes().to_vec())
        .is_ok_and(|key| matches!(key.check(claim.message, claim.signature), Answer::Holds(_)))
}

fn whose(
    report: &mut Report,
    profile: &Profile,
    certificate: &sigstore_crypto::CertificateInfo,
    service: Option<&str>,
) -> Result<(), Refusal> {
    let san = certificate.identity.as_ref().map_or("nobody", |i| i.as_str());
    let issuer = certificate.issuer.as_deref();
    let issued = issuer.unwrap_or("no issuer");
    let accepted = identity::accepted(&profile.identities, service);
    match identity::fits(&profile.identities, certificate, service) {
        Fit::Yes => {
            report.passed(
                CheckName::Identity,
                format!("{san} is named by trust profile {}", profile.name),
            );
            match issuer {
                Some(issuer) => report.passed(CheckName::Issuer, format!("{issuer} is the issuer it names")),
                None => report.not_present(
                    CheckName::Issuer,
                    "the certificate has no issuer; the profile asks for none",
                ),
            }
            Ok(())
        }
        Fit::San => Err(Refusal::new(
            CheckName::Identity,
            CauseKind::OtherSigner,
            format!("signed by {san} ({issued}), not by {accepted}"),
        )),
        Fit::Issuer => {
            report.passed(
                CheckName::Identity,
                format!("{san} is named by trust profile {}", profile.name),
            );
            Err(Refusal::new(
                CheckName::Issuer,
                CauseKind::OtherSigner,
                format!("{san} was vouched for by {issued}, which is not the issuer named"),
            ))
        }
        Fit::Claim(why) => Err(Refusal::new(
            CheckName::Identity,
            CauseKind::OtherSigner,
            format!("{san}: {why}"),
        )),
    }
}

fn log_check(profile: &Profile) -> CheckName {
    match profile.log {
        LogRule::InclusionProof => CheckName::InclusionProof,
        LogRule::Required | LogRule::NotRequired => CheckName::LogPromise,
    }
}

fn no_log(profile: &Profile) -> Refusal {
    let detail = format!(
        "trust profile {} requires a transparency log entry, and there is none",
        profile.name
    );
    Refusal::new(log_check(profile), CauseKind::BadSignature, detail)
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

fn log_passed(report: &mut Report, profile: &Profile, claim: &Claim<'_>, root: &str) {
    let entries = &claim.bundle.verification_material.tlog_entries;
    let promise = entries.iter().any(|e| e.inclusion_promise.is_some());
    let proof = entries.iter().any(|e| e.inclusion_proof.is_some());
    if promise {
        report.passed(CheckName::LogPromise, format!("signed by a log of root {root}"));
    } else {
        report.not_present(CheckName::LogPromise, "the entry has no signed entry timestamp");
    }
    if proof {
        report.passed(
            CheckName::InclusionProof,
            format!("proven under a checkpoint signed by a log of root {root}"),
        );
    } else {
        report.not_present(
            CheckName::InclusionProof,
            format!("no proof; trust profile {} does not insist", profile.name),
        );
    }
    report.evidence().log = match (proof, promise) {
        (true, _) => LogEvidence::InclusionProof,
        (false, true) => LogEvidence::Set,
        (false, false) => LogEvidence::None,
    };
}

fn unasked(report: &mut Report, claim: &Claim<'_>, why: &str) {
    let entries = &claim.bundle.verification_material.tlog_entries;
    let there = [
        (
            CheckName::LogPromise,
            entries.iter().any(|e| e.inclusion_promise.is_some()),
        ),
        (
            CheckName::InclusionProof,
            entries.iter().any(|e| e.inclusion_proof.is_some()),
        ),
    ];
    for (check, there) in there {
        if there {
            report.not_checked(check, why);
        } else {
            report.not_present(check, why);
        }
    }
    report.not_checked(CheckName::Timestamp, why);
}

/// What the profile asks of the log, looked at on entries that have been verified. The media type is
/// not signed: a bundle rewritten to an older format, without its proof, is caught here.
fn demand_log(profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    let entries = &claim.bundle.verification_material.tlog_entries;
    if profile.log == LogRule::InclusionProof && !entries.iter().any(|e| e.inclusion_proof.is_some()) {
        let detail = format!(
            "trust profile {} requires an inclusion proof; there is only the log's promise",
            profile.name
        );
        return Err(Refusal::new(CheckName::InclusionProof, CauseKind::BadSignature, detail));
    }
    let mut proven: Vec<(&[u8], &[u8], u64)> = entries
        .iter()
        .filter(|e| e.inclusion_proof.is_some() || e.inclusion_promise.is_some())
        .map(|e| {
            (
                e.canonicalized_body.as_bytes(),
                e.log_id.key_id.as_bytes(),
                e.log_index.get(),
            )
        })
        .collect();
    proven.sort_unstable();
    proven.dedup();
    let wanted = profile.demands.log_entries.max(1);
    if u32::try_from(proven.len()).unwrap_or(u32::MAX) < wanted {
        let detail = format!(
            "trust profile {} asks for {wanted} log entries; {} verified",
            profile.name,
            proven.len()
        );
        return Err(Refusal::new(log_check(profile), CauseKind::BadSignature, detail));
    }
    Ok(())
}

fn take_times(report: &mut Report, profile: &Profile, times: &Times, certificate: bool) -> Result<(), Refusal> {
    let refuse = |detail: String| Err(Refusal::new(CheckName::Timestamp, CauseKind::BadSignature, detail));
    match profile.time {
        TimeRule::Rfc3161 if times.rfc3161.is_empty() => {
            return refuse(format!(
                "trust profile {} requires an RFC 3161 timestamp, and none verified",
                profile.name
            ));
        }
        TimeRule::Rekor if times.rekor.is_empty() => {
            return refuse(format!(
                "trust profile {} requires the log's time, and none verified",
                profile.name
            ));
        }
        TimeRule::Any if certificate && times.rfc3161.is_empty() && times.rekor.is_empty() => {
            return refuse("no trusted time at which the certificate was valid".to_owned());
        }
        _ => {}
    }
    let mut different: Vec<(bool, Timestamp)> = times.rfc3161.iter().map(|t| (true, *t)).collect();
    different.extend(times.rekor.iter().map(|t| (false, *t)));
    different.sort_unstable();
    different.dedup();
    if u32::try_from(different.len()).unwrap_or(u32::MAX) < profile.demands.times {
        return refuse(format!(
            "trust profile {} asks for {} verified times; there are {}",
            profile.name,
            profile.demands.times,
            different.len()
        ));
    }
    let found = [(TimeSource::Rfc3161, &times.rfc3161), (TimeSource::Rekor, &times.rekor)];
    for (source, times) in found {
        if let Some(at) = times.iter().min() {
            let evidence = report.evidence();
            evidence.timestamp = source;
            evidence.signed_at = Some(*at);
            let by = match source {
                TimeSource::Rfc3161 => "a timestamp authority of the root",
                TimeSource::Rekor | TimeSource::None => "the transparency log",
            };
            report.passed(CheckName::Timestamp, format!("signed at {at}, says {by}"));
            return Ok(());
        }
    }
    Ok(())
}

//! Signatures by a certificate: everything is verified by `sigstore-verify`, then the identity is compared.

use jiff::Timestamp;
use sigstore_crypto::{CertificateInfo, parse_certificate_info};
use sigstore_types::DerPublicKey;
use sigstore_verify::{Error, VerificationPolicy};

use super::super::certificate_name::certificate_name;
use super::super::claim::{Claim, Logs, Times, verify};
use super::super::explain::{explain, reached};
use super::super::identity::{self, IdentityMatch};
use super::super::keys::{Answer, Key};
use super::super::report::{Refusal, Report};
use super::super::trust::{Profile, Root};
use super::demands::{demand_log, log_passed, take_times, unasked};
use crate::domain::evidence::{CauseKind, CheckName, Signer, SignerKind};
use crate::domain::policy::{LogRule, Validity};
use crate::domain::text::{Untrusted, quoted};

/// Longest validity of a certificate whose validity says when it was used, in seconds. Fulcio's are valid
/// for ten minutes.
const SHORT_LIVED: i64 = 86_400;

pub(super) fn prove(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    let Some(signing) = claim.bundle.signing_certificate() else {
        let detail = "the certificate chain is empty";
        return Err(Refusal::new(CheckName::Chain, CauseKind::Malformed, detail));
    };
    let certificate = parse_certificate_info(signing).map_err(|error| unreadable(&error))?;
    let name = certificate_name(signing, &certificate);
    report.signed_by(Signer {
        kind: SignerKind::Certificate,
        identity: Untrusted::new(name.clone().unwrap_or_default()),
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
    let (mut times, logged) = match certificate_log(root, profile, claim) {
        Ok(found) => found,
        Err(error) => {
            if matches!(error, Error::SignatureInvalid(_)) && other_scheme(&certificate.public_key, claim) {
                let detail = "the signature is right under a pair of key and hash that is not judged with certificates";
                return Err(Refusal::new(CheckName::Signature, CauseKind::Unsupported, detail));
            }
            let refusal = explain(&error, claim.bundle, root);
            reached(report, claim.bundle, &error, profile.sct);
            return Err(refusal);
        }
    };
    // A timestamp outside the bundle counts like one inside: the certificate must have been valid at its time.
    if let Some(outside) = claim
        .times
        .iter()
        .map(|time| time.at)
        .find(|at| *at < certificate.not_before || *at > certificate.not_after)
    {
        let detail = format!("the certificate was not valid at {outside}, when it was timestamped");
        return Err(Refusal::new(CheckName::Timestamp, CauseKind::BadSignature, detail));
    }
    times.rfc3161.extend(claim.times.iter().cloned());
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
    report.evidence().content_time = signing_time(&certificate);
    whose(report, profile, name.as_deref(), &certificate, claim.service)
}

/// Why a certificate cannot be read: an algorithm that is not known is nobody's fault.
fn unreadable(error: &sigstore_crypto::Error) -> Refusal {
    let detail = format!("the signing certificate cannot be read: {}", quoted(&error));
    let cause = match error {
        sigstore_crypto::Error::InvalidKey(why) if why.contains("unsupported") => CauseKind::Unsupported,
        sigstore_crypto::Error::UnsupportedAlgorithm(_) => CauseKind::Unsupported,
        _ => CauseKind::Malformed,
    };
    Refusal::new(CheckName::Chain, cause, detail)
}

/// When a statement was signed, by the certificate it was signed with: nobody can put a younger one
/// around the same signature. A certificate that is valid for long says nothing of the kind.
fn signing_time(certificate: &CertificateInfo) -> Option<Timestamp> {
    let seconds = certificate.not_after.as_second() - certificate.not_before.as_second();
    (seconds <= SHORT_LIVED).then_some(certificate.not_before)
}

/// Verifies, with the log where it is asked for or there; without it where it is not asked for and
/// does not verify.
fn certificate_log(root: &Root, profile: &Profile, claim: &Claim<'_>) -> Result<(Times, bool), Error> {
    let policy = || {
        let policy = VerificationPolicy::any_identity();
        if profile.sct { policy } else { policy.skip_sct() }
    };
    let asked = profile.log != LogRule::NotRequired;
    let entries = claim.bundle.verification_material.tlog_entries.len();
    if asked || entries > 0 {
        match verify(root, claim, &policy(), None, Logs::Asked) {
            Ok(times) => return Ok((times, entries > 0)),
            Err(Error::TransparencyLog(_) | Error::Bundle(_)) if !asked => {}
            Err(error) => return Err(error),
        }
    }
    verify(root, claim, &policy().skip_tlog_unsafe(), None, Logs::Skipped).map(|times| (times, false))
}

fn other_scheme(key: &DerPublicKey, claim: &Claim<'_>) -> bool {
    Key::from_der("", key.as_bytes().to_vec(), Validity::default())
        .is_ok_and(|key| matches!(key.check(claim.message, claim.signature), Answer::Holds(_)))
}

fn whose(
    report: &mut Report,
    profile: &Profile,
    name: Option<&str>,
    certificate: &CertificateInfo,
    service: Option<&str>,
) -> Result<(), Refusal> {
    let named = |text: Option<&str>, nobody: &str| text.map_or_else(|| nobody.to_owned(), |t| quoted(t).into_string());
    let san = named(name, "nobody");
    let issuer = certificate.issuer.as_deref();
    let issued = named(issuer, "no issuer");
    let accepted = identity::accepted(&profile.identities, service);
    match identity::fits(&profile.identities, name, certificate, service) {
        IdentityMatch::Yes => {
            report.passed(
                CheckName::Identity,
                format!("{san} is named by trust profile {}", profile.name),
            );
            match issuer {
                Some(issuer) => report.passed(CheckName::Issuer, format!("{} is the issuer it names", quoted(issuer))),
                None => report.not_present(
                    CheckName::Issuer,
                    "the certificate has no issuer; the profile asks for none",
                ),
            }
            Ok(())
        }
        IdentityMatch::San => Err(Refusal::new(
            CheckName::Identity,
            CauseKind::OtherSigner,
            format!("signed by {san} ({issued}), not by {accepted}"),
        )),
        IdentityMatch::Issuer => {
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
        IdentityMatch::Claim(why) => Err(Refusal::new(
            CheckName::Identity,
            CauseKind::OtherSigner,
            format!("{san}: {why}"),
        )),
    }
}

//! Signatures by a certificate: everything is verified by `sigstore-verify`, then the identity is compared.

use sigstore_crypto::{CertificateInfo, parse_certificate_info};
use sigstore_types::DerPublicKey;
use sigstore_verify::{Error, VerificationPolicy};

use super::super::explain::{explain, reached};
use super::super::identity::{self, Fit};
use super::super::keys::{Answer, Key};
use super::super::report::{Refusal, Report};
use super::super::trust::{Profile, Root};
use super::demands::{demand_log, log_passed, take_times, unasked};
use super::{Claim, Times, verify};
use crate::domain::evidence::{CauseKind, CheckName, Signer, SignerKind};
use crate::domain::policy::LogRule;
use crate::domain::text::Untrusted;

pub(super) fn prove(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
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
    let (mut times, logged) = match certificate_log(root, profile, claim) {
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
fn certificate_log(root: &Root, profile: &Profile, claim: &Claim<'_>) -> Result<(Times, bool), Error> {
    let policy = || {
        let policy = VerificationPolicy::any_identity();
        if profile.sct { policy } else { policy.skip_sct() }
    };
    let asked = profile.log != LogRule::NotRequired;
    let entries = claim.bundle.verification_material.tlog_entries.len();
    if asked || entries > 0 {
        match verify(root, claim, &policy(), None) {
            Ok(times) => return Ok((times, entries > 0)),
            Err(Error::TransparencyLog(_) | Error::Bundle(_)) if !asked => {}
            Err(error) => return Err(error),
        }
    }
    verify(root, claim, &policy().skip_tlog_unsafe(), None).map(|times| (times, false))
}

fn other_scheme(key: &DerPublicKey, claim: &Claim<'_>) -> bool {
    Key::from_der("", key.as_bytes().to_vec())
        .is_ok_and(|key| matches!(key.check(claim.message, claim.signature), Answer::Holds(_)))
}

fn whose(
    report: &mut Report,
    profile: &Profile,
    certificate: &CertificateInfo,
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

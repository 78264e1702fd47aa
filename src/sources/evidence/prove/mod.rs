//! Proving a signature: with a key, or with a certificate, its log entries and its timestamps.
//!
//! Everything about certificates, logs and timestamps is decided by `sigstore-verify`; a key's
//! signature is checked here first, because a team may sign with a key and without a log. What a
//! trust profile asks for beyond that is looked at afterwards, on what has been verified.

mod certificate;
mod demands;
mod key;

use jiff::Timestamp;
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{Artifact, Bundle, DerPublicKey, Rfc3161Timestamp, SignatureBytes, TimestampVerificationData};
use sigstore_verify::{Error, Policy, TimestampError, VerificationResult};

use super::keys::Message;
use super::logged::ByHand;
use super::report::{Refusal, Report};
use super::trust::{Profile, Root};

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
        VerificationMaterialContent::PublicKey(_) => key::prove(report, profile, claim),
        _ => certificate::prove(report, profile, claim),
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

/// The times behind a success, by who vouches for them. `sigstore-verify` lists authorities' times first
/// for a certificate and last for a key; where it was not asked to the end, they are read here.
fn times(
    root: &Root,
    claim: &Claim<'_>,
    result: Option<VerificationResult>,
    stamps: &[Rfc3161Timestamp],
    key: bool,
) -> Times {
    let Some(result) = result else {
        let entries = claim.bundle.verification_material.tlog_entries.iter();
        let promised = entries.filter(|e| e.inclusion_promise.is_some());
        return Times {
            rfc3161: stamps.iter().filter_map(|s| stamped(root, claim, s)).collect(),
            rekor: promised.filter_map(|e| e.integrated_time).collect(),
        };
    };
    let all = result.verified_timestamps();
    let stamps = stamps.len().min(all.len());
    let (rfc3161, rekor) = if key {
        let (rekor, rfc3161) = all.split_at(all.len() - stamps);
        (rfc3161, rekor)
    } else {
        all.split_at(stamps)
    };
    Times {
        rfc3161: rfc3161.to_vec(),
        rekor: rekor.to_vec(),
    }
}

/// The time of a timestamp that an authority of the root vouches for.
fn stamped(root: &Root, claim: &Claim<'_>, stamp: &Rfc3161Timestamp) -> Option<Timestamp> {
    let signature = SignatureBytes::new(claim.signature.to_vec());
    let authorities = root.trusted.tsa_authorities();
    let verify = sigstore_verify::tsa::verify_timestamp_for_authority;
    authorities
        .iter()
        .find_map(|authority| verify(&stamp.signed_timestamp, &signature, authority).ok())
}

/// Verifies, leaving out timestamps that nobody trusted vouches for. A timestamp is not signed into
/// anything: whoever could add a worthless one could as well take it away, so it counts for nothing and
/// spoils nothing. What is left must still prove the time.
fn verify(root: &Root, claim: &Claim<'_>, policy: &dyn Policy, key: Option<&DerPublicKey>) -> Result<Times, Error> {
    let stamps = &claim
        .bundle
        .verification_material
        .timestamp_verification_data
        .rfc3161_timestamps;
    let first = root.verifier.verify(claim.artifact.clone(), claim.bundle, policy);
    let error = match settled(first, claim, key) {
        Ok(result) => return Ok(times(root, claim, result, stamps, key.is_some())),
        Err(error) => error,
    };
    if !matches!(&error, Error::Timestamp(why) if !matches!(why, TimestampError::NoVerifiedTimestamp(_))) {
        return Err(error);
    }
    let holds = |stamp: &&Rfc3161Timestamp| stamped(root, claim, stamp).is_some();
    let kept: Vec<Rfc3161Timestamp> = stamps.iter().filter(holds).cloned().collect();
    if kept.len() == stamps.len() {
        return Err(error);
    }
    let mut bundle = claim.bundle.clone();
    bundle.verification_material.timestamp_verification_data = TimestampVerificationData::new(kept.clone());
    let second = root.verifier.verify(claim.artifact.clone(), &bundle, policy);
    match settled(second, claim, key) {
        Ok(result) => Ok(times(root, claim, result, &kept, key.is_some())),
        // No other time: the timestamp that does not hold is what is wrong.
        Err(Error::Timestamp(_) | Error::Bundle(_)) => Err(error),
        Err(other) => Err(other),
    }
}

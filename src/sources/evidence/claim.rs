//! A signature with everything around it, given to `sigstore-verify`; and the times behind a success.

use sigstore_types::{
    Artifact, Bundle, DerPublicKey, KindVersion, Rfc3161Timestamp, SignatureBytes, TimestampVerificationData,
};
use sigstore_verify::{Error, Policy, TimestampError, TransparencyLogError, VerificationResult};

use super::keys::Message;
use super::logged::EntryBinding;
use super::trust::{Root, VouchedTime};

/// A signature and what it is over.
pub(super) struct Claim<'a> {
    /// Everything around the signature, as a bundle.
    pub bundle: &'a Bundle,
    /// What was signed.
    pub message: Message<'a>,
    /// What the bundle is verified against: what it says of itself, compared with the question later.
    pub artifact: Artifact<'a>,
    /// Bytes of the signature, decoded.
    pub signature: &'a [u8],
    /// What names the key (unsigned).
    pub hint: Option<&'a str>,
    /// How a log entry is bound to the signature, where `sigstore-verify` does not know its kind.
    pub binding: Option<EntryBinding<'a>>,
    /// Times proven before, by timestamps that are not part of the bundle.
    pub times: Vec<VouchedTime>,
    /// The service, for `{service}` in identities.
    pub service: Option<&'a str>,
}

/// Times that somebody trusted vouches for.
#[derive(Default)]
pub(super) struct Times {
    /// By timestamp authorities.
    pub rfc3161: Vec<VouchedTime>,
    /// By logs.
    pub rekor: Vec<VouchedTime>,
}

impl Times {
    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &VouchedTime> {
        self.rfc3161.iter().chain(&self.rekor)
    }
}

/// `sigstore-verify` checks the kind of a log entry's body last of all. For an entry kind that it does
/// not know, that last refusal is the one we expect; then the body is compared here.
fn bound(
    result: Result<VerificationResult, Error>,
    claim: &Claim<'_>,
    key: Option<&DerPublicKey>,
) -> Result<(), Error> {
    match (result, &claim.binding) {
        (Ok(_), None) => Ok(()),
        (Ok(_), Some(_)) => Err(Error::UnsupportedBundle(
            "a log entry of an unknown kind was accepted".to_owned(),
        )),
        (Err(error), Some(binding)) if binding.is_last_refusal(&error) => binding.check(claim.bundle, key),
        (Err(error), _) => Err(error),
    }
}

/// The times behind a success, by who vouches for them. A log vouches for the time of an entry by its
/// promise, in the first version of Rekor alone; by now the promise has been verified.
fn times(root: &Root, claim: &Claim<'_>, stamps: &[Rfc3161Timestamp]) -> Times {
    let entries = claim.bundle.verification_material.tlog_entries.iter();
    let promised = entries.filter(|entry| {
        use KindVersion::{DsseV001, HashedRekordV001, IntotoV002};
        entry.inclusion_promise.is_some() && matches!(entry.kind_version, HashedRekordV001 | DsseV001 | IntotoV002)
    });
    let logged = promised.filter_map(|entry| {
        let log = root.log(&entry.log_id.key_id)?;
        Some(VouchedTime {
            at: entry.integrated_time?,
            authority: log.base_url.clone(),
        })
    });
    Times {
        rfc3161: stamps.iter().filter_map(|stamp| stamped(root, claim, stamp)).collect(),
        rekor: logged.collect(),
    }
}

/// The time of a timestamp that an authority of the root vouches for.
fn stamped(root: &Root, claim: &Claim<'_>, stamp: &Rfc3161Timestamp) -> Option<VouchedTime> {
    let signature = SignatureBytes::new(claim.signature.to_vec());
    root.stamped(&stamp.signed_timestamp, &signature).ok().flatten()
}

/// A log's key may have been in use for a time only. Where the log itself vouches for no time (the second
/// version of Rekor), `sigstore-verify` does not look at that; a trusted time outside refuses here.
fn logs_in_use(root: &Root, claim: &Claim<'_>, times: &Times) -> Result<(), Error> {
    for entry in &claim.bundle.verification_material.tlog_entries {
        let key = root.log(&entry.log_id.key_id).map(|log| &log.public_key);
        let Some(window) = key.and_then(|key| key.valid_for) else {
            continue;
        };
        if let Some(time) = times.all().find(|time| !window.contains(time.at)) {
            let detail = format!("the log's key was not in use at {}", time.at);
            return Err(TransparencyLogError::IntegratedTime(detail).into());
        }
    }
    Ok(())
}

/// Whether the log entries of a bundle are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logs {
    /// They are.
    Asked,
    /// Only their promises are, as times of signing.
    Skipped,
}

/// Verifies, leaving out timestamps that nobody trusted vouches for. A timestamp is not signed into
/// anything: whoever could add a worthless one could as well take it away, so it counts for nothing and
/// spoils nothing. What is left must still prove the time.
pub(super) fn verify(
    root: &Root,
    claim: &Claim<'_>,
    policy: &dyn Policy,
    key: Option<&DerPublicKey>,
    logs: Logs,
) -> Result<Times, Error> {
    let stamps = &claim
        .bundle
        .verification_material
        .timestamp_verification_data
        .rfc3161_timestamps;
    let proven = |result: Result<VerificationResult, Error>, stamps: &[Rfc3161Timestamp]| {
        bound(result, claim, key)?;
        let times = times(root, claim, stamps);
        if logs == Logs::Asked {
            logs_in_use(root, claim, &times)?;
        }
        Ok(times)
    };
    let first = root.verifier.verify(claim.artifact.clone(), claim.bundle, policy);
    let error = match proven(first, stamps) {
        Ok(times) => return Ok(times),
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
    match proven(second, &kept) {
        Ok(times) => Ok(times),
        // No other time: the timestamp that does not verify is what is wrong.
        Err(Error::Timestamp(_) | Error::Bundle(_)) => Err(error),
        Err(other) => Err(other),
    }
}

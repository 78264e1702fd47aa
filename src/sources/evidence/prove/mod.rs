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
use sigstore_types::{Artifact, Bundle, DerPublicKey};
use sigstore_verify::{Error, VerificationResult};

use super::keys::Message;
use super::logged::ByHand;
use super::report::{Refusal, Report};
use super::trust::Profile;

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

//! Proving a signature: with a key, or with a certificate, its log entries and its timestamps.
//!
//! Everything about certificates, logs and timestamps is decided by `sigstore-verify`; a key's
//! signature is checked here first, because a team may sign with a key and without a log. What a
//! trust profile asks for beyond that is looked at afterwards, on what has been verified.

mod certificate;
mod demands;
mod key;

use sigstore_types::bundle::VerificationMaterialContent;

use super::claim::Claim;
use super::report::{Refusal, Report};
use super::trust::Profile;

/// Proves a claim under a profile and writes every check down.
pub(super) fn prove(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    match claim.bundle.verification_material.content {
        VerificationMaterialContent::PublicKey(_) => key::prove(report, profile, claim),
        _ => certificate::prove(report, profile, claim),
    }
}

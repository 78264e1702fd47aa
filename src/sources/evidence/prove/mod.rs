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
use crate::domain::evidence::{CauseKind, CheckName, EvidenceKind};
use crate::domain::policy::SignatureFormat;
use crate::domain::text::{Untrusted, quoted};

/// Proves a claim under a profile and writes every check down.
pub(super) fn prove(report: &mut Report, profile: &Profile, claim: &Claim<'_>) -> Result<(), Refusal> {
    match claim.bundle.verification_material.content {
        VerificationMaterialContent::PublicKey(_) => key::prove(report, profile, claim),
        _ => certificate::prove(report, profile, claim),
    }?;
    stored_as_asked(report, profile)
}

/// Whether it is stored in the way, and of a type, that the profile asks for. It is genuine, and a gate that looks for
/// another one does not find it.
fn stored_as_asked(report: &mut Report, profile: &Profile) -> Result<(), Refusal> {
    let evidence = report.evidence();
    if let Some(asked) = profile.signature_format
        && SignatureFormat::of(evidence.format) != Some(asked)
    {
        let detail = format!(
            "it is stored as {}; trust profile {} asks for signature_format = {:?}",
            evidence.format.describe(),
            profile.name,
            asked.as_str()
        );
        return Err(Refusal::new(CheckName::Signature, CauseKind::PolicyFailed, detail));
    }
    let types = &profile.predicate_types;
    let found = evidence.predicate_type.as_ref().map(Untrusted::raw);
    if evidence.kind != EvidenceKind::Signature
        && !types.is_empty()
        && !found.is_some_and(|found| types.iter().any(|one| one == found))
    {
        let detail = format!(
            "it is {}; trust profile {} asks for {}",
            found.map_or_else(|| "of no type".to_owned(), |found| quoted(found).into_string()),
            profile.name,
            types.join(" or ")
        );
        return Err(Refusal::new(CheckName::Predicate, CauseKind::WrongPredicate, detail));
    }
    Ok(())
}

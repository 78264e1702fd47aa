//! `sigstore-verify`'s errors in the words of the contract: which check failed, and which cause that is.

use serde_json::Value;
use sigstore_types::Bundle;
use sigstore_verify::bundle::Error as BundleError;
use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError};

use super::report::{Refusal, Report};
use super::trust::Root;
use crate::domain::evidence::{CauseKind, CheckName};
use crate::domain::text::quoted;

/// The check and cause of an error, with the advice to refresh a root that does not know an authority or a log.
pub(super) fn explain(error: &Error, bundle: &Bundle, root: &Root) -> Refusal {
    let mut refusal = cause(error, bundle, root);
    if is_unknown_to(error, bundle, root) && refusal.cause == CauseKind::Unsupported {
        refusal.detail.push_str(root.advice());
    }
    refusal
}

/// Whether an error means that the root does not know who issued, logged or stamped it.
fn is_unknown_to(error: &Error, bundle: &Bundle, root: &Root) -> bool {
    match error {
        Error::Certificate(CertificateError::ChainInvalid(text)) => text.contains("UnknownIssuer"),
        Error::Certificate(CertificateError::NoValidAuthority { .. }) => true,
        Error::Certificate(CertificateError::Sct(text)) => text.contains("not found"),
        Error::TransparencyLog(TransparencyLogError::UnknownLog { .. }) => true,
        Error::TransparencyLog(_) => unknown_log(bundle, root),
        Error::Timestamp(TimestampError::Invalid(_)) => true,
        _ => false,
    }
}

fn cause(error: &Error, bundle: &Bundle, root: &Root) -> Refusal {
    use CauseKind::{BadSignature, Malformed, Unsupported};
    use CheckName as C;
    let detail = format!("the verifier says {}", quoted(error));
    let say = |check, cause| Refusal::new(check, cause, detail.clone());
    match error {
        Error::SignatureInvalid(_) => say(C::Signature, BadSignature),
        Error::Certificate(why) => match why {
            CertificateError::Malformed(_) => say(C::Chain, Malformed),
            // Nobody the root knows issued it: another CA, or a root that is out of date.
            CertificateError::ChainInvalid(text) if text.contains("UnknownIssuer") => say(C::Chain, Unsupported),
            // Signed by the authority with a curve or a hash that no verifier here knows (P-521).
            CertificateError::ChainInvalid(text) if text.contains("UnsupportedSignatureAlgorithm") => {
                say(C::Chain, Unsupported)
            }
            CertificateError::NoValidAuthority { .. } => say(C::Chain, Unsupported),
            CertificateError::Sct(text) if text.contains("not found") || text.contains("unsupported") => {
                say(C::Sct, Unsupported)
            }
            CertificateError::Sct(_) => say(C::Sct, BadSignature),
            _ => say(C::Chain, BadSignature),
        },
        Error::TransparencyLog(why) => {
            let unknown = unknown_log(bundle, root);
            match why {
                TransparencyLogError::UnknownLog { .. } => say(C::LogPromise, Unsupported),
                TransparencyLogError::InclusionProof(_) => say(C::InclusionProof, BadSignature),
                TransparencyLogError::Checkpoint(_) if unknown => say(C::InclusionProof, Unsupported),
                TransparencyLogError::Checkpoint(_) => say(C::InclusionProof, BadSignature),
                TransparencyLogError::InclusionPromise(_) if unknown => say(C::LogPromise, Unsupported),
                TransparencyLogError::InclusionPromise(_) => say(C::LogPromise, BadSignature),
                TransparencyLogError::IntegratedTime(_) => say(C::Timestamp, BadSignature),
                TransparencyLogError::MalformedEntry(_) if logs_another_hash(bundle) => {
                    say(entry_check(bundle), Unsupported)
                }
                TransparencyLogError::MalformedEntry(_) => say(entry_check(bundle), Malformed),
                _ => say(entry_check(bundle), BadSignature),
            }
        }
        Error::Timestamp(why) => match why {
            TimestampError::Invalid(_) if root.trusted.timestamp_authorities.is_empty() => {
                say(C::Timestamp, Unsupported)
            }
            // Signed by an authority that is not in the root.
            TimestampError::Invalid(text) if text.contains("any trusted TSA") || text.contains("UnknownIssuer") => {
                say(C::Timestamp, Unsupported)
            }
            _ => say(C::Timestamp, BadSignature),
        },
        // What is compared is what the statement says of itself: a difference is the log entry's.
        Error::ArtifactMismatch(_) => say(entry_check(bundle), BadSignature),
        Error::Bundle(why) => match why {
            BundleError::UnsupportedMediaType(_) | BundleError::UnsupportedVerificationMaterial => {
                say(C::Signature, Unsupported)
            }
            BundleError::MissingInclusionProof(_) | BundleError::MissingCheckpoint => {
                say(C::InclusionProof, BadSignature)
            }
            BundleError::MissingInclusionPromise(_) | BundleError::MissingSigningTimeEvidence => {
                say(C::LogPromise, BadSignature)
            }
            BundleError::MissingTimestamp => say(C::Timestamp, BadSignature),
            BundleError::CheckpointRootMismatch | BundleError::LogIndexOutOfRange { .. } => {
                say(C::InclusionProof, BadSignature)
            }
            BundleError::CertificateChainNotAllowed(_) => say(C::Chain, Malformed),
            _ => say(C::Signature, Malformed),
        },
        Error::InvalidBundle(_) | Error::Types(_) => say(C::Signature, Malformed),
        Error::InvalidTrustRoot(text) if text.contains("CT log") => say(C::Sct, Unsupported),
        // Algorithms, entry kinds and inputs that are not judged; and whatever is new.
        _ => say(C::Signature, Unsupported),
    }
}

/// Whether an entry is of a log that the root does not know.
fn unknown_log(bundle: &Bundle, root: &Root) -> bool {
    let entries = &bundle.verification_material.tlog_entries;
    entries.iter().any(|e| root.log(&e.log_id.key_id).is_none())
}

/// Whether a log entry names a hash that `sigstore-verify` does not compare: keys of P-384 and P-521 are
/// logged with SHA-384 and SHA-512.
fn logs_another_hash(bundle: &Bundle) -> bool {
    let mut entries = bundle.verification_material.tlog_entries.iter();
    entries.any(|entry| {
        let body = serde_json::from_slice::<Value>(entry.canonicalized_body.as_bytes()).unwrap_or_default();
        let algorithm = body["spec"]["data"]["hash"]["algorithm"].as_str();
        matches!(algorithm, Some("sha384" | "sha512"))
    })
}

/// The check under which a log entry's content is shown.
fn entry_check(bundle: &Bundle) -> CheckName {
    if bundle.has_inclusion_proof() {
        CheckName::InclusionProof
    } else {
        CheckName::LogPromise
    }
}

/// Writes down which checks had passed when a certificate's verification ended in `error`. The order is
/// `sigstore-verify`'s: times, chain, SCT, log, signature, log entry against bundle. Where an error can
/// come from more than one place, nothing is claimed.
pub(super) fn reached(report: &mut Report, bundle: &Bundle, error: &Error, sct: bool) {
    let stage = match error {
        Error::Certificate(CertificateError::Sct(_)) => 1,
        Error::TransparencyLog(TransparencyLogError::InclusionProof(_) | TransparencyLogError::Checkpoint(_)) => 2,
        Error::SignatureInvalid(_) => 3,
        Error::TransparencyLog(TransparencyLogError::EntryMismatch(_)) => 4,
        _ => 0,
    };
    if stage >= 1 {
        report.passed(CheckName::Chain, "leads to a certificate authority of the root");
        report.passed(
            CheckName::Timestamp,
            "a trusted time, and the certificate was valid then",
        );
    }
    if stage >= 2 && sct {
        report.passed(
            CheckName::Sct,
            "a certificate log of the root promised to list the certificate",
        );
    }
    if stage >= 3 {
        if bundle.has_inclusion_proof() {
            report.passed(CheckName::InclusionProof, "proven under a signed checkpoint");
        }
        if bundle.has_inclusion_promise() {
            report.passed(CheckName::LogPromise, "signed by a log of the root");
        }
    }
    if stage >= 4 {
        report.passed(CheckName::Signature, "verifies with the certificate's key");
    }
}

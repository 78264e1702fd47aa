//! Artifacts that are attached to an image and contain no statement which pindeck reads: they are listed
//! by their media types, and never count.

use super::report::Report;
use crate::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Format};
use crate::domain::id::Digest;
use crate::domain::text::Untrusted;

/// An artifact manifest without a layer that [`may_be_statement`](super::may_be_statement). `media_types`
/// are its own words for what it is: the artifact type, the type of its configuration and those of its
/// layers, the most telling first.
pub fn artifact_without_statement(attached_to: Digest, manifest: Digest, media_types: &[&str]) -> Evidence {
    let known = |name: &&&str| !matches!(format(name), Format::Unknown) || is_scan(name);
    let telling = media_types.iter().find(known).or_else(|| media_types.first());
    let name = telling.copied().unwrap_or_default();
    let format = format(name);
    let kind = match format {
        Format::Notation => EvidenceKind::Signature,
        Format::Sbom => EvidenceKind::Sbom,
        Format::Sarif => EvidenceKind::VulnerabilityScan,
        _ if is_scan(name) => EvidenceKind::VulnerabilityScan,
        _ => EvidenceKind::Other,
    };
    let mut evidence = Evidence::new(kind, format, manifest, attached_to);
    evidence.predicate_type = (!name.is_empty()).then(|| Untrusted::from(name));
    match format {
        Format::Notation => unsupported(
            evidence,
            "a Notation signature, which pindeck does not verify: shown, never counted",
        ),
        Format::Sbom | Format::Sarif | Format::InToto => unsigned(evidence),
        Format::Unknown if is_scan(name) => unsigned(evidence),
        Format::Unknown => unsupported(
            evidence,
            "an artifact of a type that pindeck does not read: shown, never counted",
        ),
        // It says that it is signed evidence, and has no layer that could be.
        _ => {
            evidence.unread = true;
            unsupported(
                evidence,
                "signed evidence by its type, in layers of types that are not read",
            )
        }
    }
}

/// One layer of BuildKit's attestation manifest inside an index, named by its annotation.
pub fn buildkit_layer(attached_to: Digest, layer: Digest, predicate_type: Option<String>) -> Evidence {
    let kind = predicate_type
        .as_deref()
        .map_or(EvidenceKind::Other, EvidenceKind::of_predicate);
    let mut evidence = Evidence::new(kind, Format::Buildkit, layer, attached_to);
    evidence.predicate_type = predicate_type.map(Untrusted::new);
    unsigned(evidence)
}

fn unsigned(mut evidence: Evidence) -> Evidence {
    evidence.state = EvidenceState::Unsigned;
    evidence.detail = Some(Report::UNSIGNED.into());
    evidence
}

fn unsupported(mut evidence: Evidence, why: &str) -> Evidence {
    evidence.state = EvidenceState::Unsupported;
    evidence.cause = Some(CauseKind::Unsupported);
    evidence.detail = Some(why.into());
    evidence
}

/// The format that a media type names.
pub(super) fn format(media_type: &str) -> Format {
    let is = |part: &str| media_type.contains(part);
    if is("vnd.dev.sigstore.bundle") {
        Format::SigstoreBundle
    } else if is("vnd.dsse") {
        Format::CosignAttestation
    } else if is("vnd.dev.cosign.simplesigning") {
        Format::CosignSignature
    } else if is("cncf.notary") {
        Format::Notation
    } else if is("sarif") {
        Format::Sarif
    } else if is("spdx") || is("cyclonedx") || is("vnd.syft") {
        Format::Sbom
    } else if is("in-toto") {
        Format::InToto
    } else {
        Format::Unknown
    }
}

fn is_scan(media_type: &str) -> bool {
    ["trivy", "grype", "vulnerabilit"]
        .iter()
        .any(|name| media_type.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_named_by_its_media_types() {
        use EvidenceKind as K;
        use EvidenceState::{Unsigned, Unsupported};
        for (media_types, kind, format, state) in [
            (
                &["application/vnd.cncf.notary.signature", "application/jose+json"][..],
                K::Signature,
                Format::Notation,
                Unsupported,
            ),
            // Without an artifact type the configuration names it.
            (
                &["application/cose", "application/vnd.cncf.notary.signature"],
                K::Signature,
                Format::Notation,
                Unsupported,
            ),
            (
                &["application/sarif+json"],
                K::VulnerabilityScan,
                Format::Sarif,
                Unsigned,
            ),
            (
                &["application/vnd.aquasec.trivy.report+json"],
                K::VulnerabilityScan,
                Format::Unknown,
                Unsigned,
            ),
            (
                &["application/vnd.security.vulnerability.report; version=1.1"],
                K::VulnerabilityScan,
                Format::Unknown,
                Unsigned,
            ),
            (&["application/vnd.syft+json"], K::Sbom, Format::Sbom, Unsigned),
            (
                &["sbom/example", "application/spdx+json"],
                K::Sbom,
                Format::Sbom,
                Unsigned,
            ),
            (
                &["application/vnd.example.thing"],
                K::Other,
                Format::Unknown,
                Unsupported,
            ),
            (&[], K::Other, Format::Unknown, Unsupported),
        ] {
            let (image, manifest) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
            let said = artifact_without_statement(image, manifest, media_types);
            assert_eq!(
                (said.kind, said.format, said.state),
                (kind, format, state),
                "{media_types:?}"
            );
        }
    }
}

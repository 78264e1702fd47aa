//! Shapes that real tools write.

use bytes::Bytes;
use pindeck::domain::evidence::{CauseKind, EvidenceKind, EvidenceState, Format, SignerKind, Summary};
use pindeck::domain::id::Digest;
use pindeck::domain::policy::Match;
use pindeck::sources::evidence::{Carrier, Item, artifact_without_statement, predicate};
use serde_json::{Value, json};

use crate::support::ask::{Ask, by_keys, fails, holds};
use crate::support::evidence_cases::item;
use crate::support::fixtures::{self, by_cosigns_key, by_name, subject, text};
use crate::support::forge::*;

/// As some tools wrap base64: at 76 columns, with either end of line.
fn wrapped(base64: &str, end: &str) -> String {
    let lines = base64.trim().as_bytes().chunks(76);
    lines
        .map(|line| format!("{}{end}", String::from_utf8_lossy(line)))
        .collect()
}

#[test]
fn base64_may_be_wrapped() {
    let ask = by_cosigns_key();
    let signature = text("cosign2.sig.txt");
    for written in [
        signature.clone(),
        wrapped(&signature, "\n"),
        wrapped(&signature, "\r\n"),
        format!("  {signature}"),
    ] {
        let mut layer = sig(ask.subject, text("cosign2.sig.json").as_bytes(), b"");
        layer
            .annotations
            .insert("dev.cosignproject.cosign/signature".to_owned(), written);
        holds(&ask.one(&layer), EvidenceKind::Signature);
    }
    // An envelope's payload and signature too; and in the alphabet for URLs, which DSSE allows.
    let mut envelope: Value = serde_json::from_str(&text("cosign2-spdx.att.json")).unwrap();
    let genuine = envelope.clone();
    for write in [(|text: &str| wrapped(text, "\n")) as fn(&str) -> String, |text| {
        text.replace('+', "-").replace('/', "_")
    }] {
        envelope["payload"] = write(genuine["payload"].as_str().unwrap()).into();
        envelope["signatures"][0]["sig"] = write(genuine["signatures"][0]["sig"].as_str().unwrap()).into();
        holds(&ask.one(&att(ask.subject, &envelope, SPDX)), EvidenceKind::Sbom);
    }
}

#[test]
fn an_spdx_document_may_be_one_json_string() {
    let ask = by_cosigns_key();
    let legacy: Value = serde_json::from_str(&text("cosign2-spdx.att.json")).unwrap();
    let written = text("cosign3-spdx.sigstore.json").into_bytes();
    for one in [
        att(ask.subject, &legacy, SPDX),
        item(ask.subject, BUNDLE, Carrier::Referrer, written),
    ] {
        let said = ask.one(&one);
        holds(&said, EvidenceKind::Sbom);
        assert!(matches!(&said.summary, Summary::Sbom(s) if (s.packages, s.format.as_str()) == (1, "SPDX")));
        assert_eq!(said.content_time, Some("2026-01-31T08:00:00Z".parse().unwrap()));
        let packages = predicate::packages(&said).expect("a list");
        assert_eq!(
            (packages[0].purl.raw(), packages[0].version.raw()),
            ("openssl", "3.0.19")
        );
    }
}

#[test]
fn cosign_1_called_cyclonedx_by_its_schema() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.4", "components": [{ "name": "a" }] });
    let said = ask.one(&signed(&pair, subject(), "https://cyclonedx.org/schema", document));
    holds(&said, EvidenceKind::Sbom);
}

#[test]
fn an_other_name_is_a_name() {
    let name = |san: &str| by_name(Match::Exact(san.to_owned()));
    let said = name("builder!example.test").one(&fixtures::bundle("othername"));
    holds(&said, EvidenceKind::TestResult);
    let signer = said.signer.expect("a signer");
    assert_eq!(
        (signer.kind, signer.identity.raw()),
        (SignerKind::Certificate, "builder!example.test")
    );
    fails(
        &name("builder").one(&fixtures::bundle("othername")),
        CauseKind::OtherSigner,
        None,
    );
    // Of two, none is chosen.
    for san in ["builder!example.test", "else", ""] {
        fails(
            &name(san).one(&fixtures::bundle("two-othernames")),
            CauseKind::OtherSigner,
            None,
        );
    }
    let any = by_name(Match::Regex(".*".to_owned()));
    fails(
        &any.one(&fixtures::bundle("two-othernames")),
        CauseKind::OtherSigner,
        None,
    );
}

#[test]
fn larger_curves_are_verified_or_unsupported_and_never_malformed() {
    let ask = by_name(Match::Exact("ci@example.test".to_owned()));
    holds(&ask.one(&fixtures::bundle("p384")), EvidenceKind::TestResult);
    for unknown in ["p521", "p521-authority"] {
        let said = ask.one(&fixtures::bundle(unknown));
        assert_eq!(
            (said.state, said.cause),
            (EvidenceState::Unsupported, Some(CauseKind::Unsupported)),
            "{unknown}"
        );
        assert_eq!(said.kind, EvidenceKind::TestResult);
    }
}

#[test]
fn a_field_that_is_missing_is_missing() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let v02 = "https://slsa.dev/provenance/v0.2";
    for (kind, written, builder) in [
        (v02, json!({ "builder": { "id": "b" } }), Some("b")),
        (v02, json!({ "builder": { "id": "b" }, "materials": [] }), Some("b")),
        (v02, json!({ "buildType": "t" }), None),
        (v02, json!({ "builder": {}, "buildType": "t" }), None),
        (PROVENANCE, json!({ "buildDefinition": {} }), None),
        (
            PROVENANCE,
            json!({ "buildDefinition": {}, "runDetails": { "builder": { "id": "b" } } }),
            Some("b"),
        ),
        (
            PROVENANCE,
            json!({ "buildDefinition": { "buildType": "t" }, "runDetails": {} }),
            None,
        ),
    ] {
        let said = ask.one(&signed(&pair, subject(), kind, written.clone()));
        holds(&said, EvidenceKind::Provenance);
        let Summary::Provenance(read) = &said.summary else {
            panic!("{written}")
        };
        assert_eq!(read.builder.as_ref().map(|b| b.raw()), builder, "{written}");
    }
    // What is there must be what it is called.
    for wrong in [
        json!({ "builder": "b" }),
        json!({ "builder": { "id": 1 } }),
        json!({}),
        json!([]),
    ] {
        fails(
            &ask.one(&signed(&pair, subject(), v02, wrong)),
            CauseKind::WrongPredicate,
            None,
        );
    }
}

#[test]
fn subjects_may_be_in_upper_case() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let payload = String::from_utf8(statement(subject(), TEST_RESULT, test_result("PASSED"))).unwrap();
    let payload = payload
        .replace(&subject().hex(), &subject().hex().to_ascii_uppercase())
        .into_bytes();
    let said = ask.one(&bundle_item(subject(), &bundle_of(&pair, &payload)));
    holds(&said, EvidenceKind::TestResult);
    assert_eq!(said.subjects, [subject()]);
    let payload = String::from_utf8(simple(subject(), "cosign container image signature")).unwrap();
    let payload = payload
        .replace(&subject().hex(), &subject().hex().to_ascii_uppercase())
        .into_bytes();
    holds(
        &ask.one(&sig(subject(), &payload, &pair.sign(&payload))),
        EvidenceKind::Signature,
    );
}

fn bundle_of(pair: &Pair, payload: &[u8]) -> Value {
    bundle(&pair.hint(), &envelope(pair, payload, payload))
}

#[test]
fn a_key_file_may_begin_with_a_byte_order_mark() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", format!("\u{feff}{}", pair.pem()))]), subject());
    holds(
        &ask.one(&signed(&pair, subject(), TEST_RESULT, test_result("PASSED"))),
        EvidenceKind::TestResult,
    );
}

#[test]
fn google_cloud_builds_own_signatures_are_named_and_unsupported() {
    let (ours, googles) = (Pair::p256(), Pair::p256());
    let ask = Ask::new(by_keys(&[("k", ours.pem())]), subject());
    let payload = statement(subject(), PROVENANCE, provenance());
    let key = "projects/verified-builder/locations/global/keyRings/attestor/cryptoKeys/google-hosted-worker/cryptoKeyVersions/1";
    let mut googles_own = envelope(&googles, &payload, &payload);
    googles_own["signatures"][0]["keyid"] = key.into();
    for one in [
        att(subject(), &googles_own, PROVENANCE),
        bundle_item(subject(), &bundle("", &googles_own)),
    ] {
        let said = ask.one(&one);
        assert_eq!(
            (said.state, said.cause, said.format, said.kind),
            (
                EvidenceState::Unsupported,
                Some(CauseKind::Unsupported),
                Format::Gcb,
                EvidenceKind::Provenance
            )
        );
    }
    // The name is not signed: it takes nothing from a key that the team trusts, and lends nothing.
    let mut ours_named = envelope(&ours, &payload, &payload);
    ours_named["signatures"][0]["keyid"] = key.into();
    holds(
        &ask.one(&att(subject(), &ours_named, PROVENANCE)),
        EvidenceKind::Provenance,
    );
}

#[test]
fn a_notation_signature_is_named_and_unsupported() {
    let manifest: Value = serde_json::from_str(&text("notation.manifest.json")).unwrap();
    let names = [
        manifest["artifactType"].as_str().unwrap(),
        manifest["layers"][0]["mediaType"].as_str().unwrap(),
    ];
    let said = artifact_without_statement(subject(), Digest::of(b"its manifest"), &names);
    assert_eq!(
        (said.kind, said.format, said.state, said.cause),
        (
            EvidenceKind::Signature,
            Format::Notation,
            EvidenceState::Unsupported,
            Some(CauseKind::Unsupported)
        )
    );
}

#[test]
fn unsigned_referrers_have_the_format_they_are() {
    let ask = Ask::new(by_keys(&[("k", Pair::p256().pem())]), subject());
    let sarif = json!({ "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [] });
    let trivy = json!({ "SchemaVersion": 2, "ArtifactName": "app", "Results": [
        { "Vulnerabilities": [{ "Severity": "HIGH" }, { "Severity": "LOW" }] }
    ] });
    let statement = statement(subject(), PROVENANCE, provenance());
    let spdx = spdx().to_string().into_bytes();
    use EvidenceKind as K;
    for (carrier, media_type, content, kind, format) in [
        (
            Carrier::Referrer,
            "application/vnd.in-toto+json",
            statement.clone(),
            K::Provenance,
            Format::InToto,
        ),
        (
            Carrier::Referrer,
            "application/spdx+json",
            spdx.clone(),
            K::Sbom,
            Format::Sbom,
        ),
        (
            Carrier::Referrer,
            "application/vnd.in-toto+json",
            spdx.clone(),
            K::Sbom,
            Format::Sbom,
        ),
        (Carrier::SbomTag, "text/spdx+json", spdx, K::Sbom, Format::Sbom),
        (
            Carrier::Referrer,
            "application/vnd.in-toto+json",
            sarif.to_string().into_bytes(),
            K::VulnerabilityScan,
            Format::Sarif,
        ),
        (
            Carrier::Referrer,
            "application/vnd.in-toto+json",
            trivy.to_string().into_bytes(),
            K::VulnerabilityScan,
            Format::Unknown,
        ),
        (
            Carrier::Referrer,
            "application/vnd.in-toto+json",
            b"{}".to_vec(),
            K::Other,
            Format::Unknown,
        ),
        (
            Carrier::BuildkitInIndex,
            "application/vnd.in-toto+json",
            statement,
            K::Provenance,
            Format::Buildkit,
        ),
    ] {
        let one = Item {
            content: Ok(Bytes::from(content).into()),
            ..item(subject(), media_type, carrier, Vec::new())
        };
        let said = ask.one(&one);
        assert_eq!(
            (said.state, said.kind, said.format),
            (EvidenceState::Unsigned, kind, format),
            "{media_type}"
        );
    }
}

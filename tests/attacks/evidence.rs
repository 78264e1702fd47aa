//! Attacks on evidence: to have a digest believed that the team's signers never spoke for.
//!
//! Who can push to a registry attaches, copies, renames and damages whatever he likes; he has no key that the
//! team trusts.

use jiff::{SignedDuration, Timestamp};
use pindeck::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState};
use pindeck::domain::failure::{Failure, FailureKind};
use pindeck::domain::id::Digest;
use pindeck::domain::pattern::anchored;
use pindeck::domain::policy::{LogRule, Match};
use pindeck::domain::source::SourceRepository;
use pindeck::domain::verdict::Outcome;
use pindeck::sources::evidence::{Carrier, Item, ItemContent, predicate};
use serde_json::json;

use crate::Attack;
use crate::support::ask::{Ask, by_keys, judge_by};
use crate::support::evidence_cases::item;
use crate::support::fixtures::{all_of, by_key, by_name, subject};
use crate::support::forge::*;
use crate::support::genuine;

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "restamped-test-result",
        tries: "an old PASSED of a key is attached again with a timestamp younger than the FAILED",
        attempt: || restamped(&by_key(), "key"),
    },
    Attack {
        name: "restamped-under-a-long-lived-certificate",
        tries: "the same with a certificate that is valid for years",
        attempt: || restamped(&ci(), "long-lived"),
    },
    Attack {
        name: "restamped-under-a-short-lived-certificate",
        tries: "the same within the ten minutes of a certificate",
        attempt: || restamped(&ci(), "short-lived"),
    },
    Attack {
        name: "an-old-scan-made-young",
        tries: "a statement without a time of its own gets a new timestamp to stay within max_age",
        attempt: an_old_scan_made_young,
    },
    Attack {
        name: "one-authority-many-tokens",
        tries: "two timestamps of one authority pass for two authorities",
        attempt: one_authority_many_tokens,
    },
    Attack {
        name: "hidden-failed",
        tries: "the FAILED is damaged, withheld or misnamed, so that the PASSED beside it counts alone",
        attempt: hidden_failed,
    },
    Attack {
        name: "two-verification-summaries",
        tries: "an old PASSED verification summary hides a FAILED one",
        attempt: two_verification_summaries,
    },
    Attack {
        name: "source-by-dot-segments",
        tries: "provenance names another repository in a URL that begins like the service's",
        attempt: source_by_dot_segments,
    },
    Attack {
        name: "pattern-that-closes-its-group",
        tries: "a pattern leaves the group that anchors it and matches everybody",
        attempt: pattern_that_closes_its_group,
    },
    Attack {
        name: "service-in-a-pattern",
        tries: "a service's name is read as a pattern, or matches a neighbour's identity",
        attempt: service_in_a_pattern,
    },
    Attack {
        name: "unsigned-sbom-before-the-signed-one",
        tries: "a line with another SBOM is put before the signed one into the same layer",
        attempt: unsigned_sbom_before_the_signed_one,
    },
    Attack {
        name: "replay-to-another-digest",
        tries: "genuine statements are attached to an image that they do not speak of",
        attempt: replay_to_another_digest,
    },
    Attack {
        name: "index-upwards-and-sideways",
        tries: "a statement about one platform speaks for its index or for another platform",
        attempt: index_upwards_and_sideways,
    },
    Attack {
        name: "payload-type-confusion",
        tries: "signed bytes of one type are read as another",
        attempt: payload_type_confusion,
    },
    Attack {
        name: "duplicate-keys",
        tries: "a key that is there twice is read one way by the verifier and another way by us",
        attempt: duplicate_keys,
    },
    Attack {
        name: "named-as-another-kind",
        tries: "annotations and media types make a statement another kind",
        attempt: named_as_another_kind,
    },
    Attack {
        name: "foreign-log-entry",
        tries: "a signature is shown with the genuine log entry of another one",
        attempt: foreign_log_entry,
    },
    Attack {
        name: "downgraded-bundle",
        tries: "a bundle is rewritten to an older format that needs no inclusion proof",
        attempt: downgraded_bundle,
    },
];

fn ci() -> Ask {
    by_name(Match::Exact("ci@example.test".to_owned()))
}

fn later(evidence: &[Evidence]) -> Timestamp {
    let last = evidence.iter().filter_map(|e| e.signed_at).max();
    last.map_or_else(now, |at| at + SignedDuration::from_mins(5))
}

fn now() -> Timestamp {
    "2026-02-01T00:00:00Z".parse().unwrap()
}

fn restamped(ask: &Ask, signer: &str) {
    let names = ["passed", "failed", "restamped"].map(|name| format!("{signer}-{name}"));
    let all = all_of(ask, &names.each_ref().map(String::as_str));
    assert!(all.iter().all(|e| e.state == EvidenceState::Verified), "{all:?}");
    assert!(all[2].signed_at > all[1].signed_at, "the stamp is younger indeed");
    assert_eq!(
        judge_by(&all, EvidenceKind::TestResult, None, later(&all)),
        Outcome::Rejected
    );
}

fn an_old_scan_made_young() {
    for (ask, name) in [(by_key(), "key-restamped"), (ci(), "long-lived-restamped")] {
        let all = all_of(&ask, &[name]);
        let limit = Some(SignedDuration::from_hours(1));
        assert_eq!(
            judge_by(&all, EvidenceKind::TestResult, limit, later(&all)),
            Outcome::Rejected
        );
    }
}

fn one_authority_many_tokens() {
    let mut ask = by_key();
    ask.profile.demands.times = 2;
    let all = all_of(&ask, &["key-one-authority-twice"]);
    assert_eq!(all[0].cause, Some(CauseKind::BadSignature));
    assert_eq!(
        judge_by(&all, EvidenceKind::TestResult, None, later(&all)),
        Outcome::Rejected
    );
}

fn hidden_failed() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let passed = ask.one(&signed(&pair, subject(), TEST_RESULT, test_result("PASSED")));
    let judge = |second: Option<&Item>| {
        let mut all = vec![passed.clone()];
        all.extend(second.into_iter().flat_map(|item| ask.of(item)));
        judge_by(&all, EvidenceKind::TestResult, None, now())
    };
    assert_eq!(judge(None), Outcome::Verified);
    for named in [TEST_RESULT, SPDX, PROVENANCE, "https://example.test/nothing", ""] {
        for media_type in [
            BUNDLE,
            "application/vnd.oci.image.manifest.v1+json",
            "application/spdx+json",
        ] {
            for problem in [
                Failure::unreachable("404"),
                Failure::new(FailureKind::Corrupt, format!("its bytes hash to {}", subject())),
                Failure::new(FailureKind::TooLarge, "too large"),
                Failure::new(FailureKind::Malformed, "no manifest"),
            ] {
                let mut hidden = signed(&pair, subject(), TEST_RESULT, test_result("FAILED"));
                hidden.media_type = media_type.to_owned();
                hidden
                    .annotations
                    .insert("dev.sigstore.bundle.predicateType".to_owned(), named.to_owned());
                hidden.content = Err(problem);
                assert_ne!(
                    judge(Some(&hidden)),
                    Outcome::Verified,
                    "{media_type} {named} {:?}",
                    hidden.content
                );
            }
        }
    }
}

fn two_verification_summaries() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let summary = |result: &str| {
        let said = json!({ "verifier": { "id": "x" }, "verificationResult": result });
        ask.one(&signed(
            &pair,
            subject(),
            "https://slsa.dev/verification_summary/v1",
            said,
        ))
    };
    for order in [["PASSED", "FAILED"], ["FAILED", "PASSED"]] {
        let all = order.map(summary);
        let outcome = judge_by(&all, EvidenceKind::VerificationSummary, None, now());
        assert_eq!(outcome, Outcome::Rejected);
    }
}

fn source_by_dot_segments() {
    let wanted = "https://github.com/example/app";
    for evil in [
        "https://github.com/example/app@x/../../evil/backdoor",
        "https://github.com/example/app/../../evil/backdoor",
        "https://github.com/example/app@refs/../../evil/backdoor",
        "https://github.com/example/app%2F..%2F..%2Fevil/backdoor",
        "https://github.com/example/app@x/%2e%2e/%2e%2e/evil/backdoor",
        "https://github.com\\@evil.test/example/app",
        "https://github.com:443@evil.test/example/app",
        "https://evil.test#@github.com/example/app",
        "https://evil.test?@github.com/example/app",
        "https://github.com/example/app.git/../../evil/backdoor.git",
        "git@evil.test:../github.com/example/app",
    ] {
        assert!(!SourceRepository::same(evil, wanted), "{evil}");
        assert!(!SourceRepository::same(evil, evil), "{evil}");
    }
}

fn pattern_that_closes_its_group() {
    for pattern in ["x)|(?:.*", "x\\z)|(?:", ")|(", "(?x) x ) | (?: .* ", "x)#"] {
        assert!(anchored(pattern, Some("web")).is_err(), "{pattern}");
    }
    let anybody = by_name(Match::Regex("ci@example.test|other@example".to_owned()));
    assert_eq!(anybody.one(&crate::support::fixtures::bundle("p384")).cause, None);
    let narrow = by_name(Match::Regex("ci@example".to_owned()));
    let said = narrow.one(&crate::support::fixtures::bundle("p384"));
    assert_eq!(said.cause, Some(CauseKind::OtherSigner));
}

fn service_in_a_pattern() {
    for (pattern, service, identity) in [
        ("{service}@example.test", ".*", "ci@example.test"),
        ("{service}@example.test", "c|ci", "ci@example.test"),
        ("{service}?@example.test", "cix", "ci@example.test"),
        ("{service}@example.test", "c", "ci@example.test"),
    ] {
        let regex = anchored(pattern, Some(service)).expect("a pattern").expect("a name");
        assert!(!regex.is_match(identity), "{pattern} {service}");
    }
    // No name is known: an identity that needs one is nobody's.
    for san in [
        Match::Exact("{service}@example.test".to_owned()),
        Match::Regex("{service}.*".to_owned()),
    ] {
        let said = by_name(san).one(&crate::support::fixtures::bundle("p384"));
        assert_eq!(said.cause, Some(CauseKind::OtherSigner));
    }
}

fn unsigned_sbom_before_the_signed_one() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let genuine = signed(&pair, subject(), SPDX, spdx());
    let payload = statement(
        subject(),
        SPDX,
        json!({ "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": [{ "name": "nothing-to-see" }] }),
    );
    let stranger = bundle("", &envelope(&Pair::p256(), &payload, &payload)).to_string();
    let Ok(ItemContent::Kept(genuine)) = genuine.content else {
        panic!("no content");
    };
    let genuine = String::from_utf8(genuine.to_vec()).unwrap();
    let layer = item(
        subject(),
        BUNDLE,
        Carrier::Referrer,
        format!("{stranger}\n{genuine}\n").into_bytes(),
    );
    let all = ask.of(&layer);
    assert_eq!(all.len(), 2);
    assert_ne!(all[0].id(), all[1].id());
    assert_eq!(
        (all[0].state, all[1].state),
        (EvidenceState::Failed, EvidenceState::Verified)
    );
    assert_eq!(predicate::packages(&all[0]), None);
    let packages = predicate::packages(&all[1]).expect("the signed list");
    assert_eq!(packages[0].purl.raw(), "openssl");
}

fn replay_to_another_digest() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let other = Digest::of(b"another image");
    let simple_payload = simple(other, "cosign container image signature");
    for mut replayed in [
        signed(&pair, other, PROVENANCE, provenance()),
        sig(subject(), &simple_payload, &pair.sign(&simple_payload)),
    ] {
        replayed.attached_to = subject();
        let said = ask.one(&replayed);
        assert_eq!(said.cause, Some(CauseKind::WrongSubject));
        assert_eq!(said.subjects, [other]);
    }
}

fn index_upwards_and_sideways() {
    let pair = Pair::p256();
    let (index, child, sibling) = (subject(), Digest::of(b"a child"), Digest::of(b"its sibling"));
    let mut ask = Ask::new(by_keys(&[("k", pair.pem())]), index);
    let about_child = signed(&pair, child, PROVENANCE, provenance());
    assert_eq!(ask.one(&about_child).cause, Some(CauseKind::WrongSubject), "upwards");
    ask.subject = sibling;
    ask.via = Some(index);
    assert_eq!(ask.one(&about_child).cause, Some(CauseKind::WrongSubject), "sideways");
}

fn payload_type_confusion() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let payload = statement(subject(), TEST_RESULT, test_result("PASSED"));
    // Signed as another type.
    let kind = "application/vnd.example.note";
    let pae = [
        format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(),
        &payload,
    ]
    .concat();
    let mut foreign = envelope(&pair, &payload, &payload);
    foreign["signatures"][0]["sig"] = encode(&pair.sign(&pae)).into();
    // Signed as bare bytes, as a simple signing payload would be.
    let mut bare = foreign.clone();
    bare["signatures"][0]["sig"] = encode(&pair.sign(&payload)).into();
    let mut honest = foreign.clone();
    honest["payloadType"] = kind.into();
    for forged in [foreign, bare, honest] {
        for one in [
            att(subject(), &forged, TEST_RESULT),
            bundle_item(subject(), &bundle(&pair.hint(), &forged)),
        ] {
            assert_ne!(ask.one(&one).state, EvidenceState::Verified);
        }
    }
    // A statement's bytes under a signature of cosign's other layout.
    let said = ask.one(&sig(subject(), &payload, &pair.sign(&payload)));
    assert_ne!(said.state, EvidenceState::Verified);
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn duplicate_keys() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    let good = String::from_utf8(statement(subject(), TEST_RESULT, test_result("PASSED"))).unwrap();
    let other = Digest::of(b"another image").hex();
    for twice in [
        good.replacen(
            "\"predicateType\"",
            "\"predicateType\":\"https://example.test\",\"predicateType\"",
            1,
        ),
        good.replacen(
            "\"subject\"",
            &format!("\"subject\":[{{\"digest\":{{\"sha256\":\"{other}\"}}}}],\"subject\""),
            1,
        ),
        good.replacen("\"result\"", "\"result\":\"FAILED\",\"result\"", 1),
        good.replacen("\"predicate\":", "\"predicate\":{},\"predicate\":", 1),
    ] {
        let payload = twice.as_bytes();
        for one in [
            att(subject(), &envelope(&pair, payload, payload), TEST_RESULT),
            bundle_item(subject(), &bundle(&pair.hint(), &envelope(&pair, payload, payload))),
        ] {
            assert_ne!(ask.one(&one).state, EvidenceState::Verified, "{twice}");
        }
    }
    // Around the signature.
    let envelope = envelope(&pair, good.as_bytes(), good.as_bytes()).to_string();
    let twice = envelope.replacen("\"payload\"", "\"payload\":\"e30=\",\"payload\"", 1);
    let one = item(
        subject(),
        "application/vnd.dsse.envelope.v1+json",
        Carrier::CosignAttTag,
        twice.into_bytes(),
    );
    assert!(ask.of(&one).iter().all(|e| e.state != EvidenceState::Verified));
}

fn named_as_another_kind() {
    let pair = Pair::p256();
    let ask = Ask::new(by_keys(&[("k", pair.pem())]), subject());
    for media_type in [BUNDLE, "application/vnd.in-toto+json", "application/spdx+json"] {
        let mut sbom = signed(&pair, subject(), SPDX, spdx());
        sbom.media_type = media_type.to_owned();
        for key in [
            "predicateType",
            "dev.sigstore.bundle.predicateType",
            "in-toto.io/predicate-type",
        ] {
            sbom.annotations.insert(key.to_owned(), TEST_RESULT.to_owned());
        }
        let said = ask.of(&sbom);
        assert!(said.iter().all(|e| e.kind == EvidenceKind::Sbom), "{media_type}");
        assert_eq!(
            judge_by(&said, EvidenceKind::TestResult, None, now()),
            Outcome::Rejected
        );
    }
}

fn foreign_log_entry() {
    let (Some((ask, genuine)), Some((_, other))) = (
        genuine::bundle("carabiner/public-good"),
        genuine::bundle("conformance/happy-path-intoto-in-dsse-v3"),
    ) else {
        return;
    };
    assert_eq!(
        ask.one(&genuine::as_item(&ask, &genuine)).state,
        EvidenceState::Verified
    );
    let mut entry = genuine.clone();
    entry["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    let mut envelope = genuine.clone();
    envelope["dsseEnvelope"] = other["dsseEnvelope"].clone();
    let mut certificate = genuine.clone();
    certificate["verificationMaterial"]["certificate"] = other["verificationMaterial"]["certificate"].clone();
    for forged in [entry, envelope, certificate] {
        let said = ask.one(&genuine::as_item(&ask, &forged));
        assert_ne!(said.state, EvidenceState::Verified, "{:?}", said.detail);
    }
}

fn downgraded_bundle() {
    let Some((mut ask, genuine)) = genuine::bundle("carabiner/public-good") else {
        return;
    };
    ask.profile.transparency_log = LogRule::InclusionProof;
    assert_eq!(
        ask.one(&genuine::as_item(&ask, &genuine)).state,
        EvidenceState::Verified
    );
    let mut rewritten = genuine;
    let material = &mut rewritten["verificationMaterial"];
    let certificate = material["certificate"].take();
    material["x509CertificateChain"] = json!({ "certificates": [certificate] });
    material.as_object_mut().unwrap().remove("certificate");
    material["tlogEntries"][0]
        .as_object_mut()
        .unwrap()
        .remove("inclusionProof");
    for version in ["0.1", "0.2"] {
        rewritten["mediaType"] = format!("application/vnd.dev.sigstore.bundle+json;version={version}").into();
        let said = ask.one(&genuine::as_item(&ask, &rewritten));
        assert_ne!(said.state, EvidenceState::Verified, "{version} {:?}", said.detail);
    }
}

//! Asks about bytes as if a registry had served them; nothing an attacker writes is ever verified.

use std::collections::BTreeMap;

use bytes::Bytes;
use pindeck::domain::evidence::EvidenceState;
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{
    Demands, Identity, LogRule, Match, SignerRule, TimeRule, TrustProfile, TrustRoot, TrustedKey,
};
use pindeck::sources::evidence::{Carrier, Item, Question, Trust, check};

/// Nobody holds its private half.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeGa6ZCZn0q6WpaUwJrSk+PPYEsca\n3Xkk3UrxvbQtoZzTmq0zIYq+4QQl0YBedSyy+XcwAMaUWTouTrB05WhYtg==\n-----END PUBLIC KEY-----\n";

pub fn profile(keys: bool, root: TrustRoot) -> TrustProfile {
    TrustProfile {
        name: "fuzz".to_owned(),
        keys: if keys {
            vec![TrustedKey {
                name: "k".to_owned(),
                pem: KEY.to_owned(),
                validity: Default::default(),
            }]
        } else {
            Vec::new()
        },
        root: Some(root),
        identities: vec![Identity {
            san: Match::Exact("nobody@example.test".to_owned()),
            issuer: Some(Match::Exact("https://example.test".to_owned())),
            claims: BTreeMap::new(),
        }],
        transparency_log: LogRule::NotRequired,
        sct: true,
        timestamp: TimeRule::Any,
        demands: Demands::default(),
        signature_format: None,
        predicate_types: Vec::new(),
    }
}

pub fn ask(media_type: &str, carrier: Carrier, annotations: BTreeMap<String, String>, content: &[u8]) {
    thread_local! {
        static TRUST: Trust = Trust::new(&BTreeMap::from([("fuzz".to_owned(), profile(true, TrustRoot::PublicGood))]))
            .expect("a usable profile");
    }
    let digest = Digest::of(content);
    let item = Item {
        attached_to: digest,
        manifest: digest,
        digest,
        media_type: media_type.to_owned(),
        annotations,
        carrier,
        content: Ok(Bytes::copy_from_slice(content).into()),
    };
    let signer = SignerRule {
        default: Some("fuzz".to_owned()),
        per_kind: BTreeMap::new(),
    };
    TRUST.with(|trust| {
        let question = Question {
            subject: digest,
            also_known_as: &[],
            via: None,
            manifest_bytes: Some(content),
            service: Some("app"),
            signer: &signer,
            service_signer: None,
            trust,
            keep_content: false,
        };
        for evidence in check(&item, &question) {
            assert_ne!(evidence.state, EvidenceState::Verified);
        }
    });
}

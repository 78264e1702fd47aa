//! The fixtures of `tests/data/evidence`, made with openssl and cosign (see the README there).

use std::collections::BTreeMap;
use std::path::Path;

use pindeck::domain::evidence::Evidence;
use pindeck::domain::id::Digest;
use pindeck::domain::policy::{
    Demands, Identity, LogRule, Match, TimeRule, TrustProfile, TrustRoot, TrustedKey, Validity,
};
use pindeck::sources::evidence::{Carrier, Item};

use super::ask::{Ask, by_keys};
use super::evidence_cases::item;
use super::forge::BUNDLE;

/// The digest that the bundles made with openssl are about.
const SUBJECT: &str = "2b7c3d7e5a1f4c6b8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e";

/// A file of the folder.
pub fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/evidence")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The digest that the bundles made with openssl are about.
pub fn subject() -> Digest {
    Digest::from_hex(SUBJECT).unwrap()
}

/// A bundle of the folder, as a referrer.
pub fn bundle(name: &str) -> Item {
    let text = text(&format!("{name}.sigstore.json"));
    item(subject(), BUNDLE, Carrier::Referrer, text.into_bytes())
}

fn root() -> TrustRoot {
    TrustRoot::File {
        name: "the fixtures' root".to_owned(),
        json: text("trusted-root.json"),
    }
}

/// Believes certificates of the fixtures' authority for this name; its owner keeps no logs.
pub fn by_name(san: Match) -> Ask {
    let profile = TrustProfile {
        name: "test".to_owned(),
        keys: Vec::new(),
        root: Some(root()),
        identities: vec![Identity {
            san,
            issuer: Some(Match::Exact("https://issuer.example.test".to_owned())),
            claims: BTreeMap::new(),
        }],
        transparency_log: LogRule::NotRequired,
        sct: false,
        timestamp: TimeRule::Any,
        demands: Demands::default(),
        signature_format: None,
        predicate_types: Vec::new(),
    };
    Ask::new(profile, subject())
}

/// Believes the fixtures' key; timestamps are anchored in the fixtures' root.
pub fn by_key() -> Ask {
    let mut profile = by_keys(&[("release.pub", text("release.pub"))]);
    profile.root = Some(root());
    Ask::new(profile, subject())
}

/// The same, while the key is in use.
pub fn by_key_in_use(validity: Validity) -> Ask {
    let mut ask = by_key();
    ask.profile.keys = vec![TrustedKey {
        name: "release.pub".to_owned(),
        pem: text("release.pub"),
        validity,
    }];
    ask
}

/// Believes the key that cosign signed with, for the image it signed.
pub fn by_cosigns_key() -> Ask {
    let signed: serde_json::Value = serde_json::from_str(&text("cosign2.sig.json")).unwrap();
    let digest = signed["critical"]["image"]["docker-manifest-digest"].as_str().unwrap();
    Ask::new(by_keys(&[("cosign.pub", text("cosign.pub"))]), digest.parse().unwrap())
}

/// Every statement of some bundles of the folder.
pub fn all_of(ask: &Ask, names: &[&str]) -> Vec<Evidence> {
    names.iter().flat_map(|name| ask.of(&bundle(name))).collect()
}

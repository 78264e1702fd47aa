//! TUF repositories of keys of our own: rotation with old and new thresholds, and what a stolen key must not do.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pindeck::domain::evidence::{CauseKind, EvidenceState};
use pindeck::domain::policy::TrustRoot;
use pindeck::domain::trusted_root::{RefreshedRoot, RefreshedRoots};
use pindeck::sources::evidence::Trust;
use pindeck::sources::tuf::{RootFolder, TufError, refresh};
use serde_json::Value;

use crate::support::genuine::{as_item, bundle};
use crate::support::tuf_site::{Edition, Files, Signer, Site, documents, states, trusted_root};

fn now() -> Timestamp {
    "2026-11-30T00:00:00Z".parse().expect("a time")
}

fn edition<'a>(version: u64, roots: (&'a [&'a Signer], usize), online: &'a Signer, json: &'a str) -> Edition<'a> {
    Edition {
        root: version,
        timestamp: version,
        snapshot: version,
        targets: version,
        expires: "2027-01-01T00:00:00Z",
        trusted_root: json,
        roots,
        online,
    }
}

fn with_root(mut files: Files, version: u64, root: Vec<u8>) -> Files {
    files.insert(format!("{version}.root.json"), root);
    files
}

#[tokio::test]
async fn a_rotation_needs_the_old_and_the_new_threshold() {
    let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(Signer::new);
    let online = Signer::new(9);
    let states = states();
    let (old_json, new_json) = (trusted_root(&states[0]), trusted_root(&states[2]));
    let old_keys = [&a, &b, &c];
    let new_keys = [&c, &d, &e];
    let first = edition(1, (&old_keys, 2), &online, &old_json);
    let start = first.root_by(&[&a, &b]);
    let next = edition(2, (&new_keys, 2), &online, &new_json);
    let home = tempfile::tempdir().expect("a folder");
    let folder = RootFolder::of(home.path());
    let site = Site::start(with_root(first.files(), 1, start.clone())).await;
    let source = site.source(&start);
    let documents = documents();
    let ask = || refresh(&source, &documents, &folder, now());
    let kept = ask().await.expect("the first");
    assert_eq!(*kept.json, old_json);
    // Enough of the old ones alone, enough of the new ones alone, one of each.
    for by in [&[&a, &b][..], &[&d, &e], &[&a, &d], &[&c], &[]] {
        site.serve(with_root(next.files(), 2, next.root_by(by)));
        let error = ask().await.expect_err("too few");
        assert!(error.to_string().contains("threshold"), "{error}");
        assert_eq!(folder.read(&source), Ok(Some(kept.clone())));
    }
    // One who holds both offices counts for both.
    site.serve(with_root(next.files(), 2, next.root_by(&[&a, &c, &d])));
    let kept = ask().await.expect("both thresholds");
    assert_eq!((&*kept.json, kept.versions.root), (new_json.as_str(), 2));
    // The keys of before sign no further root.
    let again = edition(3, (&old_keys, 2), &online, &old_json);
    site.serve(with_root(again.files(), 3, again.root_by(&[&a, &b])));
    assert!(ask().await.is_err());
    assert_eq!(folder.read(&source), Ok(Some(kept)));
}

#[tokio::test]
async fn genuine_keys_never_bring_anything_back() {
    let [a, b] = [1, 2].map(Signer::new);
    let (online, fresh) = (Signer::new(8), Signer::new(9));
    let states = states();
    let (old_json, new_json) = (trusted_root(&states[0]), trusted_root(&states[2]));
    let keys = [&a, &b];
    let first = edition(5, (&keys, 2), &online, &new_json);
    let start = first.root_by(&keys);
    let home = tempfile::tempdir().expect("a folder");
    let folder = RootFolder::of(home.path());
    let site = Site::start(with_root(first.files(), 5, start.clone())).await;
    let source = site.source(&start);
    let documents = documents();
    let kept = refresh(&source, &documents, &folder, now()).await.expect("the first");
    // Each role alone is signed anew with a lower number.
    let lower: [fn(&mut Edition<'_>); 3] = [
        |e| e.timestamp = 4,
        |e| e.snapshot = 4,
        |e| (e.snapshot, e.targets) = (6, 4),
    ];
    for change in lower {
        let mut offered = edition(5, (&keys, 2), &online, &old_json);
        offered.timestamp = 6;
        change(&mut offered);
        site.serve(with_root(offered.files(), 5, start.clone()));
        let error = refresh(&source, &documents, &folder, now()).await.expect_err("lower");
        assert!(matches!(error, TufError::Refused { .. }), "{error}");
        assert_eq!(folder.read(&source), Ok(Some(kept.clone())));
    }
    // A new root with new keys below it makes the client forget what they signed; what is kept is not forgotten.
    let mut rotated = edition(4, (&keys, 2), &fresh, &old_json);
    rotated.root = 6;
    site.serve(with_root(rotated.files(), 6, rotated.root_by(&keys)));
    let error = refresh(&source, &documents, &folder, now()).await.expect_err("lower");
    assert!(
        error.to_string().contains("version 4, and version 5 is known"),
        "{error}"
    );
    assert_eq!(folder.read(&source), Ok(Some(kept)));
    // A target that verifies and is no trusted root.
    let nonsense = {
        let mut nonsense = edition(7, (&keys, 2), &online, "{\"mediaType\":\"x\"}");
        nonsense.root = 5;
        nonsense
    };
    site.serve(with_root(nonsense.files(), 5, start.clone()));
    let error = refresh(&source, &documents, &folder, now())
        .await
        .expect_err("nonsense");
    assert!(error.to_string().contains("no trusted root"), "{error}");
}

/// A root without the log with the id that a bundle's entry names.
fn without_log(json: &str, log: &str) -> String {
    let mut root: Value = serde_json::from_str(json).expect("JSON");
    let logs = root["tlogs"].as_array_mut().expect("logs");
    let before = logs.len();
    logs.retain(|one| one["logId"]["keyId"] != log);
    assert_eq!(logs.len() + 1, before, "the log is one of the root's");
    root.to_string()
}

#[tokio::test]
async fn what_only_the_new_root_knows_is_unsupported_before_and_verified_after() {
    let Some((mut ask, bundle)) = bundle("conformance/happy-path-intoto-in-dsse-v3") else {
        return;
    };
    let new_json = trusted_root(&states()[2]);
    let log = bundle["verificationMaterial"]["tlogEntries"][0]["logId"]["keyId"]
        .as_str()
        .expect("a log");
    let old_json = without_log(&new_json, log);
    let (a, online) = (Signer::new(1), Signer::new(9));
    let keys = [&a];
    let first = edition(1, (&keys, 1), &online, &old_json);
    let start = first.root_by(&keys);
    let second = edition(2, (&keys, 1), &online, &new_json);
    let home = tempfile::tempdir().expect("a folder");
    let folder = RootFolder::of(home.path());
    let site = Site::start(with_root(first.files(), 1, start.clone())).await;
    let source = site.source(&start);
    ask.profile.root = Some(TrustRoot::PublicGood);
    let item = as_item(&ask, &bundle);
    let mut said = Vec::new();
    for edition in [&first, &second] {
        site.serve(with_root(edition.files(), edition.root, edition.root_by(&keys)));
        let kept = refresh(&source, &documents(), &folder, now()).await.expect("a refresh");
        let root = RefreshedRoot {
            json: kept.json,
            fetched_at: kept.fetched_at,
        };
        let roots = RefreshedRoots(BTreeMap::from([("public-good", root)]));
        let profiles = BTreeMap::from([("test".to_owned(), ask.profile.clone())]);
        let trust = Trust::with_roots(&profiles, &roots).expect("a usable profile");
        said.push(ask.under(&trust, &item).remove(0));
    }
    assert_eq!(said[0].cause, Some(CauseKind::Unsupported), "{:?}", said[0]);
    let detail = said[0].detail.as_ref().expect("a detail").raw().to_owned();
    assert!(detail.contains("`pindeck trust update`"), "{detail}");
    assert_eq!(said[1].state, EvidenceState::Verified, "{:?}", said[1]);
}

//! A whole release: packed by `.ci/release`, signed and pushed by `.ci/publish` with cosign and oras to docker-registry, judged by
//! pindeck.

use std::path::Path;

use pindeck::domain::Digest;
use serde_json::{Value, json};

use crate::support::cosign::{Cosign, Layout};
use crate::support::docker_registry::{DockerRegistry, Storage};
use crate::support::peer::{find, pindeck, run};
use crate::support::release_steps::{VERSION, done, script, stand_in};

const TARGET: &str = "x86_64-unknown-linux-musl";
const NAME: &str = "acme/pindeck";

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// An image of one layer, put into the registry before anything is signed.
fn image(storage: &Storage) -> Digest {
    let config =
        json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).to_string();
    let (layer, size) = (storage.put(NAME, b"a layer"), config.len());
    let config = storage.put(NAME, config.as_bytes());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(), "size": size},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer.to_string(), "size": 7}],
    });
    storage.put_manifest(NAME, manifest.to_string().as_bytes())
}

#[test]
fn a_release_is_packed_signed_pushed_and_verified() {
    let (Some(cosign), Some(oras), Some(program)) = (find("cosign3"), find("oras"), find("docker-registry")) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let files = home.join("files");
    let built = stand_in(&home.join("built"));
    done(script(
        "release",
        &["--target", TARGET, "--binary", text(&built), "--out", text(&files)],
    ));
    let digest = image(&Storage::in_folder(home));
    let registry = DockerRegistry::start(&program, home);
    let signer = Cosign {
        program: cosign.clone(),
        layout: Layout::Bundle,
    };
    signer.make_keys(home, "release");
    signer.make_keys(home, "stranger");
    let name = format!("{}/{NAME}", registry.address);
    let publish = |args: &[&str]| {
        let mut command = script("publish", args);
        command.env("COSIGN", &cosign).env("ORAS", &oras);
        command
            .env("HOME", home)
            .env("DOCKER_CONFIG", home)
            .env("COSIGN_PASSWORD", "");
        command
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_STATE_HOME", home.join("state"));
        command
    };
    let (key, stranger) = (home.join("release"), home.join("stranger"));
    let whole = [
        "all",
        "--files",
        text(&files),
        "--image",
        &name,
        "--image-digest",
        &digest.to_string(),
        "--key",
        text(&key),
    ];
    let resolved = |reference: &str| run(&oras, home, ["resolve", "--plain-http", reference]);
    assert_ne!(
        resolved(&format!("{name}:{VERSION}")).code,
        0,
        "the version is given once it was judged"
    );
    let said = String::from_utf8(done(publish(&whole))).unwrap();
    assert_eq!(resolved(&format!("{name}:{VERSION}")).stdout.trim(), digest.to_string());
    // A version that names another image already is never moved, and nothing is signed for it.
    let mut again = whole;
    let other = Digest::of(b"another image").to_string();
    again[6] = &other;
    let refused = publish(&again).output().unwrap();
    assert!(!refused.status.success());
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("release another version"), "{words}");
    let listed = std::fs::read_to_string(files.join("DIGESTS")).unwrap();
    for wanted in [
        ".tar.gz",
        ".cdx.json",
        "SHA256SUMS",
        "pindeck.rb",
        "pindeck-release.toml",
        "the image",
    ] {
        assert!(listed.lines().any(|line| line.ends_with(wanted)), "{wanted}: {listed}");
    }
    let verified = said.lines().filter(|line| line.starts_with("verified")).count();
    assert_eq!(verified, listed.lines().count(), "{said}");

    let policy = files.join("pindeck-release.toml");
    let judge = |reference: &str| {
        let args = [
            "--config",
            text(&policy),
            "verify",
            "--policy",
            "release",
            reference,
            "--json",
        ];
        let answer = pindeck(home, args);
        let document: Value = serde_json::from_str(&answer.stdout).unwrap_or_else(|_| panic!("{answer:?}"));
        let causes = document["verdict"]["causes"].as_array().cloned().unwrap_or_default();
        let words = causes
            .iter()
            .map(|one| format!("{} {}", one["check"], one["cause"]).replace('"', ""));
        (answer.code, words.collect::<Vec<_>>())
    };
    // Whoever has the archive knows its digest.
    let archive = files.join(format!("pindeck-{VERSION}-{TARGET}.tar.gz"));
    let named = |file: &Path| {
        let manifest = done(script("publish", &["manifest", text(file)]));
        (format!("{name}/files@{}", Digest::of(&manifest)), manifest)
    };
    let (genuine, _) = named(&archive);
    assert!(listed.contains(&genuine), "{genuine}: {listed}");
    assert_eq!(judge(&genuine), (0, Vec::new()));
    // With one byte changed it has another one, and the registry has nothing of that name.
    let mut bytes = std::fs::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let changed = home.join(archive.file_name().unwrap());
    std::fs::write(&changed, &bytes).unwrap();
    let (reference, manifest) = named(&changed);
    assert_eq!(judge(&reference), (4, vec!["digest absent".to_owned()]));
    // Pushed all the same, and signed by somebody: not by whom the policy names.
    std::fs::write(home.join("manifest"), manifest).unwrap();
    let repository = format!("{name}/files");
    run(
        &oras,
        home,
        ["blob", "push", "--plain-http", &repository, text(&changed)],
    )
    .expect("a blob");
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let push = [
        "manifest",
        "push",
        "--plain-http",
        "--media-type",
        kind,
        &reference,
        "manifest",
    ];
    run(&oras, home, push).expect("a manifest");
    signer.release(home, text(&stranger.with_extension("key")), &reference, "PASSED");
    let causes = ["provenance", "sbom", "signature"].map(|check| format!("{check} other-signer"));
    let (code, mut found) = judge(&reference);
    found.sort_unstable();
    assert_eq!((code, found), (4, causes.to_vec()));
}

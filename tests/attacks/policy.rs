//! Attacks by a repository's own policy: to have files of the machine read, or trusted.

use std::path::Path;

use pindeck::domain::evidence::EvidenceKind;
use pindeck::engine::{Engine, OpenOptions};

use crate::support::git_world::{World, git};
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "key-path-out-of-the-repository",
        tries: "a policy names a file outside of the repository as a key, a root or a certificate authority",
        attempt: || on_a_runtime(path_out_of_the_repository()),
    },
    Attack {
        name: "key-by-a-tracked-link",
        tries: "a policy names a tracked symbolic link to a file outside of the repository as a key",
        attempt: || on_a_runtime(tracked_link()),
    },
    Attack {
        name: "policy-that-is-not-in-force",
        tries: "a policy that asks for nothing lies in the working tree, the index and a commit that nobody pushed",
        attempt: || on_a_runtime(policy_not_in_force()),
    },
];

/// A key that somebody else trusts; nothing of this repository.
const SECRET: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEP8x2a5opcbVKyLtjj3kQQXtYNqjV
p1SE9hEoA06JzVYtKDfKk2/NNysaW+6AFvt3QPiI9VWTtlNVdQRqa+Qcog==
-----END PUBLIC KEY-----
";

/// A policy with this in its trust profile and these settings of a registry.
fn policy(trust: &str, registry: &str) -> String {
    format!(
        "version = 1\n[[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\npolicy = \"p\"\n\
         [policies.p]\nrequire = [\"signature\"]\nsigner = \"ci\"\n\
         [trust.ci]\n{trust}\ntransparency_log = \"not-required\"\n\
         [registries.\"registry.example.com\"]\nrequests_per_second = 5\n{registry}\n"
    )
}

/// What reading the configuration of a clone comes to: an error in words, or success.
async fn settings(dir: &Path) -> Result<(), String> {
    let engine = Engine::open(OpenOptions {
        dir: dir.to_owned(),
        offline: true,
        no_fetch: true,
        ..OpenOptions::default()
    })
    .expect("a repository");
    match engine.settings(true).await {
        Ok(settings) if settings.problems.is_empty() => Ok(()),
        Ok(settings) => Err(format!("{:?}", settings.problems)),
        Err(failure) => Err(format!("{failure:?}")),
    }
}

fn assert_refused(what: &str, came_to: Result<(), String>) {
    let words = came_to.expect_err(what);
    assert!(!words.contains("MFkwEwYH"), "{what}: the file is quoted: {words}");
}

async fn path_out_of_the_repository() {
    let world = World::with(&[("envs/production/app.yaml", b"image: registry.example.com/app:1.0.0\n")]);
    let secret = world.root.path().join("secret.pem");
    std::fs::write(&secret, SECRET).unwrap();
    let shown = secret.display().to_string();
    let mut clones = 0;
    for path in ["../secret.pem", "envs/../../secret.pem", shown.as_str(), "~/secret.pem"] {
        for (trust, registry) in [
            (format!("keys = [{path:?}]"), String::new()),
            (
                format!("root = {path:?}\nidentities = [{{ san = \"a\", issuer = \"b\" }}]"),
                String::new(),
            ),
            (
                "root = \"public-good\"\nidentities = [{ san = \"a\", issuer = \"b\" }]".to_owned(),
                format!("ca = {path:?}"),
            ),
        ] {
            clones += 1;
            let dir = world.clone_as(&format!("work-{clones}"), &world.file_url(), &[]);
            std::fs::write(dir.join("pindeck.toml"), policy(&trust, &registry)).unwrap();
            assert_refused(&format!("{trust} {registry}, as a draft"), settings(&dir).await);
            git(&dir, &["add", "-A"]);
            git(&dir, &["commit", "-q", "-m", "policy"]);
            git(&dir, &["branch", "--unset-upstream"]);
            git(&dir, &["remote", "remove", "origin"]);
            assert_refused(&format!("{trust} {registry}, in force"), settings(&dir).await);
        }
    }
}

async fn tracked_link() {
    let world = World::with(&[("envs/production/app.yaml", b"image: registry.example.com/app:1.0.0\n")]);
    std::fs::write(world.root.path().join("secret.pem"), SECRET).unwrap();
    for (name, target) in [("ci.pub", "../secret.pem"), ("keys", "..")] {
        let dir = world.clone_as(&format!("work-{name}"), &world.file_url(), &[]);
        std::os::unix::fs::symlink(target, dir.join(name)).unwrap();
        let path = if name == "keys" { "keys/secret.pem" } else { name };
        std::fs::write(dir.join("pindeck.toml"), policy(&format!("keys = [{path:?}]"), "")).unwrap();
        assert_refused(&format!("{path}, as a draft"), settings(&dir).await);
        git(&dir, &["add", "-A"]);
        git(&dir, &["commit", "-q", "-m", "policy"]);
        git(&dir, &["branch", "--unset-upstream"]);
        git(&dir, &["remote", "remove", "origin"]);
        assert_refused(&format!("{path}, in force"), settings(&dir).await);
    }
}

async fn policy_not_in_force() {
    let strict = policy("keys = [\"ci.pub\"]", "");
    let files: [(&str, &[u8]); 3] = [
        ("envs/production/app.yaml", b"image: registry.example.com/app:1.0.0\n"),
        ("ci.pub", SECRET.as_bytes()),
        ("pindeck.toml", strict.as_bytes()),
    ];
    let world = World::with(&files);
    let dir = world.clone_as("work-lax", &world.file_url(), &[]);
    let in_force = || async {
        let options = OpenOptions {
            dir: dir.clone(),
            offline: true,
            no_fetch: true,
            ..OpenOptions::default()
        };
        let settings = Engine::open(options).expect("opens").settings(false).await;
        let settings = settings.expect("a policy in force");
        let policy = &settings.team.policies["p"];
        (policy.require.clone(), policy.digest)
    };
    let before = in_force().await;
    assert_eq!(before.0, [EvidenceKind::Signature]);
    let lax = strict.replace("require = [\"signature\"]", "require = []");
    std::fs::write(dir.join("pindeck.toml"), &lax).unwrap();
    std::fs::write(dir.join("ci.pub"), "another key").unwrap();
    assert_eq!(in_force().await, before, "the working tree's");
    git(&dir, &["add", "-A"]);
    assert_eq!(in_force().await, before, "the index's");
    git(&dir, &["commit", "-q", "-m", "lax"]);
    assert_eq!(in_force().await, before, "a commit's that nobody pushed");
}

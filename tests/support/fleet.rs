//! Worlds of any size: services in four environments, each cell with a digest of its own that a key of this run signed,
//! a registry in memory, and a clone of the GitOps repository with its policy.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pindeck::domain::Digest;

use super::fake::{Fake, Ways};
use super::peer::git;
use super::signed_world::Key;
use super::stage::path;

/// The environments of a fleet, in promotion order.
pub const ENVIRONMENTS: [&str; 4] = ["dev", "test", "staging", "production"];

/// A world of some services.
pub struct Fleet {
    pub home: tempfile::TempDir,
    pub clone: PathBuf,
}

/// Puts the content of a fleet into a registry: an image for each service and environment, each with a signature.
pub fn content(services: usize, key: &Key) -> (Fake, Vec<[Digest; 4]>) {
    let fake = Fake::new(Ways::default());
    let image = |service: usize, environment: &str| {
        let repository = format!("shop/s{service}");
        let image = fake.image(&repository, &format!("{service} in {environment}"), None);
        fake.tag(&repository, environment, image);
        key.sign(&fake, &repository, image);
        image
    };
    let digests = (0..services).map(|service| ENVIRONMENTS.map(|environment| image(service, environment)));
    let digests = digests.collect();
    (fake, digests)
}

impl Fleet {
    /// The clone that pins these digests, at a registry of this address.
    pub fn of(digests: &[[Digest; 4]], key: &Key, registry: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let clone = home.path().join("gitops");
        write(&clone.join("keys/ci.pub"), &key.pem());
        let mut policy = "version = 1\n".to_owned();
        for environment in ENVIRONMENTS {
            let _ = write!(
                policy,
                "[[environments]]\nname = \"{environment}\"\npaths = [\"{environment}/**\"]\npolicy = \"release\"\n"
            );
        }
        policy += "[policies.release]\nrequire = [\"signature\"]\nsigner = \"ci\"\n";
        policy += "[trust.ci]\nkeys = [\"keys/ci.pub\"]\ntransparency_log = \"not-required\"\n";
        write(&clone.join("pindeck.toml"), &policy);
        for (service, cells) in digests.iter().enumerate() {
            for (environment, digest) in ENVIRONMENTS.iter().zip(cells) {
                let text = format!(
                    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: s{service}}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: s\n          image: {registry}/shop/s{service}@{digest}\n"
                );
                write(&clone.join(environment).join(format!("s{service}.yaml")), &text);
            }
        }
        let run = |args: &[&str]| {
            let folder = ["-C", path(&clone)];
            git(home.path(), folder.iter().chain(args).copied())
        };
        run(&["init", "-q", "-b", "main"]);
        run(&["add", "-A"]);
        run(&["commit", "-q", "-m", "pins"]);
        Self { home, clone }
    }
}

fn write(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(file, text).expect("written");
}

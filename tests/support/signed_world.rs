//! A small release world of our own making: one service in two environments, each with a registry of its
//! own, images that a key of this run signed, and a clone whose policy asks for that signature.

use std::path::PathBuf;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pindeck::domain::Digest;
use pindeck::engine::{Engine, OpenOptions};
use serde_json::json;

use super::fake::{Fake, IMAGE};
use super::peer::git;
use super::stage::path;

/// The repository of the service, in both registries.
pub const API: &str = "shop/api";

/// A key that signs.
pub struct Key {
    pair: EcdsaKeyPair,
}

impl Default for Key {
    fn default() -> Self {
        Self::new()
    }
}

impl Key {
    pub fn new() -> Self {
        Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"),
        }
    }

    pub fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().expect("a public key");
        let text = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..text.len().min(at + 64)])
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// A signature over some bytes, in base64.
    pub fn sign_bytes(&self, bytes: &[u8]) -> String {
        let signed = self.pair.sign(&SystemRandom::new(), bytes).expect("signed");
        STANDARD.encode(signed.as_ref())
    }

    /// What a bundle says about the key that signed it.
    pub fn hint(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().expect("a public key");
        STANDARD.encode(Digest::of(der.as_ref()).as_bytes())
    }

    /// Signs a digest in cosign's older layout and gives the manifest with the signature.
    pub fn signature(&self, fake: &Fake, repository: &str, image: Digest) -> Digest {
        self.padded_signature(fake, repository, image, 0)
    }

    /// The same with so many bytes of white space in front of what is signed.
    pub fn padded_signature(&self, fake: &Fake, repository: &str, image: Digest, padding: usize) -> Digest {
        let payload = json!({
            "critical": {
                "identity": {"docker-reference": repository},
                "image": {"docker-manifest-digest": image.to_string()},
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let payload = format!("{}{payload}", " ".repeat(padding));
        let signed = self
            .pair
            .sign(&SystemRandom::new(), payload.as_bytes())
            .expect("signed");
        let config = fake.blob(repository, "{}");
        let size = payload.len();
        let layer = fake.blob(repository, payload);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(), "size": 2},
            "layers": [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": layer.to_string(),
                "size": size, "annotations": {"dev.cosignproject.cosign/signature": STANDARD.encode(signed.as_ref())}}],
        });
        fake.manifest(repository, IMAGE, manifest.to_string())
    }

    /// Signs a digest and hangs the signature on its tag.
    pub fn sign(&self, fake: &Fake, repository: &str, image: Digest) {
        let signature = self.signature(fake, repository, image);
        fake.tag(repository, &format!("sha256-{}.sig", image.hex()), signature);
    }
}

/// A clone of a GitOps repository with its policy.
pub struct Clone {
    pub home: tempfile::TempDir,
    pub folder: PathBuf,
}

impl Clone {
    /// Environments by name, with the host of the registry that each pulls from and the digest it pins.
    /// `more` goes into each environment of `pindeck.toml`.
    pub fn new(key: &Key, pins: &[(&str, &str, Digest)], more: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("gitops");
        std::fs::create_dir_all(folder.join("keys")).expect("a folder");
        std::fs::write(folder.join("keys/ci.pub"), key.pem()).expect("written");
        let mut policy = "version = 1\n".to_owned();
        for (name, host, digest) in pins {
            policy.push_str(&format!(
                "[[environments]]\nname = \"{name}\"\npaths = [\"envs/{name}/**\"]\npolicy = \"release\"\nafter = []\n{more}\n"
            ));
            let manifest = format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          image: {host}/{API}@{digest}\n"
            );
            std::fs::create_dir_all(folder.join("envs").join(name)).expect("a folder");
            std::fs::write(folder.join("envs").join(name).join("api.yaml"), manifest).expect("written");
        }
        let hosts: Vec<String> = pins.iter().map(|(_, host, _)| format!("{host}/{API}")).collect();
        let also: Vec<String> = hosts
            .iter()
            .skip(1)
            .filter(|h| **h != hosts[0])
            .map(|h| format!("{h:?}"))
            .collect();
        policy.push_str(&format!(
            "[[services]]\nname = \"api\"\nimage = \"{}\"\nalso = [{}]\n",
            hosts[0],
            also.join(", ")
        ));
        policy.push_str("[policies.release]\nrequire = [\"signature\"]\nsigner = \"ci\"\n");
        policy.push_str("[trust.ci]\nkeys = [\"keys/ci.pub\"]\ntransparency_log = \"not-required\"\n");
        std::fs::write(folder.join("pindeck.toml"), policy).expect("written");
        let run = |args: &[&str]| {
            let all: Vec<&str> = ["-C", path(&folder)].into_iter().chain(args.iter().copied()).collect();
            git(home.path(), all)
        };
        run(&["init", "-q", "-b", "main"]);
        run(&["add", "-A"]);
        run(&["commit", "-q", "-m", "pins"]);
        Self { home, folder }
    }

    /// An engine with a cache of its own in the named folder.
    pub fn engine(&self, cache: &str) -> Engine {
        Engine::open(OpenOptions {
            dir: self.folder.clone(),
            cache_dir: Some(self.home.path().join(cache)),
            cache_bytes: 1 << 28,
            ..OpenOptions::default()
        })
        .expect("a repository")
    }
}

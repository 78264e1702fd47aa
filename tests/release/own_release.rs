//! pindeck judges its own release. The manifest of a file, its provenance and the policy come out of `.ci/publish`, as in the
//! release workflow; the signatures are a workflow's, by a private Sigstore.

use std::path::PathBuf;

use pindeck::domain::Digest;
use serde_json::{Value, json};

use crate::support::fake::{Fake, IMAGE, Ways};
use crate::support::peer::pindeck;
use crate::support::private_sigstore::{PrivateSigstore, Workflow, about, attach};
use crate::support::release_steps::{SOURCE, VERSION, done, script};
use crate::support::server::Server;
use crate::support::stage::path;

const FILES: &str = "acme/pindeck/files";
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const COMPONENTS: &str = "https://cyclonedx.org/bom";
const ALL: [&str; 3] = [SIGNATURE, PROVENANCE, COMPONENTS];

/// A check that is not passed: its name, the cause, and the digest that its evidence is about instead.
type Refused = (String, String, Option<String>);

/// A registry, a policy, and who signs for it.
struct Release {
    home: tempfile::TempDir,
    fake: Fake,
    registry: String,
    sigstore: PrivateSigstore,
    /// Whom the policy names.
    workflow: Workflow,
    policy: PathBuf,
    _server: Server,
}

impl Release {
    async fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let fake = Fake::new(Ways::default());
        let honest = fake.clone();
        let server = Server::start(move |seen| honest.answer(seen)).await;
        let registry = server.address.to_string();
        let sigstore = PrivateSigstore::new();
        std::fs::write(home.path().join("root.json"), sigstore.trusted_root()).expect("written");
        let image = format!("{registry}/acme/pindeck");
        let shipped = String::from_utf8(done(script("publish", &["policy", "--image", &image]))).expect("text");
        // Nothing of the policy is another one here but where trust begins.
        assert_eq!(shipped.matches("root = \"public-good\"").count(), 1);
        let policy = home.path().join("pindeck-release.toml");
        let text = shipped.replace("root = \"public-good\"", "root = \"root.json\"");
        std::fs::write(&policy, &text).expect("written");
        let parsed: toml::Table = text.parse().expect("TOML");
        let named = &parsed["trust"]["release"]["identities"][0];
        let word = |key: &str| named[key].as_str().expect("text").to_owned();
        let workflow = Workflow {
            san: word("san"),
            issuer: word("issuer"),
        };
        assert_eq!(
            workflow.san,
            format!("{SOURCE}/.github/workflows/release.yml@refs/tags/v{VERSION}")
        );
        Self {
            home,
            fake,
            registry,
            sigstore,
            workflow,
            policy,
            _server: server,
        }
    }

    /// Puts a file into the registry, as the release does; its digest there.
    fn put(&self, bytes: &str) -> Digest {
        let file = self
            .home
            .path()
            .join(format!("pindeck-{VERSION}-x86_64-unknown-linux-musl.tar.gz"));
        std::fs::write(&file, bytes).expect("written");
        let manifest = done(script("publish", &["manifest", path(&file)]));
        self.fake.blob(FILES, "{}");
        self.fake.blob(FILES, bytes);
        self.fake.manifest(FILES, IMAGE, manifest)
    }

    /// What the workflow says of a digest.
    fn statement(&self, kind: &str, subject: Digest) -> Value {
        let predicate = match kind {
            PROVENANCE => self.provenance(),
            COMPONENTS => json!({
                "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
                "components": [{"type": "library", "name": "tokio", "version": "1.0.0", "purl": "pkg:cargo/tokio@1.0.0"}],
            }),
            _ => json!({}),
        };
        about(subject, kind, &predicate)
    }

    fn provenance(&self) -> Value {
        serde_json::from_slice(&done(script("publish", &["provenance"]))).expect("JSON")
    }

    /// Signs statements of these kinds about `subject` and hangs them on `at`.
    fn sign(&self, who: &Workflow, kinds: &[&str], subject: Digest, at: Digest) {
        for kind in kinds {
            let bundle = self.sigstore.bundle(who, &self.statement(kind, subject));
            attach(&self.fake, FILES, at, &bundle);
        }
    }

    /// The exit status, the result, and what was refused.
    #[track_caller]
    fn judge(&self, policy: &str, digest: Digest) -> (i32, String, Vec<Refused>) {
        let reference = format!("{}/{FILES}@{digest}", self.registry);
        let args = [
            "--config",
            path(&self.policy),
            "verify",
            "--policy",
            policy,
            &reference,
            "--json",
        ];
        let answer = tokio::task::block_in_place(|| pindeck(self.home.path(), args));
        let document: Value = serde_json::from_str(&answer.stdout).unwrap_or_else(|_| panic!("{answer:?}"));
        let verdict = &document["verdict"];
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let causes = verdict["causes"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
        let causes = causes.iter().map(|cause| {
            let subject = cause["subject"].as_str().map(str::to_owned);
            (word(&cause["check"]), word(&cause["cause"]), subject)
        });
        (answer.code, word(&verdict["result"]), causes.collect())
    }

    /// It is rejected, each of these checks for one cause.
    #[track_caller]
    fn rejects(&self, digest: Digest, checks: &[&str], cause: &str, about: Option<Digest>) {
        let (code, result, causes) = self.judge("release", digest);
        assert_eq!((code, result.as_str()), (4, "rejected"), "{causes:?}");
        let mut found: Vec<&str> = causes.iter().map(|one| one.0.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, checks, "{causes:?}");
        for (check, found, subject) in &causes {
            assert_eq!(found, cause, "{check}: {causes:?}");
            if let Some(about) = about {
                assert_eq!(subject.as_deref(), Some(about.to_string().as_str()), "{check}");
            }
        }
    }
}

const CHECKS: [&str; 3] = ["provenance", "sbom", "signature"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_of_the_workflow_is_verified_by_the_shipped_policy() {
    let release = Release::start().await;
    let program = release.put("the program");
    release.sign(&release.workflow, &ALL, program, program);
    assert_eq!(
        release.judge("release", program),
        (0, "verified".to_owned(), Vec::new())
    );
    // What contains no program needs no list of components.
    let checksums = release.put("checksums");
    release.sign(&release.workflow, &[SIGNATURE, PROVENANCE], checksums, checksums);
    assert_eq!(
        release.judge("files", checksums),
        (0, "verified".to_owned(), Vec::new())
    );
    release.rejects(checksums, &["sbom"], "absent", None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_changed_byte_of_a_release_is_another_digest() {
    let release = Release::start().await;
    let program = release.put("the program");
    release.sign(&release.workflow, &ALL, program, program);
    // Nothing was ever said of what has a byte of another value,
    let changed = release.put("the prograM");
    assert_ne!(changed, program);
    release.rejects(changed, &CHECKS, "absent", None);
    // the evidence of the genuine file speaks of the genuine file, wherever somebody hangs it,
    release.sign(&release.workflow, &ALL, program, changed);
    release.rejects(changed, &CHECKS, "wrong-subject", Some(program));
    // and other bytes under the genuine name are not what the name says.
    let manifest = release.fake.content()[FILES].manifests[&changed].clone();
    let mut content = release.fake.content();
    let repository = content.get_mut(FILES).expect("the repository");
    repository.manifests.insert(program, manifest);
    drop(content);
    release.rejects(program, &["digest"], "corrupt", None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provenance_of_another_file_or_another_build_does_not_count() {
    let release = Release::start().await;
    let (program, other) = (release.put("the program"), release.put("another program"));
    release.sign(&release.workflow, &[SIGNATURE, COMPONENTS], program, program);
    release.sign(&release.workflow, &[PROVENANCE], other, program);
    release.rejects(program, &["provenance"], "wrong-subject", Some(other));
    // From another repository, or on a machine that is not GitHub's: the right signer says so.
    for (field, value) in [
        (
            "/buildDefinition/externalParameters/workflow/repository",
            "https://github.com/mallory/pindeck",
        ),
        (
            "/runDetails/builder/id",
            "https://github.com/actions/runner/self-hosted",
        ),
    ] {
        let program = release.put(field);
        release.sign(&release.workflow, &[SIGNATURE, COMPONENTS], program, program);
        let mut predicate = release.provenance();
        *predicate.pointer_mut(field).expect("a field") = json!(value);
        if field.ends_with("repository") {
            predicate["buildDefinition"]["resolvedDependencies"][0]["uri"] = json!(format!("git+{value}"));
        }
        let bundle = release
            .sigstore
            .bundle(&release.workflow, &about(program, PROVENANCE, &predicate));
        attach(&release.fake, FILES, program, &bundle);
        release.rejects(program, &["provenance"], "policy-failed", None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_workflow_speaks_for_a_release() {
    let release = Release::start().await;
    let genuine = &release.workflow;
    let workflows = "acme/pindeck/.github/workflows";
    let others = [
        ("another workflow", genuine.san.replace("release.yml", "ci.yml")),
        (
            "a branch",
            genuine.san.replace(&format!("tags/v{VERSION}"), "heads/main"),
        ),
        ("another version", genuine.san.replace(VERSION, "0.0.9")),
        (
            "a fork",
            genuine.san.replace(workflows, "mallory/pindeck/.github/workflows"),
        ),
    ];
    let mut signers: Vec<(&str, Workflow)> = others
        .into_iter()
        .map(|(what, san)| {
            assert_ne!(san, genuine.san);
            let issuer = genuine.issuer.clone();
            (what, Workflow { san, issuer })
        })
        .collect();
    let issuer = "https://accounts.example.test".to_owned();
    signers.push((
        "another issuer",
        Workflow {
            issuer,
            ..genuine.clone()
        },
    ));
    for (what, signer) in &signers {
        let program = release.put(what);
        release.sign(signer, &ALL, program, program);
        release.rejects(program, &CHECKS, "other-signer", None);
    }
    // The right words in a certificate of an authority that nobody named.
    let program = release.put("another authority");
    for kind in ALL {
        let bundle = PrivateSigstore::new().bundle(genuine, &release.statement(kind, program));
        attach(&release.fake, FILES, program, &bundle);
    }
    release.rejects(program, &CHECKS, "unsupported", None);
}

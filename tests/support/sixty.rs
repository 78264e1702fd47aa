//! A shop of many services in four environments, with a registry in this process: every digest with a signature,
//! provenance, an SBOM and a test result, really signed and judged by pindeck itself; some of it wrong, on purpose.
//!
//! What is where follows from the number of the service alone, so that a test can say what it expects:
//! [`behind`] says how many versions an environment lags, [`fault`] what is wrong with its digest, [`is_held`] what was
//! taken back in production and is on hold.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use pindeck::domain::Digest;
use serde_json::{Value, json};

use super::fake::{Fake, IMAGE, Ways};
use super::peer::git;
use super::server::{Reply, Seen, Server};
use super::signed_world::Key;
use super::stage::path;

pub const ENVIRONMENTS: [&str; 4] = ["dev", "integration", "staging", "production"];
/// Versions of every service: 1.4.0 up to this one.
pub const NEWEST: usize = 9;
/// The first version.
pub const OLDEST: usize = 4;

const HOST: &str = "registry.fleet.example";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";
const TEAMS: [&str; 6] = ["cart", "pay", "search", "ship", "stock", "user"];
const KINDS: [&str; 10] = [
    "api", "worker", "gateway", "cron", "web", "export", "import", "admin", "sync", "mail",
];
/// The files that a commit writes, by path.
type Files = Vec<(String, String)>;

const PEOPLE: [&str; 4] = ["Ada Osei", "Bruno Lima", "Chen Wei", "release-bot"];

/// The name of a service by its number.
pub fn name(service: usize) -> String {
    let (team, kind) = (TEAMS[service % 6], KINDS[service / 6 % 10]);
    match service / 60 {
        0 => format!("{team}-{kind}"),
        round => format!("{team}-{kind}-{round}"),
    }
}

/// How many versions an environment is behind what CI offers.
pub fn behind(service: usize, environment: usize) -> usize {
    [0, service % 2, service % 3, service % 4]
        .into_iter()
        .take(environment + 1)
        .max()
        .unwrap_or(0)
}

/// What is wrong with the evidence of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The tests failed.
    Failed,
    /// Nobody wrote an SBOM.
    NoSbom,
    /// Somebody else signed it.
    Stranger,
}

/// What is wrong with a version; most are whole.
pub fn fault(service: usize, version: usize) -> Option<Fault> {
    match (service * 7 + version) % 41 {
        9 => Some(Fault::Failed),
        17 => Some(Fault::NoSbom),
        25 => Some(Fault::Stranger),
        _ => None,
    }
}

/// Whether the version after that in production was taken back there, and is on hold.
pub fn is_held(service: usize) -> bool {
    service % 20 == 7
}

/// The shop, served as long as its runtime runs.
pub struct Sixty {
    pub home: tempfile::TempDir,
    pub remote: PathBuf,
    pub clone: PathBuf,
    pub server: Server,
    pub fake: Fake,
    services: usize,
    digests: Vec<Vec<Digest>>,
}

impl Sixty {
    /// A shop of so many services.
    pub async fn start(services: usize) -> Self {
        Self::start_answering(services, Fake::answer).await
    }

    /// The same, whose registry answers as it is told, with the honest one at hand.
    pub async fn start_answering(
        services: usize,
        answer: impl Fn(&Fake, &Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let fake = Fake::new(Ways::default());
        let (key, stranger) = (Key::new(), Key::new());
        let now = Timestamp::now();
        let digests = (0..services)
            .map(|service| {
                (OLDEST..=NEWEST)
                    .map(|version| publish(&fake, &key, &stranger, service, version, built(now, service, version)))
                    .collect()
            })
            .collect();
        let answers = fake.clone();
        let server = Server::start_without_log(move |seen| answer(&answers, seen)).await;
        let remote = home.path().join("remote.git");
        let clone = home.path().join("fleet-gitops");
        let fleet = Self {
            home,
            remote,
            clone,
            server,
            fake,
            services,
            digests,
        };
        fleet.write_history(&key, now);
        let home = fleet.home.path();
        git(home, ["clone", "-q", path(&fleet.remote), path(&fleet.clone)]);
        for (key, value) in [
            ("user.name", "Visitor"),
            ("user.email", "visitor@fleet.example"),
            ("commit.gpgsign", "false"),
        ] {
            git(home, ["-C", path(&fleet.clone), "config", key, value]);
        }
        fleet
    }

    /// The digest of a version of a service.
    pub fn digest(&self, service: usize, version: usize) -> Digest {
        self.digests[service][version - OLDEST]
    }

    /// The version that an environment pins.
    pub fn pinned(service: usize, environment: usize) -> usize {
        NEWEST - behind(service, environment)
    }

    /// The file that pins a version, and its text.
    pub fn manifest(&self, service: usize, environment: usize, version: usize) -> (String, String) {
        let (name, env, digest) = (name(service), ENVIRONMENTS[environment], self.digest(service, version));
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      \
             containers:\n        - name: {name}\n          image: {HOST}/fleet/{name}:1.{version}.0@{digest}\n"
        );
        (format!("envs/{env}/{name}.yaml"), text)
    }

    fn policy(&self) -> String {
        let mut text = String::from("version = 1\n");
        for env in ENVIRONMENTS {
            let more = if env == "production" {
                "confirm = \"type-name\"\n"
            } else {
                ""
            };
            let _ = write!(
                text,
                "\n[[environments]]\nname = \"{env}\"\npaths = [\"envs/{env}/**\"]\npolicy = \"release\"\n{more}"
            );
        }
        for service in 0..self.services {
            let name = name(service);
            let _ = write!(
                text,
                "\n[[services]]\nname = \"{name}\"\nimage = \"{HOST}/fleet/{name}\"\ncandidate = {{ semver = \"*\" }}\n"
            );
        }
        let _ = write!(
            text,
            "\n[policies.release]\nrequire = [\"signature\", \"provenance\", \"sbom\", \"test-result\"]\nsigner = \"ci\"\n\
             test-result = {{ accept = [\"PASSED\"], acknowledge = [\"WARNED\"] }}\n\
             \n[trust.ci]\nkeys = [\"keys/ci.pub\"]\ntransparency_log = \"not-required\"\n\
             \n[registries.\"{HOST}\"]\nendpoint = \"http://{}\"\n",
            self.server.address
        );
        text
    }

    /// A first commit with everything two versions ago, then one commit for each step of each pin, oldest first; what was
    /// taken back comes last, with its hold.
    fn write_history(&self, key: &Key, now: Timestamp) {
        git(
            self.home.path(),
            ["init", "-q", "--bare", "--initial-branch=main", path(&self.remote)],
        );
        let first = |service, environment| (Self::pinned(service, environment) - 2).max(OLDEST);
        let mut start = vec![
            ("pindeck.toml".to_owned(), self.policy()),
            ("keys/ci.pub".to_owned(), key.pem()),
        ];
        let mut steps = Vec::<(Timestamp, usize, String, Files)>::new();
        let mut holds = String::from("version = 1\n");
        for service in 0..self.services {
            for (environment, env) in ENVIRONMENTS.into_iter().enumerate() {
                start.push(self.manifest(service, environment, first(service, environment)));
                let last = Self::pinned(service, environment);
                for version in first(service, environment) + 1..=last {
                    let at = built(now, service, version) + SignedDuration::from_hours(1 + 20 * environment as i64);
                    let what = format!("Promote {} to {env}", name(service));
                    steps.push((at, service, what, vec![self.manifest(service, environment, version)]));
                }
                if environment == 3 && is_held(service) && last < NEWEST {
                    let at = now - SignedDuration::from_mins(1_000 - service as i64);
                    let what = format!("Promote {} to {env}", name(service));
                    steps.push((at, service, what, vec![self.manifest(service, environment, last + 1)]));
                    let at = at + SignedDuration::from_mins(25);
                    let _ = write!(
                        holds,
                        "\n[[hold]]\nservice = \"{}\"\nenvironment = \"{env}\"\ndigest = \"{}\"\nreason = \"errors doubled\"\n\
                         since = \"{at}\"\nby = \"Ada Osei\"\n",
                        name(service),
                        self.digest(service, last + 1)
                    );
                    let files = vec![
                        self.manifest(service, environment, last),
                        ("pindeck-holds.toml".to_owned(), holds.clone()),
                    ];
                    steps.push((at, service, format!("Revert {} in {env}", name(service)), files));
                }
            }
        }
        steps.sort_by_key(|step| step.0);
        let begin = now - SignedDuration::from_hours(24 * 40);
        let mut stream = Vec::new();
        commit(&mut stream, 1, begin, PEOPLE[0], "The shop as it was", &start);
        for (at, (when, service, what, files)) in steps.iter().enumerate() {
            commit(&mut stream, at + 2, *when, PEOPLE[service % 4], what, files);
        }
        let mut import = Command::new("git")
            .args(["-C", path(&self.remote), "fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("git runs");
        import
            .stdin
            .take()
            .expect("piped")
            .write_all(&stream)
            .expect("git reads");
        assert!(import.wait().expect("git ends").success());
    }
}

fn commit(stream: &mut Vec<u8>, mark: usize, at: Timestamp, who: &str, what: &str, files: &[(String, String)]) {
    let mail = who.to_lowercase().replace(' ', ".");
    let who = format!("{who} <{mail}@fleet.example> {} +0000", at.as_second());
    let mut text = format!(
        "commit refs/heads/main\nmark :{mark}\nauthor {who}\ncommitter {who}\ndata {}\n{what}\n",
        what.len()
    );
    if mark > 1 {
        let _ = writeln!(text, "from :{}", mark - 1);
    }
    for (file, content) in files {
        let _ = write!(text, "M 100644 inline {file}\ndata {}\n{content}\n", content.len());
    }
    stream.extend_from_slice(text.as_bytes());
}

/// When a version was built: a few days from one to the next, services some hours apart.
fn built(now: Timestamp, service: usize, version: usize) -> Timestamp {
    let days = 5 * (NEWEST - version) as i64 + 4;
    now - SignedDuration::from_mins(days * 24 * 60 + 37 * service as i64 % 1_400)
}

/// An image with its statements, under its tag.
fn publish(fake: &Fake, key: &Key, stranger: &Key, service: usize, version: usize, at: Timestamp) -> Digest {
    let name = name(service);
    let repository = format!("fleet/{name}");
    let layer = fake.blob(&repository, format!("{name} 1.{version}.0\n"));
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": at.to_string(),
        "config": {"Labels": {"org.opencontainers.image.version": format!("1.{version}.0")}},
        "rootfs": {"type": "layers", "diff_ids": [layer.to_string()]},
    })
    .to_string();
    let size = config.len();
    let config = fake.blob(&repository, config);
    let layer_size = format!("{name} 1.{version}.0\n").len();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(), "size": size},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer.to_string(), "size": layer_size}],
    })
    .to_string();
    let size = manifest.len();
    let digest = fake.manifest(&repository, IMAGE, manifest);
    fake.tag(&repository, &format!("1.{version}.0"), digest);
    let fault = fault(service, version);
    let key = if fault == Some(Fault::Stranger) { stranger } else { key };
    for (kind, predicate) in statements(&name, version, at, fault) {
        attach(fake, key, &repository, (digest, size), kind, &predicate);
    }
    digest
}

fn statements(name: &str, version: usize, at: Timestamp, fault: Option<Fault>) -> Vec<(&'static str, Value)> {
    let source = format!("https://git.fleet.example/{name}");
    let revision = Digest::of(format!("{name} {version}").as_bytes()).hex()[..40].to_owned();
    let mut all = vec![
        ("https://sigstore.dev/cosign/sign/v1", json!({})),
        (
            "https://slsa.dev/provenance/v1",
            json!({
                "buildDefinition": {
                    "buildType": "https://ci.fleet.example/build/v1",
                    "externalParameters": {"workflow": {"ref": "refs/heads/main", "repository": source, "path": ".ci/release.yml"}},
                    "resolvedDependencies": [{"uri": format!("git+{source}@refs/heads/main"), "digest": {"gitCommit": revision}}],
                },
                "runDetails": {"builder": {"id": "https://ci.fleet.example/runners/hosted"},
                    "metadata": {"startedOn": at.to_string(), "finishedOn": at.to_string()}},
            }),
        ),
    ];
    if fault != Some(Fault::NoSbom) {
        let package = |name: &str, version: &str| {
            json!({"SPDXID": format!("SPDXRef-{name}"), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
                "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                    "referenceLocator": format!("pkg:generic/{name}@{version}")}]})
        };
        all.push((
            "https://spdx.dev/Document/v2.3",
            json!({
                "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": name,
                "documentNamespace": format!("https://ci.fleet.example/sbom/{revision}"),
                "creationInfo": {"created": at.to_string(), "creators": ["Tool: fleet-ci"]},
                "packages": [package(name, &format!("1.{version}.0")), package("openssl", &format!("3.0.{version}"))],
            }),
        ));
    }
    let failed: &[&str] = if fault == Some(Fault::Failed) {
        &["checkout-1", "checkout-2"]
    } else {
        &[]
    };
    all.push((
        "https://in-toto.io/attestation/test-result/v0.1",
        json!({
            "result": if failed.is_empty() { "PASSED" } else { "FAILED" },
            "configuration": [{"name": "acceptance", "digest": {"gitCommit": revision}}],
            "passedTests": ["acceptance-1", "acceptance-2"], "warnedTests": [], "failedTests": failed,
        }),
    ));
    all
}

/// Signs a statement about a digest, and makes it a referrer of it.
fn attach(fake: &Fake, key: &Key, repository: &str, subject: (Digest, usize), kind: &str, predicate: &Value) {
    let (digest, size) = subject;
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": repository, "digest": {"sha256": digest.hex()}}],
        "predicateType": kind, "predicate": predicate,
    })
    .to_string();
    let signed = format!("DSSEv1 {} {IN_TOTO} {} {payload}", IN_TOTO.len(), payload.len());
    let bundle = json!({
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": key.hint()}},
        "dsseEnvelope": {
            "payload": STANDARD.encode(&payload), "payloadType": IN_TOTO,
            "signatures": [{"sig": key.sign_bytes(signed.as_bytes())}],
        },
    })
    .to_string();
    let length = bundle.len();
    let empty = fake.blob(repository, "{}");
    let bundle = fake.blob(repository, bundle);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": BUNDLE,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty.to_string(), "size": 2},
        "layers": [{"mediaType": BUNDLE, "digest": bundle.to_string(), "size": length}],
        "subject": {"mediaType": IMAGE, "digest": digest.to_string(), "size": size},
        "annotations": {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": kind},
    });
    fake.manifest(repository, IMAGE, manifest.to_string());
}

/// The folder of a shop, for whoever looks at it from outside.
pub fn advice(fleet: &Sixty) -> String {
    let folder: &Path = &fleet.clone;
    format!("pindeck -C {}", folder.display())
}

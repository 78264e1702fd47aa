//! Worlds in which one thing is large: services, environments, commits, evidence of a digest, packages of an SBOM, or Pods.
//! Everything in them is really signed; the registry and the cluster are in this process.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pindeck::domain::Digest;
use serde_json::{Value, json};

use super::fake::{Fake, Ways};
use super::forge::{Pair, bundle, envelope, statement};
use super::peer::git;
use super::private_sigstore::attach;
use super::server::{Reply, Seen, Server};
use super::signed_world::Key;
use super::stage::path;

/// How large a world is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub services: usize,
    pub environments: usize,
    /// Commits of the branch; every one after the first moves one pin, or moves it back.
    pub commits: usize,
    /// Statements about each digest, besides its signature.
    pub evidence: usize,
    /// Packages of the SBOM of each digest; none and no SBOM is 0.
    pub packages: usize,
    /// Pods in the cluster; none and no cluster is 0.
    pub pods: usize,
}

/// What every world has of what does not grow in it.
pub const USUAL: Size = Size {
    services: 20,
    environments: 3,
    commits: 10,
    evidence: 0,
    packages: 0,
    pods: 0,
};

/// A world of some size, served as long as its runtime runs.
pub struct ScaleWorld {
    pub home: tempfile::TempDir,
    pub clone: PathBuf,
    pub registry: Server,
    _cluster: Option<Server>,
}

impl ScaleWorld {
    pub async fn start(size: Size) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let signers = (Key::new(), Pair::p256());
        let fake = Fake::new(Ways::default());
        let digests = content(size, &signers, &fake);
        let registry = Server::start_without_log(move |seen| fake.answer(seen)).await;
        let address = registry.address.to_string();
        let cluster = match size.pods {
            0 => None,
            pods => {
                let pages = pages(pods, &address, &digests);
                let server = Server::start_without_log(move |seen| listed(seen, &pages)).await;
                let kubeconfig = format!(
                    "clusters: [{{name: c, cluster: {{server: 'http://{}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n\
                     contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n",
                    server.address
                );
                std::fs::write(home.path().join("kubeconfig"), kubeconfig).expect("written");
                let mine = "[clusters.eu]\ncontext = \"x\"\n";
                std::fs::write(home.path().join("mine.toml"), mine).expect("written");
                Some(server)
            }
        };
        let clone = home.path().join("gitops");
        write_history(&home, &clone, &policy(size, &signers), size, &address, &digests);
        Self {
            home,
            clone,
            registry,
            _cluster: cluster,
        }
    }

    /// A command of this program in the world, with a cache of its own.
    pub fn command(&self, program: &std::path::Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        let home = self.home.path();
        command.arg("-C").arg(&self.clone).args(args);
        command.env("HOME", home).env("PINDECK_CACHE_DIR", self.cache());
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("XDG_CONFIG_HOME", home.join("config"));
        command.env("PINDECK_CONFIG", home.join("mine.toml"));
        command.env("KUBECONFIG", home.join("kubeconfig"));
        if !home.join("mine.toml").exists() {
            command.env_remove("PINDECK_CONFIG");
        }
        command
    }

    pub fn cache(&self) -> PathBuf {
        self.home.path().join("cache")
    }
}

fn environment(at: usize) -> String {
    format!("env{at:02}")
}

/// An image for each service and environment, with its evidence.
fn content(size: Size, (key, statements): &(Key, Pair), fake: &Fake) -> Vec<Vec<Digest>> {
    let sign = |repository: &str, image: Digest, kind: &str, predicate: Value| {
        let payload = statement(image, kind, predicate);
        let bundle = bundle(&statements.hint(), &envelope(statements, &payload, &payload));
        attach(fake, repository, image, &bundle);
    };
    let image = |service: usize, at: usize| {
        let repository = format!("shop/s{service}");
        let image = fake.image(&repository, &format!("{service} in {at}"), None);
        key.sign(fake, &repository, image);
        for number in 0..size.evidence {
            let predicate = json!({"number": number});
            sign(&repository, image, "https://example.test/note/v1", predicate);
        }
        if size.packages > 0 {
            let package = |at: usize| {
                json!({"SPDXID": format!("SPDXRef-{at}"), "name": format!("package-{at}"), "versionInfo": "1.2.3",
                    "downloadLocation": "NOASSERTION", "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION",
                    "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                        "referenceLocator": format!("pkg:generic/package-{at}@1.2.3")}]})
            };
            let packages: Vec<Value> = (0..size.packages).map(package).collect();
            let document = json!({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": repository, "packages": packages});
            sign(&repository, image, "https://spdx.dev/Document", document);
        }
        image
    };
    let of_service = |service| (0..size.environments).map(|at| image(service, at)).collect();
    (0..size.services).map(of_service).collect()
}

fn policy(size: Size, (key, statements): &(Key, Pair)) -> Vec<(String, String)> {
    let mut text = "version = 1\n".to_owned();
    for at in 0..size.environments {
        let name = environment(at);
        let _ = writeln!(
            text,
            "[[environments]]\nname = \"{name}\"\npaths = [\"{name}/**\"]\npolicy = \"release\""
        );
        if size.pods > 0 && at + 1 == size.environments {
            text += "running = [{ cluster = \"eu\", namespaces = [\"shop\"] }]\n";
        }
    }
    if size.pods > 0 {
        text += "[[clusters]]\nname = \"eu\"\n";
    }
    let kinds = match size.packages {
        0 => "\"signature\"",
        _ => "\"signature\", \"sbom\"",
    };
    let _ = write!(
        text,
        "[policies.release]\nrequire = [{kinds}]\nsigner = \"ci\"\n\
         [trust.ci]\nkeys = [\"keys/ci.pub\", \"keys/statements.pub\"]\ntransparency_log = \"not-required\"\n"
    );
    vec![
        ("pindeck.toml".to_owned(), text),
        ("keys/ci.pub".to_owned(), key.pem()),
        ("keys/statements.pub".to_owned(), statements.pem()),
    ]
}

fn manifest(registry: &str, service: usize, at: usize, digest: Digest) -> (String, String) {
    let text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: s{service}}}\nspec:\n  template:\n    spec:\n      containers:\n        - name: s\n          image: {registry}/shop/s{service}@{digest}\n"
    );
    (format!("{}/s{service}.yaml", environment(at)), text)
}

fn write_history(
    home: &tempfile::TempDir,
    clone: &std::path::Path,
    policy: &[(String, String)],
    size: Size,
    registry: &str,
    digests: &[Vec<Digest>],
) {
    git(home.path(), ["init", "-q", "-b", "main", path(clone)]);
    let mut import = Command::new("git")
        .args(["-C", path(clone), "fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    let mut to = std::io::BufWriter::new(import.stdin.take().expect("piped"));
    let mut commit = |at: usize, files: &[(String, String)]| {
        // The last one a week ago, each an hour after the one before.
        let when = 1_790_000_000 - 3_600 * (size.commits - at);
        let mut text = format!("commit refs/heads/main\ncommitter Ada <ada@example.com> {when} +0000\ndata 5\nmoved\n");
        for (file, content) in files {
            let _ = write!(text, "M 100644 inline {file}\ndata {}\n{content}\n", content.len());
        }
        to.write_all(text.as_bytes()).expect("git reads");
    };
    let cells = (0..size.services).flat_map(|service| (0..size.environments).map(move |at| (service, at)));
    let mut all = policy.to_vec();
    all.extend(cells.map(|(service, at)| manifest(registry, service, at, digests[service][at])));
    commit(0, &all);
    // A pin moves to what another environment has, and back with the next commit, so that the same is pinned however long it is.
    for at in 1..size.commits {
        let step = (at - 1) / 2;
        let is_last = at + 1 == size.commits;
        // The last one is of the last environment, with a digest that never stood in the one before it: whoever asks for that
        // has to read to the beginning.
        let (service, env) = match is_last {
            true => (0, size.environments - 1),
            false => (step % size.services, step / size.services % size.environments),
        };
        let is_back = at.is_multiple_of(2) && !is_last;
        let there = if is_back { env } else { (env + 1) % size.environments };
        commit(at, &[manifest(registry, service, env, digests[service][there])]);
    }
    drop(to);
    assert!(import.wait().expect("git ends").success());
    git(home.path(), ["-C", path(clone), "reset", "-q", "--hard"]);
}

/// How many Pods a page of a list has at most.
const PAGE: usize = 500;

/// Pods of all services, each with what the last environment pinned first.
fn pages(pods: usize, registry: &str, digests: &[Vec<Digest>]) -> Vec<String> {
    let pod = |at: usize| {
        let service = at % digests.len();
        let image = format!(
            "{registry}/shop/s{service}@{}",
            digests[service].last().expect("an environment")
        );
        let name = format!("s{service}-5d4f8c7b9d-{at:05}");
        json!({
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": format!("s{service}")}},
            "spec": {"nodeName": "node-1", "containers": [{"name": "s", "image": image,
                "env": (0..20).map(|at| json!({"name": format!("SETTING_{at}"), "value": "https://elsewhere.shop.svc:8443/api"})).collect::<Vec<_>>()}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "s", "image": image, "imageID": image, "containerID": "containerd://1", "ready": true,
                "state": {"running": {"startedAt": "2026-11-29T10:00:00Z"}}}]},
        })
    };
    let all: Vec<usize> = (0..pods).collect();
    let chunks: Vec<&[usize]> = all.chunks(PAGE).collect();
    let page = |(at, chunk): (usize, &&[usize])| {
        let next = if at + 1 < chunks.len() {
            (at + 1).to_string()
        } else {
            String::new()
        };
        let items: Vec<Value> = chunk.iter().map(|&at| pod(at)).collect();
        json!({"metadata": {"resourceVersion": "1", "continue": next}, "items": items}).to_string()
    };
    chunks.iter().enumerate().map(page).collect()
}

fn listed(seen: &Seen, pages: &[String]) -> Reply {
    let at = seen
        .path
        .split("continue=")
        .nth(1)
        .and_then(|rest| rest.split('&').next());
    let at: usize = at.and_then(|at| at.parse().ok()).unwrap_or(0);
    let body = match seen.path.contains("/pods?") {
        true => pages.get(at).cloned(),
        false => None,
    };
    let none = || r#"{"metadata":{"resourceVersion":"1"},"items":[]}"#.to_owned();
    Reply::new(200, body.unwrap_or_else(none)).with("Content-Type", "application/json")
}

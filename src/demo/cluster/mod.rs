//! A small Kubernetes API server in this process, on a loopback port: lists of Pods and of what makes them, an Argo
//! CD Application for each environment, and a gate. What the demo's branch pins rolls out there by itself.
//!
//! It answers as a real one does: pages, `Status` objects for errors, the plain text of a group that is not there.

mod objects;
mod rollout;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::error::DemoError;
pub(super) use objects::ARGOCD;

use crate::domain::id::Digest;
use rollout::{ClusterObjects, Wanted};

/// The cluster's name in the policy, and the context of its kubeconfig.
pub(crate) const CLUSTER: &str = "demo";
/// Whoever asks must say this.
const TOKEN: &str = "demo-viewer";
/// One moment of the cluster.
const TICK: Duration = Duration::from_millis(700);
/// The longest watch: a server may end one at any time, and what shows in no Pod is looked for then.
const LONGEST_WATCH: Duration = Duration::from_secs(2);
/// Objects of one page where nothing is said.
const PAGE: usize = 500;

/// The service whose Pods take long to become ready.
const SLOW: &str = "search";
/// The service and the environment whose next digest the gate refuses.
const REFUSED: (&str, &str) = ("notifier", "staging");

/// A service as it is deployed: the repository of its image and how many Pods it wants.
pub(super) type DeployedAs = fn(namespace: &str, service: &str) -> (String, usize);

/// The running cluster. It ends when this is dropped.
pub(super) struct DemoCluster {
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
    shared: Arc<SharedCluster>,
}

struct SharedCluster {
    objects: Mutex<ClusterObjects>,
    /// Grows with every change of a Pod.
    version: watch::Sender<u64>,
    /// The methods of all requests, each once.
    methods: Mutex<Vec<String>>,
}

impl SharedCluster {
    fn objects(&self) -> MutexGuard<'_, ClusterObjects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DemoCluster {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl DemoCluster {
    /// Starts it on a free loopback port. What `main` of the bare repository pins is running there already.
    ///
    /// # Errors
    /// If no port can be had.
    pub(super) async fn start(remote: &Path, deployed: DeployedAs) -> Result<Self, DemoError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(DemoError::Port)?;
        let address = listener.local_addr().map_err(DemoError::Port)?;
        let mut objects = ClusterObjects::default();
        let now = Timestamp::now();
        let head = head(remote).unwrap_or_default();
        let since = now - jiff::SignedDuration::from_hours(30);
        for ((namespace, name), digest) in wanted(remote, &head).unwrap_or_default() {
            // One of them starts slowly: somebody shall see it roll.
            let is_slow = name == SLOW;
            let (repository, replicas) = deployed(&namespace, &name);
            objects.deploy((&namespace, &name), (repository, replicas, is_slow), digest, since);
            objects.synced(&namespace, &head);
        }
        let shared = Arc::new(SharedCluster {
            objects: Mutex::new(objects),
            version: watch::Sender::new(1),
            methods: Mutex::default(),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the embedded cluster ended");
            }
        });
        let tasks = vec![server, tokio::spawn(reconcile(remote.to_owned(), Arc::clone(&shared)))];
        Ok(Self { address, tasks, shared })
    }

    /// A kubeconfig with a context of the cluster's name.
    pub(super) fn kubeconfig(&self) -> String {
        let server = format!("http://{}", self.address);
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n  - name: {CLUSTER}\n    cluster: {{server: \"{server}\"}}\n\
             users:\n  - name: viewer\n    user: {{token: {TOKEN}}}\n\
             contexts:\n  - name: {CLUSTER}\n    context: {{cluster: {CLUSTER}, user: viewer}}\n"
        )
    }

    /// The methods of all requests so far, each once.
    pub(super) fn methods(&self) -> Vec<String> {
        let methods = self.shared.methods.lock().unwrap_or_else(PoisonError::into_inner);
        methods.clone()
    }
}

/// Lets the cluster follow the branch.
async fn reconcile(remote: PathBuf, shared: Arc<SharedCluster>) {
    let mut known = (String::new(), Wanted::new());
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (folder, before) = (remote.clone(), known.clone());
        let read = tokio::task::spawn_blocking(move || match head(&folder) {
            Some(head) if head != before.0 => wanted(&folder, &head).map(|wanted| (head, wanted)),
            _ => Some(before),
        });
        if let Ok(Some(now)) = read.await {
            known = now;
        }
        if !known.0.is_empty() {
            let mut objects = shared.objects();
            let before = objects.pods();
            objects.tick(&known.0, &known.1, gate, Timestamp::now());
            if objects.pods() != before {
                shared.version.send_modify(|version| *version += 1);
            }
        }
    }
}

/// The gate: it refuses the next digest of one service in one environment.
fn gate(namespace: &str, service: &str, digest: Digest) -> Option<String> {
    let is_looked_at = (service, namespace) == REFUSED;
    is_looked_at.then(|| {
        format!(
            "validation failed: no matching attestations for {service}@{digest}: the policy of {namespace} wants a scan"
        )
    })
}

/// The commit of `main`.
fn head(remote: &Path) -> Option<String> {
    if let Ok(text) = std::fs::read_to_string(remote.join("refs/heads/main")) {
        return Some(text.trim().to_owned());
    }
    git(remote, &["rev-parse", "--verify", "--quiet", "refs/heads/main"]).map(|text| text.trim().to_owned())
}

/// What a commit pins, by namespace and service: the digest in each file below `envs`.
fn wanted(remote: &Path, commit: &str) -> Option<Wanted> {
    let found = git(
        remote,
        &["grep", "-o", "-E", "sha256:[0-9a-f]{64}", commit, "--", "envs"],
    )?;
    let one = |line: &str| {
        // COMMIT:envs/NAMESPACE/SERVICE[/FILE or .yaml]:sha256:HEX
        let (_, rest) = line.split_once(":envs/")?;
        let (path, digest) = rest.split_once(':')?;
        let (namespace, file) = path.split_once('/')?;
        let service = file.split(['/', '.']).next()?;
        Some(((namespace.to_owned(), service.to_owned()), digest.parse().ok()?))
    };
    Some(found.lines().filter_map(one).collect())
}

fn git(remote: &Path, args: &[&str]) -> Option<String> {
    let out = Command::new("git")
        .arg("--git-dir")
        .arg(remote)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

async fn handle(State(shared): State<Arc<SharedCluster>>, request: Request) -> Response {
    {
        let mut methods = shared.methods.lock().unwrap_or_else(PoisonError::into_inner);
        let method = request.method().to_string();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    let said = request.headers().get(header::AUTHORIZATION);
    if said.is_none_or(|said| said.as_bytes() != format!("Bearer {TOKEN}").as_bytes()) {
        return status(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
    }
    if request.method() != axum::http::Method::GET {
        let words = "pindeck's demo may only be looked at";
        return status(StatusCode::FORBIDDEN, "Forbidden", words);
    }
    let query = request.uri().query().unwrap_or_default();
    if option(query, "watch") == Some("true") {
        return watched(&shared, request.uri().path(), query);
    }
    // Taken first: a list is never newer than it says.
    let version = *shared.version.borrow();
    answer(&shared.objects(), version, request.uri().path(), query)
}

/// A parameter of a request.
fn option<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A watch of Pods: the answer begins at once, and a line comes with the next change.
fn watched(shared: &SharedCluster, path: &str, query: &str) -> Response {
    if !path.ends_with("/pods") {
        return not_found();
    }
    let since = option(query, "resourceVersion").and_then(|text| text.parse().ok());
    let since: u64 = since.unwrap_or_default();
    let mut version = shared.version.subscribe();
    let line = async move {
        let newer = version.wait_for(|version| *version > since);
        let line = match tokio::time::timeout(LONGEST_WATCH, newer).await {
            Ok(Ok(version)) => {
                let metadata = json!({ "resourceVersion": version.to_string() });
                let object = json!({ "kind": "Pod", "apiVersion": "v1", "metadata": metadata });
                format!("{{\"type\":\"MODIFIED\",\"object\":{object}}}\n")
            }
            _ => String::new(),
        };
        Ok::<_, std::io::Error>(line)
    };
    let body = Body::from_stream(futures_util::stream::once(line));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn answer(objects: &ClusterObjects, version: u64, path: &str, query: &str) -> Response {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, namespace, kind) = match parts.as_slice() {
        ["api", "v1", "namespaces", namespace, kind] => ("", *namespace, *kind),
        ["apis", group, _, "namespaces", namespace, kind] => (*group, *namespace, *kind),
        _ => return not_found(),
    };
    let Some(all) = objects::items(objects, group, kind, namespace) else {
        return not_found();
    };
    let number = |name: &str| option(query, name).and_then(|text| text.parse().ok());
    let (limit, from) = (number("limit").unwrap_or(PAGE), number("continue").unwrap_or(0));
    let rest = all.len().saturating_sub(from + limit);
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if rest > 0 {
        metadata["continue"] = json!((from + limit).to_string());
        metadata["remainingItemCount"] = json!(rest);
    }
    let items: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
    let body = json!({ "kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items });
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// What a real API server says to a group that nobody has installed: no `Status` object.
fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

fn status(code: StatusCode, reason: &str, message: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "message": message,
        "code": code.as_u16(),
    });
    (code, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;

//! Who answers: the real server behind a proxy that listens in, or the files of tests/data/cluster.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::api_requests::ApiRequests;
use crate::support::kube_server::KubeServer;

/// Where a proxy brings about what pindeck cannot: the answer is the server's in each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bent {
    /// Nowhere.
    Nothing,
    /// The second page is asked for when its `continue` is too old.
    LateContinue,
    /// The first list comes while another request has the only place.
    Crowded,
    /// Pods are looked for in a group that nobody has installed.
    NoSuchGroup,
    /// Pods are looked for under a name that the group does not have.
    NoSuchKind,
    /// A watch asks for what was before the server's beginning.
    OldWatch,
    /// A watch asks for a namespace that is forbidden.
    ClosedWatch,
}

/// Longer than anything takes that is waited for, on a machine that is busy with other things.
const LONGEST: Duration = Duration::from_secs(120);

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn is_of_pods(target: &str) -> bool {
    target.contains("/pods?") && !target.contains("watch=true")
}

/// The target of a request, and its line as a server hears it.
fn asked(request: &Request) -> (String, String) {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    (target.to_owned(), format!("{} {target} HTTP/1.1", request.method()))
}

/// Hands requests on to the real server, and remembers what it answered.
pub(super) struct Proxy {
    pub(super) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    http: reqwest::Client,
    server: String,
    bent: Bent,
    is_done: AtomicBool,
    busy: reqwest::RequestBuilder,
    waits: std::path::PathBuf,
    go: std::path::PathBuf,
    asked: ApiRequests,
    answers: Mutex<Vec<(bool, u16)>>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.asked.verdict();
    }
}

impl Proxy {
    pub(super) async fn start(server: &KubeServer, bent: Bent) -> Self {
        let authority = reqwest::Certificate::from_pem_bundle(server.text("ca.crt").as_bytes()).expect("certificates");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only(authority).build();
        let http = http.expect("a client");
        let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"busy"},"spec":{"containers":[{"name":"web","image":"x"}]}}"#;
        let busy = http
            .post(format!("{}/api/v1/namespaces/crowded/pods?dryRun=All", server.url()))
            .bearer_auth(server.token("busy"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(pod);
        let shared = Arc::new(Shared {
            http,
            server: server.url(),
            bent,
            is_done: AtomicBool::new(false),
            busy,
            waits: server.file("waits"),
            go: server.file("go"),
            asked: ApiRequests::default(),
            answers: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        Self {
            address: serve(router).await,
            shared,
        }
    }

    /// The status of every answer.
    pub(super) fn answers(&self) -> Vec<u16> {
        let answers = self.shared.answers.lock().expect("no test panics");
        answers.iter().map(|(_, status)| *status).collect()
    }

    /// The status of every answer to a list of Pods.
    pub(super) fn pods_answered(&self) -> Vec<u16> {
        let answers = self.shared.answers.lock().expect("no test panics");
        answers.iter().filter(|one| one.0).map(|(_, status)| *status).collect()
    }
}

impl Shared {
    async fn ask(&self, target: &str, headers: &HeaderMap) -> reqwest::Response {
        let mut asked = self.http.get(format!("{}{target}", self.server));
        for name in [header::AUTHORIZATION, header::ACCEPT] {
            if let Some(value) = headers.get(&name) {
                asked = asked.header(name, value);
            }
        }
        asked.send().await.expect("the server answers")
    }

    /// Whether this is the first time.
    fn is_first(&self) -> bool {
        !self.is_done.swap(true, Ordering::SeqCst)
    }

    /// Takes the only place there is, for as long as the gate is slow.
    async fn crowd(&self) {
        let _ = std::fs::remove_file(&self.go);
        let _ = std::fs::remove_file(&self.waits);
        tokio::spawn(self.busy.try_clone().expect("a request").send());
        let begun = Instant::now();
        while !self.waits.exists() {
            assert!(begun.elapsed() < LONGEST, "the slow gate is never asked");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The target that the server is asked for.
fn bend(bent: Bent, target: &str) -> String {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let is_watch = target.contains("watch=true");
    match bent {
        Bent::NoSuchGroup if is_of_pods(target) => format!("/apis/nobody.example/v1/namespaces/shop/things?{query}"),
        Bent::NoSuchKind if is_of_pods(target) => format!("/apis/apps/v1/namespaces/shop/things?{query}"),
        Bent::ClosedWatch if is_watch => target.replace("/shop/", "/closed/"),
        Bent::OldWatch if is_watch => {
            let pairs = query.split('&').map(|pair| match pair.starts_with("resourceVersion=") {
                true => "resourceVersion=1",
                false => pair,
            });
            format!("/api/v1/namespaces/shop/pods?{}", pairs.collect::<Vec<_>>().join("&"))
        }
        _ => target.to_owned(),
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (target, line) = asked(&request);
    shared.asked.take(&line);
    let headers = request.headers();
    let bent = bend(shared.bent, &target);
    if shared.bent == Bent::Crowded && is_of_pods(&target) && shared.is_first() {
        shared.crowd().await;
    }
    let mut answer = shared.ask(&bent, headers).await;
    if shared.bent == Bent::LateContinue && target.contains("continue=") && shared.is_first() {
        let begun = Instant::now();
        while answer.status() != reqwest::StatusCode::GONE {
            assert!(begun.elapsed() < LONGEST, "the page never becomes too old");
            tokio::time::sleep(Duration::from_millis(200)).await;
            answer = shared.ask(&bent, headers).await;
        }
    }
    if answer.status() == reqwest::StatusCode::TOO_MANY_REQUESTS {
        std::fs::write(&shared.go, "").expect("written");
    }
    let status = answer.status().as_u16();
    let one = (is_of_pods(&target), status);
    shared.answers.lock().expect("no test panics").push(one);
    let mut response = Response::builder().status(status);
    for name in [header::CONTENT_TYPE, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    response
        .body(Body::from_stream(answer.bytes_stream()))
        .expect("an answer")
}

/// Answers with the files of tests/data/cluster.
pub(super) struct Replay {
    pub(super) address: String,
    shared: Arc<Script>,
}

struct Script {
    files: Vec<&'static str>,
    answered: Mutex<Vec<u16>>,
}

impl Replay {
    /// Lists and watches of Pods are answered by these files in turn, and then, as all other lists, by the one of their
    /// name.
    pub(super) async fn start(files: &[&'static str]) -> Self {
        let (files, answered) = (files.to_vec(), Mutex::default());
        let shared = Arc::new(Script { files, answered });
        let router = Router::new().fallback(replayed).with_state(Arc::clone(&shared));
        Self {
            address: serve(router).await,
            shared,
        }
    }

    /// The status of every answer about Pods.
    pub(super) fn pods_answered(&self) -> Vec<u16> {
        self.shared.answered.lock().expect("no test panics").clone()
    }
}

async fn replayed(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (target, _) = asked(&request);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let kind = path.rsplit('/').next().unwrap_or_default();
    let is_of_pods = kind == "pods";
    let next = script.answered.lock().expect("no test panics").len();
    let file = match kind {
        "pods" => match script.files.get(next) {
            Some(file) => *file,
            None if query.contains("continue=") => "pods-page-2",
            None => "pods-page-1",
        },
        "replicasets" => "replicasets-denied",
        "events" => "events-denied",
        // Of Argo CD there is something in one namespace, of Flux in another.
        "applications" if !path.contains("/argocd/") => "daemonsets",
        "kustomizations" | "helmreleases" if !path.contains("/flux-system/") => "daemonsets",
        other => other,
    };
    let answer = recorded(file);
    let status = u16::try_from(answer["status"].as_u64().expect("a status")).expect("a status");
    if is_of_pods {
        script.answered.lock().expect("no test panics").push(status);
    }
    let mut response = Response::builder().status(status);
    for (name, value) in answer["headers"].as_object().expect("headers") {
        if name != "transfer-encoding" {
            response = response.header(name, value.as_str().expect("a value"));
        }
    }
    let lines = answer["lines"].as_array();
    let lines = lines.map(|all| all.iter().map(|line| format!("{line}\n")).collect());
    let text = || answer["text"].as_str().map(str::to_owned);
    let body: String = lines.or_else(text).unwrap_or_else(|| answer["body"].to_string());
    response.body(Body::from(body)).expect("an answer")
}

fn recorded(file: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cluster");
    let text = std::fs::read_to_string(folder.join(file).with_extension("json")).expect("an answer");
    serde_json::from_str(&text).expect("JSON")
}

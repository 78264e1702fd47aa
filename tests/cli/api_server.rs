//! An API server of a test, and how a person reaches it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::home::{Home, Said, finish, git};
use super::served::Served;
use crate::support::api_requests::ApiRequests;

/// An API server that remembers what it was asked.
pub struct ApiServer {
    pub address: String,
    pub heard: Arc<Mutex<Vec<String>>>,
    requests: Arc<ApiRequests>,
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.requests.verdict();
    }
}

/// What a request is answered.
pub enum Answered {
    Whole(u16, Value),
    /// The first half of a good answer; then the connection ends.
    Half(Value),
}

impl From<(u16, Value)> for Answered {
    fn from((status, body): (u16, Value)) -> Self {
        Self::Whole(status, body)
    }
}

impl ApiServer {
    /// One that answers by what is listed: `pods`, `watch`, `replicasets` and so on.
    pub fn start(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Self {
        Self::answering(move |line| {
            let path = line.split([' ', '?']).nth(1).unwrap_or_default();
            // A watch is the list of Pods, with other parameters.
            let kind = match line.contains("watch=true") {
                true => "watch",
                false => path.rsplit('/').next().unwrap_or_default(),
            };
            answer(kind).into()
        })
    }

    /// One that answers by the first line of a request.
    pub fn answering(answer: impl Fn(&str) -> Answered + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = Arc::clone(&heard);
        let requests: Arc<ApiRequests> = Arc::default();
        let recorder = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
                let first = lines.next().and_then(Result::ok).unwrap_or_default();
                while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                all.lock().expect("no test panics").push(first.clone());
                recorder.take(&first);
                let (status, body, is_half) = match answer(&first) {
                    Answered::Whole(status, body) => (status, body.to_string(), false),
                    Answered::Half(body) => (200, body.to_string(), true),
                };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let end = if is_half { body.len() / 2 } else { body.len() };
                let _ = stream.write_all(format!("{head}{}", &body[..end]).as_bytes());
            }
        });
        Self {
            address,
            heard,
            requests,
        }
    }
}

pub fn list(items: &[Value]) -> (u16, Value) {
    (200, json!({ "metadata": { "resourceVersion": "1" }, "items": items }))
}

pub fn pod(name: &str, asked: &str, image_id: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": { "containers": [{ "name": "web", "image": asked }] },
        "status": { "phase": "Running", "containerStatuses": [{
            "name": "web", "image": "x:v1", "imageID": image_id, "containerID": "containerd://1", "ready": true,
            "state": { "running": { "startedAt": "2026-11-29T10:00:00Z" } },
        }] },
    })
}

/// Lets the person reach cluster `eu` at that address.
pub fn reach(home: &Home, address: &str) {
    let kubeconfig = format!(
        "clusters: [{{name: c, cluster: {{server: '{address}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: eu-viewer, context: {{cluster: c, user: u}}}}]\n"
    );
    home.write("kubeconfig", &kubeconfig);
    home.write("mine.toml", "[clusters.eu]\ncontext = \"eu-viewer\"\n");
}

/// Lets the embedded world's production run in these namespaces of cluster `eu`, which is that server.
pub fn clustered(served: &Served, server: &ApiServer, namespaces: &[&str]) {
    let clone = served.world.clone_dir();
    reach(&served.home, &server.address);
    let policy = std::fs::read_to_string(clone.join("pindeck.toml")).expect("a policy");
    // Another server of the same test: the team has named its cluster before.
    if policy.contains("name = \"eu\"") {
        return;
    }
    let named = "name = \"production\"\n";
    assert!(policy.contains(named));
    let runs = format!("{named}running = [{{ cluster = \"eu\", namespaces = {namespaces:?} }}]\n");
    let policy = policy.replacen(named, &runs, 1) + "\n[[clusters]]\nname = \"eu\"\n";
    std::fs::write(clone.join("pindeck.toml"), policy).expect("written");
    git(&clone, &["commit", "-q", "-am", "Name the cluster"]);
    git(&clone, &["push", "-q"]);
}

/// The program in the embedded world's clone, for the person who reaches the cluster.
pub fn command_in(served: &Served, args: &[&str]) -> std::process::Command {
    let mut command = served.home.command(&served.world.clone_dir(), args);
    command
        .env("PINDECK_CONFIG", served.home.path("mine.toml"))
        .env("KUBECONFIG", served.home.path("kubeconfig"));
    command
}

/// Runs it to its end.
pub async fn run_served(served: &Served, args: &[&str]) -> Said {
    let command = command_in(served, args);
    tokio::task::spawn_blocking(move || finish(command))
        .await
        .expect("finished")
}

/// The pin of `checkout` in an environment.
pub fn checkout(status: &Value, environment: &str) -> Value {
    let services = status["services"].as_array().expect("services");
    let service = services
        .iter()
        .find(|one| one["name"] == "checkout")
        .expect("a service");
    let pins = service["pins"].as_array().expect("pins");
    let pin = pins.iter().find(|pin| pin["environment"] == environment);
    pin.expect("a pin").clone()
}

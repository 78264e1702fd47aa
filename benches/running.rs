//! What a look at what runs costs: bytes, requests, time and memory of a pass over Pods of two containers in four
//! namespaces, and what an idle watch brings.
//!
//! `cargo bench --bench running`, or `cargo bench --profile dev --bench running`, which is slower and needs no release
//! build; `PINDECK_PODS=1000,5000` names other numbers of Pods. The API server is in this process, and its answers are made before
//! anything is measured. Who looks is a process of its own for each number: memory that was freed before would hide what a pass takes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a program for people"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pindeck::sources::cluster::{ClusterClient, ClusterLimits, Kubeconfig, see};
use serde_json::{Value, json};

const PODS: &str = "1000,5000";
/// Where the process that looks finds the server's address.
const LOOK_AT: &str = "PINDECK_BENCH_RUNNING_AT";
const NAMESPACES: usize = 4;
const PAGE: usize = 500;
/// What a pass over 5,000 Pods may add to the memory of the process.
const MOST_MEMORY: u64 = 64 << 20;
/// Lines of a watch in which nothing happens; a real server sends about one a minute.
const BOOKMARKS: usize = 5;

/// A Pod as a cluster has it: most of it is of no interest here.
fn pod(at: usize) -> Value {
    let digest = format!("{at:064x}");
    let variables: Vec<Value> = (0..20)
        .map(|at| json!({ "name": format!("SETTING_{at}"), "value": format!("https://service-{at}.shop.svc.cluster.local:8443/api/v1") }))
        .collect();
    let container = |name: &str| {
        json!({
            "name": name, "image": format!("registry.example.com/shop/{name}@sha256:{digest}"), "env": variables,
            "resources": { "limits": { "cpu": "1", "memory": "512Mi" }, "requests": { "cpu": "100m", "memory": "256Mi" } },
            "volumeMounts": [{ "name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }],
        })
    };
    let status = |name: &str| {
        json!({
            "name": name, "image": format!("sha256:{digest}"), "ready": true, "restartCount": 0, "started": true,
            "imageID": format!("registry.example.com/shop/{name}@sha256:{digest}"),
            "containerID": format!("containerd://{digest}"),
            "state": { "running": { "startedAt": "2026-11-29T10:00:00Z" } },
        })
    };
    json!({
        "metadata": { "name": format!("web-{at:05}-5d4f8c7b9d-x2k4q"), "namespace": "shop", "uid": digest, "resourceVersion": "1",
            "labels": { "app": "web", "pod-template-hash": "5d4f8c7b9d" }, "creationTimestamp": "2026-11-29T10:00:00Z",
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "web-5d4f8c7b9d", "controller": true }] },
        "spec": { "containers": [container("web"), container("proxy")], "nodeName": "node-1", "serviceAccountName": "web" },
        "status": { "phase": "Running", "startTime": "2026-11-29T10:00:00Z", "podIP": "10.0.0.1",
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-11-29T10:00:00Z" }],
            "containerStatuses": [status("web"), status("proxy")] },
    })
}

/// What the server was asked and what it sent.
#[derive(Default)]
struct Traffic {
    requests: AtomicU64,
    bytes: AtomicU64,
    watched: AtomicU64,
}

/// Pages of one namespace; the last one has no `continue`.
fn pages(pods: usize) -> Vec<String> {
    let all: Vec<usize> = (0..pods).collect();
    let chunks: Vec<&[usize]> = all.chunks(PAGE).collect();
    let page = |(at, chunk): (usize, &&[usize])| {
        let next = if at + 1 < chunks.len() {
            (at + 1).to_string()
        } else {
            String::new()
        };
        let items: Vec<Value> = chunk.iter().map(|at| pod(*at)).collect();
        let metadata = json!({ "resourceVersion": "1", "continue": next });
        json!({ "kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items }).to_string()
    };
    chunks.iter().enumerate().map(page).collect()
}

fn answer(mut stream: TcpStream, pages: &[String], traffic: &Traffic) {
    let empty = r#"{"metadata":{"resourceVersion":"1"},"items":[]}"#;
    let mut lines = BufReader::new(stream.try_clone().expect("a stream"));
    loop {
        let mut first = String::new();
        if lines.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap_or(0) > 2 {
            line.clear();
        }
        let next = first
            .split("continue=")
            .nth(1)
            .and_then(|rest| rest.split([' ', '&']).next()?.parse().ok());
        let watched;
        let body = if first.contains("watch=true") {
            let line = r#"{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"123456","creationTimestamp":null},"spec":{"containers":null},"status":{}}}"#;
            watched = format!("{line}\n").repeat(BOOKMARKS);
            watched.as_str()
        } else if first.contains("/pods?") {
            pages.get(next.unwrap_or(0usize)).map_or(empty, String::as_str)
        } else {
            empty
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let size = (head.len() + body.len()) as u64;
        if first.contains("watch=true") {
            traffic.watched.fetch_add(size, Ordering::Relaxed);
        } else {
            traffic.requests.fetch_add(1, Ordering::Relaxed);
            traffic.bytes.fetch_add(size, Ordering::Relaxed);
        }
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()))
            .is_err()
        {
            return;
        }
    }
}

/// The most memory that the process has used, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

/// Who looks: one pass over all namespaces and then a watch. Says how many containers it saw, how long the pass took in
/// seconds, and by how many bytes the most memory has grown.
fn look(address: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kubeconfig");
    let config = format!(
        "clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n"
    );
    std::fs::write(&file, config).expect("written");
    let account = Kubeconfig::read(&[file])
        .and_then(|config| config.account("x"))
        .expect("a context");
    let client = ClusterClient::new("eu", account, ClusterLimits::default());
    let before = peak();
    let begun = Instant::now();
    let mut seen = Vec::new();
    for namespace in 0..NAMESPACES {
        let one = runtime.block_on(see(&client, &format!("shop-{namespace}")));
        assert!(one.unfinished.is_none(), "{:?}", one.unfinished);
        seen.push(one);
    }
    let took = begun.elapsed();
    let grown = peak().zip(before).map(|(after, before)| after.saturating_sub(before));
    let pods = seen.iter().flat_map(|one| &one.pods);
    let containers: usize = pods.map(|pod| pod.containers.len()).sum();
    drop(seen);
    let watched = runtime.block_on(client.changed("shop-0", Duration::from_secs(5)));
    assert!(watched.is_ok(), "{watched:?}");
    let grown = grown.map_or_else(|| "unknown".to_owned(), |grown| grown.to_string());
    println!("{containers} {} {grown}", took.as_secs_f64());
}

fn main() {
    if let Ok(address) = std::env::var(LOOK_AT) {
        return look(&address);
    }
    let asked = std::env::var("PINDECK_PODS").unwrap_or_else(|_| PODS.to_owned());
    let numbers: Vec<usize> = asked
        .split(',')
        .filter_map(|number| number.trim().parse().ok())
        .collect();
    for number in numbers {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (content, traffic) = (Arc::new(pages(number / NAMESPACES)), Arc::new(Traffic::default()));
        let counted = Arc::clone(&traffic);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pages, traffic) = (Arc::clone(&content), Arc::clone(&counted));
                std::thread::spawn(move || answer(stream, &pages, &traffic));
            }
        });
        let looked = Command::new(std::env::current_exe().expect("this program"))
            .env(LOOK_AT, address.to_string())
            .stderr(Stdio::inherit())
            .output()
            .expect("it runs again");
        assert!(looked.status.success(), "the look failed");
        let said = String::from_utf8(looked.stdout).expect("text");
        let [containers, took, grown] = said.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{said}")
        };
        assert_eq!(containers.parse(), Ok(number / NAMESPACES * NAMESPACES * 2));
        let took: f64 = took.parse().expect("seconds");
        let grown: Option<u64> = grown.parse().ok();
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let memory = grown.map_or_else(
            || "peak memory unknown".to_owned(),
            |grown| format!("peak memory +{:.1} MiB", grown as f64 / f64::from(1 << 20)),
        );
        println!(
            "{number:6} Pods x 2 containers in {NAMESPACES} namespaces: {} requests, {:.1} MB, {took:.2} s, {memory}",
            of(&traffic.requests),
            of(&traffic.bytes) as f64 / 1e6,
        );
        if let (5000, Some(grown)) = (number, grown) {
            let verdict = if grown < MOST_MEMORY { "under" } else { "NOT under" };
            println!("       {verdict} {} MiB", MOST_MEMORY >> 20);
        }
        let idle = of(&traffic.watched);
        println!(
            "       an idle watch of a namespace: {} bytes a bookmark, {:.0} kB an hour at one a minute",
            idle / BOOKMARKS as u64,
            idle as f64 / BOOKMARKS as f64 * 60.0 / 1e3
        );
    }
}

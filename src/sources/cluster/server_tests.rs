//! A server on loopback that answers in the shapes of a kube-apiserver (docs/reference/running.md, "What a cluster is
//! asked").

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::{ClusterClient, ClusterLimits};
use super::kubeconfig::Kubeconfig;
use api_requests::ApiRequests;

#[path = "../../../tests/support/api_requests.rs"]
mod api_requests;

/// What a request said: its first line, and its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
}

/// What is answered: the bytes of a whole response, or nothing for ever.
pub(crate) enum Reply {
    Is(u16, &'static str, String),
    Broken(String),
    Silence,
}

type Script = dyn Fn(usize, &Heard) -> Reply + Send + Sync;

/// A server of one test.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(super) heard: Arc<Mutex<Vec<Heard>>>,
    requests: Arc<ApiRequests>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.requests.verdict();
    }
}

impl Server {
    pub(crate) async fn start(script: impl Fn(usize, &Heard) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (script, all): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&heard));
        let requests: Arc<ApiRequests> = Arc::default();
        let recorder = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (script, all) = (Arc::clone(&script), Arc::clone(&all));
                let recorder = Arc::clone(&recorder);
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    while !bytes.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if stream.read_exact(&mut byte).await.is_err() {
                            return;
                        }
                        bytes.extend(byte);
                    }
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let header = |line: &str| {
                        let (name, value) = line.split_once(": ")?;
                        name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
                    };
                    let one = Heard {
                        line: text.lines().next().unwrap_or_default().to_owned(),
                        authorization: text.lines().find_map(header),
                    };
                    recorder.take(&one.line);
                    let at = {
                        let mut all = all.lock().expect("no test panics");
                        all.push(one.clone());
                        all.len() - 1
                    };
                    let response = match script(at, &one) {
                        Reply::Is(status, header, body) => format!(
                            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n{header}Content-Length: {}\r\n\r\n{body}",
                            body.len()
                        ),
                        Reply::Broken(body) => {
                            format!(
                                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                                body.len() + 9
                            )
                        }
                        Reply::Silence => std::future::pending().await,
                    };
                    let _ = stream.write_all(response.as_bytes()).await;
                });
            }
        });
        Self {
            address,
            heard,
            requests,
        }
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no test panics").clone()
    }

    pub(super) fn client(&self, user: &str, folder: &std::path::Path, limits: ClusterLimits) -> ClusterClient {
        let file = folder.join("config");
        let text = format!(
            "clusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n",
            self.address
        );
        std::fs::write(&file, text).expect("a kubeconfig");
        let account = Kubeconfig::read(&[file])
            .and_then(|config| config.account("x"))
            .expect("a context");
        ClusterClient::new("eu", account, limits)
    }
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

pub(crate) fn page(items: &[Value], next: &str) -> Reply {
    let metadata = json!({ "resourceVersion": "7", "continue": next, "remainingItemCount": 1 });
    Reply::Is(
        200,
        "",
        json!({ "kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items }).to_string(),
    )
}

pub(crate) fn status(code: u16, reason: &str, message: &str) -> Reply {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code,
    });
    Reply::Is(code, "", body.to_string())
}

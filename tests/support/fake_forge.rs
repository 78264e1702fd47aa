//! A forge that knows one pull request, and takes only requests of the form that its own client was seen to send
//! (`tests/data/forge/recorded.json`).

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::{Reply, Seen, Server};

/// The recorded requests.
pub fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/forge/recorded.json")).expect("recorded requests")
}

/// What the forge knows.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The branch of its pull request; `None` = it has none.
    pub branch: Option<String>,
    /// The commit of that branch.
    pub head: String,
    /// `open`, `closed` or `merged`.
    pub state: String,
    /// Results of its checks: `success`, `failure`, `pending`.
    pub checks: Vec<String>,
    /// Where the forge says that it is, for links.
    pub web: String,
    /// Requests that no client of its make would send.
    pub complaints: Vec<String>,
}

/// A running forge of one make.
pub struct FakeForge {
    pub server: Server,
    pub known: Arc<Mutex<Known>>,
}

impl FakeForge {
    /// Starts one: `github`, `gitlab` or `gitea`.
    pub async fn start(kind: &'static str) -> Self {
        let known = Arc::new(Mutex::new(Known {
            state: "open".to_owned(),
            ..Known::default()
        }));
        let shared = Arc::clone(&known);
        let server = Server::start(move |seen| answer(kind, seen, &mut shared.lock().unwrap())).await;
        known.lock().unwrap().web = format!("http://{}", server.address);
        Self { server, known }
    }

    /// Its address, as `host` of `[forge]` names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Changes what it knows.
    pub fn knows(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap());
    }

    /// Fails where a request came that no client of this make would send.
    pub fn assert_well_asked(&self) {
        let complaints = self.known.lock().unwrap().complaints.clone();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

fn tagged(seen: &Seen, body: &Value) -> Reply {
    let text = body.to_string();
    let tag = format!("W/\"{}\"", &pindeck::domain::Digest::of(text.as_bytes()).hex()[..12]);
    if seen.headers.get("if-none-match") == Some(&tag) {
        return Reply::new(304, "").with("ETag", tag);
    }
    Reply::new(200, text)
        .with("Content-Type", "application/json")
        .with("ETag", tag)
}

fn answer(kind: &str, seen: &Seen, known: &mut Known) -> Reply {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let of_kind = recorded().into_iter().filter(|one| one["kind"] == kind);
    if seen.method == "POST" {
        let mut posts = of_kind.filter(|one| one["method"] == "POST");
        let recorded = posts.next().expect("a recorded creation");
        let sent: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let keys = sent.as_object().cloned().unwrap_or_default();
        for (key, value) in &keys {
            match recorded["body"].get(key) {
                None => known
                    .complaints
                    .push(format!("{kind}: key {key} is none of its client's")),
                Some(theirs) if std::mem::discriminant(theirs) != std::mem::discriminant(value) => {
                    known.complaints.push(format!("{kind}: {key} is of another type"));
                }
                Some(_) => {}
            }
        }
        if recorded["path"] != path {
            known
                .complaints
                .push(format!("{kind}: {path} is not where its client creates"));
        }
        let branch = keys.get("head").or_else(|| keys.get("source_branch"));
        known.branch = branch.and_then(|branch| Some(branch.as_str()?.to_owned()));
        known.state = "open".to_owned();
        return Reply::new(201, pull(kind, known).to_string()).with("Content-Type", "application/json");
    }
    let branch = known.branch.clone().unwrap_or_default();
    let encoded = branch.replace('/', "%2F");
    let repository = match kind {
        "github" => "/api/v3/repos/shop/gitops",
        "gitlab" => "/api/v4/projects/shop%2Fgitops",
        _ => "/api/v1/repos/shop/gitops",
    };
    let Some(rest) = path.strip_prefix(repository) else {
        return Reply::new(404, r#"{"message":"404 Not Found"}"#);
    };
    let has = |wanted: &str| query.split('&').any(|part| part == wanted);
    let is_known = known.branch.is_some();
    let commit = format!("/commits/{}", known.head);
    let found = pull(kind, known);
    match (kind, rest) {
        ("github", "/pulls") if is_known && has(&format!("head=shop%3A{encoded}")) && has("state=all") => {
            tagged(seen, &json!([found]))
        }
        ("gitlab", "/merge_requests") if is_known && has(&format!("source_branch={encoded}")) => {
            tagged(seen, &json!([found]))
        }
        ("github" | "gitea", "/pulls") | ("gitlab", "/merge_requests") => tagged(seen, &json!([])),
        ("github" | "gitea", "/pulls/41") | ("gitlab", "/merge_requests/41") if is_known => tagged(seen, &found),
        ("gitea", by_branch) if is_known && by_branch == format!("/pulls/main/{branch}") => tagged(seen, &found),
        ("github", place) if place == format!("{commit}/check-runs") => {
            let run = |word: &String| match word.as_str() {
                "pending" => json!({"status": "in_progress", "conclusion": null}),
                word => json!({"status": "completed", "conclusion": word}),
            };
            let runs: Vec<Value> = known.checks.iter().map(run).collect();
            tagged(seen, &json!({"total_count": runs.len(), "check_runs": runs}))
        }
        ("github" | "gitea", place) if place == format!("{commit}/status") => {
            let key = if kind == "github" { "state" } else { "status" };
            let statuses: Vec<Value> = match kind {
                // Counted as check runs already.
                "github" => Vec::new(),
                _ => known.checks.iter().map(|word| json!({key: word})).collect(),
            };
            tagged(seen, &json!({"state": "pending", "statuses": statuses}))
        }
        _ => Reply::new(404, r#"{"message":"404 Not Found"}"#),
    }
}

/// The pull request as that make tells it.
fn pull(kind: &str, known: &Known) -> Value {
    let web = &known.web;
    let head = if known.head.is_empty() {
        "a".repeat(40)
    } else {
        known.head.clone()
    };
    if kind == "gitlab" {
        let state = match known.state.as_str() {
            "open" => "opened",
            other => other,
        };
        let word = known
            .checks
            .first()
            .map(|word| if word == "failure" { "failed" } else { word });
        return json!({
            "iid": 41, "state": state, "draft": false, "sha": head, "source_branch": known.branch,
            "web_url": format!("{web}/shop/gitops/-/merge_requests/41"), "source_project_id": 7, "target_project_id": 7,
            "head_pipeline": word.map(|word| json!({"status": word})),
        });
    }
    let is_merged = known.state == "merged";
    let state = if known.state == "open" { "open" } else { "closed" };
    json!({
        "number": 41, "state": state, "draft": false, "merged": is_merged,
        "merged_at": is_merged.then_some("2026-11-30T10:00:00Z"),
        "html_url": format!("{web}/shop/gitops/pulls/41"),
        "head": {"ref": known.branch, "sha": head, "repo": {"full_name": "shop/gitops"}}, "base": {"ref": "main"},
    })
}

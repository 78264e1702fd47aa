use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::config::user::ClusterAccess;
use crate::engine::OpenOptions;
use crate::sources::cluster::server_tests::{Reply, Server, page, status};

const POLICY: &str = "version = 1\n[[clusters]]\nname = \"eu\"\n[[environments]]\nname = \"prod\"\npaths = [\"prod/**\"]\n\
                      running = [{ cluster = \"eu\", namespaces = [\"shop\"] }]\n";

/// What the Pods of the cluster run; nobody listens at the registry of the images.
#[derive(Clone, Copy, PartialEq)]
enum Runs {
    Pinned,
    Other,
}

/// What a cluster answers at one look.
#[derive(Clone)]
enum Looks {
    Pods(Vec<Runs>),
    Refuses(u16),
}

fn image(runs: Runs) -> String {
    let digit = if runs == Runs::Pinned { "a" } else { "b" };
    format!("127.0.0.1:1/shop/web@sha256:{}", digit.repeat(64))
}

fn pod(at: usize, runs: Runs) -> Value {
    json!({
        "metadata": { "name": format!("web-{at}") },
        "spec": { "containers": [{ "name": "web", "image": image(runs) }] },
        "status": { "phase": "Running", "containerStatuses": [{
            "name": "web", "image": "x:v1", "imageID": image(runs), "containerID": "containerd://1", "ready": true,
            "state": { "running": { "startedAt": "2026-11-29T10:00:00Z" } },
        }] },
    })
}

/// A clock that stands still between pauses: each pause is a step of the cluster.
struct TestClock {
    now: Mutex<Timestamp>,
    pauses: Mutex<Vec<u64>>,
    /// What the cluster answers from then on, pause by pause; the last one stays.
    steps: Arc<Mutex<Vec<Looks>>>,
    /// Ends the waiting at this pause.
    ends_at: Option<(usize, watch::Sender<bool>)>,
}

impl WaitClock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("no test panics")
    }

    async fn pause(&self, milliseconds: u64) {
        let count = {
            let mut pauses = self.pauses.lock().expect("no test panics");
            pauses.push(milliseconds);
            pauses.len()
        };
        let mut now = self.now.lock().expect("no test panics");
        *now += jiff::SignedDuration::from_millis(i64::try_from(milliseconds).expect("a pause"));
        let mut steps = self.steps.lock().expect("no test panics");
        if steps.len() > 1 {
            steps.remove(0);
        }
        if let Some((at, stop)) = &self.ends_at
            && count == *at
        {
            stop.send_replace(true);
        }
    }
}

fn git(dir: &std::path::Path, args: &[&str]) {
    let mut command = Command::new("git");
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-C"];
    let done = command.args(who).arg(dir).args(args).output().expect("git runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A repository that pins the image, on a branch of its own if it is named, and an engine that reaches the cluster.
fn engine(folder: &std::path::Path, server: &Server, branch: Option<&str>) -> Engine {
    let repository = folder.join("gitops");
    std::fs::create_dir_all(repository.join("prod")).expect("a folder");
    git(folder, &["init", "-q", "-b", "main", "gitops"]);
    let own = branch
        .map(|branch| format!("branch = \"{branch}\"\n"))
        .unwrap_or_default();
    std::fs::write(repository.join("pindeck.toml"), format!("{POLICY}{own}")).expect("written");
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "-q", "-m", "policy"]);
    if let Some(branch) = branch {
        git(&repository, &["checkout", "-q", "-b", branch]);
    }
    let manifest = format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {}\n",
        image(Runs::Pinned)
    );
    std::fs::write(repository.join("prod/web.yaml"), manifest).expect("written");
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "-q", "-m", "pin"]);
    git(&repository, &["checkout", "-q", "main"]);
    let kubeconfig = folder.join("kubeconfig");
    let text = format!(
        "clusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n",
        server.address
    );
    std::fs::write(&kubeconfig, text).expect("written");
    let access = ClusterAccess {
        context: Some("x".to_owned()),
        kubeconfig: Some(kubeconfig),
        in_cluster: false,
    };
    let options = OpenOptions {
        dir: repository,
        clusters: [("eu".to_owned(), access)].into(),
        ..OpenOptions::default()
    };
    Engine::open(options).expect("a repository")
}

/// Waits at most so long while the cluster goes through these looks: the end, the pauses, and what was told.
async fn waited_for(
    looks: Vec<Looks>,
    limit: i64,
    ends_at: Option<usize>,
    branch: Option<&str>,
) -> (WaitEnd, Vec<u64>, Vec<String>) {
    let steps = Arc::new(Mutex::new(looks));
    let answers = Arc::clone(&steps);
    let server = Server::start(move |_, heard| {
        let now = answers.lock().expect("no test panics").first().cloned();
        match (now, heard.line.contains("/pods?")) {
            (Some(Looks::Refuses(code)), _) => status(code, "Refused", "as the server says"),
            (Some(Looks::Pods(all)), true) => {
                let pods: Vec<Value> = all.iter().enumerate().map(|(at, runs)| pod(at, *runs)).collect();
                page(&pods, "")
            }
            (_, true) => Reply::Silence,
            (_, false) => page(&[], ""),
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), &server, branch);
    let (stop, cancel) = watch::channel(false);
    let clock = TestClock {
        now: Mutex::new(Timestamp::from_second(1_000_000).expect("a time")),
        pauses: Mutex::default(),
        steps,
        ends_at: ends_at.map(|at| (at, stop.clone())),
    };
    let target = WaitTarget {
        target: Target::new("web", "prod"),
        component: None,
        digest: None,
    };
    let mut told = Vec::new();
    let mut tell = |one: &WaitedPin| told.push(one.progress.words());
    let end = engine.wait(&[target], limit, &clock, cancel, &mut tell).await;
    let pauses = clock.pauses.lock().expect("no test panics").clone();
    (end, pauses, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_looked_at_until_it_runs() {
    let (old, new) = (Runs::Other, Runs::Pinned);
    for branch in [None, Some("env/prod")] {
        let looks = vec![
            Looks::Pods(vec![old, old]),
            Looks::Pods(vec![old, old]),
            Looks::Pods(vec![old, new]),
            Looks::Refuses(503),
            Looks::Pods(vec![new, new]),
        ];
        let (end, pauses, told) = waited_for(looks, 600, None, branch).await;
        assert_eq!(
            (end.outcome, end.phase, end.seconds),
            (WaitOutcome::Runs, WaitPhase::Runs, 4)
        );
        assert_eq!(pauses, [1_000; 4]);
        // What did not change is told once.
        let said = [
            "git has it; the cluster has not",
            "rolling 1/2",
            "git has it; the cluster has not",
            "runs 2/2",
        ];
        assert_eq!(told, said);
        assert_eq!(end.pins[0].state, Some(RunningState::Same));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_ends_when_it_was_asked_to() {
    let never = || vec![Looks::Pods(vec![Runs::Other])];
    let (end, pauses, _) = waited_for(never(), 60, None, None).await;
    assert_eq!((end.outcome, end.seconds), (WaitOutcome::Timeout, 60));
    assert_eq!(pauses.iter().sum::<u64>(), 60_000);
    assert_eq!((pauses[0], pauses.iter().max()), (1_000, Some(&5_000)));
    // A signal ends it in the middle of a pause, and nothing else.
    let (end, pauses, _) = waited_for(never(), 600, Some(3), None).await;
    assert_eq!((end.outcome, pauses.len()), (WaitOutcome::Interrupted, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_ends_it_and_what_cannot_be_is_waited_for() {
    let (end, pauses, _) = waited_for(vec![Looks::Refuses(403)], 600, None, None).await;
    assert_eq!((end.outcome, pauses.as_slice()), (WaitOutcome::Forbidden, &[1_000][..]));
    let (end, ..) = waited_for(vec![Looks::Refuses(503)], 600, None, None).await;
    assert_eq!(end.outcome, WaitOutcome::Unreachable);
    assert!((30..40).contains(&end.seconds), "{}", end.seconds);
    // Half a minute without an answer is no reason to give up where the answer comes then.
    let mut looks = vec![Looks::Refuses(503); 10];
    looks.push(Looks::Pods(vec![Runs::Pinned]));
    let (end, ..) = waited_for(looks, 600, None, None).await;
    assert_eq!(end.outcome, WaitOutcome::Runs);
}

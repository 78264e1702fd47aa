//! `--wait`: what was pushed, and whether the cluster runs it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::api_server::{ApiServer, clustered, command_in, list, pod, run_served};
use super::served::Served;
use crate::support::git_world::git;

/// What the cluster says: the images that Pods run, and what its ReplicaSets complain about.
#[derive(Default)]
struct Cluster {
    /// Reference and `imageID` of each Pod, one list for each look; the last one stays.
    looks: Vec<Vec<(String, String)>>,
    replica_sets: Vec<Value>,
    status: Option<u16>,
}

impl Cluster {
    fn pods(&mut self) -> Vec<Value> {
        let now = match self.looks.len() {
            0 => Vec::new(),
            1 => self.looks[0].clone(),
            _ => self.looks.remove(0),
        };
        let each = now.iter().enumerate();
        each.map(|(at, (asked, id))| pod(&format!("pod-{at}"), asked, id))
            .collect()
    }
}

/// A world whose production runs in a cluster of the test.
struct Shop {
    served: Served,
    cluster: Arc<Mutex<Cluster>>,
    _server: ApiServer,
    /// The image that production pins, and the one that is promoted.
    old: String,
    new: String,
}

impl Shop {
    async fn start() -> Self {
        let served = Served::start().await;
        let cluster: Arc<Mutex<Cluster>> = Arc::default();
        let answers = Arc::clone(&cluster);
        let server = ApiServer::start(move |kind| {
            let mut cluster = answers.lock().expect("no test panics");
            if let Some(status) = cluster.status {
                return (status, json!({ "kind": "Status", "message": "as the server says" }));
            }
            match kind {
                "pods" => list(&cluster.pods()),
                "replicasets" => list(&cluster.replica_sets),
                _ => list(&[]),
            }
        });
        clustered(&served, &server, &["shop"]);
        let plan = run_served(
            &served,
            &["promote", "checkout", "--to", "production", "--dry-run", "--json"],
        )
        .await;
        assert_eq!(plan.status, 0, "{plan:?}");
        let plan = plan.json();
        assert_eq!(plan["wait"], Value::Null);
        let plan = &plan["plans"][0];
        let image = |field: &str| {
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            format!("{}@{}", text(&plan["image"]), text(&plan[field]))
        };
        Self {
            old: image("from"),
            new: image("to"),
            served,
            cluster,
            _server: server,
        }
    }

    fn set(&self, change: impl FnOnce(&mut Cluster)) {
        change(&mut self.cluster.lock().expect("no test panics"));
    }

    fn runs(image: &str) -> (String, String) {
        (image.to_owned(), image.to_owned())
    }
}

const PROMOTE: [&str; 7] = [
    "promote",
    "checkout",
    "--to",
    "production",
    "--confirm",
    "production",
    "--json",
];

fn promote(wait: &'static str) -> Vec<&'static str> {
    PROMOTE.into_iter().chain([wait]).collect()
}

/// An environment on a branch of its own, and one in a repository of its own: the commit is looked for where it was
/// pushed to.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_and_another_repository_are_waited_for_as_well() {
    for is_branch in [true, false] {
        let shop = Shop::start().await;
        let (served, clone) = (&shop.served, shop.served.world.clone_dir());
        let other = served.home.path("production.git").display().to_string();
        let place = match is_branch {
            true => {
                git(&clone, &["push", "-q", "origin", "HEAD:refs/heads/env/production"]);
                "branch = \"env/production\"\n".to_owned()
            }
            false => {
                let remote = git(&clone, &["remote", "get-url", "origin"]);
                git(&clone, &["clone", "-q", "--bare", &remote, &other]);
                let mine = std::fs::read_to_string(served.home.path("mine.toml")).expect("there");
                served
                    .home
                    .write("mine.toml", &format!("approved_repositories = [\"{other}\"]\n{mine}"));
                format!("repository = \"{other}\"\n")
            }
        };
        let policy = std::fs::read_to_string(clone.join("pindeck.toml")).expect("a policy");
        let named = "name = \"production\"\n";
        let policy = policy.replacen(named, &format!("{named}{place}"), 1);
        std::fs::write(clone.join("pindeck.toml"), policy).expect("written");
        git(&clone, &["commit", "-q", "-am", "Name the place of production"]);
        git(&clone, &["push", "-q"]);
        let main = git(&clone, &["rev-parse", "HEAD"]);
        let (old, new) = (Shop::runs(&shop.old), Shop::runs(&shop.new));
        shop.set(|cluster| cluster.looks = vec![vec![old.clone()], vec![new.clone()]]);
        let said = run_served(served, &promote("--wait=60s")).await;
        assert_eq!(said.status, 0, "{said:?}");
        let document = said.json();
        assert_eq!(
            (&document["state"], &document["wait"]["outcome"]),
            (&json!("pushed"), &json!("runs")),
            "{document}"
        );
        git(&clone, &["fetch", "-q"]);
        assert_eq!(
            git(&clone, &["rev-parse", "origin/main"]),
            main,
            "not on the branch of the policy"
        );
        let commit = document["commits"][0].as_str().expect("a commit");
        let there = match is_branch {
            true => git(&clone, &["rev-parse", "origin/env/production"]),
            false => git(&clone, &["--git-dir", &other, "rev-parse", "main"]),
        };
        assert_eq!(there, commit);
        // And the way back.
        shop.set(|cluster| cluster.looks = vec![vec![old.clone()]]);
        let back = [
            "revert",
            "checkout",
            "--env",
            "production",
            "--confirm",
            "production",
            "--wait=60s",
            "--json",
        ];
        let said = run_served(served, &back).await;
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(said.json()["wait"]["outcome"], "runs", "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_is_watched_until_it_runs_and_so_is_the_way_back() {
    let shop = Shop::start().await;
    let (old, new) = (Shop::runs(&shop.old), Shop::runs(&shop.new));
    shop.set(|cluster| {
        cluster.looks = vec![
            vec![old.clone(), old.clone()],
            vec![old.clone(), new.clone()],
            vec![new.clone(), new.clone()],
        ];
    });
    let said = run_served(&shop.served, &promote("--wait=60s")).await;
    assert_eq!(said.status, 0, "{said:?}");
    let document = said.json();
    assert_eq!(document["state"], "pushed");
    let wait = &document["wait"];
    assert_eq!(
        (&wait["outcome"], &wait["phase"]),
        (&json!("runs"), &json!("runs")),
        "{wait}"
    );
    assert_eq!(wait["pins"][0]["running"]["state"], "same", "{wait}");
    for words in [
        "checkout in production: git has it; the cluster has not",
        "rolling 1/2",
        "runs 2/2",
    ] {
        assert!(said.err.contains(words), "{words}: {said:?}");
    }
    // Waiting for what is already there waits all the same.
    let again = run_served(&shop.served, &promote("--wait")).await;
    let document = again.json();
    assert_eq!(
        (again.status, &document["state"], &document["wait"]["outcome"]),
        (0, &json!("already"), &json!("runs")),
        "{again:?}"
    );
    shop.set(|cluster| cluster.looks = vec![vec![new.clone(), old.clone()], vec![old.clone()]]);
    let back = [
        "revert",
        "checkout",
        "--env",
        "production",
        "--confirm",
        "production",
        "--wait=60s",
    ];
    let said = run_served(&shop.served, &back).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("Reverted: checkout") && said.out.contains("Runs, after"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_does_not_run_says_who_is_in_the_way() {
    let shop = Shop::start().await;
    shop.set(|cluster| {
        cluster.looks = vec![vec![Shop::runs(&shop.old)]];
        cluster.replica_sets = vec![json!({
            "metadata": { "name": "checkout" },
            "spec": { "replicas": 1, "template": { "spec": { "containers": [{ "name": "web", "image": shop.new }] } } },
            "status": { "conditions": [{ "type": "ReplicaFailure", "status": "True",
                "message": "admission webhook \"policy.sigstore.dev\" denied the request: no \u{1b}[2Jsignature" }] },
        })];
    });
    let said = run_served(&shop.served, &promote("--wait=60s")).await;
    assert_eq!(said.status, 8, "{said:?}");
    let document = said.json();
    assert_eq!(
        (&document["state"], &document["wait"]["outcome"]),
        (&json!("pushed"), &json!("gate-denied")),
        "{document}"
    );
    assert_ne!(document["commits"], json!([]));
    assert!(
        said.err.contains("policy.sigstore.dev") && !said.err.contains('\u{1b}'),
        "{said:?}"
    );
    let again = |status, wait| {
        shop.set(|cluster| cluster.status = status);
        run_served(&shop.served, Box::leak(promote(wait).into_boxed_slice()))
    };
    // These credentials may not look; the push stood before.
    let said = again(Some(403), "--wait=60s").await;
    assert_eq!(
        (said.status, said.json()["wait"]["outcome"].as_str()),
        (8, Some("forbidden"))
    );
    let said = again(Some(500), "--wait=2s").await;
    assert_eq!(
        (said.status, said.json()["wait"]["outcome"].as_str()),
        (8, Some("unreachable"))
    );
    shop.set(|cluster| cluster.replica_sets.clear());
    let said = again(None, "--wait=2s").await;
    let document = said.json();
    assert_eq!(
        (said.status, document["wait"]["outcome"].as_str()),
        (8, Some("timeout"))
    );
    assert_eq!(document["wait"]["phase"], "pushed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_waiting_and_not_the_push() {
    let shop = Shop::start().await;
    shop.set(|cluster| cluster.looks = vec![vec![Shop::runs(&shop.old)]]);
    let mut command = command_in(&shop.served, &promote("--wait"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (status, out) = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
        let waits = lines.any(|line| line.is_ok_and(|line| line.contains("the cluster has not")));
        assert!(waits, "it never waited");
        let id = Pid::from_raw(i32::try_from(child.id()).expect("a number")).expect("an id");
        kill_process(id, Signal::INT).expect("a signal");
        let mut out = String::new();
        child
            .stdout
            .take()
            .expect("stdout")
            .read_to_string(&mut out)
            .expect("read");
        (child.wait().expect("an end").code(), out)
    })
    .await
    .expect("finished");
    let document: Value = serde_json::from_str(&out).expect("one document");
    assert_eq!(
        (status, &document["state"], &document["wait"]["outcome"]),
        (Some(130), &json!("pushed"), &json!("interrupted")),
        "{document}"
    );
    let status = run_served(
        &shop.served,
        &["status", "--json", "--env", "production", "--service", "checkout"],
    )
    .await;
    let pinned = status.json()["services"][0]["pins"][0]["digest"].clone();
    assert!(shop.new.ends_with(pinned.as_str().expect("a digest")));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_where_nothing_can_be_seen_is_said_before_anything_is_written() {
    let shop = Shop::start().await;
    let before = shop.served.run(&["status", "--json", "--offline"]).await.json()["repository"]["commit"].clone();
    // An environment without a cluster.
    let said = run_served(
        &shop.served,
        &[
            "promote",
            "checkout",
            "--to",
            "staging",
            "--from",
            "integration",
            "--yes",
            "--wait",
        ],
    )
    .await;
    assert!(said.status == 2 && said.err.contains("leave out --wait"), "{said:?}");
    // A cluster that this person's configuration does not reach.
    shop.served.home.write("mine.toml", "");
    let said = run_served(&shop.served, &promote("--wait")).await;
    assert!(said.status == 2 && said.err.contains("[clusters.eu]"), "{said:?}");
    assert_eq!(said.error()["code"], 2);
    for wrong in ["--wait=0s", "--wait=soon", "--wait=25h"] {
        let said = run_served(&shop.served, &promote(wrong)).await;
        assert_eq!(said.status, 2, "{wrong}: {said:?}");
    }
    let after = shop.served.run(&["status", "--json"]).await.json()["repository"]["commit"].clone();
    assert_eq!(after, before);
}

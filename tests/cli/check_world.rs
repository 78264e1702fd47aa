//! `pindeck check` on the frozen release world: a branch for each situation, and the verdict that `status` gives after
//! it is merged.

use std::path::Path;

use serde_json::Value;

use super::gated::kinds;
use super::home::{Home, Said, finish};
use crate::support::peer::git;
use crate::support::stage::{Stage, path};

const CHECKOUT: &str = "apps/checkout/staging/checkout.yaml";
const PAYMENTS: &str = "apps/payments/overlays/production/kustomization.yaml";

/// One situation: the change of one file, and what comes of it.
struct Situation {
    name: &'static str,
    file: &'static str,
    change: fn(&str, &World<'_>) -> String,
    exit: i32,
    kinds: &'static [&'static str],
}

struct World<'a> {
    stage: &'a Stage,
    home: Home,
}

impl World<'_> {
    fn git(&self, args: &[&str]) -> String {
        let all: Vec<&str> = ["-C", path(&self.stage.clone)]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        git(self.stage.home.path(), all)
    }

    async fn run(&self, args: &[&str]) -> Said {
        let policy = path(&self.stage.policy);
        let all: Vec<&str> = args.iter().copied().chain(["--config", policy, "--json"]).collect();
        let command = self.home.command(Path::new(&self.stage.clone), &all);
        tokio::task::spawn_blocking(move || finish(command))
            .await
            .expect("finished")
    }

    /// The digest that a file has at the newest commit of the branch.
    fn digest(&self, file: &str) -> String {
        digest_in(&self.stage.file(file))
    }

    /// Every digest that a file ever had, the newest first.
    fn past(&self, file: &str) -> Vec<String> {
        let log = self.git(&["log", "-p", "--format=", "origin/main", "--", file]);
        let was = log
            .lines()
            .filter(|line| line.starts_with('-') && line.contains("sha256:"));
        was.map(digest_in).collect()
    }

    fn begin(&self, situation: &Situation, message: &str) {
        self.git(&["checkout", "-q", "-f", "-B", "change", "origin/main"]);
        let text = std::fs::read_to_string(self.stage.clone.join(situation.file)).expect("there");
        let changed = (situation.change)(&text, self);
        assert_ne!(text, changed, "{}", situation.name);
        std::fs::write(self.stage.clone.join(situation.file), changed).expect("written");
        self.git(&["commit", "-q", "-am", message]);
    }
}

fn digest_in(text: &str) -> String {
    text[text.find("sha256:").expect("a digest")..][..71].to_owned()
}

fn with_digest(text: &str, digest: &str) -> String {
    text.replace(&digest_in(text), digest)
}

const SITUATIONS: [Situation; 8] = [
    Situation {
        name: "good",
        file: CHECKOUT,
        change: |text, world| with_digest(text, &world.digest("apps/checkout/integration/checkout.yaml")),
        exit: 0,
        kinds: &[],
    },
    Situation {
        name: "good, and reverted there before",
        file: PAYMENTS,
        change: |text, world| {
            with_digest(text, &world.digest("apps/payments/overlays/staging/kustomization.yaml"))
                .replace("1.3.0", "1.4.0")
        },
        exit: 0,
        kinds: &["reverted-digest"],
    },
    Situation {
        name: "rejected",
        file: "charts/catalog/values-staging.yaml",
        change: |text, world| {
            with_digest(text, &world.digest("charts/catalog/values-integration.yaml")).replace("1.3.0", "1.4.0")
        },
        exit: 4,
        kinds: &["pin-rejected"],
    },
    Situation {
        name: "warned",
        file: "charts/catalog/values-production.yaml",
        change: |text, world| {
            with_digest(text, &world.digest("charts/catalog/values-staging.yaml")).replace("1.2.0", "1.3.0")
        },
        exit: 4,
        kinds: &["pin-warned", "reverted-digest"],
    },
    Situation {
        name: "by tag only",
        file: "apps/checkout/production/checkout.yaml",
        change: |text, _| text.replace(&format!("@{}", digest_in(text)), ":1.4.0"),
        exit: 4,
        kinds: &["pin-by-tag"],
    },
    Situation {
        name: "a tag that was pushed again",
        file: "apps/checkout/production/checkout.yaml",
        change: |text, _| text.replace("shop/checkout@", "shop/checkout:1.3.0@"),
        exit: 4,
        kinds: &["tag-digest-mismatch"],
    },
    Situation {
        name: "a step left out",
        file: "charts/frontend/values-production.yaml",
        change: |text, world| {
            with_digest(text, &world.digest("charts/frontend/values-integration.yaml")).replace(":1.2.0@", ":1.4.0@")
        },
        exit: 4,
        kinds: &["order-skipped"],
    },
    Situation {
        name: "back to what was good",
        file: PAYMENTS,
        change: |text, world| {
            let now = digest_in(text);
            let staging = world.digest("apps/payments/overlays/staging/kustomization.yaml");
            let earlier = world
                .past(PAYMENTS)
                .into_iter()
                .find(|one| *one != now && *one != staging);
            with_digest(text, &earlier.expect("one more")).replace("  newTag: \"1.3.0\" # informative\n", "")
        },
        exit: 0,
        kinds: &[],
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_situation_is_told_as_status_tells_it_after_the_merge() {
    let Some(stage) = Stage::start().await else { return };
    let world = World {
        stage: &stage,
        home: Home::new(),
    };
    let start = stage.head();
    for situation in &SITUATIONS {
        let name = situation.name;
        world.begin(situation, name);
        let said = world.run(&["check", "--base", "origin/main", "--head", "change"]).await;
        let document = said.json();
        let found = kinds(&document);
        assert_eq!(
            found.iter().map(String::as_str).collect::<Vec<_>>(),
            sorted(situation.kinds),
            "{name}: {document:#}"
        );
        assert_eq!(said.status, situation.exit, "{name}");
        let pin = &document["pins"][0];
        if name == "back to what was good" {
            assert_eq!(pin["way"], "back", "{pin}");
        }
        world.git(&["push", "-q", "origin", "change:main"]);
        let (service, environment) = (
            pin["service"].as_str().expect("one"),
            pin["environment"].as_str().expect("one"),
        );
        let status = world
            .run(&["status", "--service", service, "--env", environment])
            .await
            .json();
        let after = &status["services"][0]["pins"][0];
        assert_eq!(after["digest"], pin["to"]["digest"], "{name}");
        if !pin["verdict"].is_null() {
            let words = |verdict: &Value| (verdict["result"].clone(), causes(verdict));
            assert_eq!(words(&after["verdict"]), words(&pin["verdict"]), "{name}");
        }
        world.git(&["push", "-q", "-f", "origin", &format!("{start}:refs/heads/main")]);
        world.git(&["fetch", "-q", "origin"]);
    }
}

fn sorted(kinds: &[&'static str]) -> Vec<&'static str> {
    let mut all = kinds.to_vec();
    all.sort_unstable();
    all
}

fn causes(verdict: &Value) -> Vec<String> {
    let all = verdict["causes"].as_array().expect("a list").iter();
    all.map(|cause| format!("{} {}", cause["check"], cause["cause"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_job_acknowledges_and_a_hold_of_the_base_counts() {
    let Some(stage) = Stage::start().await else { return };
    let world = World {
        stage: &stage,
        home: Home::new(),
    };
    let warned = &SITUATIONS[3];
    world.begin(
        warned,
        "promote\n\nPindeck-Action: promote\nPindeck-Verdict: warned, acknowledged\nPindeck-Waived: acknowledge",
    );
    let check = ["check", "--base", "origin/main", "--head", "change"];
    assert_eq!(world.run(&check).await.status, 4, "a trailer acknowledges nothing");
    let said = world.run(&[&check[..], &["--acknowledge-warned"]].concat()).await;
    assert_eq!((said.status, kinds(&said.json()).len()), (0, 1), "{said:?}");

    let good = &SITUATIONS[0];
    world.begin(good, "good");
    assert_eq!(world.run(&check).await.status, 0);
    let digest = world.digest("apps/checkout/integration/checkout.yaml");
    let hold = format!(
        "version = 1\n[[hold]]\nservice = \"checkout\"\nenvironment = \"integration\"\ndigest = \"{digest}\"\nreason = \"no\"\n"
    );
    stage.somebody_changes("pindeck-holds.toml", |_| hold);
    world.git(&["fetch", "-q", "origin"]);
    let said = world.run(&check).await;
    assert_eq!(
        (said.status, kinds(&said.json()).into_iter().collect::<Vec<_>>()),
        (4, vec!["hold-violated".to_owned()])
    );
    // Merged all the same, it has the verdict that the check gave it, and stands under the hold.
    let pin = said.json()["pins"][0].clone();
    world.git(&["checkout", "-q", "-f", "-B", "merged", "origin/main"]);
    world.git(&["merge", "-q", "--no-edit", "change"]);
    world.git(&["push", "-q", "origin", "merged:main"]);
    let status = world
        .run(&["status", "--service", "checkout", "--env", "staging"])
        .await;
    let after = status.json()["services"][0]["pins"][0].clone();
    assert_eq!(after["digest"], pin["to"]["digest"], "{after}");
    assert_eq!(
        (&after["verdict"]["result"], causes(&after["verdict"])),
        (&pin["verdict"]["result"], causes(&pin["verdict"]))
    );
    assert_eq!(after["hold"]["environment"], "integration", "{after}");
}

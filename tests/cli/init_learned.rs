//! `pindeck init`: a policy learned from the evidence of what is pinned.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pindeck::domain::Digest;
use serde_json::Value;

use super::home::{Home, Said, deployment, finish};
use crate::support::fake::{Fake, Ways};
use crate::support::server::Server;
use crate::support::signed_world::{API, Key};
use crate::support::stage::{Stage, path};

async fn init(home: &Home, clone: PathBuf, args: &[&str]) -> Said {
    let all: Vec<&str> = ["init", "--print"].into_iter().chain(args.iter().copied()).collect();
    let command = home.command(&clone, &all);
    tokio::task::spawn_blocking(move || finish(command))
        .await
        .expect("finished")
}

/// The file with every learned line in force, as a person takes the comment signs away.
fn uncommented(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        inside = inside && !line.is_empty() || line == "# [policies.release]";
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let learned = ["policy = ", "signer = ", "source = "]
            .iter()
            .any(|key| bare.starts_with(key));
        out.push_str(if inside || learned { bare } else { line });
        out.push('\n');
    }
    out
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_learned_verifies_what_verifies_today() {
    let Some(stage) = Stage::start().await else { return };
    let home = Home::new();
    let folder = stage.policy.parent().expect("a folder").to_path_buf();
    let (key, root) = (folder.join("keys/release.pub"), folder.join("trusted-root.json"));
    let args = [
        "--key",
        path(&key),
        "--root",
        path(&root),
        "--config",
        path(&stage.policy),
    ];
    let said = init(&home, stage.clone.clone(), &args).await;
    assert_eq!(said.status, 0, "{said:?}");
    let learned: Vec<&str> = said
        .out
        .lines()
        .skip_while(|line| *line != "# [policies.release]")
        .collect();
    println!("{}", learned.join("\n"));
    let proposed = uncommented(&said.out);
    assert_ne!(proposed, said.out);
    let registries = std::fs::read_to_string(&stage.policy).expect("a policy");
    let registries = &registries[registries.find("\n[registries.").expect("endpoints")..];
    let file = home.write("proposed.toml", &format!("{proposed}{registries}"));
    let command = home.command(&stage.clone, &["status", "--json", "--config", path(&file)]);
    let status = tokio::task::spawn_blocking(move || finish(command))
        .await
        .expect("finished")
        .json();
    let world = crate::support::dump::World::find();
    let expected = std::fs::read_to_string(world.folder.join("EXPECTED.json")).expect("expected");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let mut found = BTreeSet::new();
    for pin in list(&status["services"])
        .iter()
        .flat_map(|service| list(&service["pins"]))
    {
        if pin["verdict"]["result"] == "verified" {
            found.insert((pin["image"].to_string(), pin["digest"].to_string()));
        }
    }
    let (mut verified, mut missing) = (0, Vec::new());
    for pin in list(&expected["pins"]).iter().filter(|pin| pin["result"] == "verified") {
        verified += 1;
        if !found.contains(&(pin["image"].to_string(), pin["digest"].to_string())) {
            missing.push(pin);
        }
    }
    println!("{verified} verified as expected, {} missing", missing.len());
    assert!(verified > 0 && missing.is_empty(), "{missing:#?}\n{proposed}");
    // What is rejected is said, with the reason.
    for what in ["search", "notifier", "frontend"] {
        let line = said
            .out
            .lines()
            .find(|line| line.starts_with("# Not verified by it: ") && line.contains(what));
        assert!(
            line.is_some_and(|line| line.contains("rejected: ")),
            "{what}: {}",
            said.out
        );
    }
    assert!(
        said.out
            .contains("payments/.github/workflows/release.yml@refs/heads/main"),
        "{}",
        said.out
    );

    // Without the key, only what certificates sign can be proposed; the rest is told of.
    let said = init(
        &home,
        stage.clone.clone(),
        &["--root", path(&root), "--config", path(&stage.policy)],
    )
    .await;
    assert!(
        said.out.contains("# Seen, not proposed: ") && !said.out.contains("# keys = [\"/"),
        "{}",
        said.out
    );
    // A stranger's key signs little, and is not proposed for it.
    let stranger = folder.join("keys/stranger.pub");
    let said = init(
        &home,
        stage.clone.clone(),
        &["--key", path(&stranger), "--config", path(&stage.policy)],
    )
    .await;
    assert!(
        !said
            .out
            .contains("# [policies.release]\n# require = [\"signature\"]  #"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("# Nothing was learned from the evidence of"),
        "{}",
        said.out
    );
    let offline = init(&home, stage.clone.clone(), &["--offline", "--key", path(&key)]).await;
    assert!(
        offline.status == 0
            && !offline.out.contains("Not verified by it")
            && !offline.out.contains("Nothing was learned")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_asked_init_works_as_without_evidence() {
    let home = Home::new();
    let image = format!("127.0.0.1:1/shop/api:1.0.0@sha256:{}", "a".repeat(64));
    let repository = home.repository("gitops", &[("envs/dev/api.yaml", &deployment(&image))]);
    let said = init(&home, repository.clone(), &[]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out
            .contains("# Nothing was learned: of no pinned digest could all evidence be read"),
        "{}",
        said.out
    );
    assert!(
        said.out
            .contains("# The evidence of 1 pinned digests could not be read: "),
        "{}",
        said.out
    );
    let offline = init(&home, repository, &["--offline"]).await;
    let told = |line: &&str| {
        !line.starts_with("# Nothing") && !line.starts_with("# key was") && !line.starts_with("# The evidence of")
    };
    let without: Vec<&str> = said.out.lines().filter(told).collect();
    let plain: Vec<&str> = offline.out.lines().collect();
    let text = |lines: &[&str]| lines.join("\n").trim_end().to_owned();
    assert_eq!(text(&without), text(&plain));
    let wrong = home.write("no.pub", "no key");
    let said = init(&home, home.path("gitops"), &["--key", path(&wrong)]).await;
    assert_eq!(said.status, 2, "{said:?}");
}

/// A registry with three images, each pinned in an environment of its own.
async fn three_images(home: &Home) -> (Fake, Server, Vec<Digest>, PathBuf) {
    let fake = Fake::new(Ways::default());
    let images: Vec<Digest> = ["one", "two", "three"]
        .map(|layer| fake.image(API, layer, None))
        .to_vec();
    let answers = fake.clone();
    let server = Server::start(move |seen| answers.answer(seen)).await;
    let names = ["dev", "staging", "production"];
    let files: Vec<(String, String)> = names
        .iter()
        .zip(&images)
        .map(|(env, image)| {
            let text = deployment(&format!("{}/{API}:1.0.0@{image}", server.address));
            (format!("envs/{env}/api.yaml"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let repository = home.repository("gitops", &files);
    (fake, server, images, repository)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_evidence_and_where_a_stranger_signed_most_nothing_is_proposed() {
    let home = Home::new();
    let (fake, _server, images, repository) = three_images(&home).await;
    let (own, stranger) = (Key::new(), Key::new());
    let key = home.write("own.pub", &own.pem());
    let said = init(&home, repository.clone(), &["--key", path(&key)]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out
            .contains("# Nothing was learned from the evidence of 3 distinct"),
        "{}",
        said.out
    );
    assert!(
        !said.out.contains("Seen, not proposed") && !said.out.contains("could not be read"),
        "{}",
        said.out
    );

    stranger.sign(&fake, API, images[0]);
    stranger.sign(&fake, API, images[1]);
    own.sign(&fake, API, images[2]);
    let said = init(&home, repository.clone(), &["--key", path(&key)]).await;
    println!("{}", said.out);
    assert!(
        said.out
            .contains("# Nothing was learned from the evidence of 3 distinct"),
        "{}",
        said.out
    );
    let seen: Vec<&str> = said
        .out
        .lines()
        .filter(|line| line.starts_with("# Seen, not proposed: "))
        .collect();
    assert!(
        seen.iter()
            .any(|line| line.contains("own.pub signs 1 of 3") && line.contains("not sign most")),
        "{seen:?}"
    );
    assert!(
        seen.iter()
            .any(|line| line.contains("signs 2 of 3") && line.contains("could not be verified")),
        "{seen:?}"
    );

    own.sign(&fake, API, images[1]);
    let said = init(&home, repository, &["--key", path(&key)]).await;
    assert!(
        said.out.contains("# require = [\"signature\"]  # signature on 2 of 3"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("# By this policy 2 pinned digests verify today."),
        "{}",
        said.out
    );
    assert!(said.out.contains("rejected: signature other-signer"), "{}", said.out);
}

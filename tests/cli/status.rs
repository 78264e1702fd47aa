//! `pindeck status`.

use serde_json::Value;

use super::home::{Home, deployment, digest};
use super::served::{Served, drift, each, evidence, has, verdict};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_and_drift_are_as_the_contract_says() {
    let served = Served::start().await;
    let status = served.json("pindeck/status/v1", &["status", "--json"]).await;
    has(&status["repository"], "path branch commit remote ahead behind dirty");
    has(&status["budget"], "requests head get from_cache rate_limited");
    for env in each(&status, "environments") {
        has(env, "name policy registry write read_only");
    }
    let mut by_tag = 0;
    for service in each(&status, "services") {
        has(service, "name candidate pins");
        if !service["candidate"].is_null() {
            let candidate = &service["candidate"];
            has(candidate, "image tag digest ci_built verdict evidence");
            verdict(&candidate["verdict"]);
            each(candidate, "evidence").iter().for_each(evidence);
        }
        for pin in each(service, "pins") {
            has(
                pin,
                "environment image tag digest tag_source tag_digest locations pinned relation behind verdict evidence hold running",
            );
            has(&pin["pinned"], "commit author at subject");
            each(pin, "locations").iter().for_each(|l| has(l, "file line style"));
            each(pin, "evidence").iter().for_each(evidence);
            if pin["digest"].is_null() {
                by_tag += 1;
                assert!(pin["verdict"].is_null(), "a verdict is about a digest: {pin}");
            } else {
                verdict(&pin["verdict"]);
            }
        }
    }
    assert!(by_tag > 0, "the world has a pin by tag");
    each(&status, "drift").iter().for_each(drift);

    let once = served.json("pindeck/drift/v1", &["drift", "--json"]).await;
    let ids = |document: &Value| {
        each(document, "drift")
            .iter()
            .map(|d| d["id"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&once), ids(&status), "ids are stable from run to run");
    // Whatever is found, the status is 0 unless asked for.
    assert_eq!(served.run(&["drift", "--exit-code"]).await.status, 3);
    assert_eq!(served.run(&["status", "--exit-code", "--json"]).await.status, 3);
    assert_eq!(served.run(&["status"]).await.status, 0);

    let narrow = ["status", "--json", "--env", "production", "--service", "checkout"];
    let narrow = served.json("pindeck/status/v1", &narrow).await;
    let services = each(&narrow, "services");
    assert_eq!((services.len(), &services[0]["name"]), (1, &"checkout".into()));
    assert!(
        each(&services[0], "pins")
            .iter()
            .all(|pin| pin["environment"] == "production")
    );
    assert!(each(&narrow, "drift").iter().all(|d| d["service"] == "checkout"));
}

#[test]
fn nothing_pinned_is_said_and_is_no_failure() {
    let home = Home::new();
    let empty = home.repository("empty", &[("README.md", "nothing")]);
    let said = home.run(&empty, &["status", "--offline"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("no pins") && said.out.contains("pindeck init"),
        "{said:?}"
    );
    let document = home.run(&empty, &["status", "--offline", "--json"]).json();
    assert_eq!(document["services"].as_array().map(Vec::len), Some(0));
}

#[test]
fn an_unreachable_registry_is_unknown_and_never_unsigned() {
    let home = Home::new();
    let policy = "version = 1\n[[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\npolicy = \"p\"\n\
        [policies.p]\nrequire = [\"signature\"]\nsigner = \"ci\"\n[trust.ci]\nkeys = [\"ci.pub\"]\ntransparency_log = \"not-required\"\n";
    let key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhyQCx0E9wQWSFI9ULGwy3BuRklnt\nIqozONbbdbqz11hlRJy9c7SG+hdcFl9jE9uE/dwtuwU2MqU9T/cN0YkWww==\n-----END PUBLIC KEY-----\n";
    let image = format!("127.0.0.1:1/shop/api:1.0.0@{}", digest('a'));
    let repository = home.repository(
        "gitops",
        &[
            ("pindeck.toml", policy),
            ("ci.pub", key),
            ("envs/production/api.yaml", &deployment(&image)),
        ],
    );
    let said = home.run(&repository, &["status", "--json", "--exit-code"]);
    assert_eq!(said.status, 6, "{said:?}");
    let pin = &said.json()["services"][0]["pins"][0];
    assert_eq!(pin["verdict"]["result"], "unknown");
    let causes = pin["verdict"]["causes"].as_array().expect("causes");
    assert_eq!(causes.len(), 1, "{pin}");
    assert_eq!(
        (&causes[0]["check"], &causes[0]["cause"]),
        (&"digest".into(), &"unreachable".into())
    );
    let reference = format!("127.0.0.1:1/shop/api@{}", digest('a'));
    for args in [
        vec!["verify", &reference, "--policy", "p"],
        vec!["evidence", "api", "--env", "production"],
        vec!["drift", "--exit-code"],
        vec!["history", "api", "--env", "production", "--verify"],
    ] {
        let said = home.run(&repository, &args);
        assert_eq!(said.status, 6, "{args:?}: {said:?}");
        assert!(
            !said.out.contains("unsigned") && !said.out.contains("verified"),
            "{said:?}"
        );
    }
    // Asked of history alone, nothing needs a registry.
    assert_eq!(
        home.run(&repository, &["history", "api", "--env", "production"]).status,
        0
    );
}

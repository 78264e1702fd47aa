//! Every pin, candidate and drift, against what is expected.

use std::collections::BTreeSet;

use serde_json::Value;

use super::served::{Served, pins};

fn causes(verdict: &Value) -> BTreeSet<(String, String)> {
    let list = verdict["causes"].as_array().into_iter().flatten();
    list.map(|c| (text(&c["check"]), text(&c["cause"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("null").to_owned()
}

fn drift(list: &Value) -> BTreeSet<[String; 3]> {
    let one = |d: &Value| [text(&d["kind"]), text(&d["service"]), text(&d["environment"])];
    list.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn status_says_what_is_expected() {
    let Some(served) = Served::start() else { return };
    let (code, status) = served.status();
    let mut wrong = Vec::new();
    let expected = served.expected["pins"].as_array().unwrap();
    for wanted in expected {
        let (service, environment) = (text(&wanted["service"]), text(&wanted["environment"]));
        let place = format!("{service} in {environment}");
        let digest = &wanted["digest"];
        let Some((_, pin)) = pins(&status).find(|(name, pin)| {
            *name == service && pin["environment"] == wanted["environment"] && pin["digest"] == *digest
        }) else {
            wrong.push(format!("{place}: no pin of {digest}"));
            continue;
        };
        if pin["image"] != wanted["image"] {
            wrong.push(format!(
                "{place}: image {} instead of {}",
                pin["image"], wanted["image"]
            ));
        }
        let verdict = &pin["verdict"];
        if verdict["result"] != wanted["result"] || causes(verdict) != causes(wanted) {
            wrong.push(format!(
                "{place}: {} {:?} instead of {} {:?}",
                verdict["result"],
                verdict["causes"],
                wanted["result"],
                causes(wanted)
            ));
        }
        let locations = pin["locations"].as_array().unwrap();
        if !locations
            .iter()
            .any(|l| l["file"] == wanted["file"] && l["style"] == wanted["style"])
        {
            wrong.push(format!("{place}: found at {locations:?}"));
        }
    }
    let found = pins(&status).count();
    if found != expected.len() {
        wrong.push(format!("{found} pins instead of {}", expected.len()));
    }
    for (service, wanted) in served.expected["candidates"].as_object().unwrap() {
        let services = status["services"].as_array().unwrap();
        let candidate = services
            .iter()
            .find(|s| s["name"] == service.as_str())
            .map_or(&Value::Null, |s| &s["candidate"]);
        for field in ["image", "tag", "digest"] {
            if candidate[field] != wanted[field] {
                wrong.push(format!(
                    "candidate of {service}: {field} {} instead of {}",
                    candidate[field], wanted[field]
                ));
            }
        }
        if candidate["verdict"]["result"] != wanted["result"] {
            wrong.push(format!(
                "candidate of {service}: {} instead of {}",
                candidate["verdict"], wanted["result"]
            ));
        }
    }
    let (now, wanted) = (drift(&status["drift"]), drift(&served.expected["drift"]));
    wrong.extend(wanted.difference(&now).map(|d| format!("drift missed: {d:?}")));
    wrong.extend(now.difference(&wanted).map(|d| format!("drift invented: {d:?}")));
    println!("{found} pins, {} drifts compared", now.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(code, 0, "nothing was unreachable");
}

#[test]
fn the_drift_command_says_the_same() {
    let Some(served) = Served::start() else { return };
    let answer = served.run(&["drift", "--json", "--exit-code"]);
    let document: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(document["schema"], "pindeck/drift/v1");
    assert_eq!(drift(&document["drift"]), drift(&served.expected["drift"]));
    assert_eq!(answer.code, 3);
}

#[test]
fn verify_and_evidence_agree_with_status() {
    let Some(served) = Served::start() else { return };
    let (_, status) = served.status();
    for (service, pin) in pins(&status) {
        let Some(digest) = pin["digest"].as_str() else { continue };
        let environment = pin["environment"].as_str().unwrap();
        let reference = format!("{}@{digest}", pin["image"].as_str().unwrap());
        let answer = served.run(&["verify", &reference, "--env", environment, "--json"]);
        let document: Value = serde_json::from_str(&answer.stdout).expect("JSON");
        assert_eq!(document["verdict"]["result"], pin["verdict"]["result"], "{reference}");
        assert_eq!(causes(&document["verdict"]), causes(&pin["verdict"]), "{reference}");
        let code = match pin["verdict"]["result"].as_str() {
            Some("verified") => 0,
            Some("rejected" | "warned") => 4,
            other => panic!("{other:?}"),
        };
        assert_eq!(answer.code, code, "{reference}");
        let shown = served.run(&["evidence", service, "--env", environment, "--json"]);
        let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!(
            shown["evidence"].as_array().map(Vec::len),
            document["evidence"].as_array().map(Vec::len),
            "{service} in {environment}"
        );
    }
}

//! Every request of a verification, broken: one at a time, each in every run. The answer is never *verified*
//! where a requirement stood on that request, and never *absent*: what could not be asked is unknown.

use std::collections::BTreeSet;

use pindeck::demo::registry::Fault;
use serde_json::Value;

use super::served::{Served, pins};

/// A verified pin of each registry: its reference and environment, and whether keys signed it.
fn chosen(served: &Served, status: &Value) -> Vec<(String, String, String)> {
    let mut out = Vec::new();
    for host in served.registries.keys() {
        let found = pins(status).find(|(_, pin)| {
            let here = pin["image"]
                .as_str()
                .is_some_and(|image| image.starts_with(host.as_str()));
            here && pin["verdict"]["result"] == "verified"
        });
        if let Some((_, pin)) = found {
            let text = |key: &str| pin[key].as_str().unwrap().to_owned();
            let reference = format!("{}@{}", text("image"), text("digest"));
            out.push((host.clone(), reference, text("environment")));
        }
    }
    out
}

fn verify(served: &Served, reference: &str, environment: &str) -> (i32, Value) {
    // Nothing may be known from before.
    let _ = std::fs::remove_dir_all(served.home.path().join("xdg"));
    let answer = served.run(&["verify", reference, "--env", environment, "--json"]);
    let document = serde_json::from_str(&answer.stdout)
        .unwrap_or_else(|e| panic!("no JSON ({e}):\n{}\n{}", answer.stdout, answer.stderr));
    (answer.code, document)
}

/// Each piece of evidence and its state.
fn states(said: &Value) -> BTreeSet<(String, String)> {
    let all = said["evidence"].as_array().unwrap().iter();
    all.map(|e| (e["digest"].to_string(), e["state"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn each_request_of_a_verification_broken_in_turn() {
    let Some(served) = Served::start() else { return };
    let (_, status) = served.status();
    let chosen = chosen(&served, &status);
    assert!(!chosen.is_empty(), "a registry holds something that verifies");
    let (mut unknown, mut walked) = (0, 0);
    for (host, reference, environment) in chosen {
        let registry = &served.registries[&host];
        registry.forget();
        let (code, said) = verify(&served, &reference, &environment);
        assert_eq!(
            (code, said["verdict"]["result"].as_str()),
            (0, Some("verified")),
            "{reference}"
        );
        let known = states(&said);
        let asked: BTreeSet<(String, String)> = registry
            .requests()
            .into_iter()
            .map(|a| (a.method, a.path))
            .filter(|(_, path)| path != "/v2/")
            .collect();
        for (method, path) in asked {
            let broken = (method.clone(), path.clone());
            // 400 is not repeated: it is broken in every run, and costs no waiting.
            registry.hook(move |a| {
                let here = a.method == broken.0 && a.path == broken.1;
                here.then(|| Fault::Status(400, Vec::new(), "broken on purpose".to_owned()))
            });
            let (code, said) = verify(&served, &reference, &environment);
            registry.unhook();
            walked += 1;
            let verdict = &said["verdict"];
            let place = format!("{method} {path}: {verdict}");
            let causes = verdict["causes"].as_array().unwrap();
            for cause in causes {
                assert_eq!(cause["cause"], "unreachable", "{place}");
            }
            match verdict["result"].as_str() {
                Some("unknown") => {
                    assert_eq!(code, 6, "{place}");
                    unknown += 1;
                }
                // Only what the verdict does not stand on: labels, and what is shown of the platforms.
                Some("verified") => {
                    let evidence = said["evidence"].as_array().unwrap();
                    assert!(evidence.iter().any(|e| e["state"] == "verified"), "{place}");
                    // What could not be read is called so, and never takes another state.
                    let new: Vec<_> = states(&said).difference(&known).cloned().collect();
                    assert!(new.iter().all(|(_, state)| state == "unreachable"), "{place}: {new:?}");
                    println!("not needed: {method} {path}");
                }
                other => panic!("{other:?}: {place}"),
            }
        }
    }
    println!("{walked} requests broken in turn, {unknown} of them made the verdict unknown");
    assert!(unknown * 2 > walked, "most requests carry the verdict");
}

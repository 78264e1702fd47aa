//! The reports of `pindeck check` as their readers take them: SARIF by Microsoft's own validator, JUnit by a schema of
//! the form that Jenkins documents. Both programs come with `tests/peers/install`.

use std::path::Path;

use serde_json::Value;

use super::check_reports::{everything, hostile};
use super::gated::{Gate, PRODUCTION};
use super::home::deployment;
use crate::support::peer::{find, run};

/// The validator's results that are no advice.
fn broken_sarif(gate: &Gate) -> Option<Vec<String>> {
    let program = find("sarif")?;
    let home = gate.home.root.path();
    let (file, out) = (gate.home.path("report.sarif"), gate.home.path("validated.sarif"));
    let args = [
        "validate",
        file.to_str()?,
        "--output",
        out.to_str()?,
        "--log",
        "ForceOverwrite",
    ];
    let said = run(&program, home, args);
    let log: Value = serde_json::from_slice(&std::fs::read(out).unwrap_or_else(|_| panic!("{said:?}"))).expect("SARIF");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().cloned().unwrap_or_default();
    let level = |result: &Value| {
        let own = result["level"].as_str().map(str::to_owned);
        let index = result["ruleIndex"].as_u64().and_then(|at| usize::try_from(at).ok());
        let of_rule = index.and_then(|at| {
            rules.get(at)?["defaultConfiguration"]["level"]
                .as_str()
                .map(str::to_owned)
        });
        own.or(of_rule).unwrap_or_else(|| "warning".to_owned())
    };
    let results = run["results"].as_array().cloned().unwrap_or_default();
    println!("{} remarks of the validator", results.len());
    let broken = results.iter().filter(|result| level(result) == "error");
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().cloned();
    let failed = notifications.unwrap_or_default();
    let failed = failed.iter().filter(|one| one["level"] == "error");
    Some(broken.chain(failed).map(Value::to_string).collect())
}

/// What the schema says against a report.
fn broken_junit(gate: &Gate) -> Option<String> {
    let program = find("xmllint")?;
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/check/junit.xsd");
    let file = gate.home.path("report.junit");
    let args = ["--noout", "--nonet", "--schema", schema.to_str()?, file.to_str()?];
    let said = run(&program, gate.home.root.path(), args);
    Some(if said.code == 0 { String::new() } else { said.stderr })
}

fn readable(gate: &Gate, what: &str) {
    tokio::task::block_in_place(|| everything(gate));
    if let Some(broken) = broken_sarif(gate) {
        assert!(broken.is_empty(), "{what}: {broken:?}");
    }
    if let Some(broken) = broken_junit(gate) {
        assert_eq!(broken, "", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_programs_read_what_is_written() {
    let gate = Gate::start().await;
    gate.set_up(|_| {}, |_| {}, |g| g.write("README.md", "nothing\n"));
    readable(&gate, "nothing found");
    gate.set_up(|_| {}, |_| {}, |g| g.pin("staging", &g.image("1.2.0")));
    readable(&gate, "a good pin");
    gate.set_up(
        |_| {},
        |_| {},
        |g| {
            let one = |n: usize| {
                deployment(&format!("{}/shop/svc{n}:1", g.server.address))
                    .replace("name: api\nspec", &format!("name: svc{n}\nspec"))
            };
            let all: Vec<String> = (0..500).map(one).collect();
            g.write("envs/staging/many.yaml", &all.join("---\n"));
            g.remove(PRODUCTION);
        },
    );
    readable(&gate, "500 findings");
    gate.set_up(|g| g.hold("production", "1.2.0"), |_| {}, hostile);
    readable(&gate, "a hostile head");
}

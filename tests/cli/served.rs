//! The embedded world, served while the program runs; and what every document of the contract must have.

use pindeck::demo::{DemoOptions, World};
use serde_json::Value;

use super::home::{Home, Said};

/// A world that is served while the binary runs.
pub struct Served {
    pub home: Home,
    pub world: World,
}

impl Served {
    pub async fn start() -> Self {
        Self {
            home: Home::new(),
            world: World::start(DemoOptions::default()).await.expect("a world"),
        }
    }

    pub async fn run(&self, args: &[&str]) -> Said {
        let command = self.home.command(&self.world.clone_dir(), args);
        tokio::task::spawn_blocking(move || super::home::finish(command))
            .await
            .expect("finished")
    }

    pub async fn json(&self, schema: &str, args: &[&str]) -> Value {
        let said = self.run(args).await;
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        let document = said.json();
        assert_eq!(document["schema"], schema);
        time(&document["generated_at"]);
        sane(&document, "$");
        document
    }
}

/// RFC 3339.
pub fn time(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    assert!(text.parse::<jiff::Timestamp>().is_ok(), "{text}");
}

/// Nothing is "", and what begins as a digest is a whole one.
pub fn sane(value: &Value, at: &str) {
    match value {
        Value::String(text) => {
            assert_ne!(text, "", "{at}: absent is null");
            if let Some(hex) = text.strip_prefix("sha256:").filter(|rest| !rest.contains(' ')) {
                assert_eq!(hex.len(), 64, "{at}: {text}");
            }
        }
        Value::Array(all) => all.iter().enumerate().for_each(|(n, v)| sane(v, &format!("{at}[{n}]"))),
        Value::Object(all) => all.iter().for_each(|(name, v)| sane(v, &format!("{at}.{name}"))),
        _ => {}
    }
}

/// Exactly these fields are promised; more may be there.
pub fn has(value: &Value, fields: &str) {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    for field in fields.split(' ') {
        assert!(object.contains_key(field), "{field} is missing in {value}");
    }
}

pub fn verdict(value: &Value) {
    has(value, "result policy policy_digest at causes");
    time(&value["at"]);
    for cause in value["causes"].as_array().expect("causes") {
        has(cause, "check cause detail subject");
    }
}

pub fn evidence(value: &Value) {
    has(
        value,
        "kind predicate_type format digest subjects state cause signer log timestamp signed_at summary",
    );
    if !value["signer"].is_null() {
        has(&value["signer"], "kind identity issuer");
    }
    if value["state"] != "verified" {
        return;
    }
    match value["kind"].as_str() {
        Some("provenance") => has(
            &value["summary"],
            "builder build_type source commit workflow started_at finished_at",
        ),
        Some("sbom") => has(&value["summary"], "format version packages"),
        Some("test-result") => has(&value["summary"], "result passed warned failed url"),
        Some("vulnerability-scan") => has(&value["summary"], "scanner critical high medium low"),
        _ => {}
    }
}

pub fn drift(value: &Value) {
    has(
        value,
        "id kind service environment image tag expected found since detail",
    );
    time(&value["since"]);
}

pub fn each<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field]
        .as_array()
        .unwrap_or_else(|| panic!("{field} of {value} is no list"))
}

/// The reference of a pin with this verdict, and its environment.
pub fn pinned_with(status: &Value, result: &str) -> (String, String) {
    let mut pins = each(status, "services").iter().flat_map(|s| each(s, "pins"));
    let pin = pins.find(|pin| pin["verdict"]["result"] == result);
    let pin = pin.unwrap_or_else(|| panic!("the world has no {result} pin"));
    let text = |field: &str| pin[field].as_str().expect("text").to_owned();
    (format!("{}@{}", text("image"), text("digest")), text("environment"))
}

/// What every document of a write has, be it planned or done.
pub fn write(value: &Value) {
    has(
        value,
        "state plans commits pushed proposal_url copied missing_at_destination conflict",
    );
    has(&value["copied"], "manifests blobs bytes evidence");
    for plan in each(value, "plans") {
        has(
            plan,
            "service environment from to base_commit policy edits copies gates warnings verdict message",
        );
        has(&plan["policy"], "name digest source");
        each(plan, "edits").iter().for_each(|edit| has(edit, "file line diff"));
        each(plan, "gates")
            .iter()
            .for_each(|gate| has(gate, "gate state detail"));
        if !plan["verdict"].is_null() {
            verdict(&plan["verdict"]);
        }
    }
}

//! The documents of CONTRACT "JSON", field by field, on the embedded world: every field is there, absent is
//! `null`, digests are full, and the statuses are those of the table.

use pindeck::demo::{Options, World};
use serde_json::Value;

use super::home::{Home, Said};

/// A world that is served while the binary runs.
struct Served {
    home: Home,
    world: World,
}

impl Served {
    async fn start() -> Self {
        Self {
            home: Home::new(),
            world: World::start(Options::default()).await.expect("a world"),
        }
    }

    async fn run(&self, args: &[&str]) -> Said {
        let command = self.home.command(&self.world.clone_dir(), args);
        tokio::task::spawn_blocking(move || super::home::finish(command))
            .await
            .expect("finished")
    }

    async fn json(&self, schema: &str, args: &[&str]) -> Value {
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
fn time(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    assert!(text.parse::<jiff::Timestamp>().is_ok(), "{text}");
}

/// Nothing is "", and what begins as a digest is a whole one.
fn sane(value: &Value, at: &str) {
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
fn has(value: &Value, fields: &str) {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    for field in fields.split(' ') {
        assert!(object.contains_key(field), "{field} is missing in {value}");
    }
}

fn verdict(value: &Value) {
    has(value, "result policy policy_digest at causes");
    time(&value["at"]);
    for cause in value["causes"].as_array().expect("causes") {
        has(cause, "check cause detail subject");
    }
}

fn evidence(value: &Value) {
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

fn drift(value: &Value) {
    has(
        value,
        "id kind service environment image tag expected found since detail",
    );
    time(&value["since"]);
}

fn each<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field]
        .as_array()
        .unwrap_or_else(|| panic!("{field} of {value} is no list"))
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_digest_in_every_document_and_its_status() {
    let served = Served::start().await;
    let status = served.json("pindeck/status/v1", &["status", "--json"]).await;
    let pins: Vec<&Value> = each(&status, "services").iter().flat_map(|s| each(s, "pins")).collect();
    let mut seen = Vec::new();
    for (result, plain, acknowledged) in [("verified", 0, 0), ("warned", 4, 0), ("rejected", 4, 4)] {
        let pin = pins.iter().find(|p| p["verdict"]["result"] == result);
        let pin = pin.unwrap_or_else(|| panic!("the world has no {result} pin"));
        let text = |field: &str| pin[field].as_str().expect("text").to_owned();
        let reference = format!("{}@{}", text("image"), text("digest"));
        let environment = text("environment");
        let verify = ["verify", &reference, "--env", &environment, "--json"];
        let said = served.run(&verify).await;
        assert_eq!(said.status, plain, "{result}: {said:?}");
        let document = said.json();
        assert_eq!(document["schema"], "pindeck/verify/v1");
        has(&document, "image digest verdict evidence");
        verdict(&document["verdict"]);
        each(&document, "evidence").iter().for_each(evidence);
        assert_eq!(document["verdict"]["causes"], pin["verdict"]["causes"], "{result}");
        let said = served.run(&[&verify[..], &["--acknowledge-warned"]].concat()).await;
        assert_eq!(said.status, acknowledged, "{result}");
        let said = served.run(&["verify", &reference, "--env", &environment]).await;
        assert!(said.out.contains(result), "{said:?}");
        seen.push(reference);
    }
    let document = served
        .json(
            "pindeck/evidence/v1",
            &["evidence", "checkout", "--env", "production", "--json"],
        )
        .await;
    has(&document, "image digest evidence");
    let statements = each(&document, "evidence");
    assert!(!statements.is_empty());
    for one in statements {
        evidence(one);
        for check in each(one, "checks") {
            has(check, "check state detail");
        }
    }
    let text = served.run(&["evidence", "checkout", "--env", "production"]).await;
    assert!(text.out.contains("passed") && text.out.contains("verified"), "{text:?}");

    let document = served
        .json("pindeck/diff/v1", &["diff", &seen[0], &seen[2], "--json"])
        .await;
    has(
        &document,
        "a b platforms config layers packages provenance tests missing",
    );
    has(&document["a"], "image digest");
    has(&document["layers"], "shared added removed");
    has(&document["packages"], "added removed changed");
    has(&document["provenance"], "a b commits");
    assert_eq!(served.run(&["diff", &seen[0], &seen[2], "--exit-code"]).await.status, 3);
    assert_eq!(served.run(&["diff", &seen[0], &seen[0], "--exit-code"]).await.status, 0);

    let args = [
        "history",
        "checkout",
        "--env",
        "production",
        "--json",
        "--verify",
        "--limit",
        "2",
    ];
    let document = served.json("pindeck/history/v1", &args).await;
    has(&document, "service environment entries");
    assert_eq!(each(&document, "entries").len(), 2);
    for entry in each(&document, "entries") {
        has(
            entry,
            "commit author at subject action reverts from to tag break_glass verdict",
        );
        verdict(&entry["verdict"]);
    }
    let plain = ["history", "checkout", "--env", "production", "--json"];
    let document = served.json("pindeck/history/v1", &plain).await;
    assert!(each(&document, "entries").iter().all(|e| e["verdict"].is_null()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watching_says_what_is_there_first_and_ends_with_the_signal() {
    use std::io::BufRead as _;

    let served = Served::start().await;
    let expected = served.json("pindeck/drift/v1", &["drift", "--json"]).await;
    let expected = each(&expected, "drift").len();
    let mut command = served.home.command(
        &served.world.clone_dir(),
        &["drift", "--watch", "--json", "--interval", "1h"],
    );
    let (lines, status) = tokio::task::spawn_blocking(move || {
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("started");
        let out = std::io::BufReader::new(child.stdout.take().expect("piped"));
        let lines: Vec<String> = out.lines().map_while(Result::ok).take(expected).collect();
        let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("an id"), rustix::process::Signal::TERM).expect("told");
        (lines, child.wait().expect("ended").code())
    })
    .await
    .expect("finished");
    assert_eq!((lines.len(), status), (expected, Some(143)));
    for line in lines {
        let event: Value = serde_json::from_str(&line).expect("one document a line");
        has(&event, "schema at event drift");
        assert_eq!(
            (&event["schema"], &event["event"]),
            (&"pindeck/drift-event/v1".into(), &"appeared".into())
        );
        drift(&event["drift"]);
    }
}

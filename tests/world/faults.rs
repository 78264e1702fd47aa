//! A registry that fails: its pins are unknown, nothing reads as unsigned, everything else stays right.

use pindeck::demo::registry::Fault;
use serde_json::Value;

use super::served::{Served, pins};

/// Statuses under a registry that answers honestly `honest` times, and then like this.
fn failing(host: &str, honest: u64, fault: impl Fn() -> Fault + Send + Sync + Clone + 'static) -> Option<()> {
    let served = Served::start()?;
    let (_, before) = served.status();
    // Nothing may be known from before: a cache of its own each time.
    std::fs::remove_dir_all(served.home.path().join("xdg")).unwrap();
    let registry = &served.registries[host];
    registry.forget();
    registry.hook(move |asked| (asked.place >= honest).then(&fault));
    let (code, status) = served.status();
    assert_eq!(code, 6, "{host} failed after {honest} requests");
    let mut unknown = 0;
    for (service, pin) in pins(&status) {
        if pin["digest"].is_null() {
            continue;
        }
        let place = format!("{service} in {}, {honest} honest answers", pin["environment"]);
        let at_host = pin["image"].as_str().unwrap().starts_with(host);
        let (_, known) = pins(&before)
            .find(|(name, p)| *name == service && p["environment"] == pin["environment"])
            .unwrap();
        let (now, was) = (&pin["verdict"], &known["verdict"]);
        if !at_host {
            assert_eq!(
                (&now["result"], &now["causes"]),
                (&was["result"], &was["causes"]),
                "{place}"
            );
            continue;
        }
        if now["result"] == "unknown" {
            unknown += 1;
            let causes = now["causes"].as_array().unwrap();
            assert!(
                causes.iter().all(|c| c["cause"] == "unreachable"),
                "{place}: {causes:?}"
            );
            continue;
        }
        // What could be asked before the registry failed may be decided, and then as before; a refusal may
        // stand on less than all causes, but never on one that the registry's silence made up.
        assert_eq!(now["result"], was["result"], "{place}: {now} instead of {was}");
        for cause in now["causes"].as_array().unwrap() {
            let known = |c: &&Value| c["check"] == cause["check"] && c["cause"] == cause["cause"];
            let was_there = was["causes"].as_array().unwrap().iter().any(|c| known(&c));
            assert!(was_there || cause["cause"] == "unreachable", "{place}: {cause}");
        }
    }
    if honest == 0 {
        assert!(unknown > 0, "some pins live in {host}");
    }
    Some(())
}

fn hosts() -> Vec<String> {
    crate::support::dump::World::find().registries.keys().cloned().collect()
}

#[test]
fn a_registry_that_breaks_off_is_never_unsigned() {
    for host in hosts() {
        for honest in [0, 7, 23, 60] {
            failing(&host, honest, || Fault::Broken);
        }
    }
}

#[test]
fn a_registry_that_limits_every_request_ends_the_run_soon() {
    let limited = || {
        let headers = vec![("Retry-After".to_owned(), "1".to_owned())];
        Fault::Status(429, headers, String::new())
    };
    for host in hosts() {
        failing(&host, 0, limited);
        failing(&host, 30, limited);
    }
}

#[test]
fn denied_is_not_absent() {
    for host in hosts() {
        failing(&host, 0, || Fault::Status(403, Vec::new(), String::new()));
        failing(&host, 0, || Fault::Status(500, Vec::new(), String::new()));
    }
}

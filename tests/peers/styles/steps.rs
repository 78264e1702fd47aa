//! One pin, forward and back, looked at after every step.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::Case;
use super::content;
use super::place::{Place, REFUSING, WORDS, text};
use crate::support::git_world::belongings;
use crate::support::peer::git;

const HOLDS: &str = "pindeck-holds.toml";
const OUR_HOOKS: &str = "commit-msg\npre-push\npre-receive\nupdate\n";

/// What a step was to come to.
struct Expected<'a> {
    action: &'a str,
    subject: String,
    from: &'a str,
    to: &'a str,
    /// The files it may touch.
    files: &'a [&'a str],
    /// The pin's file afterwards.
    after: String,
    heard: &'a str,
    reason: Option<&'a str>,
    waived: bool,
}

pub fn walk(place: &Place, case: &Case, at: usize) {
    let (service, env) = (case.service, case.environment);
    let file = case.its_file();
    let [old, new] = case.versions.map(|version| place.digest(case, version));
    let title = |verb: &str, joined: &str| format!("{verb} {service} {joined} {env}");

    // The version before comes first, so that there is something to go back to. It was never in the
    // environment before: that is what the typed reason waives. The hooks are the tracked tree's now,
    // and do not run.
    place.hooks_are_tracked(true);
    let start = place.file("main", &file);
    let nothing = start[start.find("sha256:1111").expect("nothing is pinned yet")..][..71].to_owned();
    let first = [
        "promote",
        service,
        "--to",
        env,
        "--digest",
        &old,
        "--reason",
        "begin\nhere",
        "--break-glass",
        "a new registry",
        "--yes",
    ];
    let expected = Expected {
        action: "promote",
        subject: title("Promote", "to"),
        from: &nothing,
        to: &old,
        files: &[&file],
        after: changed(&start, case, (&nothing, &old), None),
        heard: "pre-receive\nupdate\n",
        reason: Some("begin here"),
        waived: true,
    };
    let done = step(place, case, &first, &expected);
    assert!(done.get("commits").is_some());
    let begun = place.file("main", &file);
    place.hooks_are_tracked(false);

    // Forward, from what the environment before pins.
    let forward = ["promote", service, "--to", env, "--yes"];
    let head = place.head();
    let planned = place.document(&["promote", service, "--to", env, "--dry-run"], 0);
    assert_eq!((&planned["state"], place.head()), (&"planned".into(), head));
    assert_eq!(planned["plans"][0]["to"], new.as_str());
    if case.is_copied() {
        assert!(!content::is_there(place, case, &new), "a dry run copies nothing");
    }
    let forward_is = Expected {
        action: "promote",
        subject: title("Promote", "to"),
        from: &old,
        to: &new,
        files: &[&file],
        after: changed(&begun, case, (&old, &new), Some(case.versions)),
        heard: OUR_HOOKS,
        reason: None,
        waived: false,
    };
    step(place, case, &forward, &forward_is);
    let promoted = place.head();

    // A hook that refuses is heard, and nothing lands.
    let back = ["revert", service, "--env", env, "--reason", "it broke", "--yes"];
    let refusing = REFUSING[at % REFUSING.len()];
    place.refuses(refusing, true);
    let said = place.document(&back, 7);
    assert_eq!(
        (&said["schema"], &said["code"]),
        (&"pindeck/error/v1".into(), &7.into())
    );
    assert!(said["message"].as_str().unwrap().contains(WORDS), "{refusing}: {said}");
    let told = place.pindeck(&back);
    assert_eq!(told.code, 7, "{refusing}: {}", told.stderr);
    assert!(told.stderr.contains(WORDS), "{refusing}: {}", told.stderr);
    assert_eq!(place.head(), promoted, "{refusing}");
    place.refuses(refusing, false);
    place.heard();

    // Back, byte for byte.
    let back_is = Expected {
        action: "revert",
        subject: title("Revert", "in"),
        from: &new,
        to: &old,
        files: &[&file, HOLDS],
        after: begun.clone(),
        heard: OUR_HOOKS,
        reason: Some("it broke"),
        waived: false,
    };
    step(place, case, &back, &back_is);
    let message = place.at_remote(&["log", "-1", "--format=%B", "main"]);
    assert!(
        message.contains(&format!("This reverts commit {promoted}.")),
        "{message}"
    );

    // It stays back until the hold is released.
    let refused = place.document(&forward, 4);
    let gates = refused["plans"][0]["gates"].as_array().expect("gates");
    let closed: Vec<&Value> = gates
        .iter()
        .filter(|g| g["state"] == "closed")
        .map(|g| &g["gate"])
        .collect();
    assert_eq!(closed, [&Value::from("hold")], "{refused:#}");
    let release = place.pindeck(&["hold", "release", service, "--env", env, "--yes"]);
    assert_eq!(release.code, 0, "{}\n{}", release.stdout, release.stderr);
    assert_eq!(place.heard(), OUR_HOOKS);
    assert_eq!(place.at_remote(&["diff", "--name-only", "main^", "main"]).trim(), HOLDS);
    assert_eq!(trailers(place)["Pindeck-Action"], "release-hold");
    step(place, case, &forward, &forward_is);
    assert_eq!(place.document(&forward, 0)["state"], "already");
}

/// Runs one command and looks at everything that came of it.
fn step(place: &Place, case: &Case, args: &[&str], expected: &Expected<'_>) -> Value {
    let clone = &place.world.clone;
    let (base, mine) = (place.head(), belongings(clone));
    place.heard();
    let done = place.document(args, 0);
    let head = place.head();
    let about = format!("{} {args:?}", case.service);
    assert_eq!(
        (&done["state"], &done["pushed"], &done["commits"]),
        (&"pushed".into(), &"refs/heads/main".into(), &serde_json::json!([head])),
        "{about}"
    );
    assert_eq!(done["missing_at_destination"], serde_json::json!([]), "{about}");
    assert_eq!(place.heard(), expected.heard, "{about}");
    assert!(belongings(clone) == mine, "{about}: the person's own was touched");

    // One commit on what was there, of these files, of these bytes.
    assert_eq!(place.at_remote(&["rev-parse", "main^"]).trim(), base, "{about}");
    let names = place.at_remote(&["diff", "--name-only", &base, &head]);
    assert_eq!(names.lines().collect::<Vec<_>>(), expected.files, "{about}");
    let file = case.its_file();
    assert_eq!(place.file(&head, &file), expected.after, "{about}");
    git(place.world.home.path(), ["-C", text(clone), "verify-commit", &head]);

    let subject = place.at_remote(&["log", "-1", "--format=%s", "main"]);
    assert_eq!(subject.trim(), expected.subject);
    let trailers = trailers(place);
    let plan = &done["plans"][0];
    let policy = format!("release {}", plan["policy"]["digest"].as_str().expect("a digest"));
    let mut contract = vec![
        ("Pindeck-Action", expected.action),
        ("Pindeck-Service", case.service),
        ("Pindeck-Environment", case.environment),
        ("Pindeck-From", expected.from),
        ("Pindeck-To", expected.to),
        ("Pindeck-Policy", &policy),
        ("Pindeck-Policy-Source", text(&place.world.policy)),
        ("Pindeck-Verdict", "verified"),
    ];
    contract.extend(expected.reason.map(|reason| ("Pindeck-Reason", reason)));
    if expected.waived {
        contract.extend([("Pindeck-Waived", "order"), ("Pindeck-Break-Glass", "a new registry")]);
    }
    let ours = trailers.iter().filter(|(name, _)| name.starts_with("Pindeck-"));
    let ours: BTreeMap<&str, &str> = ours.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(ours, contract.into_iter().collect(), "{about}");
    let kept = trailers.get("Change-Id").map(String::as_str);
    assert_eq!(
        kept,
        expected.heard.contains("commit-msg").then_some("I1"),
        "what the hook added"
    );

    if case.is_copied() {
        content::is_the_same(place, case, expected.to);
        if expected.action == "promote" && case.tag.is_some() {
            let version = case.versions.iter().find(|v| place.digest(case, v) == expected.to);
            let version = version.expect("one of both");
            assert_eq!(content::tag(place, case, version), expected.to, "{about}");
        }
    }
    done
}

fn trailers(place: &Place) -> BTreeMap<String, String> {
    let said = place.at_remote(&["log", "-1", "--format=%(trailers:only,unfold)", "main"]);
    let pairs = said.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The pin's file with the digest, and the version beside it, exchanged and nothing else.
fn changed(before: &str, case: &Case, (from, to): (&str, &str), versions: Option<[&str; 2]>) -> String {
    assert_eq!(before.matches(from).count(), case.times, "{before}");
    let mut after = before.replace(from, to);
    let Some(tag) = case.tag else { return after };
    let written = |version: &str| tag.replace("{}", version);
    let found = |text: &str| {
        let versions = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        versions
            .map(written)
            .into_iter()
            .find(|tag| text.contains(tag.as_str()))
    };
    let was = found(&after).expect("a version");
    let now = versions.map_or(case.versions[0], |[_, new]| new);
    assert_eq!(after.matches(&was).count(), 1, "{before}");
    after = after.replace(&was, &written(now));
    after
}

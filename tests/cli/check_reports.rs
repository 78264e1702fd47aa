//! The forms that a result of `pindeck check` has, of heads that want to be obeyed most of all.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use super::gated::{Gate, PRODUCTION};
use super::home::{Said, deployment};
use crate::support::signed_world::{API, Key};

/// The forms besides the one on stdout, each with the file it is written to.
const REPORTS: [&str; 6] = ["text", "json", "gitlab", "markdown", "sarif", "junit"];

/// What begins a command of a workflow, or markup, where a stranger's text is taken for more than text.
const HOSTILE: &str = "x\n::error file=a::gone";

fn report(gate: &Gate, form: &str) -> String {
    std::fs::read_to_string(gate.home.path(&format!("report.{form}"))).expect("written")
}

/// Runs `check` with every form, and gives the most memory that it had, in KiB.
pub fn everything(gate: &Gate) -> (Said, u64) {
    let mut args = vec![
        "check".to_owned(),
        "--base=main".to_owned(),
        "--head=change".to_owned(),
        "--format=github".to_owned(),
    ];
    args.extend(REPORTS.iter().map(|form| {
        format!(
            "--report={form}={}",
            gate.home.path(&format!("report.{form}")).display()
        )
    }));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = gate.home.command(&gate.folder, &args);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    let status = format!("/proc/{}/status", child.id());
    let watching = std::thread::spawn(move || {
        let mut most = 0;
        while let Ok(text) = std::fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            // A process that has ended has no memory any more.
            let Some(line) = line else { break };
            most = line.trim().trim_end_matches(" kB").parse().unwrap_or(most);
            std::thread::yield_now();
        }
        most
    });
    let out = child.wait_with_output().expect("it ends");
    let said = Said {
        status: out.status.code().unwrap_or(-1),
        out: String::from_utf8(out.stdout).expect("UTF-8"),
        err: String::from_utf8(out.stderr).expect("UTF-8"),
    };
    (said, watching.join().expect("watched"))
}

fn is_clean(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !c.is_control())
}

/// Everything that a change can bring to be obeyed, run, followed or choked on.
pub fn hostile(gate: &Gate) {
    let key = Key::new();
    key.sign(&gate.fake, API, gate.digest("1.3.0"));
    gate.write("keys/ci.pub", &key.pem());
    gate.write(
        "pindeck.toml",
        &gate.policy("").replace("require = [\"signature\"]", "require = []"),
    );
    gate.write("pindeck-holds.toml", "version = 1\n");
    gate.pin("staging", &gate.image("1.3.0"));
    let touch = format!("touch {}", gate.home.path("obeyed").display());
    gate.write(".gitattributes", "* filter=evil diff=evil\n");
    gate.write(
        ".gitconfig",
        &format!("[filter \"evil\"]\n\tsmudge = {touch}\n[core]\n\tfsmonitor = {touch}\n"),
    );
    gate.write(
        ".gitmodules",
        &format!("[submodule \"m\"]\n\tpath = m\n\turl = ext::sh -c {touch}\n"),
    );
    gate.write("hooks/post-checkout", &format!("#!/bin/sh\n{touch}\n"));
    let bomb: String = (1..40)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 20].join(", ")))
        .collect();
    gate.write("envs/production/bomb.yaml", &format!("a0: &a0 [x, x]\n{bomb}"));
    gate.write("envs/production/deep.yaml", &"[".repeat(200_000));
    gate.write(
        "envs/production/many.yaml",
        &format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n{}",
            "  - {name: a, image: \"evil/x:1\"}\n".repeat(150_000)
        ),
    );
    let mut huge = std::fs::File::create(gate.folder.join("envs/production/huge.yaml")).expect("made");
    for _ in 0..100 {
        huge.write_all(&vec![b'#'; 1 << 20]).expect("written");
    }
    for (name, to) in [("passwd.yaml", "/etc/passwd"), ("loop.yaml", "loop.yaml")] {
        std::os::unix::fs::symlink(to, gate.folder.join("envs/production").join(name)).expect("a link");
    }
    let odd = std::ffi::OsStr::from_bytes(b"envs/production/\xff\xfe.yaml");
    std::fs::write(gate.folder.join(odd), deployment("evil/x:1")).expect("written");
    let named = format!("envs/production/{}.yaml", HOSTILE.replace('/', "-"));
    gate.write(&named, &deployment(&format!("{}/shop/web:1", gate.server.address)));
    gate.write("envs/production/script.yaml", &deployment("\"reg.example/<script>:1\""));
    gate.write(
        "envs/production/tag.yaml",
        &deployment(&format!(
            "\"{}/shop/web:1\\n::error file=b::gone\\u202e\"",
            gate.server.address
        )),
    );
    gate.write(
        "envs/production/markup.yaml",
        &deployment("\"`@ada`|<img src=x>[l](http://e.example)\""),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_hostile_head_is_obeyed_and_no_form_carries_it_on() {
    let gate = Gate::start().await;
    gate.set_up(|g| g.hold("production", "1.2.0"), |_| {}, hostile);
    let (said, memory) = tokio::task::block_in_place(|| everything(&gate));
    println!("the most memory: {} MiB", memory >> 10);
    assert_eq!(said.status, 4, "{said:?}");
    assert!(memory < 700 << 10, "{memory} KiB");
    assert!(!gate.home.path("obeyed").exists(), "something of the head was run");
    let document: Value = serde_json::from_str(&report(&gate, "json")).expect("JSON");
    let kinds = super::gated::kinds(&document);
    for kind in [
        "pin-rejected",
        "hold-released",
        "policy-changed",
        "pin-by-tag",
        "unmanaged-image",
    ] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    // Commands of a workflow: ours, one a line, and one line that is none.
    assert!(is_clean(&said.out), "{:?}", said.out);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines.len() <= 31, "{}", lines.len());
    for line in &lines[..lines.len() - 1] {
        let begins = ["::error ", "::warning ", "::notice "]
            .iter()
            .any(|command| line.starts_with(command));
        assert!(begins && line.matches("title=pindeck%3A ").count() == 1, "{line}");
    }
    assert!(
        lines[lines.len() - 1].starts_with("pindeck check: refused: "),
        "{lines:?}"
    );
    for form in REPORTS {
        let text = report(&gate, form);
        assert!(is_clean(&text), "{form}");
        assert!(!text.contains('\u{202e}'), "{form}");
        assert!(text.lines().all(|line| !line.starts_with("::")), "{form}");
    }
    let markdown = report(&gate, "markdown");
    assert!(markdown.len() <= 60 << 10, "{}", markdown.len());
    for sign in ["<script", "<img", "](http", "| @ada"] {
        assert!(!markdown.contains(sign), "{sign}");
    }
    let junit = report(&gate, "junit");
    assert!(!junit.contains("<script") && !junit.contains("<img"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_says_the_same_of_many_findings() {
    let gate = Gate::start().await;
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
    let before = gate.server.total();
    let (said, _) = tokio::task::block_in_place(|| everything(&gate));
    assert_eq!((said.status, gate.server.total()), (4, before), "{said:?}");
    assert!(
        said.out
            .lines()
            .last()
            .is_some_and(|line| line.ends_with("500 errors, 1 note; and 490 more in the summary")),
        "{}",
        said.out
    );
    let document: Value = serde_json::from_str(&report(&gate, "json")).expect("JSON");
    assert_eq!(document["findings"].as_array().map(Vec::len), Some(501));
    let markdown = report(&gate, "markdown");
    assert!(
        markdown.len() <= 60 << 10 && markdown.contains(" more findings\n"),
        "{}",
        markdown.len()
    );

    // GitLab: the documented fields, and names that differ.
    let issues: Vec<Value> = serde_json::from_str(&report(&gate, "gitlab")).expect("a list");
    let mut names = std::collections::BTreeSet::new();
    for issue in &issues {
        assert!(
            ["info", "minor", "major", "critical", "blocker"]
                .contains(&issue["severity"].as_str().expect("a severity"))
        );
        assert!(
            issue["description"].is_string() && issue["check_name"].is_string(),
            "{issue}"
        );
        let path = issue["location"]["path"].as_str().expect("a path");
        assert!(
            !path.starts_with("./")
                && issue["location"]["lines"]["begin"]
                    .as_u64()
                    .is_some_and(|line| line > 0),
            "{issue}"
        );
        assert!(
            names.insert(issue["fingerprint"].as_str().expect("a name").to_owned()),
            "{issue}"
        );
    }
    assert_eq!(issues.len(), 501);

    // SARIF: what readers need, and indexes that are right.
    let log: Value = serde_json::from_str(&report(&gate, "sarif")).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            result["message"]["text"].is_string() && result["partialFingerprints"]["pindeckFinding/v1"].is_string(),
            "{result}"
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
        assert!(
            !place["artifactLocation"]["uri"]
                .as_str()
                .expect("a path")
                .starts_with('/')
        );
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
    }

    // JUnit: a suite for each environment, with counts that are right.
    let junit = report(&gate, "junit");
    assert!(
        junit.contains("<testsuite name=\"staging\" tests=\"500\" failures=\"500\" errors=\"0\">"),
        "{}",
        &junit[..400]
    );
    assert!(junit.contains("<testsuite name=\"production\" tests=\"1\" failures=\"0\" errors=\"0\">"));
    assert_eq!(junit.matches("<testcase ").count(), 501);
    let text = report(&gate, "text");
    assert!(
        text.trim_end().ends_with("refused: 500 errors, 1 note, 0 requests"),
        "{}",
        &text[text.len() - 200..]
    );

    // What comes of a place does not depend on the lines above it.
    let first = issues[0]["fingerprint"].clone();
    gate.git(&["checkout", "-q", "-f", "change"]);
    gate.write(
        "envs/staging/many.yaml",
        &format!("# one line more\n{}", gate.read("envs/staging/many.yaml")),
    );
    gate.git(&["commit", "-q", "-am", "a line"]);
    tokio::task::block_in_place(|| everything(&gate));
    let issues: Vec<Value> = serde_json::from_str(&report(&gate, "gitlab")).expect("a list");
    assert_eq!(issues[0]["fingerprint"], first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_is_an_error() {
    let gate = Gate::start().await;
    gate.set_up(|_| {}, |_| {}, |g| g.write("README.md", "x"));
    let said = gate.check(&["--report", "markdown=no/such/folder/x.md"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    let said = gate.check(&["--report", "html=x"]).await;
    assert_eq!(said.status, 2, "{said:?}");
}

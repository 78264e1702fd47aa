use serde_json::{Value, json};

use super::*;

fn forge(kind: ForgeKind) -> ForgeAddress {
    ForgeAddress {
        kind,
        host: "forge.example".to_owned(),
        api: "https://forge.example/api".to_owned(),
        repository: "shop/gitops".to_owned(),
        may_send_token: false,
    }
}

fn read(kind: ForgeKind, value: &Value) -> Result<Vec<FoundProposal>, String> {
    read_proposals(&forge(kind), value.to_string().as_bytes())
}

fn pull(number: u64, state: &str, more: Value) -> Value {
    let mut all = json!({
        "number": number, "state": state, "html_url": format!("https://forge.example/shop/gitops/pulls/{number}"),
        "head": {"ref": "pindeck/a", "sha": "a".repeat(40), "repo": {"full_name": "Shop/gitops"}},
        "user": {"login": "ada"}, "labels": [],
    });
    for (key, value) in more.as_object().expect("keys") {
        all[key] = value.clone();
    }
    all
}

fn merge(iid: u64, state: &str, pipeline: Value) -> Value {
    json!({
        "iid": iid, "state": state, "web_url": format!("https://forge.example/shop/gitops/-/merge_requests/{iid}"),
        "sha": "a".repeat(40), "source_branch": "pindeck/a", "source_project_id": 7, "target_project_id": 7,
        "head_pipeline": pipeline,
    })
}

#[test]
fn every_forge_says_what_became_of_it_in_its_own_words() {
    for kind in [ForgeKind::Github, ForgeKind::Forgejo, ForgeKind::Gitea] {
        for (one, state) in [
            (pull(1, "open", json!({})), ProposalState::Open),
            (pull(2, "closed", json!({})), ProposalState::Closed),
            (pull(3, "closed", json!({"merged": true})), ProposalState::Merged),
            (
                pull(4, "closed", json!({"merged_at": "2026-11-30T10:00:00Z"})),
                ProposalState::Merged,
            ),
            (
                pull(5, "closed", json!({"merged_at": null, "merged": false})),
                ProposalState::Closed,
            ),
        ] {
            let found = read(kind, &json!([one])).expect("a list");
            assert_eq!((found[0].proposal.state, found[0].is_own), (state, true), "{one}");
            assert_eq!(read(kind, &one).expect("one"), found);
            assert!(found[0].proposal.url.is_some());
        }
    }
    for (word, state) in [
        ("opened", ProposalState::Open),
        ("locked", ProposalState::Open),
        ("closed", ProposalState::Closed),
        ("merged", ProposalState::Merged),
    ] {
        let found = read(ForgeKind::Gitlab, &merge(9, word, Value::Null)).expect("one");
        assert_eq!((found[0].proposal.state, found[0].is_own), (state, true));
    }
}

#[test]
fn only_the_branch_of_the_same_repository_counts() {
    let mut fork = pull(8, "open", json!({}));
    fork["head"]["repo"]["full_name"] = json!("mallory/gitops");
    let mut gone = pull(9, "open", json!({}));
    gone["head"]["repo"] = Value::Null;
    let mut other = pull(10, "open", json!({}));
    other["head"]["ref"] = json!("pindeck/ab");
    let all = json!([
        pull(3, "closed", json!({})),
        pull(2, "open", json!({})),
        fork,
        gone,
        other
    ]);
    let found = read(ForgeKind::Github, &all).expect("a list");
    // An open one goes before a newer one that is closed.
    assert_eq!(of_branch(found, "pindeck/a").map(|one| one.number), Some(2));
    let mut fork = merge(8, "opened", Value::Null);
    fork["source_project_id"] = json!(8);
    let found = read(ForgeKind::Gitlab, &json!([fork])).expect("a list");
    assert_eq!(of_branch(found, "pindeck/a"), None);
}

#[test]
fn checks_are_counted_and_an_unknown_word_is_none_that_passed() {
    let run = |status: &str, conclusion: Value| json!({"status": status, "conclusion": conclusion});
    let runs = json!({"total_count": 6, "check_runs": [
        run("completed", json!("success")), run("completed", json!("skipped")), run("completed", json!("timed_out")),
        run("in_progress", Value::Null), run("completed", json!("brand_new")), run("completed", Value::Null),
    ]});
    let counts = |value: &Value| read_checks(value.to_string().as_bytes());
    let wanted = CheckCounts {
        passed: 2,
        failed: 1,
        pending: 3,
    };
    assert_eq!(counts(&runs), Ok(wanted));
    let statuses = json!({"state": "failure", "statuses": [
        {"state": "success"}, {"status": "failure", "state": "x"}, {"status": "warning"}, {},
    ]});
    let wanted = CheckCounts {
        passed: 2,
        failed: 1,
        pending: 1,
    };
    assert_eq!(counts(&statuses), Ok(wanted));
    for (word, wanted) in [("success", (1, 0, 0)), ("canceled", (0, 1, 0)), ("running", (0, 0, 1))] {
        let found = read(ForgeKind::Gitlab, &merge(1, "opened", json!({"status": word}))).expect("one");
        let checks = found[0].proposal.checks.expect("checks");
        assert_eq!((checks.passed, checks.failed, checks.pending), wanted, "{word}");
    }
    for wrong in [json!([]), json!({}), json!({"statuses": 3}), json!("x"), Value::Null] {
        assert!(counts(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_not_of_the_documented_shape_is_an_error_and_nothing_of_it_is_believed() {
    for kind in [ForgeKind::Github, ForgeKind::Gitea] {
        for wrong in [
            json!({}),
            json!(null),
            json!("open"),
            json!([3]),
            pull(0, "open", json!({})),
            pull(1, "opened", json!({})),
            pull(1, "open", json!({"number": -1})),
            pull(1, "open", json!({"head": null})),
            Value::Array(vec![pull(1, "open", json!({})); 101]),
        ] {
            assert!(read(kind, &wrong).is_err(), "{wrong}");
        }
    }
    assert!(read(ForgeKind::Gitlab, &merge(1, "open", Value::Null)).is_err());
    let deep = "[".repeat(100_000);
    assert!(read_proposals(&forge(ForgeKind::Github), deep.as_bytes()).is_err());
    let odd = pull(
        1,
        "open",
        json!({"html_url": "https://evil.example/1", "head": {"ref": "a", "sha": "\u{1b}[31m"}}),
    );
    let found = read(ForgeKind::Github, &odd).expect("a pull request");
    assert_eq!((&found[0].proposal.url, &found[0].proposal.head), (&None, &None));
}

#[test]
fn what_is_not_listed_has_not_passed() {
    let body = br#"{"total_count": 101, "check_runs": [{"status": "completed", "conclusion": "success"}]}"#;
    let counts = read_checks(body).expect("an answer");
    assert_eq!((counts.passed, counts.failed, counts.pending), (1, 0, 100));
}

#[test]
fn what_is_malformed_is_said_without_its_words() {
    let body = format!(r#"{{"check_runs": "{}"}}"#, "x".repeat(5_000));
    let error = read_checks(body.as_bytes()).expect_err("no list");
    assert!(error.len() < 100 && !error.contains("xx"), "{error}");
}

//! `pindeck resume`.

use super::home::{Home, digest};

#[test]
fn what_was_left_behind_is_not_finished_or_dropped_by_nobody() {
    let home = Home::new();
    let dir = home.repository("gitops", &[("README.md", "x\n")]);
    let id = "20260101T000000Z-abc";
    // There is no remote of that name, so its address is the name.
    let address = pindeck::domain::Digest::of(b"origin\0origin\0");
    let entry = serde_json::json!({
        "schema": "pindeck/journal/v1", "id": id, "started": "2026-01-01T00:00:00Z", "step": "planned",
        "reached": "2026-01-01T00:00:00Z",
        "request": {"ask": {"Pin": {"services": [], "environment": null}}, "tag": null, "reason": null,
            "acknowledge_warned": false, "break_glass": null},
        "base": "", "remote": "origin", "remote_at": address.to_string(), "branch": "main", "new_branch": false, "commits": [],
        "writes": [{"verb": "pin", "service": "api", "environment": "production", "from": null,
            "to": digest('1'), "edits": [], "copies": [],
            "terms": {"image": "r.example/api", "policy": "release", "policy_digest": digest('2'),
                "verdict": null, "gates": [], "type_name": true}}],
    });
    let file = home.write(&format!("gitops/.git/pindeck/journal/{id}.json"), &entry.to_string());
    for (args, words) in [
        (&["resume"][..], "--confirm production"),
        (&["resume", "--json"], "--confirm production"),
        (&["resume", "--yes", "--json"], "--confirm production"),
        (&["resume", "--yes", "--confirm", "staging"], "--confirm staging"),
        (&["resume", "--drop"], "--yes"),
        (&["resume", "--drop", "--json"], "--yes"),
    ] {
        let said = home.run(&dir, args);
        assert_eq!(said.status, 2, "{args:?}: {said:?}");
        assert!(
            format!("{}{}", said.out, said.err).contains(words),
            "{args:?}: {said:?}"
        );
        assert!(file.exists(), "{args:?}");
    }
    let said = home.run(&dir, &["resume", "--drop", "--yes"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(!file.exists());
}

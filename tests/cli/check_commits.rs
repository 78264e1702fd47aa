//! Which commits are compared, by whose policy, and the document that comes of it.

use super::check_cases::{NOTHING, forward};
use super::gated::{Gate, PRODUCTION, STAGING, kinds};
use crate::support::signed_world::{API, Key};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_what_is_promised() {
    let gate = Gate::start().await;
    gate.set_up(
        NOTHING,
        |g| g.write("README.md", "on\n"),
        |g| {
            g.pin("production", &g.image("1.3.0"));
            g.remove(STAGING);
        },
    );
    let said = gate.check(&["--json"]).await;
    assert_eq!(said.status, 4, "{said:?}");
    let document = said.json();
    assert_eq!(document["base"]["ref"], "main");
    assert_eq!(document["base"]["commit"], gate.commit_of("main"));
    assert_eq!(document["base"]["merge_base"], gate.commit_of("main^"));
    assert_eq!(document["head"]["commit"], gate.commit_of("change"));
    assert_eq!(document["policy"]["name"], "release");
    assert_eq!(document["policy"]["source"], gate.commit_of("main"));
    assert_eq!(document["result"], "refused");
    let all = document["findings"].as_array().expect("a list");
    let of = |kind: &str| {
        all.iter()
            .find(|one| one["kind"] == kind)
            .unwrap_or_else(|| panic!("{kind}: {document:#}"))
    };
    let rejected = of("pin-rejected");
    assert_eq!(
        (rejected["file"].as_str(), rejected["line"].as_u64()),
        (Some(PRODUCTION), Some(10)),
        "{rejected}"
    );
    assert_eq!(rejected["from"]["tag"], "1.0.0");
    assert_eq!(rejected["to"]["digest"], gate.digest("1.3.0").to_string());
    assert_eq!(rejected["verdict"]["result"], "rejected");
    assert_eq!(rejected["verdict"]["causes"][0]["cause"], "absent");
    assert_eq!(
        (rejected["service"].as_str(), rejected["environment"].as_str()),
        (Some("api"), Some("production"))
    );
    let removed = of("removed");
    assert_eq!(
        (
            removed["file"].as_str(),
            removed["line"].is_null(),
            removed["level"].as_str()
        ),
        (Some(STAGING), true, Some("note"))
    );
    assert_eq!(document["pins"][0]["way"], "forward");

    gate.set_up(NOTHING, NOTHING, |g| g.pin("production", &g.image("0.9.0")));
    let document = gate.check(&["--json"]).await.json();
    assert_eq!(
        (document["result"].as_str(), document["pins"][0]["way"].as_str()),
        (Some("passed"), Some("back")),
        "{document:#}"
    );
    assert!(kinds(&document).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_is_never_nothing_changed() {
    let gate = Gate::start().await;
    gate.set_up(NOTHING, |g| g.write("README.md", "on\n"), forward);
    let run = |dir: &std::path::Path, args: &[&str], set: &[(&str, &str)]| {
        let mut command = gate.home.command(dir, args);
        command.envs(set.iter().copied());
        super::home::finish(command)
    };
    for args in [
        &["check"][..],
        &["check", "--head", "change"],
        &["check", "--base", "gone"],
        &["check", "--base", "main", "--head", "gone"],
    ] {
        let said = run(&gate.folder, args, &[]);
        assert_eq!(said.status, 2, "{args:?} {said:?}");
        assert!(said.err.contains("next: "), "{said:?}");
    }
    // A deleted or new ref is no commit.
    let zeros = "0".repeat(40);
    let said = run(&gate.folder, &["check", "--base", &zeros, "--head", "change"], &[]);
    assert_eq!(said.status, 2, "{said:?}");
    let said = run(&gate.folder, &["check", "--base=--help", "--head", "change"], &[]);
    assert_eq!(said.status, 2, "{said:?}");

    // A shallow clone that does not reach back to where the change was begun.
    let url = format!("file://{}", gate.folder.display());
    gate.git(&["clone", "-q", "--depth", "1", "--no-single-branch", &url, "../shallow"]);
    let shallow = gate.home.path("shallow");
    let said = run(
        &shallow,
        &["check", "--base", "origin/main", "--head", "origin/change"],
        &[],
    );
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("git fetch --unshallow origin"), "{said:?}");
    // Without the base it says how to get it.
    gate.git(&["clone", "-q", "--depth", "1", "--branch", "change", &url, "../single"]);
    let single = gate.home.path("single");
    let set = [("GITHUB_BASE_REF", "main"), ("GITHUB_SHA", "HEAD")];
    let said = run(&single, &["check"], &set);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("git fetch origin main"), "{said:?}");

    // The refs of a job, printed; the branch of the remote, not a stale one of the same name here.
    gate.git(&["clone", "-q", &url, "../whole"]);
    let whole = gate.home.path("whole");
    super::home::git(&whole, &["branch", "-q", "main", "origin/change"]);
    let head = gate.commit_of("change");
    let set = [("GITHUB_BASE_REF", "main"), ("GITHUB_SHA", head.as_str())];
    let said = tokio::task::block_in_place(|| run(&whole, &["check"], &set));
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.err.contains("GITHUB_BASE_REF") && said.out.contains("base    origin/main"),
        "{said:?}"
    );
    let parted = gate.commit_of("main^");
    let set = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", parted.as_str()),
        ("CI_COMMIT_SHA", head.as_str()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ];
    let said = tokio::task::block_in_place(|| run(&whole, &["check"], &set));
    assert!(said.status == 0 && said.out.contains("base    origin/main"), "{said:?}");
    let said = tokio::task::block_in_place(|| run(&whole, &["check"], &set[..2]));
    assert!(
        said.status == 0 && said.out.contains(&format!("base    {parted}")),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_counts_only_from_outside_of_the_repository() {
    let gate = Gate::start().await;
    gate.set_up(NOTHING, NOTHING, |g| g.pin("staging", &g.image("1.3.0")));
    let inside = gate.check(&["--config", "pindeck.toml"]).await;
    assert_eq!(inside.status, 2, "{inside:?}");
    let key = Key::new();
    key.sign(&gate.fake, API, gate.digest("1.3.0"));
    gate.home.write("own/keys/ci.pub", &key.pem());
    let own = gate.home.write("own/pindeck.toml", &gate.policy(""));
    let outside = gate.check(&["--json", "--config", own.to_str().expect("UTF-8")]).await;
    assert_eq!(outside.status, 0, "{outside:?}");
    assert_eq!(outside.json()["policy"]["source"].as_str(), own.to_str());
}

/// Two lines that were merged into each other part at two commits, and a shallow clone can look as if they parted
/// earlier than they do. Each of these hid a pin once.
#[tokio::test(flavor = "multi_thread")]
async fn where_two_lines_part_must_be_certain() {
    let gate = Gate::start().await;
    gate.set_up(NOTHING, NOTHING, NOTHING);
    let git = |args: &[&str]| gate.git(args);
    let commit = |message: &str| git(&["commit", "-q", "--allow-empty", "-m", message]);
    // main and change merge each other's first commit; the change pins another digest on the way and keeps it.
    git(&["checkout", "-q", "-B", "main"]);
    gate.pin("production", &gate.image("1.2.0"));
    git(&["add", "-A"]);
    commit("pins");
    git(&["checkout", "-q", "-b", "left"]);
    commit("left");
    git(&["checkout", "-q", "-b", "right", "main"]);
    commit("right");
    git(&["checkout", "-q", "-B", "main", "left"]);
    git(&["merge", "-q", "--no-edit", "right"]);
    git(&["checkout", "-q", "-B", "change", "right"]);
    git(&["merge", "-q", "--no-edit", "left"]);
    let said = gate.check(&["--json"]).await;
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.out.contains("part at several commits"), "{said:?}");
    git(&["merge", "-q", "--no-edit", "main"]);
    assert_eq!(gate.check(&["--json"]).await.status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_never_chooses_what_is_compared() {
    let gate = Gate::start().await;
    gate.set_up(NOTHING, |g| g.write("README.md", "on\n"), forward);
    let git = |args: &[&str]| gate.git(args);
    for (tag, of) in [("main", "change"), ("change", "main")] {
        git(&["tag", tag, &format!("refs/heads/{of}")]);
        let said = gate.check(&["--json"]).await;
        assert_eq!(said.status, 2, "{said:?}");
        assert!(
            said.out.contains("refs/tags/") && said.out.contains("refs/heads/"),
            "{said:?}"
        );
        git(&["tag", "-d", tag]);
    }
    // A tag of the same commit chooses nothing.
    git(&["tag", "main", "refs/heads/main"]);
    assert_ne!(gate.check(&["--json"]).await.status, 2);
}

/// Anybody can make a folder whose name is no text: what else is there is read all the same.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_whose_name_is_no_text_hides_nothing() {
    use std::os::unix::ffi::OsStrExt as _;
    let gate = Gate::start().await;
    let odd = |g: &Gate| {
        let folder = g.folder.join(std::ffi::OsStr::from_bytes(b"docs\xff"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("a.txt"), "a").expect("written");
    };
    gate.set_up(odd, NOTHING, forward);
    let said = gate.check(&["--json"]).await;
    let pins = said.json()["pins"].as_array().expect("pins").len();
    assert_eq!(pins, 1, "{said:?}");
}

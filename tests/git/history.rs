//! The history of pins, beside what the `git` program finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pindeck::domain::history::Action;
use pindeck::domain::id::{Digest, EnvId, ServiceId, Target};
use pindeck::engine::history::Record;
use pindeck::engine::{Engine, OpenOptions};
use pindeck::sources::git::manifest::scan;

use super::program::{git, try_git};
use crate::support::packed::{Packed, file_ending};
use crate::support::skip::{Want, skipped};

fn open(dir: &Path) -> Engine {
    let options = OpenOptions {
        dir: dir.to_owned(),
        offline: true,
        no_fetch: true,
        ..OpenOptions::default()
    };
    Engine::open(options).expect("a repository")
}

async fn history(engine: &Engine, target: &Target, limit: Option<usize>) -> Vec<Record> {
    engine.history(target, limit, false).await.expect("a history")
}

fn corpus() -> Option<PathBuf> {
    let found = file_ending(&Packed::Gitops.folder().join("history"), ".bundle");
    if found.is_none() {
        skipped(Want::Data, "no history in the corpus");
    }
    found
}

/// The references of some images, or of all, in one file of one commit.
fn references(dir: &Path, commit: &str, path: &str, images: Option<&BTreeSet<String>>) -> BTreeSet<String> {
    let text = try_git(dir, &["cat-file", "blob", &format!("{commit}:{path}")]).unwrap_or_default();
    let found = scan(path, text.as_bytes()).found.into_iter();
    found
        .filter(|f| {
            f.repository
                .as_ref()
                .is_some_and(|r| images.is_none_or(|images| images.contains(&r.to_string())))
        })
        // What makes a pin: its digest, wherever it is pulled from, or repository and tag where it has none.
        .map(|f| match f.digest {
            Some(digest) => digest.to_string(),
            None => format!("{:?} {:?}", f.repository, f.tag),
        })
        .collect()
}

/// What a file was called before this commit, if the commit renamed it.
fn moved_from(dir: &Path, commit: &str, path: &str) -> Option<String> {
    let status = git(dir, &["show", "--format=", "--name-status", "-M60%", commit]);
    status.lines().find_map(|line| {
        let mut words = line.split('\t');
        let renamed = words.next()?.starts_with('R');
        let (from, to) = (words.next()?, words.next()?);
        (renamed && to == path).then(|| from.to_owned())
    })
}

/// For every file with a pin in a real repository: the commits of our history are those that
/// `git log -G` finds, but for commits that moved a line and left every reference as it was.
#[tokio::test]
async fn real_history_is_what_git_log_finds() {
    let Some(bundle) = corpus() else { return };
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("history");
    git(
        root.path(),
        &["clone", "-q", "--branch", "main", &bundle.to_string_lossy(), "history"],
    );
    let engine = open(&dir);
    let (ledger, _) = engine.ledger().await.expect("a ledger");
    // Per file: commits that changed a digest of any target in it.
    let mut ours: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let (mut targets, mut steps, mut moved) = (0, 0, 0);
    let pins = || ledger.grouped.services.iter().flat_map(|(_, _, pins)| pins);
    let all: BTreeSet<&Target> = pins().map(|pin| &pin.target).collect();
    // Every third: each is a walk of its own through thousands of commits.
    for target in all.into_iter().step_by(3) {
        targets += 1;
        let found = history(&engine, target, None).await;
        steps += found.len();
        assert!(!found.is_empty(), "{target:?}");
        let newest_first = found.windows(2).all(|w| w[0].entry.at >= w[1].entry.at);
        assert!(newest_first, "{target:?}");
        for pin in pins().filter(|pin| pin.target == *target) {
            for location in &pin.locations {
                let (commits, images) = ours.entry(location.file.clone()).or_default();
                commits.extend(found.iter().map(|step| step.entry.commit.clone()));
                images.insert(pin.image.to_string());
            }
        }
    }
    for (file, (ours, images)) in &ours {
        let theirs = git(
            &dir,
            &["log", "--format=%H", "-Gsha256:|tag:|image:|repository:", "--", file],
        );
        let theirs: BTreeSet<&str> = theirs.lines().collect();
        for commit in &theirs {
            if !ours.contains(*commit) {
                let was = moved_from(&dir, commit, file).unwrap_or_else(|| file.clone());
                let parent = format!("{commit}^");
                let before = references(&dir, &parent, &was, Some(images));
                let after = references(&dir, commit, file, Some(images));
                // The same digest from another repository is the same pin.
                let all_before = references(&dir, &parent, &was, None);
                let all_after = references(&dir, commit, file, None);
                assert!(
                    after.is_subset(&all_before) && before.is_subset(&all_after),
                    "git finds {commit} in {file}, we do not: {before:?}, {after:?}"
                );
                moved += 1;
            }
        }
        for commit in ours.iter().filter(|commit| !theirs.contains(commit.as_str())) {
            // Ours only: before a rename, in another file of the same pin, or a tag without a digest.
            let here = git(&dir, &["log", "--format=%H", "--", file]);
            let before = references(&dir, &format!("{commit}^"), file, Some(images));
            let after = references(&dir, commit, file, Some(images));
            let in_file = here.lines().any(|line| line == commit);
            assert!(!in_file || before == after, "{commit} in {file} is ours only");
        }
    }
    println!(
        "{targets} targets in {} files, {steps} changes, {moved} commits that only moved lines or changed other images",
        ours.len()
    );
    assert!(targets > 0 && steps > 0);
}

/// Writes the manifest of one service with digest `n`, and commits it.
fn pin(dir: &Path, n: u8, message: &str) -> String {
    let digest = Digest::from_bytes([n; 32]);
    let file = dir.join("envs/production/api.yaml");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("created");
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: api}}\nspec:\n  containers:\n  - image: r.example/shop/api:v{n}@{digest}\n"
    );
    std::fs::write(file, text).expect("written");
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", message]);
    git(dir, &["rev-parse", "HEAD"])
}

fn target() -> Target {
    Target {
        service: ServiceId::from("api"),
        environment: EnvId::from("production"),
    }
}

fn story(steps: &[Record]) -> Vec<(Option<u8>, Option<u8>, Action)> {
    let number = |d: Option<Digest>| d.map(|d| d.as_bytes()[0]);
    steps
        .iter()
        .map(|s| (number(s.entry.from), number(s.entry.to), s.entry.action))
        .collect()
}

/// Three versions, one reverted, a merge of a side branch, and a move.
fn repository(dir: &Path, format: &[&str]) -> Result<(), String> {
    let init: Vec<&str> = ["init", "-q"].iter().chain(format).chain(&["."]).copied().collect();
    try_git(dir, &init)?;
    pin(dir, 1, "first");
    let second = pin(
        dir,
        2,
        "Promote api to production\n\nwords\n\nPindeck-Action: promote\nPindeck-Service: api\nPindeck-Environment: production\nPindeck-Break-Glass: down",
    );
    git(dir, &["revert", "--no-edit", &second]);
    git(dir, &["checkout", "-q", "-b", "side"]);
    pin(dir, 3, "on a side branch");
    git(dir, &["checkout", "-q", "main"]);
    std::fs::write(dir.join("README.md"), "x\n").expect("written");
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", "elsewhere"]);
    git(dir, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    std::fs::create_dir_all(dir.join("envs/production/api")).expect("created");
    git(dir, &["mv", "envs/production/api.yaml", "envs/production/api/pod.yaml"]);
    git(dir, &["commit", "-q", "-m", "move"]);
    // To another file, with so much beside it that it counts as no rename.
    let pod = std::fs::read_to_string(dir.join("envs/production/api/pod.yaml")).expect("read");
    let more: String = (0..40)
        .map(|n| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n"))
        .collect();
    std::fs::write(dir.join("envs/production/all.yaml"), pod + &more).expect("written");
    git(dir, &["rm", "-q", "envs/production/api/pod.yaml"]);
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", "all in one file"]);
    Ok(())
}

const STORY: [(Option<u8>, Option<u8>, Action); 4] = [
    (Some(1), Some(3), Action::Other),
    (Some(2), Some(1), Action::Revert),
    (Some(1), Some(2), Action::Promote),
    (None, Some(1), Action::Other),
];

async fn told(dir: &Path) -> Vec<Record> {
    history(&open(dir), &target(), None).await
}

#[tokio::test]
async fn side_branches_moves_reverts_and_broken_glass() {
    let root = tempfile::tempdir().expect("a folder");
    repository(root.path(), &[]).expect("made");
    let engine = open(root.path());
    let found = history(&engine, &target(), None).await;
    assert_eq!(story(&found), STORY);
    assert_eq!(found[1].entry.reverts.as_ref(), Some(&found[2].entry.commit));
    assert_eq!(found[2].entry.break_glass, Some("down".into()));
    assert_eq!(found[2].entry.tag.as_deref(), Some("v2"));
    assert_eq!(
        found[0].image.as_ref().map(ToString::to_string).as_deref(),
        Some("r.example/shop/api")
    );
    // Some only.
    let some = history(&engine, &target(), Some(2)).await;
    assert_eq!(story(&some), STORY[..2]);
    // A pin that is gone from where it was is found by its environment.
    git(root.path(), &["rm", "-q", "envs/production/all.yaml"]);
    std::fs::create_dir_all(root.path().join("envs/production")).expect("created");
    std::fs::write(root.path().join("envs/production/other.yaml"), "a: 1\n").expect("written");
    let staging = root.path().join("envs/staging");
    std::fs::create_dir_all(&staging).expect("created");
    for (file, env) in [("api.yaml", "r.example/shop/api:v1"), ("b.yaml", "r.example/shop/b:v1")] {
        let text = format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {env}\n");
        std::fs::write(staging.join(file), &text).expect("written");
        if file == "b.yaml" {
            std::fs::write(root.path().join("envs/production/b.yaml"), text).expect("written");
        }
    }
    git(root.path(), &["add", "-A"]);
    git(root.path(), &["commit", "-q", "-m", "take api away"]);
    let found = told(root.path()).await;
    assert_eq!(story(&found)[0], (Some(3), None, Action::Other));
    assert!(found.len() > STORY.len());
}

#[tokio::test]
async fn a_shallow_clone_ends_where_its_history_does() {
    let root = tempfile::tempdir().expect("a folder");
    let origin = root.path().join("origin");
    std::fs::create_dir(&origin).expect("created");
    repository(&origin, &[]).expect("made");
    let url = format!("file://{}", origin.display());
    git(root.path(), &["clone", "-q", "--depth", "4", &url, "shallow"]);
    let dir = root.path().join("shallow");
    assert!(open(&dir).is_shallow());
    let found = told(&dir).await;
    // The commits at its edge hold pins; that they made them cannot be told.
    assert!(found.is_empty(), "{found:?}");
    git(&dir, &["fetch", "-q", "--deepen", "2"]);
    assert_eq!(story(&told(&dir).await), STORY[..2]);
}

/// Clones and layouts that libgit2 cannot read by itself, or only in part.
#[tokio::test]
async fn what_git2_cannot_read_goes_through_git() {
    let root = tempfile::tempdir().expect("a folder");
    let origin = root.path().join("origin");
    std::fs::create_dir(&origin).expect("created");
    repository(&origin, &[]).expect("made");
    git(&origin, &["config", "uploadpack.allowFilter", "true"]);
    git(&origin, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", origin.display());
    for (name, filter) in [("blobless", "--filter=blob:none"), ("treeless", "--filter=tree:0")] {
        git(root.path(), &["clone", "-q", filter, "--no-checkout", &url, name]);
        assert_eq!(story(&told(&root.path().join(name)).await), STORY, "{name}");
    }
    git(root.path(), &["clone", "-q", "--sparse", &url, "sparse"]);
    let sparse = root.path().join("sparse");
    git(&sparse, &["sparse-checkout", "set", "--cone", "--sparse-index", "docs"]);
    assert_eq!(story(&told(&sparse).await), STORY, "sparse index");
    git(root.path(), &["clone", "-q", &url, "split"]);
    let split = root.path().join("split");
    git(&split, &["update-index", "--split-index"]);
    assert_eq!(story(&told(&split).await), STORY, "split index");
    std::fs::write(split.join("README.md"), "changed\n").expect("written");
    let board = open(&split).board().await.expect("a board");
    assert!(
        board.repository.expect("a repository").dirty,
        "a changed file is seen through a split index"
    );
    for format in ["--ref-format=reftable", "--object-format=sha256"] {
        let dir = root.path().join(format);
        std::fs::create_dir(&dir).expect("created");
        match repository(&dir, &[format]) {
            Ok(()) => assert_eq!(story(&told(&dir).await), STORY, "{format}"),
            Err(words) => skipped(Want::Program, &format!("git {format}: {words}")),
        }
    }
}

//! Which commit made a pin, and whether its digest skipped an environment: by what git holds alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use pindeck::engine::file_scans::ScanCache;
use pindeck::engine::ledger::read;
use pindeck::engine::lineage::{Lineage, trace};
use pindeck::engine::pin_states::BlobReferences;
use pindeck::engine::{OpenOptions, ledger::Ledger};
use pindeck::sources::git::GitRepo;
use tempfile::TempDir;

use super::program::git;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

/// A repository that grows by commits of whole files; `None` removes one.
struct Repo {
    root: TempDir,
    commits: u32,
}

impl Repo {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        git(root.path(), &["init", "-q", "repo"]);
        Self { root, commits: 0 }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    fn commit(&mut self, subject: &str, files: &[(&str, Option<String>)]) -> &mut Self {
        for (path, text) in files {
            let path = self.dir().join(path);
            match text {
                Some(text) => {
                    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                    std::fs::write(path, text).expect("written");
                }
                None => std::fs::remove_file(path).expect("removed"),
            }
        }
        self.commits += 1;
        git(&self.dir(), &["add", "-A"]);
        let date = format!("GIT_COMMITTER_DATE={} +0000", 1_700_000_000 + self.commits * 60);
        let out = Command::new("env")
            .arg(date)
            .args(["git", "-C"])
            .arg(self.dir())
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.test"])
            .args(["commit", "-q", "--allow-empty", "-m", subject])
            .status()
            .expect("git runs");
        assert!(out.success());
        self
    }

    fn traced(&self) -> (Ledger, Lineage) {
        trace_in(&self.dir())
    }

    /// Subject of the commit that made each pin, by environment and first letter of the digest.
    fn pinned(&self) -> Vec<String> {
        let (ledger, lineage) = self.traced();
        let pins = ledger.grouped.services.iter().flat_map(|(_, _, pins)| pins);
        pins.map(|pin| {
            let by = lineage.pinned.get(&pin.key());
            let by = by.map_or("nobody", |by| by.subject.raw());
            let what = pin.digest.map_or_else(|| "tag".to_owned(), |d| d.hex()[..1].to_owned());
            format!("{} {what}: {by}", pin.target.environment)
        })
        .collect()
    }
}

fn trace_in(dir: &Path) -> (Ledger, Lineage) {
    let repo = GitRepo::discover(dir).expect("a repository");
    let scans = ScanCache::default();
    let ledger = read(&repo, &OpenOptions::default(), &scans).expect("a ledger");
    let lineage = trace(&repo, &ledger, &BlobReferences::default()).expect("a lineage");
    (ledger, lineage)
}

fn pod(names: &[(&str, &str)]) -> Option<String> {
    let containers = names
        .iter()
        .map(|(name, digest)| format!("  - image: registry.example.com/shop/{name}@{digest}\n"));
    let containers: String = containers.collect();
    Some(format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{containers}"))
}

fn config() -> Option<String> {
    let env = |name: &str| format!("[[environments]]\nname = \"{name}\"\npaths = [\"{name}/**\"]\n");
    Some(format!("version = 1\n{}{}", env("staging"), env("production")))
}

#[test]
fn a_pin_is_as_old_as_its_digest_in_the_environment() {
    let mut repo = Repo::new();
    repo.commit(
        "start",
        &[("pindeck.toml", config()), ("production/x.yaml", pod(&[("api", B)]))],
    )
    .commit("pin", &[("production/x.yaml", pod(&[("api", A), ("web", A)]))])
    .commit("note", &[("production/readme.md", Some("x".to_owned()))]);
    assert_eq!(repo.pinned(), ["production a: pin", "production a: pin"]);
    // The file is renamed and changed beyond likeness; then split; then one part is copied, and the
    // copy alone stays; then a place more is added.
    let comment = |text: Option<String>| text.map(|text| format!("# {}\n{text}", "long ".repeat(200)));
    repo.commit(
        "rename",
        &[
            ("production/x.yaml", None),
            ("production/y.yaml", comment(pod(&[("api", A), ("web", A)]))),
        ],
    )
    .commit(
        "split",
        &[
            ("production/y.yaml", pod(&[("web", A)])),
            ("production/api.yaml", pod(&[("api", A)])),
        ],
    )
    .commit("copy", &[("production/deep/api.yaml", pod(&[("api", A)]))])
    .commit("tidy", &[("production/api.yaml", None)])
    .commit("once more", &[("production/again.yaml", pod(&[("api", A)]))]);
    assert_eq!(repo.pinned(), ["production a: pin", "production a: pin"]);
}

#[test]
fn a_pin_that_was_away_is_as_old_as_its_return() {
    let mut repo = Repo::new();
    repo.commit(
        "start",
        &[("pindeck.toml", config()), ("production/x.yaml", pod(&[("api", A)]))],
    )
    .commit("other", &[("production/x.yaml", pod(&[("api", B)]))])
    .commit(
        "back",
        &[("production/x.yaml", None), ("production/y.yaml", pod(&[("api", A)]))],
    )
    .commit(
        "move",
        &[("production/x.yaml", pod(&[("api", A)])), ("production/y.yaml", None)],
    );
    assert_eq!(repo.pinned(), ["production a: back"]);
}

/// A file that wanders from one environment to another brings its digest there at that moment; one that comes from a folder
/// outside of all of them was the same deployment before.
#[test]
fn a_rename_into_another_environment_is_a_pin_there() {
    let mut repo = Repo::new();
    repo.commit(
        "start",
        &[
            ("pindeck.toml", config()),
            ("elsewhere/x.yaml", pod(&[("api", A)])),
            ("staging/x.yaml", pod(&[("api", B)])),
        ],
    );
    git(&repo.dir(), &["mv", "staging/x.yaml", "staging-x.yaml"]);
    std::fs::create_dir_all(repo.dir().join("production")).expect("made");
    git(&repo.dir(), &["mv", "staging-x.yaml", "production/x.yaml"]);
    repo.commit("promote by renaming", &[]);
    git(&repo.dir(), &["mv", "elsewhere/x.yaml", "production/y.yaml"]);
    repo.commit("from nowhere", &[]);
    assert_eq!(
        repo.pinned(),
        ["production a: start", "production b: promote by renaming"]
    );
    let (ledger, lineage) = repo.traced();
    let pins = ledger.grouped.services.iter().flat_map(|(_, _, pins)| pins);
    let skipped: Vec<Option<bool>> = pins.map(|pin| lineage.skipped[&pin.key()]).collect();
    // The one was in staging, the other never.
    assert_eq!(skipped, [Some(true), Some(false)]);
}

#[test]
fn what_was_pinned_before_is_told_for_a_pin_that_skipped() {
    let mut repo = Repo::new();
    repo.commit(
        "one",
        &[
            ("pindeck.toml", config()),
            ("staging/x.yaml", pod(&[("api", A), ("web", C)])),
        ],
    )
    .commit(
        "two",
        &[("staging/x.yaml", None), ("staging/y.yaml", pod(&[("api", B)]))],
    )
    .commit("three", &[("production/x.yaml", pod(&[("api", C)]))]);
    let (_, lineage) = repo.traced();
    let earlier: Vec<Vec<String>> = lineage
        .earlier
        .values()
        .flat_map(|before| before.values())
        .map(|all| all.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(earlier, [[B, A]]);
}

/// Facts of a lineage in a stable order.
fn facts((ledger, lineage): &(Ledger, Lineage)) -> Vec<String> {
    let pins = ledger.grouped.services.iter().flat_map(|(_, _, pins)| pins);
    pins.map(|pin| {
        let by = lineage.pinned.get(&pin.key()).map(|by| by.subject.raw());
        format!("{} {by:?} {:?}", pin.target, lineage.skipped[&pin.key()])
    })
    .collect()
}

fn grown() -> Repo {
    let mut repo = Repo::new();
    repo.commit(
        "one",
        &[("pindeck.toml", config()), ("staging/x.yaml", pod(&[("api", A)]))],
    )
    .commit("two", &[("production/x.yaml", pod(&[("api", A)]))])
    .commit("three", &[("staging/x.yaml", pod(&[("api", B)]))])
    .commit("four", &[("production/y.yaml", pod(&[("api", C)]))]);
    repo
}

#[test]
fn a_history_that_is_cut_claims_nothing() {
    let repo = grown();
    let url = format!("file://{}", repo.dir().display());
    for (depth, expected, cut) in [
        (
            "1",
            [
                "api/staging None None",
                "api/production None None",
                "api/production None None",
            ],
            true,
        ),
        (
            "3",
            [
                "api/staging Some(\"three\") None",
                "api/production None Some(false)",
                "api/production Some(\"four\") None",
            ],
            true,
        ),
        (
            "9",
            [
                "api/staging Some(\"three\") None",
                "api/production Some(\"two\") Some(false)",
                "api/production Some(\"four\") Some(true)",
            ],
            false,
        ),
    ] {
        git(repo.root.path(), &["clone", "-q", "--depth", depth, &url, depth]);
        let traced = trace_in(&repo.root.path().join(depth));
        let shown: Vec<String> = facts(&traced)
            .into_iter()
            .map(|fact| fact.replace(" in ", "/"))
            .collect();
        assert_eq!(
            (shown, traced.1.cut),
            (expected.map(str::to_owned).to_vec(), cut),
            "depth {depth}"
        );
    }
}

#[test]
fn a_blobless_clone_answers_as_a_whole_one() {
    let repo = grown();
    git(&repo.dir(), &["config", "uploadpack.allowFilter", "true"]);
    git(&repo.dir(), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", repo.dir().display());
    for filter in ["blob:none", "tree:0"] {
        let name = filter.replace(':', "-");
        git(
            repo.root.path(),
            &[
                "clone",
                "-q",
                "--no-checkout",
                &format!("--filter={filter}"),
                &url,
                &name,
            ],
        );
        let partial = trace_in(&repo.root.path().join(&name));
        assert_eq!(facts(&partial), facts(&repo.traced()), "{filter}");
    }
}

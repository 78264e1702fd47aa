//! History, `pinned` and what a revert goes back to are one computation: shapes that once told them apart, and a
//! property over random repositories.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use pindeck::domain::Digest;
use pindeck::domain::id::Target;
use pindeck::domain::pin_set::BranchPart;
use pindeck::engine::history::Record;
use pindeck::engine::ledger::{ScanCache, read};
use pindeck::engine::lineage::{Lineage, trace};
use pindeck::engine::pin_states::BlobReferences;
use pindeck::engine::{Engine, OpenOptions};
use pindeck::sources::git::GitRepo;
use proptest::prelude::*;

const CONFIG: &str = "version = 1\n[[environments]]\nname = \"staging\"\npaths = [\"staging/**\"]\n\
                      [[environments]]\nname = \"production\"\npaths = [\"production/**\"]\n";

/// Files by path.
type Files = BTreeMap<String, String>;

/// A repository as a test writes it: each commit with its parents, its time and all its files.
#[derive(Debug, Clone, Default)]
struct Story {
    commits: Vec<(Vec<usize>, i64, String, Files)>,
}

impl Story {
    /// One more commit on top of others, a minute after the one before it.
    fn add(&mut self, parents: &[usize], subject: &str, files: Files) -> usize {
        let at = 1_700_000_000 + 60 * self.commits.len() as i64;
        self.commits.push((parents.to_vec(), at, subject.to_owned(), files));
        self.commits.len() - 1
    }

    /// One more on top of the last one, which changes these files; `None` removes one.
    fn then(&mut self, subject: &str, changes: &[(&str, Option<String>)]) -> usize {
        let last = self.commits.len().checked_sub(1);
        let mut files = last.map_or_else(Files::new, |last| self.commits[last].3.clone());
        for (path, text) in changes {
            match text {
                Some(text) => files.insert((*path).to_owned(), text.clone()),
                None => files.remove(*path),
            };
        }
        self.add(&last.into_iter().collect::<Vec<_>>(), subject, files)
    }

    /// Makes the repository; the ids of its commits.
    fn make(&self, dir: &Path, config: &str) -> Vec<String> {
        let run = |args: &[&str], input: String| {
            let mut child = Command::new("git")
                .arg("-C")
                .arg(dir)
                .args(args)
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("git runs");
            let mut stdin = child.stdin.take().expect("a pipe");
            std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("written");
            drop(stdin);
            let out = child.wait_with_output().expect("git ends");
            assert!(out.status.success(), "git {args:?}");
        };
        run(&["init", "-q", "-b", "main", "."], String::new());
        let data = |text: &str| format!("data {}\n{text}\n", text.len());
        let mut input = String::new();
        for (at, (parents, time, subject, files)) in self.commits.iter().enumerate() {
            input += &format!("commit refs/heads/c{at}\nmark :{}\n", at + 1);
            input += &format!("author Ada <ada@example.test> {time} +0000\n");
            input += &format!("committer Ada <ada@example.test> {time} +0000\n{}", data(subject));
            for (n, parent) in parents.iter().enumerate() {
                let word = if n == 0 { "from" } else { "merge" };
                input += &format!("{word} :{}\n", parent + 1);
            }
            input += "deleteall\n";
            for (path, text) in files
                .iter()
                .map(|(p, t)| (p.as_str(), t.as_str()))
                .chain([("pindeck.toml", config)])
            {
                input += &format!("M 100644 inline {path}\n{}", data(text));
            }
        }
        input += &format!("reset refs/heads/main\nfrom :{}\n", self.commits.len());
        run(&["fast-import", "--quiet", "--export-marks=.git/marks"], input);
        let marks = std::fs::read_to_string(dir.join(".git/marks")).expect("marks");
        let mut ids = vec![String::new(); self.commits.len()];
        for line in marks.lines() {
            let (mark, id) = line.split_once(' ').expect("a mark");
            let number: usize = mark[1..].parse().expect("a number");
            id.clone_into(&mut ids[number - 1]);
        }
        ids
    }
}

/// What is told of one repository.
struct Told {
    engine: Engine,
    lineage: Lineage,
    /// The subjects of commits by their ids.
    subjects: BTreeMap<String, String>,
    _root: tempfile::TempDir,
}

impl Told {
    fn of(story: &Story) -> Self {
        Self::configured(story, CONFIG)
    }

    fn configured(story: &Story, config: &str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let ids = story.make(root.path(), config);
        let subjects = story.commits.iter().map(|(_, _, subject, _)| subject.clone());
        let repo = GitRepo::discover(root.path()).expect("a repository");
        let ledger = read(&repo, &OpenOptions::default(), &ScanCache::default()).expect("a ledger");
        let lineage = trace(&repo, &ledger, &BlobReferences::default()).expect("a lineage");
        let by_program = trace(&repo.read_by_program(), &ledger, &BlobReferences::default()).expect("a lineage");
        assert_eq!(lineage, by_program, "both ways of reading tell the same");
        let options = OpenOptions {
            dir: root.path().to_owned(),
            offline: true,
            no_fetch: true,
            ..OpenOptions::default()
        };
        Self {
            engine: Engine::open(options).expect("opens"),
            lineage,
            subjects: ids.into_iter().zip(subjects).collect(),
            _root: root,
        }
    }

    async fn history(&self, target: &Target) -> Vec<Record> {
        self.engine.history(target, None, false).await.expect("a history")
    }

    /// Subjects of the commits of a history, with the part of the history where it is not the branch.
    async fn lines(&self, environment: &str) -> Vec<String> {
        let line = |record: &Record| {
            let subject = &self.subjects[&record.entry.commit];
            match record.entry.part {
                BranchPart::Branch => subject.clone(),
                part => format!("{subject} ({part:?})"),
            }
        };
        self.history(&Target::new("api", environment))
            .await
            .iter()
            .map(line)
            .collect()
    }

    /// Who pinned what is pinned today in an environment.
    fn pinned(&self, environment: &str) -> Vec<&str> {
        let of = self.lineage.pinned.iter();
        of.filter(|(key, _)| key.target.environment.as_str() == environment)
            .map(|(_, by)| by.subject.raw())
            .collect()
    }

    async fn earlier(&self, environment: &str) -> Vec<u8> {
        let earlier = self.engine.earlier_digests(&Target::new("api", environment)).await;
        earlier
            .expect("readable")
            .iter()
            .map(|one| one.digest.as_bytes()[0])
            .collect()
    }
}

fn digest(n: u8) -> Digest {
    Digest::from_bytes([n; 32])
}

fn pod(digests: &[u8]) -> Option<String> {
    let image = |n: &u8| format!("  - image: r.example/shop/api:v{n}@{}\n", digest(*n));
    let images: String = digests.iter().map(image).collect();
    Some(format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{images}"))
}

fn tagged(image: &str) -> Option<String> {
    Some(format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {image}\n"
    ))
}

#[tokio::test]
async fn a_file_that_is_copied_and_deleted_later_keeps_its_past() {
    let mut story = Story::default();
    story.then("one", &[("production/api.yaml", pod(&[1]))]);
    story.then("two", &[("production/api.yaml", pod(&[2]))]);
    story.then("three", &[("production/api.yaml", pod(&[3]))]);
    story.then("copy", &[("production/deep/api.yaml", pod(&[3]))]);
    story.then("tidy", &[("production/api.yaml", None)]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["three", "two", "one"]);
    assert_eq!(told.pinned("production"), ["three"]);
    assert_eq!(told.earlier("production").await, [2, 1]);
}

#[tokio::test]
async fn a_second_file_that_takes_a_pinned_digest_is_no_change() {
    let mut story = Story::default();
    story.then("one", &[("production/a.yaml", pod(&[1]))]);
    story.then("two", &[("production/a.yaml", pod(&[2]))]);
    story.then("again", &[("production/b.yaml", pod(&[2]))]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["two", "one"]);
    assert_eq!(told.pinned("production"), ["two"]);
}

#[tokio::test]
async fn a_tag_of_another_repository_is_another_pin() {
    let listed = format!(
        "{CONFIG}[[services]]\nname = \"api\"\nimage = \"new.example/shop/api\"\nalso = [\"old.example/shop/api\"]\n"
    );
    for config in [CONFIG, &listed] {
        let mut story = Story::default();
        story.then("start", &[("production/a.yaml", tagged("old.example/shop/api:v0"))]);
        story.then("first", &[("production/a.yaml", tagged("old.example/shop/api:v1"))]);
        story.then("switch", &[("production/a.yaml", tagged("new.example/shop/api:v1"))]);
        let told = Told::configured(&story, config);
        assert_eq!(told.lines("production").await, ["switch", "first", "start"]);
        assert_eq!(told.pinned("production"), ["switch"]);
        let history = told.history(&Target::new("api", "production")).await;
        let images: Vec<String> = history
            .iter()
            .filter_map(|r| r.image.as_ref())
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            images,
            ["new.example/shop/api", "old.example/shop/api", "old.example/shop/api"]
        );
    }
}

/// The same bytes in another repository are the same release.
#[tokio::test]
async fn a_digest_in_another_repository_is_the_same_pin() {
    let at = |repository: &str, n: u8| tagged(&format!("{repository}/shop/api@{}", digest(n)));
    let mut story = Story::default();
    story.then("one", &[("production/a.yaml", at("old.example", 1))]);
    story.then("two", &[("production/a.yaml", at("old.example", 2))]);
    story.then("moved", &[("production/a.yaml", at("new.example", 2))]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["two", "one"]);
    assert_eq!(told.pinned("production"), ["two"]);
    assert_eq!(told.earlier("production").await, [1]);
}

#[tokio::test]
async fn what_a_merge_dropped_is_marked() {
    let file = |n: u8| Files::from([("production/a.yaml".to_owned(), pod(&[n]).expect("a pod"))]);
    let mut story = Story::default();
    let one = story.add(&[], "one", file(1));
    let two = story.add(&[one], "two", file(2));
    let side = story.add(&[two], "on the side", file(3));
    let other = story.add(&[two], "elsewhere", file(2));
    story.add(&[other, side], "merge, ours", file(2));
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["two", "on the side (Dropped)", "one"]);
    assert_eq!(told.pinned("production"), ["two"]);
    assert_eq!(
        told.earlier("production").await,
        [1],
        "what the branch never had is no target"
    );
    let merge = told.subjects.iter().find(|(_, subject)| *subject == "merge, ours");
    let history = told.history(&Target::new("api", "production")).await;
    assert_eq!(Some(&history[1].entry.landed), merge.map(|(id, _)| id));
}

/// A kustomization that was laid over a manifest later: before it, the manifest decided.
#[tokio::test]
async fn what_was_deployed_before_a_layer_came_is_the_past_of_the_pin() {
    let deployment = |n: u8| {
        Some(format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      \
             containers:\n      - name: api\n        image: r.example/shop/api@{}\n",
            digest(n)
        ))
    };
    let kustomization = |n: Option<u8>| {
        let images = n.map(|n| format!("images:\n- name: r.example/shop/api\n  digest: {}\n", digest(n)));
        Some(format!("resources:\n- api.yaml\n{}", images.unwrap_or_default()))
    };
    let (manifest, layer) = ("production/api.yaml", "production/kustomization.yaml");
    let mut story = Story::default();
    story.then("one", &[(manifest, deployment(1)), (layer, kustomization(None))]);
    story.then("two", &[(manifest, deployment(2))]);
    story.then("layer", &[(layer, kustomization(Some(3)))]);
    story.then("below the layer", &[(manifest, deployment(4))]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["layer", "two", "one"]);
    assert_eq!(told.pinned("production"), ["layer"]);
    assert_eq!(told.earlier("production").await, [2, 1]);
}

/// Variants of one image keep apart, in the past too.
#[tokio::test]
async fn components_have_a_history_each() {
    let both = |fpm: u8, nginx: u8| {
        let image = |n: u8, variant: &str| format!("  - image: r.example/shop/api:v{n}-{variant}@{}\n", digest(n));
        let images = image(fpm, "fpm") + &image(nginx, "nginx");
        Some(format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{images}"))
    };
    let mut story = Story::default();
    story.then("both", &[("production/a.yaml", both(1, 2))]);
    story.then("fpm", &[("production/a.yaml", both(3, 2))]);
    story.then("nginx", &[("production/a.yaml", both(3, 4))]);
    let told = Told::of(&story);
    let history = told.history(&Target::new("api", "production")).await;
    let lines: Vec<String> = history
        .iter()
        .map(|r| format!("{} {:?}", told.subjects[&r.entry.commit], r.entry.component.as_deref()))
        .collect();
    assert_eq!(lines[..2], ["nginx Some(\"nginx\")", "fpm Some(\"fpm\")"]);
    assert_eq!(lines.len(), 4);
    assert_eq!(told.pinned("production"), ["fpm", "nginx"]);
}

/// A pin that comes after two environments skipped one if it was not in both.
#[test]
fn skipped_follows_after() {
    let env =
        |name: &str, after: &str| format!("[[environments]]\nname = \"{name}\"\npaths = [\"{name}/**\"]\n{after}\n");
    let config = format!(
        "version = 1\n{}{}{}{}",
        env("dev", ""),
        env("eu", "after = [\"dev\"]"),
        env("us", "after = [\"dev\"]"),
        env("production", "after = [\"eu\", \"us\"]"),
    );
    let mut story = Story::default();
    story.then("all", &[("dev/a.yaml", pod(&[1])), ("eu/a.yaml", pod(&[1]))]);
    story.then("on", &[("production/a.yaml", pod(&[1])), ("us/a.yaml", pod(&[2]))]);
    let told = Told::configured(&story, &config);
    let skipped: Vec<(&str, Option<bool>)> = told
        .lineage
        .skipped
        .iter()
        .map(|(key, skipped)| (key.target.environment.as_str(), *skipped))
        .collect();
    assert_eq!(
        skipped,
        [
            ("dev", None),
            ("eu", Some(false)),
            ("production", Some(true)),
            ("us", Some(true))
        ]
    );
    let us = told
        .lineage
        .earlier
        .iter()
        .find(|(key, _)| key.target.environment.as_str() == "production");
    let before: Vec<(&str, Vec<u8>)> = us
        .into_iter()
        .flat_map(|(_, before)| before)
        .map(|(env, all)| (env.as_str(), all.iter().map(|d| d.as_bytes()[0]).collect()))
        .collect();
    assert_eq!(before, [("us", vec![2])]);
}

/// What one random commit does.
#[derive(Debug, Clone)]
enum Step {
    Edit(u8, u8),
    Move(u8, u8),
    Copy(u8, u8),
    Delete(u8),
    /// The containers of a file go to two files.
    Split(u8, u8),
    /// Back to what the files were in an earlier commit.
    Revert(prop::sample::Index),
    /// Another commit is merged: ours, theirs, or something new.
    Merge(prop::sample::Index, u8),
    /// Goes on from an earlier commit instead.
    Branch(prop::sample::Index, u8),
}

const PLACES: [&str; 5] = [
    "production/a.yaml",
    "production/b.yaml",
    "production/deep/c.yaml",
    "staging/a.yaml",
    "elsewhere/a.yaml",
];

fn steps() -> impl Strategy<Value = Vec<(Step, u8)>> {
    let (place, number) = (0u8..5, 0u8..5);
    let earlier = any::<prop::sample::Index>;
    let step = prop_oneof![
        4 => (place.clone(), number.clone()).prop_map(|(p, n)| Step::Edit(p, n)),
        1 => (place.clone(), place.clone()).prop_map(|(a, b)| Step::Move(a, b)),
        2 => (place.clone(), place.clone()).prop_map(|(a, b)| Step::Copy(a, b)),
        2 => place.clone().prop_map(Step::Delete),
        1 => (place.clone(), place.clone()).prop_map(|(a, b)| Step::Split(a, b)),
        1 => earlier().prop_map(Step::Revert),
        3 => (earlier(), 0u8..4).prop_map(|(at, n)| Step::Merge(at, n)),
        2 => (earlier(), number).prop_map(|(at, n)| Step::Branch(at, n)),
    ];
    // Clocks that go wrong: the same second, or one before.
    prop::collection::vec((step, 0u8..12), 1..24)
}

/// The digests of each place.
type Model = BTreeMap<&'static str, Vec<u8>>;

/// The story that steps tell, with what each place pins after each of them.
fn story(steps: &[(Step, u8)]) -> (Story, Vec<Model>) {
    let mut story = Story::default();
    let mut models = vec![Model::from([(PLACES[0], vec![0]), (PLACES[3], vec![0])])];
    let place = |n: &u8| PLACES[usize::from(*n)];
    let files = |model: &Model| -> Files {
        let pods = model
            .iter()
            .filter_map(|(path, digests)| Some(((*path).to_owned(), pod(digests)?)));
        pods.collect()
    };
    story.add(&[], "c0", files(&models[0]));
    for (at, (step, clock)) in steps.iter().enumerate() {
        let mut parents = vec![at];
        let mut model = models[at].clone();
        match step {
            Step::Edit(p, n) => {
                model.insert(place(p), vec![*n]);
            }
            Step::Move(a, b) => {
                if let Some(moved) = model.remove(place(a)) {
                    model.insert(place(b), moved);
                }
            }
            Step::Copy(a, b) => {
                if let Some(copied) = model.get(place(a)).cloned() {
                    model.insert(place(b), copied);
                }
            }
            Step::Delete(p) => {
                model.remove(place(p));
            }
            Step::Split(a, b) => {
                let all = model.get(place(a)).cloned().unwrap_or_default();
                let both = [all.first().copied().unwrap_or(1), 4];
                model.insert(place(a), both[..1].to_vec());
                model.insert(place(b), both.to_vec());
            }
            Step::Revert(earlier) => model.clone_from(&models[earlier.index(at + 1)]),
            Step::Merge(other, n) => {
                let other = other.index(at + 1);
                if other != at {
                    parents.push(other);
                }
                match n {
                    0 | 1 => model.clone_from(&models[other]),
                    2 => {}
                    _ => {
                        model.insert(PLACES[0], vec![*n]);
                    }
                }
            }
            Step::Branch(from, n) => {
                let from = from.index(at + 1);
                parents = vec![from];
                model.clone_from(&models[from]);
                model.insert(PLACES[1], vec![*n]);
            }
        }
        story.add(&parents, &format!("c{}", at + 1), files(&model));
        let time = &mut story.commits[at + 1].1;
        *time -= match clock {
            0 => 60,
            1 => 300,
            _ => 0,
        };
        models.push(model);
    }
    (story, models)
}

fn set_in(model: &Model, environment: &str) -> BTreeSet<u8> {
    let ours = model
        .iter()
        .filter(|(path, _)| path.split('/').next() == Some(environment));
    ours.flat_map(|(_, digests)| digests.iter().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// For each pin the newest entry of the history is the commit of `pinned`; the entries lead back through every
    /// state of the branch; what a revert may go back to was one of them.
    #[test]
    fn history_pinned_and_the_target_of_a_revert_agree(steps in steps()) {
        let (story, models) = story(&steps);
        let told = Told::of(&story);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        for environment in ["staging", "production"] {
            let now = set_in(&models[models.len() - 1], environment);
            if now.is_empty() {
                continue;
            }
            let target = Target::new("api", environment);
            let history = runtime.block_on(told.history(&target));
            // Each state of the branch, newest first.
            let mut states: Vec<BTreeSet<u8>> = Vec::new();
            let mut at = Some(models.len() - 1);
            while let Some(commit) = at {
                let state = set_in(&models[commit], environment);
                if states.last() != Some(&state) {
                    states.push(state);
                }
                at = story.commits[commit].0.first().copied();
            }
            let number = |digest: Option<Digest>| digest.map(|digest| digest.as_bytes()[0]);
            let on_the_way: Vec<&Record> = history
                .iter()
                .filter(|record| matches!(record.entry.part, BranchPart::Branch | BranchPart::Passed))
                .collect();
            let mut state = now.clone();
            let mut walked = vec![state.clone()];
            for records in on_the_way.chunk_by(|a, b| a.entry.commit == b.entry.commit) {
                for to in records.iter().filter_map(|record| number(record.entry.to)) {
                    prop_assert!(state.remove(&to), "{} is not in {:?}", to, state);
                }
                state.extend(records.iter().filter_map(|record| number(record.entry.from)));
                walked.push(state.clone());
            }
            prop_assert!(state.is_empty(), "the way ends at {:?}", state);
            let mut left = walked.iter();
            for wanted in &states {
                prop_assert!(left.any(|state| state == wanted), "{:?} is not on the way {:?}", wanted, walked);
            }
            for n in &now {
                let newest = history.iter().find(|record| number(record.entry.to) == Some(*n));
                let newest = newest.map(|record| record.entry.commit.as_str());
                let pinned = told.lineage.pinned.iter().find(|(key, _)| {
                    key.target == target && number(key.digest) == Some(*n)
                });
                prop_assert!(newest.is_some(), "nobody pinned {}", n);
                prop_assert_eq!(newest, pinned.map(|(_, by)| by.commit.as_str()));
            }
            prop_assert!(history.first().is_some_and(|first| first.entry.to.is_some_and(|to| now.contains(&to.as_bytes()[0]))
                || first.entry.to.is_none()));
            let earlier = runtime.block_on(told.engine.earlier_digests(&target)).expect("readable");
            let ever: BTreeSet<u8> = states.iter().flatten().copied().collect();
            for one in &earlier {
                prop_assert!(ever.contains(&one.digest.as_bytes()[0]) && !now.contains(&one.digest.as_bytes()[0]));
            }
            let default = earlier.iter().find(|one| !one.ended_by_revert && one.hold.is_none()).map(|one| one.digest);
            let seen: BTreeSet<Digest> = on_the_way.iter().filter_map(|record| record.entry.from).collect();
            prop_assert!(default.is_none_or(|default| seen.contains(&default)));
            // Nothing that the branch had is missing among what a revert may go back to.
            let known: BTreeSet<u8> = earlier.iter().map(|one| one.digest.as_bytes()[0]).chain(now).collect();
            prop_assert_eq!(known, ever);
        }
    }
}

//! Repositories that a test writes commit by commit, and what is told of their pins.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use pindeck::domain::Digest;
use pindeck::domain::id::Target;
use pindeck::domain::pin_set::BranchPart;
use pindeck::engine::file_scans::ScanCache;
use pindeck::engine::history::Record;
use pindeck::engine::ledger::read;
use pindeck::engine::lineage::{Lineage, trace};
use pindeck::engine::pin_states::BlobReferences;
use pindeck::engine::{Engine, OpenOptions};
use pindeck::sources::git::GitRepo;

pub const CONFIG: &str = "version = 1\n[[environments]]\nname = \"staging\"\npaths = [\"staging/**\"]\n\
                      [[environments]]\nname = \"production\"\npaths = [\"production/**\"]\n";

/// Files by path.
pub type Files = BTreeMap<String, String>;

/// A repository as a test writes it: each commit with its parents, its time and all its files.
#[derive(Debug, Clone, Default)]
pub struct Story {
    pub commits: Vec<(Vec<usize>, i64, String, Files)>,
}

impl Story {
    /// One more commit on top of others, a minute after the one before it.
    pub fn add(&mut self, parents: &[usize], subject: &str, files: Files) -> usize {
        let at = 1_700_000_000 + 60 * self.commits.len() as i64;
        self.commits.push((parents.to_vec(), at, subject.to_owned(), files));
        self.commits.len() - 1
    }

    /// One more on top of the last one, which changes these files; `None` removes one.
    pub fn then(&mut self, subject: &str, changes: &[(&str, Option<String>)]) -> usize {
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
    pub fn make(&self, dir: &Path, config: &str) -> Vec<String> {
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
pub struct Told {
    pub engine: Engine,
    pub lineage: Lineage,
    /// The subjects of commits by their ids.
    pub subjects: BTreeMap<String, String>,
    _root: tempfile::TempDir,
}

impl Told {
    pub fn of(story: &Story) -> Self {
        Self::configured(story, CONFIG)
    }

    pub fn configured(story: &Story, config: &str) -> Self {
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

    pub async fn history(&self, target: &Target) -> Vec<Record> {
        self.engine.history(target, None, false).await.expect("a history")
    }

    /// Subjects of the commits of a history, with the part of the history where it is not the branch.
    pub async fn lines(&self, environment: &str) -> Vec<String> {
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
    pub fn pinned(&self, environment: &str) -> Vec<&str> {
        let of = self.lineage.pinned.iter();
        of.filter(|(key, _)| key.target.environment.as_str() == environment)
            .map(|(_, by)| by.subject.raw())
            .collect()
    }

    pub async fn earlier(&self, environment: &str) -> Vec<u8> {
        let earlier = self.engine.earlier_digests(&Target::new("api", environment)).await;
        earlier
            .expect("readable")
            .iter()
            .map(|one| one.digest.as_bytes()[0])
            .collect()
    }
}

pub fn digest(n: u8) -> Digest {
    Digest::from_bytes([n; 32])
}

pub fn pod(digests: &[u8]) -> Option<String> {
    let image = |n: &u8| format!("  - image: r.example/shop/api:v{n}@{}\n", digest(*n));
    let images: String = digests.iter().map(image).collect();
    Some(format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{images}"))
}

pub fn tagged(image: &str) -> Option<String> {
    Some(format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {image}\n"
    ))
}

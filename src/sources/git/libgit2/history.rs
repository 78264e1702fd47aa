//! Visiting every commit with what it changed, by libgit2.

use std::cell::RefCell;
use std::ops::ControlFlow;

use git2::{Commit, Oid, Repository, Sort};

use super::date_walk::{DateWalk, DatedCommit};
use super::tree_changes::TreeChanges;
use crate::sources::git::error::GitError;
use crate::sources::git::known_changes::{self, KnownChanges, RecordedCommit, RecordedSide};
use crate::sources::git::manifest::is_manifest;
use crate::sources::git::reader::{
    BlobChange, CommitChanges, CommitMeta, CommitOrder, CommitVisit, FileFilter, VisitCommit, VisitParents, has_come,
};

/// Visits from the tip, newest first.
pub(super) fn visit(repo: &Repository, asked: CommitVisit<'_>, each: VisitCommit<'_>) -> Result<(), GitError> {
    match (asked.known, asked.order) {
        (Some(known), CommitOrder::Date) if asked.files.are_manifests() => visit_known(repo, asked, known, each),
        _ => visit_all(repo, asked, each),
    }
}

/// Reads every commit.
fn visit_all(repo: &Repository, asked: CommitVisit<'_>, each: VisitCommit<'_>) -> Result<(), GitError> {
    let failed = |e: git2::Error| GitError::object("history", &e);
    let mut walk = repo.revwalk().map_err(failed)?;
    // Without sorting, libgit2 goes by date as git's own log does, answering as it walks. (Its order by date
    // reads the whole graph first, and shuffles commits of the same second.)
    let sorting = match asked.order {
        CommitOrder::Date => Sort::NONE,
        CommitOrder::Topological => Sort::TOPOLOGICAL,
    };
    walk.set_sorting(sorting).map_err(failed)?;
    let start = Oid::from_str(asked.tip).and_then(|oid| walk.push(oid));
    start.map_err(|e| GitError::object(format!("commit {}", asked.tip), &e))?;
    let odb = repo.odb().map_err(failed)?;
    let mut trees = TreeChanges::new(&odb);
    for oid in walk {
        let commit = oid.and_then(|oid| repo.find_commit(oid)).map_err(failed)?;
        let is_cut = !asked.boundary.is_empty() && asked.boundary.contains(&commit.id().to_string());
        let (mut sides, mut gone) = (Vec::new(), Vec::new());
        if !is_cut {
            let failed = |e: git2::Error| GitError::object(format!("commit {}", commit.id()), &e);
            let tree = commit.tree_id();
            for parent in commit.parents() {
                let old = Some(parent.tree_id());
                let side = trees.between(old, tree, asked.files).map_err(failed)?;
                gone.push(match has_come(&side) {
                    true => {
                        let mut all = trees.between(old, tree, &GoneFiles(asked.files)).map_err(failed)?;
                        all.retain(|change| change.after.is_none());
                        all
                    }
                    false => Vec::new(),
                });
                sides.push(side);
            }
            if commit.parent_count() == 0 {
                sides.push(trees.between(None, tree, asked.files).map_err(failed)?);
            }
        }
        let commit = meta(&commit);
        let changes = CommitChanges {
            commit,
            sides,
            gone,
            is_cut,
        };
        if each(changes) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

/// Visits parents alone, newest first.
pub(super) fn visit_parents(repo: &Repository, from: &[String], each: VisitParents<'_>) -> Result<(), GitError> {
    let failed = |e: git2::Error| GitError::object("history", &e);
    let mut walk = repo.revwalk().map_err(failed)?;
    walk.set_sorting(Sort::NONE).map_err(failed)?;
    for commit in from {
        let start = Oid::from_str(commit).and_then(|oid| walk.push(oid));
        start.map_err(|e| GitError::object(format!("commit {commit}"), &e))?;
    }
    for oid in walk {
        let commit = oid.and_then(|oid| repo.find_commit(oid)).map_err(failed)?;
        let parents: Vec<String> = commit.parent_ids().map(|parent| parent.to_string()).collect();
        let mut parents = parents.iter().map(String::as_str);
        if each(&commit.id().to_string(), &mut parents) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

/// A commit on the way, as it is known or was read.
enum WalkedCommit<'r> {
    Known(RecordedCommit),
    Read(Commit<'r>),
}

/// Reads the commits that are not known, and remembers what they changed.
fn visit_known(
    repo: &Repository,
    asked: CommitVisit<'_>,
    known: &dyn KnownChanges,
    each: VisitCommit<'_>,
) -> Result<(), GitError> {
    let read = |id: &str| -> Result<Commit<'_>, GitError> {
        let found = Oid::from_str(id).and_then(|oid| repo.find_commit(oid));
        found.map_err(|e| GitError::object(format!("commit {id}"), &e))
    };
    let load = |id: String| -> Result<DatedCommit<WalkedCommit<'_>>, GitError> {
        Ok(match known.get(&id) {
            Some(recorded) => DatedCommit {
                id,
                parents: recorded.parents.clone(),
                seconds: recorded.seconds,
                commit: WalkedCommit::Known(recorded),
            },
            None => {
                let commit = read(&id)?;
                DatedCommit {
                    id,
                    parents: commit.parent_ids().map(|parent| parent.to_string()).collect(),
                    seconds: commit.time().seconds(),
                    commit: WalkedCommit::Read(commit),
                }
            }
        })
    };
    let odb = repo.odb().map_err(|e| GitError::object("history", &e))?;
    let mut trees = TreeChanges::new(&odb);
    let mut walk = DateWalk::default();
    walk.push(asked.tip, &load)?;
    while let Some(next) = walk.next(&load)? {
        let recorded = match next.commit {
            WalkedCommit::Known(recorded) if recorded.suffices(asked.files) => recorded,
            // Other files were asked for before: then all are looked for, so that nobody has to look again.
            WalkedCommit::Known(_) => record(&mut trees, &read(&next.id)?, known, None)?,
            WalkedCommit::Read(commit) => record(&mut trees, &commit, known, Some(asked.files))?,
        };
        if each(recorded.into_changes(next.id, asked.files)) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

/// Reads what a commit changed, as far as these files may lie; `None` = everywhere.
fn record(
    trees: &mut TreeChanges<'_>,
    commit: &Commit<'_>,
    known: &dyn KnownChanges,
    files: Option<&dyn FileFilter>,
) -> Result<RecordedCommit, GitError> {
    let failed = |e: git2::Error| GitError::object(format!("commit {}", commit.id()), &e);
    let tree = commit.tree_id();
    let mut between = |old, near| {
        let manifests = Manifests {
            near,
            skipped: RefCell::default(),
        };
        let changed = trees.between(old, tree, &manifests).map_err(failed)?;
        let skipped = manifests.skipped.into_inner();
        Ok::<_, GitError>(RecordedSide { changed, skipped })
    };
    let mut sides = Vec::new();
    for parent in commit.parents() {
        let old = Some(parent.tree_id());
        let mut side = between(old, files)?;
        let is_new = |change: &BlobChange| change.before.is_none() && files.is_some_and(|f| f.counts(&change.path));
        if !side.skipped.is_empty() && side.changed.iter().any(is_new) {
            // It may have been another file before, wherever that lay.
            side = between(old, None)?;
        }
        sides.push(side);
    }
    if commit.parent_count() == 0 {
        sides.push(between(None, files)?);
    }
    let recorded = RecordedCommit::new(meta(commit), commit.time().seconds(), sides);
    // Where a clone was cut or mended a moment ago, the parents are not those that were written.
    let lines = commit.raw_header_bytes().split(|byte| *byte == b'\n');
    if lines.filter(|line| line.starts_with(b"parent ")).count() == commit.parent_count() {
        known.add(&commit.id().to_string(), &recorded);
    }
    Ok(recorded)
}

/// All manifests, as far as some files may lie.
struct Manifests<'f> {
    /// `None` = everywhere.
    near: Option<&'f dyn FileFilter>,
    /// Folders that differ and were not looked into.
    skipped: RefCell<Vec<String>>,
}

impl FileFilter for Manifests<'_> {
    fn may_contain(&self, folder: &str) -> bool {
        let may_contain = self.near.is_none_or(|near| near.may_contain(folder));
        if !may_contain {
            self.skipped.borrow_mut().push(folder.to_owned());
        }
        may_contain
    }

    fn counts(&self, path: &str) -> bool {
        is_manifest(path)
    }
}

/// The files that may have been one that counts, wherever they lie.
struct GoneFiles<'f>(&'f dyn FileFilter);

impl FileFilter for GoneFiles<'_> {
    fn may_contain(&self, _folder: &str) -> bool {
        true
    }

    fn counts(&self, path: &str) -> bool {
        self.0.may_have_been(path)
    }

    fn may_have_been(&self, path: &str) -> bool {
        self.0.may_have_been(path)
    }
}

/// What a commit says about itself.
pub(super) fn meta(commit: &Commit<'_>) -> CommitMeta {
    known_changes::meta(
        commit.id().to_string(),
        commit.parent_ids().map(|parent| parent.to_string()).collect(),
        String::from_utf8_lossy(commit.author().name_bytes()).into_owned(),
        commit.time().seconds(),
        String::from_utf8_lossy(commit.message_bytes()).into_owned(),
    )
}

//! Visiting every commit with what it changed, by libgit2.

use std::ops::ControlFlow;

use git2::{Commit, Oid, Repository, Sort};
use jiff::Timestamp;

use super::tree_changes::TreeChanges;
use crate::sources::git::error::GitError;
use crate::sources::git::reader::{
    CommitChanges, CommitMeta, CommitOrder, CommitVisit, FileFilter, VisitCommit, has_come,
};

/// Visits from the tip, newest first.
pub(super) fn visit(repo: &Repository, asked: CommitVisit<'_>, each: VisitCommit<'_>) -> Result<(), GitError> {
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
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    CommitMeta {
        id: commit.id().to_string(),
        parents: commit.parent_ids().map(|p| p.to_string()).collect(),
        author: String::from_utf8_lossy(commit.author().name_bytes())
            .into_owned()
            .into(),
        at: Timestamp::from_second(commit.time().seconds()).unwrap_or_default(),
        subject: message.lines().next().unwrap_or("").into(),
        message: message.into(),
    }
}

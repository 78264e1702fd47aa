//! Walking history: which commits changed the content of which paths, newest first.
//!
//! Trees are compared by their ids, so whole folders and commits that did not touch a path cost one
//! comparison. Every reachable commit counts, those of side branches too. A merge counts only where
//! its content differs from that of all its parents (as `git log` simplifies).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use git2::{Commit, ObjectType, Oid, Repository, Sort, Tree};
use jiff::Timestamp;

use super::error::GitError;
use super::git_cli;
use super::repo::GitRepo;
use super::tree_lookup::{ChangedPath, TreeLookup};
use crate::domain::text::Untrusted;

/// What a commit says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMeta {
    /// Full id.
    pub id: String,
    /// FollowedParents' ids.
    pub parents: Vec<String>,
    /// Author's name.
    pub author: Untrusted,
    /// Committer date.
    pub at: Timestamp,
    /// First line of the message.
    pub subject: Untrusted,
    /// The whole message.
    pub message: Untrusted,
}

/// One path that one commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The commit.
    pub commit: CommitMeta,
    /// The path asked for (a renamed file keeps the name it has at the tip).
    pub path: String,
    /// The blob before; `None` = not there.
    pub before: Option<String>,
    /// The blob after; `None` = not there any more.
    pub after: Option<String>,
}

/// Which parents count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FollowedParents {
    All,
    First,
}

/// What one commit changed.
type Changed = Vec<ChangedPath>;

impl GitRepo {
    /// Reports every change of `paths` (all files, if none is named) in every commit reachable from
    /// `tip`, newest first, until told to stop. Renames are followed: going back past the commit that
    /// made a path, the walk goes on with the file it came from.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    pub fn changes(
        &self,
        tip: &str,
        paths: &[String],
        visit: &mut dyn FnMut(ChangedFile) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        self.commits(tip, paths, &mut each(visit))
    }

    /// As [`GitRepo::changes`], with all that one commit changed of the paths at once (never nothing):
    /// what a commit did is known as soon as it is found.
    ///
    /// # Errors
    /// As [`GitRepo::changes`].
    pub fn commits(
        &self,
        tip: &str,
        paths: &[String],
        visit: &mut dyn FnMut(Vec<ChangedFile>) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        self.walk(tip, paths, FollowedParents::All, visit)
    }

    /// The same along first parents only: how the branch itself came to be what it is. A merge counts
    /// as one step, with all it brought and its own date.
    ///
    /// # Errors
    /// As [`GitRepo::changes`].
    pub fn mainline(
        &self,
        tip: &str,
        paths: &[String],
        visit: &mut dyn FnMut(ChangedFile) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        self.walk(tip, paths, FollowedParents::First, &mut each(visit))
    }

    /// Every path that a commit touched, against its first parent: links and submodules too.
    ///
    /// # Errors
    /// If the commit or a tree cannot be read.
    pub fn touched(&self, commit: &str) -> Result<Vec<String>, GitError> {
        if self.is_foreign() {
            return git_cli::touched(self, commit);
        }
        let repo = self.open()?;
        let failed = |e: git2::Error| GitError::object(format!("commit {commit}"), &e);
        let found = Oid::from_str(commit)
            .and_then(|oid| repo.find_commit(oid))
            .map_err(failed)?;
        let new = found.tree().map_err(failed)?;
        let old = found
            .parent(0)
            .ok()
            .map(|parent| parent.tree())
            .transpose()
            .map_err(failed)?;
        let diff = repo.diff_tree_to_tree(old.as_ref(), Some(&new), None).map_err(failed)?;
        let mut paths: Vec<String> = diff
            .deltas()
            .flat_map(|delta| [delta.old_file().path_bytes(), delta.new_file().path_bytes()])
            .flatten()
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }

    fn walk(
        &self,
        tip: &str,
        paths: &[String],
        parents: FollowedParents,
        visit: &mut dyn FnMut(Vec<ChangedFile>) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let edge = self.shallow_boundary();
        if self.is_foreign() {
            return self.walk_by_program(tip, paths, parents, &edge, visit);
        }
        let repo = self.open()?;
        let mut walk = repo.revwalk().map_err(|e| GitError::object("history", &e))?;
        // As git itself orders a log: by date, a child always before the parent that it leads to, answered as
        // it is walked. (libgit2's order by date alone would read the whole graph first, and shuffle commits of
        // the same second.)
        walk.set_sorting(Sort::NONE)
            .map_err(|e| GitError::object("history", &e))?;
        if parents == FollowedParents::First {
            walk.simplify_first_parent()
                .map_err(|e| GitError::object("history", &e))?;
        }
        let start = Oid::from_str(tip).and_then(|oid| walk.push(oid).map(|()| oid));
        start.map_err(|e| GitError::object(format!("commit {tip}"), &e))?;
        // Name in older commits -> name asked for.
        let mut names: BTreeMap<String, String> = paths.iter().map(|p| (p.clone(), p.clone())).collect();
        let odb = repo.odb().map_err(|e| GitError::object("history", &e))?;
        let mut files = TreeLookup::new(&odb);
        for oid in walk {
            let commit = oid
                .and_then(|oid| repo.find_commit(oid))
                .map_err(|e| GitError::object("history", &e))?;
            if !edge.is_empty() && edge.contains(&commit.id().to_string()) {
                continue;
            }
            let wanted: Option<BTreeSet<&str>> = if paths.is_empty() {
                None
            } else {
                Some(names.keys().map(String::as_str).collect())
            };
            let changed = commit_changes(&repo, &mut files, &commit, wanted.as_ref(), parents)?;
            if changed.is_empty() {
                continue;
            }
            let meta = meta(&commit);
            let mut renamed = Vec::new();
            let mut batch = Vec::new();
            for (path, before, after) in changed {
                let mut change = ChangedFile {
                    commit: meta.clone(),
                    path: names.get(&path).cloned().unwrap_or_else(|| path.clone()),
                    before: before.map(|b| b.to_string()),
                    after: after.map(|a| a.to_string()),
                };
                if let (false, None, Some(now)) = (paths.is_empty(), before, after)
                    && let Some((old, blob)) = came_from(&repo, &commit, now, self.is_partial())?
                {
                    change.before = Some(blob.to_string());
                    renamed.push((old, change.path.clone()));
                }
                batch.push(change);
            }
            if visit(batch).is_break() {
                return Ok(());
            }
            names.extend(renamed);
        }
        Ok(())
    }
}

impl GitRepo {
    fn walk_by_program(
        &self,
        tip: &str,
        paths: &[String],
        parents: FollowedParents,
        edge: &BTreeSet<String>,
        visit: &mut dyn FnMut(Vec<ChangedFile>) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let mut batch: Vec<ChangedFile> = Vec::new();
        let mut stopped = false;
        git_cli::walk(self, tip, paths, parents == FollowedParents::First, &mut |change| {
            if edge.contains(&change.commit.id) {
                return ControlFlow::Continue(());
            }
            let next = batch.last().is_some_and(|last| last.commit.id != change.commit.id);
            if next && visit(std::mem::take(&mut batch)).is_break() {
                stopped = true;
                return ControlFlow::Break(());
            }
            batch.push(change);
            ControlFlow::Continue(())
        })?;
        if !stopped && !batch.is_empty() {
            // It was the last one anyway.
            let _ = visit(batch);
        }
        Ok(())
    }

    /// Commits whose parents a shallow clone does not hold: what they changed cannot be told.
    fn shallow_boundary(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.common_dir().join("shallow")).unwrap_or_default();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// Visits the changes of a commit one by one.
fn each<'a>(
    visit: &'a mut dyn FnMut(ChangedFile) -> ControlFlow<()>,
) -> impl FnMut(Vec<ChangedFile>) -> ControlFlow<()> + 'a {
    move |batch| batch.into_iter().try_for_each(&mut *visit)
}

/// What a commit changed among the wanted paths: against its parent; in a merge, only what differs
/// from every parent.
fn commit_changes(
    repo: &Repository,
    files: &mut TreeLookup<'_>,
    commit: &Commit<'_>,
    wanted: Option<&BTreeSet<&str>>,
    parents: FollowedParents,
) -> Result<Changed, GitError> {
    let failed = |e: git2::Error| GitError::object(format!("commit {}", commit.id()), &e);
    let mut result: Option<Changed> = None;
    let few = wanted.filter(|wanted| wanted.len() <= FEW);
    let mut between = |old: Option<Oid>| {
        let mut changed = Vec::new();
        match few {
            Some(few) => {
                for path in few {
                    changed.extend(files.compare(old, commit.tree_id(), path)?);
                }
            }
            None => {
                let old = old.map(|id| repo.find_tree(id)).transpose()?;
                compare(repo, old.as_ref(), Some(&commit.tree()?), "", wanted, &mut changed)?;
            }
        }
        Ok::<_, git2::Error>(changed)
    };
    if commit.parent_count() == 0 {
        return between(None).map_err(failed);
    }
    let compared = match parents {
        FollowedParents::All => commit.parent_count(),
        FollowedParents::First => 1,
    };
    for parent in commit.parents().take(compared) {
        let changed = between(Some(parent.tree_id())).map_err(failed)?;
        if changed.is_empty() {
            return Ok(changed);
        }
        result = Some(match result {
            None => changed,
            Some(before) => {
                let also: BTreeSet<&String> = changed.iter().map(|(path, ..)| path).collect();
                before.into_iter().filter(|(path, ..)| also.contains(path)).collect()
            }
        });
    }
    Ok(result.unwrap_or_default())
}

/// Up to so many paths are looked up one by one instead of comparing whole folders.
const FEW: usize = 16;

/// Compares two trees below `folder`, descending only where ids differ and a wanted path may lie.
fn compare(
    repo: &Repository,
    old: Option<&Tree<'_>>,
    new: Option<&Tree<'_>>,
    folder: &str,
    wanted: Option<&BTreeSet<&str>>,
    out: &mut Changed,
) -> Result<(), git2::Error> {
    if let (Some(old), Some(new)) = (old, new)
        && old.id() == new.id()
    {
        return Ok(());
    }
    // Per name: (id, is a folder, is a regular file) before and after.
    let mut names: BTreeMap<String, [Option<(Oid, ObjectType)>; 2]> = BTreeMap::new();
    for (side, tree) in [old, new].into_iter().enumerate() {
        for entry in tree.iter().flat_map(|t| t.iter()) {
            let regular = entry.filemode() & 0o170_000 == 0o100_000;
            let kind = match entry.kind() {
                Some(ObjectType::Tree) => ObjectType::Tree,
                Some(ObjectType::Blob) if regular => ObjectType::Blob,
                _ => continue,
            };
            if let Ok(name) = entry.name() {
                names.entry(name.to_owned()).or_default()[side] = Some((entry.id(), kind));
            }
        }
    }
    for (name, [before, after]) in names {
        if before == after {
            continue;
        }
        let path = format!("{folder}{name}");
        let blob = |side: Option<(Oid, ObjectType)>| side.filter(|(_, k)| *k == ObjectType::Blob).map(|(id, _)| id);
        let (was, is) = (blob(before), blob(after));
        if was != is && wanted.is_none_or(|w| w.contains(path.as_str())) {
            out.push((path.clone(), was, is));
        }
        let sub = |side: Option<(Oid, ObjectType)>| {
            side.filter(|(_, k)| *k == ObjectType::Tree)
                .map(|(id, _)| repo.find_tree(id))
                .transpose()
        };
        let below = format!("{path}/");
        let may_hold = wanted.is_none_or(|w| w.range(below.as_str()..).next().is_some_and(|p| p.starts_with(&below)));
        if may_hold {
            let (was, is) = (sub(before)?, sub(after)?);
            if was.is_some() || is.is_some() {
                compare(repo, was.as_ref(), is.as_ref(), &below, wanted, out)?;
            }
        }
    }
    Ok(())
}

/// The file that a newly made file came from in the same commit: one that disappeared with the same
/// or nearly the same content.
fn came_from(
    repo: &Repository,
    commit: &Commit<'_>,
    blob: Oid,
    partial: bool,
) -> Result<Option<(String, Oid)>, GitError> {
    let failed = |e: git2::Error| GitError::object(format!("commit {}", commit.id()), &e);
    let Ok(parent) = commit.parent(0) else { return Ok(None) };
    let (old, new) = (parent.tree().map_err(failed)?, commit.tree().map_err(failed)?);
    let mut diff = repo.diff_tree_to_tree(Some(&old), Some(&new), None).map_err(failed)?;
    let mut options = git2::DiffFindOptions::new();
    options.renames(true).rename_threshold(60).rename_limit(400);
    if partial {
        // Likeness needs contents, which a partial clone may lack.
        options.exact_match_only(true);
    }
    diff.find_similar(Some(&mut options)).map_err(failed)?;
    Ok(diff.deltas().find_map(|delta| {
        let renamed = delta.status() == git2::Delta::Renamed && delta.new_file().id() == blob;
        let old = delta.old_file();
        renamed
            .then(|| Some((old.path()?.to_str()?.to_owned(), old.id())))
            .flatten()
    }))
}

fn meta(commit: &Commit<'_>) -> CommitMeta {
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

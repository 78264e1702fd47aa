//! Walking history by libgit2.
//!
//! Trees are compared by their ids, so whole folders and commits that did not touch a path cost one
//! comparison. Every reachable commit counts, those of side branches too. A merge counts only where
//! its content differs from that of all its parents (as `git log` simplifies).

use std::collections::{BTreeMap, BTreeSet};

use git2::{Commit, ObjectType, Oid, Repository, Sort, Tree};
use jiff::Timestamp;

use super::tree_lookup::{ChangedPath, TreeLookup};
use crate::sources::git::error::GitError;
use crate::sources::git::reader::{ChangedFile, CommitMeta, CommitVisitor, FollowedParents, HistoryWalk, Rename};

/// Up to so many paths are looked up one by one instead of comparing whole folders.
const FEW: usize = 16;

/// Finds the name that a file of a commit had in the parent: parent, commit and the file's new name.
pub(super) type RenameLookup<'a> = &'a dyn Fn(&str, &str, &str) -> Result<Option<Rename>, GitError>;

/// Walks from the tip, newest first.
pub(super) fn walk(
    repo: &Repository,
    asked: HistoryWalk<'_>,
    came_from: RenameLookup<'_>,
    visit: CommitVisitor<'_>,
) -> Result<(), GitError> {
    let mut walk = repo.revwalk().map_err(|e| GitError::object("history", &e))?;
    // As git itself orders a log: by date, a child always before the parent that it leads to, answered as
    // it is walked. (libgit2's order by date alone would read the whole graph first, and shuffle commits of
    // the same second.)
    walk.set_sorting(Sort::NONE)
        .map_err(|e| GitError::object("history", &e))?;
    if asked.parents == FollowedParents::First {
        walk.simplify_first_parent()
            .map_err(|e| GitError::object("history", &e))?;
    }
    let start = Oid::from_str(asked.tip).and_then(|oid| walk.push(oid).map(|()| oid));
    start.map_err(|e| GitError::object(format!("commit {}", asked.tip), &e))?;
    // Name in older commits -> name asked for.
    let mut names: BTreeMap<String, String> = asked.paths.iter().map(|p| (p.clone(), p.clone())).collect();
    let odb = repo.odb().map_err(|e| GitError::object("history", &e))?;
    let mut files = TreeLookup::new(&odb);
    for oid in walk {
        let commit = oid
            .and_then(|oid| repo.find_commit(oid))
            .map_err(|e| GitError::object("history", &e))?;
        if !asked.boundary.is_empty() && asked.boundary.contains(&commit.id().to_string()) {
            continue;
        }
        let wanted: Option<BTreeSet<&str>> =
            (!asked.paths.is_empty()).then(|| names.keys().map(String::as_str).collect());
        let changed = commit_changes(repo, &mut files, &commit, wanted.as_ref(), asked.parents)?;
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
            if let (false, None, Some(_), Some(parent)) = (asked.paths.is_empty(), before, after, meta.parents.first())
                && let Some(rename) = came_from(parent, &meta.id, &path)?
            {
                change.before = Some(rename.old_blob);
                renamed.push((rename.old, change.path.clone()));
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

/// What a commit changed among the wanted paths: against its parent; in a merge, only what differs
/// from every parent.
fn commit_changes(
    repo: &Repository,
    files: &mut TreeLookup<'_>,
    commit: &Commit<'_>,
    wanted: Option<&BTreeSet<&str>>,
    parents: FollowedParents,
) -> Result<Vec<ChangedPath>, GitError> {
    let failed = |e: git2::Error| GitError::object(format!("commit {}", commit.id()), &e);
    let mut result: Option<Vec<ChangedPath>> = None;
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

/// Compares two trees below `folder`, descending only where ids differ and a wanted path may lie.
fn compare(
    repo: &Repository,
    old: Option<&Tree<'_>>,
    new: Option<&Tree<'_>>,
    folder: &str,
    wanted: Option<&BTreeSet<&str>>,
    out: &mut Vec<ChangedPath>,
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

//! What reverting a commit would do to a later one, without a checkout.
//!
//! It is the three-way merge that `git revert` makes: the commit is the common ancestor of its parent and
//! of the commit that the revert is made on. One implementation plans and makes every revert, whichever
//! way the repository is read and whatever version of git is installed. Files that were renamed since are
//! followed. What cannot be told for certain is a conflict.

use std::collections::{BTreeMap, BTreeSet};

use git2::{IndexEntry, IndexTime, Oid, Repository};

use super::error::GitError;
use super::reader::{ChangedEntry, GitReader, Rename};
use super::tree_entry::{EntryKind, RawEntry};

/// How like a renamed file must be: as git itself has it.
const RENAMED: u8 = 50;

/// Files larger than this are not merged line by line.
const MAX_MERGED: usize = 16 << 20;

const ORDINARY: u32 = 0o100_644;

/// One file that a revert changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertedFile {
    /// Path in the repository, `/`-separated.
    pub path: String,
    /// Its bytes at the base; `None` = not there.
    pub before: Option<Vec<u8>>,
    /// Its bytes afterwards; `None` = it is deleted.
    pub after: Option<Vec<u8>>,
    /// Why its bytes are not all there is to it (a link, an executable, a submodule, a name that is not
    /// UTF-8), if so; the bytes are not read then.
    pub unsupported: Option<String>,
}

/// What reverting a commit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertOutcome {
    /// It applies cleanly and changes these files; none = the commit is undone already.
    Clean(Vec<RevertedFile>),
    /// Later commits changed the same lines.
    Conflict {
        /// In these files.
        paths: Vec<String>,
    },
    /// It is a merge: which side stays is for a person to say.
    Merge {
        /// How many parents it has.
        parents: usize,
    },
    /// It is the first commit: reverting it would remove everything.
    Root,
}

/// Content of a file after the revert.
#[derive(Debug, Clone)]
enum RevertedContent {
    /// That of an entry that is there already.
    Entry(RawEntry),
    /// Made by the merge, under this mode.
    Merged(u32, Vec<u8>),
}

/// Reverts `commit` on top of `base`.
pub(super) fn revert(reader: &dyn GitReader, base: &str, commit: &str) -> Result<RevertOutcome, GitError> {
    let parents = reader.commit(commit)?.parents;
    let parent = match parents.as_slice() {
        [] => return Ok(RevertOutcome::Root),
        [parent] => parent,
        more => return Ok(RevertOutcome::Merge { parents: more.len() }),
    };
    let merge = Merge {
        reader,
        base,
        commit,
        parent,
    };
    merge.run(reader.compare(Some(parent), commit)?)
}

struct Merge<'a> {
    reader: &'a dyn GitReader,
    base: &'a str,
    commit: &'a str,
    parent: &'a str,
}

/// What becomes of each path that changes: `None` = it is deleted.
type RevertResults = BTreeMap<String, Option<RevertedContent>>;
/// A path with what the commit's parent, the commit and the base have there.
type ThreeSides = (String, Option<RawEntry>, Option<RawEntry>, Option<RawEntry>);

impl Merge<'_> {
    fn run(&self, changes: Vec<ChangedEntry>) -> Result<RevertOutcome, GitError> {
        let mut results = RevertResults::new();
        let mut unnamed = Vec::new();
        let mut conflicts = BTreeSet::new();
        let mut open = Vec::new();
        for change in changes {
            let Ok(path) = String::from_utf8(change.path) else {
                unnamed.push(RevertedFile {
                    path: "a file".to_owned(),
                    before: None,
                    after: None,
                    unsupported: Some("its name is not UTF-8".to_owned()),
                });
                continue;
            };
            // `old` is what the revert brings back, `new` is what the commit made of it.
            let ours = self.ours(&path)?;
            if ours == change.new {
                results.insert(path, change.old.map(RevertedContent::Entry));
            } else if ours != change.old || (ours.is_none() && change.new.is_some()) {
                // What is gone may live on under another name.
                open.push((path, change.old, change.new, ours));
            }
        }
        if !open.is_empty() {
            self.merge_open(open, &mut results, &mut conflicts)?;
        }
        for (path, content) in &results {
            if content.is_some() && self.is_blocked(path)? {
                conflicts.insert(path.clone());
            }
        }
        if !conflicts.is_empty() {
            let paths = conflicts.into_iter().collect();
            return Ok(RevertOutcome::Conflict { paths });
        }
        let mut files = unnamed;
        for (path, content) in results {
            files.extend(self.file(path, content)?);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(RevertOutcome::Clean(files))
    }

    /// Files that both the revert and a later commit change.
    fn merge_open(
        &self,
        open: Vec<ThreeSides>,
        results: &mut RevertResults,
        conflicts: &mut BTreeSet<String>,
    ) -> Result<(), GitError> {
        let names = |renames: Vec<Rename>| -> BTreeMap<String, String> {
            renames.into_iter().map(|rename| (rename.old, rename.new)).collect()
        };
        // The names that the commit's files had before it, and the names that they have now.
        let back = names(self.reader.renames(self.commit, self.parent, RENAMED)?);
        let since = names(self.reader.renames(self.commit, self.base, RENAMED)?);
        let brought_back: BTreeSet<&String> = back.values().collect();
        for (path, theirs, ancestor, ours) in open {
            if ancestor.is_none() && brought_back.contains(&path) {
                // Decided together with the name that the commit gave it.
                if ours.is_some() {
                    conflicts.insert(path);
                }
                continue;
            }
            let new_name = back.get(&path);
            let theirs = match new_name {
                Some(name) => self.at(self.parent, name)?,
                None => theirs,
            };
            let (ours, our_name) = match (ours, since.get(&path)) {
                (Some(ours), _) => (Some(ours), path.clone()),
                (None, Some(name)) => (self.ours(name)?, name.clone()),
                (None, None) => (None, path.clone()),
            };
            let (Some(ancestor), Some(ours), Some(theirs)) = (&ancestor, &ours, &theirs) else {
                // Deleted by both is no conflict.
                if ours.is_some() || theirs.is_some() {
                    conflicts.insert(path);
                }
                continue;
            };
            let name = match new_name {
                None => our_name.clone(),
                Some(name) if our_name == path || our_name == *name => name.clone(),
                Some(_) => {
                    conflicts.insert(path);
                    continue;
                }
            };
            if name != our_name && self.ours(&name)?.is_some() {
                conflicts.insert(name);
                continue;
            }
            match self.content(ancestor, ours, theirs)? {
                None => {
                    conflicts.insert(name);
                }
                Some(content) => {
                    if name != our_name {
                        results.insert(our_name, None);
                    }
                    results.insert(name, Some(content));
                }
            }
        }
        Ok(())
    }

    /// The merge of three entries; `None` = a conflict.
    fn content(
        &self,
        ancestor: &RawEntry,
        ours: &RawEntry,
        theirs: &RawEntry,
    ) -> Result<Option<RevertedContent>, GitError> {
        fn pick<'a, T: PartialEq>(ancestor: &T, ours: &'a T, theirs: &'a T) -> Option<&'a T> {
            if ours == ancestor || ours == theirs {
                Some(theirs)
            } else {
                (theirs == ancestor).then_some(ours)
            }
        }
        if let Some(entry) = pick(ancestor, ours, theirs) {
            return Ok(Some(RevertedContent::Entry(entry.clone())));
        }
        let all_regular = [ancestor, ours, theirs]
            .iter()
            .all(|entry| entry.kind() == EntryKind::File);
        let Some(mode) = pick(&ancestor.mode, &ours.mode, &theirs.mode).filter(|_| all_regular) else {
            return Ok(None);
        };
        if let Some(oid) = pick(&ancestor.oid, &ours.oid, &theirs.oid) {
            return Ok(Some(RevertedContent::Entry(RawEntry {
                mode: *mode,
                oid: oid.clone(),
            })));
        }
        let [ancestor, ours, theirs] = [
            self.reader.blob(&ancestor.oid)?,
            self.reader.blob(&ours.oid)?,
            self.reader.blob(&theirs.oid)?,
        ];
        let merged = merge_lines(&ancestor, &ours, &theirs)?;
        Ok(merged.map(|bytes| RevertedContent::Merged(*mode, bytes)))
    }

    fn ours(&self, path: &str) -> Result<Option<RawEntry>, GitError> {
        self.at(self.base, path)
    }

    /// The entry of a commit at exactly this path, folders left out: git compares what is in them.
    fn at(&self, commit: &str, path: &str) -> Result<Option<RawEntry>, GitError> {
        let parts: Vec<&str> = path.split('/').collect();
        if self.stands_in_the_way(commit, &parts)? {
            return Ok(None);
        }
        let entry = self.reader.entry(commit, &parts)?;
        Ok(entry.filter(|entry| entry.kind() != EntryKind::Folder))
    }

    /// Whether a file cannot be at this path, because a folder is there or a folder on the way is none.
    fn is_blocked(&self, path: &str) -> Result<bool, GitError> {
        let parts: Vec<&str> = path.split('/').collect();
        let entry = self.reader.entry(self.base, &parts)?;
        Ok(
            entry.is_some_and(|entry| entry.kind() == EntryKind::Folder)
                || self.stands_in_the_way(self.base, &parts)?,
        )
    }

    /// Whether something on the way to a path is no folder.
    fn stands_in_the_way(&self, commit: &str, parts: &[&str]) -> Result<bool, GitError> {
        let Some((_, folders)) = parts.split_last().filter(|(_, folders)| !folders.is_empty()) else {
            return Ok(false);
        };
        // The nearest folder is one exactly if all above it are.
        for n in (1..=folders.len()).rev() {
            if let Some(entry) = self.reader.entry(commit, &folders[..n])? {
                return Ok(entry.kind() != EntryKind::Folder);
            }
        }
        Ok(false)
    }

    fn file(&self, path: String, content: Option<RevertedContent>) -> Result<Option<RevertedFile>, GitError> {
        let before = self.ours(&path)?;
        let after_mode = content.as_ref().map(|content| match content {
            RevertedContent::Entry(entry) => entry.mode,
            RevertedContent::Merged(mode, _) => *mode,
        });
        if let (Some(before), Some(RevertedContent::Entry(after))) = (&before, &content)
            && before == after
        {
            return Ok(None);
        }
        let modes = [before.as_ref().map(|entry| entry.mode), after_mode];
        let other = modes.into_iter().flatten().find(|mode| *mode != ORDINARY);
        if let Some(mode) = other {
            return Ok(Some(RevertedFile {
                path,
                before: None,
                after: None,
                unsupported: Some(format!("its mode is {mode:o}, not {ORDINARY:o}")),
            }));
        }
        let before = before.map(|entry| self.reader.blob(&entry.oid)).transpose()?;
        let after = match content {
            None => None,
            Some(RevertedContent::Entry(entry)) => Some(self.reader.blob(&entry.oid)?),
            Some(RevertedContent::Merged(_, bytes)) => Some(bytes),
        };
        Ok((before != after).then_some(RevertedFile {
            path,
            before,
            after,
            unsupported: None,
        }))
    }
}

/// The line-by-line merge of three texts, by the merge that git itself uses; `None` = a conflict. It is
/// done in an object store of its own, so that it does not matter what the repository's own is like.
fn merge_lines(ancestor: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>, GitError> {
    let texts = [ancestor, ours, theirs];
    if texts.iter().any(|text| text.len() > MAX_MERGED || text.contains(&0)) {
        return Ok(None);
    }
    let failed = |e: git2::Error| GitError::object("the merge of a file", &e);
    let scratch = tempfile::tempdir().map_err(|e| GitError::Scratch { detail: e.to_string() })?;
    let store = Repository::init_bare(scratch.path()).map_err(failed)?;
    let entry = |text: &[u8]| -> Result<IndexEntry, GitError> {
        let id = store.blob(text).map_err(failed)?;
        Ok(index_entry(id))
    };
    let (ancestor, ours, theirs) = (entry(ancestor)?, entry(ours)?, entry(theirs)?);
    let merged = store
        .merge_file_from_index(&ancestor, &ours, &theirs, None)
        .map_err(failed)?;
    Ok(merged.is_automergeable().then(|| merged.content().to_vec()))
}

fn index_entry(id: Oid) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: ORDINARY,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: b"file".to_vec(),
    }
}

//! Reading by libgit2, in this process.

mod blob_bytes;
mod date_walk;
mod history;
mod tree_changes;

use git2::{BranchType, Commit, ObjectType, Oid, Repository};
use sha1::{Digest as _, Sha1};

use blob_bytes::LooseObjects;

use super::error::GitError;
use super::git_cli::GitCli;
use super::program::GitProgram;
use super::reader::{ChangedEntry, CommitMeta, CommitVisit, GitReader, Rename, VisitCommit, VisitParents};
use super::tree_entry::{EntryKind, RawEntry, TreeFile, TreeListing};

/// Most files that are compared for renames in one commit.
const RENAME_LIMIT: usize = 400;

/// A repository opened by libgit2.
pub(super) struct Libgit2 {
    repo: Repository,
    loose: LooseObjects,
    /// The program, for what libgit2 does not know about the working tree.
    program: GitProgram,
}

impl Libgit2 {
    /// Takes an open repository; `program` runs in the same one.
    pub(crate) fn new(repo: Repository, program: GitProgram) -> Self {
        Self {
            repo,
            loose: LooseObjects::default(),
            program,
        }
    }

    fn find_commit(&self, id: &str) -> Result<Commit<'_>, GitError> {
        let found = Oid::from_str(id).and_then(|oid| self.repo.find_commit(oid));
        found.map_err(|e| GitError::object(format!("commit {id}"), &e))
    }

    fn tree(&self, commit: &str) -> Result<git2::Tree<'_>, GitError> {
        let tree = self.find_commit(commit)?.tree();
        tree.map_err(|e| GitError::object(format!("the tree of {commit}"), &e))
    }

    fn diff(&self, old: Option<&str>, new: &str) -> Result<git2::Diff<'_>, GitError> {
        let old = old.map(|id| self.tree(id)).transpose()?;
        let new_tree = self.tree(new)?;
        let mut options = git2::DiffOptions::new();
        options.include_typechange(true);
        let diff = self
            .repo
            .diff_tree_to_tree(old.as_ref(), Some(&new_tree), Some(&mut options));
        diff.map_err(|e| GitError::object(format!("commit {new}"), &e))
    }
}

/// Whether a blob of these bytes has this name. The collisions that git looks for when it takes objects in are not looked for
/// again: that costs several times as much, and this is about what became of the disk.
fn is_blob_of(id: Oid, bytes: &[u8]) -> bool {
    let header = format!("blob {}\0", bytes.len());
    let hash = Sha1::new().chain_update(header).chain_update(bytes).finalize();
    id.as_bytes() == hash.as_slice()
}

impl GitReader for Libgit2 {
    fn head_branch(&self) -> Option<String> {
        let head = self.repo.find_reference("HEAD").ok()?;
        // The branch of a repository without a commit has a name, too.
        let target = head.symbolic_target().ok()??;
        Some(target.strip_prefix("refs/heads/")?.to_owned())
    }

    fn upstream(&self, branch: &str) -> Option<(String, String)> {
        let name = format!("refs/heads/{branch}");
        let remote = self.repo.branch_upstream_remote(&name).ok()?.as_str().ok()?.to_owned();
        if remote == "." {
            return None;
        }
        let merge = self.repo.branch_upstream_merge(&name).ok()?.as_str().ok()?.to_owned();
        Some((remote, merge.strip_prefix("refs/heads/")?.to_owned()))
    }

    fn remotes(&self) -> Vec<String> {
        let names = self.repo.remotes().ok();
        names
            .iter()
            .flat_map(|n| n.iter())
            .filter_map(|n| n.ok().flatten().map(str::to_owned))
            .collect()
    }

    fn remote_url(&self, remote: &str) -> Option<String> {
        let found = self.repo.find_remote(remote).ok()?;
        found.url().ok().map(str::to_owned)
    }

    fn tracking(&self, remote: &str, branch: &str) -> Option<String> {
        let name = format!("{remote}/{branch}");
        let found = self.repo.find_branch(&name, BranchType::Remote).ok()?;
        Some(found.get().peel_to_commit().ok()?.id().to_string())
    }

    fn has_tracking(&self, remote: &str) -> bool {
        let head = format!("refs/remotes/{remote}/HEAD");
        let found = self.repo.references_glob(&format!("refs/remotes/{remote}/*"));
        found.is_ok_and(|mut found| found.names().flatten().any(|name| name != head))
    }

    fn remote_head(&self, remote: &str) -> Option<String> {
        let head = self.repo.find_reference(&format!("refs/remotes/{remote}/HEAD")).ok()?;
        let target = head.symbolic_target().ok()??;
        Some(target.strip_prefix(&format!("refs/remotes/{remote}/"))?.to_owned())
    }

    fn local(&self, branch: &str) -> Option<String> {
        let commit = if branch == "HEAD" {
            self.repo.head().ok()?.peel_to_commit().ok()?
        } else {
            let found = self.repo.find_branch(branch, BranchType::Local).ok()?;
            found.get().peel_to_commit().ok()?
        };
        Some(commit.id().to_string())
    }

    fn ahead_behind(&self, here: &str, there: &str) -> Option<(usize, usize)> {
        if self.repo.is_shallow() {
            return None;
        }
        let (here, there) = (Oid::from_str(here).ok()?, Oid::from_str(there).ok()?);
        self.repo.graph_ahead_behind(here, there).ok()
    }

    fn is_dirty(&self) -> bool {
        if self.repo.is_bare() {
            return false;
        }
        let mut options = git2::StatusOptions::new();
        options
            .include_untracked(true)
            .exclude_submodules(true)
            .include_ignored(false);
        let sparse = self
            .repo
            .config()
            .is_ok_and(|c| c.get_bool("core.sparsecheckout").unwrap_or(false));
        if !sparse && let Ok(statuses) = self.repo.statuses(Some(&mut options)) {
            return !statuses.is_empty();
        }
        // An index that libgit2 does not read (split, sparse), or files that are left out on purpose.
        GitCli::new(self.program.clone()).is_dirty()
    }

    fn commit(&self, id: &str) -> Result<CommitMeta, GitError> {
        self.find_commit(id).map(|commit| history::meta(&commit))
    }

    fn list(&self, commit: &str) -> Result<TreeListing, GitError> {
        let (mut files, mut links) = (Vec::new(), Vec::new());
        let failed = |e: git2::Error| GitError::object(format!("the tree of {commit}"), &e);
        // Not libgit2's own walk: it ends at the first folder whose name is no text, and anybody can make one.
        let mut folders = vec![(String::new(), self.tree(commit)?)];
        while let Some((folder, tree)) = folders.pop() {
            for entry in &tree {
                // What has no name in text can be no pin; it is no reason to read nothing else.
                let Ok(name) = entry.name() else { continue };
                let kind = entry.kind();
                match (entry.filemode() & 0o170_000, kind) {
                    (0o100_000, Some(ObjectType::Blob)) => files.push(TreeFile {
                        path: format!("{folder}{name}"),
                        oid: entry.id().to_string(),
                    }),
                    (0o120_000, Some(ObjectType::Blob)) => links.push(format!("{folder}{name}")),
                    (_, Some(ObjectType::Tree)) => {
                        let below = self.repo.find_tree(entry.id()).map_err(failed)?;
                        folders.push((format!("{folder}{name}/"), below));
                    }
                    _ => {}
                }
            }
        }
        // As git lists them: by the bytes of their paths.
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        links.sort_unstable();
        Ok(TreeListing { files, links })
    }

    fn entry(&self, commit: &str, parts: &[&str]) -> Result<Option<RawEntry>, GitError> {
        let mut folder = self.tree(commit)?;
        let mut found = None;
        for (n, part) in parts.iter().enumerate() {
            let Some((id, mode)) = folder.get_name(part).map(|entry| (entry.id(), entry.filemode())) else {
                return Ok(None);
            };
            let entry = RawEntry {
                mode: mode.cast_unsigned(),
                oid: id.to_string(),
            };
            match entry.kind() {
                EntryKind::Folder if n + 1 < parts.len() => {
                    let below = self.repo.find_tree(id);
                    folder = below.map_err(|e| GitError::object(format!("{} at {commit}", parts.join("/")), &e))?;
                }
                EntryKind::File if n + 1 < parts.len() => return Ok(None),
                _ => {
                    found = Some(entry);
                    break;
                }
            }
        }
        Ok(found)
    }

    fn names_at_top(&self, commit: &str) -> Result<Vec<String>, GitError> {
        let tree = self.tree(commit)?;
        let name = |entry: git2::TreeEntry<'_>| String::from_utf8_lossy(entry.name_bytes()).into_owned();
        Ok(tree.iter().map(name).collect())
    }

    fn blob_size(&self, oid: &str) -> Option<u64> {
        let header = self.repo.odb().ok()?.read_header(Oid::from_str(oid).ok()?);
        header.ok().map(|(size, _)| size as u64)
    }

    fn blob_if(&self, oid: &str, most: u64, is_wanted: &dyn Fn(&[u8]) -> bool) -> Result<Option<Vec<u8>>, GitError> {
        let failed = |error: git2::Error| GitError::object(format!("blob {oid}"), &error);
        let id = Oid::from_str(oid).map_err(failed)?;
        let odb = self.repo.odb().map_err(failed)?;
        let found = self.loose.blob(&odb, id, most).map_err(failed)?;
        let Some(bytes) = found.filter(|bytes| is_wanted(bytes)) else {
            return Ok(None);
        };
        // What is shown or edited is what its name says, whatever became of the disk.
        if !is_blob_of(id, &bytes) {
            return Err(GitError::corrupt(oid));
        }
        Ok(Some(bytes.into_vec()))
    }

    fn compare(&self, old: Option<&str>, new: &str) -> Result<Vec<ChangedEntry>, GitError> {
        let side = |file: git2::DiffFile<'_>| {
            (!file.id().is_zero()).then(|| RawEntry {
                mode: u32::from(file.mode()),
                oid: file.id().to_string(),
            })
        };
        let diff = self.diff(old, new)?;
        let changed = diff.deltas().map(|delta| {
            let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes());
            ChangedEntry {
                path: path.unwrap_or_default().to_vec(),
                old: side(delta.old_file()),
                new: side(delta.new_file()),
            }
        });
        Ok(changed.collect())
    }

    fn renames(&self, old: &str, new: &str, percent: u8) -> Result<Vec<Rename>, GitError> {
        let mut diff = self.diff(Some(old), new)?;
        let mut options = git2::DiffFindOptions::new();
        options.renames(true).rename_limit(RENAME_LIMIT);
        options.rename_threshold(percent.into());
        let found = diff.find_similar(Some(&mut options));
        found.map_err(|e| GitError::object(format!("commit {new}"), &e))?;
        let renames = diff.deltas().filter_map(|delta| {
            let (old, new) = (delta.old_file(), delta.new_file());
            (delta.status() == git2::Delta::Renamed).then_some(())?;
            Some(Rename {
                old: old.path()?.to_str()?.to_owned(),
                old_blob: old.id().to_string(),
                new: new.path()?.to_str()?.to_owned(),
            })
        });
        Ok(renames.collect())
    }

    fn visit(&self, visit: CommitVisit<'_>, each: VisitCommit<'_>) -> Result<(), GitError> {
        history::visit(&self.repo, visit, each)
    }

    fn visit_parents(&self, from: &[String], each: VisitParents<'_>) -> Result<(), GitError> {
        history::visit_parents(&self.repo, from, each)
    }
}

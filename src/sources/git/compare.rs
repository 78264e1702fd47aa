//! What comparing two commits of a repository takes: which commits are meant, and where they part.

use super::error::GitError;
use super::incoming;
use super::program::LOCAL_TIMEOUT;
use super::repo::GitRepo;
use super::tree_entry::EntryKind;

/// Longest text that is taken for the name of a commit.
const MAX_NAME: usize = 1_000;

/// The name that git gives to "no commit": what a ref was before it was made, or is after it was deleted.
pub(crate) fn is_no_commit(name: &str) -> bool {
    (name.len() == 40 || name.len() == 64) && name.bytes().all(|byte| byte == b'0')
}

/// Something that a commit has and that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadEntry {
    /// Its path; bytes that are no UTF-8 are replaced.
    pub path: String,
    /// Why it is not read, as a noun: `a submodule`.
    pub what: &'static str,
}

impl GitRepo {
    /// What differs in `new` from `old` and is not read as a file: links, submodules, names that are no text, and files
    /// larger than `cap`.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    pub(crate) fn unread_changes(&self, old: &str, new: &str, cap: u64) -> Result<Vec<UnreadEntry>, GitError> {
        let reader = self.reader()?;
        let mut out = Vec::new();
        for changed in reader.compare(Some(old), new)? {
            let Some(entry) = &changed.new else { continue };
            let path = String::from_utf8_lossy(&changed.path).into_owned();
            let what = match entry.kind() {
                EntryKind::Submodule => "a submodule",
                EntryKind::Link | EntryKind::Folder => "a symbolic link",
                EntryKind::File if path.as_bytes() != changed.path => "a file whose name is no UTF-8",
                EntryKind::File if reader.blob_size(&entry.oid).is_some_and(|size| size > cap) => "a file of this size",
                EntryKind::File => continue,
            };
            out.push(UnreadEntry { path, what });
        }
        Ok(out)
    }

    /// The paths of everything that differs; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    pub(crate) fn changed_paths(&self, old: &str, new: &str) -> Result<Vec<String>, GitError> {
        let changed = self.reader()?.compare(Some(old), new)?;
        Ok(changed
            .iter()
            .map(|one| String::from_utf8_lossy(&one.path).into_owned())
            .collect())
    }

    /// The commits that lead to `tip`, but not to `known`, and change the file at a path.
    ///
    /// # Errors
    /// If git cannot be asked, or does not know the commits.
    pub(crate) fn commits_changing(&self, path: &str, known: &str, tip: &str) -> Result<Vec<String>, GitError> {
        let since = format!("{known}..{tip}");
        let args = ["rev-list", "--full-history", &since, "--", path];
        let ran = self.program().run(&args, LOCAL_TIMEOUT)?;
        Ok(ran.text().lines().map(str::to_owned).collect())
    }

    /// The same repository together with the objects that are being received, where this process runs in a
    /// `pre-receive` hook.
    ///
    /// # Errors
    /// If the environment names a folder of objects that git did not make for that.
    pub(crate) fn with_incoming(self) -> Result<Self, GitError> {
        Ok(match incoming::of_process(self.common_dir())? {
            Some(folder) => self.seeing(folder),
            None => self,
        })
    }

    /// Path of the repository for people.
    pub(crate) fn shown_path(&self) -> String {
        self.work_dir().unwrap_or(self.common_dir()).display().to_string()
    }

    /// The commit that a name means here, by git's own rules; `None` = there is none.
    ///
    /// # Errors
    /// If git cannot be asked.
    pub(crate) fn commit_named(&self, name: &str) -> Result<Option<String>, GitError> {
        if name.is_empty() || name.len() > MAX_NAME || name.contains(['\0', '\n']) {
            return Ok(None);
        }
        let commit = format!("{name}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        let ran = self.program().try_run(&args, &[], LOCAL_TIMEOUT)?;
        let id = ran.text();
        let is_id = (id.len() == 40 || id.len() == 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok((ran.ok() && is_id).then_some(id))
    }

    /// The newest commits that both lead back to: one in most histories, several where two lines were merged into each
    /// other, none where none is known here.
    ///
    /// # Errors
    /// If git cannot be asked.
    pub(crate) fn merge_bases(&self, one: &str, other: &str) -> Result<Vec<String>, GitError> {
        let ran = self
            .program()
            .try_run(&["merge-base", "--all", one, other], &[], LOCAL_TIMEOUT)?;
        match ran.status {
            Some(0) => Ok(ran.text().lines().map(str::to_owned).collect()),
            Some(1) => Ok(Vec::new()),
            status => Err(GitError::Failed {
                command: "merge-base".to_owned(),
                status,
                words: ran.stderr.trim().into(),
            }),
        }
    }

    /// Whether a shallow clone is cut somewhere between two commits and where they part: then they may part later than it
    /// looks.
    ///
    /// # Errors
    /// If git cannot be asked.
    pub(crate) fn is_cut_between(&self, one: &str, other: &str, merge_base: &str) -> Result<bool, GitError> {
        let boundary = self.shallow_boundary();
        if boundary.is_empty() {
            return Ok(false);
        }
        let below = format!("^{merge_base}");
        let ran = self
            .program()
            .run(&["rev-list", "--end-of-options", one, other, &below], LOCAL_TIMEOUT)?;
        Ok(ran.text().lines().any(|commit| boundary.contains(commit)))
    }

    /// The refs that a short name can mean here, each with its commit; empty for an id, `HEAD` and full names.
    ///
    /// # Errors
    /// If git cannot be asked.
    pub(crate) fn refs_of(&self, name: &str) -> Result<Vec<(String, String)>, GitError> {
        // `main~1` and `main@{yesterday}` begin with the name of a ref.
        let name = name.split(['~', '^', '@', ':', '{']).next().unwrap_or_default();
        let is_id = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if name.is_empty() || name.starts_with("refs/") || name == "HEAD" || is_id {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for folder in ["refs", "refs/tags", "refs/heads", "refs/remotes"] {
            let full = format!("{folder}/{name}");
            if let Some(commit) = self.commit_named(&full)? {
                found.push((full, commit));
            }
        }
        Ok(found)
    }

    /// Every path that a commit touched, against its first parent: links and submodules too.
    ///
    /// # Errors
    /// If the commit or a tree cannot be read.
    pub fn touched(&self, commit: &str) -> Result<Vec<String>, GitError> {
        let reader = self.reader()?;
        let parent = reader.commit(commit)?.parents.into_iter().next();
        let changed = reader.compare(parent.as_deref(), commit)?;
        let mut paths: Vec<String> = changed
            .iter()
            .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }

    /// Whether a commit is another one or leads to it; `None` where this clone cannot tell, because it lacks one of
    /// them or is cut (shallow).
    pub(crate) fn leads_to(&self, commit: &str, later: &str) -> Option<bool> {
        let (only_here, _) = self.reader().ok()?.ahead_behind(commit, later)?;
        match only_here {
            0 => Some(true),
            _ => (!self.is_shallow()).then_some(false),
        }
    }
}

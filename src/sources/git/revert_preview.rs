//! What taking a commit back would do to a later one, without a checkout: git's own three-way merge.

use git2::{MergeOptions, Oid};

use super::error::GitError;
use super::git_cli;
use super::repo::GitRepo;

/// One file that a revert changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertedFile {
    /// Its path.
    pub path: String,
    /// Its bytes at the base; `None` = not there.
    pub before: Option<Vec<u8>>,
    /// Its bytes afterwards; `None` = it goes.
    pub after: Option<Vec<u8>>,
    /// Why its bytes are not all there is to it (a link, an executable, a submodule, a name that is no
    /// text), if so; the bytes are not read then.
    pub unsupported: Option<String>,
}

impl GitRepo {
    /// The files that reverting `commit` on top of `base` changes; `None` if they conflict, or if the
    /// commit is a merge.
    ///
    /// # Errors
    /// If a commit or tree cannot be read.
    pub fn preview_revert(&self, base: &str, commit: &str) -> Result<Option<Vec<RevertedFile>>, GitError> {
        if self.is_partial() {
            // A merge needs contents, and only the program fetches what is missing.
            return git_cli::preview_revert(self, base, commit);
        }
        let repo = self.open()?;
        let failed = |e: git2::Error| GitError::object(format!("the revert of {commit}"), &e);
        let find = |id: &str| Oid::from_str(id).and_then(|oid| repo.find_commit(oid)).map_err(failed);
        let (ours, bad) = (find(base)?, find(commit)?);
        if bad.parent_count() != 1 {
            return Ok(None);
        }
        let index = repo
            .revert_commit(&bad, &ours, 0, Some(&MergeOptions::new()))
            .map_err(failed)?;
        if index.has_conflicts() {
            return Ok(None);
        }
        let tree = ours.tree().map_err(failed)?;
        let diff = repo
            .diff_tree_to_index(Some(&tree), Some(&index), None)
            .map_err(failed)?;
        let mut out = Vec::new();
        for delta in diff.deltas() {
            let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes());
            let path = path.unwrap_or_default();
            if let Some(unsupported) = unsupported(&delta, path) {
                out.push(RevertedFile {
                    path: String::from_utf8_lossy(path).into_owned(),
                    before: None,
                    after: None,
                    unsupported: Some(unsupported),
                });
                continue;
            }
            let side = |file: git2::DiffFile<'_>| -> Result<Option<Vec<u8>>, GitError> {
                if file.id().is_zero() {
                    return Ok(None);
                }
                Ok(Some(repo.find_blob(file.id()).map_err(failed)?.content().to_vec()))
            };
            out.push(RevertedFile {
                path: String::from_utf8_lossy(path).into_owned(),
                before: side(delta.old_file())?,
                after: side(delta.new_file())?,
                unsupported: None,
            });
        }
        Ok(Some(out))
    }
}

/// Why a change is not one of plain bytes under a plain name.
fn unsupported(delta: &git2::DiffDelta<'_>, path: &[u8]) -> Option<String> {
    if std::str::from_utf8(path).is_err() {
        return Some("its name is not UTF-8".to_owned());
    }
    let sides = [delta.old_file(), delta.new_file()];
    let mut there = sides.iter().filter(|side| !side.id().is_zero());
    let other = there.find(|side| side.mode() != git2::FileMode::Blob)?;
    Some(format!("its mode is {:o}, not 100644", u32::from(other.mode())))
}

//! Objects of a push that is being received: git keeps them in a folder of their own until every `pre-receive` hook has
//! agreed, and tells the hook which by `GIT_QUARANTINE_PATH`.
//!
//! Everything else that a hook's environment says about objects is left alone; this one folder is believed only if it is
//! what git makes: a folder in the repository's own store of objects.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::tracked::canonical;

/// The variable by which git names the folder.
const VARIABLE: &str = "GIT_QUARANTINE_PATH";

/// How git names such folders, in its versions so far.
const NAMES: [&str; 2] = ["tmp_objdir-", "incoming-"];

/// The folder of the objects that are being received, if this process runs in a hook that is asked about them.
///
/// # Errors
/// If the variable names anything else than such a folder of this repository.
pub(super) fn of_process(common_dir: &Path) -> Result<Option<PathBuf>, GitError> {
    match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => checked(common_dir, value).map(Some),
    }
}

fn checked(common_dir: &Path, value: OsString) -> Result<PathBuf, GitError> {
    let folder = canonical(Path::new(&value));
    let store = canonical(&common_dir.join("objects"));
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let is_ours = folder.parent() == Some(store.as_path()) && NAMES.iter().any(|begin| name.starts_with(begin));
    // A name with the separator of such lists would be several folders to git.
    if is_ours && folder.is_dir() && !folder.to_string_lossy().contains([':', '"', '\n']) {
        return Ok(folder);
    }
    Err(GitError::NotIncoming {
        value: value.to_string_lossy().into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_git_makes_in_the_store_is_believed() {
        let root = tempfile::tempdir().expect("a folder");
        let objects = root.path().join("objects");
        let incoming = objects.join("tmp_objdir-incoming-x1");
        std::fs::create_dir_all(&incoming).expect("created");
        std::fs::create_dir_all(objects.join("pack")).expect("created");
        std::fs::create_dir_all(root.path().join("tmp_objdir-elsewhere")).expect("created");
        std::fs::write(objects.join("incoming-file"), "").expect("written");
        let ask = |path: PathBuf| checked(root.path(), path.into_os_string()).is_ok();
        assert!(ask(incoming.clone()));
        assert!(ask(objects.join("pack/../tmp_objdir-incoming-x1")));
        for other in [
            "pack",
            "incoming-file",
            "incoming-gone",
            "../tmp_objdir-elsewhere",
            "tmp_objdir-incoming-x1/..",
            "",
        ] {
            assert!(!ask(objects.join(other)), "{other}");
        }
        std::os::unix::fs::symlink("/tmp", objects.join("incoming-link")).expect("a link");
        assert!(!ask(objects.join("incoming-link")));
    }
}

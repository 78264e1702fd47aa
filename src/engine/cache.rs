//! The disposable cache, as a whole: content by digest, kept verdicts, and clones of other repositories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::other_repositories::FOLDER as REPOSITORIES;
use super::packed_facts::FOLDER as FACTS;
use super::past_cache::FOLDER as PASTS;
use super::sealed_folder;
use super::survey_cache::FOLDER as SURVEYS;
use super::verdict_cache::{self, FOLDER as VERDICTS};
use crate::sources::git::{folders_named, remove_half_made};
use crate::sources::registry::ContentCache;

/// What the cache contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct CacheContents {
    /// Pieces of content.
    pub entries: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Kept verdicts.
    pub verdicts: u64,
    /// Kept surveys of commits, that is their pins, and who pinned them; what their pasts came to, and what follows from contents.
    pub surveys: u64,
    /// Clones of repositories that environments lie in.
    pub repositories: u64,
}

/// How much the cache in `dir` contains; nothing where there is none yet.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn holdings(dir: &Path) -> io::Result<CacheContents> {
    if !dir.exists() {
        return Ok(CacheContents::default());
    }
    let size = ContentCache::open(dir, u64::MAX)?.size();
    Ok(CacheContents {
        entries: size.entries,
        bytes: size.bytes,
        verdicts: verdict_cache::packs(&dir.join(VERDICTS)).size().0
            + sealed_folder::entries(&dir.join(VERDICTS))?.len() as u64,
        surveys: of_commits(dir)?.len() as u64,
        repositories: clones(dir)?.len() as u64,
    })
}

/// Empties the cache in `dir`: only what pindeck keeps there goes.
///
/// # Errors
/// If something cannot be removed.
pub(crate) fn clear(dir: &Path) -> io::Result<CacheContents> {
    if !dir.exists() {
        return Ok(CacheContents::default());
    }
    let removed = ContentCache::open(dir, u64::MAX)?.clear()?;
    Ok(CacheContents {
        entries: removed.entries,
        bytes: removed.bytes,
        verdicts: verdict_cache::packs(&dir.join(VERDICTS)).clear()?.0
            + remove_all(sealed_folder::entries(&dir.join(VERDICTS))?)?,
        surveys: remove_all(of_commits(dir)?)?,
        repositories: {
            remove_half_made(&dir.join(REPOSITORIES))?;
            remove_clones(clones(dir)?)?
        },
    })
}

/// What is kept of commits.
fn of_commits(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = sealed_folder::entries(&dir.join(SURVEYS))?;
    for folder in [PASTS, FACTS] {
        all.extend(sealed_folder::entries(&dir.join(folder))?);
    }
    Ok(all)
}

/// The clones of other repositories: folders that are named by a digest.
fn clones(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let is_digest = |name: &str| name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit());
    folders_named(&dir.join(REPOSITORIES), is_digest)
}

/// Removes clones; how many there were. What was committed in one and not pushed is planned anew by `resume`.
fn remove_clones(folders: Vec<PathBuf>) -> io::Result<u64> {
    let mut gone = 0;
    for folder in folders {
        fs::remove_dir_all(folder)?;
        gone += 1;
    }
    Ok(gone)
}

/// Removes files; how many there were.
fn remove_all(files: Vec<PathBuf>) -> io::Result<u64> {
    let mut gone = 0;
    for file in files {
        match fs::remove_file(file) {
            Ok(()) => gone += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(
            holdings(&dir.path().join("none")).expect("readable"),
            CacheContents::default()
        );
        let verdicts = dir.path().join(VERDICTS);
        fs::create_dir_all(&verdicts).expect("made");
        fs::write(verdicts.join("a".repeat(64)), "x").expect("written");
        fs::write(verdicts.join("notes.txt"), "mine").expect("written");
        fs::write(dir.path().join("thesis.txt"), "mine").expect("written");
        let clones = dir.path().join(REPOSITORIES);
        fs::create_dir_all(clones.join("b".repeat(64))).expect("made");
        fs::create_dir_all(clones.join("mine")).expect("made");
        assert_eq!(holdings(dir.path()).expect("readable").verdicts, 1);
        assert_eq!(holdings(dir.path()).expect("readable").repositories, 1);
        assert_eq!(clear(dir.path()).expect("cleared").verdicts, 1);
        assert_eq!(holdings(dir.path()).expect("readable"), CacheContents::default());
        assert!(clones.join("mine").exists());
        assert!(verdicts.join("notes.txt").exists() && dir.path().join("thesis.txt").exists());
    }
}

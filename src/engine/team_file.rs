//! Reading the team policy: from a commit, from a file that a person names, or from a working tree. Blocking.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::config::{approval, files, team, user};
use crate::domain::failure::Failure;
use crate::domain::policy::{PolicySource, TeamPolicy};
use crate::sources::git::{FileOwner, GitError, GitRepo, owner_of};

use super::options::OpenOptions;

/// Name of the team's file at the repository's root.
pub(crate) const TEAM_FILE: &str = "pindeck.toml";

/// Files that make up a policy and are larger than this are an error.
const POLICY_CAP: u64 = 4 << 20;

/// The team policy and its text: the file named by `--config`, else the commit's own, else none.
pub(super) fn team_policy(
    repo: &GitRepo,
    commit: &str,
    options: &OpenOptions,
) -> Result<(TeamPolicy, String), Failure> {
    match &options.config {
        Some(file) => team_of_file(file, &options.approved_registries),
        None => team_of_commit(repo, commit, &options.approved_registries, &|_| {}),
    }
}

/// The team policy of a commit's own file, and its text; of every file that it names, `named` is told.
///
/// # Errors
/// If the file, or one that it names, cannot be read or is wrong.
pub(super) fn team_of_commit(
    repo: &GitRepo,
    commit: &str,
    approved: &[String],
    named: &dyn Fn(&str),
) -> Result<(TeamPolicy, String), Failure> {
    let Some(bytes) = policy_bytes(repo, commit, TEAM_FILE)? else {
        return Ok((TeamPolicy::default(), String::new()));
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(TEAM_FILE, "it is not UTF-8"))?;
    let read = |path: &str| {
        named(path);
        let found = policy_bytes(repo, commit, path).map_err(io::Error::other)?;
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file in this commit"))
    };
    let mut team = team::load(&text, TEAM_FILE, &read, PolicySource::Commit(commit.to_owned()))?;
    approval::settle(&mut team, approved);
    Ok((team, text))
}

/// A file of the policy at a commit, if it is there.
fn policy_bytes(repo: &GitRepo, commit: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
    let Some(blob) = repo.entry(commit, path)?.regular(path)? else {
        return Ok(None);
    };
    let bytes = repo.blobs()?.read_if(&blob, POLICY_CAP, &|_| true)?;
    let too_large = || GitError::Object {
        what: path.to_owned(),
        detail: format!("it is larger than {} MiB", POLICY_CAP >> 20),
    };
    bytes.map(Some).ok_or_else(too_large)
}

/// The team policy of a file that the user named, and its text. Whose word it is depends on where it lies:
/// a file of any repository says nothing about who gets the user's credentials, unless that is `approved`.
///
/// # Errors
/// If the file, or one that it names, cannot be read or is wrong.
pub(crate) fn team_of_file(file: &Path, approved: &[String]) -> Result<(TeamPolicy, String), Failure> {
    let shown = file.display().to_string();
    match owner_of(file, user::config_dir().as_deref()).map_err(|error| unreadable(&shown, error))? {
        FileOwner::Person => {
            let folder = file.parent().map(PathBuf::from).unwrap_or_default();
            let bytes = files::read_own(file).map_err(|error| unreadable(&shown, error))?;
            team_of_bytes(bytes, &shown, &|path| files::read_own(&folder.join(path)))
        }
        FileOwner::Repository { top, inside } => {
            let (mut team, text) = team_of_working_tree(&top, &inside, &shown)?;
            approval::settle(&mut team, approved);
            Ok((team, text))
        }
        FileOwner::LinkInRepository { link } => Err(unreadable(
            &shown,
            format!(
                "the way to it leads over {}, a symbolic link of a working tree",
                link.display()
            ),
        )),
    }
}

/// The team policy of a file of a working tree, and its text: links are not followed, and nothing outside
/// the tree is read.
///
/// # Errors
/// If the file, or one that it names, cannot be read or is wrong.
pub(crate) fn team_of_working_tree(top: &Path, inside: &Path, shown: &str) -> Result<(TeamPolicy, String), Failure> {
    let bytes = files::read_below(top, inside).map_err(|error| unreadable(shown, error))?;
    let folder = inside.parent().map(PathBuf::from).unwrap_or_default();
    team_of_bytes(bytes, shown, &|path| files::read_below(top, &joined(&folder, path)?))
}

fn team_of_bytes(
    bytes: Vec<u8>,
    shown: &str,
    read: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<(TeamPolicy, String), Failure> {
    let text = String::from_utf8(bytes).map_err(|_| unreadable(shown, "it is not UTF-8"))?;
    let team = team::load(&text, shown, read, PolicySource::File(shown.to_owned()))?;
    Ok((team, text))
}

/// A path relative to a folder of a working tree, as a path below the top.
fn joined(folder: &Path, path: &str) -> io::Result<PathBuf> {
    let mut whole = folder.to_owned();
    for part in Path::new(path).components() {
        let inside = match part {
            Component::Normal(name) => {
                whole.push(name);
                true
            }
            Component::CurDir => true,
            Component::ParentDir => whole.pop(),
            Component::RootDir | Component::Prefix(_) => false,
        };
        if !inside {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it leads out of the repository",
            ));
        }
    }
    Ok(whole)
}

/// A team policy that cannot be read.
fn unreadable(file: &str, why: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{file} cannot be read: {why}")).hint("name a readable file with --config")
}

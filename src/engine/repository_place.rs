//! Where another repository is: by its name alone, and, once nothing forbids to look at it, as the folder that it is.
//!
//! Nobody's file makes this machine touch a place that the person has not approved ([`crate::config::approval`]): until then
//! all that is known of it is its name.

use std::path::{Component, Path, PathBuf};

use crate::domain::environment_repository::RepositoryAddress;
use crate::domain::failure::{Failure, Hint, Part};
use crate::domain::quoted;
use crate::sources::git::GitRepo;

/// A place as somebody names it. Nothing of it is looked at.
pub(super) struct PlaceName {
    /// An address of git, or an absolute folder.
    pub(super) name: String,
    folder: Option<PathBuf>,
}

impl PlaceName {
    /// The place of an address; `base` is the folder that folders are relative to.
    pub(super) fn of(address: &RepositoryAddress, base: &Path) -> Self {
        match address {
            RepositoryAddress::Url(url) => Self {
                name: url.clone(),
                folder: None,
            },
            RepositoryAddress::Folder(folder) => Self::of_folder(&base.join(folder)),
        }
    }

    /// The place of an absolute folder.
    pub(super) fn of_folder(folder: &Path) -> Self {
        let folder = plain(folder);
        Self {
            name: folder.display().to_string(),
            folder: Some(folder),
        }
    }

    /// Whether it is this repository, or the remote that it is fetched from. Only these two are looked at.
    pub(super) fn is_of(&self, repo: &GitRepo) -> bool {
        let tree = repo.work_dir().unwrap_or(repo.common_dir());
        let remote = repo.remote().ok().flatten();
        let url = remote.and_then(|remote| repo.remote_url(&remote));
        let here = self.path();
        let is_here = |path: &Path| here.as_deref().is_some_and(|here| canonical(path) == here);
        let is_remote = |url: &str| url == self.name || of_url(url, tree).is_some_and(|path| is_here(&path));
        is_here(tree) || url.as_deref().is_some_and(is_remote)
    }

    /// The folder, whichever way it is named.
    fn path(&self) -> Option<PathBuf> {
        let of_address = || self.name.strip_prefix("file://").map(|path| plain(Path::new(path)));
        self.folder.clone().or_else(of_address)
    }

    /// Whether this person lets a file of a repository name it.
    ///
    /// # Errors
    /// In words that say what to do, if they do not.
    pub(super) fn check_approved(&self, approved: &[String]) -> Result<(), Failure> {
        let is_it = |text: &String| {
            let folder = Path::new(text);
            *text == self.name
                || folder.is_absolute()
                    && self
                        .folder
                        .as_ref()
                        .is_some_and(|here| plain(folder) == *here || canonical(folder) == *here)
        };
        if approved.iter().any(is_it) {
            return Ok(());
        }
        let what = format!(
            "{} is named by the repository's own file, and is not read before you approve it",
            quoted(&self.name)
        );
        Err(Failure::usage(what).hint(add_to_approved(&self.name)))
    }

    /// The folder that it leads to.
    pub(super) fn resolved(&self) -> RepositoryPlace {
        let Some(folder) = &self.folder else {
            return RepositoryPlace {
                name: self.name.clone(),
                folder: None,
            };
        };
        let folder = canonical(folder);
        RepositoryPlace {
            name: folder.display().to_string(),
            folder: folder.join(".git").exists().then_some(folder),
        }
    }

    /// The same, where a file of a repository names it. A link of a working tree is what the next commit makes of it, so
    /// where it leads has to be approved, too.
    ///
    /// # Errors
    /// As [`PlaceName::check_approved`].
    pub(super) fn resolved_from(&self, tree: &Path, approved: &[String]) -> Result<RepositoryPlace, Failure> {
        let place = self.resolved();
        let leads_on = self.folder.as_ref().is_some_and(|here| {
            here.starts_with(tree) && *here != Path::new(&place.name) && !self.is_named(approved, &place.name)
        });
        match leads_on {
            false => Ok(place),
            true => {
                let what = format!(
                    "{} is a link of the repository that leads to {}, and is not read before you approve that",
                    quoted(&self.name),
                    quoted(&place.name)
                );
                Err(Failure::usage(what).hint(add_to_approved(&place.name)))
            }
        }
    }

    /// Whether a folder itself is approved, and not only what leads to it.
    fn is_named(&self, approved: &[String], name: &str) -> bool {
        approved.iter().any(|text| plain(Path::new(text)) == Path::new(name))
    }
}

/// One place that a repository can be at.
pub(super) struct RepositoryPlace {
    /// An address of git, or an absolute folder without links.
    pub(super) name: String,
    /// Somebody's working tree, which is read where it is; `None` = pindeck keeps a clone of its own.
    pub(super) folder: Option<PathBuf>,
}

impl RepositoryPlace {
    /// Whether pindeck keeps a clone of its own: of everything but a working tree, which is read as the policy's own.
    pub(super) const fn is_ours(&self) -> bool {
        self.folder.is_none()
    }

    /// Whether it is this repository, or the remote that it is fetched from.
    pub(super) fn is_of(&self, repo: &GitRepo) -> bool {
        let name = match self.name.starts_with('/') {
            true => PlaceName::of_folder(Path::new(&self.name)),
            false => PlaceName {
                name: self.name.clone(),
                folder: None,
            },
        };
        name.is_of(repo)
    }
}

pub(super) fn add_to_approved(name: &str) -> Hint {
    Hint::with(
        "if you trust it, add {} to approved_repositories in your own configuration",
        &[Part::name(name)],
    )
}

/// The folder that an address of git names; `None` = it is another machine's. Git takes one that is relative from the top of
/// the working tree.
fn of_url(url: &str, tree: &Path) -> Option<PathBuf> {
    if let Some(path) = url.strip_prefix("file://") {
        return Some(PathBuf::from(path));
    }
    let first = url.split('/').next().unwrap_or_default();
    (!first.contains(':')).then(|| tree.join(url))
}

/// Without links and `..`, also where it does not exist.
pub(super) fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| plain(path))
}

/// Without `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_git_is_a_folder_of_this_machine_or_not() {
        let tree = Path::new("/work/shop");
        for (url, folder) in [
            ("../remote.git", Some("/work/shop/../remote.git")),
            ("/srv/remote.git", Some("/srv/remote.git")),
            ("file:///srv/remote.git", Some("/srv/remote.git")),
            ("./a:b", Some("/work/shop/./a:b")),
            ("git@git.example:shop.git", None),
            ("https://git.example/shop.git", None),
        ] {
            assert_eq!(of_url(url, tree), folder.map(PathBuf::from), "{url}");
        }
    }

    #[test]
    fn what_is_approved_is_the_text_of_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let top = dir.path().canonicalize().expect("there");
        std::os::unix::fs::symlink("/nowhere/secret", top.join("link")).expect("linked");
        let address = RepositoryAddress::parse("../link").expect("a folder");
        let place = PlaceName::of(&address, &top.join("shop"));
        let link = top.join("link").display().to_string();
        assert_eq!(place.name, link, "nobody looked where it leads");
        assert!(place.check_approved(&["/nowhere/secret".to_owned()]).is_err());
        assert!(place.check_approved(&["../link".to_owned()]).is_err());
        assert!(place.check_approved(std::slice::from_ref(&link)).is_ok());
        assert!(place.check_approved(&[format!("{link}/")]).is_ok());
        assert!(
            place
                .check_approved(&[top.join("x/../link").display().to_string()])
                .is_ok()
        );
    }
}

//! Which files of this machine a commit could have put where they are.
//!
//! Whoever can push decides about every file of a working tree, links included. Such a file is never
//! trusted: it is not run as a hook, not read as configuration, and not taken for a repository. A path
//! counts as tracked when any step of resolving it (a folder on the way, a link, what the link leads to)
//! lies below the top of a working tree. Git itself refuses to track anything called `.git`, so what lies
//! below a folder of that name is safe.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Links that are followed in one path before it is taken for a circle. (Linux follows as many.)
const MAX_LINKS: usize = 40;

/// Every place that the system looks at when it opens a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResolvedPath {
    /// Folders, links and the file itself, each by the place where it really lies, in order.
    pub steps: Vec<PathBuf>,
    /// What the path leads to. It contains no link.
    pub target: PathBuf,
}

/// Resolves an absolute path as the system does, and remembers each step.
///
/// # Errors
/// If something on the way does not exist or cannot be looked at, or the links lead in a circle.
pub(super) fn resolve(path: &Path) -> io::Result<ResolvedPath> {
    let mut steps = Vec::new();
    let mut target = PathBuf::from("/");
    let mut links = 0;
    let mut pending: Vec<OsString> = reversed(path);
    while let Some(name) = pending.pop() {
        if name == ".." {
            target.pop();
            continue;
        }
        let next = target.join(&name);
        steps.push(next.clone());
        if !next.symlink_metadata()?.is_symlink() {
            target = next;
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(io::Error::other("too many symbolic links"));
        }
        let to = std::fs::read_link(&next)?;
        if to.is_absolute() {
            target = PathBuf::from("/");
        }
        pending.extend(reversed(&to));
    }
    Ok(ResolvedPath { steps, target })
}

/// The parts of a path, last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let part = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(part).collect()
}

/// The working trees of one repository: the main one and the linked ones.
#[derive(Debug, Clone, Default)]
pub(super) struct WorkingTrees {
    tops: Vec<PathBuf>,
    /// The repository's own folders, which may lie in a working tree under another name than `.git`.
    git_dirs: Vec<PathBuf>,
}

impl WorkingTrees {
    /// Finds the working trees by the repository's own notes of them.
    pub(crate) fn of(git_dir: &Path, common_dir: &Path, work_dir: Option<&Path>, configured: Option<&Path>) -> Self {
        let mut tops: Vec<PathBuf> = work_dir.into_iter().chain(configured).map(canonical).collect();
        let common = canonical(common_dir);
        if let (Some(name), Some(parent)) = (common.file_name(), common.parent())
            && name == ".git"
        {
            tops.push(parent.to_owned());
        }
        for linked in std::fs::read_dir(common.join("worktrees"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let folder = linked.path();
            let Ok(note) = std::fs::read_to_string(folder.join("gitdir")) else {
                continue;
            };
            // The path of the `.git` file at the top of the linked working tree.
            let link = folder.join(note.trim_end_matches('\n'));
            if let Some(top) = link.parent() {
                tops.push(canonical(top));
            }
        }
        tops.sort();
        tops.dedup();
        Self {
            tops,
            git_dirs: vec![canonical(git_dir), common],
        }
    }

    /// Whether a commit of the repository could have put any step of this path there.
    pub(crate) fn track(&self, path: &ResolvedPath) -> bool {
        path.steps.iter().any(|step| self.contain(step))
    }

    fn contain(&self, place: &Path) -> bool {
        let own = self.git_dirs.iter().any(|dir| place.starts_with(dir));
        !own && self.tops.iter().any(|top| could_be_tracked(top, place))
    }
}

/// Whether a repository whose working tree has this top could track a file at this place.
pub(super) fn could_be_tracked(top: &Path, place: &Path) -> bool {
    let Ok(inside) = place.strip_prefix(top) else {
        return false;
    };
    inside != Path::new("") && inside.components().all(|part| part.as_os_str() != ".git")
}

/// Whose word a file is that a person names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileOwner {
    /// The person's own: no repository has to do with it.
    Person,
    /// It lies in the working tree or the folder of a git repository, so it is the word of whoever can push
    /// there.
    Repository {
        /// The top of the working tree, or the folder.
        top: PathBuf,
        /// The file's path below it.
        inside: PathBuf,
    },
    /// The way to it leads over a link that lies in a repository.
    LinkInRepository {
        /// Path of the symbolic link on this machine.
        link: PathBuf,
    },
}

/// Tells whose word a file is by where it lies, links included. What lies below `except` (a folder that is
/// the person's own, even where the home folder is a working tree) is the person's.
///
/// # Errors
/// If the file does not exist or the way to it cannot be followed.
pub(crate) fn owner_of(file: &Path, except: Option<&Path>) -> io::Result<FileOwner> {
    let resolved = resolve(&std::path::absolute(file)?)?;
    let except = except.map(canonical);
    let exempt = |step: &Path| except.as_ref().is_some_and(|except| step.starts_with(except));
    let mut around = None;
    for step in resolved.steps.iter().filter(|step| !exempt(step)) {
        let Some(top) = step.ancestors().skip(1).find(|folder| is_repository(folder)) else {
            continue;
        };
        if step.symlink_metadata()?.is_symlink() {
            return Ok(FileOwner::LinkInRepository { link: step.clone() });
        }
        around = Some(top.to_owned());
    }
    let Some(top) = around.filter(|_| !exempt(&resolved.target)) else {
        return Ok(FileOwner::Person);
    };
    match resolved.target.strip_prefix(&top) {
        Ok(inside) => Ok(FileOwner::Repository {
            inside: inside.to_owned(),
            top,
        }),
        Err(_) => Err(io::Error::other("the way to it changed while it was looked at")),
    }
}

fn is_repository(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok() || is_git_dir(folder)
}

/// Whether a folder has what git asks of a repository: a HEAD, objects and refs.
pub(super) fn is_git_dir(folder: &Path) -> bool {
    let head = folder.join("HEAD");
    let has_head = head.symlink_metadata().is_ok_and(|m| m.is_file() || m.is_symlink());
    let has_objects = folder.join("objects").is_dir() && folder.join("refs").is_dir();
    has_head && (has_objects || folder.join("commondir").is_file())
}

/// The path without links; the path itself where it cannot be resolved.
pub(super) fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;

    #[test]
    fn every_step_of_a_path_is_remembered() {
        let root = tempfile::tempdir().expect("a folder");
        let root = canonical(root.path());
        create_dir_all(root.join("tree/inner")).expect("made");
        create_dir_all(root.join("out")).expect("made");
        write(root.join("out/file"), "x").expect("written");
        symlink("../tree/link", root.join("out/a")).expect("linked");
        symlink("inner/../../out/file", root.join("tree/link")).expect("linked");
        let resolved = resolve(&root.join("out/a")).expect("resolves");
        assert_eq!(resolved.target, root.join("out/file"));
        for step in ["out/a", "tree/link", "tree/inner", "out/file"] {
            assert!(resolved.steps.contains(&root.join(step)), "{step}: {resolved:?}");
        }
        symlink("circle", root.join("circle")).expect("linked");
        assert!(resolve(&root.join("circle")).is_err());
        assert!(resolve(&root.join("absent")).is_err());
    }

    #[test]
    fn a_way_through_a_working_tree_is_tracked_whatever_it_leads_to() {
        let root = tempfile::tempdir().expect("a folder");
        let root = canonical(root.path());
        for folder in ["work/.git/hooks", "work/.githooks", "linked", "out"] {
            create_dir_all(root.join(folder)).expect("made");
        }
        create_dir_all(root.join("work/.git/worktrees/linked")).expect("made");
        let note = format!("{}\n", root.join("linked/.git").display());
        write(root.join("work/.git/worktrees/linked/gitdir"), note).expect("written");
        for file in ["work/.git/hooks/own", "work/.githooks/text", "linked/text", "out/text"] {
            write(root.join(file), "x").expect("written");
        }
        symlink("/bin/sh", root.join("work/.githooks/shell")).expect("linked");
        symlink("../../.githooks/text", root.join("work/.git/hooks/inwards")).expect("linked");
        symlink("/bin/sh", root.join("work/.git/hooks/shell")).expect("linked");
        symlink(root.join("work/.githooks"), root.join("out/folder")).expect("linked");
        let git_dir = root.join("work/.git");
        let trees = WorkingTrees::of(&git_dir, &git_dir, Some(&root.join("work")), None);
        let tracked = |path: &str| trees.track(&resolve(&root.join(path)).expect("resolves"));
        for path in [
            "work/.githooks/text",
            "work/.githooks/shell",
            "work/.git/hooks/inwards",
            "out/folder/shell",
            "linked/text",
        ] {
            assert!(tracked(path), "{path}");
        }
        for path in ["work/.git/hooks/own", "work/.git/hooks/shell", "out/text"] {
            assert!(!tracked(path), "{path}");
        }
    }

    #[test]
    fn a_file_of_any_repository_is_not_the_word_of_whoever_names_it() {
        let root = tempfile::tempdir().expect("a folder");
        let root = canonical(root.path());
        for folder in [
            "clone/.git",
            "clone/deep/er",
            "broken/.git",
            "bare/refs",
            "bare/objects",
            "own",
        ] {
            create_dir_all(root.join(folder)).expect("made");
        }
        write(root.join("bare/HEAD"), "ref: refs/heads/main\n").expect("written");
        for file in ["clone/deep/er/x", "clone/.git/x", "broken/x", "bare/x", "own/x"] {
            write(root.join(file), "x").expect("written");
        }
        symlink("../clone/deep/er/x", root.join("own/link")).expect("linked");
        symlink(root.join("own/x"), root.join("clone/out")).expect("linked");
        symlink("x", root.join("own/beside")).expect("linked");
        let owner = |file: &str| owner_of(&root.join(file), None).expect("told");
        let inside = |top: &str, inside: &str| FileOwner::Repository {
            top: root.join(top),
            inside: inside.into(),
        };
        assert_eq!(owner("clone/deep/er/x"), inside("clone", "deep/er/x"));
        assert_eq!(owner("own/link"), inside("clone", "deep/er/x"));
        assert_eq!(owner("clone/.git/x"), inside("clone", ".git/x"));
        assert_eq!(owner("broken/x"), inside("broken", "x"));
        assert_eq!(owner("bare/x"), inside("bare", "x"));
        let link = root.join("clone/out");
        assert_eq!(owner("clone/out"), FileOwner::LinkInRepository { link });
        assert_eq!(owner("own/x"), FileOwner::Person);
        assert_eq!(owner("own/beside"), FileOwner::Person);
        assert!(owner_of(&root.join("own/absent"), None).is_err());
        let except = root.join("clone/deep");
        let person = owner_of(&root.join("clone/deep/er/x"), Some(&except));
        assert_eq!(person.expect("told"), FileOwner::Person);
        let not = owner_of(&root.join("clone/.git/x"), Some(&except));
        assert_eq!(not.expect("told"), inside("clone", ".git/x"));
    }
}

//! Which commit counts (docs/reference/contract.md, "What is read"), asked of git2 or, where it cannot read the
//! repository, of
//! the program.

use git2::{BranchType, Oid, Repository};

use super::error::GitError;
use super::program::{GitProgram, LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use super::repo::{GitRepo, Tip};

/// What has to be known about refs to find the tip.
trait Refs {
    /// The checked-out branch.
    fn head_branch(&self) -> Option<String>;
    /// Remote and branch that a local branch follows.
    fn upstream(&self, branch: &str) -> Option<(String, String)>;
    /// All remotes.
    fn remotes(&self) -> Vec<String>;
    /// The commit of a remote-tracking branch.
    fn tracking(&self, remote: &str, branch: &str) -> Option<String>;
    /// The default branch of a remote.
    fn remote_head(&self, remote: &str) -> Option<String>;
    /// The commit of a local branch; of HEAD, if that is its name.
    fn local(&self, branch: &str) -> Option<String>;
    /// Commits that only `here` has, and those that only `there` has; `None` = cannot be told.
    fn ahead_behind(&self, here: &str, there: &str) -> Option<(usize, usize)>;
    /// Whether the working tree has changes.
    fn is_dirty(&self) -> bool;
}

impl GitRepo {
    /// The commit that counts (docs/reference/contract.md, "What is read"): the remote-tracking commit of
    /// `branch`, or of
    /// the checked-out branch's upstream; with no remote, local HEAD.
    ///
    /// # Errors
    /// If the branch is unknown or there is no commit.
    pub fn tip(&self, branch: Option<&str>) -> Result<Tip, GitError> {
        if self.is_foreign() {
            find(&GitCli(self.program()), self.shown(), branch)
        } else {
            find(&self.open()?, self.shown(), branch)
        }
    }
}

fn find(refs: &impl Refs, shown: &str, branch: Option<&str>) -> Result<Tip, GitError> {
    let head_branch = refs.head_branch();
    let upstream = head_branch.as_deref().and_then(|name| refs.upstream(name));
    let default = || default_remote(&refs.remotes());
    let (branch, remote) = match (branch, upstream) {
        (Some(wanted), Some((remote, _))) => (wanted.to_owned(), Some(remote)),
        (Some(wanted), None) => (wanted.to_owned(), default()),
        (None, Some((remote, branch))) => (branch, Some(remote)),
        (None, None) => match default() {
            // No upstream configured: the branch of the same name, else the remote's default.
            Some(remote) => {
                let name = head_branch
                    .clone()
                    .filter(|name| refs.tracking(&remote, name).is_some());
                match name.or_else(|| refs.remote_head(&remote)) {
                    Some(name) => (name, Some(remote)),
                    None => (head_branch.clone().unwrap_or_else(|| "HEAD".to_owned()), None),
                }
            }
            None => (head_branch.clone().unwrap_or_else(|| "HEAD".to_owned()), None),
        },
    };
    let commit = match &remote {
        Some(remote) => refs.tracking(remote, &branch).ok_or_else(|| GitError::NoBranch {
            branch: branch.clone(),
            remote: remote.clone(),
        })?,
        None => refs
            .local(&branch)
            .ok_or_else(|| GitError::NoCommit { what: branch.clone() })?,
    };
    let (ahead, behind) = match (&remote, refs.local(&branch)) {
        (Some(_), Some(here)) => refs.ahead_behind(&here, &commit).unwrap_or((0, 0)),
        _ => (0, 0),
    };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Tip {
        path: shown.to_owned(),
        branch,
        commit,
        remote,
        ahead: count(ahead),
        behind: count(behind),
        dirty: refs.is_dirty(),
    })
}

/// `origin`, or the only remote there is.
fn default_remote(remotes: &[String]) -> Option<String> {
    match remotes {
        [only] => Some(only.clone()),
        all => all.iter().find(|name| *name == "origin").cloned(),
    }
}

impl Refs for Repository {
    fn head_branch(&self) -> Option<String> {
        let head = self.head().ok().filter(git2::Reference::is_branch)?;
        head.shorthand().ok().map(str::to_owned)
    }

    fn upstream(&self, branch: &str) -> Option<(String, String)> {
        let name = format!("refs/heads/{branch}");
        let remote = self.branch_upstream_remote(&name).ok()?.as_str().ok()?.to_owned();
        if remote == "." {
            return None;
        }
        let merge = self.branch_upstream_merge(&name).ok()?.as_str().ok()?.to_owned();
        Some((remote, merge.strip_prefix("refs/heads/")?.to_owned()))
    }

    fn remotes(&self) -> Vec<String> {
        let names = Repository::remotes(self).ok();
        names
            .iter()
            .flat_map(|n| n.iter())
            .filter_map(|n| n.ok().flatten().map(str::to_owned))
            .collect()
    }

    fn tracking(&self, remote: &str, branch: &str) -> Option<String> {
        let found = self
            .find_branch(&format!("{remote}/{branch}"), BranchType::Remote)
            .ok()?;
        Some(found.get().peel_to_commit().ok()?.id().to_string())
    }

    fn remote_head(&self, remote: &str) -> Option<String> {
        let head = self.find_reference(&format!("refs/remotes/{remote}/HEAD")).ok()?;
        let target = head.symbolic_target().ok()??;
        Some(target.strip_prefix(&format!("refs/remotes/{remote}/"))?.to_owned())
    }

    fn local(&self, branch: &str) -> Option<String> {
        let commit = if branch == "HEAD" {
            self.head().ok()?.peel_to_commit().ok()?
        } else {
            self.find_branch(branch, BranchType::Local)
                .ok()?
                .get()
                .peel_to_commit()
                .ok()?
        };
        Some(commit.id().to_string())
    }

    fn ahead_behind(&self, here: &str, there: &str) -> Option<(usize, usize)> {
        if self.is_shallow() {
            return None;
        }
        let (here, there) = (Oid::from_str(here).ok()?, Oid::from_str(there).ok()?);
        self.graph_ahead_behind(here, there).ok()
    }

    fn is_dirty(&self) -> bool {
        if self.is_bare() {
            return false;
        }
        let mut options = git2::StatusOptions::new();
        options
            .include_untracked(true)
            .exclude_submodules(true)
            .include_ignored(false);
        let sparse = |name| self.config().is_ok_and(|c| c.get_bool(name).unwrap_or(false));
        if !sparse("core.sparsecheckout")
            && let Ok(statuses) = self.statuses(Some(&mut options))
        {
            return !statuses.is_empty();
        }
        // An index that git2 does not read (split, sparse), or files that are left out on purpose.
        GitCli(GitProgram::new(self.path(), self.workdir())).is_dirty()
    }
}

/// The program, asked one question at a time.
struct GitCli(GitProgram);

impl GitCli {
    fn line(&self, args: &[&str]) -> Option<String> {
        let ran = self.0.try_run(args, &[], LOCAL_TIMEOUT).ok()?;
        let text = ran.text();
        (ran.ok() && !text.is_empty()).then_some(text)
    }

    fn commit(&self, name: &str) -> Option<String> {
        self.line(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
    }
}

impl Refs for GitCli {
    fn head_branch(&self) -> Option<String> {
        self.line(&["symbolic-ref", "--quiet", "--short", "HEAD"])
    }

    fn upstream(&self, branch: &str) -> Option<(String, String)> {
        let setting = |what: &str| self.line(&["config", "--get", &format!("branch.{branch}.{what}")]);
        let remote = setting("remote").filter(|remote| remote != ".")?;
        Some((remote, setting("merge")?.strip_prefix("refs/heads/")?.to_owned()))
    }

    fn remotes(&self) -> Vec<String> {
        let names = self.line(&["remote"]).unwrap_or_default();
        names.lines().map(str::to_owned).collect()
    }

    fn tracking(&self, remote: &str, branch: &str) -> Option<String> {
        self.commit(&format!("refs/remotes/{remote}/{branch}"))
    }

    fn remote_head(&self, remote: &str) -> Option<String> {
        let target = self.line(&["symbolic-ref", "--quiet", &format!("refs/remotes/{remote}/HEAD")])?;
        Some(target.strip_prefix(&format!("refs/remotes/{remote}/"))?.to_owned())
    }

    fn local(&self, branch: &str) -> Option<String> {
        match branch {
            "HEAD" => self.commit("HEAD"),
            name => self.commit(&format!("refs/heads/{name}")),
        }
    }

    fn ahead_behind(&self, here: &str, there: &str) -> Option<(usize, usize)> {
        if self.line(&["rev-parse", "--is-shallow-repository"])? == "true" {
            return None;
        }
        let counted = self.line(&["rev-list", "--left-right", "--count", &format!("{here}...{there}")])?;
        let (ahead, behind) = counted.split_once('\t')?;
        Some((ahead.parse().ok()?, behind.parse().ok()?))
    }

    fn is_dirty(&self) -> bool {
        let args = [
            "status",
            "--porcelain",
            "--untracked-files=normal",
            "--ignore-submodules=all",
        ];
        let ran = self.0.try_run(&args, &[], NETWORK_TIMEOUT);
        ran.is_ok_and(|ran| ran.ok() && !ran.stdout.is_empty())
    }
}

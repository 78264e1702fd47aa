//! Reading through the `git` program what git2 cannot: repositories in a format that libgit2 does not
//! know (reftable, SHA-256), and clones whose trees are fetched when they are asked for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::GitError;
use super::history::{Change, CommitMeta, Parents};
use super::program::{LOCAL, NETWORK, Program};
use super::repo::{GitRepo, Tip, TreeFile};
use super::taken_back::TakenBack;

/// Where a repository is: git directory, common directory, working tree.
pub(super) type Places = (PathBuf, PathBuf, Option<PathBuf>);

/// Finds a repository that git2 cannot open, if git can.
pub(super) fn discover(dir: &Path) -> Result<Places, GitError> {
    let git = Program::new(dir);
    let ask = |what: &[&str]| git.run(&[&["rev-parse"], what].concat(), LOCAL).map(|ran| ran.text());
    let git_dir = PathBuf::from(ask(&["--absolute-git-dir"])?);
    let common = PathBuf::from(ask(&["--path-format=absolute", "--git-common-dir"])?);
    let bare = ask(&["--is-bare-repository"])? == "true";
    let work = if bare {
        None
    } else {
        ask(&["--show-toplevel"]).ok().map(PathBuf::from)
    };
    // A first object decides whether this git knows the format.
    git.run(&["rev-parse", "--show-object-format"], LOCAL)?;
    Ok((git_dir, common, work))
}

/// Standard output of a question that may have no answer.
fn answer(git: &Program, args: &[&str]) -> Option<String> {
    let ran = git.try_run(args, &[], LOCAL).ok()?;
    (ran.ok() && !ran.text().is_empty()).then(|| ran.text())
}

fn commit_of(git: &Program, name: &str) -> Option<String> {
    answer(
        git,
        &["rev-parse", "--quiet", "--verify", &format!("{name}^{{commit}}")],
    )
}

/// Whether the working tree has changes, asked of git.
pub(super) fn is_dirty(work_dir: &Path) -> bool {
    answer(
        &Program::new(work_dir),
        &["status", "--porcelain", "--ignore-submodules=all"],
    )
    .is_some()
}

/// The commit that counts: the same rules as for git2 (see [`GitRepo::tip`]).
pub(super) fn tip(repo: &GitRepo, wanted: Option<&str>) -> Result<Tip, GitError> {
    let git = repo.program();
    let head = answer(&git, &["symbolic-ref", "--quiet", "--short", "HEAD"]);
    let upstream = head.as_deref().and_then(|branch| {
        let get = |key: &str| answer(&git, &["config", "--get", &format!("branch.{branch}.{key}")]);
        let merge = get("merge")?;
        let remote = get("remote").filter(|remote| remote != ".")?;
        Some((remote, merge.strip_prefix("refs/heads/")?.to_owned()))
    });
    let remotes: Vec<String> = answer(&git, &["remote"])
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default();
    let tracking = |remote: &str, branch: &str| commit_of(&git, &format!("refs/remotes/{remote}/{branch}"));
    let default = super::repo::default_remote(&remotes);
    let local_head = || (head.clone().unwrap_or_else(|| "HEAD".to_owned()), None);
    let (branch, remote) = match (wanted, upstream) {
        (Some(wanted), Some((remote, _))) => (wanted.to_owned(), Some(remote)),
        (Some(wanted), None) => (wanted.to_owned(), default),
        (None, Some((remote, branch))) => (branch, Some(remote)),
        (None, None) => match default {
            None => local_head(),
            Some(remote) => {
                let known = head.clone().filter(|name| tracking(&remote, name).is_some());
                let its_head = || {
                    let name = answer(
                        &git,
                        &["symbolic-ref", "--short", &format!("refs/remotes/{remote}/HEAD")],
                    )?;
                    name.strip_prefix(&format!("{remote}/")).map(str::to_owned)
                };
                match known.or_else(its_head) {
                    Some(name) => (name, Some(remote)),
                    None => local_head(),
                }
            }
        },
    };
    let local = match branch.as_str() {
        "HEAD" => commit_of(&git, "HEAD"),
        name => commit_of(&git, &format!("refs/heads/{name}")),
    };
    let commit = match &remote {
        Some(remote) => tracking(remote, &branch).ok_or_else(|| GitError::NoBranch {
            branch: branch.clone(),
            remote: remote.clone(),
        })?,
        None => local
            .clone()
            .ok_or_else(|| GitError::NoCommit { what: branch.clone() })?,
    };
    let (ahead, behind) = match (&remote, &local) {
        (Some(_), Some(here)) if !repo.is_shallow() => {
            let range = format!("{here}...{commit}");
            let counts = answer(&git, &["rev-list", "--left-right", "--count", &range]);
            let counts = counts.as_deref().and_then(|text| text.split_once('\t'));
            counts.map_or((0, 0), |(a, b)| (a.parse().unwrap_or(0), b.parse().unwrap_or(0)))
        }
        _ => (0, 0),
    };
    Ok(Tip {
        path: repo.shown().to_owned(),
        branch,
        commit,
        remote,
        ahead,
        behind,
        dirty: repo.work_dir().is_some_and(is_dirty),
    })
}

/// All regular files of a commit. Sizes are told only where no blob has to be fetched for them.
pub(super) fn files(git: &Program, commit: &str, sizes: bool) -> Result<Vec<TreeFile>, GitError> {
    let mut args = vec!["ls-tree", "-r", "-z", "--full-tree"];
    if sizes {
        args.push("--long");
    }
    args.push(commit);
    let ran = git.run(&args, NETWORK)?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let parse = |line: &str| {
        let (meta, path) = line.split_once('\t')?;
        let mut words = meta.split_ascii_whitespace();
        let (mode, _, oid) = (words.next()?, words.next()?, words.next()?);
        mode.starts_with("100").then(|| TreeFile {
            path: path.to_owned(),
            oid: oid.to_owned(),
            size: words.next().and_then(|size| size.parse().ok()),
        })
    };
    Ok(text.split('\0').filter_map(parse).collect())
}

/// The commits that changed the paths, newest first, as [`GitRepo::commits`] tells them. They are read
/// before the first is told.
pub(super) fn commits(
    git: &Program,
    tip: &str,
    paths: &[String],
    parents: Parents,
    boundary: &dyn Fn(&str) -> bool,
    visit: &mut dyn FnMut(Vec<Change>) -> ControlFlow<()>,
) -> Result<(), GitError> {
    let mut left: Vec<String> = paths.to_vec();
    // A renamed file's earlier life is a walk of its own, from the commit before.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut from = vec![tip.to_owned()];
    loop {
        let mut renamed = None;
        for found in log(git, &from, &left, parents)? {
            if boundary(&found.meta.id) {
                continue;
            }
            let mut batch = Vec::new();
            for (path, mut before, after) in found.changed {
                let shown = names.get(&path).cloned().unwrap_or_else(|| path.clone());
                if !paths.is_empty()
                    && before.is_none()
                    && after.is_some()
                    && let Some((old, blob)) = renamed_from(git, &found.meta.id, &path)?
                {
                    before = Some(blob);
                    names.insert(old.clone(), shown.clone());
                    left.push(old);
                    renamed = Some(found.meta.parents.clone());
                }
                batch.push(Change {
                    commit: found.meta.clone(),
                    path: shown,
                    before,
                    after,
                });
            }
            if !batch.is_empty() && visit(batch).is_break() {
                return Ok(());
            }
            if renamed.is_some() {
                break;
            }
        }
        match renamed {
            Some(parents) if !parents.is_empty() => from = parents,
            _ => return Ok(()),
        }
    }
}

struct Logged {
    meta: CommitMeta,
    changed: Vec<(String, Option<String>, Option<String>)>,
}

/// Marks the beginning of a commit in the output; no path and no message holds a NUL.
const MARK: &str = "%x00%x00%H%x00%P%x00%an%x00%ct%x00%B%x00";

fn log(git: &Program, from: &[String], paths: &[String], parents: Parents) -> Result<Vec<Logged>, GitError> {
    let format = format!("--format={MARK}");
    let mut args = vec![
        "log",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        "--full-history",
        "-t",
    ];
    args.retain(|arg| *arg != "-t");
    args.push(&format);
    match parents {
        Parents::All => args.push("-c"),
        Parents::First => args.extend(["--first-parent", "-m"]),
    }
    args.extend(from.iter().map(String::as_str));
    args.push("--");
    args.extend(paths.iter().map(String::as_str));
    let git = git.with_env("GIT_LITERAL_PATHSPECS", "1");
    let ran = git.run(&args, NETWORK)?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let mut out: Vec<Logged> = Vec::new();
    let mut fields = text.split('\0').peekable();
    while let Some(field) = fields.next() {
        let field = field.trim_start_matches('\n');
        if let Some(raw) = field.strip_prefix(':') {
            let Some(path) = fields.next() else { break };
            if let (Some(commit), Some((before, after))) = (out.last_mut(), sides(raw)) {
                commit.changed.push((path.to_owned(), before, after));
            }
            continue;
        }
        let is_id = (field.len() == 40 || field.len() == 64) && field.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_id {
            continue;
        }
        let mut next = || fields.next().unwrap_or("");
        let (parents, author, at, message) = (next(), next(), next(), next());
        let at = at.parse().ok().and_then(|s| Timestamp::from_second(s).ok());
        out.push(Logged {
            meta: CommitMeta {
                id: field.to_owned(),
                parents: parents.split_ascii_whitespace().map(str::to_owned).collect(),
                author: author.into(),
                at: at.unwrap_or_default(),
                subject: message.lines().next().unwrap_or("").into(),
                message: message.into(),
            },
            changed: Vec::new(),
        });
    }
    Ok(out)
}

/// Blobs before and after in one raw line: `mode mode oid oid status`, with more sides in a merge.
fn sides(raw: &str) -> Option<(Option<String>, Option<String>)> {
    let more = raw.bytes().take_while(|b| *b == b':').count();
    let words: Vec<&str> = raw[more..].split_ascii_whitespace().collect();
    let count = more + 2;
    let (modes, ids) = (words.get(..count)?, words.get(count..2 * count)?);
    let side = |at: usize| modes[at].starts_with("100").then(|| ids[at].to_owned());
    let (before, after) = (side(0), side(count - 1));
    (before.is_some() || after.is_some()).then_some((before, after))
}

/// The file that a new file came from in the same commit.
fn renamed_from(git: &Program, commit: &str, path: &str) -> Result<Option<(String, String)>, GitError> {
    let Some(parent) = commit_of(git, &format!("{commit}^")) else {
        return Ok(None);
    };
    let args = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-abbrev",
        "-M60%",
        "-l400",
        &parent,
        commit,
    ];
    let ran = git.run(&args, NETWORK)?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let mut fields = text.split('\0');
    while let Some(meta) = fields.next() {
        let words: Vec<&str> = meta.split_ascii_whitespace().collect();
        let (Some(first), Some(status)) = (fields.next(), words.get(4)) else {
            break;
        };
        if status.starts_with(['R', 'C']) {
            let Some(second) = fields.next() else { break };
            if status.starts_with('R') && second == path {
                return Ok(Some((first.to_owned(), words[2].to_owned())));
            }
        }
    }
    Ok(None)
}

/// Every path that a commit touched, against its first parent.
pub(super) fn touched(git: &Program, commit: &str) -> Result<Vec<String>, GitError> {
    let args = [
        "diff-tree",
        "-r",
        "-z",
        "--root",
        "--no-commit-id",
        "--name-only",
        "-m",
        "--first-parent",
        commit,
    ];
    let ran = git.run(&args, NETWORK)?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let mut paths: Vec<String> = text.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

/// See [`GitRepo::taken_back`].
pub(super) fn taken_back(repo: &GitRepo, base: &str, commit: &str) -> Result<Option<Vec<TakenBack>>, GitError> {
    let git = repo.program();
    let parents = git.run(&["rev-list", "--parents", "-n", "1", commit], NETWORK)?.text();
    let parents: Vec<&str> = parents.split(' ').skip(1).collect();
    let [parent] = parents.as_slice() else { return Ok(None) };
    let merge_base = format!("--merge-base={commit}");
    let ran = git.try_run(
        &["merge-tree", "--write-tree", "-z", &merge_base, base, parent],
        &[],
        NETWORK,
    )?;
    match ran.status {
        Some(0) => {}
        Some(1) => return Ok(None),
        status => {
            return Err(GitError::Failed {
                command: "merge-tree".to_owned(),
                status,
                words: ran.stderr.trim().into(),
            });
        }
    }
    let text = ran.text();
    let tree = text.split('\0').next().unwrap_or("").trim();
    let args = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        base,
        tree,
    ];
    let raw = git.run(&args, NETWORK)?;
    let raw = String::from_utf8_lossy(&raw.stdout).into_owned();
    let mut fields = raw.split('\0');
    let mut out = Vec::new();
    while let (Some(meta), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = meta.trim_start_matches(':').split_ascii_whitespace().collect();
        let [_, _, before, after, ..] = words.as_slice() else {
            break;
        };
        let side = |oid: &str| -> Result<Option<Vec<u8>>, GitError> {
            if oid.bytes().all(|b| b == b'0') {
                return Ok(None);
            }
            repo.blob(oid).map(Some)
        };
        out.push(TakenBack {
            path: path.to_owned(),
            before: side(before)?,
            after: side(after)?,
        });
    }
    Ok(Some(out))
}

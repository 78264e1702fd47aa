//! Reading through the `git` program what git2 cannot read: other object and ref formats, and clones
//! without all trees. Slower, a process per question, and the same answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::error::GitError;
use super::history::{ChangedFile, CommitMeta};
use super::program::{LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use super::repo::GitRepo;
use super::revert_preview::RevertedFile;
use super::write::{RevertOutcome, WriteError};

/// One commit of a log, with what it changed.
struct LogEntry {
    meta: CommitMeta,
    changed: Vec<(String, Option<String>, Option<String>)>,
}

/// [`GitRepo::changes`] and [`GitRepo::mainline`] by the program.
pub(super) fn walk(
    repo: &GitRepo,
    tip: &str,
    paths: &[String],
    first_parent: bool,
    visit: &mut dyn FnMut(ChangedFile) -> ControlFlow<()>,
) -> Result<(), GitError> {
    // Every name that a wanted file ever had, found before the walk that reports.
    let mut names: BTreeSet<String> = paths.iter().cloned().collect();
    let mut renames: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    let log = loop {
        let log = logged(repo, tip, &names, first_parent)?;
        if paths.is_empty() {
            break log;
        }
        let before = names.len();
        for LogEntry { meta, changed } in &log {
            for (path, _, _) in changed.iter().filter(|(_, was, is)| was.is_none() && is.is_some()) {
                let key = (meta.id.clone(), path.clone());
                if renames.contains_key(&key) {
                    continue;
                }
                if let Some((old, blob)) = came_from(repo, meta, path)? {
                    names.insert(old.clone());
                    renames.insert(key, (old, blob));
                }
            }
        }
        if names.len() == before {
            break log;
        }
    };
    // Name in older commits -> name asked for.
    let mut known: BTreeMap<String, String> = paths.iter().map(|p| (p.clone(), p.clone())).collect();
    for LogEntry { meta, changed } in log {
        let mut renamed = Vec::new();
        for (path, mut before, after) in changed {
            let asked = match known.get(&path) {
                Some(asked) => asked.clone(),
                None if paths.is_empty() => path.clone(),
                // A name that a wanted file has only in older commits.
                None => continue,
            };
            if let Some((old, blob)) = renames.get(&(meta.id.clone(), path)) {
                before = Some(blob.clone());
                renamed.push((old.clone(), asked.clone()));
            }
            let change = ChangedFile {
                commit: meta.clone(),
                path: asked,
                before,
                after,
            };
            if visit(change).is_break() {
                return Ok(());
            }
        }
        known.extend(renamed);
    }
    Ok(())
}

fn unknown_form(what: &str) -> GitError {
    GitError::Object {
        what: what.to_owned(),
        detail: "git printed it in an unknown form".to_owned(),
    }
}

/// The log of a commit, newest first, of these paths or of all.
fn logged(repo: &GitRepo, tip: &str, paths: &BTreeSet<String>, first_parent: bool) -> Result<Vec<LogEntry>, GitError> {
    let git = repo
        .program()
        .with_config("log.showRoot", "true")
        .with_config("log.showSignature", "false")
        .with_config("log.follow", "false")
        .with_env("GIT_LITERAL_PATHSPECS", "1");
    let mut args = vec![
        "log",
        "-z",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--full-history",
        "--no-decorate",
        "--no-notes",
        "--no-mailmap",
        "--encoding=UTF-8",
        "--format=tformat:%x01%H%x02%P%x02%ct%x02%an%x02%B",
    ];
    if first_parent {
        args.extend(["--first-parent", "--diff-merges=first-parent"]);
    } else {
        args.push("--diff-merges=combined");
    }
    args.extend(["--end-of-options", tip, "--"]);
    args.extend(paths.iter().map(String::as_str));
    let ran = git.run(&args, NETWORK_TIMEOUT)?;
    let mut parts = ran.stdout.split(|b| *b == 0);
    let mut log: Vec<LogEntry> = Vec::new();
    while let Some(part) = parts.next() {
        let text = String::from_utf8_lossy(part).into_owned();
        let text = text.trim_start_matches('\n');
        if let Some(head) = text.strip_prefix('\u{1}') {
            log.push(LogEntry {
                meta: meta(head).ok_or_else(|| unknown_form("the log"))?,
                changed: Vec::new(),
            });
        } else if text.starts_with(':') {
            let path = parts.next().ok_or_else(|| unknown_form("the log"))?;
            let (was, is) = sides(text).ok_or_else(|| unknown_form("the log"))?;
            let (Ok(path), Some(commit)) = (std::str::from_utf8(path), log.last_mut()) else {
                // A name that is no text is no manifest's.
                continue;
            };
            let wanted = paths.is_empty() || paths.contains(path);
            if wanted && was != is {
                commit.changed.push((path.to_owned(), was, is));
            }
        } else if !text.is_empty() {
            return Err(unknown_form("the log"));
        }
    }
    Ok(log)
}

fn meta(head: &str) -> Option<CommitMeta> {
    let mut fields = head.splitn(5, '\u{2}');
    let (id, parents, at) = (fields.next()?, fields.next()?, fields.next()?);
    let (author, message) = (fields.next()?, fields.next()?);
    Some(CommitMeta {
        id: id.to_owned(),
        parents: parents.split_whitespace().map(str::to_owned).collect(),
        author: author.into(),
        at: Timestamp::from_second(at.parse().ok()?).unwrap_or_default(),
        subject: message.lines().next().unwrap_or("").into(),
        message: message.into(),
    })
}

/// The regular file before (at the first parent) and after, of one raw line.
fn sides(raw: &str) -> Option<(Option<String>, Option<String>)> {
    let parents = raw.chars().take_while(|c| *c == ':').count();
    let words: Vec<&str> = raw[parents..].split(' ').collect();
    // Modes of the parents and the result, then their ids, then the letters.
    let (modes, ids) = (words.get(..=parents)?, words.get(parents + 1..2 * (parents + 1))?);
    let file = |n: usize| modes[n].starts_with("100").then(|| ids[n].to_owned());
    Some((file(0), file(parents)))
}

/// The file that a newly made file came from in the same commit.
fn came_from(repo: &GitRepo, commit: &CommitMeta, path: &str) -> Result<Option<(String, String)>, GitError> {
    let Some(parent) = commit.parents.first() else {
        return Ok(None);
    };
    // Likeness needs contents; a partial clone would have to fetch them all.
    let likeness = if repo.is_partial() { "-M100%" } else { "-M60%" };
    let args = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-abbrev",
        likeness,
        "-l400",
        parent,
        &commit.id,
    ];
    let ran = repo.program().try_run(&args, &[], NETWORK_TIMEOUT)?;
    if !ran.ok() {
        // A parent beyond a shallow boundary: nothing is known of before.
        return Ok(None);
    }
    let mut parts = ran.stdout.split(|b| *b == 0).map(String::from_utf8_lossy);
    while let Some(raw) = parts.next() {
        let Some(letters) = raw.rsplit(' ').next().filter(|_| raw.starts_with(':')) else {
            continue;
        };
        let moved = letters.starts_with(['R', 'C']);
        let old = parts.next().unwrap_or_default().into_owned();
        if !moved {
            continue;
        }
        let new = parts.next().unwrap_or_default();
        if new == path {
            let (was, _) = sides(&raw).ok_or_else(|| unknown_form("a comparison"))?;
            return Ok(was.map(|blob| (old, blob)));
        }
    }
    Ok(None)
}

/// [`GitRepo::touched`] by the program.
pub(super) fn touched(repo: &GitRepo, commit: &str) -> Result<Vec<String>, GitError> {
    let git = repo.program();
    let parent = git.try_run(
        &["rev-parse", "--verify", "--quiet", &format!("{commit}^1")],
        &[],
        LOCAL_TIMEOUT,
    )?;
    let parent = parent.text();
    let mut args = vec![
        "diff-tree",
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        "--no-commit-id",
        "--root",
    ];
    if !parent.is_empty() {
        args.push(&parent);
    }
    args.push(commit);
    let ran = git.run(&args, NETWORK_TIMEOUT)?;
    let paths = ran.stdout.split(|b| *b == 0).filter(|path| !path.is_empty());
    let mut paths: Vec<String> = paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

/// [`GitRepo::preview_revert`] by the program.
pub(super) fn preview_revert(repo: &GitRepo, base: &str, commit: &str) -> Result<Option<Vec<RevertedFile>>, GitError> {
    let RevertOutcome::Clean { tree, files } = repo.revert_on(base, commit).map_err(plain)? else {
        return Ok(None);
    };
    let git = repo.program();
    // Mode and bytes; `None` = not there. Bytes only of plain files.
    let read = |at: &str, path: &str| -> Result<Option<(String, Vec<u8>)>, GitError> {
        let listed = git
            .run(&["ls-tree", "-z", "--full-tree", at, "--", path], LOCAL_TIMEOUT)?
            .text();
        let Some((mode, rest)) = listed.split_once(' ') else {
            return Ok(None);
        };
        let oid = rest.split(['\t', ' ']).nth(1).unwrap_or_default();
        let bytes = match mode {
            "100644" => git.run(&["cat-file", "blob", oid], NETWORK_TIMEOUT)?.stdout,
            _ => Vec::new(),
        };
        Ok(Some((mode.to_owned(), bytes)))
    };
    let both = files.into_iter().map(|path| {
        let (before, after) = (read(base, &path)?, read(&tree, &path)?);
        let unsupported = match [&before, &after]
            .into_iter()
            .flatten()
            .find(|(mode, _)| mode != "100644")
        {
            Some((mode, _)) => Some(format!("its mode is {mode}, not 100644")),
            // It changed and is on neither side under this name: the name is no text.
            None => (before.is_none() && after.is_none()).then(|| "its name is not UTF-8".to_owned()),
        };
        Ok(RevertedFile {
            before: before.map(|(_, bytes)| bytes),
            after: after.map(|(_, bytes)| bytes),
            unsupported,
            path,
        })
    });
    both.collect::<Result<_, GitError>>().map(Some)
}

fn plain(error: WriteError) -> GitError {
    match error {
        WriteError::Git(error) => error,
        other => GitError::Object {
            what: "the revert".to_owned(),
            detail: other.to_string(),
        },
    }
}

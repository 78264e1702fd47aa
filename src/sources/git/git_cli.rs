//! Reading through the `git` program, for what libgit2 cannot read: other object and ref formats, clones
//! without all objects, and repositories that only git itself trusts.

mod log;
mod merge_sides;
mod parents;

use std::cell::RefCell;
use std::collections::BTreeMap;

use git2::{ObjectType, Oid};
use sha2::{Digest as _, Sha256};

use super::error::GitError;
use super::program::{GitProgram, LOCAL_TIMEOUT, NETWORK_TIMEOUT};
use super::reader::{
    BlobChange, ChangedEntry, CommitChanges, CommitMeta, CommitOrder, CommitVisit, GitReader, Rename, VisitCommit,
    VisitParents, counted_and_gone,
};
use super::stream::{self, GitStream};
use super::tree_entry::{EntryKind, RawEntry, TreeFile, TreeListing};
use merge_sides::MergeSides;

/// Type and bytes of an object; `None` = it is missing.
type ObjectAnswer = Option<(String, Vec<u8>)>;

/// The program, asked in one repository.
pub(super) struct GitCli {
    git: GitProgram,
    /// One process that answers for all contents, started with the first question.
    contents: RefCell<Option<GitStream<ObjectAnswer>>>,
}

impl GitCli {
    /// Asks the program that runs in this repository.
    pub(crate) fn new(git: GitProgram) -> Self {
        Self {
            git,
            contents: RefCell::new(None),
        }
    }

    fn line(&self, args: &[&str]) -> Option<String> {
        let ran = self.git.try_run(args, &[], LOCAL_TIMEOUT).ok()?;
        let text = ran.text();
        (ran.ok() && !text.is_empty()).then_some(text)
    }

    fn resolve(&self, name: &str) -> Option<String> {
        self.line(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
    }

    fn ls_tree(&self, args: &[&str]) -> Result<Vec<(RawEntry, String)>, GitError> {
        let git = self.git.with_env("GIT_LITERAL_PATHSPECS", "1");
        let mut all = vec!["ls-tree", "-z", "--full-tree"];
        all.extend_from_slice(args);
        let ran = git.run(&all, NETWORK_TIMEOUT)?;
        let parse = |line: &[u8]| {
            // A name that is no text is no manifest's.
            let (meta, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
            let mut words = meta.split(' ');
            let (mode, _, oid) = (words.next()?, words.next()?, words.next()?);
            let entry = RawEntry {
                mode: u32::from_str_radix(mode, 8).ok()?,
                oid: oid.to_owned(),
            };
            Some((entry, path.to_owned()))
        };
        Ok(ran.stdout.split(|byte| *byte == 0).filter_map(parse).collect())
    }

    /// The old and the new entries of raw `diff-tree` output, with the letters of each line.
    fn diff_tree(&self, options: &[&str], old: Option<&str>, new: &str) -> Result<Vec<RawDiffLine>, GitError> {
        let mut args = vec![
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-abbrev",
            "--no-commit-id",
            "--root",
        ];
        args.extend_from_slice(options);
        args.extend(old);
        args.push(new);
        let ran = self.git.run(&args, NETWORK_TIMEOUT)?;
        let mut parts = ran.stdout.split(|byte| *byte == 0);
        let mut all = Vec::new();
        while let Some(line) = parts.next() {
            let text = String::from_utf8_lossy(line);
            if !text.starts_with(':') {
                continue;
            }
            let unknown = || log::unknown_form("a comparison");
            let (old, new) = log::sides(&text).ok_or_else(unknown)?;
            let moved = text
                .rsplit(' ')
                .next()
                .is_some_and(|letters| letters.starts_with(['R', 'C']));
            let path = parts.next().ok_or_else(unknown)?.to_vec();
            let new_path = match moved {
                true => Some(parts.next().ok_or_else(unknown)?.to_vec()),
                false => None,
            };
            all.push(RawDiffLine {
                old,
                new,
                path,
                new_path,
            });
        }
        Ok(all)
    }
}

/// A line of a comparison.
struct RawDiffLine {
    old: Option<RawEntry>,
    new: Option<RawEntry>,
    path: Vec<u8>,
    /// Its new name, if it is a rename.
    new_path: Option<Vec<u8>>,
}

impl GitReader for GitCli {
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

    fn remote_url(&self, remote: &str) -> Option<String> {
        self.line(&["remote", "get-url", "--", remote])
    }

    fn tracking(&self, remote: &str, branch: &str) -> Option<String> {
        self.resolve(&format!("refs/remotes/{remote}/{branch}"))
    }

    fn has_tracking(&self, remote: &str) -> bool {
        let (all, head) = (format!("refs/remotes/{remote}/"), format!("refs/remotes/{remote}/HEAD"));
        let found = self.line(&["for-each-ref", "--count=2", "--format=%(refname)", &all]);
        found.is_some_and(|names| names.lines().any(|name| name != head))
    }

    fn remote_head(&self, remote: &str) -> Option<String> {
        let target = self.line(&["symbolic-ref", "--quiet", &format!("refs/remotes/{remote}/HEAD")])?;
        Some(target.strip_prefix(&format!("refs/remotes/{remote}/"))?.to_owned())
    }

    fn local(&self, branch: &str) -> Option<String> {
        match branch {
            "HEAD" => self.resolve("HEAD"),
            name => self.resolve(&format!("refs/heads/{name}")),
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
        let ran = self.git.try_run(&args, &[], NETWORK_TIMEOUT);
        ran.is_ok_and(|ran| ran.ok() && !ran.stdout.is_empty())
    }

    fn commit(&self, id: &str) -> Result<CommitMeta, GitError> {
        let mut log = log::Log::of(&self.git, id, &["--no-walk", "--no-patch"])?;
        let entry = log.next()?;
        entry
            .map(|entry| entry.meta)
            .ok_or_else(|| log::unknown_form(&format!("commit {id}")))
    }

    fn list(&self, commit: &str) -> Result<TreeListing, GitError> {
        let mut all = TreeListing::default();
        for (entry, path) in self.ls_tree(&["-r", commit])? {
            match entry.kind() {
                EntryKind::File => all.files.push(TreeFile { path, oid: entry.oid }),
                EntryKind::Link => all.links.push(path),
                _ => {}
            }
        }
        Ok(all)
    }

    fn entry(&self, commit: &str, parts: &[&str]) -> Result<Option<RawEntry>, GitError> {
        // The path itself and each folder on the way.
        let paths: Vec<String> = (1..=parts.len()).map(|n| parts[..n].join("/")).collect();
        let mut args = vec!["-t", commit, "--"];
        args.extend(paths.iter().map(String::as_str));
        let listed = self.ls_tree(&args)?;
        let mut listed: BTreeMap<String, RawEntry> = listed.into_iter().map(|(entry, path)| (path, entry)).collect();
        for (n, path) in paths.iter().enumerate() {
            let Some(entry) = listed.remove(path) else {
                return Ok(None);
            };
            match entry.kind() {
                EntryKind::Folder if n + 1 < paths.len() => {}
                EntryKind::File if n + 1 < paths.len() => return Ok(None),
                _ => return Ok(Some(entry)),
            }
        }
        Ok(None)
    }

    fn names_at_top(&self, commit: &str) -> Result<Vec<String>, GitError> {
        let args = ["ls-tree", "-z", "--full-tree", "--name-only", commit];
        let ran = self.git.run(&args, NETWORK_TIMEOUT)?;
        let names = ran.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    fn blob_size(&self, _: &str) -> Option<u64> {
        None
    }

    fn blob_if(&self, oid: &str, most: u64, is_wanted: &dyn Fn(&[u8]) -> bool) -> Result<Option<Vec<u8>>, GitError> {
        let mut contents = self.contents.borrow_mut();
        let stream = match contents.take() {
            Some(running) => contents.insert(running),
            None => {
                let args = ["cat-file", "--batch"];
                contents.insert(GitStream::start(&self.git, &args, stream::object, NETWORK_TIMEOUT)?)
            }
        };
        let answer = stream.ask(oid).and_then(|()| stream.next());
        let missing = |detail: &str| GitError::Object {
            what: format!("blob {oid}"),
            detail: detail.to_owned(),
        };
        match answer {
            Ok(Some(Some((kind, bytes)))) if kind == "blob" => match bytes.len() as u64 <= most && is_wanted(&bytes) {
                true if !is_named(&bytes, oid) => Err(GitError::corrupt(oid)),
                is_wanted => Ok(is_wanted.then_some(bytes)),
            },
            Ok(Some(Some(_))) => Err(missing("it is no blob")),
            Ok(Some(None)) => Err(missing("it is not there")),
            Ok(None) => Err(missing("git ended before it answered")),
            Err(error) => {
                // The next question starts a new process.
                *contents = None;
                Err(error)
            }
        }
    }

    fn compare(&self, old: Option<&str>, new: &str) -> Result<Vec<ChangedEntry>, GitError> {
        let raw = self.diff_tree(&["--no-renames"], old, new)?;
        let changed = raw.into_iter().map(|raw| ChangedEntry {
            path: raw.path,
            old: raw.old,
            new: raw.new,
        });
        Ok(changed.collect())
    }

    fn renames(&self, old: &str, new: &str, percent: u8) -> Result<Vec<Rename>, GitError> {
        let likeness = format!("-M{percent}%");
        let raw = self.diff_tree(&[&likeness, "-l400"], Some(old), new)?;
        let renames = raw.into_iter().filter_map(|raw| {
            Some(Rename {
                new: String::from_utf8(raw.new_path?).ok()?,
                old: String::from_utf8(raw.path).ok()?,
                old_blob: raw.old?.oid,
            })
        });
        Ok(renames.collect())
    }

    fn visit(&self, visit: CommitVisit<'_>, each: VisitCommit<'_>) -> Result<(), GitError> {
        let options: &[&str] = match visit.order {
            CommitOrder::Date => &[],
            CommitOrder::Topological => &["--topo-order"],
        };
        let mut log = log::Log::of(&self.git, visit.tip, options)?;
        let mut merges = None;
        while let Some(entry) = log.next()? {
            let commit = entry.meta;
            let is_cut = visit.boundary.contains(&commit.id);
            let sides = match commit.parents.len() {
                _ if is_cut => Vec::new(),
                0 | 1 => vec![entry.changed],
                // The log tells nothing of merges: each side is asked for.
                _ => {
                    let stream = match &mut merges {
                        Some(running) => running,
                        none => none.insert(MergeSides::start(&self.git)?),
                    };
                    let ask = |parent: &String| stream.against(&commit.id, parent);
                    commit.parents.iter().map(ask).collect::<Result<_, _>>()?
                }
            };
            let has_parents = !commit.parents.is_empty();
            let (mut counted, mut gone) = (Vec::new(), Vec::new());
            for side in sides {
                let (ours, others) = counted_and_gone(by_path(side), visit.files);
                if has_parents {
                    gone.push(others);
                }
                counted.push(ours);
            }
            let changes = CommitChanges {
                commit,
                sides: counted,
                gone,
                is_cut,
            };
            if each(changes).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn visit_parents(&self, from: &[String], each: VisitParents<'_>) -> Result<(), GitError> {
        parents::visit(&self.git, from, each)
    }
}

fn by_path(changed: Vec<log::ChangedBlobs>) -> Vec<BlobChange> {
    let each = changed.into_iter();
    let mut all: Vec<BlobChange> = each
        .map(|(path, before, after)| BlobChange { path, before, after })
        .collect();
    all.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Whether these bytes are the blob of this name.
fn is_named(bytes: &[u8], oid: &str) -> bool {
    if oid.len() == 40 {
        return Oid::hash_object(ObjectType::Blob, bytes).is_ok_and(|id| id.to_string() == oid);
    }
    let mut hash = Sha256::new();
    hash.update(format!("blob {}\0", bytes.len()));
    hash.update(bytes);
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hex == oid
}

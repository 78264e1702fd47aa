//! `git log`, commit by commit as it is printed.

use jiff::Timestamp;

use crate::sources::git::error::GitError;
use crate::sources::git::program::{GitProgram, NETWORK_TIMEOUT};
use crate::sources::git::reader::CommitMeta;
use crate::sources::git::stream::{self, GitStream};
use crate::sources::git::tree_entry::RawEntry;

/// A path with its regular file's blob before and after.
pub(super) type ChangedBlobs = (String, Option<String>, Option<String>);

/// One commit of a log, with what it changed.
pub(super) struct LogEntry {
    pub meta: CommitMeta,
    pub changed: Vec<ChangedBlobs>,
}

/// A log that is being read, newest commit first.
pub(super) struct Log {
    pieces: GitStream<Vec<u8>>,
    /// The commit whose changes come next.
    next: Option<CommitMeta>,
}

impl Log {
    /// Starts the log of a commit. Of merges it tells no changes.
    pub(crate) fn of(git: &GitProgram, tip: &str, options: &[&str]) -> Result<Self, GitError> {
        let git = git
            .with_config("log.showRoot", "true")
            .with_config("log.showSignature", "false")
            .with_config("log.follow", "false");
        let mut args = vec![
            "log",
            "-z",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--diff-merges=off",
            "--no-decorate",
            "--no-notes",
            "--no-mailmap",
            "--encoding=UTF-8",
            "--format=tformat:%x01%H%x02%P%x02%ct%x02%an%x02%B",
        ];
        args.extend_from_slice(options);
        args.extend(["--end-of-options", tip, "--"]);
        Ok(Self {
            pieces: GitStream::start(&git, &args, stream::up_to_nul, NETWORK_TIMEOUT)?,
            next: None,
        })
    }

    /// The next commit; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<LogEntry>, GitError> {
        let mut entry: Option<LogEntry> = self.next.take().map(LogEntry::of);
        while let Some(piece) = self.pieces.next()? {
            let text = String::from_utf8_lossy(&piece);
            let text = text.trim_start_matches('\n');
            if let Some(head) = text.strip_prefix('\u{1}') {
                let meta = meta(head).ok_or_else(|| unknown_form("the log"))?;
                match entry {
                    None => entry = Some(LogEntry::of(meta)),
                    Some(done) => {
                        self.next = Some(meta);
                        return Ok(Some(done));
                    }
                }
            } else if text.starts_with(':') {
                let (was, is) = sides(text).ok_or_else(|| unknown_form("the log"))?;
                let path = self.pieces.next()?.ok_or_else(|| unknown_form("the log"))?;
                let (Ok(path), Some(commit)) = (String::from_utf8(path), &mut entry) else {
                    // A name that is no text is no manifest's.
                    continue;
                };
                let (was, is) = (was.and_then(RawEntry::regular), is.and_then(RawEntry::regular));
                if was != is {
                    commit.changed.push((path, was, is));
                }
            } else if !text.is_empty() {
                return Err(unknown_form("the log"));
            }
        }
        Ok(entry)
    }
}

impl LogEntry {
    fn of(meta: CommitMeta) -> Self {
        Self {
            meta,
            changed: Vec::new(),
        }
    }
}

pub(super) fn unknown_form(what: &str) -> GitError {
    GitError::Object {
        what: what.to_owned(),
        detail: "git printed it in an unknown form".to_owned(),
    }
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

/// The entry before (at the first parent) and after, of one raw line.
pub(super) fn sides(raw: &str) -> Option<(Option<RawEntry>, Option<RawEntry>)> {
    let parents = raw.chars().take_while(|c| *c == ':').count();
    let words: Vec<&str> = raw[parents..].split(' ').collect();
    // Modes of the parents and the result, then their ids, then the letters.
    let (modes, ids) = (words.get(..=parents)?, words.get(parents + 1..2 * (parents + 1))?);
    let side = |n: usize| {
        let mode = u32::from_str_radix(modes[n], 8).ok()?;
        let entry = RawEntry {
            mode,
            oid: ids[n].to_owned(),
        };
        Some((mode != 0).then_some(entry))
    };
    Some((side(0)?, side(parents)?))
}

//! The journal of writes: one file per write under way, written ahead of each step, gone when the write
//! is over. After a crash it says what was meant and how far it had come; whether the remote has it is
//! asked of the remote ([`crate::domain::recovery`]).
//!
//! The files live beside the commits they name, in the git directory that all worktrees share:
//! `pindeck/journal/` (docs/adr/0008-journal.md). Each step is written to a temporary file, synced, renamed and
//! the folder synced, so a file is whole or not there. A writer keeps a lock that the system takes away
//! when the process ends, however it ends; so "under way" and "left behind" are never confused.

mod entry;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::recovery::WriteStep;
use crate::sources::git::GitRepo;

pub(crate) use entry::{CopyNote, FirstPush, JournalEntry, NewEntry, RecordedWrite};

/// Largest entry, in bytes: a set of hundreds of services fits many times.
const MAX_BYTES: u64 = 4 << 20;

/// How often taking an entry is tried while somebody only looks at it.
const TRIES: u32 = 10;

/// Why the journal could not be used. A write that cannot be journalled does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The folder or a file cannot be used.
    #[error("the journal at {path} cannot be used: {source}")]
    Io {
        /// The folder or file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another process is at this write.
    #[error("another pindeck is carrying out {id} right now")]
    Busy {
        /// The id of the entry, which is also the name of its file without the ending.
        id: String,
    },
    /// The entry is gone: somebody finished or dropped it.
    #[error("{id} is not in the journal any more: it was finished or dropped")]
    Gone {
        /// The id of the entry, which is also the name of its file without the ending.
        id: String,
    },
    /// The entry cannot be read.
    #[error("{path} is no journal entry of this version: {detail}")]
    Unreadable {
        /// The file of the entry, as a path of this machine.
        path: String,
        /// What is wrong with it, as part of a sentence.
        detail: String,
    },
    /// The write is too large to be journalled.
    #[error("a write of {bytes} bytes of plans is too large for the journal ({max} at most)")]
    TooLarge {
        /// Size of the entry, in bytes.
        bytes: usize,
        /// The largest size of an entry, in bytes.
        max: u64,
    },
}

impl From<&JournalError> for Failure {
    fn from(error: &JournalError) -> Self {
        let (kind, hint) = match error {
            JournalError::Io { .. } => (
                FailureKind::Failed,
                "pindeck writes nothing without its journal: repair it",
            ),
            JournalError::Busy { .. } => (FailureKind::Conflict, "wait for it to end"),
            JournalError::Gone { .. } => (FailureKind::Failed, "`pindeck resume` shows what the journal has now"),
            JournalError::Unreadable { .. } => (
                FailureKind::Failed,
                "look at it, and remove it with `pindeck resume --drop`",
            ),
            JournalError::TooLarge { .. } => (FailureKind::Failed, "write fewer services at once"),
        };
        Self::new(kind, error.to_string()).hint(hint)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::from(&error)
    }
}

/// When an [`Observer`] is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalMoment {
    /// The step is about to be written.
    Before,
    /// The step is on disk, and the folder is synced.
    After,
}

/// Told of every step of every write, just before and just after it is on disk. Tests end the process
/// there; nothing in pindeck sets one.
pub(crate) type Observer = Arc<dyn Fn(WriteStep, JournalMoment) + Send + Sync>;

/// The journal of one repository.
#[derive(Clone)]
pub(crate) struct Journal {
    dir: PathBuf,
    observer: Option<Observer>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// What stands in the journal.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A write that its process left behind.
    Left(JournalEntry),
    /// A write that another process is carrying out.
    UnderWay(JournalEntry),
    /// A file that cannot be read; its name is its id.
    Unreadable {
        /// The id of the entry, which is also the name of its file without the ending.
        id: String,
        /// What is wrong.
        error: JournalError,
    },
}

impl Journal {
    /// The journal of a repository; nothing is made until a write begins.
    pub(crate) fn of(repo: &GitRepo) -> Self {
        Self::open(&repo.common_dir().join("pindeck").join("journal"))
    }

    /// The journal in a folder.
    pub(crate) fn open(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            observer: None,
        }
    }

    /// The same journal, which tells `observer` of each step.
    #[must_use]
    pub(crate) fn observed(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Begins a write: from here on a crash leaves a trace.
    ///
    /// # Errors
    /// If it cannot be recorded; then nothing may be written.
    pub(crate) fn begin(&self, draft: NewEntry, now: Timestamp) -> Result<Running, JournalError> {
        fs::create_dir_all(&self.dir).map_err(|e| self.failed(&self.dir, e))?;
        // Locked first, then visible: a lock file that can be seen is locked, or was left behind.
        let lock = tempfile::Builder::new()
            .prefix(".lock-")
            .tempfile_in(&self.dir)
            .map_err(|e| self.failed(&self.dir, e))?;
        lock.as_file().lock().map_err(|e| self.failed(lock.path(), e))?;
        let unique = lock.path().file_name().map(|n| n.to_string_lossy().into_owned());
        let unique = unique.unwrap_or_default().trim_start_matches(".lock-").to_owned();
        let id = format!("{}-{unique}", now.strftime("%Y%m%dT%H%M%SZ"));
        let path = self.lock_path(&id);
        let lock = lock.persist_noclobber(&path).map_err(|e| self.failed(&path, e.error))?;
        let mut running = Running {
            journal: self.clone(),
            entry: JournalEntry::new(id, draft, now),
            _lock: lock,
        };
        if let Err(error) = running.record(WriteStep::Planned, now) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(running)
    }

    /// Everything that stands in the journal, oldest first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn pending(&self) -> Result<Vec<Pending>, JournalError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(&self.dir, error)),
        };
        let mut ids: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
            .filter(|id| !id.starts_with('.'))
            .collect();
        ids.sort();
        let mut all = Vec::new();
        for id in ids {
            let live = self.is_live(&id);
            match self.read(&id) {
                Ok(entry) if live => all.push(Pending::UnderWay(entry)),
                Ok(entry) => all.push(Pending::Left(entry)),
                // Finished while we looked.
                Err(JournalError::Gone { .. }) => {}
                Err(error) => all.push(Pending::Unreadable { id, error }),
            }
        }
        Ok(all)
    }

    /// Takes over a write that was left behind, so that nobody else does at the same time.
    ///
    /// # Errors
    /// If another process has it, it is gone, or it cannot be read.
    pub(crate) fn take(&self, id: &str) -> Result<Running, JournalError> {
        let lock = self.lock(id)?;
        // Whoever had the lock before us may have finished it.
        let entry = self.read(id)?;
        Ok(Running {
            journal: self.clone(),
            entry,
            _lock: lock,
        })
    }

    /// Forgets a write, readable or not. Nothing that it has done is undone.
    ///
    /// # Errors
    /// If another process has it, it is gone already, or it cannot be removed.
    pub(crate) fn forget(&self, id: &str) -> Result<(), JournalError> {
        let lock = self.lock(id)?;
        if !self.entry_path(id).exists() {
            return Err(JournalError::Gone { id: id.to_owned() });
        }
        self.remove(id)?;
        drop(lock);
        Ok(())
    }

    fn lock(&self, id: &str) -> Result<File, JournalError> {
        if !is_id(id) {
            return Err(JournalError::Gone { id: id.to_owned() });
        }
        let path = self.lock_path(id);
        if !self.entry_path(id).exists() {
            return Err(JournalError::Gone { id: id.to_owned() });
        }
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|e| self.failed(&path, e))?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                // Somebody has it, or only looks whether somebody has.
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
                Err(TryLockError::Error(error)) => return Err(self.failed(&path, error)),
            }
        }
        Err(JournalError::Busy { id: id.to_owned() })
    }

    /// Whether a process has the entry's lock.
    fn is_live(&self, id: &str) -> bool {
        let Ok(file) = File::open(self.lock_path(id)) else {
            return false;
        };
        // Shared, so that two who look do not take each other for a writer.
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    fn read(&self, id: &str) -> Result<JournalEntry, JournalError> {
        let path = self.entry_path(id);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::Gone { id: id.to_owned() });
            }
            Err(error) => return Err(self.failed(&path, error)),
        };
        let unreadable = |detail: String| JournalError::Unreadable {
            path: path.display().to_string(),
            detail,
        };
        let mut bytes = Vec::new();
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|e| self.failed(&path, e))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(unreadable("it is too large".to_owned()));
        }
        let entry = entry::parse(&bytes).map_err(unreadable)?;
        if entry.id != id {
            return Err(unreadable(format!(
                "it calls itself {}",
                crate::domain::text::Clean::from_untrusted(&entry.id)
            )));
        }
        Ok(entry)
    }

    fn save(&self, entry: &JournalEntry) -> Result<(), JournalError> {
        let path = self.entry_path(&entry.id);
        let failed = |e: io::Error| self.failed(&path, e);
        let bytes = serde_json::to_vec_pretty(entry).map_err(|e| failed(e.into()))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(JournalError::TooLarge {
                bytes: bytes.len(),
                max: MAX_BYTES,
            });
        }
        let mut file = tempfile::Builder::new()
            .prefix(".entry-")
            .tempfile_in(&self.dir)
            .map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|e| failed(e.error))?;
        self.sync()
    }

    fn remove(&self, id: &str) -> Result<(), JournalError> {
        for path in [self.entry_path(id), self.lock_path(id)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(&path, error)),
                _ => {}
            }
        }
        self.sync()
    }

    /// A rename or a removal is on disk once its folder is.
    fn sync(&self) -> Result<(), JournalError> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|e| self.failed(&self.dir, e))
    }

    fn entry_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.lock"))
    }

    fn failed(&self, path: &Path, source: io::Error) -> JournalError {
        JournalError::Io {
            path: path.display().to_string(),
            source,
        }
    }

    fn tell(&self, step: WriteStep, moment: JournalMoment) {
        if let Some(observer) = &self.observer {
            observer(step, moment);
        }
    }
}

/// Whether a text can be an id: ids become names of files, so they must not lead to another folder.
fn is_id(id: &str) -> bool {
    !id.is_empty() && !id.starts_with('.') && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// A write that this process carries out. Dropping it leaves the entry in the journal.
#[derive(Debug)]
pub(crate) struct Running {
    journal: Journal,
    entry: JournalEntry,
    _lock: File,
}

impl Running {
    /// The entry as it is on disk.
    pub(crate) fn entry(&self) -> &JournalEntry {
        &self.entry
    }

    /// Records that a step is about to be taken ([`WriteStep::Copying`], [`WriteStep::Pushing`]) or is done. Only
    /// when this returns may the next thing happen.
    ///
    /// # Errors
    /// If it cannot be recorded; then the next thing must not happen.
    pub(crate) fn step(&mut self, step: WriteStep, now: Timestamp) -> Result<(), JournalError> {
        self.record(step, now)
    }

    /// Records the commits that were made on `base`, before they are pushed.
    ///
    /// # Errors
    /// If it cannot be recorded; then they must not be pushed.
    pub(crate) fn committed(&mut self, base: &str, commits: &[String], now: Timestamp) -> Result<(), JournalError> {
        base.clone_into(&mut self.entry.base);
        self.entry.commits = commits.to_vec();
        self.record(WriteStep::Committed, now)
    }

    /// Records what is about to be pushed on its own, before the commits of the write.
    ///
    /// # Errors
    /// If it cannot be recorded; then it must not be pushed.
    pub(crate) fn pushes_first(&mut self, first: FirstPush, now: Timestamp) -> Result<(), JournalError> {
        if self.entry.first.as_ref() == Some(&first) {
            return Ok(());
        }
        self.entry.first = Some(first);
        self.entry.reached = now;
        self.journal.save(&self.entry)
    }

    /// Removes the entry: the write is over, whether it landed or not.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub(crate) fn done(self) -> Result<(), JournalError> {
        self.journal.tell(WriteStep::Done, JournalMoment::Before);
        self.journal.remove(&self.entry.id)?;
        self.journal.tell(WriteStep::Done, JournalMoment::After);
        Ok(())
    }

    fn record(&mut self, step: WriteStep, now: Timestamp) -> Result<(), JournalError> {
        self.journal.tell(step, JournalMoment::Before);
        self.entry.step = step;
        self.entry.reached = now;
        self.journal.save(&self.entry)?;
        self.journal.tell(step, JournalMoment::After);
        Ok(())
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;

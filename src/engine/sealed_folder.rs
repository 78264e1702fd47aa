//! A folder of what pindeck keeps for itself and believes when it reads it again.
//!
//! Entries are written whole or not at all (temporary file, then rename), carry a seal under a key that lies
//! outside the folder, and are removed when the seal is not theirs: what another program writes here is never
//! believed. The folder is disposable, bounded, and safe for several processes at once.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::id::Digest;
use crate::sources::evidence::SealKey;

/// Part of the entries that is removed when there are too many: one in so many, and one at least.
const EVICTED: usize = 10;

/// How the names of files that are still being written begin.
const UNFINISHED: &str = ".unfinished-";

/// Unfinished files that are older than this belong to a process that died.
const STALE: Duration = Duration::from_secs(3600);

/// A bounded folder of sealed entries.
#[derive(Debug, Clone)]
pub(super) struct SealedFolder {
    dir: PathBuf,
    key: SealKey,
    bounds: FolderBounds,
    /// How many entries there are, counted once and kept in memory; `None` until the first is written.
    entries: Arc<Mutex<Option<usize>>>,
}

/// How much a folder keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct FolderBounds {
    /// Entries, at most.
    pub(super) entries: usize,
    /// Bytes of one entry, at most; a longer one is neither written nor read.
    pub(super) entry_bytes: usize,
}

impl SealedFolder {
    /// The entries in `dir`, sealed under a key.
    pub(super) fn new(dir: PathBuf, key: SealKey, bounds: FolderBounds) -> Self {
        Self {
            dir,
            key,
            bounds,
            entries: Arc::default(),
        }
    }

    /// The entry of a name, if there is a whole one that was sealed here. Any other is removed.
    pub(super) fn get(&self, name: Digest) -> Option<String> {
        String::from_utf8(self.get_bytes(name)?).ok()
    }

    /// The same of an entry that is no text.
    pub(super) fn get_bytes(&self, name: Digest) -> Option<Vec<u8>> {
        let name = name.hex();
        let path = self.dir.join(&name);
        let about = fs::symlink_metadata(&path).ok()?;
        // Nothing else is opened: a link would lead elsewhere, and a FIFO would stop the program.
        let is_read = about.is_file() && about.len() <= self.longest_file();
        let whole = if is_read { fs::read(&path).ok() } else { None };
        let body = whole.and_then(|mut whole| {
            let length = self.key.unsealed(&name, &whole)?.len();
            // In its place: entries are large, and fresh memory costs more than what is copied.
            whole.drain(..whole.len() - length);
            Some(whole)
        });
        if body.is_none() {
            let _ = fs::remove_file(&path);
        }
        body
    }

    /// Keeps an entry. A folder that cannot be written is no failure of the question.
    pub(super) fn put(&self, name: Digest, body: &str) {
        self.put_bytes(name, body.as_bytes());
    }

    /// The same of an entry that is no text.
    pub(super) fn put_bytes(&self, name: Digest, body: &[u8]) {
        if body.len() <= self.bounds.entry_bytes {
            let _ = self.try_put(&name.hex(), body);
        }
    }

    /// Removes an entry that nobody can read.
    pub(super) fn remove(&self, name: Digest) {
        let _ = fs::remove_file(self.dir.join(name.hex()));
    }

    fn longest_file(&self) -> u64 {
        // The seal and the end of its line.
        self.bounds.entry_bytes as u64 + 100
    }

    fn try_put(&self, name: &str, body: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.dir)?;
        writeln!(file, "{}", self.key.seal(name, body))?;
        file.write_all(body)?;
        file.persist(self.dir.join(name)).map_err(|e| e.error)?;
        self.count_one_more()
    }

    /// Counts an entry and removes the oldest where there are too many. The folder is read for the first entry
    /// and when the bound is passed, never for each. Replaced entries count twice until it is read again.
    fn count_one_more(&self) -> io::Result<()> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = match *entries {
            Some(known) => known + 1,
            None => self::entries(&self.dir)?.len(),
        };
        *entries = Some(counted);
        if counted > self.bounds.entries {
            *entries = Some(self.evict()?);
        }
        Ok(())
    }

    /// Removes the oldest entries; how many are left. More go than must, so that this is seldom done.
    fn evict(&self) -> io::Result<usize> {
        self.remove_stale()?;
        let mut entries = entries(&self.dir)?;
        if entries.len() <= self.bounds.entries {
            return Ok(entries.len());
        }
        let age = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).ok();
        entries.sort_by_cached_key(age);
        let left = self.bounds.entries - self.bounds.entries / EVICTED;
        let surplus = entries.len() - left;
        for entry in entries.into_iter().take(surplus) {
            let _ = fs::remove_file(entry);
        }
        Ok(left)
    }

    fn remove_stale(&self) -> io::Result<()> {
        for file in fs::read_dir(&self.dir)?.flatten() {
            let is_unfinished = file.file_name().to_string_lossy().starts_with(UNFINISHED);
            let written = file.metadata().and_then(|about| about.modified());
            if is_unfinished && written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE)) {
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }
}

/// The entries in a folder, by their paths: files that are named by 64 hexadecimal digits. Whatever else lies there is
/// somebody else's.
///
/// # Errors
/// If the folder cannot be read. One that is not there has none.
pub(super) fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let files = match fs::read_dir(dir) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let is_ours = |file: &fs::DirEntry| {
        let name = file.file_name();
        name.to_str().is_some_and(|name| Digest::from_hex(name).is_ok())
    };
    Ok(files.flatten().filter(is_ours).map(|file| file.path()).collect())
}

/// Builds the name of an entry, part by part.
#[derive(Debug)]
pub(crate) struct EntryName(Vec<u8>);

impl EntryName {
    /// A name for the running version of pindeck, and for this version of what the entries mean.
    pub(super) fn new(meaning: u32) -> Self {
        let mut name = Self(Vec::new());
        name.part(env!("CARGO_PKG_VERSION").as_bytes())
            .part(&meaning.to_be_bytes());
        name
    }

    /// Adds one part; lengths keep parts apart.
    pub(crate) fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// The whole.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_entries_are_counted_and_evicted() {
        let home = tempfile::tempdir().expect("a folder");
        let key = SealKey::of_file(&home.path().join("state/key")).expect("a key");
        let bounds = FolderBounds {
            entries: 3,
            entry_bytes: 10,
        };
        let dir = home.path().join("kept");
        let folder = SealedFolder::new(dir.clone(), key, bounds);
        let name = |n: u8| Digest::of(&[n]);
        fs::create_dir_all(&dir).expect("made");
        fs::write(dir.join("thesis.txt"), "mine").expect("written");
        for n in 0..10 {
            folder.put(name(n), "ten bytes!");
        }
        folder.put(name(11), "eleven bytes");
        assert_eq!(entries(&dir).expect("readable").len(), 3);
        assert_eq!(folder.get(name(9)).as_deref(), Some("ten bytes!"));
        assert_eq!(folder.get(name(11)), None);
        assert!(dir.join("thesis.txt").exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_opened() {
        let home = tempfile::tempdir().expect("a folder");
        let key = SealKey::of_file(&home.path().join("state/key")).expect("a key");
        let bounds = FolderBounds {
            entries: 3,
            entry_bytes: 10,
        };
        let folder = SealedFolder::new(home.path().to_path_buf(), key, bounds);
        let name = Digest::of(b"a");
        std::os::unix::fs::symlink("/dev/zero", home.path().join(name.hex())).expect("a link");
        assert_eq!(folder.get(name), None);
        assert!(!home.path().join(name.hex()).exists());
    }
}

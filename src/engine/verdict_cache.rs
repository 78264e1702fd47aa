//! Checked evidence, kept on disk (docs/reference/evidence.md, rule 9). The key contains everything that decides the
//! outcome of the checks: the digest, the set of statements, the policy with its trust roots, the
//! service and its signer. The verdict itself is made anew each time from the kept evidence, so that
//! ages and windows are judged at the time of asking.
//!
//! Entries are written whole or not at all (temporary file, then rename), carry a seal under a key that lies
//! outside the folder, and are removed when the seal is not theirs: what another program writes here is never
//! believed. The folder is disposable.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::evidence::Evidence;
use crate::domain::id::Digest;
use crate::sources::evidence::SealKey;

/// Name of the folder, in the cache.
pub(crate) const FOLDER: &str = "verdicts";

/// Raised whenever checking changes its answers: older entries are then never found again.
const CHECKS_VERSION: u32 = 5;

/// Part of the entries that is removed when there are too many: one in so many.
const EVICTED: usize = 10;

/// A bounded folder of checked evidence.
#[derive(Debug, Clone)]
pub(crate) struct VerdictCache {
    dir: PathBuf,
    key: SealKey,
    max_entries: usize,
    /// How many entries there are, counted once and kept in memory; `None` until the first is written.
    entries: Arc<Mutex<Option<usize>>>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checked {
    /// When the checks ran.
    pub at: Timestamp,
    /// What counts for the verdict.
    pub counted: Vec<Evidence>,
    /// What is shown beside it.
    pub shown: Vec<Evidence>,
}

/// Builds the key of an entry, part by part.
#[derive(Debug)]
pub(crate) struct VerdictKey(Vec<u8>);

impl VerdictKey {
    /// A key for the running version of pindeck.
    pub(crate) fn new() -> Self {
        let mut key = Self(Vec::new());
        key.part(env!("CARGO_PKG_VERSION").as_bytes())
            .part(&CHECKS_VERSION.to_be_bytes());
        key
    }

    /// Adds one part; lengths keep parts apart.
    pub(crate) fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    fn name(&self) -> String {
        Digest::of(&self.0).hex()
    }
}

impl Default for VerdictKey {
    fn default() -> Self {
        Self::new()
    }
}

impl VerdictCache {
    /// A cache in `dir` that keeps at most `max_entries`, sealed under a key.
    pub(crate) fn new(dir: PathBuf, key: SealKey, max_entries: usize) -> Self {
        Self {
            dir,
            key,
            max_entries,
            entries: Arc::default(),
        }
    }

    /// The entry, if there is a whole one.
    pub(crate) fn get(&self, key: &VerdictKey) -> Option<Checked> {
        let path = self.dir.join(key.name());
        let text = fs::read_to_string(&path).ok()?;
        let whole = text.split_once('\n').and_then(|(seal, body)| {
            let ours = self.key.is_seal(seal, &key.name(), body.as_bytes());
            ours.then(|| serde_json::from_str(body).ok()).flatten()
        });
        if whole.is_none() {
            let _ = fs::remove_file(&path);
        }
        whole
    }

    /// Keeps an entry. A cache that cannot be written is no failure of the question.
    pub(crate) fn put(&self, key: &VerdictKey, entry: &Checked) {
        let _ = self.try_put(key, entry);
    }

    fn try_put(&self, key: &VerdictKey, entry: &Checked) -> std::io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let body = serde_json::to_string(entry)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        let name = key.name();
        write!(file, "{}\n{body}", self.key.seal(&name, body.as_bytes()))?;
        file.persist(self.dir.join(name)).map_err(|e| e.error)?;
        self.count_one_more()
    }

    /// Counts an entry and removes the oldest where there are too many. The folder is read for the first entry
    /// and when the bound is passed, never for each. Replaced entries count twice until it is read again.
    fn count_one_more(&self) -> std::io::Result<()> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = match *entries {
            Some(known) => known + 1,
            None => fs::read_dir(&self.dir)?.flatten().count(),
        };
        *entries = Some(counted);
        if counted > self.max_entries {
            *entries = Some(self.evict()?);
        }
        Ok(())
    }

    /// Removes the oldest entries; how many are left. More go than must, so that this is seldom done.
    fn evict(&self) -> std::io::Result<usize> {
        let mut entries: Vec<_> = fs::read_dir(&self.dir)?.flatten().collect();
        if entries.len() <= self.max_entries {
            return Ok(entries.len());
        }
        let age = |e: &fs::DirEntry| e.metadata().and_then(|m| m.modified()).ok();
        entries.sort_by_cached_key(age);
        let left = self.max_entries - self.max_entries / EVICTED;
        let surplus = entries.len() - left;
        for entry in entries.into_iter().take(surplus) {
            let _ = fs::remove_file(entry.path());
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> VerdictKey {
        let mut key = VerdictKey::new();
        key.part(text.as_bytes());
        key
    }

    /// A cache in a folder whose key lies outside of it.
    fn cache(home: &std::path::Path, max_entries: usize) -> VerdictCache {
        let key = SealKey::of_file(&home.join("state/key")).expect("a key");
        VerdictCache::new(home.join("verdicts"), key, max_entries)
    }

    fn entry() -> Checked {
        Checked {
            at: Timestamp::UNIX_EPOCH,
            counted: Vec::new(),
            shown: Vec::new(),
        }
    }

    #[test]
    fn keeps_and_finds() {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = cache(dir.path(), 4);
        assert_eq!(cache.get(&key("a")), None);
        cache.put(&key("a"), &entry());
        assert_eq!(cache.get(&key("a")), Some(entry()));
        assert_eq!(cache.get(&key("b")), None);
    }

    #[test]
    fn a_damaged_entry_is_dropped() {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = cache(dir.path(), 4);
        cache.put(&key("a"), &entry());
        let path = dir.path().join("verdicts").join(key("a").name());
        let text = fs::read_to_string(&path).expect("written");
        for broken in [&text[..text.len() / 2], "", "nonsense", &text.replace("1970", "2070")] {
            fs::write(&path, broken).expect("writable");
            assert_eq!(cache.get(&key("a")), None, "{broken:?}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn stays_bounded() {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = cache(dir.path(), 3);
        for n in 0..10 {
            cache.put(&key(&n.to_string()), &entry());
        }
        assert_eq!(fs::read_dir(dir.path().join("verdicts")).expect("readable").count(), 3);
    }

    #[test]
    fn what_another_program_wrote_is_never_believed() {
        let dir = tempfile::tempdir().expect("a folder");
        let (ours, theirs) = (cache(dir.path(), 4), tempfile::tempdir().expect("a folder"));
        let foreign = cache(theirs.path(), 4);
        foreign.put(&key("a"), &entry());
        fs::create_dir_all(dir.path().join("verdicts")).expect("made");
        let name = key("a").name();
        let copy = |from: &std::path::Path, to: &str| {
            fs::copy(from, dir.path().join("verdicts").join(to)).expect("copied");
        };
        // Sealed under another key.
        copy(&theirs.path().join("verdicts").join(&name), &name);
        assert_eq!(ours.get(&key("a")), None);
        // With a checksum that anybody can make.
        let body = serde_json::to_string(&entry()).expect("JSON");
        let forged = format!("{}\n{body}", Digest::of(body.as_bytes()));
        fs::write(dir.path().join("verdicts").join(&name), forged).expect("written");
        assert_eq!(ours.get(&key("a")), None);
        // Our own entry about something else, under this name.
        ours.put(&key("b"), &entry());
        copy(&dir.path().join("verdicts").join(key("b").name()), &name);
        assert_eq!(ours.get(&key("a")), None);
        assert_eq!(ours.get(&key("b")), Some(entry()));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(key("ab").part(b"c").name(), key("a").part(b"bc").name());
    }
}

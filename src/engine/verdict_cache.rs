//! Checked evidence, kept on disk (docs/reference/evidence.md, rule 9). The key holds everything that decides the
//! outcome of the checks: the digest, the set of statements, the policy with its trust roots, the
//! service and its signer. The verdict itself is made anew each time from the kept evidence, so that
//! ages and windows are judged at the time of asking.
//!
//! Entries are written whole or not at all (temporary file, then rename), carry their own checksum,
//! and are dropped when anything about them is odd. The folder is disposable.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::evidence::Evidence;
use crate::domain::id::Digest;

/// Raised whenever checking changes its answers: older entries are then never found again.
const CHECKS_VERSION: u32 = 5;

/// A bounded folder of checked evidence.
#[derive(Debug, Clone)]
pub struct VerdictCache {
    dir: PathBuf,
    max_entries: usize,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// When the checks ran.
    pub at: Timestamp,
    /// What counts for the verdict.
    pub counted: Vec<Evidence>,
    /// What is shown beside it.
    pub shown: Vec<Evidence>,
}

/// Builds the key of an entry, part by part.
#[derive(Debug)]
pub struct Key(Vec<u8>);

impl Key {
    /// A key for the running version of pindeck.
    pub fn new() -> Self {
        let mut key = Self(Vec::new());
        key.part(env!("CARGO_PKG_VERSION").as_bytes())
            .part(&CHECKS_VERSION.to_be_bytes());
        key
    }

    /// Adds one part; lengths keep parts apart.
    pub fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    fn name(&self) -> String {
        Digest::of(&self.0).hex()
    }
}

impl Default for Key {
    fn default() -> Self {
        Self::new()
    }
}

impl VerdictCache {
    /// A cache in `dir` that keeps at most `max_entries`.
    pub fn new(dir: PathBuf, max_entries: usize) -> Self {
        Self { dir, max_entries }
    }

    /// The entry, if there is a whole one.
    pub fn get(&self, key: &Key) -> Option<Checked> {
        let path = self.dir.join(key.name());
        let text = fs::read_to_string(&path).ok()?;
        let whole = text.split_once('\n').and_then(|(sum, body)| {
            let sum: Digest = sum.parse().ok()?;
            (Digest::of(body.as_bytes()) == sum)
                .then(|| serde_json::from_str(body).ok())
                .flatten()
        });
        if whole.is_none() {
            let _ = fs::remove_file(&path);
        }
        whole
    }

    /// Keeps an entry. A cache that cannot be written is no failure of the question.
    pub fn put(&self, key: &Key, entry: &Checked) {
        let _ = self.try_put(key, entry);
    }

    fn try_put(&self, key: &Key, entry: &Checked) -> std::io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let body = serde_json::to_string(entry)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        write!(file, "{}\n{body}", Digest::of(body.as_bytes()))?;
        file.persist(self.dir.join(key.name())).map_err(|e| e.error)?;
        self.evict()
    }

    fn evict(&self) -> std::io::Result<()> {
        let mut entries: Vec<_> = fs::read_dir(&self.dir)?.flatten().collect();
        if entries.len() <= self.max_entries {
            return Ok(());
        }
        let age = |e: &fs::DirEntry| e.metadata().and_then(|m| m.modified()).ok();
        entries.sort_by_key(age);
        let surplus = entries.len() - self.max_entries;
        for entry in entries.into_iter().take(surplus) {
            let _ = fs::remove_file(entry.path());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        let mut key = Key::new();
        key.part(text.as_bytes());
        key
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
        let cache = VerdictCache::new(dir.path().join("verdicts"), 4);
        assert_eq!(cache.get(&key("a")), None);
        cache.put(&key("a"), &entry());
        assert_eq!(cache.get(&key("a")), Some(entry()));
        assert_eq!(cache.get(&key("b")), None);
    }

    #[test]
    fn a_damaged_entry_is_dropped() {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = VerdictCache::new(dir.path().to_owned(), 4);
        cache.put(&key("a"), &entry());
        let path = dir.path().join(key("a").name());
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
        let cache = VerdictCache::new(dir.path().to_owned(), 3);
        for n in 0..10 {
            cache.put(&key(&n.to_string()), &entry());
        }
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 3);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(key("ab").part(b"c").name(), key("a").part(b"bc").name());
    }
}

//! Checked evidence, kept on disk (docs/reference/evidence.md, rule 9). The key contains everything that decides the
//! outcome of the checks: the digest, the set of statements, the policy with its trust roots, the
//! service and its signer. The verdict itself is made anew each time from the kept evidence, so that
//! ages and windows are judged at the time of asking.
//!
//! Entries lie in a [`SealedFolder`]: what another program writes there is never believed.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sealed_folder::{EntryName, FolderBounds, SealedFolder};
use crate::domain::evidence::Evidence;
use crate::sources::evidence::SealKey;

/// Name of the folder, in the cache.
pub(crate) const FOLDER: &str = "verdicts";

/// Raised whenever checking changes its answers: older entries are then never found again.
const CHECKS_VERSION: u32 = 5;

/// Most bytes of one entry.
const ENTRY_BYTES: usize = 64 << 20;

/// A bounded folder of checked evidence.
#[derive(Debug, Clone)]
pub(crate) struct VerdictCache(SealedFolder);

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

/// A key for the running version of pindeck, to which everything is added that decides the outcome.
pub(crate) fn verdict_key() -> EntryName {
    EntryName::new(CHECKS_VERSION)
}

impl VerdictCache {
    /// A cache in `dir` that keeps at most `max_entries`, sealed under a key.
    pub(crate) fn new(dir: PathBuf, key: SealKey, max_entries: usize) -> Self {
        let bounds = FolderBounds {
            entries: max_entries,
            entry_bytes: ENTRY_BYTES,
        };
        Self(SealedFolder::new(dir, key, bounds))
    }

    /// The entry, if there is a whole one.
    pub(crate) fn get(&self, key: &EntryName) -> Option<Checked> {
        let name = key.digest();
        let read = serde_json::from_str(&self.0.get(name)?).ok();
        if read.is_none() {
            self.0.remove(name);
        }
        read
    }

    /// Keeps an entry. A cache that cannot be written is no failure of the question.
    pub(crate) fn put(&self, key: &EntryName, entry: &Checked) {
        if let Ok(body) = serde_json::to_string(entry) {
            self.0.put(key.digest(), &body);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::id::Digest;

    fn key(text: &str) -> EntryName {
        let mut key = verdict_key();
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
        let path = dir.path().join("verdicts").join(key("a").digest().hex());
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
        let name = key("a").digest().hex();
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
        copy(&dir.path().join("verdicts").join(key("b").digest().hex()), &name);
        assert_eq!(ours.get(&key("a")), None);
        assert_eq!(ours.get(&key("b")), Some(entry()));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(key("ab").part(b"c").digest(), key("a").part(b"bc").digest());
    }
}

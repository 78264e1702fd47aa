//! Checked evidence, kept on disk (docs/reference/evidence.md, rule 9). The key contains everything that decides the
//! outcome of the checks: the digest, the set of statements, the policy with its trust roots, the
//! service and its signer. The verdict itself is made anew each time from the kept evidence, so that
//! ages and windows are judged at the time of asking.
//!
//! Entries lie in packs, a large one in a [`SealedFolder`]. All of them are sealed: what another program writes there is
//! never believed.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sealed_folder::{EntryName, FolderBounds, SealedFolder};
use crate::domain::evidence::Evidence;
use crate::sources::evidence::SealKey;
use crate::sources::packs::Packs;

/// Name of the folder, in the cache.
pub(crate) const FOLDER: &str = "verdicts";

/// Raised whenever checking changes its answers: older entries are then never found again.
const CHECKS_VERSION: u32 = 5;

/// Most bytes of one entry.
const ENTRY_BYTES: usize = 64 << 20;

/// An entry of at most so many bytes lies in a pack.
const SMALL: usize = 64 << 10;

/// Most bytes of all packs: some fifty thousand entries of the usual size.
const PACKS_BYTES: u64 = 256 << 20;

/// A bounded folder of checked evidence.
#[derive(Debug, Clone)]
pub(crate) struct VerdictCache {
    packs: Packs,
    key: SealKey,
    /// Entries that are too large for a pack.
    large: SealedFolder,
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

/// A key for the running version of pindeck, to which everything is added that decides the outcome.
pub(crate) fn verdict_key() -> EntryName {
    EntryName::new(CHECKS_VERSION)
}

impl VerdictCache {
    /// A cache in `dir`, sealed under a key, that keeps at most `max_large` entries that are too large for a pack.
    pub(crate) fn new(dir: PathBuf, key: SealKey, max_large: usize) -> Self {
        let bounds = FolderBounds {
            entries: max_large,
            entry_bytes: ENTRY_BYTES,
        };
        Self {
            packs: packs(&dir),
            key: key.clone(),
            large: SealedFolder::new(dir, key, bounds),
        }
    }

    /// The entry, if there is a whole one.
    pub(crate) fn get(&self, key: &EntryName) -> Option<Checked> {
        let name = key.digest();
        if let Some(entry) = self.packs.get(&name) {
            let read = self.key.unsealed(&name.hex(), &entry);
            let read = read.and_then(|body| serde_json::from_slice(body).ok());
            if read.is_none() {
                self.packs.forget(&name);
            }
            return read;
        }
        let read = serde_json::from_str(&self.large.get(name)?).ok();
        if read.is_none() {
            self.large.remove(name);
        }
        read
    }

    /// Keeps an entry. A cache that cannot be written is no failure of the question.
    pub(crate) fn put(&self, key: &EntryName, entry: &Checked) {
        let Ok(body) = serde_json::to_string(entry) else { return };
        let name = key.digest();
        if body.len() > SMALL {
            return self.large.put(name, &body);
        }
        let seal = self.key.seal(&name.hex(), body.as_bytes());
        self.packs.put(&name, &[seal.as_bytes(), b"\n", body.as_bytes()]);
    }
}

/// The packs of the cache in `dir`.
pub(super) fn packs(dir: &Path) -> Packs {
    Packs::new(dir.to_owned(), PACKS_BYTES)
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
        let text = cache.packs.get(&key("a").digest()).expect("written");
        let text = String::from_utf8(text).expect("text");
        for broken in [&text[..text.len() / 2], "", "nonsense", &text.replace("1970", "2070")] {
            cache.packs.put(&key("a").digest(), &[broken.as_bytes()]);
            assert_eq!(cache.get(&key("a")), None, "{broken:?}");
            // The same in a file of its own, where a large one lies.
            let path = dir.path().join("verdicts").join(key("a").digest().hex());
            fs::write(&path, broken).expect("writable");
            assert_eq!(cache.get(&key("a")), None, "{broken:?}");
            assert!(!path.exists());
        }
        cache.put(&key("a"), &entry());
        assert_eq!(cache.get(&key("a")), Some(entry()));
    }

    #[test]
    fn what_another_program_wrote_is_never_believed() {
        let dir = tempfile::tempdir().expect("a folder");
        let (ours, theirs) = (cache(dir.path(), 4), tempfile::tempdir().expect("a folder"));
        let foreign = cache(theirs.path(), 4);
        foreign.put(&key("a"), &entry());
        let name = key("a").digest();
        ours.put(&key("b"), &entry());
        let body = serde_json::to_string(&entry()).expect("JSON");
        let wrong = [
            // Sealed under another key.
            foreign.packs.get(&name).expect("kept"),
            // With a checksum that anybody can make.
            format!("{}\n{body}", Digest::of(body.as_bytes())).into_bytes(),
            // Our own entry about something else, under this name.
            ours.packs.get(&key("b").digest()).expect("kept"),
        ];
        for entry in wrong {
            ours.packs.put(&name, &[&entry]);
            assert_eq!(ours.get(&key("a")), None);
            let path = dir.path().join("verdicts").join(name.hex());
            fs::write(&path, &entry).expect("writable");
            assert_eq!(ours.get(&key("a")), None);
            assert!(!path.exists());
        }
        assert_eq!(ours.get(&key("b")), Some(entry()));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(key("ab").part(b"c").digest(), key("a").part(b"bc").digest());
    }
}

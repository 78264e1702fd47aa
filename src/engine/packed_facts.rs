//! Many small facts in one sealed entry: what follows from contents and commits alone, whatever the policy of the day is.
//!
//! A fact has a key that names everything that it follows from besides the running program, and is never changed. The
//! entry is read whole, and written whole when facts were added: of several processes the last one's is kept, and what
//! another one added is found out again another time.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::compact::{put_piece, take_piece};
use super::sealed_folder::{EntryName, FolderBounds, SealedFolder};
use crate::domain::id::Digest;
use crate::sources::evidence::SealKey;

/// Name of the folder, in the cache.
pub(super) const FOLDER: &str = "facts";

/// Raised whenever the layout of entries changes.
const LAYOUT: u32 = 1;

/// A few kinds of facts of a few repositories.
const BOUNDS: FolderBounds = FolderBounds {
    entries: 24,
    entry_bytes: 32 << 20,
};

/// An entry that is written whenever something was added.
const SMALL: usize = 256 << 10;

/// To a larger one, less than this part of it is not worth writing.
const LITTLE: usize = 100;

/// The facts of one kind about one repository.
#[derive(Debug)]
pub(crate) struct PackedFacts {
    folder: SealedFolder,
    name: Digest,
    bytes: Vec<u8>,
    /// In the order of their keys.
    facts: Vec<PackedFact>,
    /// How the key of each begins: looked through first, because they lie side by side.
    beginnings: Vec<KeyBeginning>,
    added: Mutex<AddedFacts>,
}

/// The facts of this run.
#[derive(Debug, Default)]
struct AddedFacts {
    all: HashMap<Vec<u8>, Vec<u8>>,
    /// Bytes of all of them: no more are added than an entry has room for.
    bytes: usize,
    /// All of them were written.
    are_saved: bool,
}

/// The first bytes of a key, in the order of keys.
type KeyBeginning = [u8; 16];

fn beginning(key: &[u8]) -> KeyBeginning {
    let mut out = KeyBeginning::default();
    let length = key.len().min(out.len());
    out[..length].copy_from_slice(&key[..length]);
    out
}

/// Where a fact stands among the bytes.
#[derive(Debug)]
struct PackedFact {
    key: Range<usize>,
    value: Range<usize>,
    /// Somebody asked for it in this run: it is kept when there is no room for all.
    is_used: AtomicBool,
}

impl PackedFacts {
    /// The facts of a kind, as they were kept of a repository: those of this very program only.
    pub(super) fn open(cache: &Path, key: SealKey, kind: &str, repository: &str) -> Self {
        let folder = SealedFolder::new(cache.join(FOLDER), key, BOUNDS);
        let mut name = EntryName::new(LAYOUT);
        name.part(kind.as_bytes())
            .part(env!("PINDECK_SOURCES").as_bytes())
            .part(repository.as_bytes());
        let name = name.digest();
        let bytes = folder.get_bytes(name).unwrap_or_default();
        let facts = facts(&bytes);
        if facts.is_none() && !bytes.is_empty() {
            folder.remove(name);
        }
        let facts = facts.unwrap_or_default();
        Self {
            folder,
            name,
            beginnings: facts.iter().map(|fact| beginning(&bytes[fact.key.clone()])).collect(),
            facts,
            bytes,
            added: Mutex::default(),
        }
    }

    /// Reads a fact of this run or an earlier one, if there is any.
    pub(super) fn read<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        if let Some(value) = self.added().all.get(key) {
            return read(value);
        }
        let begins = beginning(key);
        let first = self.beginnings.partition_point(|one| *one < begins);
        let alike = self.beginnings[first..].partition_point(|one| *one == begins);
        let facts = &self.facts[first..first + alike];
        let at = facts.binary_search_by(|fact| self.bytes[fact.key.clone()].cmp(key));
        let fact = &facts[at.ok()?];
        fact.is_used.store(true, Ordering::Relaxed);
        read(&self.bytes[fact.value.clone()])
    }

    /// Adds one for later runs, in the place of one that said less.
    pub(super) fn add(&self, key: Vec<u8>, value: Vec<u8>) {
        let mut added = self.added();
        let bytes = added.bytes + key.len() + value.len() + LENGTHS;
        if bytes <= BOUNDS.entry_bytes && added.all.get(&key) != Some(&value) {
            added.bytes = bytes;
            added.are_saved = false;
            added.all.insert(key, value);
        }
    }

    /// Writes what was added, if that is worth writing all: a little is found out again as fast. Where there is no room for
    /// all, those go that nobody asked for in this run.
    pub(super) fn save(&self) {
        let mut added = self.added();
        let is_little = self.bytes.len() > SMALL && added.bytes < self.bytes.len() / LITTLE;
        if added.all.is_empty() || added.are_saved || is_little {
            return;
        }
        added.are_saved = true;
        let added = &*added;
        let mut room = BOUNDS.entry_bytes;
        let mut kept: Vec<(&[u8], &[u8])> = Vec::new();
        let used = |is_used: bool| {
            let mine = self.facts.iter();
            let mine = mine.filter(move |fact| fact.is_used.load(Ordering::Relaxed) == is_used);
            let mine = mine.map(|fact| (&self.bytes[fact.key.clone()], &self.bytes[fact.value.clone()]));
            mine.filter(|(key, _)| !added.all.contains_key(*key))
        };
        let new = added.all.iter().map(|(key, value)| (key.as_slice(), value.as_slice()));
        for (key, value) in new.chain(used(true)).chain(used(false)) {
            let Some(left) = room.checked_sub(key.len() + value.len() + LENGTHS) else {
                break;
            };
            room = left;
            kept.push((key, value));
        }
        kept.sort_unstable();
        let mut body = Vec::with_capacity(BOUNDS.entry_bytes - room);
        for (key, value) in kept {
            put_piece(&mut body, key);
            put_piece(&mut body, value);
        }
        self.folder.put_bytes(self.name, &body);
    }

    fn added(&self) -> std::sync::MutexGuard<'_, AddedFacts> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the lengths of a key and a value take.
const LENGTHS: usize = 8;

/// Where each fact stands; `None` = the bytes are no facts in the order of their keys.
fn facts(bytes: &[u8]) -> Option<Vec<PackedFact>> {
    let mut facts: Vec<PackedFact> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut part = || {
            let length = take_piece(&mut rest)?.len();
            let end = bytes.len() - rest.len();
            Some(end - length..end)
        };
        let (key, value) = (part()?, part()?);
        if facts
            .last()
            .is_some_and(|last| bytes[last.key.clone()] >= bytes[key.clone()])
        {
            return None;
        }
        facts.push(PackedFact {
            key,
            value,
            is_used: AtomicBool::new(false),
        });
    }
    Some(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(home: &Path) -> PackedFacts {
        let key = SealKey::of_file(&home.join("state/key")).expect("a key");
        PackedFacts::open(&home.join("cache"), key, "kind", "/a/repository")
    }

    fn get(facts: &PackedFacts, key: &[u8]) -> Option<Vec<u8>> {
        facts.read(key, |value| Some(value.to_vec()))
    }

    #[test]
    fn what_was_added_is_there_for_the_next() {
        let home = tempfile::tempdir().expect("a folder");
        let first = open(home.path());
        assert_eq!(get(&first, b"a"), None);
        for (key, value) in [("b", ""), ("a", "one"), ("", "two")] {
            first.add(key.into(), value.into());
        }
        first.save();
        let second = open(home.path());
        assert_eq!(get(&second, b"a"), Some(b"one".to_vec()));
        assert_eq!(get(&second, b"b"), Some(Vec::new()));
        assert_eq!(get(&second, b""), Some(b"two".to_vec()));
        assert_eq!(get(&second, b"c"), None);
        second.add(b"c".to_vec(), b"three".to_vec());
        second.save();
        let third = open(home.path());
        assert_eq!(
            (get(&third, b"a"), get(&third, b"c")),
            (Some(b"one".to_vec()), Some(b"three".to_vec()))
        );
    }

    #[test]
    fn where_there_is_no_room_for_all_those_go_that_nobody_asks_for() {
        let home = tempfile::tempdir().expect("a folder");
        let half = || vec![7; BOUNDS.entry_bytes / 2 - 100];
        let first = open(home.path());
        first.add(b"a".to_vec(), half());
        first.add(b"b".to_vec(), half());
        first.save();
        let second = open(home.path());
        assert!(get(&second, b"b").is_some());
        second.add(b"c".to_vec(), half());
        second.save();
        let third = open(home.path());
        let there = |key: &[u8]| get(&third, key).is_some();
        assert_eq!([there(b"a"), there(b"b"), there(b"c")], [false, true, true]);
    }

    #[test]
    fn a_little_more_is_not_written() {
        let home = tempfile::tempdir().expect("a folder");
        let first = open(home.path());
        first.add(b"a".to_vec(), vec![7; 2 * SMALL]);
        first.save();
        let more = |key: &[u8], bytes: usize| {
            let facts = open(home.path());
            facts.add(key.to_vec(), vec![7; bytes]);
            facts.save();
            get(&open(home.path()), key).is_some()
        };
        assert!(!more(b"b", 100));
        assert!(more(b"c", 2 * SMALL / LITTLE));
        assert!(get(&open(home.path()), b"a").is_some());
    }

    #[test]
    fn bytes_that_are_no_facts_are_none() {
        let pieces = |all: &[&str]| {
            let mut bytes = Vec::new();
            for piece in all {
                put_piece(&mut bytes, piece.as_bytes());
            }
            bytes
        };
        let whole = pieces(&["a", "", "b", "c"]);
        assert_eq!(facts(&whole).map(|all| all.len()), Some(2));
        // After the first fact, at its end, there is nothing wrong with the bytes.
        let first = pieces(&["a", ""]).len();
        for end in (1..whole.len()).filter(|end| *end != first) {
            assert!(facts(&whole[..end]).is_none(), "{end}");
        }
        for out_of_order in [["b", "", "a", ""], ["a", "", "a", ""]] {
            assert!(facts(&pieces(&out_of_order)).is_none(), "{out_of_order:?}");
        }
        assert!(facts(&[0xff; 8]).is_none());
    }
}

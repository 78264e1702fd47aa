//! Many small entries in few files, by digest: what is kept in a cache and is checked by whoever reads it.
//!
//! A file for each entry costs far more than its bytes: on a first look most of the work was making files. Here a process
//! appends to one file, the *pack*, that it has locked, and reads the packs of all processes. Entries are never changed; of
//! several under one name the last one counts. A pack that is full is closed; the packs that were used longest ago go first
//! when there are too many bytes. Nothing in them is believed here: the caller knows by a hash or a seal whether an entry is
//! whole. Deleting any of the files, at any time, only costs what they spared.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::plain_file::{TOUCH_AFTER, mark_used, open_plain};
use crate::domain::Digest;

/// How every entry begins; another word means another layout.
const MARK: [u8; 4] = *b"pdk1";
/// The mark, the digest, and how many bytes follow.
const HEAD: usize = MARK.len() + 32 + 4;
/// Most bytes of an entry; a longer one is neither written nor read.
const LONGEST: usize = 1 << 20;
/// Ending of the names of packs.
const ENDING: &str = ".pack";
/// A pack of so many bytes is full, where all of them may have many times as much.
const FULL: u64 = 8 << 20;
/// Packs that few allowed bytes are divided into.
const PARTS: u64 = 16;
/// Most packs: where there are no locks, or many processes at once, none of them may ever be full.
const PACKS: usize = 128;
/// What other processes wrote is looked for again after this long, and a pack to write to where there was none.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A bounded folder of small entries, safe for several processes. Clones share what they know.
#[derive(Debug, Clone)]
pub(crate) struct Packs {
    folder: PathBuf,
    /// Bytes of all packs, at most, by about a pack.
    limit: u64,
    state: Arc<Mutex<PacksState>>,
}

#[derive(Debug, Default)]
struct PacksState {
    packs: BTreeMap<PackNumber, Pack>,
    /// How many packs were opened so far.
    opened: PackNumber,
    entries: HashMap<Digest, PackPlace>,
    /// When the folder was read last; `None` = never.
    looked: Option<Instant>,
    /// The pack that this process appends to, which it has locked.
    own: Option<PackNumber>,
    /// When there was no pack to append to, and none could be made.
    refused: Option<Instant>,
}

/// A pack has one number for as long as a process knows it.
type PackNumber = u32;

#[derive(Debug)]
struct Pack {
    path: PathBuf,
    file: Arc<File>,
    /// Up to where it consists of whole entries.
    end: u64,
    /// The folder may be one that is only read.
    is_writable: bool,
    /// When it was marked as used last; `None` = not by this process.
    touched: Option<Instant>,
}

/// Where the bytes of an entry are.
#[derive(Debug, Clone, Copy)]
struct PackPlace {
    pack: PackNumber,
    offset: u64,
    length: u32,
}

impl Packs {
    /// The packs in `folder`, of at most about `limit` bytes. Nothing is read or made before it is needed.
    pub(crate) fn new(folder: PathBuf, limit: u64) -> Self {
        Self {
            folder: std::path::absolute(&folder).unwrap_or(folder),
            limit,
            state: Arc::default(),
        }
    }

    /// Whether somebody wrote an entry of that name.
    pub(crate) fn contains(&self, name: &Digest) -> bool {
        self.looked_up(name).entries.contains_key(name)
    }

    /// The state, once it was looked for an entry that is not known.
    fn looked_up(&self, name: &Digest) -> MutexGuard<'_, PacksState> {
        let mut state = self.state();
        if !state.entries.contains_key(name) && state.looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
            self.look(&mut state);
        }
        state
    }

    /// The bytes of an entry, as somebody wrote them: to be checked.
    pub(crate) fn get(&self, name: &Digest) -> Option<Vec<u8>> {
        let (file, place) = {
            let mut state = self.looked_up(name);
            let place = *state.entries.get(name)?;
            let pack = state.packs.get_mut(&place.pack)?;
            pack.touch();
            (Arc::clone(&pack.file), place)
        };
        let mut bytes = vec![0; place.length as usize];
        file.read_exact_at(&mut bytes, place.offset).ok()?;
        Some(bytes)
    }

    /// Keeps an entry, given in pieces. Failing to is no error: the cache is disposable.
    pub(crate) fn put(&self, name: &Digest, pieces: &[&[u8]]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let Some(short) = u32::try_from(length).ok().filter(|_| length <= LONGEST) else {
            return;
        };
        let mut record = Vec::with_capacity(HEAD + length);
        record.extend_from_slice(&MARK);
        record.extend_from_slice(name.as_bytes());
        record.extend_from_slice(&short.to_le_bytes());
        pieces.iter().for_each(|piece| record.extend_from_slice(piece));
        let mut state = self.state();
        if let Err(error) = self.append(&mut state, name, short, &record) {
            tracing::debug!(%error, "cache entry not written");
        }
    }

    /// Forgets an entry that turned out not to be whole: one that is written again counts.
    pub(crate) fn forget(&self, name: &Digest) {
        self.state().entries.remove(name);
    }

    /// How many entries there are, and the bytes of their files.
    pub(crate) fn size(&self) -> (u64, u64) {
        let mut state = self.state();
        self.look(&mut state);
        (
            state.entries.len() as u64,
            state.packs.values().map(|pack| pack.end).sum(),
        )
    }

    /// Removes every pack: how many entries, and bytes of files, went.
    ///
    /// # Errors
    /// If a pack cannot be removed.
    pub(crate) fn clear(&self) -> io::Result<(u64, u64)> {
        let size = self.size();
        let mut state = self.state();
        for path in packs_in(&self.folder) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        *state = PacksState::default();
        Ok(size)
    }

    fn state(&self) -> MutexGuard<'_, PacksState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the names of entries that came since the last look, and lets go of packs that somebody removed.
    fn look(&self, state: &mut PacksState) {
        state.looked = Some(Instant::now());
        // Of several entries of a name the last one counts: the pack that was appended to last comes last.
        let mut paths = packs_in(&self.folder);
        paths.retain(|path| !state.packs.values().any(|pack| pack.path == *path));
        if paths.len() > 1 {
            paths.sort_by_cached_key(|path| fs::symlink_metadata(path).and_then(|about| about.modified()).ok());
        }
        for path in paths {
            match open_pack(&path) {
                Ok((file, is_writable)) => _ = state.add(path, file, is_writable),
                Err(error) => tracing::warn!(path = %path.display(), %error, "a pack of the cache is not used"),
            }
        }
        let others = state.packs.keys().filter(|number| state.own != Some(**number));
        let others: Vec<PackNumber> = others.copied().collect();
        let mut is_gone = false;
        for number in others {
            is_gone |= !state.read_names(number);
        }
        if is_gone {
            let PacksState { packs, entries, .. } = state;
            entries.retain(|_, place| packs.contains_key(&place.pack));
        }
    }

    /// Appends a record to the pack of this process.
    fn append(&self, state: &mut PacksState, name: &Digest, length: u32, record: &[u8]) -> io::Result<()> {
        if state.refused.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
            return Ok(());
        }
        let number = self
            .own_pack(state)
            .inspect_err(|_| state.refused = Some(Instant::now()))?;
        let full = self.full();
        let Some(pack) = state.packs.get_mut(&number) else {
            return Ok(());
        };
        if let Err(error) = pack.file.write_all_at(record, pack.end) {
            // The disk is full: half a record would hide what comes after it.
            let _ = pack.file.set_len(pack.end);
            return Err(error);
        }
        let place = PackPlace {
            pack: number,
            offset: pack.end + HEAD as u64,
            length,
        };
        pack.end += record.len() as u64;
        if pack.end >= full {
            let _ = flock(&*pack.file, FlockOperation::Unlock);
            state.own = None;
            self.evict();
        }
        state.entries.insert(*name, place);
        Ok(())
    }

    /// The pack that this process appends to: one that has room and that no other process has locked, or a new one.
    fn own_pack(&self, state: &mut PacksState) -> io::Result<PackNumber> {
        if let Some(own) = state.own {
            // What is appended to a pack that somebody removed is gone with it.
            let about = state.packs.get(&own).map(|pack| pack.file.metadata()).transpose()?;
            if about.is_some_and(|about| about.nlink() > 0) {
                return Ok(own);
            }
            state.own = None;
        }
        self.look(state);
        let full = self.full();
        let has_room = |pack: &Pack| pack.is_writable && pack.file.metadata().is_ok_and(|about| about.len() < full);
        let open = state.packs.iter().filter(|(_, pack)| has_room(pack));
        let locked = open
            .map(|(number, pack)| (*number, Arc::clone(&pack.file)))
            .find(|(_, file)| flock(&**file, FlockOperation::NonBlockingLockExclusive).is_ok());
        if let Some((number, file)) = locked {
            // Nobody else appends any more; what a process that died left of its last entry goes.
            if state.read_names(number)
                && let Some(pack) = state.packs.get(&number)
            {
                file.set_len(pack.end)?;
                state.own = Some(number);
                return Ok(number);
            }
        }
        fs::create_dir_all(&self.folder)?;
        let mut made = tempfile::Builder::new();
        let made = made
            .prefix("")
            .suffix(ENDING)
            .rand_bytes(16)
            .tempfile_in(&self.folder)?;
        let (file, path) = made.keep().map_err(|failed| failed.error)?;
        // Where there are no locks, nobody else gets this one either.
        if let Err(Errno::WOULDBLOCK) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // Another process saw it and was quicker: it is that one's.
            return Err(Errno::WOULDBLOCK.into());
        }
        self.evict();
        let number = state.add(path, file, true);
        state.own = Some(number);
        Ok(number)
    }

    fn full(&self) -> u64 {
        (self.limit / PARTS).min(FULL)
    }

    /// Removes the packs that were used longest ago, until there is room for another one, in bytes and in number.
    fn evict(&self) {
        let about = |path: PathBuf| {
            let about = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
            Some((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len(), path))
        };
        let mut all: Vec<_> = packs_in(&self.folder).into_iter().filter_map(about).collect();
        let mut total: u64 = all.iter().map(|(_, length, _)| length).sum();
        all.sort();
        let mut left = all.len();
        for (_, length, path) in all {
            if total + self.full() <= self.limit && left <= PACKS {
                break;
            }
            left -= 1;
            if fs::remove_file(path).is_ok() {
                total = total.saturating_sub(length);
            }
        }
    }
}

impl PacksState {
    fn add(&mut self, path: PathBuf, file: File, is_writable: bool) -> PackNumber {
        let number = self.opened;
        self.opened += 1;
        let pack = Pack {
            path,
            file: Arc::new(file),
            end: 0,
            is_writable,
            touched: None,
        };
        self.packs.insert(number, pack);
        number
    }

    /// Reads the heads of the entries that a pack has beyond those that are known. False = somebody removed it, and it is
    /// known no more.
    fn read_names(&mut self, number: PackNumber) -> bool {
        let Some(pack) = self.packs.get_mut(&number) else {
            return false;
        };
        let Some(about) = pack.file.metadata().ok().filter(|about| about.nlink() > 0) else {
            self.packs.remove(&number);
            return false;
        };
        if about.len() > FULL + (HEAD + LONGEST) as u64 {
            // No pack of ours: reading the names of it has no end that anybody set.
            return true;
        }
        let mut head = [0; HEAD];
        while pack.end + HEAD as u64 <= about.len() && pack.file.read_exact_at(&mut head, pack.end).is_ok() {
            let Some((name, length)) = read_head(&head) else { break };
            let offset = pack.end + HEAD as u64;
            let end = offset + u64::from(length);
            if end > about.len() {
                break;
            }
            let place = PackPlace {
                pack: number,
                offset,
                length,
            };
            self.entries.insert(name, place);
            pack.end = end;
        }
        true
    }
}

impl Pack {
    /// Packs go by the time of their last change: marks this one as used, rarely enough to cost nothing.
    fn touch(&mut self) {
        if self.touched.is_none_or(|at| at.elapsed() > TOUCH_AFTER) {
            self.touched = Some(Instant::now());
            mark_used(&self.file);
        }
    }
}

/// The name of an entry, and how many bytes it has.
fn read_head(head: &[u8; HEAD]) -> Option<(Digest, u32)> {
    let (name, length) = head.strip_prefix(&MARK)?.split_first_chunk::<32>()?;
    let length = u32::from_le_bytes(length.try_into().ok()?);
    (length as usize <= LONGEST).then(|| (Digest::from_bytes(*name), length))
}

/// The packs in a folder, by their paths. Whatever else lies there is somebody else's.
fn packs_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = files.flatten().map(|file| file.path());
    paths.filter(|path| path.to_string_lossy().ends_with(ENDING)).collect()
}

/// Opens a pack, for appending where that is allowed.
fn open_pack(path: &Path) -> io::Result<(File, bool)> {
    match open_plain(path, true) {
        Ok(file) => Ok((file, true)),
        Err(_) => Ok((open_plain(path, false)?, false)),
    }
}

#[cfg(test)]
#[path = "packs_tests.rs"]
mod tests;

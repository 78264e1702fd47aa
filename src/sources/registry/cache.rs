//! Content by digest, on disk.
//!
//! An entry is a line with its media type and then the bytes. Small ones lie together in packs; a large one is written to a
//! temporary file and renamed. Its bytes are hashed whenever it is read, so neither another process, a crash nor a
//! broken disk can make it lie. Deleting any of it, at any time, only costs requests.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::domain::Digest;
use crate::sources::packs::Packs;
use crate::sources::plain_file::{mark_used, open_plain};

/// First word of every entry; another one means another layout.
const MAGIC: &str = "pindeck1 ";
/// Longest media type that is kept.
const MAX_HEADER: usize = 300;
/// Content of at most so many bytes lies in packs.
const SMALL: usize = 64 << 10;
/// How the names of files begin that are being written.
const TEMPORARY: &str = ".tmp";
/// Temporary files older than this belong to a process that died.
const STALE: Duration = Duration::from_secs(3600);

/// A disposable store of content by digest, safe for several processes.
#[derive(Debug, Clone)]
pub struct ContentCache {
    inner: Arc<CacheInner>,
}

#[derive(Debug)]
struct CacheInner {
    root: PathBuf,
    limit: u64,
    /// Small entries. They have half of the room, and large ones the other half.
    packs: Packs,
    /// Bytes of large entries at the last scan and written since; `u64::MAX` before the first scan.
    size: AtomicU64,
    evicting: Mutex<()>,
}

/// What the cache contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheSize {
    /// Number of entries.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// An entry that hashes to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CacheEntry {
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

impl ContentCache {
    /// Opens (and creates) a cache in a folder of its own, of at most about `limit` bytes.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn open(root: impl Into<PathBuf>, limit: u64) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(root.join("tmp"))?;
        Ok(Self {
            inner: Arc::new(CacheInner {
                packs: Packs::new(root.join("packs"), limit / 2),
                root,
                limit,
                size: AtomicU64::new(u64::MAX),
                evicting: Mutex::new(()),
            }),
        })
    }

    /// How many entries it has, and their bytes.
    pub(crate) fn size(&self) -> CacheSize {
        let (entries, bytes) = self.inner.packs.size();
        let small = CacheSize { entries, bytes };
        self.entries().iter().fold(small, |sum, entry| CacheSize {
            entries: sum.entries + 1,
            bytes: sum.bytes + entry.size,
        })
    }

    /// Removes every entry. Entries another process writes meanwhile may stay.
    ///
    /// # Errors
    /// If an entry cannot be removed.
    pub(crate) fn clear(&self) -> io::Result<CacheSize> {
        let (entries, bytes) = self.inner.packs.clear()?;
        let mut removed = CacheSize { entries, bytes };
        for entry in self.entries() {
            match fs::remove_file(&entry.path) {
                Ok(()) => {
                    removed.entries += 1;
                    removed.bytes += entry.size;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        self.inner.size.store(u64::MAX, Ordering::Relaxed);
        Ok(removed)
    }

    /// The entry of a digest, if it is there and whole. A corrupt one is dropped.
    pub(super) fn read(&self, digest: &Digest) -> Option<CacheEntry> {
        self.read_small(digest).or_else(|| self.read_large(digest))
    }

    /// Whether there seems to be an entry of a digest: reading it tells whether it is whole.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.inner.packs.contains(digest) || fs::symlink_metadata(self.path(digest)).is_ok()
    }

    fn read_small(&self, digest: &Digest) -> Option<CacheEntry> {
        let raw = Bytes::from(self.inner.packs.get(digest)?);
        let entry = split(&raw).filter(|entry| Digest::of(&entry.bytes) == *digest);
        if entry.is_none() {
            tracing::warn!(%digest, "forgetting a corrupt cache entry");
            self.inner.packs.forget(digest);
        }
        entry
    }

    fn read_large(&self, digest: &Digest) -> Option<CacheEntry> {
        let path = self.path(digest);
        let file = match open_plain(&path, false) {
            Ok(file) => file,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), %error, "a cache entry is not used");
                }
                return None;
            }
        };
        let raw = read_up_to(&file, self.longest_entry());
        let entry = raw
            .and_then(|raw| split(&raw))
            .filter(|entry| Digest::of(&entry.bytes) == *digest);
        if entry.is_none() {
            tracing::warn!(path = %path.display(), "dropping a corrupt cache entry");
            let _ = fs::remove_file(&path);
            return None;
        }
        mark_used(&file);
        entry
    }

    /// The most bytes that an entry has.
    fn longest_entry(&self) -> u64 {
        self.inner.limit / 4 + (MAX_HEADER + MAGIC.len() + 1) as u64
    }

    /// Keeps content. Failing to is no error: the cache is disposable.
    pub(super) fn write(&self, digest: &Digest, media_type: &str, bytes: &[u8]) {
        if bytes.len() as u64 > self.inner.limit / 4 || media_type.len() > MAX_HEADER || media_type.contains('\n') {
            return;
        }
        if bytes.len() <= SMALL {
            if self.inner.size.load(Ordering::Relaxed) == u64::MAX {
                // Files of their own that an older version left count as well, though none may ever be added to them.
                self.grown(0);
            }
            let pieces = [MAGIC.as_bytes(), media_type.as_bytes(), b"\n", bytes];
            return self.inner.packs.put(digest, &pieces);
        }
        if let Err(error) = self.try_write(digest, media_type, bytes) {
            tracing::debug!(%error, "cache entry not written");
            return;
        }
        self.grown(bytes.len() as u64);
    }

    fn try_write(&self, digest: &Digest, media_type: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = self.inner.root.join("tmp");
        fs::create_dir_all(&temporary)?;
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(temporary)?;
        file.write_all(MAGIC.as_bytes())?;
        file.write_all(media_type.as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(bytes)?;
        file.persist(&path).map_err(|failed| failed.error)?;
        Ok(())
    }

    fn grown(&self, by: u64) {
        let known = self.inner.size.load(Ordering::Relaxed);
        let limit = self.inner.limit - self.inner.limit / 2;
        if known != u64::MAX && known.saturating_add(by) <= limit {
            self.inner.size.fetch_add(by, Ordering::Relaxed);
            return;
        }
        let _one = self.inner.evicting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = self.entries();
        let mut total: u64 = entries.iter().map(|entry| entry.size).sum();
        if total > limit {
            // Well below the limit, so that not every write scans the disk.
            let goal = limit / 5 * 4;
            entries.sort_by_key(|entry| entry.used);
            for entry in entries {
                if total <= goal {
                    break;
                }
                if fs::remove_file(&entry.path).is_ok() {
                    total -= entry.size;
                }
            }
            self.drop_stale_temporaries();
        }
        self.inner.size.store(total, Ordering::Relaxed);
    }

    fn drop_stale_temporaries(&self) {
        let is_ours = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(TEMPORARY))
        };
        for file in list(&self.inner.root.join("tmp")) {
            if is_ours(&file.path) && file.used.elapsed().is_ok_and(|age| age > STALE) {
                let _ = fs::remove_file(file.path);
            }
        }
    }

    fn entries(&self) -> Vec<OnDisk> {
        let folder = self.inner.root.join("sha256");
        let Ok(prefixes) = fs::read_dir(folder) else {
            return Vec::new();
        };
        // A folder that is a link is none of ours, and neither is what is called otherwise than what is kept here.
        let is_folder = |prefix: &fs::DirEntry| prefix.file_type().is_ok_and(|kind| kind.is_dir());
        let all = prefixes
            .flatten()
            .filter(is_folder)
            .flat_map(|prefix| list(&prefix.path()));
        all.filter(|entry| self.is_ours(&entry.path)).collect()
    }

    /// Whether a file has the place that the content of some digest has.
    fn is_ours(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        let digest = name.and_then(|name| Digest::from_hex(name).ok());
        digest.is_some_and(|digest| self.path(&digest) == path)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.inner.root.join("sha256").join(&hex[..2]).join(hex)
    }
}

struct OnDisk {
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

fn list(folder: &Path) -> Vec<OnDisk> {
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    files
        .flatten()
        .filter_map(|file| {
            let meta = file.metadata().ok().filter(fs::Metadata::is_file)?;
            Some(OnDisk {
                path: file.path(),
                size: meta.len(),
                used: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            })
        })
        .collect()
}

fn split(raw: &Bytes) -> Option<CacheEntry> {
    let end = raw
        .iter()
        .take(MAX_HEADER + MAGIC.len() + 1)
        .position(|&byte| byte == b'\n')?;
    let header = std::str::from_utf8(&raw[..end]).ok()?;
    Some(CacheEntry {
        media_type: header.strip_prefix(MAGIC)?.to_owned(),
        bytes: raw.slice(end + 1..),
    })
}

/// A whole file, unless it is longer than `most` bytes.
fn read_up_to(file: &fs::File, most: u64) -> Option<Bytes> {
    let length = file.metadata().ok()?.len();
    if length > most {
        return None;
    }
    let mut raw = Vec::with_capacity(usize::try_from(length).ok()?);
    file.take(most + 1).read_to_end(&mut raw).ok()?;
    (raw.len() as u64 <= most).then(|| Bytes::from(raw))
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

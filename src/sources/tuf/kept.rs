//! What is kept of a refresh: one file for each repository, which proves itself and is replaced as a whole.
//!
//! The file contains the metadata that vouched for the root. It is verified again, from where trust begins, each time it
//! is read: a damaged or exchanged file is no root.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::cache::{MetadataStore, StoreRepository};
use sigstore_tuf::{Error, Updater};

use super::error::TufError;
use super::source::{TARGET, TufSource};
use crate::domain::id::Digest;
use crate::sources::error_text::with_causes;

/// Raised whenever the form of the file changes.
const FORM: u32 = 1;
/// Most bytes of a kept file that are read.
const FILE_CAP: u64 = 32 << 20;

/// The versions of the four roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// Version of the root metadata.
    pub root: u64,
    /// Version of the timestamp.
    pub timestamp: u64,
    /// Version of the snapshot.
    pub snapshot: u64,
    /// Version of the targets metadata.
    pub targets: u64,
}

impl Versions {
    /// The role whose version is lower than in `other`, with both.
    pub(super) fn role_behind(&self, other: &Self) -> Option<(&'static str, u64, u64)> {
        [
            ("root", self.root, other.root),
            ("timestamp", self.timestamp, other.timestamp),
            ("snapshot", self.snapshot, other.snapshot),
            ("targets", self.targets, other.targets),
        ]
        .into_iter()
        .find(|(_, mine, theirs)| mine < theirs)
    }
}

/// A root that was refreshed and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRoot {
    /// The text of its `trusted_root.json`.
    pub json: Arc<str>,
    /// When it was last confirmed as the newest.
    pub fetched_at: Timestamp,
    /// When the first of the metadata that vouches for it ends.
    pub expires: Timestamp,
    /// The versions of that metadata.
    pub versions: Versions,
}

/// Verified metadata by the name that the client gives it.
pub(super) type MetadataFiles = BTreeMap<String, Vec<u8>>;

/// Metadata in memory; what the client has verified is written into it.
#[derive(Debug, Clone, Default)]
pub(super) struct MetadataInMemory(Arc<Mutex<MetadataFiles>>);

impl MetadataInMemory {
    pub(super) fn new(files: MetadataFiles) -> Self {
        Self(Arc::new(Mutex::new(files)))
    }

    pub(super) fn files(&self) -> MetadataFiles {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl MetadataStore for MetadataInMemory {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A kept repository has one version of each file, under its plain name.
        let plain = || files.get(name.split_once('.').filter(|(n, _)| n.parse::<u64>().is_ok())?.1);
        let is_root = name.ends_with(".root.json");
        Ok(files
            .get(name)
            .or_else(|| if is_root { None } else { plain() })
            .cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

/// The file as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct StoredRoot {
    form: u32,
    name: String,
    mirror: String,
    start: Digest,
    fetched_at: Timestamp,
    files: BTreeMap<String, String>,
}

/// A kept root together with the metadata that vouches for it.
#[derive(Debug, Clone)]
pub(super) struct RootWithMetadata {
    pub root: VerifiedRoot,
    pub files: MetadataFiles,
}

/// The folder in which refreshed roots are kept.
#[derive(Debug, Clone)]
pub struct RootFolder(PathBuf);

impl RootFolder {
    /// The folder `roots` in a data folder. Nothing is created yet.
    pub fn of(data: &Path) -> Self {
        Self(data.join("roots"))
    }

    /// The kept root of a source, if there is one.
    ///
    /// # Errors
    /// In words, if there is one that must not be used.
    pub fn read(&self, source: &TufSource) -> Result<Option<VerifiedRoot>, String> {
        Ok(self.state(source)?.map(|state| state.root))
    }

    pub(super) fn state(&self, source: &TufSource) -> Result<Option<RootWithMetadata>, String> {
        let path = self.path(source);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file.take(FILE_CAP + 1).read_to_end(&mut bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        }
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let damaged = |why: &str| format!("{} is damaged ({why})", path.display());
        if bytes.len() as u64 > FILE_CAP {
            return Err(damaged("it is too large"));
        }
        let file: StoredRoot = serde_json::from_slice(&bytes).map_err(|_| damaged("it is not what pindeck wrote"))?;
        if file.form != FORM || file.name != source.name || file.start != Digest::of(&source.start) {
            return Err(damaged(
                "it belongs to another repository or to another version of pindeck",
            ));
        }
        let decode = |(name, text): (String, String)| Some((name, STANDARD.decode(text).ok()?));
        let files: Option<MetadataFiles> = file.files.into_iter().map(decode).collect();
        let files = files.ok_or_else(|| damaged("its content is not readable"))?;
        let kept = verified(source, &files, file.fetched_at).map_err(|why| damaged(&why))?;
        Ok(Some(RootWithMetadata { root: kept, files }))
    }

    /// Keeps a state, unless another process kept a newer one meanwhile; returns what is kept now. Blocking.
    pub(super) fn keep(&self, source: &TufSource, state: RootWithMetadata) -> Result<VerifiedRoot, TufError> {
        let failed = |error| TufError::Keep {
            place: self.0.display().to_string(),
            error,
        };
        fs::create_dir_all(&self.0).map_err(failed)?;
        let path = self.path(source);
        let lock = File::create(path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        if let Ok(Some(theirs)) = self.state(source) {
            let (mine, theirs) = (&state.root, theirs.root);
            if mine.versions.role_behind(&theirs.versions).is_some()
                || mine.versions == theirs.versions && mine.fetched_at < theirs.fetched_at
            {
                return Ok(theirs);
            }
        }
        let file = StoredRoot {
            form: FORM,
            name: source.name.to_owned(),
            mirror: source.mirror.clone(),
            start: Digest::of(&source.start),
            fetched_at: state.root.fetched_at,
            files: state
                .files
                .iter()
                .map(|(name, bytes)| (name.clone(), STANDARD.encode(bytes)))
                .collect(),
        };
        let text = serde_json::to_vec(&file).map_err(|error| failed(error.into()))?;
        let mut partial = tempfile::NamedTempFile::new_in(&self.0).map_err(failed)?;
        partial.write_all(&text).map_err(failed)?;
        partial.as_file().sync_all().map_err(failed)?;
        partial.persist(&path).map_err(|error| failed(error.error))?;
        Ok(state.root)
    }

    fn path(&self, source: &TufSource) -> PathBuf {
        self.0
            .join(format!("{}-{}.json", source.name, &source.binding().hex()[..16]))
    }
}

/// The root that metadata vouched for at a time, verified from where trust begins, without any network.
pub(super) fn verified(source: &TufSource, files: &MetadataFiles, at: Timestamp) -> Result<VerifiedRoot, String> {
    let metadata = MetadataInMemory::new(files.clone());
    let updater = Updater::new(StoreRepository::new(metadata.clone()), &source.start).map_err(|e| with_causes(&e))?;
    let mut updater = updater.with_store(metadata);
    let verifying = async {
        updater.refresh(at).await?;
        updater.get_target(TARGET, at).await
    };
    let target = verifying.now_or_never().ok_or("it could not be read at once")?;
    kept(&updater, target.map_err(|e| with_causes(&e))?, at)
}

/// The root that an updater which has refreshed vouches for.
pub(super) fn kept(updater: &Updater, target: Vec<u8>, at: Timestamp) -> Result<VerifiedRoot, String> {
    let trusted = updater.trusted();
    let (Some(timestamp), Some(snapshot), Some(targets)) =
        (trusted.timestamp(), trusted.snapshot(), trusted.targets_role("targets"))
    else {
        return Err("its metadata is not whole".to_owned());
    };
    let root = trusted.root();
    let ends = [root.expires, timestamp.expires, snapshot.expires, targets.expires];
    Ok(VerifiedRoot {
        json: String::from_utf8(target)
            .map_err(|_| "its trusted_root.json is not text".to_owned())?
            .into(),
        fetched_at: at,
        expires: ends.into_iter().min().unwrap_or(timestamp.expires),
        versions: Versions {
            root: root.version,
            timestamp: timestamp.version,
            snapshot: snapshot.version,
            targets: targets.version,
        },
    })
}

//! The image references of file contents of the past. What a content refers to is a function of its bytes and its
//! path, so each is read once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::engine::ledger::FILE_CAP;
use crate::sources::git::Blobs;
use crate::sources::git::manifest::{self, DetectionRule, Scan};

/// So many contents are kept before all are dropped.
const KEPT: usize = 65_536;

/// An image reference, as far as the history needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PastReference {
    /// Path in the YAML stream.
    pub yaml_path: Box<str>,
    /// Normalised; `None` where the text is no repository or names none.
    pub repository: Option<Repository>,
    /// The tag, if one is written.
    pub tag: Option<String>,
    /// The digest, if one is written.
    pub digest: Option<Digest>,
    /// Which detection rule found it.
    pub rule: DetectionRule,
}

/// The references of one content, in file order.
pub(super) type PastReferences = Arc<[PastReference]>;

/// Path and blob.
type ContentKey = (String, String);

/// The references of contents that were read already.
#[derive(Default)]
pub struct BlobReferences(Mutex<HashMap<ContentKey, PastReferences>>);

impl BlobReferences {
    /// The references of a content, if its bytes may contain any that matter; else none.
    ///
    /// # Errors
    /// If the blob cannot be read.
    pub(crate) fn read(
        &self,
        blobs: &Blobs,
        path: &str,
        oid: Option<&str>,
        may_matter: &dyn Fn(&[u8]) -> bool,
    ) -> Result<PastReferences, Failure> {
        let Some(oid) = oid else { return Ok(Arc::from([])) };
        let key = (path.to_owned(), oid.to_owned());
        if let Some(known) = self.kept().get(&key) {
            return Ok(Arc::clone(known));
        }
        let is_read = |bytes: &[u8]| bytes.len() as u64 <= FILE_CAP && may_matter(bytes);
        let Some(bytes) = blobs.read_if(oid, &is_read)? else {
            return Ok(Arc::from([]));
        };
        let found = of_scan(&manifest::scan(path, &bytes));
        self.keep(path, oid, Arc::clone(&found));
        Ok(found)
    }

    /// Keeps the references of a content that was read elsewhere.
    pub(super) fn keep(&self, path: &str, oid: &str, found: PastReferences) {
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert((path.to_owned(), oid.to_owned()), found);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<ContentKey, PastReferences>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The references of a scan.
pub(super) fn of_scan(scan: &Scan) -> PastReferences {
    let reference = |found: &manifest::Found| PastReference {
        yaml_path: found.yaml_path.as_str().into(),
        repository: found.repository.clone(),
        tag: found.tag.clone(),
        digest: found.digest,
        rule: found.rule,
    };
    scan.all().map(reference).collect()
}

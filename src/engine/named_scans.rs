//! Scans of files that a manifest names, whatever they are called: Kustomize and Helm take a file by its name alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::effective::{self, ScannedCommit};
use crate::domain::failure::Failure;
use crate::sources::git::TreeFile;
use crate::sources::git::manifest::Scan;

/// Files of any name may name others: they are followed so deep.
const ROUNDS: usize = 8;

/// Scans a file; `None` where it is too large.
pub(super) type ScanFile<'a> = dyn FnMut(&TreeFile) -> Result<Option<Arc<Scan>>, Failure> + 'a;

/// Adds them to a commit.
///
/// # Errors
/// What `scan` returns.
pub(super) fn add(commit: &mut ScannedCommit, files: &[TreeFile], scan: &mut ScanFile<'_>) -> Result<(), Failure> {
    let mut left: BTreeMap<&str, &TreeFile> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let named = effective::named_files(commit);
        if left.is_empty() && !named.is_empty() {
            left = files.iter().map(|file| (file.path.as_str(), file)).collect();
        }
        let mut read = 0;
        for file in named.iter().filter_map(|path| left.remove(path.as_str())) {
            if let Some(scan) = scan(file)? {
                commit.scans.insert(file.path.clone(), scan);
                read += 1;
            }
        }
        if read == 0 {
            break;
        }
    }
    Ok(())
}

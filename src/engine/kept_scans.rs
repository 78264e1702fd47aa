//! Scans of files, kept from earlier runs: what a file says follows from its content and its name alone, whatever the
//! policy is.
//!
//! As with kept surveys ([`super::survey_cache`]), only boards and histories are made of them: whatever judges, plans or
//! writes reads the files themselves.

use super::compact;
use super::packed_facts::PackedFacts;
use crate::sources::git::TreeFile;
use crate::sources::git::manifest::{Scan, file_name};

/// Scans from earlier runs, and those for later ones.
#[derive(Debug)]
pub(super) struct KeptScans(PackedFacts);

/// The kind of these facts.
pub(super) const KIND: &str = "scans";

impl KeptScans {
    pub(super) fn new(facts: PackedFacts) -> Self {
        Self(facts)
    }

    /// The scan of a file, as it was made before.
    pub(super) fn get(&self, file: &TreeFile) -> Option<Scan> {
        let read = |is_of_any_folder| self.0.read(&key(file, is_of_any_folder), compact::decode);
        read(true).or_else(|| read(false))
    }

    /// Keeps a scan that was made now.
    pub(super) fn add(&self, file: &TreeFile, scan: &Scan) {
        if let Some(value) = compact::encode(scan) {
            self.0.add(key(file, scan.is_of_any_folder()), value);
        }
    }

    /// Writes what was added.
    pub(super) fn save(&self) {
        self.0.save();
    }
}

/// What a scan follows from: the content with the name of the file, or with its whole path.
fn key(file: &TreeFile, is_of_any_folder: bool) -> Vec<u8> {
    let path = match is_of_any_folder {
        true => file_name(&file.path),
        false => &file.path,
    };
    let kind = if is_of_any_folder { "name" } else { "path" };
    [&file.oid, kind, path].join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::git::manifest::scan;

    /// Every manifest of the corpus comes back as it was scanned.
    #[test]
    fn a_scan_that_was_kept_is_the_scan() {
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/manifests"
        ))];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let scanned = scan(&path.to_string_lossy(), &std::fs::read(&path).expect("readable"));
                let bytes = compact::encode(&scanned).expect("it can be kept");
                assert_eq!(compact::decode::<Scan>(&bytes), Some(scanned), "{}", path.display());
                count += 1;
            }
        }
        assert!(count > 50, "{count}");
    }
}

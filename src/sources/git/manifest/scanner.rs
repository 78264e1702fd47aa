//! Scanning a whole tree, and only what changed the next time.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Scan, scan};

/// Remembers scans by path and content, so that a second look reads changed files only.
#[derive(Debug, Default, Clone)]
pub struct Scanner {
    known: HashMap<String, KnownScan>,
    round: u64,
    read: usize,
}

#[derive(Debug, Clone)]
struct KnownScan {
    blob: String,
    scan: Arc<Scan>,
    round: u64,
}

impl Scanner {
    /// Begins a look at the tree. [`Scanner::end`] forgets files that did not turn up in it.
    pub fn begin(&mut self) {
        self.round += 1;
        self.read = 0;
    }

    /// The scan of a file. `blob` names its content (a git object id); `read` is called only if
    /// that content was not scanned under this path before.
    ///
    /// # Errors
    /// What `read` returns.
    pub fn file<E>(
        &mut self,
        path: &str,
        blob: &str,
        read: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Arc<Scan>, E> {
        if let Some(known) = self.known.get_mut(path)
            && known.blob == blob
        {
            known.round = self.round;
            return Ok(Arc::clone(&known.scan));
        }
        let fresh = Arc::new(scan(path, &read()?));
        self.read += 1;
        let known = KnownScan {
            blob: blob.to_owned(),
            scan: Arc::clone(&fresh),
            round: self.round,
        };
        self.known.insert(path.to_owned(), known);
        Ok(fresh)
    }

    /// Ends the look. Returns how many files were read in it.
    pub fn end(&mut self) -> usize {
        let round = self.round;
        self.known.retain(|_, known| known.round == round);
        self.read
    }
}

/// Whether a file may contain image references, or decide them, by its name: the files to give to [`scan`], besides
/// those that a manifest names whatever they are called.
pub fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let lower = lower.strip_suffix(".gotmpl").unwrap_or(&lower);
    let ends = [".yaml", ".yml", ".json"];
    name == "Kustomization"
        || name == super::variables::FILE
        || ends.iter().any(|end| lower.len() > end.len() && lower.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(scanner: &mut Scanner, tree: &[(&str, &str)]) -> (usize, usize) {
        scanner.begin();
        let mut found = 0;
        for (path, text) in tree {
            let scan = scanner
                .file(path, text, || Ok::<_, ()>(text.as_bytes().to_vec()))
                .expect("read");
            found += scan.found.len();
        }
        (scanner.end(), found)
    }

    #[test]
    fn only_changed_files_are_read_again() {
        let one = "kind: Pod\napiVersion: v1\nspec: {containers: [{image: a:1}]}\n";
        let two = "kind: Pod\napiVersion: v1\nspec: {containers: [{image: a:2}, {image: b:2}]}\n";
        let mut scanner = Scanner::default();
        assert_eq!(files(&mut scanner, &[("a.yaml", one), ("b.yaml", one)]), (2, 2));
        assert_eq!(files(&mut scanner, &[("a.yaml", one), ("b.yaml", two)]), (1, 3));
        assert_eq!(files(&mut scanner, &[("b.yaml", two)]), (0, 2));
        // A file that was gone is read again, and the same content elsewhere is another file.
        assert_eq!(files(&mut scanner, &[("a.yaml", one), ("c.yaml", two)]), (2, 3));
    }

    #[test]
    fn manifests_by_name() {
        for yes in [
            "a/b.yaml",
            "A.YAML",
            "compose/.env",
            "x.yml",
            "Kustomization",
            "helmfile.yaml.gotmpl",
            "pod.json",
        ] {
            assert!(is_manifest(yes), "{yes}");
        }
        for no in ["a.yaml.bak", ".yaml", "yaml", "x.tgz", "README.md", "a.yaml/b.txt"] {
            assert!(!is_manifest(no), "{no}");
        }
    }
}

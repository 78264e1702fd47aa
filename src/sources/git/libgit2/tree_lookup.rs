//! What two trees have at one path, for walks over thousands of commits that mostly did not touch it.
//!
//! The trees' bytes are read as they are: a commit is told from its parent by one entry of the folders
//! above a path, and making tree objects of whole folders would be most of a walk's time. What was looked
//! up is kept for a while: a commit's own trees are the parent's of the next one.

use std::collections::HashMap;

use git2::{Odb, Oid};

/// A path with its blobs before and after; `None` = no regular file there.
pub(super) type ChangedPath = (String, Option<Oid>, Option<Oid>);

/// An entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TypedId {
    mode: u32,
    id: Oid,
}

const TYPE: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;

/// So many answers are kept before all are dropped.
const CACHED_TREES: usize = 4096;

/// A name that was looked up in a tree, and its entry.
type CachedEntry = (Box<str>, Option<TypedId>);

/// Looks paths up in trees.
pub(super) struct TreeLookup<'r> {
    odb: &'r Odb<'r>,
    /// The entries of trees that were read, by the id of the tree.
    kept: HashMap<Oid, Vec<CachedEntry>>,
}

impl<'r> TreeLookup<'r> {
    pub(super) fn new(odb: &'r Odb<'r>) -> Self {
        Self {
            odb,
            kept: HashMap::new(),
        }
    }

    /// The regular file at `path` in two trees, if it differs; read only as deep as they differ.
    pub(super) fn compare(
        &mut self,
        old: Option<Oid>,
        new: Oid,
        path: &str,
    ) -> Result<Option<ChangedPath>, git2::Error> {
        let (mut old, mut new) = (old, Some(new));
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            if old == new {
                return Ok(None);
            }
            let (was, is) = (self.entry(old, part)?, self.entry(new, part)?);
            let of = |side: Option<TypedId>, kind: u32| side.filter(|entry| entry.mode & TYPE == kind).map(|e| e.id);
            if parts.peek().is_none() {
                let (was, is) = (of(was, REGULAR), of(is, REGULAR));
                return Ok((was != is).then(|| (path.to_owned(), was, is)));
            }
            (old, new) = (of(was, FOLDER), of(is, FOLDER));
        }
        Ok(None)
    }

    fn entry(&mut self, tree: Option<Oid>, name: &str) -> Result<Option<TypedId>, git2::Error> {
        let Some(tree) = tree else { return Ok(None) };
        let known = self.kept.get(&tree).into_iter().flatten();
        if let Some((_, entry)) = known.into_iter().find(|(kept, _)| **kept == *name) {
            return Ok(*entry);
        }
        let entry = find(self.odb.read(tree)?.data(), name.as_bytes());
        if self.kept.len() >= CACHED_TREES {
            self.kept.clear();
        }
        self.kept.entry(tree).or_default().push((name.into(), entry));
        Ok(entry)
    }
}

/// The entry of this name in a tree's bytes: `mode SP name NUL id` each (gitformat-tree).
fn find(mut tree: &[u8], name: &[u8]) -> Option<TypedId> {
    loop {
        let space = tree.iter().take(8).position(|b| *b == b' ')?;
        let (mode, rest) = (&tree[..space], &tree[space + 1..]);
        let end = rest.iter().position(|b| *b == 0)?;
        let id = rest.get(end + 1..end + 1 + ID)?;
        if rest[..end] == *name {
            let mode = mode.iter().fold(0, |mode, digit| mode << 3 | u32::from(digit & 7));
            let id = Oid::from_bytes(id).ok()?;
            return Some(TypedId { mode, id });
        }
        tree = &rest[end + 1 + ID..];
    }
}

/// Bytes of an object id. (Repositories with longer ones are read through the program.)
const ID: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let entry =
            |(mode, name, id): &(&str, &str, u8)| [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &[*id; ID]].concat();
        entries.iter().flat_map(entry).collect()
    }

    #[test]
    fn finds_an_entry_by_its_whole_name() {
        let bytes = tree(&[("100644", "app", 1), ("40000", "apps", 2), ("120000", "link here", 3)]);
        let found = |name: &str| find(&bytes, name.as_bytes()).map(|e| (e.mode, e.id.as_bytes()[0]));
        assert_eq!(found("app"), Some((0o100_644, 1)));
        assert_eq!(found("apps"), Some((0o040_000, 2)));
        assert_eq!(found("link here"), Some((0o120_000, 3)));
        assert_eq!(found("ap"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn a_broken_tree_holds_nothing() {
        let bytes = tree(&[("100644", "a", 1)]);
        for cut in 0..bytes.len() {
            assert_eq!(find(&bytes[..cut], b"a"), None, "{cut}");
        }
        assert_eq!(find(b"no tree at all, no NUL either", b"a"), None);
    }
}

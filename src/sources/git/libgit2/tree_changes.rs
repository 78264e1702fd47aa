//! The files in which two trees differ, for visits of thousands of commits that each changed a few.
//!
//! The trees' bytes are read as they are and merged by name: making tree objects of whole folders would be most
//! of the time. Folders with the same id are the same, so only what changed is descended into. A tree that was
//! read is kept for a while: a commit's own trees are the parent's of the next one.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use git2::{Odb, Oid};

use crate::sources::git::reader::{BlobChange, FileFilter};

const TYPE: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;

/// Bytes of an object id. (Repositories with longer ones are read through the program.)
const ID: usize = 20;

/// So many bytes of trees are kept before all are dropped.
const KEPT_BYTES: usize = 32 << 20;

/// Compares trees.
pub(super) struct TreeChanges<'r> {
    odb: &'r Odb<'r>,
    kept: HashMap<Oid, Rc<[u8]>>,
    kept_bytes: usize,
}

/// A file, a folder, a link or a submodule, as a tree names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RawTreeEntry<'t> {
    mode: u32,
    name: &'t [u8],
    id: Oid,
}

impl RawTreeEntry<'_> {
    fn is(self, kind: u32) -> bool {
        self.mode & TYPE == kind
    }

    /// The order of entries in a tree: folders as if their names ended with `/`.
    fn order(self, other: Self) -> Ordering {
        let common = self.name.len().min(other.name.len());
        let next = |entry: Self| match entry.name.get(common) {
            Some(byte) => *byte,
            None if entry.is(FOLDER) => b'/',
            None => 0,
        };
        let bytes = self.name[..common].cmp(&other.name[..common]);
        bytes.then_with(|| next(self).cmp(&next(other)))
    }
}

impl<'r> TreeChanges<'r> {
    pub(super) fn new(odb: &'r Odb<'r>) -> Self {
        Self {
            odb,
            kept: HashMap::new(),
            kept_bytes: 0,
        }
    }

    /// The regular files that count and differ, by path.
    pub(super) fn between(
        &mut self,
        old: Option<Oid>,
        new: Oid,
        files: &dyn FileFilter,
    ) -> Result<Vec<BlobChange>, git2::Error> {
        let mut out = Vec::new();
        let mut folders = vec![(String::new(), old, Some(new))];
        while let Some((folder, old, new)) = folders.pop() {
            if old == new {
                continue;
            }
            let (old, new) = (self.tree(old)?, self.tree(new)?);
            merge(&old, &new, |old, new| {
                let entry = new.or(old)?;
                let name = std::str::from_utf8(entry.name).ok()?;
                let path = match folder.is_empty() {
                    true => name.to_owned(),
                    false => format!("{folder}/{name}"),
                };
                let of = |kind: u32| [old, new].map(|side| side.filter(|e| e.is(kind)).map(|e| e.id));
                let [before, after] = of(REGULAR);
                if before != after && files.counts(&path) {
                    let text = |id: Option<Oid>| id.map(|id| id.to_string());
                    let (before, after) = (text(before), text(after));
                    out.push(BlobChange { path, before, after });
                } else if let [before, after] = of(FOLDER)
                    && before != after
                    && files.may_contain(&path)
                {
                    folders.push((path, before, after));
                }
                Some(())
            });
        }
        out.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(out)
    }

    fn tree(&mut self, id: Option<Oid>) -> Result<Rc<[u8]>, git2::Error> {
        let Some(id) = id else { return Ok(Rc::from([])) };
        if let Some(known) = self.kept.get(&id) {
            return Ok(Rc::clone(known));
        }
        let bytes: Rc<[u8]> = Rc::from(self.odb.read(id)?.data());
        if self.kept_bytes + bytes.len() > KEPT_BYTES {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        self.kept_bytes += bytes.len();
        self.kept.insert(id, Rc::clone(&bytes));
        Ok(bytes)
    }
}

/// Tells the entries that differ between two trees, each name and kind once.
fn merge<'t>(
    old: &'t [u8],
    new: &'t [u8],
    mut tell: impl FnMut(Option<RawTreeEntry<'t>>, Option<RawTreeEntry<'t>>) -> Option<()>,
) {
    let (mut old, mut new) = (Entries(old).peekable(), Entries(new).peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.order(*b),
        };
        let (a, b) = match order {
            Ordering::Less => (old.next(), None),
            Ordering::Greater => (None, new.next()),
            Ordering::Equal => (old.next(), new.next()),
        };
        if a != b {
            // A name that is no text is no manifest's.
            let _ = tell(a, b);
        }
    }
}

/// The entries of a tree's bytes: `mode SP name NUL id` each (gitformat-tree). Ends where they are no tree.
struct Entries<'t>(&'t [u8]);

impl<'t> Iterator for Entries<'t> {
    type Item = RawTreeEntry<'t>;

    fn next(&mut self) -> Option<RawTreeEntry<'t>> {
        let space = self.0.iter().take(8).position(|b| *b == b' ')?;
        let (mode, rest) = (&self.0[..space], &self.0[space + 1..]);
        let end = rest.iter().position(|b| *b == 0)?;
        let id = Oid::from_bytes(rest.get(end + 1..end + 1 + ID)?).ok()?;
        self.0 = &rest[end + 1 + ID..];
        let mode = mode.iter().fold(0, |mode, digit| mode << 3 | u32::from(digit & 7));
        let name = &rest[..end];
        Some(RawTreeEntry { mode, name, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let entry =
            |(mode, name, id): &(&str, &str, u8)| [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &[*id; ID]].concat();
        entries.iter().flat_map(entry).collect()
    }

    fn told(old: &[u8], new: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        merge(old, new, |a, b| {
            let side = |side: Option<RawTreeEntry<'_>>| side.map_or(0, |entry| entry.id.as_bytes()[0]);
            let name = String::from_utf8_lossy(a.or(b)?.name).into_owned();
            out.push(format!("{name} {}-{}", side(a), side(b)));
            Some(())
        });
        out
    }

    #[test]
    fn only_what_differs_is_told() {
        let old = tree(&[("100644", "a", 1), ("40000", "b", 2), ("100644", "c", 3)]);
        let new = tree(&[("100644", "a", 1), ("40000", "b", 4), ("100644", "d", 5)]);
        assert_eq!(told(&old, &new), ["b 2-4", "c 3-0", "d 0-5"]);
        assert_eq!(told(&old, &old), [] as [&str; 0]);
        assert_eq!(told(&[], &new).len(), 3);
    }

    #[test]
    fn a_file_that_becomes_a_folder_is_two_entries() {
        // A folder sorts as if its name ended with a slash: behind `a.b`.
        let old = tree(&[("100644", "a", 1), ("100644", "a.b", 2)]);
        let new = tree(&[("100644", "a.b", 2), ("40000", "a", 3)]);
        assert_eq!(told(&old, &new), ["a 1-0", "a 0-3"]);
    }

    #[test]
    fn a_broken_tree_ends_where_it_breaks() {
        let bytes = tree(&[("100644", "a", 1), ("100644", "b", 2)]);
        for cut in 0..bytes.len() {
            let whole = usize::from(cut >= bytes.len() / 2);
            assert_eq!(told(&[], &bytes[..cut]).len(), whole, "{cut}");
        }
        assert_eq!(told(b"no tree at all, no NUL either", &[]), [] as [&str; 0]);
    }
}

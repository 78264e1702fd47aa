//! Files that were moved into an environment from a folder outside of all of them: they keep their past.
//!
//! A file that comes where one goes in the same commit, with the same bytes or the same images, is that file. From
//! there back, the place has what its file has, or, where that is not there yet, what is at its former path. This is so
//! for one line of commits: what a side branch did with a path that it had not moved is its own.

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::domain::failure::Failure;
use crate::sources::git::{BlobChange, Blobs};

use super::past_reference::{PastReference, PastReferences};

/// The former paths of files, newest first, by the path that they came to.
pub(super) type FormerPaths = BTreeMap<String, Vec<String>>;

/// Former paths by line of commits, and all of them.
#[derive(Default)]
pub(super) struct MovedFiles {
    lines: BTreeMap<usize, Rc<FormerPaths>>,
    known: Rc<RefCell<BTreeSet<String>>>,
}

/// A file at one commit: where it lay, and its blob.
pub(super) type PlacedBlob = Option<(String, String)>;

/// What one side of a commit changed of a file, wherever it lay before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FollowedChange {
    /// The path that it has today, or had last.
    pub path: String,
    pub before: PlacedBlob,
    pub after: PlacedBlob,
}

/// One side of a commit, as the reader has it.
pub(super) struct ReadSide<'a> {
    pub commit: &'a str,
    pub parent: Option<&'a str>,
    pub changed: Vec<BlobChange>,
    pub gone: Vec<BlobChange>,
}

impl FollowedChange {
    /// A file that was not moved.
    fn of(change: BlobChange) -> Self {
        let BlobChange { path, before, after } = change;
        let placed = |blob: Option<String>| blob.map(|blob| (path.clone(), blob));
        Self {
            before: placed(before),
            after: placed(after),
            path,
        }
    }

    /// The same with its blobs alone.
    pub(crate) fn blobs(self) -> BlobChange {
        BlobChange {
            path: self.path,
            before: self.before.map(|(_, blob)| blob),
            after: self.after.map(|(_, blob)| blob),
        }
    }
}

impl MovedFiles {
    /// The paths that were found, as they are found.
    pub(crate) fn known(&self) -> Rc<RefCell<BTreeSet<String>>> {
        Rc::clone(&self.known)
    }

    /// Former paths of files on a line.
    pub(crate) fn on(&self, line: usize) -> Rc<FormerPaths> {
        self.lines.get(&line).cloned().unwrap_or_default()
    }

    /// A line goes on with what is known of its files.
    pub(crate) fn go_on(&mut self, line: usize, former: Rc<FormerPaths>) {
        if !former.is_empty() {
            self.lines.insert(line, former);
        }
    }

    /// Whether a side changed a file that was moved, at any of its paths.
    fn touches(&self, former: &FormerPaths, side: &ReadSide<'_>) -> bool {
        let known = self.known.borrow();
        let mut all = side.changed.iter().chain(&side.gone).map(|change| &change.path);
        !former.is_empty() && all.any(|path| former.contains_key(path) || known.contains(path))
    }

    /// What a side changed, file by file, and the former paths of the files in its parent. `former` are those in
    /// the commit, `counts` tells the files that count by themselves, `read` reads the references of a blob at a path.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(crate) fn follow(
        &self,
        blobs: &Blobs,
        former: &Rc<FormerPaths>,
        side: ReadSide<'_>,
        counts: &dyn Fn(&str) -> bool,
        read: &dyn Fn(&str, &str) -> Result<PastReferences, Failure>,
    ) -> Result<(Vec<FollowedChange>, Rc<FormerPaths>), Failure> {
        let found = moves(former, &side, counts, read)?;
        if found.is_empty() && !self.touches(former, &side) {
            let own = side.changed.into_iter().filter(|change| counts(&change.path));
            return Ok((own.map(FollowedChange::of).collect(), Rc::clone(former)));
        }
        let mut in_parent = Rc::clone(former);
        for (file, old) in found {
            self.known.borrow_mut().insert(old.clone());
            Rc::make_mut(&mut in_parent).entry(file).or_default().push(old);
        }
        let ReadSide {
            commit,
            parent,
            changed,
            gone,
        } = side;
        let mut changes: BTreeMap<String, BlobChange> = gone
            .into_iter()
            .chain(changed)
            .map(|change| (change.path.clone(), change))
            .collect();
        let mut out = Vec::new();
        for (file, paths) in &*in_parent {
            let all = || std::iter::once(file).chain(paths);
            if !all().any(|path| changes.contains_key(path)) {
                continue;
            }
            let known = former.get(file).map_or(&[][..], Vec::as_slice);
            let at = |id: Option<&str>, paths: &[String], of: fn(&BlobChange) -> &Option<String>| {
                first_of(blobs, id, std::iter::once(file).chain(paths), |path| {
                    changes.get(path).map(|change| of(change).clone())
                })
            };
            let change = FollowedChange {
                path: file.clone(),
                before: at(parent, paths, |change| &change.before)?,
                after: at(Some(commit), known, |change| &change.after)?,
            };
            if change.before != change.after {
                out.push(change);
            }
        }
        for path in in_parent
            .iter()
            .flat_map(|(file, paths)| std::iter::once(file).chain(paths))
        {
            changes.remove(path);
        }
        out.extend(
            changes
                .into_values()
                .filter(|change| counts(&change.path))
                .map(FollowedChange::of),
        );
        out.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok((out, in_parent))
    }
}

/// The first of some paths that has a regular file at a commit. `changed` tells what is known of one by the commit's
/// changes.
fn first_of<'p>(
    blobs: &Blobs,
    commit: Option<&str>,
    paths: impl Iterator<Item = &'p String>,
    changed: impl Fn(&str) -> Option<Option<String>>,
) -> Result<PlacedBlob, Failure> {
    let Some(commit) = commit else { return Ok(None) };
    for path in paths {
        let blob = match changed(path) {
            Some(known) => known,
            None => blobs.entry(commit, path)?.regular(path).ok().flatten(),
        };
        if let Some(blob) = blob {
            return Ok(Some((path.clone(), blob)));
        }
    }
    Ok(None)
}

/// The moves of one side: the path of today of a file that has come, and the path that it had before.
fn moves(
    former: &FormerPaths,
    side: &ReadSide<'_>,
    counts: &dyn Fn(&str) -> bool,
    read: &dyn Fn(&str, &str) -> Result<PastReferences, Failure>,
) -> Result<Vec<(String, String)>, Failure> {
    let mut out = Vec::new();
    if side.gone.is_empty() {
        return Ok(out);
    }
    // What the files that are gone had: read when it is asked for, and once.
    let mut had: BTreeMap<&str, NamedPlaces> = BTreeMap::new();
    for change in &side.changed {
        let (None, Some(blob)) = (&change.before, &change.after) else {
            continue;
        };
        // The files that it is, or was once.
        let files: Vec<&String> = match counts(&change.path) {
            true => vec![&change.path],
            false => former
                .iter()
                .filter(|(_, paths)| paths.contains(&change.path))
                .map(|(file, _)| file)
                .collect(),
        };
        if files.is_empty() {
            continue;
        }
        let own = image_places(&read(&change.path, blob)?);
        if own.is_empty() {
            continue;
        }
        let is_named = own.iter().any(|(_, repository)| repository.is_some());
        let mut best: Option<(Likeness, &str)> = None;
        for old in &side.gone {
            let Some(old_blob) = old.before.as_deref() else {
                continue;
            };
            let has_same_bytes = old_blob == blob.as_str();
            let known = match had.entry(&old.path) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(open) => open.insert(image_places(&read(&old.path, old_blob)?)),
            };
            if has_same_bytes || is_named && *known == own {
                let likeness = Likeness::of(has_same_bytes, &change.path, &old.path);
                if best.as_ref().is_none_or(|(known, _)| likeness > *known) {
                    best = Some((likeness, &old.path));
                }
            }
        }
        let Some((_, old)) = best else { continue };
        let is_new = |file: &&&String| {
            former
                .get(**file)
                .is_none_or(|paths| paths.iter().all(|known| known != old))
        };
        out.extend(
            files
                .iter()
                .filter(is_new)
                .map(|file| ((*file).clone(), old.to_owned())),
        );
    }
    Ok(out)
}

/// How much speaks for it that two paths are of one file: the same bytes, then the end of the path, then its beginning.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness {
    has_same_bytes: bool,
    common_end: usize,
    common_beginning: usize,
}

impl Likeness {
    fn of(has_same_bytes: bool, a: &str, b: &str) -> Self {
        let common = |pairs: &mut dyn Iterator<Item = (&str, &str)>| pairs.take_while(|(a, b)| a == b).count();
        Self {
            has_same_bytes,
            common_end: common(&mut a.rsplit('/').zip(b.rsplit('/'))),
            common_beginning: common(&mut a.split('/').zip(b.split('/'))),
        }
    }
}

fn is_image(reference: &PastReference) -> bool {
    !reference.rule.is_loose() && (reference.repository.is_some() || reference.digest.is_some())
}

/// Where a content has images, and which, whatever their tags and digests.
type NamedPlaces = BTreeSet<(String, Option<String>)>;

fn image_places(references: &[PastReference]) -> NamedPlaces {
    let named = references.iter().filter(|one| is_image(one));
    let image = |one: &PastReference| {
        (
            one.yaml_path.to_string(),
            one.repository.as_ref().map(ToString::to_string),
        )
    };
    named.map(image).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_then_the_end_of_the_path_decide() {
        let like = |same: bool, old: &str| Likeness::of(same, "production/shop/api.yaml", old);
        assert!(like(true, "x/y.yaml") > like(false, "k8s/shop/api.yaml"));
        assert!(like(false, "k8s/shop/api.yaml") > like(false, "k8s/other/api.yaml"));
        assert!(like(false, "production-old/api.yaml") == like(false, "k8s/api.yaml"));
    }
}

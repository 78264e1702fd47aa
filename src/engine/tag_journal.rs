//! The journal of tag moves: which digests a tag was seen at, and when. It tells since when a tag is
//! known to point elsewhere, across runs.
//!
//! A record for people, never an input of a verdict or a gate. One small file, written whole (temporary
//! file, then rename); one that cannot be read is begun anew. Two processes that write at once lose at
//! most a sighting of one of them, which the next pass makes again.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::board::Board;
use crate::domain::drift::{Drift, DriftKind};
use crate::domain::id::Digest;
use crate::domain::reference::Repository;

/// Digests remembered of one tag, the newest ones.
const SIGHTINGS_KEPT: usize = 8;
/// Tags remembered, those seen last.
const TAGS_KEPT: usize = 5_000;
/// Largest journal that is read, in bytes.
const FILE_CAP: u64 = 16 << 20;
/// A sighting that only repeats is written down this often, in seconds.
const REPEAT: i64 = 600;

/// One digest that a tag was seen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TagSighting {
    /// The digest that the tag pointed at.
    pub digest: Digest,
    /// When it was first seen there.
    pub first: Timestamp,
    /// When it was last seen there, to within ten minutes.
    pub last: Timestamp,
}

/// What is remembered, by `repository:tag`; oldest sighting first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct TagJournal {
    version: u32,
    tags: BTreeMap<String, Vec<TagSighting>>,
    #[serde(skip)]
    changed: bool,
}

impl TagJournal {
    /// The journal's file in a state folder.
    pub(crate) fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("tag-moves.json")
    }

    /// Reads the journal; an absent or unreadable one is empty.
    pub(crate) fn load(path: &Path) -> Self {
        let small = fs::metadata(path).is_ok_and(|m| m.len() <= FILE_CAP);
        let text = if small { fs::read(path).ok() } else { None };
        let read = text.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        read.filter(|journal| journal.version == 1).unwrap_or_else(|| Self {
            version: 1,
            ..Self::default()
        })
    }

    /// Notes that a tag points at a digest now.
    pub(crate) fn saw(&mut self, repository: &Repository, tag: &str, digest: Digest, now: Timestamp) {
        let seen = self.tags.entry(format!("{repository}:{tag}")).or_default();
        match seen.last_mut() {
            Some(last) if last.digest == digest => {
                // A clock that was ahead keeps nothing from being seen now.
                let was_ahead = last.last > now;
                if was_ahead || now.as_second() - last.last.as_second() >= REPEAT {
                    last.last = now;
                    last.first = last.first.min(now);
                    self.changed = true;
                }
            }
            _ => {
                seen.push(TagSighting {
                    digest,
                    first: now,
                    last: now,
                });
                let surplus = seen.len().saturating_sub(SIGHTINGS_KEPT);
                seen.drain(..surplus);
                self.changed = true;
            }
        }
    }

    /// Where a tag was seen last.
    fn last(&self, repository: &Repository, tag: &str) -> Option<&TagSighting> {
        self.tags.get(&format!("{repository}:{tag}"))?.last()
    }

    /// The last move of a tag: the sighting before, and that of now. `None` = never seen moving.
    pub(crate) fn last_move(&self, repository: &Repository, tag: &str) -> Option<(TagSighting, TagSighting)> {
        match self.tags.get(&format!("{repository}:{tag}"))?.as_slice() {
            [.., before, now] => Some((*before, *now)),
            _ => None,
        }
    }

    /// Notes every tag that a board has a fresh answer for, and tells drift of moved tags since when.
    pub(crate) fn note(&mut self, board: &Board, drift: &mut [Drift], now: Timestamp) {
        for row in &board.services {
            if let Some(Some(candidate)) = row.candidate.fresh() {
                self.saw(&candidate.image, &candidate.tag, candidate.digest, now);
            }
            for cell in &row.cells {
                if let (Some(tag), Some(Some(digest))) = (cell.tag.tag(), cell.tag_digest.fresh()) {
                    self.saw(&cell.pin.image, tag, *digest, now);
                }
            }
        }
        for moved in drift.iter_mut().filter(|d| d.kind == DriftKind::TagMoved) {
            let Some(tag) = &moved.tag else { continue };
            let Some((before, after)) = self.last_move(&moved.image, tag) else {
                if let Some(known) = self.last(&moved.image, tag).filter(|s| Some(s.digest) == moved.found) {
                    moved.since = known.first;
                }
                continue;
            };
            if Some(after.digest) == moved.found {
                moved.since = after.first;
                let words = format!(
                    "{}; it was seen moving between {} and {}",
                    moved.detail.raw(),
                    seconds(before.last),
                    seconds(after.first)
                );
                moved.detail = words.into();
            }
        }
    }

    /// Writes it down if anything new was seen. The tags not seen for longest make room.
    ///
    /// # Errors
    /// If the folder or file cannot be written; nothing is half-written then.
    pub(crate) fn save(&mut self, path: &Path) -> std::io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        if self.tags.len() > TAGS_KEPT {
            let mut ages: Vec<Timestamp> = self.tags.values().filter_map(|s| s.last().map(|l| l.last)).collect();
            ages.sort_unstable();
            let oldest = ages[ages.len() - TAGS_KEPT];
            self.tags.retain(|_, s| s.last().is_some_and(|l| l.last >= oldest));
        }
        let dir = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        file.persist(path).map_err(|e| e.error)?;
        self.changed = false;
        Ok(())
    }
}

fn seconds(at: Timestamp) -> String {
    at.round(jiff::Unit::Second).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn repository() -> Repository {
        crate::domain::ImageRef::parse("registry.example.com/shop/api")
            .expect("a reference")
            .repository
    }

    fn digest(n: u8) -> Digest {
        Digest::from_bytes([n; 32])
    }

    #[test]
    fn a_move_is_remembered_across_runs() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = TagJournal::path(dir.path());
        let mut journal = TagJournal::load(&path);
        journal.saw(&repository(), "v1", digest(1), at(100));
        assert_eq!(journal.last_move(&repository(), "v1"), None);
        journal.save(&path).expect("written");
        let mut journal = TagJournal::load(&path);
        journal.saw(&repository(), "v1", digest(1), at(900));
        journal.saw(&repository(), "v1", digest(2), at(1000));
        journal.saw(&repository(), "v2", digest(2), at(1000));
        journal.save(&path).expect("written");
        let (before, after) = TagJournal::load(&path).last_move(&repository(), "v1").expect("moved");
        assert_eq!(
            (before.digest, before.first, before.last),
            (digest(1), at(100), at(900))
        );
        assert_eq!((after.digest, after.first), (digest(2), at(1000)));
    }

    #[test]
    fn a_clock_that_was_ahead_leaves_no_sighting_in_the_future() {
        let mut journal = TagJournal::default();
        journal.saw(&repository(), "v1", digest(1), at(1_000_000));
        journal.saw(&repository(), "v1", digest(1), at(100));
        let seen = journal.last(&repository(), "v1").expect("seen");
        assert_eq!((seen.first, seen.last), (at(100), at(100)));
    }

    #[test]
    fn nothing_new_writes_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = TagJournal::path(dir.path());
        let mut journal = TagJournal::load(&path);
        journal.save(&path).expect("nothing to do");
        assert!(!path.exists());
        journal.saw(&repository(), "v1", digest(1), at(100));
        journal.save(&path).expect("written");
        journal.saw(&repository(), "v1", digest(1), at(100 + REPEAT - 1));
        assert!(!journal.changed);
    }

    #[test]
    fn it_stays_bounded_and_a_broken_one_is_begun_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = TagJournal::path(dir.path());
        let mut journal = TagJournal::load(&path);
        for n in 0..20 {
            journal.saw(&repository(), "v1", digest(n), at(i64::from(n)));
        }
        assert_eq!(
            journal.tags.values().map(Vec::len).collect::<Vec<_>>(),
            [SIGHTINGS_KEPT]
        );
        for n in 0..=TAGS_KEPT {
            journal.saw(&repository(), &format!("t{n}"), digest(1), at(1000 + n as i64));
        }
        journal.save(&path).expect("written");
        assert_eq!(TagJournal::load(&path).tags.len(), TAGS_KEPT);
        for broken in ["", "{", "{\"version\":2,\"tags\":{}}", "[]"] {
            fs::write(&path, broken).expect("writable");
            assert!(TagJournal::load(&path).tags.is_empty(), "{broken:?}");
        }
    }
}

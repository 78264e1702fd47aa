//! Changing a pin's bytes and nothing else.
//!
//! Nothing is ever serialised: the new digest is spliced into the bytes, and the result is proven
//! before it is handed out: it parses into the same events (a `.env` file: into the same variables) except the scalars meant, everything
//! outside the splices is the same bytes, and a new scan finds the same references with the new
//! pin in place. [`Edited::into_change`] is the only way from
//! an edit to a commit, and such a commit is refused over any other bytes than those that the edit was planned on.

mod change;
mod check;
mod error;
mod new_pin;
mod variables_check;

use crate::domain::id::Digest;
use crate::sources::git::manifest::{self, AliasUse, Found, Warning};
use crate::sources::git::write::{FileAfter, FileBefore, FileChange};

pub(crate) use error::EditError;
pub use new_pin::{NewPin, TagChange};

use change::Change;

/// A proven edit of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The file as it shall be.
    pub bytes: Vec<u8>,
    /// SHA-256 of the file as it was read: it is written over exactly that and nothing else.
    base: Digest,
    /// What changes, in file order.
    pub edits: Vec<Edit>,
    /// What would undo or void the edit, and what it leaves behind.
    pub warnings: Vec<Warning>,
}

impl Edited {
    /// The change of this file for a commit, which is refused where its parent has other bytes at `path`.
    pub fn into_change(self, path: &str) -> FileChange {
        FileChange {
            path: path.to_owned(),
            was: FileBefore::Bytes(self.base),
            to: FileAfter::Bytes(self.bytes),
        }
    }
}

/// One changed place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// First changed line, from 1.
    pub line: u32,
    /// Path in the YAML stream.
    pub yaml_path: String,
    /// The lines as they were.
    pub before: String,
    /// The lines as they shall be.
    pub after: String,
    /// Places that take the same scalar through an alias, so change with it.
    pub aliases: Vec<AliasUse>,
}

/// Plans an edit of one file: every reference in `which` (found in these very bytes) becomes `new`.
///
/// # Errors
/// An [`EditError`] if a place cannot be edited, or the result cannot be proven. Nothing is
/// written either way.
pub fn plan_edit(path: &str, bytes: &[u8], which: &[&Found], new: &NewPin) -> Result<Edited, EditError> {
    let scan = manifest::scan(path, bytes);
    let mut targets = Vec::new();
    let all: Vec<&Found> = scan.all().collect();
    for wanted in which {
        let Some(at) = all.iter().position(|found| found == wanted) else {
            return Err(EditError::Moved {
                file: path.to_owned(),
                path: wanted.yaml_path.clone(),
            });
        };
        targets.push(at);
    }
    targets.sort_unstable();
    targets.dedup();
    let text = manifest::events::text(bytes).map_err(|why| EditError::Unproven {
        file: path.to_owned(),
        why,
    })?;
    let mut changes: Vec<Change> = Vec::new();
    for &at in &targets {
        let found = all[at];
        if let Some(reason) = &found.read_only {
            return Err(EditError::ReadOnly {
                file: path.to_owned(),
                line: found.line,
                reason: reason.clone(),
            });
        }
        if let Some(other) = shared(&all, at, &targets) {
            return Err(EditError::Shared {
                file: path.to_owned(),
                line: found.line,
                other: other.written.clone(),
            });
        }
        changes.extend(change::of(path, text, found, new)?);
    }
    let changes = change::ordered(changes).map_err(|why| EditError::Unproven {
        file: path.to_owned(),
        why,
    })?;
    let after = change::splice(text, &changes);
    let unproven = |why| EditError::Unproven {
        file: path.to_owned(),
        why,
    };
    check::outside(text, &after, &changes).map_err(unproven)?;
    match manifest::is_variables(path) {
        true => variables_check::same_but_for(text, &after, &changes).map_err(unproven)?,
        false => check::events(text, &after, &changes).map_err(unproven)?,
    }
    check::scan(path, &scan, &after, &targets, new).map_err(unproven)?;
    Ok(Edited {
        edits: describe(text, &after, &changes, &all, &targets),
        warnings: warnings(&scan, &all, &targets, new),
        base: Digest::of(bytes),
        bytes: after.into_bytes(),
    })
}

/// Another reference, not among the targets, whose digest or tag stands in the same bytes.
fn shared<'f>(all: &[&'f Found], at: usize, targets: &[usize]) -> Option<&'f Found> {
    let site = &all[at].site;
    all.iter().copied().enumerate().find_map(|(other, found)| {
        let digest = site.digest.is_some() && found.site.digest == site.digest;
        let tag = site.tag.is_some() && found.site.tag.as_ref().map(|t| &t.span) == site.tag.as_ref().map(|t| &t.span);
        (other != at && !targets.contains(&other) && (digest || tag)).then_some(found)
    })
}

fn warnings(scan: &manifest::Scan, all: &[&Found], targets: &[usize], new: &NewPin) -> Vec<Warning> {
    let mut out: Vec<Warning> = Vec::new();
    for &at in targets {
        let found = all[at];
        for warning in scan.warnings.iter().filter(|w| w.concerns(found)) {
            if !out.contains(warning) {
                out.push(warning.clone());
            }
        }
        let changes = found.digest != Some(new.digest);
        if let (TagChange::Keep, Some(tag), true) = (&new.tag, &found.tag, changes) {
            out.push(Warning::on(
                found,
                format!("the tag {tag:?} stays beside a digest that it may not name"),
            ));
        }
        if found.digest.is_none() && found.inserts_field() {
            out.push(Warning::on(
                found,
                "the digest gets a field of its own: check that the chart reads `digest`".to_owned(),
            ));
        }
    }
    out
}

fn describe(before: &str, after: &str, changes: &[Change], all: &[&Found], targets: &[usize]) -> Vec<Edit> {
    let mut out = Vec::new();
    let mut shift = 0isize;
    for change in changes {
        let old = lines(before, change.span.start, change.span.end);
        let start = change.span.start.saturating_add_signed(shift);
        let new = lines(after, start, start + change.text.len());
        let line = before[..change.span.start].bytes().filter(|&b| b == b'\n').count() + 1;
        let found = targets
            .iter()
            .map(|&at| all[at])
            .find(|f| f.yaml_path == change.yaml_path);
        out.push(Edit {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            yaml_path: change.yaml_path.clone(),
            before: old.to_owned(),
            after: new.to_owned(),
            aliases: found.map(|f| f.aliases.clone()).unwrap_or_default(),
        });
        shift += isize::try_from(change.text.len()).unwrap_or(0) - isize::try_from(change.span.len()).unwrap_or(0);
    }
    out
}

/// The whole lines that a range touches, without the last line break.
fn lines(text: &str, start: usize, end: usize) -> &str {
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = text[end..].find('\n').map_or(text.len(), |at| end + at);
    text[from..to].trim_end_matches('\r')
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;

//! What a change does besides its pins: holds that go, images that are nobody's, files that can no longer be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::board::Hold;
use crate::domain::check::finding::{CheckFinding, FindingKind, FindingLevel};
use crate::domain::check::step;
use crate::domain::failure::Hint;
use crate::domain::hold::{self, HoldChange};
use crate::domain::quoted;
use crate::domain::text::Untrusted;
use crate::engine::holds;
use crate::engine::pins::NotAPin;
use crate::sources::git::{GitError, GitRepo, TreeEntry, UnreadEntry};

use super::tree::PinTree;

/// At most this many findings of one kind that are no pins; the last one counts the rest.
const MOST: usize = 200;

/// Images of the head that nobody manages and that were not there before, and what is not read at all among the files
/// of an environment.
pub(super) fn unmanaged(
    before: &PinTree,
    head: &PinTree,
    unread: &[UnreadEntry],
    changed: &[String],
) -> Vec<CheckFinding> {
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in &before.unmanaged {
        *known.entry((&one.file, one.text.raw())).or_default() += 1;
    }
    let mut out = Vec::new();
    for one in &head.unmanaged {
        if one.reason == NotAPin::Ignored.reason() {
            continue;
        }
        if let Some(left) = known
            .get_mut(&(one.file.as_str(), one.text.raw()))
            .filter(|left| **left > 0)
        {
            *left -= 1;
            continue;
        }
        let reached = head.environments(&one.file);
        let Some(environment) = reached.into_iter().next() else {
            continue;
        };
        let message = format!("{} is new here and not managed: {}", one.text.quoted(), one.reason);
        let next = "name it in [[services]] of pindeck.toml, or in `ignore`, in a change of its own";
        out.push(CheckFinding {
            environment: Some(environment),
            ..CheckFinding::new(FindingKind::UnmanagedImage, FindingLevel::Warning, message, next)
                .at(&one.file, Some(one.line))
        });
    }
    for one in unread.iter().filter(|one| head.is_in_any(&one.path)) {
        let path = quoted(&one.path);
        let message = format!("{path} is {}: what is in it is not read, and may be deployed", one.what);
        let next = "put a regular file there, with a name and a size that can be read";
        out.push(CheckFinding {
            environment: head.environments(&one.path).into_iter().next(),
            ..CheckFinding::new(FindingKind::UnmanagedImage, FindingLevel::Warning, message, next)
                .at(&one.path, Some(1))
        });
    }
    let problem = |tree: &PinTree, file: &str| tree.commit.scans.get(file).and_then(|scan| scan.problem.clone());
    for file in changed.iter().filter(|file| head.is_in_any(file)) {
        // What could be read before has pins or images of its own that are missed.
        let (Some(_), Some(why)) = (problem(before, file), problem(head, file)) else {
            continue;
        };
        let path = quoted(file);
        let message = format!("{path} could not be read before, and is changed: what is in it may be deployed ({why})");
        let next = "look at the change itself, or write the file so that it can be read";
        out.push(CheckFinding {
            environment: head.environments(file).into_iter().next(),
            ..CheckFinding::new(FindingKind::UnmanagedImage, FindingLevel::Warning, message, next).at(file, Some(1))
        });
    }
    capped(out, MOST)
}

/// At most so many findings; the last one counts the rest.
pub(super) fn capped(mut all: Vec<CheckFinding>, most: usize) -> Vec<CheckFinding> {
    if all.len() > most {
        let more = all.len() - most;
        all.truncate(most);
        if let Some(last) = all.last_mut() {
            last.message = format!("{}; and {more} more of this kind", last.message.raw()).into();
        }
    }
    all
}

/// Files with pins that were read before and are not, or not wholly, now: one finding for each pin.
pub(super) fn unreadable(before: &PinTree, head: &PinTree) -> Vec<CheckFinding> {
    let problem = |tree: &PinTree, file: &str| tree.commit.scans.get(file).and_then(|scan| scan.problem.clone());
    let mut told = BTreeSet::new();
    let mut out = Vec::new();
    for place in &head.places {
        let Some(why) = problem(head, &place.file) else {
            continue;
        };
        if problem(before, &place.file).is_some() || !told.insert((&place.file, place.pin())) {
            continue;
        }
        let next = "write it so that it can be read";
        let message = format!("the file that pins it cannot be read as before: {why}");
        out.push(CheckFinding {
            message: message.into(),
            ..step::at(place, None, FindingKind::Unreadable, FindingLevel::Error, next.into())
        });
    }
    out
}

/// Holds that the head takes away or weakens. Holds that come are never a finding.
pub(super) fn released(repo: &GitRepo, before: &str, head: &str) -> Result<Vec<CheckFinding>, GitError> {
    let (was, is) = (repo.entry(before, holds::FILE)?, repo.entry(head, holds::FILE)?);
    if was == is {
        return Ok(Vec::new());
    }
    let line = matches!(is, TreeEntry::File(_)).then_some(1);
    let finding = |message: String, next: Hint| {
        CheckFinding::new(FindingKind::HoldReleased, FindingLevel::Error, message, next).at(holds::FILE, line)
    };
    let read = |commit: &str| -> Result<Vec<Hold>, Untrusted> { crate::engine::ledger::holds_at(repo, commit) };
    let split = "release the hold in a change of its own, and pin in the next";
    Ok(match (read(before), read(head)) {
        (Ok(was), Ok(is)) => {
            let mut out = Vec::new();
            for change in hold::changes(&was, &is) {
                if let HoldChange::Ends(service, environment, digest) = change {
                    let message = format!(
                        "the hold of {service} in {environment} on {digest} goes together with a change of a pin"
                    );
                    out.push(CheckFinding {
                        service: Some(service),
                        environment: Some(environment),
                        ..finding(message, split.into())
                    });
                }
            }
            capped(out, MOST)
        }
        (_, Err(problem)) => vec![finding(problem.raw().to_owned(), "leave the file as it was".into())],
        (Err(_), Ok(_)) => vec![finding(
            "holds that could not be read are written anew together with a change of a pin".to_owned(),
            "repair them in a change of its own".into(),
        )],
    })
}

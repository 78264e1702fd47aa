//! Pins that are gone from where they were: with their workload, or although it is still there.

use crate::domain::check::change::LostPlace;
use crate::domain::check::finding::{CheckFinding, FindingKind, FindingLevel, PinVersion};
use crate::domain::check::place::WorkloadPlace;
use crate::domain::failure::Hint;
use crate::domain::id::EnvId;
use crate::domain::quoted;
use crate::sources::git::manifest::Scan;

use super::tree::{FileState, PinTree};

/// What became of a place that has its pin no more.
enum WhatBecame {
    /// It went with its workload.
    Gone,
    /// It cannot be told: where, and why.
    Unreadable(String, u32, String),
    /// The workload is still there: where, and what it runs.
    Replaced(String, u32, String),
}

/// What is to be said of a lost place; nothing where the workload went and the pin is elsewhere.
pub(super) fn finding(lost: &LostPlace, before: &PinTree, head: &PinTree) -> Option<CheckFinding> {
    let place = &lost.place;
    let (service, environment) = (&place.target.service, &place.target.environment);
    let about = |kind, level, message: String, next: Hint| CheckFinding {
        service: Some(service.clone()),
        environment: Some(environment.clone()),
        component: place.component.clone(),
        from: Some(place.version()),
        ..CheckFinding::new(kind, level, message, next)
    };
    let runner = lost
        .workload
        .as_ref()
        .map_or_else(|| "the file".to_owned(), |one| quoted(&one.name).into_string());
    match what_became(lost, before, head) {
        WhatBecame::Gone if lost.is_pinned_elsewhere => None,
        WhatBecame::Gone => {
            let message = format!("nothing pins it here any more: {runner} is gone");
            let next = "nothing to do if it is meant to go";
            Some(about(FindingKind::Removed, FindingLevel::Note, message, next.into()).at(&place.file, None))
        }
        WhatBecame::Unreadable(file, line, why) => {
            let message = format!("{runner} pinned it, and what it runs now cannot be told: {why}");
            let next = "write it so that it can be read, as a regular file among the paths of its environment";
            Some(about(FindingKind::Unreadable, FindingLevel::Error, message, next.into()).at(file, Some(line)))
        }
        WhatBecame::Replaced(file, line, runs) => {
            let message = format!("{runner} pinned it and is still there: {runs}");
            let next = Hint::with(
                "pin {} there, or remove the whole workload; another image is a change of the policy (pindeck.toml) first",
                &[service.into()],
            );
            let found = about(FindingKind::ImageReplaced, FindingLevel::Error, message, next).at(file, Some(line));
            Some(CheckFinding {
                to: replaced_by(lost, head),
                ..found
            })
        }
    }
}

fn what_became(lost: &LostPlace, before: &PinTree, head: &PinTree) -> WhatBecame {
    let place = &lost.place;
    let environment = &place.target.environment;
    let Some(workload) = &lost.workload else {
        return match head.state(&place.file) {
            FileState::Unreadable(why) => WhatBecame::Unreadable(place.file.clone(), 1, why),
            FileState::Absent => match head.includer(&place.file).filter(|_| !lost.is_pinned_elsewhere) {
                Some(by) => {
                    let why = format!("{} is gone, and {} still takes it in", quoted(&place.file), quoted(by));
                    WhatBecame::Unreadable(by.to_owned(), 1, why)
                }
                None => WhatBecame::Gone,
            },
            FileState::Read(_) if lost.is_pinned_elsewhere => WhatBecame::Gone,
            FileState::Read(_) => {
                let runs = "nothing in it pins the service now, and something may still deploy it";
                WhatBecame::Replaced(place.file.clone(), 1, runs.to_owned())
            }
        };
    };
    match head.state(&workload.file) {
        FileState::Unreadable(why) => return WhatBecame::Unreadable(workload.file.clone(), 1, why),
        FileState::Read(scan) => {
            let is_there = scan.workloads.iter().any(|one| one.name == workload.name);
            if is_there && head.environments(&workload.file).contains(environment) {
                return instead(&workload.file, scan, workload, environment, head);
            }
        }
        FileState::Absent => {}
    }
    // Under another name of the file: then something runs there that is not this service, or nobody can say.
    let is_new = |file: &str| !before.commit.scans.contains_key(file);
    let moved = head.commit.scans.iter().find(|(file, scan)| {
        is_new(file)
            && scan.workloads.iter().any(|one| one.name == workload.name)
            && head.environments(file).contains(environment)
    });
    match moved {
        None => WhatBecame::Gone,
        Some((file, scan)) if head.is_in(file, environment) => instead(file, scan, workload, environment, head),
        Some((file, _)) => {
            let why = format!(
                "it moved to {}, which is in none of the paths of {environment} and still taken in",
                quoted(file)
            );
            WhatBecame::Unreadable(file.clone(), 1, why)
        }
    }
}

/// What a workload runs in place of the pin.
fn instead(file: &str, scan: &Scan, workload: &WorkloadPlace, environment: &EnvId, head: &PinTree) -> WhatBecame {
    let mut line = None;
    let mut images = Vec::new();
    for found in scan.all() {
        if scan.workload_of(found).is_none_or(|one| one.name != workload.name) {
            continue;
        }
        if found.repository.is_none() || found.tag.as_deref().is_some_and(|tag| tag.contains(['{', '$'])) {
            let why = format!(
                "its image is {}, which something else fills in",
                quoted(&found.reference())
            );
            return WhatBecame::Unreadable(file.to_owned(), found.line, why);
        }
        line = line.or(Some(found.line));
        images.push(quoted(&found.reference()).into_string());
    }
    // What is deployed may have another name than what is written.
    let deployed = head
        .effective
        .references
        .iter()
        .filter(|one| one.environment == *environment && one.file != file);
    for one in deployed {
        let is_here = one
            .others
            .iter()
            .any(|other| other.file == file && Some(other.line) == line);
        if is_here {
            images.push(quoted(&one.found.reference()).into_string());
        }
    }
    if images.is_empty() {
        let why = "it is still there and names no image that can be read";
        return WhatBecame::Unreadable(file.to_owned(), 1, why.to_owned());
    }
    images.truncate(5);
    let runs = format!("it runs {} now", images.join(", "));
    WhatBecame::Replaced(file.to_owned(), line.unwrap_or(1), runs)
}

/// What stands in the place of the pin, where it has the form of one.
fn replaced_by(lost: &LostPlace, head: &PinTree) -> Option<PinVersion> {
    let workload = lost.workload.as_ref()?;
    let scan = head.commit.scans.get(&workload.file)?;
    let found = scan
        .all()
        .find(|found| scan.workload_of(found).is_some_and(|one| one.name == workload.name))?;
    Some(PinVersion {
        tag: found.tag.clone(),
        digest: found.digest,
    })
}

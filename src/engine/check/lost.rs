//! Pins that are gone from where they were: with their workload, or although it is still there.

use std::collections::BTreeSet;

use crate::domain::check::change::LostPlace;
use crate::domain::check::finding::{CheckFinding, FindingKind, FindingLevel, PinVersion};
use crate::domain::check::place::WorkloadPlace;
use crate::domain::failure::Hint;
use crate::domain::id::EnvId;
use crate::domain::quoted;
use crate::engine::effective::entry;
use crate::sources::git::manifest::{Found, Scan, Workload, slot_of_container};

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
        WhatBecame::Gone if !lost.is_whole || lost.is_pinned_elsewhere && !is_decoy(lost, before, head) => None,
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

/// Whether the pin went from where something takes it in to where nothing does: that is no place to move to.
fn is_decoy(lost: &LostPlace, before: &PinTree, head: &PinTree) -> bool {
    let was = lost
        .workload
        .as_ref()
        .map_or(lost.place.file.as_str(), |one| one.file.as_str());
    let to = lost.moved_to.as_ref().map(|one| one.file.as_str());
    before.includer(was).is_some() && to.is_some_and(|to| head.includer(to).is_none())
}

fn what_became(lost: &LostPlace, before: &PinTree, head: &PinTree) -> WhatBecame {
    let place = &lost.place;
    let environment = &place.target.environment;
    let Some(workload) = &lost.workload else {
        return of_file(lost, head);
    };
    if let FileState::Unreadable(why) = head.state(&workload.file) {
        return WhatBecame::Unreadable(workload.file.clone(), 1, why);
    }
    // First where it stood, then in files that are new: a copy that has the pin does not speak for one that has not.
    let is_new = |file: &str| !before.commit.scans.contains_key(file);
    let others = head.commit.scans.keys().filter(|file| is_new(file));
    for file in std::iter::once(&workload.file).chain(others) {
        let Some(scan) = head.commit.scans.get(file) else {
            continue;
        };
        let is_there = scan.workloads.iter().any(|one| one.name == workload.name);
        if !is_there || !head.environments(file).contains(environment) {
            continue;
        }
        if !head.is_in(file, environment) && *file != workload.file {
            let why = format!(
                "it moved to {}, which is in none of the paths of {environment} and still taken in",
                quoted(file)
            );
            return WhatBecame::Unreadable(file.clone(), 1, why);
        }
        if let Some(became) = in_workload(file, scan, (lost, workload), (before, head)) {
            return became;
        }
    }
    WhatBecame::Gone
}

/// What became of a pin that stood in no workload that has a name.
fn of_file(lost: &LostPlace, head: &PinTree) -> WhatBecame {
    let place = &lost.place;
    let file = &place.file;
    match head.state(file) {
        FileState::Unreadable(why) => WhatBecame::Unreadable(file.clone(), 1, why),
        FileState::Absent => match head.includer(file).filter(|_| !lost.is_pinned_elsewhere) {
            Some(by) => {
                let why = format!("{} is gone, and {} still takes it in", quoted(file), quoted(by));
                WhatBecame::Unreadable(by.to_owned(), 1, why)
            }
            None => WhatBecame::Gone,
        },
        FileState::Read(scan) => {
            let is_meant =
                |found: &&Found| scan.workload_of(found).is_none() && lost.names.contains(&scan.slot_of(found));
            if let Some(found) = scan.all().find(is_meant) {
                let runs = format!("it says {} now", quoted(&found.reference()));
                return WhatBecame::Replaced(file.clone(), found.line, runs);
            }
            let runs = match lost.is_whole {
                true => "nothing in it pins the service now, and something may still deploy it",
                // Another name of the same field.
                false if !lost.is_fewer => return WhatBecame::Gone,
                false => "fewer places of it pin the service now, and something may still deploy them",
            };
            WhatBecame::Replaced(file.clone(), 1, runs.to_owned())
        }
    }
}

/// What a workload that is still there runs in place of the pin; nothing where only a container went, or where it runs
/// the pin as before.
fn in_workload(
    file: &str,
    scan: &Scan,
    (lost, workload): (&LostPlace, &WorkloadPlace),
    (before, head): (&PinTree, &PinTree),
) -> Option<WhatBecame> {
    let pin = lost.place.pin();
    let here = |tree: &PinTree, file: &str| -> BTreeSet<(String, String)> {
        let places = tree.places.iter().filter(|place| place.pin() == pin);
        let slots = places.flat_map(|place| &place.slots);
        slots
            .filter(|slot| slot.workload.file == file && slot.workload.name == workload.name)
            .map(|slot| (slot.name.clone(), slot.path.clone()))
            .collect()
    };
    let pinned = here(head, file);
    if pinned.is_empty() {
        return Some(instead(
            file,
            scan,
            workload,
            &lost.place.target.environment,
            head,
            &|_| true,
        ));
    }
    // Where the workload moved to another file, what is lost is told by that one.
    let is_fewer = pinned.len() < here(before, &workload.file).len();
    let is_left = |name: &&String| pinned.iter().any(|(left, _)| left == *name);
    let names: BTreeSet<&String> = lost.names.iter().filter(|name| !is_left(name)).collect();
    if names.is_empty() && !is_fewer {
        return None;
    }
    let mine = |found: &&Found| scan.workload_of(found).is_some_and(|one| one.name == workload.name);
    let was: BTreeSet<String> = before
        .commit
        .scans
        .get(&workload.file)
        .map_or_else(BTreeSet::new, |scan| {
            let mine = scan
                .all()
                .filter(|found| scan.workload_of(found).is_some_and(|one| one.name == workload.name));
            mine.map(|found| scan.slot_of(found)).collect()
        });
    // What stands where the pin stood; and where the pin has fewer places, what is new, under whatever name.
    let is_instead = |found: &Found| {
        let slot = scan.slot_of(found);
        let path = entry(&found.yaml_path);
        !pinned.iter().any(|(_, pinned)| *pinned == path) && (names.contains(&slot) || is_fewer && !was.contains(&slot))
    };
    if scan.all().filter(mine).any(&is_instead) {
        let environment = &lost.place.target.environment;
        return Some(instead(file, scan, workload, environment, head, &is_instead));
    }
    let whole: Vec<&Workload> = scan.workloads.iter().filter(|one| one.name == workload.name).collect();
    let containers: BTreeSet<String> = whole
        .iter()
        .flat_map(|one| &one.containers)
        .map(|(at, name)| slot_of_container(at, name))
        .collect();
    // A container that went is gone; of one that is there, and of a field, nobody can say what it runs.
    let is_gone = |name: &String| {
        name.contains("ontainers[") && name.ends_with(']') && !name.ends_with("[]") && !containers.contains(name)
    };
    if !is_fewer || !names.is_empty() && names.iter().all(|name| is_gone(name)) {
        return None;
    }
    let why = "one of its images is no more written there, and what it runs in its place is decided elsewhere";
    Some(WhatBecame::Unreadable(file.to_owned(), 1, why.to_owned()))
}

/// What a workload runs in place of the pin.
fn instead(
    file: &str,
    scan: &Scan,
    workload: &WorkloadPlace,
    environment: &EnvId,
    head: &PinTree,
    is_meant: &dyn Fn(&Found) -> bool,
) -> WhatBecame {
    let mut line = None;
    let mut images = Vec::new();
    for found in scan.all() {
        if scan.workload_of(found).is_none_or(|one| one.name != workload.name) || !is_meant(found) {
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

//! Which pins differ between two commits.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::Digest;

use super::place::{ImageSlot, PinOf, PinnedPlace, WorkloadPlace};

/// A place of the head that says something else than before, or that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CamePlace {
    /// What the head says there.
    pub place: PinnedPlace,
    /// The place that it took the place of; `None` = the pin has one more.
    pub was: Option<PinnedPlace>,
}

/// A workload, or where there is none a file, that has a pin no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostPlace {
    /// Where the pin was.
    pub place: PinnedPlace,
    /// The workload that ran it; `None` = the place belongs to none that has a name.
    pub workload: Option<WorkloadPlace>,
    /// The containers or fields in it that had the pin and have it no more, by name.
    pub names: BTreeSet<String>,
    /// Fewer of its containers or fields have the pin than before.
    pub is_fewer: bool,
    /// None of them has it.
    pub is_whole: bool,
    /// A workload of the same name that has the pin now and had it not before.
    pub moved_to: Option<WorkloadPlace>,
    /// Whether the head pins the same elsewhere.
    pub is_pinned_elsewhere: bool,
}

/// A pin whose places no longer say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SplitPin {
    /// A place that changed.
    pub changed: PinnedPlace,
    /// What it said before, if it was there.
    pub was: Option<PinnedPlace>,
    /// The places that say something else.
    pub others: Vec<PinnedPlace>,
}

/// Everything that a change does to pins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PinChanges {
    /// Places that changed or came.
    pub came: Vec<CamePlace>,
    /// Places that went.
    pub lost: Vec<LostPlace>,
    /// Pins that are split now and were less so before.
    pub split: Vec<SplitPin>,
}

impl PinChanges {
    /// Whether no pin differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.came.is_empty() && self.lost.iter().all(|lost| !lost.is_whole || lost.moved_to.is_some())
    }
}

/// Compares the places of two commits.
pub(crate) fn changes(before: &[PinnedPlace], after: &[PinnedPlace]) -> PinChanges {
    let mut out = PinChanges::default();
    let (before, after) = (by_pin(before), by_pin(after));
    let pins: BTreeSet<&PinOf> = before.keys().chain(after.keys()).collect();
    for pin in pins {
        let none = Vec::new();
        let (was, is) = (before.get(pin).unwrap_or(&none), after.get(pin).unwrap_or(&none));
        let pairs = paired(was, is);
        for (at, place) in is.iter().enumerate() {
            let former = pairs.get(&at).map(|from| was[*from]);
            if former.is_none_or(|former| !place.says_the_same(former)) {
                out.came.push(CamePlace {
                    place: (*place).clone(),
                    was: former.cloned(),
                });
            }
        }
        out.lost.extend(lost(was, is));
        out.split.extend(split(was, is, &pairs));
    }
    out
}

fn by_pin(places: &[PinnedPlace]) -> BTreeMap<PinOf, Vec<&PinnedPlace>> {
    let mut out: BTreeMap<PinOf, Vec<&PinnedPlace>> = BTreeMap::new();
    for place in places {
        out.entry(place.pin()).or_default().push(place);
    }
    out
}

/// For each place of the head the place that it was before, by the surest sign first.
fn paired(was: &[&PinnedPlace], is: &[&PinnedPlace]) -> BTreeMap<usize, usize> {
    type IsPair = fn(&PinnedPlace, &PinnedPlace) -> bool;
    const SIGNS: [IsPair; 8] = [
        |a, b| a.file == b.file && a.entry == b.entry && a.runs_in_the_same(b) && a.says_the_same(b),
        |a, b| a.file == b.file && a.shares_workload(b) && a.says_the_same(b),
        |a, b| a.file == b.file && a.shares_workload(b) && a.entry == b.entry,
        |a, b| a.file == b.file && a.shares_workload(b),
        PinnedPlace::shares_workload,
        |a, b| a.file == b.file && a.entry == b.entry,
        |a, b| a.file == b.file,
        |_, _| true,
    ];
    let mut pairs = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for is_pair in SIGNS {
        for (at, place) in is.iter().enumerate() {
            if pairs.contains_key(&at) {
                continue;
            }
            let found = was
                .iter()
                .enumerate()
                .find(|(from, former)| !taken.contains(from) && is_pair(former, place));
            if let Some((from, _)) = found {
                taken.insert(from);
                pairs.insert(at, from);
            }
        }
    }
    pairs
}

/// The workloads, and where there is none the files, in which something ran the pin that does not run it now. They are
/// told by name and by file: one of the same name elsewhere is where it may have gone.
fn lost(was: &[&PinnedPlace], is: &[&PinnedPlace]) -> Vec<LostPlace> {
    let (ran, runs) = (by_workload(was), by_workload(is));
    let mut moved: Vec<&WorkloadPlace> = runs.keys().copied().filter(|one| !ran.contains_key(one)).collect();
    let mut out: Vec<LostPlace> = Vec::new();
    for (workload, slots) in ran {
        let left = runs.get(workload);
        let names: BTreeSet<String> = slots
            .iter()
            .filter(|slot| left.is_none_or(|left| left.iter().all(|one| one.name != slot.name)))
            .map(|slot| slot.name.clone())
            .collect();
        let is_fewer = left.is_none_or(|left| left.len() < slots.len());
        if names.is_empty() && !is_fewer {
            continue;
        }
        let holds = |place: &&&PinnedPlace| {
            let mut own = place.slots.iter().filter(|slot| slot.workload == *workload);
            own.any(|slot| names.is_empty() || names.contains(&slot.name))
        };
        let Some(place) = was.iter().find(holds) else { continue };
        let at = match left {
            None => moved
                .iter()
                .position(|one| !one.name.is_empty() && one.name == workload.name),
            Some(_) => None,
        };
        out.push(LostPlace {
            place: (*place).clone(),
            workload: (!workload.name.is_empty()).then(|| workload.clone()),
            names,
            is_fewer,
            is_whole: left.is_none(),
            moved_to: at.map(|at| moved.swap_remove(at).clone()),
            is_pinned_elsewhere: !is.is_empty(),
        });
    }
    out
}

/// The slots of places, by the workload or file that they stand in.
fn by_workload<'a>(places: &[&'a PinnedPlace]) -> BTreeMap<&'a WorkloadPlace, BTreeSet<&'a ImageSlot>> {
    let mut out: BTreeMap<&WorkloadPlace, BTreeSet<&ImageSlot>> = BTreeMap::new();
    for slot in places.iter().flat_map(|place| &place.slots) {
        out.entry(&slot.workload).or_default().insert(slot);
    }
    out
}

/// Whether the places differ more than they did, and one of them changed.
fn split(was: &[&PinnedPlace], is: &[&PinnedPlace], pairs: &BTreeMap<usize, usize>) -> Option<SplitPin> {
    let different = |places: &[&PinnedPlace]| -> BTreeSet<(Option<Digest>, Option<String>)> {
        let what = |place: &&PinnedPlace| match place.digest {
            Some(digest) => (Some(digest), None),
            None => (None, place.tag.clone()),
        };
        places.iter().map(what).collect()
    };
    let (before, after) = (different(was), different(is));
    if after.len() < 2 || after.len() <= before.len() {
        return None;
    }
    let has_changed = |at: &usize| pairs.get(at).is_none_or(|from| !is[*at].says_the_same(was[*from]));
    let at = (0..is.len()).find(has_changed)?;
    let changed = is[at];
    let others = is
        .iter()
        .filter(|place| place.digest != changed.digest || changed.digest.is_none() && place.tag != changed.tag);
    Some(SplitPin {
        changed: changed.clone(),
        was: pairs.get(&at).map(|from| was[*from].clone()),
        others: others.map(|place| (*place).clone()).collect(),
    })
}

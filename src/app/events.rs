//! What happens while a person looks: each update is compared with the board that it changes, and what is new
//! to a person becomes one line of a log.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::cursor::{Column, cells};
use super::versions::VersionNames;
use crate::domain::board::{Assessment, Board, PinKey, RepositoryInfo, ServiceRow, Update};
use crate::domain::drift::DriftKind;
use crate::domain::evidence::{EvidenceKind, EvidenceState};
use crate::domain::freshness::Answered;
use crate::domain::id::{Digest, ServiceId, Target};
use crate::domain::pin::PinnedBy;
use crate::domain::proposal::ProposalReport;

/// The log remembers so many events; older ones go.
const MOST: usize = 500;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEvent {
    /// When this cockpit saw it.
    pub at: Timestamp,
    /// What, in one line. It can quote strangers; the view cleans it as it cleans everything.
    pub text: String,
}

/// A cell of the board.
pub type CellId = (ServiceId, Column);

/// Everything that happened in this session, and what is known of changes that are not told yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventLog {
    entries: VecDeque<SeenEvent>,
    /// How many there have been, with those that are forgotten.
    count: usize,
    /// The first pass has ended: what comes from now on is new.
    is_told: bool,
    /// Pins that changed, until it is known who changed them: what was pinned before.
    changed: BTreeMap<Target, Option<Digest>>,
    /// Candidates that are new, until it is known whether CI built them: their tag.
    offered: BTreeMap<ServiceId, String>,
}

impl EventLog {
    /// The events, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &SeenEvent> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The newest event.
    pub fn last(&self) -> Option<&SeenEvent> {
        self.entries.back()
    }

    /// How many events there have been: a mark for [`Self::since`].
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The events after that many, oldest first, as far as they are remembered.
    pub fn since(&self, count: usize) -> Vec<&SeenEvent> {
        let new = self.count.saturating_sub(count).min(self.entries.len());
        self.entries.iter().skip(self.entries.len() - new).collect()
    }

    /// Writes one event down.
    pub fn push(&mut self, at: Timestamp, text: impl Into<String>) {
        if self.entries.len() >= MOST {
            self.entries.pop_front();
        }
        self.count += 1;
        self.entries.push_back(SeenEvent { at, text: text.into() });
    }

    /// Compares an update with the board before it. What the first pass finds was there before: it is no event.
    /// Answers the cells that changed. Pins that this cockpit changed itself (`own`) flash, and are told as its
    /// own write by whoever made it.
    pub fn note(
        &mut self,
        before: &Board,
        update: &Update,
        names: &VersionNames<'_>,
        own: impl Fn(&Target) -> bool,
        now: Timestamp,
    ) -> Vec<CellId> {
        if !self.is_told {
            self.is_told = matches!(update, Update::Finished(_));
            return Vec::new();
        }
        match update {
            Update::Opened {
                services, repository, ..
            } => self.opened(before, (repository, services), own),
            Update::PinnedBy(key, by) => {
                self.pinned_by(&key.target, key.digest, by, names, now);
                Vec::new()
            }
            Update::Candidate(service, answer) => self.candidate(before, service, answer),
            Update::CandidateAssessed(service, Answered { result: Ok(found), .. }) => {
                self.candidate_assessed(service, found, now);
                Vec::new()
            }
            Update::Tag {
                key,
                source,
                immutable: true,
                digest: Answered {
                    result: Ok(Some(found)),
                    ..
                },
                matches_via_index: false,
            } => {
                let cell = before.cell(key);
                let was = cell.and_then(|cell| cell.tag_digest.value().copied().flatten());
                match (was, source.tag()) {
                    (Some(was), Some(tag)) if was != *found && cell.is_some_and(|cell| cell.tag == *source) => {
                        let service = &key.target.service;
                        let text = format!("tag {tag} of {service} moved: {} to {}", was.short(), found.short());
                        if self.last().is_none_or(|last| last.text != text) {
                            self.push(now, text);
                        }
                        vec![cell_id(&key.target)]
                    }
                    _ => Vec::new(),
                }
            }
            Update::Assessed {
                key,
                assessment: Answered { result: Ok(found), .. },
                ..
            } => {
                let was = before.cell(key).and_then(|cell| outcome(cell.assessment.value()?));
                match (was, outcome(found)) {
                    (Some(was), Some(is)) if was != is => {
                        let Target { service, environment } = &key.target;
                        self.push(now, format!("{service} in {environment}: {was}, now {is}"));
                        vec![cell_id(&key.target)]
                    }
                    _ => Vec::new(),
                }
            }
            Update::Running(key, Answered { result: Ok(is), .. }) => {
                let was = before.cell(key).and_then(|cell| cell.running.value());
                match was.filter(|was| was.state != is.state) {
                    Some(was) => {
                        let Target { service, environment } = &key.target;
                        let (was, is) = (was.state.as_str(), is.brief());
                        self.push(now, format!("{service} in {environment}: running {was}, now {is}"));
                        vec![cell_id(&key.target)]
                    }
                    None => Vec::new(),
                }
            }
            Update::Proposals(all) => self.proposals(before, all, now),
            Update::Drift(found) => {
                self.drift(before, found, now);
                Vec::new()
            }
            Update::Finished(_) => {
                // Whoever made these, nobody will say any more.
                let left = std::mem::take(&mut self.changed);
                for target in left.keys() {
                    self.push(
                        now,
                        format!("{} in {} is pinned anew", target.service, target.environment),
                    );
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn opened(
        &mut self,
        before: &Board,
        (repository, services): (&RepositoryInfo, &[ServiceRow]),
        own: impl Fn(&Target) -> bool,
    ) -> Vec<CellId> {
        let mut flashing = Vec::new();
        for row in services {
            let Some(old) = before.row(&row.name) else { continue };
            for environment in &before.environments {
                // What could not be read, then or now, was not changed by anybody.
                let is_unread =
                    before.unread(&environment.name).is_some() || repository.unread(&environment.name).is_some();
                if is_unread {
                    continue;
                }
                let digests = |row: &ServiceRow| -> Vec<(Option<Digest>, Option<String>)> {
                    let pins = cells(row, &environment.name);
                    pins.map(|cell| (cell.pin.digest, cell.pin.tag.clone())).collect()
                };
                let (was, is) = (digests(old), digests(row));
                if was == is {
                    continue;
                }
                let target = Target::new(row.name.clone(), environment.name.clone());
                flashing.push(cell_id(&target));
                if !own(&target) {
                    self.changed.insert(target, was.first().and_then(|(digest, _)| *digest));
                }
            }
        }
        flashing
    }

    fn pinned_by(
        &mut self,
        target: &Target,
        digest: Option<Digest>,
        by: &PinnedBy,
        names: &VersionNames<'_>,
        now: Timestamp,
    ) {
        let Some(was) = self.changed.remove(target) else { return };
        let name = |digest: Digest| {
            let version = names.of(&target.service, digest);
            version.map_or_else(|| digest.short(), |version| version.text().to_owned())
        };
        let change = match (was, digest) {
            (Some(was), Some(is)) => format!(" from {} to {}", name(was), name(is)),
            (None, Some(is)) => format!(" to {}", name(is)),
            (_, None) => String::new(),
        };
        let Target { service, environment } = target;
        self.push(
            now,
            format!("{} changed {service} in {environment}{change}", by.author.quoted()),
        );
    }

    fn candidate(
        &mut self,
        before: &Board,
        service: &ServiceId,
        answer: &Answered<Option<crate::domain::candidate::Candidate>>,
    ) -> Vec<CellId> {
        let was = before.row(service).and_then(|row| row.candidate.value()?.as_ref());
        match (was, &answer.result) {
            (Some(was), Ok(Some(is))) if was.digest != is.digest => {
                self.offered.insert(service.clone(), is.tag.clone());
                vec![(service.clone(), Column::Candidate)]
            }
            _ => Vec::new(),
        }
    }

    fn candidate_assessed(&mut self, service: &ServiceId, found: &Assessment, now: Timestamp) {
        let Some(tag) = self.offered.remove(service) else {
            return;
        };
        let is_built = found
            .evidence
            .iter()
            .any(|evidence| evidence.kind == EvidenceKind::Provenance && evidence.state == EvidenceState::Verified);
        self.push(
            now,
            if is_built {
                format!("CI built {service} {tag}")
            } else {
                format!("{service} {tag} is new, claimed by its tag only")
            },
        );
    }

    /// What became of proposals, and new ones.
    fn proposals(&mut self, before: &Board, all: &[(PinKey, ProposalReport)], now: Timestamp) -> Vec<CellId> {
        let mut flashing = Vec::new();
        for (key, report) in all {
            let Some(cell) = before.cell(key) else { continue };
            let known = cell.proposal.as_deref();
            // What the forge said of the same branch stands until it says more.
            let report = report.clone().keeping(known);
            let (was, is) = (known.map(|known| (&known.pin.branch, known.state)), report.state);
            if was != Some((&report.pin.branch, is)) {
                let Target { service, environment } = &key.target;
                let to = report.pin.to.short();
                self.push(now, format!("{service} in {environment}: {to} {}", report.brief()));
                flashing.push(cell_id(&key.target));
            }
        }
        flashing
    }

    fn drift(&mut self, before: &Board, found: &[crate::domain::Drift], now: Timestamp) {
        let place = |drift: &crate::domain::Drift| match &drift.environment {
            Some(environment) => format!("{} in {environment}", drift.service),
            None => drift.service.to_string(),
        };
        // A tag that moved and a verdict that changed have been told where they were seen.
        let is_told = |kind| matches!(kind, DriftKind::TagMoved | DriftKind::NotVerified);
        for drift in found.iter().filter(|drift| !is_told(drift.kind)) {
            if !before.drift.iter().any(|known| known.id == drift.id) {
                self.push(now, format!("drift: {}, {}", place(drift), drift.kind.words()));
            }
        }
        for drift in before.drift.iter().filter(|drift| !is_told(drift.kind)) {
            if !found.iter().any(|known| known.id == drift.id) {
                self.push(now, format!("drift over: {}, {}", place(drift), drift.kind.words()));
            }
        }
    }
}

/// Some events in one line: the newest, and how many more there are.
pub fn digest_of(events: &[&SeenEvent]) -> Option<String> {
    let newest = events.last()?;
    Some(match events.len() {
        1 => newest.text.clone(),
        n => format!("{}, and {} more", newest.text, n - 1),
    })
}

fn cell_id(target: &Target) -> CellId {
    (target.service.clone(), Column::Environment(target.environment.clone()))
}

fn outcome(of: &Assessment) -> Option<&'static str> {
    of.verdict.as_ref().map(|verdict| verdict.result.as_str())
}

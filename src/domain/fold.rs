//! Folding what the engine finds out into the board: the only place that changes one.
//!
//! A question that fails leaves what was known, with its age (stale-while-revalidate). So a registry that is
//! down for a moment empties no cell, and a value on screen is never newer than it looks.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::board::{Assessment, Board, Cell, PinKey, ServiceRow, TagSource, Update};
use super::board_search::FormerCells;
use super::freshness::{Answered, Seen};
use super::proposal::ProposalReport;

impl Board {
    /// Folds one update in. Unknown keys are ignored: they belong to a board that was replaced.
    pub(crate) fn apply(&mut self, update: Update) {
        match update {
            Update::Opened {
                repository,
                environments,
                services,
                unmanaged,
            } => {
                let old = self.take_rows(services);
                self.carry_over(old);
                self.repository = Some(repository);
                self.environments = environments;
                self.unmanaged = unmanaged;
                self.notices.clear();
                self.finished_at = None;
            }
            Update::Rules(rules) => self.rules = rules,
            Update::PinnedBy(key, by) => self.with_cell(&key, |cell| cell.pinned_by = Some(by)),
            Update::Skipped(key, skipped) => self.with_cell(&key, |cell| cell.skipped = skipped),
            Update::Candidate(service, candidate) => {
                if let Some(at) = self.row_of_update(&service) {
                    let row = &mut self.services[at];
                    let found = matches!(candidate.result, Ok(Some(_)));
                    if let Err(failure) = &candidate.result {
                        row.assessment.take(Answered {
                            result: Err(failure.clone()),
                            at: candidate.at,
                        });
                    } else if !found {
                        row.assessment = Seen::NotChecked;
                    }
                    row.candidate.take(candidate);
                    self.relate_row(at);
                }
            }
            Update::CandidateAssessed(service, assessment) => {
                if let Some(at) = self.row_of_update(&service) {
                    take_assessment(&mut self.services[at].assessment, assessment);
                }
            }
            Update::Tag {
                key,
                source,
                immutable,
                digest,
                matches_via_index,
            } => self.with_cell(&key, |cell| {
                // Who could not be asked which tag it is does not say that it is another one.
                if source != TagSource::None || digest.result.is_ok() {
                    cell.tag = source;
                    cell.tag_is_immutable = immutable;
                }
                if digest.result.is_ok() {
                    cell.tag_matches_via_index = matches_via_index;
                }
                cell.tag_digest.take(digest);
            }),
            Update::Assessed {
                key,
                assessment,
                version,
                same_image,
                missing,
            } => self.with_cell(&key, |cell| {
                cell.version = version.or(cell.version.take());
                // What bytes list never changes, so what was known stays true.
                cell.same_image.extend(same_image);
                if take_assessment(&mut cell.assessment, assessment) {
                    cell.missing = missing;
                }
            }),
            Update::Running(key, report) => self.with_cell(&key, |cell| cell.running.take(report)),
            Update::Proposals(all) => self.take_proposals(all),
            Update::Drift(drift) => self.drift = drift,
            Update::Budget(budget) => self.budget = budget,
            Update::Notice(notice) => self.notices.push(notice),
            Update::Finished(at) => self.finish(at),
        }
    }

    fn with_cell(&mut self, key: &PinKey, change: impl FnOnce(&mut Cell)) {
        if let Some((row, cell)) = self.cell_of_update(key) {
            change(&mut self.services[row].cells[cell]);
            self.relate_cell((row, cell));
        }
    }

    /// Takes all proposals in; of the same branch, what the forge said before stays until it says more.
    fn take_proposals(&mut self, all: Vec<(PinKey, ProposalReport)>) {
        let mut before = BTreeMap::new();
        for cell in self.services.iter_mut().flat_map(|row| &mut row.cells) {
            if let Some(known) = cell.proposal.take() {
                before.insert(cell.pin.key(), known);
            }
        }
        for (key, report) in all {
            let report = report.keeping(before.get(&key).map(|known| &**known));
            self.with_cell(&key, |cell| cell.proposal = Some(Box::new(report)));
        }
    }

    /// Ends a pass. What it did not ask for stays as it was known, with its age.
    fn finish(&mut self, at: Timestamp) {
        fn settle<T>(seen: &mut Seen<T>) {
            if matches!(seen, Seen::Loading { last: Some(_) }) {
                *seen = std::mem::replace(seen, Seen::NotChecked).settled();
            }
        }
        for row in &mut self.services {
            settle(&mut row.candidate);
            settle(&mut row.assessment);
            for cell in &mut row.cells {
                settle(&mut cell.tag_digest);
                settle(&mut cell.assessment);
                settle(&mut cell.running);
                if let Some(proposal) = &mut cell.proposal {
                    settle(&mut proposal.forge);
                }
            }
        }
        self.finished_at = Some(at);
    }

    /// Stale-while-revalidate: what was known about an unchanged pin stays visible, marked loading.
    fn carry_over(&mut self, mut old: Vec<ServiceRow>) {
        let mut former = FormerCells::of(&mut old);
        for before in old {
            let Some(at) = self.row_of_update(&before.name) else {
                continue;
            };
            let row = &mut self.services[at];
            row.candidate = before.candidate.reloading();
            row.assessment = before.assessment.reloading();
            for cell in &mut row.cells {
                let Some(known) = former.take(&cell.pin) else { continue };
                let pin = std::mem::replace(&mut cell.pin, known.pin.clone());
                *cell = Cell {
                    pin,
                    assessment: known.assessment.reloading(),
                    tag_digest: known.tag_digest.reloading(),
                    running: known.running.reloading(),
                    hold: cell.hold.take(),
                    ..known
                };
            }
            self.relate_row(at);
        }
    }
}

/// Takes an assessment in; `false` if the older one stays. A verdict that could not be made because something
/// was not reachable never takes the place of one that was made: that stays, with its age.
fn take_assessment(seen: &mut Seen<Assessment>, answer: Answered<Assessment>) -> bool {
    let failure = match &answer.result {
        Ok(assessment) => assessment.unreachable(),
        Err(failure) => Some(failure.clone()),
    };
    let judged = |assessment: &Assessment| assessment.unreachable().is_none();
    match failure {
        Some(failure) if answer.result.is_err() || seen.value().is_some_and(judged) => {
            seen.take(Answered {
                result: Err(failure),
                at: answer.at,
            });
            false
        }
        _ => {
            seen.take(answer);
            true
        }
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;

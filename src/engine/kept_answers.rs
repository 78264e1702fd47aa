//! What the passes of a watch or a cockpit keep of one another: what was found about a digest, until it is asked again.
//!
//! It lives in the memory of one process, and only [`super::refresh`] reads it. Everything else, each plan and each write
//! first of all, begins with no answer known. What is open or wrong is not kept, so it is asked in every pass.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::drift::Drift;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::rotation::{self, AgedAnswer};
use crate::domain::verdict::{Outcome, Presence};
use crate::sources::evidence::Trust;
use crate::sources::registry::Place;

use super::assess::Assessed;
use super::context::AssessmentKey;
use super::registry_memo::TagAnswer;

/// What was found about digests, by the place that was asked.
#[derive(Default)]
pub(super) struct KeptAnswers {
    by_place: HashMap<Place, HashMap<AssessmentKey, KeptFinding>>,
    /// Places about which this pass found anything in doubt: whatever else is known of them is asked again, too.
    doubted: HashSet<Place>,
    /// The trust that it was found under: every policy compiles to one of its own.
    under: Option<Arc<Trust>>,
    /// When the last pass began.
    began: Option<Timestamp>,
    /// The number of the last pass.
    pass: u64,
}

/// What was found about one digest under one policy.
#[derive(Clone)]
pub(super) struct KeptFinding {
    /// What was found.
    pub assessed: Assessed,
    /// The tag that its version names, and what that pointed at.
    pub label: Option<(String, TagAnswer)>,
    /// What the tags around it were.
    tags: Digest,
    /// The last pass that it was of use in.
    used: u64,
}

/// Whether anything about a digest is open or wrong, so that it is asked about in every pass.
fn is_in_doubt(found: &Assessed) -> bool {
    let verdict = found.assessment.verdict.as_ref();
    found.presence != Presence::Present
        || found.unlisted.is_some()
        || found.label.is_unread()
        || verdict.is_some_and(|verdict| !matches!(verdict.result, Outcome::Verified | Outcome::Warned))
        || found.assessment.evidence.iter().any(|one| one.is_unread())
}

fn place_of(question: &AssessmentKey) -> Place {
    Place::new(&question.0, question.1)
}

impl KeptAnswers {
    /// Begins a pass; answers at which places everything is asked again. What was found under another policy, or with
    /// other roots, is forgotten. `limit` is how old the answers about a service may be.
    pub(super) fn begin(
        &mut self,
        trust: &Arc<Trust>,
        now: Timestamp,
        limit: impl Fn(Option<&ServiceId>) -> SignedDuration,
    ) -> HashSet<Place> {
        if !self.under.as_ref().is_some_and(|under| Arc::ptr_eq(under, trust)) {
            self.by_place.clear();
            self.under = Some(Arc::clone(trust));
        }
        let since = self
            .began
            .map_or(SignedDuration::ZERO, |began| now.duration_since(began));
        if self.began.is_some_and(|began| now < began) {
            // The clock was set back: nobody knows how old anything is.
            self.by_place.clear();
        }
        self.began = Some(now);
        self.doubted.clear();
        self.pass += 1;
        let mut places: Vec<(&Place, AgedAnswer)> = (self.by_place.iter())
            .filter_map(|(place, answers)| {
                let limit = answers.keys().map(|question| limit(question.2.as_ref())).min()?;
                let answers = answers.values().map(|answer| &answer.assessed);
                let oldest = answers.min_by_key(|found| found.asked_at)?;
                let aged = AgedAnswer {
                    asked: oldest.asked_at,
                    limit,
                    manifests: 1 + oldest.children.len() as u64,
                };
                Some((place, aged))
            })
            .collect();
        places.sort_by_key(|(place, _)| *place);
        let answers: Vec<AgedAnswer> = places.iter().map(|(_, aged)| *aged).collect();
        let due = rotation::due(&answers, now, since);
        due.into_iter().map(|at| places[at].0.clone()).collect()
    }

    /// What an earlier pass found, if the tags around it are still the same.
    pub(super) fn get(&mut self, question: &AssessmentKey, tags: Digest) -> Option<KeptFinding> {
        let place = place_of(question);
        let answer = self.by_place.get_mut(&place)?.get_mut(question)?;
        if answer.tags != tags {
            return None;
        }
        answer.used = self.pass;
        Some(answer.clone())
    }

    /// Keeps what this pass found. `None` = not all tags around it are known, and it will be asked again.
    pub(super) fn keep(&mut self, question: AssessmentKey, found: &Assessed, tags: Option<Digest>) {
        let place = place_of(&question);
        let Some(tags) = tags.filter(|_| !is_in_doubt(found)) else {
            // At once: this pass may be cut short.
            self.by_place.remove(&place);
            self.doubted.insert(place);
            return;
        };
        if self.doubted.contains(&place) {
            return;
        }
        let answer = KeptFinding {
            assessed: found.clone(),
            label: None,
            tags,
            used: self.pass,
        };
        self.by_place.entry(place).or_default().insert(question, answer);
    }

    /// Notes what the tag that the version of a digest names pointed at.
    pub(super) fn note_label(&mut self, question: &AssessmentKey, tag: &str, answer: &TagAnswer) {
        let kept = self.by_place.get_mut(&place_of(question));
        if let Some(kept) = kept.and_then(|answers| answers.get_mut(question)) {
            kept.label = Some((tag.to_owned(), answer.clone()));
        }
    }

    /// Ends a pass: what drifts by the word of a registry is asked again in the next one, and what nobody asked for is
    /// forgotten.
    pub(super) fn end(&mut self, drift: &[Drift]) {
        for drift in drift.iter().filter(|drift| drift.kind.is_word_of_a_registry()) {
            if let Some(digest) = drift.expected {
                self.doubted.insert(Place::new(&drift.image, digest));
            }
        }
        let (pass, doubted) = (self.pass, &self.doubted);
        self.by_place.retain(|place, answers| {
            if doubted.contains(place) {
                return false;
            }
            answers.retain(|_, answer| answer.used == pass);
            !answers.is_empty()
        });
    }
}

#[cfg(test)]
#[path = "kept_answers_tests.rs"]
mod tests;

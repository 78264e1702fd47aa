//! What one pass asks about digests: everything, or what is too old, new, open or wrong, or has other tags around it.

use std::collections::{BTreeSet, HashSet};

use crate::domain::candidate::Candidate;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::pin::Pin;
use crate::domain::reference::Repository;
use crate::domain::rotation::BoardLook;
use crate::sources::registry::Place;

use super::assess::Assessed;
use super::context::{self, AssessmentKey, Context, Criteria};
use super::image_labels;
use super::open::{Engine, SurveyedCommit};
use super::registry_memo::{RegistryMemo, TagAnswer};

/// What a pass is for.
pub(crate) enum PassKind {
    /// It answers one question.
    Once,
    /// One of those of a watch.
    Watch,
    /// One of those of a cockpit.
    Cockpit(BoardLook),
}

/// What a pass asks.
pub(super) enum Asking {
    /// Everything, and nothing is kept for another pass.
    Everything,
    /// What earlier passes found counts, but for these places.
    ButFor(HashSet<Place>),
}

/// A digest that a pass comes to.
#[derive(Clone, Copy)]
pub(super) struct AskedDigest<'a> {
    pub repository: &'a Repository,
    pub digest: Digest,
    pub service: &'a ServiceId,
}

impl AskedDigest<'_> {
    fn question(&self, criteria: &Criteria<'_>) -> AssessmentKey {
        context::question(self.repository, self.digest, Some(self.service), criteria)
    }
}

impl Asking {
    /// What a pass of that kind asks.
    pub(super) fn of(kind: &PassKind, engine: &Engine, context: &Context<SurveyedCommit>) -> Self {
        let limits = &engine.options().age_limits;
        let mut kept = engine.kept();
        let (answers, trust) = (&mut kept.answers, context.trust());
        match kind {
            PassKind::Once => Self::Everything,
            PassKind::Watch => Self::ButFor(answers.begin(trust, context.now, |_| limits.watched)),
            PassKind::Cockpit(look) => {
                let limit = |service: Option<&ServiceId>| look.limit(service, limits);
                let mut places = answers.begin(trust, context.now, limit);
                let pins = context.ledger.grouped.services.iter().flat_map(|(_, _, pins)| pins);
                let selected = pins.filter(|pin| Some(&pin.target) == look.selected.as_ref());
                places.extend(selected.filter_map(|pin| Some(Place::new(&pin.image, pin.digest?))));
                Self::ButFor(places)
            }
        }
    }

    /// What is found about a digest: by an earlier pass, if that still counts, else by asking. `tags` are those around
    /// it ([`tags_around`]).
    pub(super) async fn assess(
        &self,
        engine: &Engine,
        context: &Context<SurveyedCommit>,
        asked: AskedDigest<'_>,
        criteria: Criteria<'_>,
        tags: Option<Digest>,
    ) -> Assessed {
        let question = asked.question(&criteria);
        if let Some(known) = self.known(engine, &context.memo, &question, tags).await {
            return context.take_over(question, known).await;
        }
        let place = Place::new(asked.repository, asked.digest);
        image_labels::ask_tag_of_kept(&context.memo, &place, &criteria.extent).await;
        let service = Some(asked.service);
        let found = context.assess(asked.repository, asked.digest, service, criteria).await;
        if matches!(self, Self::ButFor(_)) {
            engine.kept().answers.keep(question, &found, tags);
        }
        found
    }

    /// What an earlier pass found and still counts.
    async fn known(
        &self,
        engine: &Engine,
        memo: &RegistryMemo,
        question: &AssessmentKey,
        tags: Option<Digest>,
    ) -> Option<Assessed> {
        let Self::ButFor(due) = self else { return None };
        let (repository, digest) = (&question.0, question.1);
        if due.contains(&Place::new(repository, digest)) {
            return None;
        }
        let known = engine.kept().answers.get(question, tags?)?;
        if let Some((tag, before)) = &known.label
            && memo.resolve(repository, tag).await != *before
        {
            return None;
        }
        Some(known.assessed)
    }

    /// Notes what the tag that the version of a digest names points at: once it moves, the digest is asked again.
    pub(super) fn note_label(
        &self,
        engine: &Engine,
        asked: AskedDigest<'_>,
        criteria: &Criteria<'_>,
        (tag, answer): (&str, &TagAnswer),
    ) {
        if matches!(self, Self::ButFor(_)) {
            engine.kept().answers.note_label(&asked.question(criteria), tag, answer);
        }
    }

    /// What the tags of a service say in this pass; `None` where they count for nothing, or not all of them are known.
    pub(super) async fn tags_around(
        &self,
        memo: &RegistryMemo,
        pins: &[Pin],
        candidate: &Result<Option<Candidate>, Failure>,
    ) -> Option<Digest> {
        let Self::ButFor(_) = self else { return None };
        tags_around(memo, pins, candidate).await
    }
}

/// The lists of tags of the repositories of a service, and what the tags of its pins and its candidate point at, as one
/// digest. New evidence under a tag is in a list, and an index that somebody tags may bring some.
async fn tags_around(
    memo: &RegistryMemo,
    pins: &[Pin],
    candidate: &Result<Option<Candidate>, Failure>,
) -> Option<Digest> {
    let candidate = candidate.as_ref().ok()?.as_ref();
    let pinned = pins.iter().filter(|pin| pin.digest.is_some()).map(|pin| &pin.image);
    let repositories: BTreeSet<&Repository> = pinned.chain(candidate.map(|one| &one.image)).collect();
    let mut all = String::new();
    let mut add = |what: &str, end: char| {
        all.push_str(what);
        all.push(end);
    };
    for repository in repositories {
        add(&repository.to_string(), '\n');
        for tag in memo.tags(repository).await.ok()?.iter() {
            add(tag, '\n');
        }
        add("", '\0');
    }
    let mut points_at = |repository: &Repository, tag: &str, digest: Option<Digest>| {
        add(&format!("{repository}:{tag}"), '\n');
        add(&digest.map(|digest| digest.to_string()).unwrap_or_default(), '\n');
    };
    for pin in pins {
        if let Some(tag) = &pin.tag {
            points_at(&pin.image, tag, memo.resolve(&pin.image, tag).await.ok()?);
        }
    }
    if let Some(one) = candidate {
        points_at(&one.image, &one.tag, Some(one.digest));
    }
    Some(Digest::of(all.as_bytes()))
}

//! Finding the candidate of a service in its image's repository (docs/reference/contract.md, "Candidate").

use std::collections::HashSet;

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::domain::candidate::{Candidate, Version};
use crate::domain::candidate_order::{self, ByCreation};
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::pin::Pin;
use crate::domain::policy::{CandidateRule, Service};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;

use super::registry_memo::RegistryMemo;

/// At most this many older versions are asked for to place a pin among them.
const VERSIONS_ASKED: usize = 64;
/// How many of them are asked for first; twice as many with every further round.
const FIRST_VERSIONS_ASKED: usize = 3;

/// What was found of what CI offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CandidateFound {
    /// The candidate; `None` = asked, and there is none.
    pub candidate: Option<Candidate>,
    /// Tags that were passed over because their image cannot be read, each in a sentence.
    pub skipped: Vec<Untrusted>,
}

/// Asks what CI offers next.
///
/// # Errors
/// If the registry could not answer.
pub(crate) async fn find(
    memo: &RegistryMemo,
    configured: Option<&Service>,
    image: Option<&Repository>,
    pins: &[Pin],
) -> Result<CandidateFound, Failure> {
    Search { memo }.candidate(configured, image, pins).await
}

struct Search<'a> {
    memo: &'a RegistryMemo,
}

impl Search<'_> {
    /// Finds the candidate of a service in its image's repository (docs/reference/contract.md, "Candidate").
    async fn candidate(
        &self,
        configured: Option<&Service>,
        image: Option<&Repository>,
        pins: &[Pin],
    ) -> Result<CandidateFound, Failure> {
        let Some(image) = image else {
            return Ok(CandidateFound::default());
        };
        let tags: Vec<String> = match self.memo.tags(image).await {
            Ok(tags) => tags.iter().cloned().collect(),
            Err(failed) => match configured.and_then(|s| s.candidate.as_ref()) {
                // A registry that does not list tags can still say what one tag points at.
                Some(CandidateRule::Tag(tag)) => vec![tag.clone()],
                _ => return Err(failed),
            },
        };
        let ordered = match configured.and_then(|s| s.candidate.clone()) {
            Some(rule) => self.in_order(&rule, image, &tags).await?,
            None => ByCreation {
                tags: inferred_order(&tags),
                skipped: Vec::new(),
            },
        };
        let skipped = ordered.skipped.iter();
        let mut offered = CandidateFound {
            candidate: None,
            skipped: skipped
                .map(|(tag, failure)| format!("{image}:{tag} is no candidate: {failure}").into())
                .collect(),
        };
        let Some(tag) = ordered.tags.first().cloned() else {
            return Ok(offered);
        };
        if let Some(digest) = self.memo.resolve(image, &tag).await? {
            offered.candidate = Some(Candidate {
                image: image.clone(),
                versions: self.versions(image, &ordered.tags, pins).await,
                tag,
                digest,
            });
        }
        Ok(offered)
    }

    /// Tags in candidate order; by creation time where the rule asks for it.
    async fn in_order(&self, rule: &CandidateRule, image: &Repository, tags: &[String]) -> Result<ByCreation, Failure> {
        let ordered = candidate_order::ordered_tags(rule, tags);
        if !candidate_order::needs_created(rule) {
            return Ok(ByCreation {
                tags: ordered,
                skipped: Vec::new(),
            });
        }
        let asked = ordered.into_iter().take(VERSIONS_ASKED * 4);
        let created = join_all(asked.map(|tag| async move {
            let created = self.created(image, &tag).await;
            (tag, created)
        }));
        candidate_order::by_creation(created.await)
    }

    async fn created(&self, image: &Repository, tag: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(digest) = self.memo.resolve(image, tag).await? else {
            return Ok(None);
        };
        super::image_labels::created(self.memo, image, &digest).await
    }

    /// Versions in candidate order, with digests as far as needed to place every pin among them.
    async fn versions(&self, image: &Repository, ordered: &[String], pins: &[Pin]) -> Vec<Version> {
        let digest_of = |tag: &String| self.memo.known(image, tag).and_then(Result::ok).flatten();
        let pinned: HashSet<Digest> = pins.iter().filter_map(|pin| pin.digest).collect();
        let are_found = || {
            let known: HashSet<Digest> = ordered.iter().filter_map(&digest_of).collect();
            pinned.is_subset(&known)
        };
        // The newest first: most pins are only a few versions behind.
        let (mut asked, mut next) = (0, FIRST_VERSIONS_ASKED);
        while asked < ordered.len().min(VERSIONS_ASKED) && !are_found() {
            let some = ordered.iter().take(VERSIONS_ASKED).skip(asked).take(next);
            join_all(some.map(|tag| self.memo.resolve(image, tag))).await;
            asked += next;
            next *= 2;
        }
        ordered
            .iter()
            .map(|tag| Version {
                tag: tag.clone(),
                digest: digest_of(tag),
                created: None,
            })
            .collect()
    }
}

/// Without configuration: full versions, else the usual moving tags.
fn inferred_order(tags: &[String]) -> Vec<String> {
    let versions = candidate_order::ordered_tags(&CandidateRule::Semver("*".to_owned()), tags);
    if !versions.is_empty() {
        return versions;
    }
    ["main", "master", "latest"]
        .into_iter()
        .filter(|t| tags.iter().any(|x| x == t))
        .take(1)
        .map(str::to_owned)
        .collect()
}

//! Where a promoted digest comes from, and which tag is its own.

use std::collections::BTreeSet;

use crate::domain::failure::{Failure, Hint};
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::write::{Source, WriteFailure};
use crate::sources::registry::Place;

use super::plan_context::PlanContext;

/// A digest on offer.
#[derive(Debug, Clone)]
pub(super) struct PromotionSource {
    pub digest: Digest,
    /// Where its content is.
    pub image: Repository,
    /// The tag it is known by there, if any.
    pub tag: Option<String>,
}

/// Finds the digest that shall step into `environment`.
pub(super) async fn find(
    context: &PlanContext,
    environment: &Environment,
    service: &ServiceId,
    from: Option<&Source>,
) -> Result<PromotionSource, WriteFailure> {
    match from {
        Some(Source::Environment(name)) => pinned(context, service, std::slice::from_ref(name)),
        Some(Source::Candidate) => candidate(context, service).await,
        Some(Source::Digest(digest)) => by_digest(context, environment, service, *digest).await,
        None if environment.after.is_empty() => candidate(context, service).await,
        None => pinned(context, service, &environment.after),
    }
}

async fn candidate(context: &PlanContext, service: &ServiceId) -> Result<PromotionSource, WriteFailure> {
    let found = context.candidate(service).await?;
    Ok(PromotionSource {
        digest: found.digest,
        image: found.image,
        tag: Some(found.tag),
    })
}

/// What these environments pin; they must agree.
fn pinned(context: &PlanContext, service: &ServiceId, environments: &[EnvId]) -> Result<PromotionSource, WriteFailure> {
    let mut pins: Vec<&Pin> = Vec::new();
    for name in environments {
        pins.extend(context.pins_in(&Target {
            service: service.clone(),
            environment: name.clone(),
        })?);
    }
    if let Some(pin) = pins.iter().find(|pin| pin.digest.is_none()) {
        let env = &pin.target.environment;
        return Err(Failure::usage(format!(
            "{service} is pinned by tag only in {env}, so there is no digest to step forward"
        ))
        .hint(Hint::with(
            "run `pindeck pin {} --env {}` first, or name one with --digest",
            &[service.into(), env.into()],
        ))
        .into());
    }
    let digests: BTreeSet<Digest> = pins.iter().filter_map(|pin| pin.digest).collect();
    let (Some(pin), 1) = (pins.first(), digests.len()) else {
        let each: Vec<String> = pins
            .iter()
            .filter_map(|pin| Some(format!("{} pins {}", pin.target.environment, pin.digest?)))
            .collect();
        return Err(Failure::usage(format!(
            "{service} does not have one digest to step forward: {}",
            each.join(", ")
        ))
        .hint("choose with --from ENV or --digest")
        .into());
    };
    Ok(PromotionSource {
        digest: pin.digest.unwrap_or_else(|| Digest::of(b"")),
        image: pin.image.clone(),
        tag: pin.tag.clone(),
    })
}

/// Where a digest named outright is: with a pin that names it, else the first of the service's
/// repositories that has it.
async fn by_digest(
    context: &PlanContext,
    environment: &Environment,
    service: &ServiceId,
    digest: Digest,
) -> Result<PromotionSource, WriteFailure> {
    let (image, pins) = context.pins(service)?;
    // Environments before the destination first: that is where it steps from.
    let before = |pin: &&&Pin| environment.after.contains(&pin.target.environment);
    let (first, rest): (Vec<&Pin>, Vec<&Pin>) = pins.iter().partition(|pin| before(&pin));
    let ordered: Vec<&Pin> = first.into_iter().chain(rest).collect();
    if let Some(pin) = ordered.iter().find(|pin| pin.digest == Some(digest)) {
        return Ok(PromotionSource {
            digest,
            image: pin.image.clone(),
            tag: pin.tag.clone(),
        });
    }
    let mut places: Vec<Repository> = ordered.iter().map(|pin| pin.image.clone()).collect();
    if let Some(image) = image {
        places.insert(0, image.clone());
    }
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert(place.clone()));
    for place in &places {
        let there = context.memo().presence(&Place::new(place, digest), None).await;
        if there.is_ok_and(|present| present.is_some()) {
            return Ok(PromotionSource {
                digest,
                image: place.clone(),
                tag: None,
            });
        }
    }
    // Nobody has it, or nobody could be asked: the verdict will say which.
    let place = places.into_iter().next();
    let image = place.ok_or_else(|| Failure::usage(format!("{service} has no repository to look for {digest} in")))?;
    Ok(PromotionSource {
        digest,
        image,
        tag: None,
    })
}

/// The tag that names this digest (or the index that lists it) in a repository now: the one it is
/// known by, else that of its version label.
pub(super) async fn own_tag(
    context: &PlanContext,
    image: &Repository,
    digest: Digest,
    via: Option<Digest>,
    known_by: Option<&str>,
    version: Option<&Untrusted>,
) -> Option<String> {
    let version = version.map(|v| [v.raw().to_owned(), format!("v{}", v.raw())]);
    let tags = known_by
        .map(str::to_owned)
        .into_iter()
        .chain(version.into_iter().flatten());
    for tag in tags.filter(|tag| crate::domain::reference::valid_tag(tag)) {
        let names = context.memo().resolve(image, &tag).await.ok().flatten();
        if names.is_some_and(|now| now == digest || Some(now) == via) {
            return Some(tag);
        }
    }
    None
}

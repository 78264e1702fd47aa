//! Where a promoted digest comes from, and which tag is its own.

use std::collections::BTreeSet;

use crate::domain::failure::{Failure, Hint};
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::write::{Source, WriteFailure};
use crate::engine::pins::is_variant;
use crate::sources::registry::Place;

use super::plan_context::PlanContext;

/// A digest that a promotion can take, with where it comes from.
#[derive(Debug, Clone)]
pub(super) struct PromotionSource {
    pub digest: Digest,
    /// Where its content is.
    pub image: Repository,
    /// The tag it is known by there, if any.
    pub tag: Option<String>,
    /// Why it may not go to the component that was asked for, if so.
    pub mismatch: Option<String>,
    /// What a person should know of how it was found.
    pub remarks: Vec<Untrusted>,
}

/// Finds the digest that shall step into `environment`.
pub(super) async fn find(
    context: &PlanContext,
    environment: &Environment,
    service: &ServiceId,
    from: Option<&Source>,
    component: Option<&str>,
) -> Result<PromotionSource, WriteFailure> {
    match from {
        Some(Source::Environment(name)) => pinned(context, environment, service, std::slice::from_ref(name), component),
        Some(Source::Candidate) => candidate(context, service, component).await,
        Some(Source::Digest(digest)) => by_digest(context, environment, service, *digest, component).await,
        None if environment.after.is_empty() => candidate(context, service, component).await,
        None => pinned(context, environment, service, &environment.after, component),
    }
}

/// Says that a source has no such component: a digest never goes over another component's.
fn mismatch(service: &ServiceId, component: Option<&str>) -> String {
    match component {
        Some(component) => format!(
            "the source of {service} has no component {component}, and a digest of another one is another image"
        ),
        None => format!(
            "the source of {service} has several components, and the destination does not tell which it is; name each as a service of its own (variant in [[services]])"
        ),
    }
}

async fn candidate(
    context: &PlanContext,
    service: &ServiceId,
    component: Option<&str>,
) -> Result<PromotionSource, WriteFailure> {
    let (found, remarks) = context.candidate(service).await?;
    let same = component.is_none_or(|component| is_variant(&found.tag, component));
    Ok(PromotionSource {
        remarks,
        mismatch: (!same).then(|| mismatch(service, component)),
        digest: found.digest,
        image: found.image,
        tag: Some(found.tag),
    })
}

/// What these environments pin; they must agree.
fn pinned(
    context: &PlanContext,
    destination: &Environment,
    service: &ServiceId,
    environments: &[EnvId],
    component: Option<&str>,
) -> Result<PromotionSource, WriteFailure> {
    let mut pins: Vec<&Pin> = Vec::new();
    for name in environments {
        pins.extend(context.pins_in(&Target {
            service: service.clone(),
            environment: name.clone(),
        })?);
    }
    // What the destination's own files decide is no source for it, even if an environment before takes them in.
    let is_of_destination = |pin: &&Pin| {
        let mut deciding = pin.deciding();
        let is_here = context.ledger().has_here(&pin.target.environment);
        is_here && deciding.all(|location| context.paths.of(&location.file).any(|env| *env == destination.name))
    };
    if !pins.iter().all(&is_of_destination) {
        pins.retain(|pin| !is_of_destination(pin));
    }
    let is_same = |pin: &&Pin| pin.component.as_deref() == component;
    let same: Vec<&Pin> = pins.iter().copied().filter(is_same).collect();
    if same.is_empty()
        && let Some((pin, digest)) = pins.iter().find_map(|pin| Some((pin, pin.digest?)))
    {
        return Ok(PromotionSource {
            digest,
            image: pin.image.clone(),
            tag: pin.tag.clone(),
            mismatch: Some(mismatch(service, component)),
            remarks: Vec::new(),
        });
    }
    let pins = if same.is_empty() { pins } else { same };
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
        mismatch: None,
        remarks: Vec::new(),
    })
}

/// A digest that no pin names tells nothing of which component it is, so it may step into none of several.
///
/// # Errors
/// A usage error with the components, where nothing tells.
pub(super) fn tells_its_component<'c>(
    context: &PlanContext,
    target: &Target,
    digest: Digest,
    components: impl Iterator<Item = Option<&'c str>>,
) -> Result<(), WriteFailure> {
    let (_, pins) = context.pins(&target.service)?;
    if pins.iter().any(|pin| pin.digest == Some(digest)) {
        return Ok(());
    }
    let each: Vec<&str> = components.map(|name| name.unwrap_or("one without a name")).collect();
    let what = format!(
        "{digest} is pinned nowhere, so it cannot be told which component of {target} it is: {}",
        each.join(", ")
    );
    Err(Failure::usage(what)
        .hint("make each component a service of its own (`component` or `variant` in [[services]]), and name that service")
        .into())
}

/// Where a digest named outright is: with a pin that names it, else the first of the service's
/// repositories that has it.
async fn by_digest(
    context: &PlanContext,
    environment: &Environment,
    service: &ServiceId,
    digest: Digest,
    component: Option<&str>,
) -> Result<PromotionSource, WriteFailure> {
    let (image, pins) = context.pins(service)?;
    // Environments before the destination first: that is where it steps from.
    let before = |pin: &&&Pin| environment.after.contains(&pin.target.environment);
    let (first, rest): (Vec<&Pin>, Vec<&Pin>) = pins.iter().partition(|pin| before(&pin));
    let ordered: Vec<&Pin> = first.into_iter().chain(rest).collect();
    let mut known = ordered.iter().filter(|pin| pin.digest == Some(digest));
    let first = known.next();
    let same = std::iter::chain(first, known).find(|pin| pin.component.as_deref() == component);
    if let Some(pin) = same.or(first) {
        return Ok(PromotionSource {
            digest,
            image: pin.image.clone(),
            tag: pin.tag.clone(),
            mismatch: same.is_none().then(|| mismatch(service, component)),
            remarks: Vec::new(),
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
                mismatch: component.map(|component| mismatch(service, Some(component))),
                remarks: Vec::new(),
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
        mismatch: component.map(|component| mismatch(service, Some(component))),
        remarks: Vec::new(),
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

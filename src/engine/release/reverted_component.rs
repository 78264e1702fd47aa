//! Which component of a service a revert is about.

use std::collections::BTreeSet;

use crate::domain::failure::Failure;
use crate::domain::id::{Digest, Target};
use crate::domain::pin::Pin;
use crate::domain::write::{Request, WriteFailure};

use super::pin::refused;
use super::pin_history::PinHistory;
use super::plan_context::PlanContext;
use super::promote::components;

/// The pins that a revert is about: those of one component. Where the environment has several, a digest that one of them
/// had tells which.
pub(super) async fn pins<'c>(
    context: &'c PlanContext,
    request: &Request,
    target: &Target,
    to: Option<Digest>,
) -> Result<Vec<&'c Pin>, WriteFailure> {
    let pins = context.pins_in(target)?;
    let mut all = components(&pins);
    if all.len() == 1 {
        return Ok(pins);
    }
    let mut known = Vec::new();
    for (name, pins) in &all {
        let history = PinHistory::of_pins(context, target, pins).await?;
        let now: BTreeSet<Digest> = pins.iter().filter_map(|pin| pin.digest).collect();
        let earlier = history.digests.iter().flat_map(|change| change.before.keys().copied());
        let earlier = earlier.filter(|digest| !now.contains(digest)).collect::<Vec<Digest>>();
        known.push((*name, earlier.into_iter().chain(now).collect::<Vec<Digest>>()));
    }
    let Some(digest) = to else {
        let each: Vec<String> = known
            .iter()
            .filter_map(|(name, digests)| {
                Some(format!(
                    "{} had {}",
                    name.unwrap_or("the one without a name"),
                    digests.first()?
                ))
            })
            .collect();
        return Err(
            Failure::usage(format!("{target} has several components: {}", each.join(", ")))
                .hint("name the digest that shall come back with --to")
                .into(),
        );
    };
    let mut having = known
        .iter()
        .filter(|(_, digests)| digests.contains(&digest))
        .map(|(name, _)| *name);
    match (having.next(), having.next()) {
        (Some(name), None) => Ok(all.remove(&name).unwrap_or_default()),
        _ => {
            let what = format!(
                "{target} has several components, and {digest} was pinned for none of them, or for more than one"
            );
            Err(refused(context, request, what))
        }
    }
}

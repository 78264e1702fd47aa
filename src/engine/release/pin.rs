//! Planning pins: a pin by tag gets the digest that its tag names now, if it verifies.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::failure::Failure;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::message::{self, MessageFacts};
use crate::domain::pin::Pin;
use crate::domain::plan::{self, Plan, Verb};
use crate::domain::reference::Repository;
use crate::domain::write::{Proposal, Request, WriteFailure};
use crate::sources::git::edit::{NewPin, TagChange};

use super::command;
use super::draft::{Draft, Drafted};
use super::edits::{Overlay, rewrite};
use super::plan_context::{JudgedDigest, PlanContext};
use super::promote::break_glass;

/// Plans every pin by tag of these services (all, if none is named) in an environment (or in all).
pub(super) async fn draft(
    context: &PlanContext,
    request: &Request,
    services: &[ServiceId],
    environment: Option<&EnvId>,
) -> Result<Drafted, WriteFailure> {
    if let Some(name) = environment {
        context.environment(name)?;
    }
    for service in services {
        match environment {
            Some(environment) => drop(context.pins_in(&Target {
                service: service.clone(),
                environment: environment.clone(),
            })?),
            None => drop(context.pins(service)?),
        }
    }
    let all = context.ledger().grouped.services.iter();
    let meant = all.filter(|(name, ..)| services.is_empty() || services.contains(name));
    let pins: Vec<&Pin> = meant
        .flat_map(|(.., pins)| pins)
        .filter(|pin| environment.is_none_or(|name| pin.target.environment == *name))
        .collect();
    let mut drafted = Drafted::default();
    let mut overlay = Overlay::default();
    for pin in pins {
        match (&pin.digest, &pin.tag) {
            (None, Some(tag)) => drafted
                .drafts
                .push(one(context, request, &mut overlay, pin, tag).await?),
            (None, None) if !services.is_empty() => {
                return Err(
                    Failure::usage(format!("{} names neither a tag nor a digest", pin.target))
                        .hint("write a tag first")
                        .into(),
                );
            }
            _ => drafted.already.push(pin.target.clone()),
        }
    }
    Ok(drafted)
}

async fn one(
    context: &PlanContext,
    request: &Request,
    overlay: &mut Overlay,
    pin: &Pin,
    tag: &str,
) -> Result<Draft, WriteFailure> {
    let target = &pin.target;
    let environment = context.environment(&target.environment)?;
    let policy = context.policy(environment)?;
    if let Some(location) = pin
        .deciding()
        .next()
        .filter(|_| pin.deciding().all(|l| l.read_only.is_some()))
    {
        let why = location.read_only.as_deref().unwrap_or_default();
        let what = format!("{target} cannot be pinned: {}:{}: {why}", location.file, location.line);
        return Err(Failure::usage(what)
            .hint("name the services to be pinned without it")
            .into());
    }
    let digest = resolve(context, request, target, &pin.image, tag).await?;
    for other in pin.other_images() {
        let there = resolve(context, request, target, other, tag).await?;
        if there != digest {
            let what = format!(
                "tag {tag} is {digest} in {} and {there} in {other}, and {target} names both; pin each by hand",
                pin.image
            );
            return Err(refused(context, request, what));
        }
    }
    let JudgedDigest { verdict, assessed } = context.assess(&pin.image, digest, &target.service, environment).await?;
    let new = NewPin {
        digest,
        // It names the digest at this moment, so it does not lie.
        tag: TagChange::Update(tag.to_owned()),
    };
    let rewritten = rewrite(context, overlay, &[pin], &new, &BTreeMap::new(), request.take_copies).await?;
    overlay.take(&rewritten.files);
    let read_only = context.read_only(environment);
    let mut gates = plan::pin_gates(&verdict, request.acknowledge_warned, read_only.as_deref());
    gates.extend(rewritten.closed.as_deref().map(plan::edit_gate));
    let waived = break_glass(request, &policy, &mut gates, &verdict, &assessed.assessment.evidence)?;
    let used = context.policy_used(&policy);
    let message = message::compose(&MessageFacts {
        verb: Verb::Pin,
        service: &target.service,
        environment: &target.environment,
        from: None,
        to: Some(digest),
        policy: Some(&used),
        verdict: Some(&verdict),
        reason: request.reason.as_deref(),
        waived: waived
            .as_ref()
            .map(|(gates, reason)| (gates.as_slice(), reason.as_str())),
        reverts: None,
    });
    Ok(Draft {
        files: rewritten.files,
        beside: Vec::new(),
        meant: rewritten.meant,
        evidence: std::sync::Arc::unwrap_or_clone(assessed.assessment.evidence),
        plan: Plan {
            verb: Verb::Pin,
            service: target.service.clone(),
            environment: target.environment.clone(),
            component: pin.component.clone(),
            image: Some(pin.image.clone()),
            from: None,
            to: digest,
            base_commit: context.ledger().tip.commit.clone(),
            policy: used,
            edits: rewritten.edits,
            copies: Vec::new(),
            loose_copies: rewritten.loose_copies,
            holds: BTreeSet::new(),
            gates,
            warnings: rewritten.warnings,
            verdict: Some(verdict),
            message,
            confirm: environment.confirm,
        },
    })
}

/// What a tag of a repository names now.
async fn resolve(
    context: &PlanContext,
    request: &Request,
    target: &Target,
    image: &Repository,
    tag: &str,
) -> Result<Digest, WriteFailure> {
    match context.memo().resolve(image, tag).await {
        Ok(Some(digest)) => Ok(digest),
        Ok(None) => {
            let what = format!("{image} has no tag {tag}, which {target} names; correct the manifest");
            Err(refused(context, request, what))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// There is no digest that could be pinned: the request is refused, and nothing is planned.
pub(super) fn refused(context: &PlanContext, request: &Request, why: String) -> WriteFailure {
    let nothing = Proposal {
        request: request.clone(),
        plans: Vec::new(),
        already: Vec::new(),
        alternatives: Vec::new(),
        whole_commit: None,
        repository: context.repository(),
        holds_on: context.places.holds_on.clone(),
        remote: context.remote.clone(),
        remote_at: Some(context.places.remote_at),
        branch: context.ledger().tip.branch.clone(),
        command: command::of(request),
    };
    WriteFailure::Refused(Box::new(nothing), why.into())
}

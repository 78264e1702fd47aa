//! Planning a promotion: which digest steps forward, what must be copied, which gates stand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::candidate_order;
use crate::domain::evidence::Evidence;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::known_good;
use crate::domain::message::{self, MessageFacts};
use crate::domain::pin::Pin;
use crate::domain::plan::{self, Copy, Gate, GateState, Plan, PromoteFacts, Verb};
use crate::domain::policy::{Environment, Policy};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::verdict::{Outcome, Presence, Verdict};
use crate::domain::write::{Request, Source, TagRule, WriteFailure};
use crate::engine::assess::Assessed;
use crate::engine::collect;
use crate::sources::git::edit::{NewPin, TagChange};
use crate::sources::registry::CopyRequest;

use super::draft::{Draft, Drafted};
use super::edits::{Overlay, Rewrite, rewrite};
use super::pin_history::PinHistory;
use super::plan_context::{JudgedDigest, PlanContext};
use super::source::{self, PromotionSource, own_tag};

/// Plans all services of the set.
pub(super) async fn draft(
    context: &PlanContext,
    request: &Request,
    services: &[ServiceId],
    to: &EnvId,
    from: Option<&Source>,
) -> Result<Drafted, WriteFailure> {
    let environment = context.environment(to)?;
    let policy = context.policy(environment)?;
    let mut drafted = Drafted::default();
    let mut overlay = Overlay::default();
    let mut seen = BTreeSet::new();
    let set: Vec<&ServiceId> = services.iter().filter(|s| seen.insert((*s).clone())).collect();
    for service in set {
        let promotion = Promotion {
            context,
            request,
            environment,
            policy: &policy,
            target: Target {
                service: service.clone(),
                environment: to.clone(),
            },
        };
        let pins = context.pins_in(&promotion.target)?;
        let each = components(&pins);
        if let Some(Source::Digest(digest)) = from
            && each.len() > 1
        {
            source::tells_its_component(context, &promotion.target, *digest, each.keys().copied())?;
        }
        let mut sources = Vec::new();
        for (component, pins) in each {
            let found = source::find(context, environment, service, from, component).await?;
            sources.push((pins, found));
        }
        // A digest named outright belongs to its own component; the others stay.
        if matches!(from, Some(Source::Digest(_))) && sources.iter().any(|(_, found)| found.mismatch.is_none()) {
            sources.retain(|(_, found)| found.mismatch.is_none());
        }
        for (pins, found) in sources {
            let is_there = pins.iter().all(|pin| pin.digest == Some(found.digest));
            if is_there && found.mismatch.is_none() {
                drafted.already.push(promotion.target.clone());
                continue;
            }
            drafted.drafts.push(promotion.draft(&mut overlay, &pins, found).await?);
        }
    }
    drafted.already.dedup();
    Ok(drafted)
}

/// The pins of each component.
pub(super) fn components<'p>(pins: &[&'p Pin]) -> BTreeMap<Option<&'p str>, Vec<&'p Pin>> {
    let mut out: BTreeMap<Option<&str>, Vec<&Pin>> = BTreeMap::new();
    for pin in pins {
        out.entry(pin.component.as_deref()).or_default().push(pin);
    }
    out
}

struct Promotion<'a> {
    context: &'a PlanContext,
    request: &'a Request,
    environment: &'a Environment,
    policy: &'a Arc<Policy>,
    target: Target,
}

impl Promotion<'_> {
    async fn draft(
        &self,
        overlay: &mut Overlay,
        pins: &[&Pin],
        source: PromotionSource,
    ) -> Result<Draft, WriteFailure> {
        let context = self.context;
        let mut warnings: Vec<Untrusted> = source.remarks.clone();
        let pulls = &pins[0].image;
        let destination = self.destination(pulls, &source.image, &mut warnings)?;
        let copied = destination.clone().filter(|place| *place != source.image);
        // What is copied is judged where it is now, and again where it arrives.
        let judged_at = if copied.as_ref() == Some(pulls) {
            &source.image
        } else {
            pulls
        };
        if let Some(tag) = &source.tag {
            // The index that a tag points at may speak for one of its platform manifests.
            let _ = context.memo().resolve(judged_at, tag).await;
        }
        let JudgedDigest { verdict, assessed } = context
            .assess(judged_at, source.digest, &self.target.service, self.environment)
            .await?;
        let known_by = source.tag.as_deref();
        let version = assessed.label.said();
        let own = own_tag(context, judged_at, source.digest, assessed.via, known_by, version).await;
        let copies = match copied {
            Some(place) => vec![
                self.copy(&source, place, &assessed, own.as_deref(), &mut warnings)
                    .await?,
            ],
            None => Vec::new(),
        };
        let tag = tag_change(self.request.tag, own, source.digest)?;
        let new = NewPin {
            digest: source.digest,
            tag,
        };
        let rewritten = match &source.mismatch {
            None => rewrite(context, overlay, pins, &new, &BTreeMap::new(), self.request.take_copies).await?,
            Some(why) => Rewrite {
                closed: Some(why.clone()),
                ..Rewrite::default()
            },
        };
        overlay.take(&rewritten.files);
        let mut gates = self.gates(source.digest, &verdict).await?;
        gates.extend(rewritten.closed.as_deref().map(plan::edit_gate));
        let waived = break_glass(
            self.request,
            self.policy,
            &mut gates,
            &verdict,
            &assessed.assessment.evidence,
        )?;
        warnings.extend(rewritten.warnings);
        warnings.extend(self.history(source.digest).await?);
        warnings.extend(split(pins));
        warnings.extend(named_elsewhere(pins, pulls));
        if let Some(old) = pins[0].digest {
            warnings.extend(platforms_lost(context, pulls, old, judged_at, source.digest).await);
        }
        let used = context.policy_used(self.policy);
        let message = message::compose(&MessageFacts {
            verb: Verb::Promote,
            service: &self.target.service,
            environment: &self.target.environment,
            from: pins[0].digest,
            to: Some(source.digest),
            policy: Some(&used),
            verdict: Some(&verdict),
            reason: self.request.reason.as_deref(),
            waived: waived
                .as_ref()
                .map(|(gates, reason)| (gates.as_slice(), reason.as_str())),
            reverts: None,
        });
        Ok(Draft {
            files: rewritten.files,
            beside: Vec::new(),
            meant: rewritten.meant,
            evidence: Arc::unwrap_or_clone(assessed.assessment.evidence),
            plan: Plan {
                verb: Verb::Promote,
                service: self.target.service.clone(),
                environment: self.target.environment.clone(),
                component: pins[0].component.clone(),
                image: Some(pulls.clone()),
                from: pins[0].digest,
                to: source.digest,
                base_commit: context.ledger().tip.commit.clone(),
                policy: used,
                edits: rewritten.edits,
                copies,
                loose_copies: rewritten.loose_copies,
                holds: BTreeSet::new(),
                gates,
                warnings,
                verdict: Some(verdict),
                message,
                confirm: self.environment.confirm,
            },
        })
    }

    /// Where the content must be before the pin changes, if the environment has a registry of its own.
    fn destination(
        &self,
        pulls: &Repository,
        source: &Repository,
        warnings: &mut Vec<Untrusted>,
    ) -> Result<Option<Repository>, WriteFailure> {
        let Some(own) = self.environment.registry.as_deref() else {
            return Ok(None);
        };
        if is_within(pulls, own) {
            return Ok(Some(pulls.clone()));
        }
        let place = source.under(own).ok_or_else(|| {
            Failure::usage(format!(
                "registry = {own:?} of {} makes no repository of {source}",
                self.environment.name
            ))
        })?;
        warnings.push(
            format!(
                "{} has its own registry {own}, and its manifest names {pulls}: the content is copied to {place}, the manifest goes on naming {pulls}",
                self.environment.name
            )
            .into(),
        );
        Ok(Some(place))
    }

    /// The copy of the content, after asking the destination whether it can take it.
    async fn copy(
        &self,
        source: &PromotionSource,
        destination: Repository,
        assessed: &Assessed,
        own: Option<&str>,
        warnings: &mut Vec<Untrusted>,
    ) -> Result<Copy, WriteFailure> {
        // A platform manifest travels with the index that its evidence is about.
        let digest = assessed.via.unwrap_or(source.digest);
        let mut tag = own.map(str::to_owned);
        if let Some(name) = &tag
            && self.context.memo().resolve(&source.image, name).await.ok().flatten() != Some(digest)
        {
            tag = None;
        }
        let mut copy = Copy {
            source: source.image.clone(),
            destination,
            digest,
            tag,
        };
        if self.context.read_only(self.environment).is_some() || assessed.presence != Presence::Present {
            return Ok(copy);
        }
        let asked = copy_request(self.context, &self.target.service, &copy);
        let met = self.context.registry().preflight(&asked).await.map_err(Failure::from)?;
        if let Some(error) = met.refused {
            return Err(Failure::from(error)
                .within(format!("{} takes no copy", copy.destination))
                .into());
        }
        if let (Some(other), Some(name), false) = (met.tag, &copy.tag, asked.move_tag)
            && other != digest
        {
            let place = &copy.destination;
            warnings.push(format!("tag {name} names {other} in {place} and stays there").into());
            copy.tag = None;
        }
        Ok(copy)
    }

    async fn gates(&self, digest: Digest, verdict: &Verdict) -> Result<Vec<Gate>, WriteFailure> {
        let context = self.context;
        let mut after: Vec<(EnvId, Option<Timestamp>)> = Vec::new();
        for name in &self.environment.after {
            let before = Target {
                service: self.target.service.clone(),
                environment: name.clone(),
            };
            let (_, pins) = context.pins(&before.service)?;
            let pinned = pins
                .iter()
                .any(|pin| pin.target == before && pin.digest == Some(digest));
            let since = match (pinned, self.policy.soak) {
                (false, _) => None,
                (true, None) => Some(context.now()),
                // A history that does not reach so far proves no time at all.
                (true, Some(_)) => {
                    let history = PinHistory::of(context, &before).await?;
                    let since = history
                        .proven_since(
                            &context.ledger().checkout_of(&before.environment).repo,
                            digest,
                            context.now(),
                        )
                        .await?;
                    Some(since.unwrap_or(context.now()))
                }
            };
            after.push((name.clone(), since));
        }
        let hold = context.closing_holds(&self.target, digest);
        let hold = hold.map(|all| all.first().copied());
        Ok(plan::promote_gates(PromoteFacts {
            policy: self.policy,
            verdict,
            acknowledged: self.request.acknowledge_warned,
            hold,
            after: &after,
            read_only: context.read_only(self.environment).as_deref(),
            now: context.now(),
        }))
    }

    /// What the history of the destination has to say about the digest.
    async fn history(&self, digest: Digest) -> Result<Option<Untrusted>, WriteFailure> {
        let history = PinHistory::of(self.context, &self.target).await?;
        Ok(known_good::reverted(&history.digests, digest).map(known_good::reverted_words))
    }
}

/// The tag beside the new digest, by the rule asked for.
pub(super) fn tag_change(
    rule: Option<TagRule>,
    own: Option<String>,
    digest: Digest,
) -> Result<TagChange, WriteFailure> {
    match (rule, own) {
        (Some(TagRule::Drop), _) => Ok(TagChange::Drop),
        (Some(TagRule::Keep), _) | (None, None) => Ok(TagChange::Keep),
        (Some(TagRule::Update) | None, Some(tag)) => Ok(TagChange::Update(tag)),
        (Some(TagRule::Update), None) => Err(Failure::usage(format!(
            "no tag is known that names {digest}, so --tag update has nothing to write"
        ))
        .hint("use --tag drop or --tag keep")
        .into()),
    }
}

/// Opens with a typed reason what the policy lets be opened; the gates that were.
pub(super) fn break_glass(
    request: &Request,
    policy: &Policy,
    gates: &mut [Gate],
    verdict: &Verdict,
    evidence: &[Evidence],
) -> Result<Option<(Vec<Gate>, String)>, WriteFailure> {
    let Some(reason) = &request.break_glass else {
        plan::mark_waivable(gates, &policy.break_glass, verdict, evidence);
        return Ok(None);
    };
    if message::one_line(reason).is_empty() {
        return Err(Failure::usage("--break-glass wants a reason")
            .hint("give it in words: it is recorded in the commit")
            .into());
    }
    plan::waive(gates, &policy.break_glass, verdict, evidence);
    let waived: Vec<Gate> = gates.iter().filter(|g| g.state == GateState::Waived).cloned().collect();
    Ok((!waived.is_empty()).then(|| (waived, reason.clone())))
}

/// What the registry layer is asked for a planned copy.
pub(super) fn copy_request(context: &PlanContext, service: &ServiceId, copy: &Copy) -> CopyRequest {
    let immutable = context.configured(service).and_then(|s| s.immutable_tags.as_deref());
    CopyRequest {
        source: copy.source.clone(),
        destination: copy.destination.clone(),
        digest: copy.digest,
        tag: copy.tag.clone(),
        move_tag: copy
            .tag
            .as_deref()
            .is_some_and(|tag| !candidate_order::is_immutable(tag, immutable)),
    }
}

/// Whether a repository lies in an environment's own registry.
fn is_within(repository: &Repository, registry: &str) -> bool {
    let prefix = registry.trim_end_matches('/');
    repository
        .to_string()
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn split(pins: &[&Pin]) -> Option<Untrusted> {
    let all: BTreeSet<(&Repository, Option<Digest>)> = pins.iter().map(|p| (&p.image, p.digest)).collect();
    (all.len() > 1).then(|| {
        let target = &pins[0].target;
        format!("{target} is split over {} pins; all of them change", all.len()).into()
    })
}

/// Whether the pins name repositories besides the one that is asked.
fn named_elsewhere(pins: &[&Pin], asked: &Repository) -> Option<Untrusted> {
    let images = pins
        .iter()
        .flat_map(|pin| pin.deciding())
        .map(|location| &location.image);
    let others: BTreeSet<String> = images
        .filter(|image| *image != asked)
        .map(ToString::to_string)
        .collect();
    let others: Vec<String> = others.into_iter().collect();
    (!others.is_empty()).then(|| {
        format!(
            "the digest is checked in {asked}; {} is named here too and must hold the same content",
            others.join(", ")
        )
        .into()
    })
}

/// Platforms that the pinned digest has and the new one has not.
async fn platforms_lost(
    context: &PlanContext,
    old_at: &Repository,
    old: Digest,
    new_at: &Repository,
    new: Digest,
) -> Option<Untrusted> {
    let registry = context.registry();
    let (before, after) =
        futures_util::future::join(registry.manifest(old_at, &old), registry.manifest(new_at, &new)).await;
    let (before, after) = (before.ok()?, after.ok()?);
    let names = |manifest: &crate::sources::registry::Manifest| -> BTreeSet<String> {
        collect::platforms(manifest)
            .filter_map(|child| Some(child.platform.as_ref()?.to_string()))
            .collect()
    };
    if !before.body.is_index() {
        return None;
    }
    if !after.body.is_index() {
        return Some("the pinned digest is an index of several platforms, the new one a single image".into());
    }
    let lost: Vec<String> = names(&before).difference(&names(&after)).cloned().collect();
    (!lost.is_empty()).then(|| format!("the new digest has no {}, which the pinned one has", lost.join(", ")).into())
}

/// Whether a verdict lets a digest be chosen without asking further.
pub(super) fn holds_up(verdict: &Verdict) -> bool {
    matches!(verdict.result, Outcome::Verified | Outcome::Warned)
}

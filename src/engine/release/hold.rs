//! Planning holds: one is added, or those of a target end. Each is a commit of the tracked file.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::board::Hold;
use crate::domain::failure::{Failure, Hint};
use crate::domain::hold::{self, HoldChange, HoldsInForce};
use crate::domain::id::{Digest, Target};
use crate::domain::message::{self, MessageFacts};
use crate::domain::plan::{self, Plan, PolicyUsed, Verb};
use crate::domain::reference::Repository;
use crate::domain::text::{Untrusted, quoted};
use crate::domain::write::{Request, WriteFailure};
use crate::engine::holds;
use crate::engine::open::blocking;
use crate::sources::git::write::FileChange;

use super::draft::{BesideCommit, Draft, Drafted};
use super::edits::{Overlay, Rewrite};
use super::plan_context::PlanContext;

/// How a hold and its pin are pushed to two branches of one remote.
const HOLD_BESIDE: &str = "both branches are pushed at once, or neither (where the remote cannot promise that, a hold that begins is pushed \
     before the pin, and one that ends after it)";

/// How a hold that begins and its pin are pushed to two repositories.
const HOLD_FIRST: &str = "two repositories cannot be pushed to at once, so the hold is pushed first and then the pin; if \
                          only the hold lands, that is said, and `pindeck resume` finishes it";

/// How a hold that ends and its pin are pushed to two repositories.
const END_LAST: &str = "two repositories cannot be pushed to at once, so the pin is pushed first and the hold ends after it; \
                        if only the pin lands, the hold stands, and that is said";

/// How both are pushed to two repositories with their pin.
const HOLD_FIRST_END_LAST: &str = "two repositories cannot be pushed to at once, so the hold that begins is pushed first, \
                                   then the pin, and the end of the other hold last; if only the first lands, that is \
                                   said, and `pindeck resume` finishes it";

/// Where the holds lie, where that is not the branch that is written.
struct HoldsElsewhere {
    /// Its name for people.
    shown: String,
    /// It is another repository.
    is_apart: bool,
}

impl HoldsElsewhere {
    /// In which order these changes and their pin are pushed, for people.
    fn words(&self, changes: &BTreeSet<HoldChange>) -> String {
        let begins = changes.iter().any(|change| !change.is_end());
        let ends = changes.iter().any(HoldChange::is_end);
        let how = match (self.is_apart, begins, ends) {
            (false, ..) => HOLD_BESIDE,
            (true, true, true) => HOLD_FIRST_END_LAST,
            (true, false, true) => END_LAST,
            (true, _, false) => HOLD_FIRST,
        };
        format!("{} lies on {}: {how}", holds::FILE, self.shown)
    }
}

/// `pindeck-holds.toml` as it is now on the branch of the policy.
pub(super) struct HoldsFile {
    /// `None` = there is no such file yet.
    bytes: Option<Arc<Vec<u8>>>,
    /// Where it lies, where that is not the branch that is written.
    elsewhere: Option<HoldsElsewhere>,
}

impl HoldsFile {
    pub(crate) async fn read(context: &PlanContext, overlay: &mut Overlay) -> Result<Self, WriteFailure> {
        let ledger = context.ledger();
        if ledger.is_home() {
            return Ok(Self {
                bytes: overlay.read(context, holds::FILE).await?,
                elsewhere: None,
            });
        }
        let (home, here) = (ledger.checkouts.home.clone(), ledger.checkouts.at(ledger.place));
        let elsewhere = HoldsElsewhere {
            shown: home.shown_beside(here),
            is_apart: here.repository.is_some(),
        };
        let read = move || home.repo.read_at(&home.tip.commit, holds::FILE)?.regular(holds::FILE);
        let bytes = blocking(read).await?.map_err(Failure::from)?;
        Ok(Self {
            bytes: bytes.map(Arc::new),
            elsewhere: Some(elsewhere),
        })
    }

    /// Adds the file, in which these holds take the place of those that are known, to a rewrite.
    pub(crate) fn replace(&self, out: &mut Rewrite, known: &[Hold], all: &[Hold]) -> Result<(), WriteFailure> {
        out.holds = hold::changes(known, all);
        let render = |all: &[Hold]| -> Result<Vec<u8>, Failure> {
            let text = holds::render(all).map_err(|e| Failure::failed(e.to_string()))?;
            Ok(text.into_bytes())
        };
        let before = self.bytes.as_ref().map(|bytes| bytes.as_slice());
        match &self.elsewhere {
            None => out.take(holds::FILE, before, render(all)?),
            Some(elsewhere) => {
                let begins = out.holds.iter().any(|change| !change.is_end());
                let ends = out.holds.iter().any(HoldChange::is_end);
                let begun = match (begins, ends) {
                    (true, true) => Some(render(&all.iter().cloned().fold(known.to_vec(), with))?),
                    (false, true) => None,
                    (_, false) => Some(render(all)?),
                };
                let ended = if ends { Some(render(all)?) } else { None };
                out.warnings.push(elsewhere.words(&out.holds).into());
                out.take_beside(holds::FILE, before, begun, ended);
            }
        }
        Ok(())
    }
}

/// The commits on the branch of the policy that change the holds, where the pin of a revert lies on another one. `revert`
/// is what the commit of the pin says.
pub(super) fn beside(rewritten: &mut Rewrite, revert: &MessageFacts<'_>) -> Vec<BesideCommit> {
    let changes = [
        (false, rewritten.begins_beside.take()),
        (true, rewritten.ends_beside.take()),
    ];
    let commit = |(is_end, change): (bool, Option<FileChange>)| {
        let first = rewritten.holds.iter().find(|change| change.is_end() == is_end)?;
        let (verb, held) = match first {
            HoldChange::Begins(.., digest) => (Verb::Hold, *digest),
            HoldChange::Ends(.., digest) => (Verb::ReleaseHold, *digest),
        };
        let message = message::compose(&MessageFacts {
            verb,
            from: Some(held),
            to: Some(held),
            verdict: None,
            waived: None,
            reverts: None,
            ..*revert
        });
        Some(BesideCommit {
            is_end,
            change: change?,
            message,
        })
    };
    changes.into_iter().filter_map(commit).collect()
}

/// Plans a new hold.
pub(super) async fn add(
    context: &PlanContext,
    request: &Request,
    target: &Target,
    digest: Option<Digest>,
) -> Result<Drafted, WriteFailure> {
    let environment = context.environment(&target.environment)?;
    let pins = context.pins_in(target)?;
    let digest = digest.or(pins[0].digest).ok_or_else(|| {
        Failure::usage(format!("{target} is pinned by tag only")).hint("name the digest to hold with --digest")
    })?;
    let reason = request
        .reason
        .as_deref()
        .map(message::one_line)
        .filter(|r| !r.is_empty());
    let reason = reason
        .ok_or_else(|| Failure::usage("a hold wants its reason").hint("give it with --reason: others will read it"))?;
    let known = known(context)?;
    let mut drafted = Drafted::default();
    let held = |h: &Hold| h.service == target.service && h.environment == environment.name && h.digest == digest;
    if known.iter().any(held) {
        drafted.already.push(target.clone());
        return Ok(drafted);
    }
    let mut all = known.to_vec();
    all.push(Hold {
        service: target.service.clone(),
        environment: target.environment.clone(),
        digest,
        reason: reason.into(),
        since: Some(whole_second(context.now())),
        by: committer(context).await?,
    });
    let image = Some(pins[0].image.clone());
    drafted
        .drafts
        .push(draft(context, request, target, (Verb::Hold, digest, image), all).await?);
    Ok(drafted)
}

/// Plans the end of every hold that was made under these names. Neither the service nor the environment has
/// to exist any more: a hold closes without them, so it must end without them.
pub(super) async fn release(
    context: &PlanContext,
    request: &Request,
    target: &Target,
) -> Result<Drafted, WriteFailure> {
    let known = known(context)?;
    let ledger = context.ledger();
    let services = ledger.service_names();
    let in_force = HoldsInForce {
        holds: known,
        environments: &ledger.environments,
        services: &services,
    };
    let ends: Vec<&Hold> = in_force.named(target).collect();
    let mut drafted = Drafted::default();
    let Some(first) = ends.first() else {
        if let Some(other) = made_elsewhere(context, in_force, target) {
            return Err(Failure::usage(format!(
                "the hold on {} was made as {} in {}",
                target.service,
                quoted(&other.service),
                quoted(&other.environment)
            ))
            .hint(Hint::with(
                "release it there: pindeck hold release {} --env {}",
                &[(&other.service).into(), (&other.environment).into()],
            ))
            .into());
        }
        context.environment(&target.environment)?;
        context.pins(&target.service)?;
        drafted.already.push(target.clone());
        return Ok(drafted);
    };
    if let Some(other) = ends.iter().find(|hold| hold.service != first.service) {
        return Err(Failure::usage(format!(
            "holds on {} and on {} were made in {}",
            quoted(&first.service),
            quoted(&other.service),
            quoted(&target.environment)
        ))
        .hint("name the service by its longer name")
        .into());
    }
    let left: Vec<Hold> = known.iter().filter(|hold| !ends.contains(hold)).cloned().collect();
    let named = Target {
        service: first.service.clone(),
        environment: first.environment.clone(),
    };
    let image = context.pins(&target.service).ok().and_then(|(image, pins)| {
        let pinned = pins.first().map(|pin| pin.image.clone());
        pinned.or_else(|| image.cloned())
    });
    let of = (Verb::ReleaseHold, first.digest, image);
    drafted.drafts.push(draft(context, request, &named, of, left).await?);
    Ok(drafted)
}

/// A hold that closes something for this service and was made under other names.
fn made_elsewhere<'h>(context: &PlanContext, in_force: HoldsInForce<'h, '_>, target: &Target) -> Option<&'h Hold> {
    let named = in_force.holds.iter().find(|hold| hold.service == target.service);
    let pinned = context
        .pins(&target.service)
        .ok()
        .map(|(_, pins)| pins)
        .unwrap_or_default();
    named.or_else(|| {
        let mut digests = pinned.iter().filter_map(|pin| Some((&pin.target, pin.digest?)));
        digests.find_map(|(target, digest)| in_force.closing(target, digest).next())
    })
}

fn known(context: &PlanContext) -> Result<&[Hold], WriteFailure> {
    let all = context.ledger().holds.as_ref();
    all.map(Vec::as_slice)
        .map_err(|problem| Failure::usage(problem.clone()).into())
}

async fn draft(
    context: &PlanContext,
    request: &Request,
    target: &Target,
    (verb, digest, image): (Verb, Digest, Option<Repository>),
    all: Vec<Hold>,
) -> Result<Draft, WriteFailure> {
    let environment = context.environment_or_strictest(&target.environment);
    let environment = environment.as_ref();
    let mut rewritten = Rewrite::default();
    let file = HoldsFile::read(context, &mut Overlay::default()).await?;
    file.replace(&mut rewritten, self::known(context)?, &all)?;
    let known = context
        .policy(environment)
        .ok()
        .map(|policy| context.policy_used(&policy));
    // A hold judges nothing, so it needs no policy.
    let policy = known.clone().unwrap_or_else(|| PolicyUsed {
        name: "none".to_owned(),
        digest: Digest::of(b""),
        source: "none".to_owned(),
    });
    let message = message::compose(&MessageFacts {
        verb,
        service: &target.service,
        environment: &target.environment,
        from: Some(digest),
        to: Some(digest),
        policy: known.as_ref(),
        verdict: None,
        reason: request.reason.as_deref(),
        waived: None,
        reverts: None,
    });
    Ok(Draft {
        files: rewritten.files,
        beside: Vec::new(),
        meant: rewritten.meant,
        evidence: Vec::new(),
        plan: Plan {
            verb,
            service: target.service.clone(),
            environment: target.environment.clone(),
            component: None,
            image,
            from: Some(digest),
            to: digest,
            base_commit: context.ledger().tip.commit.clone(),
            policy,
            edits: rewritten.edits,
            copies: Vec::new(),
            loose_copies: Vec::new(),
            holds: rewritten.holds,
            gates: vec![plan::read_only_gate(context.read_only(environment).as_deref())],
            warnings: Vec::new(),
            verdict: None,
            message,
            confirm: environment.confirm,
        },
    })
}

/// Who git says commits here.
pub(super) async fn committer(context: &PlanContext) -> Result<Option<Untrusted>, WriteFailure> {
    let repo = context.engine.inner.repo.clone();
    Ok(blocking(move || repo.committer_name()).await?)
}

/// Times in the file are whole seconds.
pub(super) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The holds with one more; the same one again changes nothing.
pub(super) fn with(mut all: Vec<Hold>, hold: Hold) -> Vec<Hold> {
    let same = |h: &Hold| h.service == hold.service && h.environment == hold.environment && h.digest == hold.digest;
    if !all.iter().any(same) {
        all.push(hold);
    }
    all
}

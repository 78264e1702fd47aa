//! Planning a revert: which earlier digest comes back, judged by today's policy, and how the commit that
//! pinned the bad one is undone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::board::Hold;
use crate::domain::failure::Failure;
use crate::domain::history::PinIdentity;
use crate::domain::id::{Digest, Target};
use crate::domain::known_good::{self, EarlierDigest};
use crate::domain::message::{self, MessageFacts};
use crate::domain::pin::Pin;
use crate::domain::plan::{self, Plan, RevertFacts, Verb};
use crate::domain::policy::{Environment, Policy};
use crate::domain::text::Untrusted;
use crate::domain::verdict::{Outcome, Verdict};
use crate::domain::write::{Alternative, Request, Scope, TagRule, WriteFailure};
use crate::engine::assess::Assessed;
use crate::sources::git::edit::{NewPin, TagChange};

use super::draft::{Draft, Drafted};
use super::edits::{Overlay, Rewrite, differ_in_pin_only, rewrite};
use super::hold::{HoldsFile, beside, with};
use super::pin::refused;
use super::pin_history::{PinChange, PinHistory};
use super::plan_context::{JudgedDigest, PlanContext};
use super::promote::{break_glass, holds_up, tag_change};
use super::revert_commit;
use super::revert_options;
use super::reverted_component;
use super::source::own_tag;
use super::surroundings::surroundings;

/// At most this many earlier digests are judged when the default does not verify.
const ALTERNATIVES: usize = 8;

/// Plans the revert.
pub(super) async fn draft(
    context: &PlanContext,
    request: &Request,
    target: &Target,
    to: Option<Digest>,
    scope: Scope,
) -> Result<Drafted, WriteFailure> {
    let environment = context.environment(&target.environment)?;
    let policy = context.policy(environment)?;
    let pins = reverted_component::pins(context, request, target, to).await?;
    revert_options::check(request, environment, scope)?;
    let history = PinHistory::of_pins(context, target, &pins).await?;
    let now: BTreeSet<Digest> = pins.iter().filter_map(|pin| pin.digest).collect();
    let ledger = context.ledger();
    // Holds that cannot be read close the gate of every target.
    let services = ledger.service_names();
    let holds = ledger.readable_holds(&services);
    let revert = Revert {
        context,
        request,
        target,
        environment,
        policy,
        earlier: known_good::earlier_digests(&history.digests, &now, holds, target),
        pins,
        history,
        is_default: to.is_none(),
    };
    let digest = match to {
        Some(digest) => digest,
        None => revert.default_target().await?,
    };
    let judged = revert.judge(digest).await?;
    let mut drafted = Drafted::default();
    if to.is_none() && !known_good::is_good(judged.verdict.result, request.acknowledge_warned) {
        drafted.alternatives = revert.alternatives(Some(digest)).await?;
    }
    if revert.pins.iter().all(|pin| pin.digest == Some(digest)) && holds_up(&judged.verdict) {
        drafted.already.push(target.clone());
        return Ok(drafted);
    }
    let undone = revert.undone(digest).await?;
    let (reverts, whole) = match (undone, scope) {
        // With another tag beside it, the file is not what it was before that commit.
        (RevertExtent::Whole(_), Scope::Auto) if request.tag.is_some() => (None, None),
        (RevertExtent::Whole(commit), _) => (Some(commit), None),
        (RevertExtent::PinOnly { commit }, Scope::Auto) => {
            drafted.whole_commit = commit.clone();
            // With the copies that it changed, it may be undone as a whole.
            (commit.filter(|_| request.take_copies && request.tag.is_none()), None)
        }
        (RevertExtent::PinOnly { commit: Some(commit) }, Scope::WholeCommit) => (Some(commit.clone()), Some(commit)),
        (RevertExtent::PinOnly { commit: None }, Scope::WholeCommit) => {
            return Err(Failure::usage(format!(
                "{digest} is not what the newest commit of this pin replaced, or that was a merge: only this pin can be reverted to it"
            ))
            .into());
        }
    };
    let draft = revert.draft(digest, judged, reverts, whole).await?;
    let is_undone = |commit: &String| draft.plan.message.contains(&message::reverts(commit));
    if request.take_copies && drafted.whole_commit.as_ref().is_some_and(is_undone) {
        drafted.whole_commit = None;
    }
    drafted.drafts.push(draft);
    Ok(drafted)
}

/// How much of the pin commit a revert undoes.
enum RevertExtent {
    /// All of it: it touched nothing else.
    Whole(String),
    /// This pin alone; the commit that touched more, if the target is what it replaced.
    PinOnly { commit: Option<String> },
}

struct Revert<'a> {
    context: &'a PlanContext,
    request: &'a Request,
    target: &'a Target,
    environment: &'a Environment,
    policy: Arc<Policy>,
    pins: Vec<&'a Pin>,
    history: PinHistory,
    earlier: Vec<EarlierDigest>,
    /// Nobody named the target: it is the last known good.
    is_default: bool,
}

impl Revert<'_> {
    /// The last known good. Where every earlier digest is skipped, nothing is chosen: the reasons are told, and
    /// a person may name one.
    async fn default_target(&self) -> Result<Digest, WriteFailure> {
        let choice = known_good::last_known_good(&self.earlier);
        if let Some(target) = choice.target {
            return Ok(target.digest);
        }
        if choice.skipped.is_empty() {
            return Err(Failure::usage(format!(
                "nothing else was ever pinned for {} on this branch",
                self.target
            ))
            .hint("name a digest with --to")
            .into());
        }
        let skipped: Vec<String> = known_good::remarks(&choice)
            .iter()
            .map(|words| words.clean().into_string())
            .collect();
        let what = format!(
            "no earlier digest of {} is known to be good; name one with --to\n{}",
            self.target,
            skipped.join("\n")
        );
        Err(refused(self.context, self.request, what))
    }

    fn known(&self, digest: Digest) -> Option<&EarlierDigest> {
        self.earlier.iter().find(|earlier| earlier.digest == digest)
    }

    async fn judge(&self, digest: Digest) -> Result<JudgedDigest, WriteFailure> {
        let (context, image) = (self.context, &self.pins[0].image);
        if let Some(tag) = self.known(digest).and_then(|e| e.tag.as_deref()) {
            // The index that a tag points at may speak for one of its platform manifests.
            let _ = context.memo().resolve(image, tag).await;
        }
        context
            .assess(image, digest, &self.target.service, self.environment)
            .await
    }

    /// Earlier digests that verify today and that nothing skips, newest first.
    async fn alternatives(&self, but: Option<Digest>) -> Result<Vec<Alternative>, WriteFailure> {
        let mut out = Vec::new();
        let others = self
            .earlier
            .iter()
            .filter(|e| Some(e.digest) != but && e.skipped().is_none());
        for earlier in others.take(ALTERNATIVES) {
            let judged = self.judge(earlier.digest).await?;
            if holds_up(&judged.verdict) {
                let by = earlier.pinned.as_ref().unwrap_or(&earlier.replaced);
                out.push(Alternative {
                    digest: earlier.digest,
                    tag: earlier.tag.clone(),
                    commit: by.commit.clone(),
                    at: by.at,
                    verdict: judged.verdict,
                });
            }
        }
        Ok(out)
    }

    /// Whether going back to `digest` undoes one whole commit.
    async fn undone(&self, digest: Digest) -> Result<RevertExtent, WriteFailure> {
        let Some(step) = self.pin_step(digest) else {
            return Ok(RevertExtent::PinOnly { commit: None });
        };
        let id = step.commit.meta.id.clone();
        if self.touched_only_this_pin(step).await? {
            return Ok(RevertExtent::Whole(id));
        }
        Ok(RevertExtent::PinOnly { commit: Some(id) })
    }

    /// The newest commit, if it replaced exactly `digest` by what is pinned now.
    fn pin_step(&self, digest: Digest) -> Option<&PinChange> {
        let step = self.history.changes.first()?;
        let was: BTreeSet<Option<Digest>> = step.before.keys().map(PinIdentity::digest).collect();
        let is: BTreeSet<Option<Digest>> = step.after.keys().map(PinIdentity::digest).collect();
        let now: BTreeSet<Option<Digest>> = self.pins.iter().map(|p| p.digest).collect();
        // A merge brings several commits: git would have to be told which side stays.
        let plain = step.commit.meta.parents.len() == 1;
        (plain && was == BTreeSet::from([Some(digest)]) && is == now && now.len() == 1).then_some(step)
    }

    async fn touched_only_this_pin(&self, step: &PinChange) -> Result<bool, WriteFailure> {
        let (id, files) = (step.commit.meta.id.clone(), step.commit.files.clone());
        let (touched, blobs) = self
            .context
            .git(move |repo| {
                let touched = repo.touched(&id)?;
                let mut blobs = Vec::new();
                for file in files {
                    if let (Some(was), Some(is)) = (file.before, file.after) {
                        blobs.push((file.path, repo.blob(&was)?, repo.blob(&is)?));
                    }
                }
                Ok((touched, blobs))
            })
            .await?;
        let known: BTreeSet<&str> = blobs.iter().map(|(path, ..)| path.as_str()).collect();
        Ok(touched.iter().all(|path| known.contains(path.as_str()))
            && blobs
                .iter()
                .all(|(path, was, is)| differ_in_pin_only(self.context, self.target, path, was, is)))
    }

    async fn draft(
        &self,
        digest: Digest,
        judged: JudgedDigest,
        reverts: Option<String>,
        whole: Option<String>,
    ) -> Result<Draft, WriteFailure> {
        let (context, target, pins) = (self.context, self.target, &self.pins);
        let mut warnings: Vec<Untrusted> = Vec::new();
        let mut overlay = Overlay::default();
        let bad = pins[0].digest.filter(|bad| *bad != digest);
        let mut away: Vec<(Target, Digest)> = bad.map(|bad| (target.clone(), bad)).into_iter().collect();
        let mut other_gates = Vec::new();
        let mut rewritten = match &whole {
            Some(commit) => {
                let judged = (&pins[0].image, digest);
                let whole = revert_commit::plan(context, &mut overlay, commit, target, judged).await?;
                away = whole.away;
                other_gates = whole.gates;
                let mut rewrite = whole.rewrite;
                rewrite.copies_stay(context, &mut overlay, pins).await?;
                rewrite.warnings.extend(surroundings(context, pins));
                rewrite
            }
            None => {
                let new = NewPin {
                    digest,
                    tag: self.tag(digest, &judged.assessed, &mut warnings).await?,
                };
                let restore = self.restore(digest).await?;
                rewrite(context, &mut overlay, pins, &new, &restore, self.request.take_copies).await?
            }
        };
        let reverts = match reverts {
            Some(commit) if whole.is_some() || self.is_git_revert(&commit, &rewritten).await? => Some(commit),
            _ => None,
        };
        if known_good::undoes_a_revert(&self.history.digests, digest) {
            // What the newest revert took out comes back: the digest that goes now is not known to be bad.
            away.clear();
        }
        self.rewrite_holds(&mut overlay, &mut rewritten, &away, digest).await?;
        let read_only = context.read_only(self.environment);
        let holds = context.closing_holds(target, digest);
        let mut gates = plan::revert_gates(RevertFacts {
            verdict: &judged.verdict,
            acknowledged: self.is_default.then_some(self.request.acknowledge_warned),
            environment: &target.environment,
            holds: holds.as_deref().map_err(|problem| *problem),
            release_hold: self.request.release_hold,
            read_only: read_only.as_deref(),
        });
        gates.extend(rewritten.closed.as_deref().map(plan::edit_gate));
        let waived = break_glass(
            self.request,
            &self.policy,
            &mut gates,
            &judged.verdict,
            &judged.assessed.assessment.evidence,
        )?;
        // What closes the way for other pins is not what the reason was typed for.
        gates.extend(other_gates);
        warnings.extend(self.remarks(digest, &judged.verdict));
        warnings.extend(std::mem::take(&mut rewritten.warnings));
        let used = context.policy_used(&self.policy);
        let facts = MessageFacts {
            verb: Verb::Revert,
            service: &target.service,
            environment: &target.environment,
            from: pins[0].digest,
            to: Some(digest),
            policy: Some(&used),
            verdict: Some(&judged.verdict),
            reason: self.request.reason.as_deref(),
            waived: waived
                .as_ref()
                .map(|(gates, reason)| (gates.as_slice(), reason.as_str())),
            reverts: reverts.as_deref(),
        };
        let message = message::compose(&facts);
        Ok(Draft {
            beside: beside(&mut rewritten, &facts),
            files: rewritten.files,
            meant: rewritten.meant,
            evidence: Arc::unwrap_or_clone(judged.assessed.assessment.evidence),
            plan: Plan {
                verb: Verb::Revert,
                service: target.service.clone(),
                environment: target.environment.clone(),
                component: pins[0].component.clone(),
                image: Some(pins[0].image.clone()),
                from: pins[0].digest,
                to: digest,
                base_commit: context.ledger().tip.commit.clone(),
                policy: used,
                edits: rewritten.edits,
                copies: Vec::new(),
                loose_copies: rewritten.loose_copies,
                holds: rewritten.holds,
                gates,
                warnings,
                verdict: Some(judged.verdict),
                message,
                confirm: self.environment.confirm,
            },
        })
    }

    /// Whether `git revert` of the commit, merged onto the head, gives the very same files.
    async fn is_git_revert(&self, commit: &str, rewritten: &Rewrite) -> Result<bool, WriteFailure> {
        let (base, bad) = (self.context.ledger().tip.commit.clone(), commit.to_owned());
        let Some(files) = self.context.git(move |repo| repo.preview_revert(&base, &bad)).await? else {
            return Ok(false);
        };
        let ours: BTreeSet<(&str, Option<&[u8]>)> = rewritten
            .files
            .iter()
            .map(|change| (change.path.as_str(), change.content()))
            .collect();
        Ok(files
            .iter()
            .map(|f| (f.path.as_str(), f.after.as_deref()))
            .collect::<BTreeSet<_>>()
            == ours
            && files.iter().all(|f| f.unsupported.is_none()))
    }

    /// The tag beside the digest: the one that stood there then, unless another rule is asked for.
    async fn tag(
        &self,
        digest: Digest,
        assessed: &Assessed,
        warnings: &mut Vec<Untrusted>,
    ) -> Result<TagChange, WriteFailure> {
        let (context, image) = (self.context, &self.pins[0].image);
        let known = self.known(digest);
        if let (None, Some(known)) = (self.request.tag, known) {
            let Some(tag) = &known.tag else {
                return Ok(TagChange::Drop);
            };
            if let Ok(Some(other)) = context.memo().resolve(image, tag).await
                && other != digest
                && Some(other) != assessed.via
                && !assessed.children.contains(&other)
            {
                warnings.push(format!("tag {tag}, as it stood beside this digest, names {other} today").into());
            }
            return Ok(TagChange::Update(tag.clone()));
        }
        let known_by = known.and_then(|e| e.tag.as_deref());
        let own = match self.request.tag {
            Some(TagRule::Drop | TagRule::Keep) => None,
            _ => own_tag(context, image, digest, assessed.via, known_by, assessed.label.said()).await,
        };
        tag_change(self.request.tag, own, digest)
    }

    /// The files as they were when the digest was pinned last.
    async fn restore(&self, digest: Digest) -> Result<BTreeMap<String, Vec<u8>>, WriteFailure> {
        let Some(known) = self.known(digest).filter(|_| self.request.tag.is_none()) else {
            return Ok(BTreeMap::new());
        };
        let files = self.history.files_with(known.digest);
        self.context
            .git(move |repo| {
                files
                    .into_iter()
                    .map(|(path, oid)| Ok((path, repo.blob(&oid)?)))
                    .collect()
            })
            .await
    }

    /// Brings `pindeck-holds.toml` to what the revert means: what is taken out is held, and with
    /// `--release-hold` this environment's hold of the target ends.
    async fn rewrite_holds(
        &self,
        overlay: &mut Overlay,
        rewritten: &mut Rewrite,
        away: &[(Target, Digest)],
        digest: Digest,
    ) -> Result<(), WriteFailure> {
        let (context, target) = (self.context, self.target);
        // Holds that cannot be read close the gate; nothing is added to a file that nobody understands.
        let Ok(known) = &context.ledger().holds else {
            return Ok(());
        };
        let released = |hold: &Hold| {
            let closes = |all: Vec<&Hold>| all.contains(&hold);
            self.request.release_hold
                && hold.environment == target.environment
                && context.closing_holds(target, digest).is_ok_and(closes)
        };
        let mut all: Vec<Hold> = known.iter().filter(|hold| !released(hold)).cloned().collect();
        if let Some((_, bad)) = away.first() {
            let new = revert_commit::holds(away, &self.hold(*bad).await?);
            all = new.into_iter().fold(all, with);
        }
        if all != *known {
            let file = HoldsFile::read(context, overlay).await?;
            file.replace(rewritten, known, &all)?;
        }
        Ok(())
    }

    async fn hold(&self, bad: Digest) -> Result<Hold, WriteFailure> {
        let target = self.target;
        Ok(Hold {
            service: target.service.clone(),
            environment: target.environment.clone(),
            digest: bad,
            reason: match &self.request.reason {
                Some(reason) => message::one_line(reason).into(),
                None => format!("reverted in {}", target.environment).into(),
            },
            since: Some(super::hold::whole_second(self.context.now())),
            by: super::hold::committer(self.context).await?,
        })
    }

    /// What a person should know about the target before saying yes.
    fn remarks(&self, digest: Digest, verdict: &Verdict) -> Vec<Untrusted> {
        let mut out: Vec<Untrusted> = Vec::new();
        if verdict.result == Outcome::Warned {
            out.push("a test result of this digest is WARNED".into());
        }
        if self.is_default {
            out.extend(known_good::remarks(&known_good::last_known_good(&self.earlier)));
        } else {
            out.extend(self.known(digest).and_then(known_good::brief_words));
        }
        let reverted = known_good::reverted(&self.history.digests, digest);
        out.extend(reverted.map(known_good::reverted_words));
        if self.request.release_hold
            && self
                .context
                .closing_holds(self.target, digest)
                .is_ok_and(|all| all.is_empty())
        {
            out.push("--release-hold has nothing to release: no hold names this digest here".into());
        }
        out
    }
}

//! Planning a revert: which earlier digest comes back, judged by today's policy, and how the commit that
//! pinned the bad one is undone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::board::Hold;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, Target};
use crate::domain::message::{self, Facts};
use crate::domain::pin::Pin;
use crate::domain::plan::{self, Plan, Verb};
use crate::domain::policy::{Environment, Policy};
use crate::domain::text::Untrusted;
use crate::domain::verdict::{Outcome, Verdict};
use crate::domain::write::{Alternative, Request, Scope, TagRule, WriteFailure};
use crate::engine::assess::Assessed;
use crate::engine::holds;
use crate::sources::git::CommitMeta;
use crate::sources::git::edit::{NewPin, TagChange};

use super::edits::{Overlay, Rewrite, differ_in_pin_only, rewrite};
use super::hold::HoldsFile;
use super::pin_history::{EarlierPin, PinChange, PinHistory};
use super::plan_context::PlanContext;
use super::promote::{break_glass, holds_up, tag_change};
use super::revert_commit;
use super::source::own_tag;
use super::{Draft, Drafted};

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
    let pins = context.pins_in(target)?;
    let history = PinHistory::of(context, target).await?;
    let now: BTreeSet<Digest> = pins.iter().filter_map(|pin| pin.digest).collect();
    let revert = Revert {
        context,
        request,
        target,
        environment,
        policy,
        earlier: history.earlier(&now),
        pins,
        history,
    };
    let digest = match to {
        Some(digest) => digest,
        None => revert.default_target()?,
    };
    let judged = revert.judge(digest).await?;
    let mut drafted = Drafted::default();
    if to.is_none() && !holds_up(&judged.verdict) {
        drafted.alternatives = revert.alternatives(digest).await?;
    }
    if revert.pins.iter().all(|pin| pin.digest == Some(digest)) && holds_up(&judged.verdict) {
        drafted.already.push(target.clone());
        return Ok(drafted);
    }
    let undone = revert.undone(digest).await?;
    let (reverts, whole) = match (undone, scope) {
        // With another tag beside it, the file is not what it was before that commit.
        (Undone::Whole(_), Scope::Auto) if request.tag.is_some() => (None, None),
        (Undone::Whole(commit), _) => (Some(commit), None),
        (Undone::PinOnly { commit }, Scope::Auto) => {
            drafted.whole_commit = commit;
            (None, None)
        }
        (Undone::PinOnly { commit: Some(commit) }, Scope::WholeCommit) => (Some(commit.clone()), Some(commit)),
        (Undone::PinOnly { commit: None }, Scope::WholeCommit) => {
            return Err(Failure::usage(format!(
                "{digest} is not what the newest commit of this pin replaced, or that was a merge: only this pin can be reverted to it"
            ))
            .into());
        }
    };
    drafted.drafts.push(revert.draft(digest, judged, reverts, whole).await?);
    Ok(drafted)
}

/// How much of the pin commit a revert undoes.
enum Undone {
    /// All of it: it touched nothing else.
    Whole(String),
    /// This pin alone; the commit that touched more, if the target is what it replaced.
    PinOnly { commit: Option<String> },
}

struct Judged {
    assessed: Assessed,
    verdict: Verdict,
}

struct Revert<'a> {
    context: &'a PlanContext,
    request: &'a Request,
    target: &'a Target,
    environment: &'a Environment,
    policy: Arc<Policy>,
    pins: Vec<&'a Pin>,
    history: PinHistory,
    earlier: Vec<EarlierPin>,
}

impl Revert<'_> {
    fn default_target(&self) -> Result<Digest, WriteFailure> {
        self.earlier.first().map(|earlier| earlier.digest).ok_or_else(|| {
            Failure::usage(format!(
                "nothing else was ever pinned for {} on this branch",
                self.target
            ))
            .hint("name a digest with --to")
            .into()
        })
    }

    fn known(&self, digest: Digest) -> Option<&EarlierPin> {
        self.earlier.iter().find(|earlier| earlier.digest == digest)
    }

    async fn judge(&self, digest: Digest) -> Result<Judged, WriteFailure> {
        let (context, image) = (self.context, &self.pins[0].image);
        if let Some(tag) = self.known(digest).and_then(|e| e.tag.as_deref()) {
            // The index that a tag points at may speak for one of its platform manifests.
            let _ = context.session.resolve(image, tag).await;
        }
        let assessed = context
            .assess(image, digest, &self.target.service, self.environment, &self.policy)
            .await;
        let verdict = assessed.assessment.verdict.clone();
        let verdict = verdict.ok_or_else(|| Failure::bug("nothing was judged"))?;
        Ok(Judged { assessed, verdict })
    }

    /// EarlierPin digests that verify today, newest first.
    async fn alternatives(&self, but: Digest) -> Result<Vec<Alternative>, WriteFailure> {
        let mut out = Vec::new();
        let others: Vec<&EarlierPin> = self
            .earlier
            .iter()
            .filter(|e| e.digest != but)
            .take(ALTERNATIVES)
            .collect();
        for earlier in others {
            let judged = self.judge(earlier.digest).await?;
            if holds_up(&judged.verdict) {
                let commit: &CommitMeta = earlier.commit.as_ref().unwrap_or(&earlier.replaced_in);
                out.push(Alternative {
                    digest: earlier.digest,
                    tag: earlier.tag.clone(),
                    commit: commit.id.clone(),
                    at: commit.at,
                    verdict: judged.verdict,
                });
            }
        }
        Ok(out)
    }

    /// Whether going back to `digest` undoes one whole commit.
    async fn undone(&self, digest: Digest) -> Result<Undone, WriteFailure> {
        let Some(step) = self.pin_step(digest) else {
            return Ok(Undone::PinOnly { commit: None });
        };
        let id = step.commit.id.clone();
        if self.touched_only_this_pin(step).await? {
            return Ok(Undone::Whole(id));
        }
        Ok(Undone::PinOnly { commit: Some(id) })
    }

    /// The newest commit, if it replaced exactly `digest` by what is pinned now.
    fn pin_step(&self, digest: Digest) -> Option<&PinChange> {
        let step = self.history.0.first()?;
        let was: BTreeSet<Option<Digest>> = step.was.iter().map(|w| w.digest).collect();
        let is: BTreeSet<Option<Digest>> = step.is.iter().map(|w| w.digest).collect();
        let now: BTreeSet<Option<Digest>> = self.pins.iter().map(|p| p.digest).collect();
        // A merge brings several commits: git would have to be told which side stays.
        let plain = step.commit.parents.len() == 1;
        (plain && was == BTreeSet::from([Some(digest)]) && is == now && now.len() == 1).then_some(step)
    }

    async fn touched_only_this_pin(&self, step: &PinChange) -> Result<bool, WriteFailure> {
        let (id, files) = (step.commit.id.clone(), step.files.clone());
        let (touched, blobs) = self
            .context
            .git(move |repo| {
                let touched = repo.touched(&id)?;
                let mut blobs = Vec::new();
                for (path, was, is) in files {
                    if let (Some(was), Some(is)) = (was, is) {
                        blobs.push((path, repo.blob(&was)?, repo.blob(&is)?));
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
        judged: Judged,
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
                whole.rewrite
            }
            None => {
                let new = NewPin {
                    digest,
                    tag: self.tag(digest, &judged.assessed, &mut warnings).await?,
                };
                rewrite(context, &mut overlay, pins, &new, &self.restore(digest).await?).await?
            }
        };
        let reverts = match reverts {
            Some(commit) if whole.is_some() || self.is_git_revert(&commit, &rewritten).await? => Some(commit),
            _ => None,
        };
        if let Some((_, bad)) = away.first() {
            match &context.ledger.holds {
                Ok(known) => {
                    let all = revert_commit::holds(&away, &self.hold(*bad).await?);
                    let file = HoldsFile::read(context, &mut overlay).await?;
                    file.replace(&mut rewritten, all.into_iter().fold(known.clone(), with))?;
                }
                Err(problem) => warnings.push(format!("no hold is recorded: {}", problem.clean()).into()),
            }
        }
        let read_only = context.read_only(self.environment);
        let mut gates = plan::revert_gates(&judged.verdict, read_only.as_deref());
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
        let message = message::compose(&Facts {
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
        });
        Ok(Draft {
            files: rewritten.files,
            evidence: judged.assessed.assessment.evidence,
            plan: Plan {
                verb: Verb::Revert,
                service: target.service.clone(),
                environment: target.environment.clone(),
                image: pins[0].image.clone(),
                from: pins[0].digest,
                to: digest,
                base_commit: context.ledger.tip.commit.clone(),
                policy: used,
                edits: rewritten.edits,
                copies: Vec::new(),
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
        let (base, bad) = (self.context.ledger.tip.commit.clone(), commit.to_owned());
        let Some(files) = self.context.git(move |repo| repo.preview_revert(&base, &bad)).await? else {
            return Ok(false);
        };
        let ours: BTreeSet<(&str, Option<&[u8]>)> = rewritten
            .files
            .iter()
            .map(|(path, bytes)| (path.as_str(), Some(bytes.as_slice())))
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
            if let Ok(Some(other)) = context.session.resolve(image, tag).await
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
            _ => {
                own_tag(
                    context,
                    image,
                    digest,
                    assessed.via,
                    known_by,
                    assessed.version.as_ref(),
                )
                .await
            }
        };
        tag_change(self.request.tag, own, digest)
    }

    /// The files as they were when the digest was pinned last.
    async fn restore(&self, digest: Digest) -> Result<BTreeMap<String, Vec<u8>>, WriteFailure> {
        let Some(known) = self.known(digest).filter(|_| self.request.tag.is_none()) else {
            return Ok(BTreeMap::new());
        };
        let files = known.files.clone();
        self.context
            .git(move |repo| {
                files
                    .into_iter()
                    .map(|(path, oid)| Ok((path, repo.blob(&oid)?)))
                    .collect()
            })
            .await
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
            since: Some(super::hold::whole_second(self.context.now)),
            by: super::hold::committer(self.context).await?,
        })
    }

    fn remarks(&self, digest: Digest, verdict: &Verdict) -> Vec<Untrusted> {
        let (ledger, target) = (&self.context.ledger, self.target);
        let mut out: Vec<Untrusted> = Vec::new();
        if verdict.result == Outcome::Warned {
            out.push("a test result of this digest is WARNED; a revert does not wait for it".into());
        }
        if let Ok(all) = &ledger.holds
            && let Some(hold) = holds::closing(all, &ledger.environments, &target.service, &target.environment, digest)
        {
            out.push(
                format!(
                    "this digest is on hold itself ({}): {}",
                    hold.environment,
                    hold.reason.clean()
                )
                .into(),
            );
        }
        if let Some(commit) = self.history.reverted(digest) {
            let id = &commit.id[..commit.id.len().min(12)];
            out.push(
                format!(
                    "this digest was reverted here before, in {id}: {}",
                    commit.subject.clean()
                )
                .into(),
            );
        }
        out
    }
}

/// The holds with one more; the same one again changes nothing.
fn with(mut all: Vec<Hold>, hold: Hold) -> Vec<Hold> {
    let same = |h: &Hold| h.service == hold.service && h.environment == hold.environment && h.digest == hold.digest;
    if !all.iter().any(same) {
        all.push(hold);
    }
    all
}

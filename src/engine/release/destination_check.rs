//! Bringing content to an environment's own registry, and judging it again where it arrived: the bytes,
//! the evidence, and whether all of it came (docs/reference/registries.md, "The copy of a promotion").

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use crate::domain::evidence::{Evidence, EvidenceState};
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::plan::Copy;
use crate::domain::text::Untrusted;
use crate::domain::verdict::{Outcome, Verdict};
use crate::domain::write::{Copied, Progress, WriteFailure};
use crate::sources::registry::{CopyProgress, CopyReport, MissingEvidence};

use super::compare::facts;
use super::draft::Draft;
use super::plan_context::{JudgedDigest, PlanContext};
use super::promote::copy_request;

/// What checking the copy at its destination came to.
#[derive(Debug, Default)]
pub(super) struct CopyOutcome {
    pub copied: Copied,
    /// Evidence that the destination lacks, for people.
    pub missing: Vec<String>,
    /// Subjects whose evidence did not come whole.
    lacking: BTreeSet<Digest>,
}

/// Copies everything a draft needs. Dropping the future stops it; nothing names what is incomplete.
pub(super) async fn copy(
    context: &PlanContext,
    draft: &Draft,
    progress: &mpsc::Sender<Progress>,
) -> Result<CopyOutcome, WriteFailure> {
    let mut arrived = CopyOutcome::default();
    for copy in &draft.plan.copies {
        let request = copy_request(context, &draft.plan.service, copy);
        let (tx, rx) = mpsc::channel(16);
        let told = tell(rx, draft.plan.service.clone(), progress.clone());
        let registry = context.registry();
        let (done, ()) = futures_util::future::join(registry.copy(&request, Some(tx)), told).await;
        arrived.take(done.map_err(Failure::from)?);
    }
    Ok(arrived)
}

/// Passes progress on until the copy ends; a listener that is behind misses some.
async fn tell(mut from: mpsc::Receiver<CopyProgress>, service: ServiceId, to: mpsc::Sender<Progress>) {
    while let Some(now) = from.recv().await {
        let _ = to.try_send(Progress::Copying {
            service: service.clone(),
            items: now.items,
            of_items: now.of_items,
            bytes: now.bytes,
            of_bytes: now.of_bytes,
        });
    }
}

impl CopyOutcome {
    fn take(&mut self, report: CopyReport) {
        self.copied.manifests += report.manifests;
        self.copied.blobs += report.blobs;
        self.copied.bytes += report.bytes;
        self.copied.evidence += report.evidence;
        self.lacking
            .extend(report.missing.iter().map(|missing| missing.subject));
        self.missing.extend(report.missing.iter().map(name));
    }
}

fn name(missing: &MissingEvidence) -> String {
    let tag = missing.tag.as_ref().map(|tag| format!(" ({tag})")).unwrap_or_default();
    let why = &missing.reason;
    format!(
        "evidence {}{tag} of {}: {}",
        missing.digest,
        missing.subject,
        why.clean()
    )
}

/// Why what arrived is not good enough.
#[derive(Debug)]
pub(super) enum DestinationProblem {
    /// It could not be judged.
    Unknown(Untrusted),
    /// It is not what was confirmed, with its verdict there.
    Refused(Verdict, Untrusted),
}

/// Judges what arrived, with a memo that believes no cache: the verdict must be the one that was
/// confirmed, and everything that came along must still be there.
pub(super) async fn verify(
    context: &PlanContext,
    draft: &Draft,
    copy: &Copy,
    arrived: &CopyOutcome,
) -> Result<Result<(), DestinationProblem>, WriteFailure> {
    let plan = &draft.plan;
    let environment = context.environment(&plan.environment)?;
    let memo = context.fresh_memo()?;
    let place = &copy.destination;
    if let Some(tag) = &copy.tag {
        // The index that a tag points at may speak for one of its platform manifests.
        let _ = memo.resolve(place, tag).await;
    }
    let JudgedDigest {
        verdict,
        assessed: found,
    } = context
        .assess_in(&memo, place, plan.to, &plan.service, environment)
        .await?;
    if facts(Some(&verdict)) != facts(plan.verdict.as_ref()) {
        let causes: Vec<String> = verdict
            .causes
            .iter()
            .map(|c| format!("{} {}: {}", c.check.as_str(), c.cause.as_str(), c.detail.clean()))
            .collect();
        let what = format!(
            "{} is {} in {place}, which is not what was confirmed ({}); nothing was pinned",
            plan.to,
            verdict.result.as_str(),
            causes.join("; ")
        );
        return Ok(Err(match verdict.result {
            Outcome::Unknown => DestinationProblem::Unknown(what.into()),
            _ => DestinationProblem::Refused(verdict, what.into()),
        }));
    }
    let lost = lost(&draft.evidence, &found.assessment.evidence, arrived);
    if lost.is_empty() {
        return Ok(Ok(()));
    }
    let unlisted = found.unlisted.as_ref().map(|why| why.clean().into_string());
    let unread = unlisted.or_else(|| unread(&found.assessment.evidence).or_else(|| unread(&draft.evidence)));
    if let Some(failed) = unread {
        // What could not be asked for is not gone.
        let what = format!(
            "whether {place} has all that the source has ({}) could not be told: {failed}; nothing was pinned",
            lost.join(", ")
        );
        return Ok(Err(DestinationProblem::Unknown(what.into())));
    }
    let what = format!(
        "{place} lacks what the source has ({}); nothing was pinned",
        lost.join(", ")
    );
    Ok(Err(DestinationProblem::Refused(verdict, what.into())))
}

/// Why some of the evidence could not be read, if so.
fn unread(there: &[Evidence]) -> Option<String> {
    let failed = there.iter().find(|e| e.state == EvidenceState::Unreachable)?;
    let why = failed.detail.as_ref().map(|why| why.clean().into_string());
    Some(why.unwrap_or_else(|| "the registry did not answer".to_owned()))
}

/// Evidence of the source that is not at the destination as good as it was, and not known to be missing.
fn lost(source: &[Evidence], there: &[Evidence], arrived: &CopyOutcome) -> Vec<String> {
    let is_there = |e: &Evidence| {
        let same = |t: &Evidence| t.attached_to == e.attached_to && t.digest == e.digest && t.state == e.state;
        there.iter().any(same)
    };
    source
        .iter()
        .filter(|e| !is_there(e))
        // What is broken at the source cannot arrive; the copy has named it. What could be read there can.
        .filter(|e| {
            let readable = matches!(e.state, EvidenceState::Verified | EvidenceState::Unsigned);
            readable || !arrived.lacking.contains(&e.attached_to)
        })
        .map(|e| format!("{} {}", e.kind.as_str(), e.digest))
        .collect()
}

//! `pindeck evidence`: every statement about a digest, with every check.

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::domain::verdict::{Presence, Verdict};

use super::args::EvidenceArgs;
use super::command_context::CommandContext;
use super::json::{self, EvidenceDoc};
use super::output::say;
use super::{text, verify};
use crate::domain::evidence::{CauseKind, EvidenceState};

#[derive(Debug, Serialize)]
struct EvidenceOf<'a> {
    image: &'a Repository,
    digest: Digest,
    service: Option<&'a str>,
    verdict: Option<&'a Verdict>,
    evidence: Vec<EvidenceDoc<'a>>,
    budget: crate::domain::registry::Budget,
}

/// Runs `pindeck evidence`.
///
/// # Errors
/// If service, reference, environment or configuration is wrong, or a tag cannot be resolved.
pub(crate) async fn run(context: &CommandContext, args: &EvidenceArgs) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let found = engine.evidence(&args.what, args.environment.as_deref()).await?;
    let assessment = &found.assessed.assessment;
    if args.json {
        json::print(
            "evidence",
            EvidenceOf {
                image: &found.image,
                digest: found.digest,
                service: found.service.as_ref().map(|s| s.as_str()),
                verdict: assessment.verdict.as_ref(),
                evidence: json::evidence_with_checks(&assessment.evidence),
                budget: found.budget,
            },
        )?;
    } else {
        for line in verify::head(&found) {
            say(&line)?;
        }
        if assessment.evidence.is_empty() {
            say("no statements")?;
        }
        for one in assessment.evidence.iter() {
            say("")?;
            for line in text::statement(one, true) {
                say(&line)?;
            }
        }
    }
    let open = |failure: &Failure| failure.kind.cause() == CauseKind::Unreachable;
    let unreachable = matches!(&found.assessed.presence, Presence::Failed(failure) if open(failure))
        || assessment
            .evidence
            .iter()
            .any(|e| e.state == EvidenceState::Unreachable)
        || assessment
            .verdict
            .as_ref()
            .is_some_and(|v| v.causes.iter().any(|c| c.cause == CauseKind::Unreachable));
    let exit = if unreachable { Exit::Unknown } else { Exit::Done };
    Ok(context.with_freshness(&engine, exit))
}

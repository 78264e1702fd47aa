//! What comes after a signature has been proven: whom the statement is about, and what it says.

use std::borrow::Cow;

use super::item::{Item, Question};
use super::predicate;
use super::report::{Refusal, Report, named_kind};
use super::statement::{Statement, SubjectMatch};
use super::trust::Profile;
use crate::domain::evidence::{CauseKind, CheckName, Evidence, EvidenceKind, SignedContent};
use crate::domain::id::Digest;
use crate::domain::text::{Untrusted, quoted};

/// The trust profile for a kind.
pub(super) fn profile<'q>(kind: EvidenceKind, question: &Question<'q>) -> Result<&'q Profile, Refusal> {
    let Some(name) = question.signer.for_kind(kind, question.service_signer) else {
        let detail = format!("no trust profile says who may sign a {kind}");
        return Err(Refusal::new(CheckName::Identity, CauseKind::OtherSigner, detail));
    };
    question.trust.profile(name).ok_or_else(|| {
        let detail = format!("there is no trust profile {name}");
        Refusal::new(CheckName::Identity, CauseKind::OtherSigner, detail)
    })
}

/// Writes down what a statement claims to be, before anything is believed.
pub(super) fn introduce(report: &mut Report, statement: &Statement<'_>) {
    let evidence = report.evidence();
    evidence.kind = EvidenceKind::of_predicate(&statement.predicate_type);
    evidence.predicate_type = Some(Untrusted::from(&*statement.predicate_type));
    evidence.subjects = statement.subjects();
}

/// Subject and predicate of a statement whose signature is verified.
pub(super) fn conclude(
    mut report: Report,
    item: &Item,
    statement: &Statement<'_>,
    question: &Question<'_>,
) -> Evidence {
    match subject(&mut report, statement.about(question), &statement.subjects(), question) {
        Ok(()) => {}
        Err(refusal) => return report.refuse(refusal),
    }
    match predicate::summary(report.kind(), statement.predicate_text()) {
        Ok(summary) => {
            let evidence = report.evidence();
            // The certificate's time, if there is one, is known already.
            evidence.content_time = evidence.content_time.into_iter().chain(summary.time()).min();
            evidence.summary = summary;
            if question.keep_content {
                evidence.content = Some(SignedContent::verified(statement.predicate_text()));
            }
            let mut detail = Cow::Borrowed("has the shape of its type");
            if matches!(report.kind(), EvidenceKind::Other) {
                detail = Cow::Borrowed("its type is not one pindeck reads; listed as it is");
            }
            if let (_, Some(named)) = named_kind(item)
                && named != *statement.predicate_type
            {
                detail = Cow::Owned(format!(
                    "{detail}; the annotation calls it {}, which counts for nothing",
                    quoted(&named)
                ));
            }
            report.passed(
                CheckName::Predicate,
                format!("{}: {detail}", quoted(&statement.predicate_type)),
            );
            report.verified()
        }
        Err(why) => {
            let detail = format!("it is signed as {}, but {why}", quoted(&statement.predicate_type));
            report.refuse(Refusal::new(CheckName::Predicate, CauseKind::WrongPredicate, detail))
        }
    }
}

/// Compares what a statement is about with the digest asked about.
pub(super) fn subject(
    report: &mut Report,
    about: Option<SubjectMatch>,
    subjects: &[Digest],
    question: &Question<'_>,
) -> Result<(), Refusal> {
    let asked = question.subject;
    match about {
        Some(SubjectMatch::Itself) => {
            report.passed(CheckName::Subject, format!("names {asked}"));
            Ok(())
        }
        Some(SubjectMatch::Via(index)) => {
            report.passed(
                CheckName::Subject,
                format!("names the index {index}, whose bytes list {asked}"),
            );
            Ok(())
        }
        None => {
            let detail = match subjects {
                [] => format!("its subjects name no SHA-256, so it is not about {asked}"),
                [one] => format!("it is about {one}, not about {asked}"),
                [one, more @ ..] => format!("it is about {one} and {} more, not about {asked}", more.len()),
            };
            Err(Refusal::new(CheckName::Subject, CauseKind::WrongSubject, detail))
        }
    }
}

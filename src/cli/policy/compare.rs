//! `pindeck policy compare`.

use serde_json::{Value, json};

use crate::cli::args::PolicyCompareArgs;
use crate::cli::command_context::CommandContext;
use crate::cli::exit::Exit;
use crate::cli::output::say;
use crate::cli::text::Table;
use crate::cli::{json as documents, text};
use crate::domain::admission::rules::RuleAnswer;
use crate::domain::admission::{AdmissionAnswer, AdmissionPolicy, UnreadEffect, UnreadField};
use crate::domain::failure::Failure;
use crate::domain::text::Clean;
use crate::domain::verdict::Outcome;
use crate::engine::admission::{AdmissionReport, ComparedDigest, read_all};

/// Runs `pindeck policy compare`.
///
/// # Errors
/// If a policy cannot be read, or there is no usable repository.
pub(super) async fn run(context: &CommandContext, args: &PolicyCompareArgs) -> Result<Exit, Failure> {
    let roots = args.roots.iter().map(|root| (root.name.clone(), root.file.clone()));
    let (policies, roots) = read_all(args.files.clone(), roots.collect()).await?;
    let engine = context.engine()?;
    let report = engine.compare_admission(policies, &roots).await?;
    if args.json {
        documents::print("policy-compare", document(&report))?;
    } else {
        lines(&report).iter().try_for_each(|line| say(line))?;
    }
    let is_open = |one: &ComparedDigest| {
        one.verdict
            .as_ref()
            .is_some_and(|verdict| verdict.result == Outcome::Unknown)
    };
    let exit = match () {
        () if !context.global.offline && report.digests.iter().any(is_open) => Exit::Unknown,
        () if args.exit_code && report.digests.iter().any(|one| difference(one).is_some()) => Exit::Found,
        () => Exit::Done,
    };
    Ok(context.with_freshness(&engine, exit))
}

/// How the two differ about a digest, if both have an answer.
fn difference(one: &ComparedDigest) -> Option<&'static str> {
    match (one.verdict.as_ref()?.result, one.gate.answer) {
        (Outcome::Verified | Outcome::Warned, AdmissionAnswer::Refuse) => Some("the cluster would refuse it"),
        (Outcome::Rejected, AdmissionAnswer::Admit) => Some("the cluster would admit it"),
        _ => None,
    }
}

fn clean(text: &str) -> String {
    Clean::from_untrusted(text).into_string()
}

fn document(report: &AdmissionReport) -> Value {
    let files: Vec<Value> = report
        .policies
        .iter()
        .map(|one| {
            let policy = &one.policy;
            let rules: Vec<Value> = one
                .rules
                .iter()
                .map(|rule| {
                    json!({
                        "policy": rule.policy, "rule": rule.rule, "answer": rule.answer, "detail": clean(&rule.detail),
                    })
                })
                .collect();
            json!({
                "file": clean(&policy.file), "line": policy.line, "kind": clean(&policy.kind), "name": clean(&policy.name),
                "gate": policy.gate.name(), "enforces": policy.enforces, "images": policy.images,
                "rules": rules, "unread": policy.all_unread().into_iter().map(unread).collect::<Vec<_>>(),
            })
        })
        .collect();
    let digests: Vec<Value> = report
        .digests
        .iter()
        .map(|one| {
            json!({
                "service": one.target.service, "environment": one.target.environment, "component": one.component,
                "image": one.image, "digest": one.digest, "pinned": one.is_pinned,
                "pindeck": one.verdict.as_ref().map(|verdict| verdict.result), "verdict": one.verdict,
                "cluster": one.gate.answer, "why": clean(&one.gate.why), "differs": difference(one).is_some(),
            })
        })
        .collect();
    json!({ "files": files, "digests": digests, "by_tag": report.by_tag, "budget": report.budget })
}

fn unread(part: &UnreadField) -> Value {
    json!({
        "line": part.line, "what": clean(&part.what), "why": clean(&part.why),
        "text": Some(&part.text).filter(|text| !text.is_empty()),
        "effect": match part.effect {
            UnreadEffect::Tightens => "refuses-more",
            UnreadEffect::Narrows => "looks-at-fewer",
            UnreadEffect::Either => "either",
            UnreadEffect::Nothing => "none",
        },
    })
}

fn heading(policy: &AdmissionPolicy) -> String {
    let warns = if policy.enforces { "" } else { ", only warns" };
    clean(&format!(
        "{}:{}  {} {}  ({}{warns})",
        policy.file,
        policy.line,
        policy.kind,
        policy.name,
        policy.gate.name()
    ))
}

fn lines(report: &AdmissionReport) -> Vec<String> {
    let mut out = Vec::new();
    for one in &report.policies {
        out.push(heading(&one.policy));
        let mut table = Table::new(&["  POLICY", "RULE", "WHICH", "WHY"]);
        for rule in &one.rules {
            let policy = rule.policy.as_deref().unwrap_or("-");
            table.row([
                format!("  {}", clean(policy)),
                clean(&rule.rule),
                rule.answer.words().to_owned(),
                clean(&rule.detail),
            ]);
        }
        out.extend(table.lines());
        for part in one.policy.all_unread() {
            out.push(clean(&format!(
                "  not read, line {}: {}: {}",
                part.line, part.what, part.why
            )));
            out.extend(part.text.lines().map(|line| clean(&format!("    | {line}"))));
        }
        out.push(String::new());
    }
    let mut table = Table::new(&[
        "SERVICE",
        "ENVIRONMENT",
        "DIGEST",
        "PINNED",
        "PINDECK",
        "CLUSTER",
        "WHY",
    ]);
    for one in &report.digests {
        let verdict = one
            .verdict
            .as_ref()
            .map_or_else(|| "not judged".to_owned(), text::verdict);
        let component = one
            .component
            .as_ref()
            .map(|name| format!("/{name}"))
            .unwrap_or_default();
        let mark = if difference(one).is_some() { "! " } else { "" };
        table.row([
            clean(&format!("{mark}{}{component}", one.target.service)),
            clean(one.target.environment.as_str()),
            one.digest.short(),
            if one.is_pinned { "now" } else { "before" }.to_owned(),
            clean(&verdict),
            one.gate.answer.as_str().to_owned(),
            clean(&one.gate.why),
        ]);
    }
    if !table.is_empty() {
        out.extend(table.lines());
        out.push(String::new());
    }
    out.extend(summary(report));
    out
}

/// What the comparison comes to.
fn summary(report: &AdmissionReport) -> Vec<String> {
    let count = |answer| {
        report
            .policies
            .iter()
            .flat_map(|one| &one.rules)
            .filter(|rule| rule.answer == answer)
            .count()
    };
    let mut out = vec![format!(
        "rules: {} same, {} stricter here, {} stricter there, {} cannot be said there",
        count(RuleAnswer::Same),
        count(RuleAnswer::StricterHere),
        count(RuleAnswer::StricterThere),
        count(RuleAnswer::CannotSay)
    )];
    let differs = |word: &str| {
        report
            .digests
            .iter()
            .filter(|one| difference(one) == Some(word))
            .count()
    };
    let open = report
        .digests
        .iter()
        .filter(|one| one.gate.answer == AdmissionAnswer::CannotSay)
        .count();
    out.push(format!(
        "digests: {} judged; the cluster would refuse {} that pindeck lets pass, and admit {} that it rejects; of {open} it cannot be said",
        report.digests.len(),
        differs("the cluster would refuse it"),
        differs("the cluster would admit it")
    ));
    if report.by_tag > 0 {
        out.push(format!(
            "{} pinned by tag only: there is no digest to judge",
            report.by_tag
        ));
    }
    out
}

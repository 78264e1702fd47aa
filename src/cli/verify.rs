//! `pindeck verify`: one digest under one policy.

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::domain::verdict::{Outcome, Verdict};
use crate::engine::Engine;
use crate::engine::settings::settings_of_file;
use crate::engine::trusted_roots;
use crate::engine::verify::{Examined, Rules, verify_by_file};

use super::args::VerifyArgs;
use super::command_context::CommandContext;
use super::json::{self, EvidenceDoc};
use super::output::say;
use super::text;

#[derive(Debug, Serialize)]
struct VerifyDoc<'a> {
    image: &'a Repository,
    digest: Digest,
    service: Option<&'a str>,
    acknowledged: bool,
    verdict: Option<&'a Verdict>,
    evidence: Vec<EvidenceDoc<'a>>,
    budget: crate::domain::registry::Budget,
}

/// Runs `pindeck verify`.
///
/// # Errors
/// If the reference, the policy or the configuration is wrong.
pub(crate) async fn run(context: &CommandContext, args: &VerifyArgs) -> Result<Exit, Failure> {
    let rules = match (&args.policy, &args.environment) {
        (Some(policy), _) => Rules::Policy(policy.clone()),
        (None, Some(env)) => Rules::Environment(env.clone()),
        (None, None) => Rules::Default,
    };
    let mut policy_from = None;
    let found = match Engine::open(context.options()) {
        Ok(engine) => {
            let found = engine.verify(&args.reference, rules).await?;
            context.tell_of_roots(&engine);
            // A policy file that was named does not depend on what was fetched.
            policy_from = context.global.config.is_none().then_some(engine);
            found
        }
        // A policy file is enough: nothing of a repository is needed to judge one digest.
        Err(_) if context.global.config.is_some() => {
            let options = context.options();
            let found = verify_by_file(&options, &args.reference, rules).await?;
            let team = settings_of_file(&options).await?.team;
            super::root_warnings::tell_problems(&trusted_roots::in_force(&options, &team));
            found
        }
        Err(failure) => return Err(failure),
    };
    let verdict = found.assessed.assessment.verdict.as_ref();
    if args.json {
        json::print(
            "verify",
            VerifyDoc {
                image: &found.image,
                digest: found.digest,
                service: found.service.as_ref().map(|s| s.as_str()),
                acknowledged: args.acknowledge_warned && verdict.is_some_and(|v| v.result == Outcome::Warned),
                verdict,
                evidence: json::evidence(&found.assessed.assessment.evidence),
                budget: found.budget,
            },
        )?;
    } else {
        for line in lines(&found) {
            say(&line)?;
        }
    }
    let exit = status(verdict, args.acknowledge_warned);
    Ok(match &policy_from {
        Some(engine) => context.with_fetch(engine, exit),
        None => exit,
    })
}

/// The status of a verdict. No verdict at all means that nobody can say.
fn status(verdict: Option<&Verdict>, acknowledge_warned: bool) -> Exit {
    match verdict.map(|v| v.result) {
        Some(Outcome::Verified) => Exit::Done,
        Some(Outcome::Warned) if acknowledge_warned => Exit::Done,
        Some(Outcome::Warned | Outcome::Rejected) => Exit::Refused,
        Some(Outcome::Unknown) | None => Exit::Unknown,
    }
}

/// The head of an examined digest: name, verdict, causes.
pub(crate) fn head(found: &Examined) -> Vec<String> {
    let mut out = vec![format!("{}@{}", found.image, found.digest)];
    match &found.assessed.assessment.verdict {
        Some(verdict) => {
            let policy = format!("policy {} {}", verdict.policy, verdict.policy_digest);
            out.push(format!("{}  ({policy})", text::verdict(verdict)));
            out.extend(text::causes(verdict));
        }
        None => out.push("not judged: no policy applies here".to_owned()),
    }
    out.iter()
        .map(|line| crate::domain::Clean::from_untrusted(line).into_string())
        .collect()
}

fn lines(found: &Examined) -> Vec<String> {
    let mut out = head(found);
    let evidence = &found.assessed.assessment.evidence;
    out.push(format!("{} statements", evidence.len()));
    out.extend(evidence.iter().flat_map(|one| text::statement(one, false)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_status() {
        let verdict = |result| Verdict {
            result,
            policy: "p".to_owned(),
            policy_digest: Digest::of(b"p"),
            at: jiff::Timestamp::UNIX_EPOCH,
            causes: Vec::new(),
        };
        for (result, plain, acknowledged) in [
            (Outcome::Verified, Exit::Done, Exit::Done),
            (Outcome::Warned, Exit::Refused, Exit::Done),
            (Outcome::Rejected, Exit::Refused, Exit::Refused),
            (Outcome::Unknown, Exit::Unknown, Exit::Unknown),
        ] {
            let verdict = verdict(result);
            assert_eq!(status(Some(&verdict), false), plain, "{result:?}");
            assert_eq!(status(Some(&verdict), true), acknowledged, "{result:?}");
        }
        assert_eq!(status(None, true), Exit::Unknown);
    }
}

//! `pindeck check`: the verdict as a gate on a pull request.

mod document;
mod github;
mod gitlab;
mod junit;
mod markdown;
mod refs;
mod sarif;
mod text;
mod words;

use crate::cli::exit::Exit;
use crate::domain::check::finding::CheckOutcome;
use crate::domain::failure::Failure;
use crate::engine::Engine;
use crate::engine::check::{CheckQuestion, CheckReport};

use super::args::{CheckArgs, CheckFormat};
use super::command_context::CommandContext;
use super::json;
use super::output::{say, warn};

/// Runs `pindeck check`.
///
/// # Errors
/// If nothing says what to compare, or a commit or the base's policy cannot be read.
pub(crate) async fn run(context: &CommandContext, args: &CheckArgs) -> Result<Exit, Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let chosen = refs::choose(args, &set)?;
    if let Some(from) = &chosen.said {
        warn(from);
    }
    let engine = Engine::open_for_check(context.options())?;
    let question = CheckQuestion {
        base: chosen.base,
        base_is_remote: chosen.base_is_remote,
        base_branch: chosen.base_branch,
        head: chosen.head,
        acknowledge_warned: args.acknowledge_warned,
    };
    let report = engine.check(&question).await?;
    for target in &args.reports {
        let text = rendered(&report, target.format)?;
        std::fs::write(&target.file, text).map_err(|error| {
            let file = target.file.display();
            Failure::failed(format!("the report {file} could not be written: {error}"))
                .hint("name a file that can be written")
        })?;
    }
    let format = if args.json { CheckFormat::Json } else { args.format };
    say(rendered(&report, format)?.trim_end_matches('\n'))?;
    Ok(match report.outcome {
        CheckOutcome::Refused => Exit::Refused,
        CheckOutcome::Unknown => Exit::Unknown,
        CheckOutcome::Warned if args.exit_code => Exit::Found,
        CheckOutcome::Warned | CheckOutcome::Passed => Exit::Done,
    })
}

/// The result in one form, with a line break at its end.
fn rendered(report: &CheckReport, format: CheckFormat) -> Result<String, Failure> {
    let mut text = match format {
        CheckFormat::Text => text::lines(report).join("\n"),
        CheckFormat::Json => json::document_line("check", document::document(report))?,
        CheckFormat::Github => github::lines(report).join("\n"),
        CheckFormat::Gitlab => json::line(&gitlab::report(report))?,
        CheckFormat::Markdown => markdown::text(report),
        CheckFormat::Sarif => json::line(&sarif::log(report))?,
        CheckFormat::Junit => junit::text(report),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

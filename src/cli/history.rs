//! `pindeck history`: who pinned what, newest first.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::history::Action;
use crate::domain::id::{Digest, Target};
use crate::domain::pin_set::BranchPart;
use crate::domain::reference::Repository;
use crate::domain::text::{Clean, Untrusted};
use crate::domain::verdict::{Outcome, Verdict};
use crate::engine::history::Record;

use super::args::HistoryArgs;
use super::command_context::CommandContext;
use super::json;
use super::output::say;
use super::text::{self, Table};

#[derive(Debug, Serialize)]
struct HistoryDoc<'a> {
    service: &'a str,
    environment: &'a str,
    entries: Vec<EntryDoc<'a>>,
}

#[derive(Debug, Serialize)]
struct EntryDoc<'a> {
    commit: &'a str,
    author: &'a Untrusted,
    at: Timestamp,
    subject: &'a Untrusted,
    action: Action,
    reverts: Option<&'a str>,
    from: Option<Digest>,
    to: Option<Digest>,
    tag: Option<&'a str>,
    component: Option<&'a str>,
    image: Option<&'a Repository>,
    break_glass: Option<&'a Untrusted>,
    landed: &'a str,
    part: BranchPart,
    verdict: Option<&'a Verdict>,
}

/// Runs `pindeck history`.
///
/// # Errors
/// If service or environment does not exist, or git or the configuration cannot be read.
pub(crate) async fn run(context: &CommandContext, args: &HistoryArgs) -> Result<Exit, Failure> {
    let target = Target::new(args.service.as_str(), args.environment.as_str());
    let engine = context.engine()?;
    let records = engine.history(&target, args.limit, args.verify).await?;
    if engine.is_shallow() {
        super::output::warn(
            "this clone is shallow: what was pinned before it begins is not known (git fetch --unshallow)",
        );
    }
    if args.json {
        let entries = records.iter().map(entry).collect();
        json::print(
            "history",
            HistoryDoc {
                service: target.service.as_str(),
                environment: target.environment.as_str(),
                entries,
            },
        )?;
    } else {
        for line in lines(&target, &records, args.verify) {
            say(&line)?;
        }
    }
    let unknown = |r: &Record| r.verdict.as_ref().is_some_and(|v| v.result == Outcome::Unknown);
    let exit = if records.iter().any(unknown) {
        Exit::Unknown
    } else {
        Exit::Done
    };
    Ok(context.with_freshness(&engine, exit))
}

fn entry(record: &Record) -> EntryDoc<'_> {
    let entry = &record.entry;
    EntryDoc {
        commit: &entry.commit,
        author: &entry.author,
        at: entry.at,
        subject: &entry.subject,
        action: entry.action,
        reverts: entry.reverts.as_deref(),
        from: entry.from,
        to: entry.to,
        tag: entry.tag.as_deref(),
        component: entry.component.as_deref(),
        image: record.image.as_ref(),
        break_glass: entry.break_glass.as_ref(),
        landed: &entry.landed,
        part: entry.part,
        verdict: record.verdict.as_ref(),
    }
}

fn lines(target: &Target, records: &[Record], verify: bool) -> Vec<String> {
    if records.is_empty() {
        return vec![format!("no commit changed the pin of {target}")];
    }
    let mut heading = vec!["WHEN", "COMMIT", "WHAT", "FROM", "TO", "TAG", "WHO", "SUBJECT"];
    if verify {
        heading.push("VERDICT TODAY");
    }
    let mut table = Table::new(&heading);
    let short = |digest: Option<Digest>| digest.map_or_else(|| "-".to_owned(), |d| d.short());
    for record in records {
        let entry = &record.entry;
        let mut subject = entry.subject.raw().to_owned();
        if let Some(reason) = &entry.break_glass {
            subject.push_str(&format!(" [break-glass: {}]", reason.raw()));
        }
        if let Some(aside) = entry.aside() {
            subject.push_str(&format!(" [{aside}]"));
        }
        let mut cells = vec![
            entry.at.strftime("%Y-%m-%d %H:%M").to_string(),
            entry.commit.chars().take(7).collect(),
            text::serde_word(&entry.action),
            short(entry.from),
            short(entry.to),
            entry.tag.clone().unwrap_or_default(),
            entry.author.raw().to_owned(),
            subject,
        ];
        if verify {
            cells.push(
                record
                    .verdict
                    .as_ref()
                    .map_or_else(|| "not judged".to_owned(), text::verdict),
            );
        }
        table.row(cells.iter().map(|c| Clean::from_untrusted(c).into_string()));
    }
    table.lines()
}

//! `pindeck status`: the whole board at once.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::app::cell_status::{self, CellStatus};
use crate::app::running_words;
use crate::cli::exit::Exit;
use crate::domain::board::{Board, Cell, Fetch};
use crate::domain::candidate::Relation;
use crate::domain::drift::Drift;
use crate::domain::failure::Failure;
use crate::domain::freshness::Seen;
use crate::domain::pin::Unmanaged;

use super::args::StatusArgs;
use super::command_context::CommandContext;
use super::json::{self, status::StatusDoc};
use super::names;
use super::output::{say, warn};
use super::running;
use super::text::{self, Table};

/// Runs `pindeck status`.
///
/// # Errors
/// If repository or configuration cannot be read, or a named environment or service does not exist.
pub(crate) async fn run(context: &CommandContext, args: &StatusArgs) -> Result<Exit, Failure> {
    let engine = context.engine()?;
    let mut board = engine.board().await?;
    narrow(&mut board, &args.environments, &args.services)?;
    for notice in &board.notices {
        warn(notice.clean().as_str());
    }
    context.tell_of_roots(&engine);
    let unreachable = board.unreachable();
    if let Some(what) = &unreachable {
        warn(&format!("not everything could be asked: {what}"));
    }
    if args.json {
        json::print("status", StatusDoc::from(&board))?;
    } else {
        for line in lines(&board, Timestamp::now()) {
            say(&line)?;
        }
    }
    Ok(Exit::heaviest([
        if unreachable.is_some() {
            Exit::Unknown
        } else {
            Exit::Done
        },
        if args.exit_code && !board.drift.is_empty() {
            Exit::Found
        } else {
            Exit::Done
        },
    ]))
}

/// Takes every environment and service off the board that was not asked for.
fn narrow(board: &mut Board, environments: &[String], services: &[String]) -> Result<(), Failure> {
    for name in environments {
        names::known("environment", name, board.environments.iter().map(|e| e.name.as_str()))?;
    }
    for name in services {
        names::known("service", name, board.services.iter().map(|s| s.name.as_str()))?;
    }
    let in_environments = |name: &str| environments.is_empty() || environments.iter().any(|e| e == name);
    let in_services = |name: &str| services.is_empty() || services.iter().any(|s| s == name);
    board.environments.retain(|env| in_environments(env.name.as_str()));
    if let Some(repository) = &mut board.repository {
        repository.elsewhere.retain(|name, _| in_environments(name.as_str()));
    }
    board.services.retain(|row| in_services(row.name.as_str()));
    for row in &mut board.services {
        row.cells
            .retain(|cell| in_environments(cell.pin.target.environment.as_str()));
    }
    if !environments.is_empty() {
        board.services.retain(|row| !row.cells.is_empty());
    }
    let kept: BTreeSet<String> = board.services.iter().map(|row| row.name.to_string()).collect();
    board.drift.retain(|drift| {
        let here = drift
            .environment
            .as_ref()
            .is_none_or(|env| in_environments(env.as_str()));
        here && kept.contains(drift.service.as_str())
    });
    Ok(())
}

fn lines(board: &Board, now: Timestamp) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(repository) = &board.repository {
        let commit: String = repository.commit.chars().take(7).collect();
        let mut notes = Vec::new();
        match &repository.remote {
            None => notes.push("no remote".to_owned()),
            Some(remote) => notes.push(match &repository.fetch {
                Fetch::Fresh(_) => format!("{remote}, just fetched"),
                Fetch::NotAsked => format!("{remote}, as last fetched"),
                Fetch::Failed(..) => format!("{remote} could not be fetched: as last fetched"),
            }),
        }
        if repository.dirty {
            notes.push("the working tree has changes, which do not count".to_owned());
        }
        out.push(clean(&format!(
            "{}  {} at {commit} ({})",
            repository.path,
            repository.branch,
            notes.join("; ")
        )));
        out.push(String::new());
    }
    let runs_somewhere = board.environments.iter().any(|env| env.running.is_known());
    let mut heading = vec![
        "SERVICE",
        "ENVIRONMENT",
        "PINNED",
        "TAG",
        "TAG NOW",
        "CANDIDATE",
        "VERDICT",
    ];
    if runs_somewhere {
        heading.push("RUNNING");
    }
    let proposes = board
        .services
        .iter()
        .flat_map(|row| &row.cells)
        .any(|cell| cell.proposal.is_some());
    if proposes {
        heading.push("PROPOSAL");
    }
    let mut table = Table::new(&heading);
    for row in &board.services {
        let offer = match &row.candidate {
            Seen::Unreachable { .. } => "unreachable".to_owned(),
            Seen::NotChecked => "not checked".to_owned(),
            seen => match seen.value().and_then(Option::as_ref) {
                None => "none".to_owned(),
                Some(candidate) => {
                    let built = if row.ci_built() { "CI-built" } else { "claimed by tag" };
                    format!("{} {} ({built})", candidate.digest.short(), candidate.tag)
                }
            },
        };
        let verdict = match cell_status::of_candidate(row, now) {
            None => String::new(),
            Some(current) => match row.assessment.value().and_then(|a| a.verdict.as_ref()) {
                Some(verdict) if current.status != CellStatus::Unreachable => text::verdict(verdict),
                _ => current.status.word().to_owned(),
            },
        };
        let blank = String::new;
        table.row([row.name.to_string(), blank(), blank(), blank(), blank(), offer, verdict].map(|c| clean(&c)));
        for cell in &row.cells {
            let mut known = board.environments.iter();
            let environment = known.find(|env| env.name == cell.pin.target.environment);
            let runs =
                runs_somewhere.then(|| running_words::of_cell(cell, environment).unwrap_or_else(|| "-".to_owned()));
            let proposal = cell
                .proposal
                .as_deref()
                .map_or_else(|| "-".to_owned(), |report| report.brief());
            let proposal = proposes.then_some(proposal);
            table.row(
                pin(cell, now)
                    .into_iter()
                    .chain(runs)
                    .chain(proposal)
                    .map(|c| clean(&c)),
            );
        }
    }
    let unread: Vec<String> = unread_environments(board).collect();
    if table.is_empty() && !unread.is_empty() {
        out.push("no pins in what was read".to_owned());
    } else if table.is_empty() {
        out.push("no pins: no manifest here names an image of an environment".to_owned());
        out.push("  next: `pindeck init --print` shows what is found and how to name environments".to_owned());
    } else {
        out.extend(table.lines());
    }
    let mut remarks = unread;
    remarks.extend(running_remarks(board));
    remarks.extend(proposal_remarks(board));
    if !remarks.is_empty() {
        out.push(String::new());
        out.extend(remarks);
    }
    out.push(String::new());
    out.extend(drift(&board.drift, board.unreachable().is_none()));
    if !board.unmanaged.is_empty() {
        out.extend(unmanaged(&board.unmanaged));
    }
    let budget = board.budget;
    out.push(format!(
        "{} requests, {} answers from the cache{}",
        budget.requests,
        budget.from_cache,
        match budget.rate_limited {
            0 => String::new(),
            n => format!(", {n} times told to wait"),
        }
    ));
    out
}

/// What is seen and cannot be managed: a line for each reason with its count, the most frequent first.
fn unmanaged(all: &[Unmanaged]) -> Vec<String> {
    let mut out = vec![format!("seen and not managed ({}; all with --json):", all.len())];
    out.extend(Unmanaged::by_reason(all).iter().map(|one| {
        let (text, file, line) = (one.first.text.raw(), &one.first.file, one.first.line);
        let more = if one.count > 1 { "first " } else { "" };
        clean(&format!(
            "  {} {}: {more}{text} at {file}:{line}",
            one.count, one.reason
        ))
    }));
    out
}

fn pin(cell: &Cell, now: Timestamp) -> [String; 7] {
    let pin = &cell.pin;
    let tag = cell.tag.tag().unwrap_or("").to_owned();
    let tag_now = match (&cell.tag_digest, pin.digest) {
        (Seen::Unreachable { .. }, _) => "unreachable".to_owned(),
        (Seen::NotChecked, _) if !tag.is_empty() => "not checked".to_owned(),
        (seen, pinned) => match (seen.value(), tag.is_empty()) {
            (_, true) | (None, false) => String::new(),
            (Some(None), false) => "gone".to_owned(),
            (Some(Some(found)), false) if Some(*found) == pinned => "same".to_owned(),
            (Some(Some(_)), false) if cell.tag_matches_via_index => "same (index)".to_owned(),
            (Some(Some(found)), false) => found.short(),
        },
    };
    let relation = match (cell.relation, cell.behind) {
        (Relation::Behind, Some(n)) => format!("{n} behind"),
        (Relation::None, _) => String::new(),
        (relation, _) => text::serde_word(&relation),
    };
    let current = cell_status::of_cell(cell, now).status;
    let mut verdict = match cell.verdict() {
        Some(verdict)
            if !matches!(
                current,
                CellStatus::Unreachable | CellStatus::ByTag | CellStatus::NotChecked
            ) =>
        {
            text::verdict(verdict)
        }
        _ => current.word().to_owned(),
    };
    if cell.hold.is_some() {
        verdict.push_str(", held");
    }
    [
        String::new(),
        pin.target.environment.to_string(),
        pin.digest.map_or_else(|| "by tag".to_owned(), |d| d.short()),
        tag,
        tag_now,
        relation,
        verdict,
    ]
}

/// What stands below the table about what runs: who is in the way of a pin, and, once, what could not be read.
fn running_remarks(board: &Board) -> Vec<String> {
    let mut blocked = Vec::new();
    let mut missing = BTreeSet::new();
    for cell in board.services.iter().flat_map(|row| &row.cells) {
        for place in cell.running.value().iter().flat_map(|report| &report.namespaces) {
            blocked.extend(running::obstacles(&cell.pin.target.to_string(), place));
            let at = format!("{}/{}", place.cluster, place.namespace);
            missing.extend(place.missing.iter().map(|what| format!("{at}: {}", what.clean())));
        }
    }
    blocked.into_iter().chain(missing).collect()
}

/// What stands below the table about proposals: where each can be looked at, and, once, why a forge says nothing.
fn proposal_remarks(board: &Board) -> Vec<String> {
    let mut links = Vec::new();
    let mut troubles = BTreeSet::new();
    for cell in board.services.iter().flat_map(|row| &row.cells) {
        let Some(report) = cell.proposal.as_deref() else {
            continue;
        };
        let place = report.pull_request().and_then(|there| there.url.clone());
        let place = place.unwrap_or_else(|| format!("branch {}", report.pin.branch));
        let (target, to) = (&cell.pin.target, report.pin.to.short());
        links.push(clean(&format!("{target}: {to} {}: {place}", report.brief())));
        troubles.extend(report.trouble().map(|trouble| trouble.sentence().clean().into_string()));
    }
    links.into_iter().chain(troubles).collect()
}

/// The environments of which nothing is known: a table without them would look as if nothing were pinned there.
fn unread_environments(board: &Board) -> impl Iterator<Item = String> {
    let unread = board
        .environments
        .iter()
        .filter(|env| board.unread(&env.name).is_some());
    unread.map(|env| clean(&format!("{}: not read, so what is pinned there is not known", env.name)))
}

/// The lines of text that list all drift. Only where everything could be asked is there none where none was seen.
pub(crate) fn drift(all: &[Drift], is_whole: bool) -> Vec<String> {
    if all.is_empty() {
        let none = match is_whole {
            true => "no drift",
            false => "no drift seen, but not everything could be asked",
        };
        return vec![none.to_owned()];
    }
    let mut table = Table::new(&["DRIFT", "SERVICE", "ENVIRONMENT", "SINCE", "WHAT"]);
    for one in all {
        let cells = [
            one.kind.words().to_owned(),
            one.service.to_string(),
            one.environment
                .as_ref()
                .map_or_else(|| "all".to_owned(), ToString::to_string),
            one.since.strftime("%Y-%m-%d %H:%M").to_string(),
            one.detail.clean().into_string(),
        ];
        table.row(cells.map(|c| clean(&c)));
    }
    table.lines()
}

fn clean(text: &str) -> String {
    crate::domain::text::Clean::from_untrusted(text).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_managed_is_listed_by_reason() {
        let one = |file: &str, text: &str, reason: &str| Unmanaged {
            file: file.to_owned(),
            line: 3,
            text: text.into(),
            reason: reason.to_owned(),
        };
        let all = [
            one("a.yaml", "x:1", "a template"),
            one("b.yaml", "y\u{1b}[2J", "vendored"),
            one("c.yaml", "z:1", "a template"),
        ];
        assert_eq!(
            unmanaged(&all),
            [
                "seen and not managed (3; all with --json):",
                "  2 a template: first x:1 at a.yaml:3",
                "  1 vendored: y\u{241b}[2J at b.yaml:3",
            ]
        );
    }
}

//! The board in words: how it stands, every service in a line, one service, one cell, what has drifted.

use std::collections::BTreeMap;

use super::{WIDTH, told, words};
use crate::app::age;
use crate::app::cell_status::{self, CellStatus};
use crate::app::cursor::Column;
use crate::app::drift_index::DriftIndex;
use crate::app::filter::Filter;
use crate::app::running_words;
use crate::app::sorting::{SortKey, Sorting};
use crate::app::state::{BoardPass, CockpitState};
use crate::domain::board::{Cell, Fetch, ServiceRow};
use crate::domain::candidate::Relation;
use crate::domain::drift::Drift;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::running::observation::RunningState;
use crate::view::screen::inspector;

/// At most so many services that need a look are named in the summary.
const NAMED: usize = 20;

/// Which repository, which commit, and how current that is.
pub fn repository(state: &CockpitState) -> Vec<String> {
    let Some(repository) = &state.board.repository else {
        return Vec::new();
    };
    let commit: String = repository.commit.chars().take(7).collect();
    let mut out = vec![words(&format!(
        "repository {}, branch {} at {commit}",
        repository.path, repository.branch
    ))];
    match (&repository.remote, &repository.fetch) {
        (None, _) => out.push("no remote: what is committed here counts, and nothing can be pushed".to_owned()),
        (Some(remote), Fetch::NotAsked) => out.push(words(&format!("remote {remote}, as last fetched"))),
        (Some(remote), Fetch::Failed(_, why)) => {
            out.push(words(&format!("remote {remote} could not be fetched: {}", why.clean())))
        }
        (Some(_), Fetch::Fresh(_)) => {}
    }
    if repository.ahead > 0 {
        out.push(format!(
            "{} commits here are not pushed, and do not count",
            repository.ahead
        ));
    }
    if repository.dirty {
        out.push("the working tree has changes, which do not count".to_owned());
    }
    if state.setup.read_only {
        out.push("read-only: nothing can be written".to_owned());
    }
    if state.setup.offline {
        out.push("offline: no registry is asked".to_owned());
    }
    out.extend(
        state
            .board
            .notices
            .iter()
            .map(|notice| words(&format!("notice: {}", notice.clean()))),
    );
    out
}

/// How many services there are and which of them need a look, the worst first.
pub fn summary(state: &CockpitState) -> Vec<String> {
    let mut out = Vec::new();
    let board = &state.board;
    match &state.pass {
        BoardPass::None => {}
        BoardPass::Running(_) => {
            let (done, all) = state.progress();
            out.push(format!("still checking: {done} of {all} pins"));
        }
        BoardPass::Failed(failure, _) => {
            out.push(words(&format!(
                "the last look broke off: {}; {}",
                failure.what.clean(),
                failure.next_on_screen()
            )));
        }
        BoardPass::Ended(_) => {}
    }
    if board.services.is_empty() {
        if board.repository.is_some() {
            out.push("no pins: no manifest here names an image of an environment".to_owned());
            out.push("only what is committed counts; the guide says how environments are named".to_owned());
        }
        return out;
    }
    let index = DriftIndex::new(board);
    let worst = Sorting {
        first: SortKey::Verdict,
        then: Some(SortKey::Drift),
    };
    let order = worst.order(board, &Filter::default(), state.minute());
    let rows = order.iter().filter_map(|name| board.row(name));
    let looks: Vec<(&ServiceRow, Vec<String>)> = rows
        .map(|row| (row, troubles(state, row, &index)))
        .filter(|(_, troubles)| !troubles.is_empty())
        .collect();
    let services = count(board.services.len(), "service", "services");
    let environments = count(board.environments.len(), "environment", "environments");
    let need = match looks.len() {
        0 => "none needs a look".to_owned(),
        1 => "1 needs a look".to_owned(),
        n => format!("{n} need a look"),
    };
    out.push(format!("{services} in {environments}, {need}"));
    for (row, troubles) in looks.iter().take(NAMED) {
        out.push(words(&format!("{}: {}", row.name, troubles.join("; "))));
    }
    if let Some(more) = looks.len().checked_sub(NAMED).filter(|more| *more > 0) {
        out.push(format!("and {}", count(more, "other service", "other services")));
    }
    if let Some(what) = board.unreachable() {
        out.push(words(&format!("not everything could be reached: {what}")));
    }
    if !state.filter.text().is_empty() {
        out.push(filtered(state));
    }
    out
}

fn filtered(state: &CockpitState) -> String {
    let shown = state.matching().len();
    let all = state.board.services.len();
    words(&format!("filter {}: {shown} of {all} services", state.filter.text()))
}

/// Every service that the filter lets through, numbered, and which they are.
pub fn list(state: &CockpitState) -> (Vec<String>, Vec<ServiceId>) {
    let mut out = Vec::new();
    if !state.filter.text().is_empty() {
        out.push(filtered(state));
        for unknown in state.filter.unknown() {
            out.push(words(&format!("{unknown} is no condition, and is ignored")));
        }
    }
    if !state.sorting.is_by_name() {
        out.push(format!("sorted by {}", state.sorting.words()));
    }
    let index = DriftIndex::new(&state.board);
    let rows = state.matching();
    for (at, row) in rows.iter().enumerate() {
        let mut facts = troubles(state, row, &index);
        if facts.is_empty() {
            facts.push(quiet(state, row));
        }
        facts.extend(behind(row));
        out.push(words(&format!("{}. {}: {}", at + 1, row.name, facts.join("; "))));
    }
    if rows.is_empty() {
        out.push("no service is listed".to_owned());
    }
    (out, rows.iter().map(|row| row.name.clone()).collect())
}

/// What of a service needs a look: verdicts that are not good, holds, drift.
fn troubles(state: &CockpitState, row: &ServiceRow, index: &DriftIndex<'_>) -> Vec<String> {
    let mut by_word: BTreeMap<CellStatus, Vec<&str>> = BTreeMap::new();
    for cell in &row.cells {
        let status = cell_status::of_cell(cell, state.minute()).status;
        let is_quiet = matches!(
            status,
            CellStatus::Verified
                | CellStatus::NotJudged
                | CellStatus::Loading
                | CellStatus::NotChecked
                | CellStatus::ByTag
        );
        if !is_quiet {
            by_word
                .entry(status)
                .or_default()
                .push(cell.pin.target.environment.as_str());
        }
    }
    let mut out: Vec<String> = by_word
        .into_iter()
        .rev()
        .map(|(status, places)| format!("{} in {}", status.word(), places.join(", ")))
        .collect();
    for cell in row.cells.iter().filter(|cell| cell.hold.is_some()) {
        out.push(format!("on hold in {}", cell.pin.target.environment));
    }
    let is_blocked = |cell: &&Cell| {
        let report = cell.running.value();
        report.is_some_and(|report| report.state == RunningState::Blocked)
    };
    for cell in row.cells.iter().filter(is_blocked) {
        out.push(format!("blocked in the cluster of {}", cell.pin.target.environment));
    }
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for drift in index.of_service(&row.name) {
        use crate::domain::drift::DriftKind;
        // The verdict and the hold have said it already.
        if matches!(drift.kind, DriftKind::NotVerified | DriftKind::Held) {
            continue;
        }
        let places = kinds.entry(drift.kind.words()).or_default();
        places.extend(drift.environment.as_ref().map(|e| e.as_str()));
    }
    out.extend(kinds.into_iter().map(|(kind, places)| match places.as_slice() {
        [] => kind.to_owned(),
        places => format!("{kind} in {}", places.join(", ")),
    }));
    out
}

/// What is said of a service that needs no look.
fn quiet(state: &CockpitState, row: &ServiceRow) -> String {
    let mut words: Vec<&str> = row
        .cells
        .iter()
        .map(|cell| cell_status::of_cell(cell, state.minute()).status.word())
        .collect();
    words.sort_unstable();
    words.dedup();
    match words.as_slice() {
        [] => "pinned nowhere".to_owned(),
        [one] => format!("{one} everywhere"),
        several => several.join(" and "),
    }
}

fn behind(row: &ServiceRow) -> Vec<String> {
    let cells = row.cells.iter().filter_map(|cell| {
        let behind = cell.behind.filter(|behind| *behind > 0)?;
        Some(format!("{behind} behind in {}", cell.pin.target.environment))
    });
    cells.collect()
}

/// One service: what CI offers, then every environment in a line.
pub fn service(state: &CockpitState, name: &ServiceId) -> Vec<String> {
    let Some(row) = state.board.row(name) else {
        return vec![words(&format!("{name} is no longer on the board"))];
    };
    let mut out = vec![words(&format!("service {name}"))];
    if let Some(offered) = row.candidate.value().and_then(Option::as_ref) {
        let status = cell_status::of_candidate(row, state.minute());
        let status = status.map_or("", |current| current.status.word());
        let built = if row.ci_built() { "CI-built" } else { "claimed by tag" };
        out.push(words(&format!(
            "CI offers {}, digest {}, {built}, {status}",
            offered.tag,
            offered.digest.short()
        )));
    } else {
        let status = cell_status::of_candidate(row, state.minute());
        out.push(match status {
            Some(current) => format!("what CI offers: {}", current.status.word()),
            None => "CI offers nothing".to_owned(),
        });
    }
    let index = DriftIndex::new(&state.board);
    for environment in &state.board.environments {
        let mut cells = row
            .cells
            .iter()
            .filter(|cell| cell.pin.target.environment == environment.name)
            .peekable();
        if cells.peek().is_none() {
            let why = match state.board.unread(&environment.name) {
                Some(failure) => format!("not read: {}", failure.what.clean()),
                None => "not pinned".to_owned(),
            };
            out.push(words(&format!("{}: {why}", environment.name)));
        }
        for cell in cells {
            out.push(words(&format!(
                "{}: {}",
                environment.name,
                pinned(state, row, cell).join(", ")
            )));
        }
    }
    for drift in index.of_service(name) {
        out.push(words(&format!("drift: {}", one_drift(state, drift))));
    }
    out
}

/// What is pinned in one environment.
fn pinned(state: &CockpitState, row: &ServiceRow, cell: &Cell) -> Vec<String> {
    let mut facts = Vec::new();
    match cell.pin.digest {
        Some(digest) => {
            facts.extend(version(state, &row.name, digest));
            facts.push(format!("digest {}", digest.short()));
        }
        None => facts.push(format!("tag {}", cell.pin.tag.as_deref().unwrap_or("none"))),
    }
    let status = cell_status::of_cell(cell, state.minute()).status;
    let mut verdict = status.word().to_owned();
    if let Some(known) = cell.verdict().filter(|known| !known.causes.is_empty()) {
        let causes: Vec<String> = known
            .causes
            .iter()
            .map(|cause| format!("{} {}", cause.check.as_str(), cause.cause.as_str()))
            .collect();
        verdict.push_str(&format!(" because {}", causes.join(" and ")));
    }
    facts.push(verdict);
    match (cell.relation, cell.behind) {
        (Relation::Same, _) => facts.push("what CI offers".to_owned()),
        (Relation::Behind, Some(n)) => facts.push(format!("{n} behind")),
        (Relation::Behind, None) => facts.push("behind".to_owned()),
        (Relation::Ahead, _) => facts.push("newer than what CI offers".to_owned()),
        (Relation::Other, _) => facts.push("none of the versions that CI offers".to_owned()),
        (Relation::None, _) => {}
    }
    let mut environments = state.board.environments.iter();
    let environment = environments.find(|env| env.name == cell.pin.target.environment);
    facts.extend(running_words::of_cell(cell, environment).map(|words| format!("running {words}")));
    facts.extend(cell.proposal.as_deref().map(|report| report.brief()));
    if let Some(hold) = &cell.hold {
        facts.push(format!("on hold: {}", hold.reason.quoted()));
    }
    if let Some(by) = &cell.pinned_by {
        facts.push(format!(
            "pinned {} by {}",
            age::ago(by.at, state.minute()),
            by.author.clean()
        ));
    }
    facts
}

/// A version with what it is known by.
pub(super) fn version(state: &CockpitState, service: &ServiceId, digest: Digest) -> Option<String> {
    state
        .version_of(service, digest)
        .map(|version| format!("version {}", version.text()))
}

/// Everything about the selected cell.
pub fn cell(state: &CockpitState) -> Vec<String> {
    let Some(cursor) = &state.cursor else {
        return vec!["nothing is selected".to_owned()];
    };
    let place = match &cursor.column {
        Column::Environment(environment) => environment.to_string(),
        Column::Candidate => "what CI offers".to_owned(),
    };
    let mut out = vec![words(&format!("{}, {place}", cursor.service))];
    if let Some(digest) = state.subject().and_then(|subject| state.digest_of(&subject)) {
        out.extend(version(state, &cursor.service, digest));
    }
    out.extend(told(|canvas| inspector::lines(state, canvas, WIDTH)));
    out
}

/// Everything that has drifted where the filter lets it through, the newest first, numbered.
pub fn drift(state: &CockpitState) -> Vec<String> {
    let feed = state.feed();
    if feed.is_empty() {
        return vec![match state.board.unreachable() {
            Some(what) => words(&format!("no drift seen, but not everything could be reached: {what}")),
            None if state.board.finished_at.is_none() => "not known yet".to_owned(),
            None => "no drift".to_owned(),
        }];
    }
    let each = feed.iter().enumerate();
    each.map(|(at, drift)| words(&format!("{}. {}: {}", at + 1, drift.service, one_drift(state, drift))))
        .collect()
}

fn one_drift(state: &CockpitState, drift: &Drift) -> String {
    let place = drift
        .environment
        .as_ref()
        .map_or_else(String::new, |e| format!(" in {e}"));
    let since = age::ago(drift.since, state.minute());
    format!("{}{place}, {since}: {}", drift.kind.words(), drift.detail.clean())
}

fn count(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

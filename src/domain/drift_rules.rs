//! The rules that find drift on a board. What could not be reached is not drift.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::board::{Board, Cell, ServiceRow};
use super::drift::{Drift, DriftKind};
use super::evidence::CauseKind;
use super::id::{Digest, EnvId};
use super::verdict::{Outcome, Verdict};

/// Finds all drift on a board, in a stable order. What could not be reached is not drift.
pub(crate) fn detect(board: &Board, now: Timestamp) -> Vec<Drift> {
    let mut found = Vec::new();
    for row in &board.services {
        for cell in &row.cells {
            cell_drift(board, cell, now, &mut found);
        }
        split(row, now, &mut found);
        rebuilt(row, now, &mut found);
    }
    found.sort_by(|a, b| (a.kind, &a.service, &a.environment, &a.id).cmp(&(b.kind, &b.service, &b.environment, &b.id)));
    found
}

fn cell_drift(board: &Board, cell: &Cell, now: Timestamp, out: &mut Vec<Drift>) {
    let pin = &cell.pin;
    let since = cell.pinned_by.as_ref().map_or(now, |by| by.at);
    let mut add = |kind, tag: Option<&str>, expected, found, detail: String| {
        let drift = Drift::new(
            kind,
            &pin.target.service,
            Some(&pin.target.environment),
            &pin.image,
            tag,
            (expected, found),
            if kind == DriftKind::TagMoved { now } else { since },
            detail,
        );
        out.push(drift.of_component(pin.component.as_deref()));
    };
    let Some(digest) = pin.digest else {
        let tag = pin.tag.as_deref();
        let shown = tag.map_or_else(|| "no tag at all".to_owned(), |t| format!("tag {t} only"));
        let now_at = cell.tag_digest.value().copied().flatten();
        add(
            DriftKind::PinnedByTag,
            tag,
            None,
            now_at,
            format!("pinned by {shown}: what runs depends on when it is pulled"),
        );
        return;
    };
    if let (Some(tag), Some(Some(now_at))) = (cell.tag.tag(), cell.tag_digest.fresh())
        && *now_at != digest
        && cell.tag_is_immutable
        && !cell.tag_matches_via_index
    {
        add(
            DriftKind::TagMoved,
            Some(tag),
            Some(digest),
            Some(*now_at),
            format!(
                "tag {tag} now points at {now_at}; {} still pins {digest}",
                pin.target.environment
            ),
        );
    }
    if cell.missing {
        add(
            DriftKind::MissingFromRegistry,
            None,
            Some(digest),
            None,
            format!("{digest} is no longer in {}", pin.image),
        );
    }
    if let Some(verdict) = cell.assessment.fresh().and_then(|a| a.verdict.as_ref()) {
        if let Some(cause) = verdict.causes.iter().find(|c| c.cause == CauseKind::WrongSubject) {
            let other = cause.subject.map_or_else(
                || "another digest".to_owned(),
                |d| match whose(board, d) {
                    Some(known) => format!("{d}, {known}"),
                    None => d.to_string(),
                },
            );
            add(
                DriftKind::EvidenceElsewhere,
                None,
                Some(digest),
                cause.subject,
                format!("its {} is about {other}", cause.check.as_str()),
            );
        }
        if verdict.result == Outcome::Rejected {
            add(DriftKind::NotVerified, None, Some(digest), None, reasons(verdict));
        }
    }
    if cell.skipped == Some(true) && !is_before(board, cell) {
        add(
            DriftKind::SkippedEnvironment,
            None,
            Some(digest),
            None,
            "never pinned in the environment before".to_owned(),
        );
    }
    if let Some(hold) = &cell.hold {
        add(
            DriftKind::Held,
            None,
            Some(digest),
            None,
            format!("under a hold: {}", hold.reason.quoted()),
        );
    }
}

/// Whether the same image is pinned in every environment that this one comes after, as an index or as one of its
/// manifests.
fn is_before(board: &Board, cell: &Cell) -> bool {
    let here = board
        .environments
        .iter()
        .find(|e| e.name == cell.pin.target.environment);
    let after = here.map(|here| here.after.as_slice()).unwrap_or_default();
    let row = board.row(&cell.pin.target.service);
    let others: Vec<&Cell> = row.into_iter().flat_map(|row| &row.cells).collect();
    // Whether the very digest was in the only one of them, git has said.
    let is_told = |other: &Cell| after.len() == 1 && other.pin.digest == cell.pin.digest;
    let is_in = |before: &EnvId| {
        let mut there = others.iter().filter(|other| other.pin.target.environment == *before);
        there.any(|other| !is_told(other) && cell.is_same_image(other))
    };
    !after.is_empty() && after.iter().all(is_in)
}

/// Why a verdict is a refusal, in one line: each cause once, with the checks it stands for.
fn reasons(verdict: &Verdict) -> String {
    let mut causes: Vec<(CauseKind, Vec<&str>)> = Vec::new();
    for cause in &verdict.causes {
        match causes.iter_mut().find(|(kind, _)| *kind == cause.cause) {
            Some((_, checks)) => checks.push(cause.check.as_str()),
            None => causes.push((cause.cause, vec![cause.check.as_str()])),
        }
    }
    let words =
        |(kind, checks): &(CauseKind, Vec<&str>)| format!("{}: {}", kind.as_str().replace('-', " "), checks.join(", "));
    causes.iter().map(words).collect::<Vec<_>>().join("; ")
}

/// What else on the board has this digest, in a clause.
fn whose(board: &Board, digest: Digest) -> Option<String> {
    let tag_of = |cell: &Cell| {
        let tag = cell.pin.tag.clone();
        tag.or_else(|| cell.version.as_ref().map(|v| v.quoted().into_string()))
    };
    let pinned = board
        .services
        .iter()
        .flat_map(|row| &row.cells)
        .find(|c| c.pin.digest == Some(digest));
    if let Some(cell) = pinned {
        let tag = tag_of(cell).map(|tag| format!(" ({tag})")).unwrap_or_default();
        return Some(format!("which {} pins{tag}", cell.pin.target));
    }
    board.services.iter().find_map(|row| {
        let candidate = row.candidate.value()?.as_ref()?;
        let tag = if candidate.digest == digest {
            &candidate.tag
        } else {
            &candidate.versions.iter().find(|v| v.digest == Some(digest))?.tag
        };
        Some(format!("which is {}:{tag}", row.name))
    })
}

/// The first two cells that name different images: an index and a platform manifest that it lists are one.
fn different<'c>(cells: &[&'c Cell]) -> Option<(&'c Cell, &'c Cell)> {
    let after = |at: usize| cells[at + 1..].iter().copied();
    (0..cells.len()).find_map(|at| {
        let other = after(at).find(|other| !cells[at].is_same_image(other))?;
        Some((cells[at], other))
    })
}

fn split(row: &ServiceRow, now: Timestamp, out: &mut Vec<Drift>) {
    let mut by_env: BTreeMap<(&EnvId, Option<&str>), BTreeMap<Digest, &Cell>> = BTreeMap::new();
    for cell in &row.cells {
        if let Some(digest) = cell.pin.digest {
            let place = (&cell.pin.target.environment, cell.pin.component.as_deref());
            let here = by_env.entry(place).or_default();
            here.entry(digest).or_insert(cell);
        }
    }
    for ((env, component), cells) in by_env {
        let cells: Vec<&Cell> = cells.into_values().collect();
        let Some((one, other)) = different(&cells) else {
            continue;
        };
        let is_here = |cell: &Cell| cell.pin.target.environment == *env && cell.pin.component.as_deref() == component;
        let since = newest_pin(row, now, is_here);
        let detail = format!("{} digests are pinned side by side", cells.len());
        let drift = Drift::new(
            DriftKind::PinSplit,
            &row.name,
            Some(env),
            &one.pin.image,
            None,
            (one.pin.digest, other.pin.digest),
            since,
            detail,
        );
        out.push(drift.of_component(component));
    }
}

/// The cells that pin each digest.
type CellsByDigest<'a> = BTreeMap<Digest, Vec<&'a Cell>>;

/// One drift per service: two pinned digests with the same version label, whatever the revision.
fn rebuilt(row: &ServiceRow, now: Timestamp, out: &mut Vec<Drift>) {
    let mut by_version: BTreeMap<(&str, Option<&str>), CellsByDigest<'_>> = BTreeMap::new();
    for cell in &row.cells {
        if let (Some(version), Some(digest)) = (&cell.version, cell.pin.digest) {
            // Two components are two images, whatever version they say.
            let same = (version.raw(), cell.pin.component.as_deref());
            let cells = by_version.entry(same).or_default().entry(digest).or_default();
            cells.push(cell);
        }
    }
    let found = by_version.into_iter().find_map(|((version, _), digests)| {
        let cells: Vec<&Cell> = digests.values().filter_map(|cells| cells.first().copied()).collect();
        let (one, other) = different(&cells)?;
        Some((version, digests, (one.pin.digest, other.pin.digest)))
    });
    let Some((version, digests, pair)) = found else { return };
    let shown: Vec<String> = digests
        .iter()
        .map(|(digest, cells)| {
            let envs: Vec<&str> = cells.iter().map(|c| c.pin.target.environment.as_str()).collect();
            format!("{} in {}", digest.short(), envs.join(", "))
        })
        .collect();
    let detail = format!("version {version} was built more than once: {}", shown.join("; "));
    let since = newest_pin(row, now, |cell| {
        cell.pin.digest.is_some_and(|d| digests.contains_key(&d))
    });
    out.extend(row.cells.first().map(|cell| {
        Drift::new(
            DriftKind::RebuiltPerEnvironment,
            &row.name,
            None,
            &cell.pin.image,
            Some(version),
            pair,
            since,
            detail,
        )
    }));
}

/// When the newest of some pins was made: since then they stand beside one another.
fn newest_pin(row: &ServiceRow, now: Timestamp, keep: impl Fn(&Cell) -> bool) -> Timestamp {
    let made = row
        .cells
        .iter()
        .filter(|cell| keep(cell))
        .map(|cell| cell.pinned_by.as_ref());
    let made: Option<Vec<Timestamp>> = made.map(|by| Some(by?.at)).collect();
    made.and_then(|all| all.into_iter().max()).unwrap_or(now)
}

/// Keeps what was known about pins that this pass could not ask about: silence is not "cleared", and what
/// was found before stays found. What git alone tells was asked, and is not kept.
pub(crate) fn carry_over(before: &[Drift], board: &Board, now: &mut Vec<Drift>) {
    for old in before {
        let Some(row) = board.row(&old.service) else { continue };
        if !is_blind(row, old) {
            continue;
        }
        match now.iter_mut().find(|new| new.id == old.id) {
            Some(same) => same.found = same.found.or(old.found),
            None if is_asked_of_registries(old.kind) => now.push(old.clone()),
            None => {}
        }
    }
}

/// Whether a registry has to answer before a drift of this kind is known to be over.
const fn is_asked_of_registries(kind: DriftKind) -> bool {
    !matches!(kind, DriftKind::PinnedByTag | DriftKind::PinSplit | DriftKind::Held)
}

/// Whether this pass could not ask about a pin that a drift is about, while that pin is still there.
fn is_blind(row: &ServiceRow, drift: &Drift) -> bool {
    let is_pinned = |digest: Option<Digest>| {
        let mut cells = row.cells.iter();
        digest.is_none_or(|digest| cells.any(|cell| cell.pin.digest == Some(digest)))
    };
    if drift.environment.is_none() {
        return is_pinned(drift.expected)
            && is_pinned(drift.found)
            && row
                .cells
                .iter()
                .any(|cell| cell.pin.digest.is_some() && cell.is_unreachable());
    }
    row.cells.iter().any(|cell| {
        drift.environment.as_ref() == Some(&cell.pin.target.environment)
            && drift.component == cell.pin.component
            && drift.image == cell.pin.image
            && (drift.kind == DriftKind::PinSplit || drift.expected == cell.pin.digest)
            && cell.is_unreachable()
    })
}

#[cfg(test)]
#[path = "drift_rules_tests.rs"]
mod tests;

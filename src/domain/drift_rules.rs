//! The rules that find drift on a board. What could not be reached is not drift.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::board::{Board, Cell, ServiceRow};
use super::drift::{Drift, DriftKind};
use super::evidence::CauseKind;
use super::id::{Digest, EnvId};
use super::running::observation::RunningState;
use super::verdict::{Outcome, Verdict};

/// Finds all drift on a board, in a stable order. What could not be reached is not drift.
pub(crate) fn detect(board: &Board, now: Timestamp) -> Vec<Drift> {
    let mut found = Vec::new();
    let owners = DigestOwners::of(board);
    for row in &board.services {
        let environments = ImagesByEnvironment::of(row);
        let around = Surroundings {
            board,
            owners: &owners,
            environments: &environments,
        };
        for cell in &row.cells {
            cell_drift(&around, cell, now, &mut found);
        }
        split(row, now, &mut found);
        rebuilt(row, now, &mut found);
    }
    found.sort_by(|a, b| (a.kind, &a.service, &a.environment, &a.id).cmp(&(b.kind, &b.service, &b.environment, &b.id)));
    found
}

/// What the drift of a cell is told from, besides the cell: gone through once for the whole board.
struct Surroundings<'s, 'b> {
    board: &'b Board,
    owners: &'s DigestOwners<'b>,
    /// Of the cell's row.
    environments: &'s ImagesByEnvironment<'b>,
}

fn cell_drift(around: &Surroundings<'_, '_>, cell: &Cell, now: Timestamp, out: &mut Vec<Drift>) {
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
                |d| match around.owners.whose(d) {
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
    if cell.skipped == Some(true) && !is_before(around, cell) {
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
    running_drift(around, cell, now, out);
}

/// A cluster that runs another image. What nobody can tell, and what something refuses, are states and no drift.
fn running_drift(around: &Surroundings<'_, '_>, cell: &Cell, now: Timestamp, out: &mut Vec<Drift>) {
    let pin = &cell.pin;
    let mut environments = around.board.environments.iter();
    let environment = environments.find(|one| one.name == pin.target.environment);
    let (Some(environment), Some(digest), Some(report)) = (environment, pin.digest, cell.running.fresh()) else {
        return;
    };
    let pinned_at = cell.pinned_by.as_ref().map(|by| by.at);
    let Some(found) = report.drifted(pinned_at, now, environment.running.settle) else {
        return;
    };
    let beside = match report.state {
        RunningState::Mixed => "beside",
        _ => "instead of",
    };
    let places: Vec<String> = report
        .namespaces
        .iter()
        .filter(|one| one.state == report.state)
        .map(|one| format!("{}/{}", one.cluster, one.namespace))
        .collect();
    let drift = Drift::new(
        DriftKind::RunningDiffers,
        &pin.target.service,
        Some(&pin.target.environment),
        &pin.image,
        None,
        (Some(digest), Some(found)),
        report.since,
        format!("{found} runs {beside} {digest} in {}", places.join(", ")),
    );
    out.push(drift.of_component(pin.component.as_deref()));
}

/// Whether the same image is pinned in every environment that this one comes after, as an index or as one of its
/// manifests.
fn is_before(around: &Surroundings<'_, '_>, cell: &Cell) -> bool {
    let mut environments = around.board.environments.iter();
    let here = environments.find(|e| e.name == cell.pin.target.environment);
    let after = here.map(|here| here.after.as_slice()).unwrap_or_default();
    // Whether the very digest was in the only one of them, git has said.
    let is_told = after.len() == 1;
    let is_in = |before: &EnvId| around.environments.have_image(before, cell, is_told);
    !after.is_empty() && after.iter().all(is_in)
}

/// The digests that a row pins in each environment.
struct ImagesByEnvironment<'a>(BTreeMap<&'a EnvId, EnvironmentImages>);

#[derive(Default)]
struct EnvironmentImages {
    pinned: BTreeSet<Digest>,
    /// What stands for a pinned digest, and which one ([`Cell::same_image`]).
    same: BTreeSet<(Digest, Digest)>,
}

impl<'a> ImagesByEnvironment<'a> {
    fn of(row: &'a ServiceRow) -> Self {
        let mut out: BTreeMap<&EnvId, EnvironmentImages> = BTreeMap::new();
        // Nobody asks of a row in which nothing skipped an environment.
        let is_asked = row.cells.iter().any(|cell| cell.skipped == Some(true));
        for cell in row.cells.iter().filter(|_| is_asked) {
            if let Some(digest) = cell.pin.digest {
                let images = out.entry(&cell.pin.target.environment).or_default();
                images.pinned.insert(digest);
                images.same.extend(cell.same_image.iter().map(|same| (*same, digest)));
            }
        }
        Self(out)
    }

    /// Whether an environment has the image of a cell ([`Cell::is_same_image`]); `but_for_itself` = by another digest
    /// than the cell's own.
    fn have_image(&self, environment: &EnvId, cell: &Cell, but_for_itself: bool) -> bool {
        let (Some(images), Some(here)) = (self.0.get(environment), cell.pin.digest) else {
            return false;
        };
        let counts = |there: &Digest| !(but_for_itself && *there == here);
        let itself = counts(&here) && images.pinned.contains(&here);
        let listed = || cell.same_image.iter().filter(|there| counts(there));
        let lists = || {
            images
                .same
                .range((here, LOWEST)..)
                .take_while(|(same, _)| *same == here)
        };
        itself || listed().any(|there| images.pinned.contains(there)) || lists().any(|(_, there)| counts(there))
    }
}

/// The first digest in their order.
const LOWEST: Digest = Digest::from_bytes([0; 32]);

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

/// What on a board has each digest. The board is gone through for it once, and only if somebody asks.
struct DigestOwners<'a> {
    board: &'a Board,
    known: OnceCell<HashMap<Digest, DigestOwner<'a>>>,
}

enum DigestOwner<'a> {
    Pin(&'a Cell),
    /// A version that CI offers, or offered.
    Offered(&'a ServiceRow, &'a str),
}

impl<'a> DigestOwners<'a> {
    fn of(board: &'a Board) -> Self {
        Self {
            board,
            known: OnceCell::new(),
        }
    }

    /// The first pin of each digest, else the first row that offers it.
    fn all(&self) -> HashMap<Digest, DigestOwner<'a>> {
        let mut out = HashMap::new();
        for cell in self.board.services.iter().flat_map(|row| &row.cells) {
            if let Some(digest) = cell.pin.digest {
                out.entry(digest).or_insert(DigestOwner::Pin(cell));
            }
        }
        for row in &self.board.services {
            let Some(candidate) = row.candidate.value().and_then(Option::as_ref) else {
                continue;
            };
            let versions = candidate.versions.iter();
            let versions = versions.filter_map(|version| Some((version.digest?, version.tag.as_str())));
            for (digest, tag) in std::iter::once((candidate.digest, candidate.tag.as_str())).chain(versions) {
                out.entry(digest).or_insert(DigestOwner::Offered(row, tag));
            }
        }
        out
    }

    /// What else on the board has this digest, in a clause.
    fn whose(&self, digest: Digest) -> Option<String> {
        let words = match self.known.get_or_init(|| self.all()).get(&digest)? {
            DigestOwner::Pin(cell) => {
                let tag = cell.pin.tag.clone();
                let tag = tag.or_else(|| cell.version.as_ref().map(|v| v.quoted().into_string()));
                let tag = tag.map(|tag| format!(" ({tag})")).unwrap_or_default();
                format!("which {} pins{tag}", cell.pin.target)
            }
            DigestOwner::Offered(row, tag) => format!("which is {}:{tag}", row.name),
        };
        Some(words)
    }
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
    // When the newest pin of each place was made; `None` = that is not known of all of them.
    let mut made: BTreeMap<(&EnvId, Option<&str>), Option<Timestamp>> = BTreeMap::new();
    for cell in &row.cells {
        let place = (&cell.pin.target.environment, cell.pin.component.as_deref());
        let at = cell.pinned_by.as_ref().map(|by| by.at);
        let newest = made.entry(place).or_insert(at);
        *newest = newest.zip(at).map(|(newest, at)| newest.max(at));
        if let Some(digest) = cell.pin.digest {
            let here = by_env.entry(place).or_default();
            here.entry(digest).or_insert(cell);
        }
    }
    for ((env, component), cells) in by_env {
        let cells: Vec<&Cell> = cells.into_values().collect();
        let Some((one, other)) = different(&cells) else {
            continue;
        };
        let since = made.get(&(env, component)).copied().flatten().unwrap_or(now);
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
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, new) in now.iter().enumerate() {
        places.entry(new.id.clone()).or_insert(at);
    }
    for old in before {
        if is_unread(board, old) {
            if !places.contains_key(&old.id) {
                places.insert(old.id.clone(), now.len());
                now.push(old.clone());
            }
            continue;
        }
        let Some(row) = board.row(&old.service) else { continue };
        if !is_blind(row, old) {
            continue;
        }
        match places.get(&old.id) {
            Some(at) => now[*at].found = now[*at].found.or(old.found),
            None if is_asked_of_registries(old.kind) => {
                places.insert(old.id.clone(), now.len());
                now.push(old.clone());
            }
            None => {}
        }
    }
}

/// Whether a drift is about an environment that could not be read, or about several of which one could not.
fn is_unread(board: &Board, drift: &Drift) -> bool {
    match &drift.environment {
        Some(environment) => board.unread(environment).is_some(),
        None => board
            .environments
            .iter()
            .any(|environment| board.unread(&environment.name).is_some()),
    }
}

/// Whether a registry has to answer before a drift of this kind is known to be over. What runs is the clusters' word.
const fn is_asked_of_registries(kind: DriftKind) -> bool {
    !matches!(
        kind,
        DriftKind::PinnedByTag | DriftKind::PinSplit | DriftKind::Held | DriftKind::RunningDiffers
    )
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
            && is_unasked(cell, drift.kind)
    })
}

/// Whether nobody could ask whether a drift of this kind about a pin is over.
fn is_unasked(cell: &Cell, kind: DriftKind) -> bool {
    match kind {
        DriftKind::TagMoved => cell.is_unreachable() || is_tag_unknown(cell),
        // A verdict tells, whatever became of the tag.
        DriftKind::NotVerified | DriftKind::EvidenceElsewhere => cell.is_unjudged(),
        _ => cell.is_unreachable(),
    }
}

/// Whether nobody could ask which tag it is that a pin is compared with, because the content that names it is gone.
fn is_tag_unknown(cell: &Cell) -> bool {
    cell.missing && cell.tag_digest.fresh().is_none()
}

#[cfg(test)]
#[path = "drift_rules_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "drift_unread_tests.rs"]
mod unread_tests;

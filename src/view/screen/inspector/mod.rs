//! Everything about the selected cell, the most urgent first: bytes, verdict, causes, who pinned it.

mod labelled;
mod proofs;
mod proposal;
mod row;
mod running;
mod verdict;

use ratatui::layout::Rect;

use crate::app::age;
use crate::app::cell_status::{self, CellStatus};
use crate::app::cursor::{Column, ScreenSubject, cells};
use crate::app::msg::{ScrollLimits, Spot};
use crate::app::request;
use crate::app::state::{CockpitState, Pane};
use crate::domain::board::{Cell, ServiceRow, TagSource};
use crate::domain::candidate::Relation;
use crate::domain::drift::DriftKind;
use crate::domain::freshness::Seen;
use crate::domain::id::Digest;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, Theme};
use crate::view::widget::sign;
use labelled::InspectorLines;
use proofs::{locations, statements};
use verdict::{seen_note, verdict};

/// Lines kept for the cause of a verdict.
const CAUSE: usize = 2;

/// From this width on, facts and evidence stand side by side.
const BESIDE: u16 = 128;

/// From this width of the screen on, the details say more about the row.
const ROOMY: u16 = 160;

/// Draws the inspector.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, limits: &mut ScrollLimits, focus: bool) {
    if area.height == 0 {
        return;
    }
    if state.setup.mouse {
        canvas.spot(area, Spot::Pane(Pane::Inspector));
    }
    canvas.rule(Rect { height: 1, ..area }, &title(state, canvas.glyphs()), focus);
    let body = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height - 1,
    };
    // Side by side where there is room: then neither block moves when the other grows.
    let beside = body.width >= BESIDE;
    let left = if beside {
        (body.width * 3 / 5).max(84)
    } else {
        body.width
    };
    let right = if beside { body.width - left - 2 } else { body.width };
    let is_whole = focus && !beside;
    let mut facts = facts(state, canvas, (left, is_whole));
    let mut proofs = proofs(state, canvas, (right, is_whole), beside);
    let mut drifts = drifts(state, canvas, left);
    if !beside {
        facts.append(&mut proofs);
    }
    facts.append(&mut drifts);
    let height = usize::from(body.height);
    // Only where all of it fits: it adds nothing that would have to be scrolled to. Where the screen is small,
    // a cursor move should not have to repaint it.
    let more = if focus || state.size.0 >= ROOMY {
        row::lines(state, canvas, left)
    } else {
        Vec::new()
    };
    if facts.len() + more.len() <= height {
        // At the lower end, so that it stays where it is while the facts above change.
        facts.resize(height - more.len(), Line::new());
        facts.extend(more);
    }
    let lines = facts.len().max(proofs.len());
    let last = lines.saturating_sub(height);
    limits.inspector = u16::try_from(last).unwrap_or(u16::MAX);
    if focus {
        limits.page = body.height;
    }
    let top = usize::from(state.inspector_top).min(last);
    for (lines, x, width) in [(&facts, body.x, left), (&proofs, body.x + left + 2, right)] {
        for (at, line) in lines.iter().skip(top).take(height).enumerate() {
            canvas.line(x, body.y + u16::try_from(at).unwrap_or(0), width, line);
        }
    }
    let below = lines.saturating_sub(top + height);
    if below > 0 {
        let more = format!(" {below} more {} ", if below == 1 { "line" } else { "lines" });
        let row = Rect {
            height: 1,
            width: area.width - 1,
            ..area
        };
        canvas.line_right(row, &[span(Role::Dim, more)]);
    }
}

/// Everything about the selected cell, for whoever has no screen: what is drawn side by side, one after another.
pub fn lines(state: &CockpitState, canvas: &Canvas<'_>, width: u16) -> Vec<Line> {
    let mut lines = facts(state, canvas, (width, false));
    lines.extend(drifts(state, canvas, width));
    lines.extend(proofs(state, canvas, (width, false), true));
    lines
}

fn title(state: &CockpitState, glyphs: &Glyphs) -> Line {
    let Some(cursor) = &state.cursor else {
        return vec![span(Role::Dim, "nothing selected")];
    };
    let place = match &cursor.column {
        crate::app::cursor::Column::Environment(environment) => environment.as_str(),
        crate::app::cursor::Column::Candidate => "what CI offers",
    };
    let mut line = vec![span(Role::Title, format!("{} {} {place}", cursor.service, glyphs.dot))];
    if let (Some(ScreenSubject::Pin(key)), Some(row)) = (state.subject(), state.board.row(&cursor.service)) {
        let keys: Vec<_> = cells(row, &key.target.environment).map(|cell| cell.pin.key()).collect();
        if keys.len() > 1 {
            let at = keys.iter().position(|k| *k == key).map_or(0, |at| at + 1);
            line.push(span(Role::Warned, format!("  pin {at} of {}", keys.len())));
        }
    }
    line
}

/// The bytes, the verdict, who put them there.
fn facts(state: &CockpitState, canvas: &Canvas<'_>, (width, is_whole): (u16, bool)) -> Vec<Line> {
    let mut out = InspectorLines::new(state, canvas, width).whole(is_whole);
    let Some(cursor) = &state.cursor else {
        return out.lines;
    };
    let Some(row) = state.board.row(&cursor.service) else {
        out.plain(Role::Warned, format!("{} is no longer on the board.", cursor.service));
        return out.lines;
    };
    let theme = canvas.theme();
    match state.subject() {
        None => {
            let unread = match &cursor.column {
                Column::Environment(environment) => state.board.unread(environment),
                Column::Candidate => None,
            };
            match unread {
                Some(failure) => out.plain(Role::Unreachable, failure.sentence_on_screen().clean().into_string()),
                None => out.plain(
                    Role::Dim,
                    "Nothing is pinned here: no file of this environment names this service's image.",
                ),
            }
        }
        Some(ScreenSubject::Candidate(_)) => candidate(&mut out, state, row, theme),
        Some(subject) => {
            if let Some(cell) = state.cell_of(&subject) {
                pin(&mut out, state, row, cell, theme);
            }
        }
    }
    out.lines
}

/// Drift that nothing above has said yet.
fn drifts(state: &CockpitState, canvas: &Canvas<'_>, width: u16) -> Vec<Line> {
    let mut out = InspectorLines::new(state, canvas, width);
    if let Some(cell) = state.subject().as_ref().and_then(|subject| state.cell_of(subject)) {
        drift(&mut out, state, cell);
    }
    out.lines
}

/// The evidence, and where the pin is written.
fn proofs(state: &CockpitState, canvas: &Canvas<'_>, (width, is_whole): (u16, bool), beside: bool) -> Vec<Line> {
    let mut out = InspectorLines::new(state, canvas, width).whole(is_whole);
    let Some(subject) = state.subject() else {
        return out.lines;
    };
    statements(&mut out, state, &subject, beside);
    if let Some(cell) = state.cell_of(&subject) {
        locations(&mut out, cell, beside);
    }
    out.lines
}

fn pin(out: &mut InspectorLines<'_>, state: &CockpitState, row: &ServiceRow, cell: &Cell, theme: &Theme) {
    match cell.pin.digest {
        Some(digest) => {
            let line = sign::with_digest(state, &row.name, digest, Role::Text, theme, out.glyphs);
            out.lines.push(line.to_vec());
        }
        None => out.plain(
            Role::ByTag,
            format!(
                "{} pinned by tag {} only: what runs depends on when it is pulled",
                out.glyphs.status(CellStatus::ByTag),
                cell.pin.tag.as_deref().unwrap_or("(none)")
            ),
        ),
    }
    let before = out.lines.len();
    let current = cell_status::of_cell(cell, out.now);
    verdict(out, state, &cell.assessment, current);
    if let Some(hold) = &cell.hold {
        let since = hold
            .since
            .map_or_else(String::new, |at| format!(", {}", age::ago(at, out.now)));
        out.labelled(
            "hold",
            vec![
                span(Role::Hold, format!("{} held: ", out.glyphs.hold)),
                span(Role::Text, hold.reason.clean().into_string()),
                span(Role::Dim, since),
            ],
        );
    }
    // The lines below stay where they are, whether there is a cause or none.
    if out.lines.len() == before + 1 {
        out.labelled("", vec![span(Role::Dim, without_cause(current.status))]);
    }
    out.pad(before + 1 + CAUSE);
    pinned_by(out, cell);
    image(out, cell);
    running::running(out, state, cell);
    proposal::proposal(out, cell);
    relation(out, row, cell);
    next_step(out, state);
}

/// What a verdict without a cause means.
const fn without_cause(status: CellStatus) -> &'static str {
    match status {
        CellStatus::ByTag => "the tag may move at any time",
        CellStatus::Loading | CellStatus::NotChecked => "not looked at yet",
        CellStatus::Unreachable => "this says nothing about the bytes",
        _ => "nothing is missing or wrong",
    }
}

/// What will refuse these bytes in the environment that comes next, as far as the board can tell.
fn next_step(out: &mut InspectorLines<'_>, state: &CockpitState) {
    let Some(subject) = state.subject() else { return };
    let Ok((promotion, to)) = request::step_of(state, &subject) else {
        return;
    };
    if let Some(why) = request::obstacle(state, &promotion, &to) {
        let line = vec![span(Role::Text, format!("{to}: ")), span(Role::Warned, why)];
        out.cut("next step", line);
    }
}

fn candidate(out: &mut InspectorLines<'_>, state: &CockpitState, row: &ServiceRow, theme: &Theme) {
    let offered = row.candidate.value().and_then(Option::as_ref);
    match (&row.candidate, offered) {
        (_, Some(offered)) => {
            let digest = offered.digest;
            let line = sign::with_digest(state, &row.name, digest, Role::Text, theme, out.glyphs);
            out.lines.push(line.to_vec());
            if let Some(current) = cell_status::of_candidate(row, out.now) {
                let before = out.lines.len();
                verdict(out, state, &row.assessment, current);
                if out.lines.len() == before + 1 {
                    out.labelled("", vec![span(Role::Dim, without_cause(current.status))]);
                }
                out.pad(before + 1 + CAUSE);
            }
            let built = match cell_status::ci_built(row) {
                Some(true) => span(
                    Role::Verified,
                    format!("{} CI-built: its provenance verifies", out.glyphs.passed),
                ),
                Some(false) => span(
                    Role::Warned,
                    "claimed by tag only: no provenance of these bytes verifies",
                ),
                None => span(Role::Dim, "not known yet whether CI built these bytes"),
            };
            out.labelled("origin", vec![built]);
            let tag = vec![
                span(Role::Text, format!("{}:{}", offered.image, offered.tag)),
                span(Role::Dim, seen_note(&row.candidate, out.now)),
            ];
            out.labelled("image", tag);
            let pinned: Vec<&str> = row
                .cells
                .iter()
                .filter(|cell| cell.pin.digest == Some(digest))
                .map(|cell| cell.pin.target.environment.as_str())
                .collect();
            let pinned = if pinned.is_empty() {
                "nowhere yet".to_owned()
            } else {
                pinned.join(", ")
            };
            out.labelled("pinned in", vec![span(Role::Text, pinned)]);
        }
        (Seen::Unreachable { failure, .. }, None) => out.plain(
            Role::Unreachable,
            format!(
                "{} could not be asked: {}",
                out.glyphs.status(CellStatus::Unreachable),
                failure.sentence_on_screen().clean()
            ),
        ),
        (Seen::Fresh { .. }, None) => out.plain(
            Role::Dim,
            "CI offers nothing: no tag of this service's repository matches its candidate rule.",
        ),
        (Seen::Loading { .. }, None) => out.plain(Role::Dim, "asking the registry"),
        (Seen::NotChecked, None) => out.plain(Role::Dim, "not checked"),
    }
}

fn pinned_by(out: &mut InspectorLines<'_>, cell: &Cell) {
    let Some(by) = &cell.pinned_by else {
        return;
    };
    let commit: String = by.commit.chars().take(7).collect();
    out.cut(
        "pinned",
        vec![
            span(Role::Text, age::ago(by.at, out.now)),
            span(Role::Dim, " by "),
            span(Role::Text, by.author.clean().into_string()),
            span(Role::Dim, " in "),
            span(Role::Text, commit),
            span(Role::Dim, format!(" {}", by.subject.quoted())),
        ],
    );
}

/// The image with the tag that is compared, and what that tag points at now.
fn image(out: &mut InspectorLines<'_>, cell: &Cell) {
    let mut line = vec![span(Role::Text, cell.pin.image.to_string())];
    match &cell.tag {
        TagSource::None => line.push(span(Role::Dim, "  without a tag")),
        TagSource::Pin(tag) => line.push(span(Role::Text, format!(":{tag}"))),
        TagSource::VersionLabel(tag) => line.push(span(Role::Dim, format!("  labelled {tag}"))),
    }
    if cell.tag.tag().is_some() || cell.tag_digest.is_unreachable() {
        match (&cell.tag_digest, cell.tag_digest.value()) {
            (Seen::Unreachable { failure, last }, _) => {
                if let Some((before, at)) = last {
                    let was = before.map_or_else(
                        || "there was no such tag".to_owned(),
                        |digest| format!("{} {}", out.glyphs.arrow, digest.short()),
                    );
                    line.push(span(Role::Dim, format!("  {was} {}", age::ago(*at, out.now))));
                }
                line.push(span(
                    Role::Unreachable,
                    format!("  tag unreachable: {}", failure.sentence_on_screen().clean()),
                ));
            }
            (Seen::NotChecked, _) => line.push(span(Role::Dim, "  tag not checked")),
            (_, None) => line.push(span(Role::Dim, "  checking the tag")),
            (_, Some(None)) => line.push(span(Role::Warned, "  no such tag in the registry now")),
            (_, Some(Some(now_at))) => match cell.pin.digest {
                None => line.push(span(Role::Dim, format!(" {} {now_at}", out.glyphs.arrow))),
                Some(pinned) if pinned == *now_at => line.push(span(Role::Dim, "  still these bytes")),
                Some(_) if cell.tag_matches_via_index => {
                    line.push(span(Role::Dim, "  still this image (index and platform manifest)"));
                }
                Some(pinned) if cell.tag_is_immutable => {
                    line.push(span(
                        Role::Drift,
                        format!("  {} the tag moved {} ", out.glyphs.drift, out.glyphs.arrow),
                    ));
                    line.push(span(Role::Text, unmistakable(*now_at, pinned)));
                }
                Some(pinned) => {
                    line.push(span(Role::Dim, format!("  the tag has gone on {} ", out.glyphs.arrow)));
                    line.push(span(Role::Text, unmistakable(*now_at, pinned)));
                }
            },
        }
    }
    out.cut("image", line);
}

/// A digest in short form, unless that would make it look like the other one.
fn unmistakable(digest: Digest, beside: Digest) -> String {
    if digest.short() == beside.short() {
        digest.to_string()
    } else {
        digest.short()
    }
}

fn relation(out: &mut InspectorLines<'_>, row: &ServiceRow, cell: &Cell) {
    let Some(candidate) = row.candidate.value().and_then(Option::as_ref) else {
        return;
    };
    let offered = format!("{} ({})", candidate.digest.short(), candidate.tag);
    let text = match (cell.relation, cell.behind) {
        (Relation::Same, _) => format!("the same bytes as CI's {offered}"),
        (Relation::Behind, Some(1)) => format!("1 version behind CI's {offered}"),
        (Relation::Behind, Some(n)) => format!("{n} versions behind CI's {offered}"),
        (Relation::Behind, None) => format!("behind CI's {offered}"),
        (Relation::Ahead, _) => format!("newer than CI's {offered}"),
        (Relation::Other, _) => format!("none of the versions that CI offers; the newest of them is {offered}"),
        (Relation::None, _) => format!("CI offers {offered}"),
    };
    let version = cell.version.as_ref();
    let version = version.map_or_else(String::new, |version| format!("  (version label {})", version.quoted()));
    out.cut("candidate", vec![span(Role::Text, text), span(Role::Dim, version)]);
}

fn drift(out: &mut InspectorLines<'_>, state: &CockpitState, cell: &Cell) {
    let target = &cell.pin.target;
    let here = state.board.drift.iter().filter(|drift| {
        drift.service == target.service
            && drift.environment.as_ref().is_none_or(|environment| *environment == target.environment)
            // Said above already.
            && !matches!(
                drift.kind,
                DriftKind::NotVerified
                    | DriftKind::TagMoved
                    | DriftKind::Held
                    | DriftKind::PinnedByTag
                    | DriftKind::EvidenceElsewhere
                    | DriftKind::MissingFromRegistry
            )
    });
    for drift in here {
        out.labelled(
            "drift",
            vec![
                span(Role::Drift, format!("{} {}: ", out.glyphs.drift, drift.kind.words())),
                span(Role::Text, drift.detail.clean().into_string()),
            ],
        );
    }
}

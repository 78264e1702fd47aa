//! The drift feed, newest first.

use ratatui::layout::Rect;

use crate::app::age;
use crate::app::msg::{ScrollLimits, Spot};
use crate::app::state::{BoardPass, CockpitState, Pane};
use crate::app::versions::on_row;
use crate::domain::drift::{Drift, DriftKind};
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::fold;
use crate::view::size::{WIDE, has_events_pane};
use crate::view::theme::Role;
use crate::view::widget::{list, version};

/// Lines kept below a narrow list for the selected fact: an empty one, and what it takes to tell it.
const TOLD: u16 = 4;

/// Columns of a version; a longer one is not shown, and never cut.
const VERSION: usize = 9;

/// Draws the feed.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, limits: &mut ScrollLimits, focus: bool) {
    if area.height == 0 {
        return;
    }
    if state.setup.mouse {
        canvas.spot(area, Spot::Pane(Pane::Feed));
    }
    let feed = state.feed();
    let hidden = state.board.drift.len() - feed.len();
    let mut title = vec![span(Role::Title, "drift")];
    if hidden > 0 {
        title.push(span(Role::Dim, format!("  {hidden} hidden by the filter")));
    }
    let has_pane = has_events_pane(state);
    if let (Some(event), true, false) = (state.events.last(), area.width >= WIDE, has_pane) {
        let key = state.keymap.key_of(crate::app::Action::Events);
        let key = key.map_or_else(String::new, |key| format!("  {key} all events"));
        title.push(span(Role::Text, format!("   last event: {}", event.text)));
        title.push(span(
            Role::Dim,
            format!(", {}{key}", age::ago(event.at, state.minute())),
        ));
    }
    canvas.rule(Rect { height: 1, ..area }, &title, focus);
    let told = if focus && area.width < WIDE && area.height > TOLD * 3 {
        TOLD
    } else {
        0
    };
    let shown = area.height - 1 - told;
    let height = usize::from(shown);
    if focus {
        limits.page = shown;
    }
    if feed.is_empty() {
        let blind = state.board.unreachable();
        let blind = blind.map(|what| format!("none seen, but not everything could be reached: {what}"));
        let (role, text) = if let (Some(blind), true) = (&blind, state.board.finished_at.is_some()) {
            (Role::Unreachable, blind.as_str())
        } else if state.board.finished_at.is_some() {
            (
                Role::Verified,
                "no drift: pins, tags, evidence and history say the same",
            )
        } else if matches!(state.pass, BoardPass::Failed(..)) {
            (Role::Dim, "not known: the last refresh broke off")
        } else {
            (Role::Dim, "not known yet")
        };
        if height > 0 && hidden == 0 {
            canvas.text(area.x + 1, area.y + 1, area.width - 1, text, role);
        }
        return;
    }
    let selected = state.feed_position();
    let top = list::top(selected.unwrap_or(0), feed.len(), height);
    for (at, drift) in feed.iter().enumerate().skip(top).take(height) {
        let y = area.y + 1 + u16::try_from(at - top).unwrap_or(0);
        let line = line(state, drift, area.width, canvas.glyphs());
        canvas.line(area.x + 1, y, area.width - 2, &line);
        if state.setup.mouse {
            let place = Rect { y, height: 1, ..area };
            canvas.spot(place, Spot::Drift(drift.id.clone()));
        }
        if selected == Some(at) {
            canvas.text(area.x, y, 1, canvas.glyphs().cursor, Role::Accent);
            if focus {
                canvas.lay(
                    Rect {
                        x: area.x + 1,
                        y,
                        width: area.width - 2,
                        height: 1,
                    },
                    Role::Cursor,
                );
            }
        }
    }
    if let (true, Some(drift)) = (told > 0, selected.and_then(|at| feed.get(at))) {
        tell(canvas, drift, area);
    }
    let below = feed.len().saturating_sub(top + height);
    if below > 0 || top > 0 {
        let more = format!(" {}-{} of {} ", top + 1, (top + height).min(feed.len()), feed.len());
        canvas.line_right(
            Rect {
                height: 1,
                width: area.width - 1,
                ..area
            },
            &[span(Role::Dim, more)],
        );
    }
}

/// The selected fact in full, below a list whose lines are too short for it.
fn tell(canvas: &mut Canvas<'_>, drift: &Drift, area: Rect) {
    let line = vec![
        span(Role::Drift, format!("{}: ", drift.kind.words())),
        span(Role::Text, said(drift, canvas.glyphs())),
    ];
    let width = area.width.saturating_sub(2);
    let most = usize::from(TOLD - 1);
    let first = area.y + area.height - (TOLD - 1);
    for (y, line) in (first..).zip(fold(line, width, 0, most, canvas.glyphs())) {
        canvas.line(area.x + 1, y, width, &line);
    }
}

fn line(state: &CockpitState, drift: &Drift, columns: u16, glyphs: &Glyphs) -> Line {
    // What the first pass finds was there before; what comes later is news.
    let first = state.arrivals.values().min();
    let arrived = state.arrivals.get(&drift.id);
    let news = first != arrived;
    let when = if news {
        arrived.map_or_else(String::new, |at| age::words(*at, state.minute()))
    } else {
        age::words(drift.since, state.minute())
    };
    let when = if when == "fresh" { "now".to_owned() } else { when };
    let place = match &drift.environment {
        Some(environment) => format!("{} {} {environment}", drift.service, glyphs.dot),
        None => drift.service.to_string(),
    };
    let (when_width, kind_width, place_width) = if columns >= 100 { (9, 18, 28) } else { (7, 18, 22) };
    let place = crate::view::names::cut_middle(&place, place_width, glyphs.ellipsis);
    let pad = usize::from(place_width).saturating_sub(unicode_width::UnicodeWidthStr::width(place.as_str()));
    let mut line = vec![
        span(
            if news { Role::Drift } else { Role::Dim },
            format!("{when:>when_width$}  "),
        ),
        span(Role::Drift, format!("{} ", glyphs.drift)),
        span(Role::Text, format!("{:<kind_width$} ", drift.kind.words())),
        span(Role::Title, format!("{place}{} ", " ".repeat(pad))),
    ];
    if columns >= WIDE {
        let version = version_of(state, drift).unwrap_or_default();
        line.push(span(Role::Text, format!("{version:<VERSION$} ")));
    }
    line.push(span(Role::Dim, said(drift, glyphs)));
    line
}

/// The version of what is pinned where something has drifted.
fn version_of(state: &CockpitState, drift: &Drift) -> Option<String> {
    let row = state.board.row(&drift.service)?;
    let digest = row.cell(drift.environment.as_ref()?)?.pin.digest?;
    let version = version::marked(&on_row(row, digest)?);
    (unicode_width::UnicodeWidthStr::width(version.as_str()) <= VERSION).then_some(version)
}

/// The fact in one line, digests short.
fn said(drift: &Drift, glyphs: &Glyphs) -> String {
    let short = |digest: Option<crate::domain::Digest>| digest.map_or_else(|| "?".to_owned(), |d| d.short());
    match drift.kind {
        DriftKind::TagMoved => format!(
            "{} moved {} {} {}; still pinned: {}",
            drift.tag.as_deref().unwrap_or("tag"),
            short(drift.expected),
            glyphs.arrow,
            short(drift.found),
            short(drift.expected)
        ),
        DriftKind::MissingFromRegistry => format!("{} is no longer in {}", short(drift.expected), drift.image),
        DriftKind::EvidenceElsewhere => {
            format!(
                "pinned {}, but the evidence is about {}",
                short(drift.expected),
                short(drift.found)
            )
        }
        _ => drift.detail.clean().into_string(),
    }
}

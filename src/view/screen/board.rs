//! The first screen: table, inspector and drift feed.

use ratatui::layout::Rect;

use super::{events, feed, inspector, table};
use crate::app::msg::ScrollLimits;
use crate::app::select::ShownRows;
use crate::app::state::{CockpitState, Pane};
use crate::view::canvas::Canvas;
use crate::view::size::{WIDE, has_events_pane};

/// From this many columns on, a table that is too long for the upper half stands beside the details.
const BESIDE: u16 = 180;

/// Draws the board screen. Heights depend on the terminal and the number of rows only, so that moving the
/// cursor moves nothing else.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, limits: &mut ScrollLimits) {
    let shown = state.shown_rows();
    if state.full_screen {
        match state.pane {
            Pane::Board => table::draw(canvas, state, &shown, area, limits),
            Pane::Inspector => inspector::draw(canvas, state, area, limits, true),
            Pane::Feed => feed::draw(canvas, state, area, limits, true),
        }
        return;
    }
    let wanted = table::wanted_lines(state, &shown).max(4);
    if area.width < WIDE {
        one_pane(canvas, state, &shown, area, wanted, limits);
        return;
    }
    let height = wanted.min((area.height / 2).max(area.height.saturating_sub(16)));
    // By the number of services, not of rows: a filter does not move the panes.
    let all = u16::try_from(state.board.services.len()).unwrap_or(u16::MAX);
    if area.width >= BESIDE && all.saturating_add(1) > height {
        beside(canvas, state, &shown, area, limits);
        return;
    }
    let (top, mut rest) = split(area, height);
    if rest.height >= 15 {
        rest = legend(canvas, state, rest);
    }
    let feed_height = (rest.height / 3).max(3).min(rest.height);
    let (middle, bottom) = split(rest, rest.height - feed_height);
    table::draw(canvas, state, &shown, top, limits);
    inspector::draw(canvas, state, middle, limits, state.pane == Pane::Inspector);
    let bottom = if has_events_pane(state) {
        let left = bottom.width - bottom.width * 2 / 5;
        let right = Rect {
            x: bottom.x + left + 1,
            width: bottom.width - left - 1,
            ..bottom
        };
        events::pane(canvas, state, right);
        Rect { width: left, ..bottom }
    } else {
        bottom
    };
    feed::draw(canvas, state, bottom, limits, state.pane == Pane::Feed);
}

/// A long table over the whole height, the details and the drift to the right of it.
fn beside(canvas: &mut Canvas<'_>, state: &CockpitState, shown: &ShownRows<'_>, area: Rect, limits: &mut ScrollLimits) {
    let left = area.width - area.width * 2 / 5;
    let table = Rect { width: left, ..area };
    let rest = Rect {
        x: area.x + left + 1,
        width: area.width - left - 1,
        ..area
    };
    let table = if table.height >= 30 {
        let last = Rect {
            y: table.bottom() - 1,
            height: 1,
            ..table
        };
        legend(canvas, state, last);
        Rect {
            height: table.height - 1,
            ..table
        }
    } else {
        table
    };
    let (middle, bottom) = split(rest, rest.height - rest.height * 2 / 5);
    let (bottom, last) = split(bottom, bottom.height - bottom.height * 2 / 5);
    table::draw(canvas, state, shown, table, limits);
    inspector::draw(canvas, state, middle, limits, state.pane == Pane::Inspector);
    events::pane(canvas, state, last);
    feed::draw(canvas, state, bottom, limits, state.pane == Pane::Feed);
}

/// One pane at a time; below a short table, the first lines about the selected cell.
fn one_pane(
    canvas: &mut Canvas<'_>,
    state: &CockpitState,
    shown: &ShownRows<'_>,
    area: Rect,
    wanted: u16,
    limits: &mut ScrollLimits,
) {
    match state.pane {
        Pane::Inspector => inspector::draw(canvas, state, area, limits, true),
        Pane::Feed => feed::draw(canvas, state, area, limits, true),
        Pane::Board => {
            let peek = 6;
            if area.height < wanted.min(8) + peek {
                table::draw(canvas, state, shown, area, limits);
                return;
            }
            let height = wanted.min(area.height - peek);
            let (top, mut rest) = split(area, height);
            if rest.height >= 12 {
                rest = legend(canvas, state, rest);
            }
            table::draw(canvas, state, shown, top, limits);
            inspector::draw(canvas, state, rest, limits, false);
        }
    }
}

fn legend(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) -> Rect {
    let (line, rest) = split(area, 1);
    let legend = table::legend(state, canvas.theme(), canvas.glyphs(), line.width.saturating_sub(2));
    canvas.line(line.x + 1, line.y, line.width.saturating_sub(1), &legend);
    rest
}

fn split(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (
        Rect { height, ..area },
        Rect {
            y: area.y + height,
            height: area.height - height,
            ..area
        },
    )
}

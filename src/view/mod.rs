//! Draws the state: `(&State, &Theme, &Glyphs, Rect)` in, a buffer out, nothing else touched.
//!
//! Every text goes through [`canvas::Canvas`], which cleans it once more: whatever a stranger wrote,
//! no control, bidirectional or zero-width character reaches a buffer.

pub mod canvas;
#[cfg(test)]
pub(crate) mod colour;
pub mod glyphs;
pub mod layer;
pub mod lines;
pub mod names;
pub mod screen;
pub mod size;
pub mod spoken;
#[cfg(test)]
pub(crate) mod svg;
pub mod theme;
mod units;
pub mod widget;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::msg::{ScrollLimits, Spot};
use crate::app::state::{CockpitState, Modal, Screen};
use canvas::Canvas;
use glyphs::Glyphs;
use size::SMALLEST;
use theme::{Role, Theme};

/// One drawn frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What to show.
    pub buffer: Buffer,
    /// How far its parts can scroll.
    pub limits: ScrollLimits,
    /// What the mouse can be pressed on, where it is used; what comes later lies above.
    pub spots: Vec<(Rect, Spot)>,
}

/// Draws one frame.
pub fn draw(state: &CockpitState, theme: &Theme, glyphs: &Glyphs, area: Rect) -> Frame {
    let mut buffer = Buffer::empty(area);
    let mut limits = ScrollLimits::default();
    let mut canvas = Canvas::new(&mut buffer, theme, glyphs);
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(&mut canvas, state, area);
        return Frame {
            buffer,
            limits,
            spots: Vec::new(),
        };
    }
    let header = Rect { height: 1, ..area };
    let footer = Rect {
        y: area.bottom() - 1,
        height: 1,
        ..area
    };
    let body = Rect {
        y: area.y + 1,
        height: area.height - 2,
        ..area
    };
    widget::header::draw(&mut canvas, state, header);
    let body = widget::guide::draw(&mut canvas, state, body);
    match state.screen() {
        None => screen::board::draw(&mut canvas, state, body, &mut limits),
        Some(Screen::Evidence(evidence)) => screen::evidence::draw(&mut canvas, state, evidence, body, &mut limits),
        Some(Screen::History(history)) => screen::history::draw(&mut canvas, state, history, body, &mut limits),
        Some(Screen::Diff(diff)) => screen::diff::draw(&mut canvas, state, diff, body, &mut limits),
        Some(Screen::Revert(revert)) => screen::revert::draw(&mut canvas, state, revert, body, &mut limits),
        Some(Screen::Plan(plan)) => screen::plan::draw(&mut canvas, state, plan, body, &mut limits),
        Some(Screen::Events(events)) => screen::events::draw(&mut canvas, state, body, events.top, &mut limits),
    }
    widget::footer::draw(&mut canvas, state, footer);
    match &state.layer {
        Some(Modal::Help { top }) => layer::help::draw(&mut canvas, state, body, *top, &mut limits),
        Some(Modal::Palette { text, selected }) => layer::palette::draw(&mut canvas, state, body, text, *selected),
        Some(Modal::Choose { title, choices, at }) => layer::choose::draw(&mut canvas, body, title, choices, *at),
        Some(Modal::Ask { then, text }) => layer::ask::draw(&mut canvas, state, body, then, text),
        Some(Modal::Columns { at }) => layer::columns::draw(&mut canvas, state, body, *at),
        Some(Modal::Leave) => layer::leave::draw(&mut canvas, state, body),
        Some(Modal::Unfinished(list)) => layer::unfinished::draw(&mut canvas, state, body, list),
        Some(Modal::Filter { .. }) | None => {}
    }
    let spots = canvas.into_spots();
    Frame { buffer, limits, spots }
}

/// One legible line, with the most important number if it fits.
fn too_small(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    if area.area() == 0 {
        return;
    }
    let need = format!(
        "pindeck needs {}x{}, this is {}x{}",
        SMALLEST.0, SMALLEST.1, area.width, area.height
    );
    let drift = state.board.drift.len();
    let text = match drift {
        0 => need,
        n => format!("{need}; {n} drift"),
    };
    canvas.text(area.x, area.y + area.height / 2, area.width, &text, Role::Text);
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "random_keys_tests.rs"]
mod random_keys;

#[cfg(test)]
#[path = "running_tests.rs"]
mod running_tests;

#[cfg(test)]
#[path = "sign_tests.rs"]
mod sign_tests;

#[cfg(test)]
#[path = "marks_tests.rs"]
mod marks_tests;

//! State to bytes: theme and glyphs in use, and what the terminal shows.

use ratatui::layout::Rect;

use crate::app::CockpitState;
use crate::app::msg::{ScrollLimits, Spot};
use crate::term::Painter;
use crate::view;
use crate::view::glyphs::Glyphs;
use crate::view::theme::{BUILT_IN, ColourDepth, Theme, ThemeError, fits};

/// Everything needed to turn a state into bytes.
#[derive(Debug)]
pub(crate) struct Display {
    theme: Theme,
    depth: ColourDepth,
    glyphs: &'static Glyphs,
    background_is_light: Option<bool>,
    painter: Painter,
    spots: Vec<(Rect, Spot)>,
}

impl Display {
    /// A display with a built-in theme.
    ///
    /// # Errors
    /// If there is no such theme.
    pub(crate) fn new(
        theme: &str,
        depth: ColourDepth,
        glyphs: &'static Glyphs,
        background_is_light: Option<bool>,
    ) -> Result<Self, ThemeError> {
        Ok(Self {
            theme: Theme::built_in(theme, depth)?,
            depth,
            glyphs,
            background_is_light,
            painter: Painter::new(depth != ColourDepth::Mono),
            spots: Vec::new(),
        })
    }

    /// The bytes that bring the terminal from what it shows to this state, and the frame's limits.
    pub(crate) fn frame(&mut self, state: &CockpitState) -> (Vec<u8>, ScrollLimits) {
        let (width, height) = state.size;
        let frame = view::draw(state, &self.theme, self.glyphs, Rect::new(0, 0, width, height));
        self.spots = frame.spots;
        (self.painter.frame(&frame.buffer), frame.limits)
    }

    /// What the last frame showed at a place of the terminal.
    pub fn spot(&self, x: u16, y: u16) -> Option<Spot> {
        let here = |(area, _): &&(Rect, Spot)| area.contains((x, y).into());
        self.spots.iter().rev().find(here).map(|(_, spot)| spot.clone())
    }

    /// The screen was disturbed: the next frame draws everything.
    pub(crate) fn forget(&mut self) {
        self.painter.forget();
    }

    /// Switches to the next built-in theme that can be read on this background; answers its name.
    pub(crate) fn next_theme(&mut self) -> String {
        let at = BUILT_IN
            .iter()
            .position(|(name, _)| *name == self.theme.name)
            .map_or(0, |at| at + 1);
        let all = BUILT_IN.iter().cycle().skip(at).take(BUILT_IN.len());
        let next = all
            .map(|(name, _)| *name)
            .find(|name| fits(name, self.background_is_light));
        let Some(name) = next else {
            return self.theme.name.clone();
        };
        if let Ok(theme) = Theme::built_in(name, self.depth) {
            self.theme = theme;
        }
        self.theme.name.clone()
    }
}

#[cfg(test)]
#[path = "display_tests.rs"]
mod tests;

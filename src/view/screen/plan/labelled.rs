//! The lines of a plan, most of them behind a label.

use crate::view::canvas::Line;
use crate::view::glyphs::Glyphs;
use crate::view::lines::{fold, labelled};

/// Columns of the labels.
pub(super) const LABEL: u16 = 10;

pub(super) struct PlanLines<'a> {
    pub lines: Vec<Line>,
    pub width: u16,
    pub glyphs: &'a Glyphs,
}

impl<'a> PlanLines<'a> {
    pub fn new(width: u16, glyphs: &'a Glyphs) -> Self {
        Self {
            lines: Vec::new(),
            width,
            glyphs,
        }
    }

    /// A line behind a label, folded.
    pub fn say(&mut self, label: &str, line: Line) {
        self.lines
            .extend(labelled(label, line, self.width, LABEL, 6, self.glyphs));
    }

    /// A line without a label, folded.
    pub fn plain(&mut self, line: Line) {
        self.lines.extend(fold(line, self.width, 2, 6, self.glyphs));
    }

    pub fn blank(&mut self) {
        self.lines.push(Line::new());
    }
}

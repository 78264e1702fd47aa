//! The lines of the inspector, most of them behind a label, folded or cut.

use jiff::Timestamp;

use crate::app::state::CockpitState;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::fold;
use crate::view::theme::Role;

/// Columns of the labels.
pub(super) const LABEL: u16 = 11;

pub(super) struct InspectorLines<'a> {
    pub(super) lines: Vec<Line>,
    pub(super) width: u16,
    pub(super) glyphs: &'a Glyphs,
    pub(super) now: Timestamp,
    /// Nothing is cut: whoever opened the details reads them, and they scroll.
    is_whole: bool,
}

impl<'a> InspectorLines<'a> {
    pub(super) fn new(state: &CockpitState, canvas: &Canvas<'a>, width: u16) -> Self {
        Self {
            lines: Vec::new(),
            width,
            glyphs: canvas.glyphs(),
            now: state.minute(),
            is_whole: false,
        }
    }

    /// The same, with every line folded where it is too long.
    pub(super) fn whole(self, is_whole: bool) -> Self {
        Self { is_whole, ..self }
    }

    pub(super) fn plain(&mut self, role: Role, text: impl Into<String>) {
        let folded = fold(vec![span(role, text)], self.width, 0, 4, self.glyphs);
        self.lines.extend(folded);
    }

    /// Keeps so many lines, so that what follows does not move.
    pub(super) fn pad(&mut self, lines: usize) {
        while self.lines.len() < lines {
            self.lines.push(Line::new());
        }
    }

    pub(super) fn indented(&mut self, indent: u16, most: usize, line: Line) {
        let folded = fold(line, self.width, indent, most, self.glyphs);
        self.lines.extend(folded);
    }

    /// A labelled line that is cut where it is too long, unless all of it is wanted.
    pub(super) fn cut(&mut self, label: &str, mut line: Line) {
        if self.is_whole {
            return self.labelled(label, line);
        }
        line.insert(
            0,
            span(Role::Dim, format!("{label:<width$}", width = usize::from(LABEL))),
        );
        self.lines.push(line);
    }

    pub(super) fn labelled(&mut self, label: &str, mut line: Line) {
        line.insert(
            0,
            span(Role::Dim, format!("{label:<width$}", width = usize::from(LABEL))),
        );
        let folded = fold(line, self.width, LABEL, 4, self.glyphs);
        self.lines.extend(folded);
    }
}

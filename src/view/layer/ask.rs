//! One line that a plan needs: why a digest is put on hold, or which one comes back.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::state::{AskedFor, CockpitState};
use crate::view::canvas::{Canvas, Line, span};
use crate::view::lines::fold;
use crate::view::theme::Role;

/// Draws the question with what has been typed.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, then: &AskedFor, text: &str) {
    let height = 8.min(area.height);
    let area = Rect {
        y: area.y + (area.height - height) / 2,
        height,
        ..area
    };
    let (title, question) = match then {
        AskedFor::HoldReason(target, digest) => {
            let version = state.version_of(&target.service, *digest);
            let name = version.map_or_else(|| digest.short(), |version| version.text().to_owned());
            let (service, environment) = (&target.service, &target.environment);
            (
                "hold",
                format!("Why may {name} of {service} not step forward from {environment}? Others will read this:"),
            )
        }
        AskedFor::RevertTo(target) => {
            let (service, environment) = (&target.service, &target.environment);
            (
                "revert to",
                format!("Which digest of {service} comes back in {environment}? Type or paste sha256:… :"),
            )
        }
    };
    let inside = window(canvas, area, &vec![span(Role::Title, title)]);
    let mut lines: Vec<Line> = fold(vec![span(Role::Text, question)], inside.width, 0, 3, canvas.glyphs());
    let typed = vec![span(Role::Input, text), span(Role::Cursor, " ")];
    lines.extend(fold(typed, inside.width, 0, 3, canvas.glyphs()));
    for (at, line) in lines.iter().enumerate().take(usize::from(inside.height)) {
        let y = inside.y + u16::try_from(at).unwrap_or(0);
        canvas.line(inside.x, y, inside.width, line);
    }
}

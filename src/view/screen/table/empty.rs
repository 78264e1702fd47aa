//! A table without rows: why, and what to do next. A repository in which nothing is found is the one place where the
//! way on leads out of the cockpit.

use ratatui::layout::Rect;

use crate::app::Action;
use crate::app::state::{BoardPass, CockpitState};
use crate::view::canvas::{Canvas, Line, span};
use crate::view::lines::fold;
use crate::view::theme::Role;

/// Draws the reason, and the next step where there is one.
pub(super) fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    let width = area.width.saturating_sub(2);
    let lines: Vec<Line> = words(state)
        .into_iter()
        .flat_map(|(role, text)| fold(vec![span(role, text)], width, 0, 3, canvas.glyphs()))
        .collect();
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        canvas.line(area.x + 1, y, width, line);
    }
}

fn words(state: &CockpitState) -> Vec<(Role, String)> {
    let dim = |text: &str| vec![(Role::Dim, text.to_owned())];
    if !state.board.services.is_empty() {
        return dim("no service matches the filter: esc shows all");
    }
    if state.board.repository.is_none() {
        return match &state.pass {
            BoardPass::Failed(..) => dim("nothing could be read"),
            _ => dim("reading pins from git"),
        };
    }
    let why = if state.board.unmanaged.is_empty() {
        "no pins: no file of this commit names an image".to_owned()
    } else {
        format!(
            "no pins: {} images were found, and none of them belongs to an environment",
            state.board.unmanaged.len()
        )
    };
    let quit = state.keymap.key_of(Action::Quit);
    let quit = quit.map_or_else(String::new, |key| format!("{key} leaves; then "));
    vec![
        (Role::Text, why),
        (
            Role::Dim,
            "A manifest (Kubernetes, Kustomize, Helm values, Flux, Argo CD, Compose) names an image, and its folder or \
             file name an environment, as in envs/production/api.yaml. Only what is committed counts."
                .to_owned(),
        ),
        (
            Role::Dim,
            format!("{quit}`pindeck init` names the environments of this repository, and `pindeck demo` is a world to look around in."),
        ),
    ]
}

//! The first line: where we are, how current it is, what it has cost.

use ratatui::layout::Rect;

use crate::app::age;
use crate::app::state::{BoardPass, CockpitState};
use crate::domain::board::{Fetch, RepositoryInfo};
use crate::view::canvas::{Canvas, Line, span, width};
use crate::view::theme::Role;

/// Draws the header.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect) {
    let left = left(state);
    let needed: u16 = left.iter().map(|piece| width(&piece.text, canvas.glyphs())).sum();
    let room = area.width.saturating_sub(needed + 3).max(area.width / 4);
    let right = right(canvas, state, room);
    let inner = Rect {
        width: area.width.saturating_sub(1),
        ..area
    };
    let start = canvas.line_right(inner, &right);
    canvas.line(area.x, area.y, start.saturating_sub(area.x + 1), &left);
}

fn left(state: &CockpitState) -> Line {
    let mut line = vec![span(Role::Accent, " pindeck")];
    let mut banner = |text: String| {
        line.push(span(Role::Text, " "));
        line.push(span(Role::Banner, format!(" {text} ")));
    };
    if let Some(text) = &state.setup.banner {
        banner(text.clone());
    }
    if state.setup.read_only {
        banner("read-only".to_owned());
    }
    if let Some(writing) = &state.writing {
        banner(format!("in flight: {}", writing.what));
    }
    if state.setup.offline {
        banner("offline".to_owned());
    }
    if let Some(frozen) = &state.frozen {
        banner(format!("frozen, {} waiting", frozen.waiting));
    }
    match &state.board.repository {
        Some(repository) => {
            let name = repository
                .path
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            line.push(span(Role::Title, format!("  {name}")));
            let commit: String = repository.commit.chars().take(7).collect();
            line.push(span(Role::Text, format!("  {}@{commit}", repository.branch)));
            // While answers are still coming in nothing looks finished.
            if !state.is_refreshing() {
                line.push(span(Role::Dim, format!("  {}", sync(repository, state))));
            }
            let fixed: Vec<&str> = state
                .board
                .environments
                .iter()
                .filter(|e| e.read_only)
                .map(|e| e.name.as_str())
                .collect();
            if !fixed.is_empty() && !state.setup.read_only {
                line.push(span(Role::Warned, format!("  read-only: {}", fixed.join(", "))));
            }
        }
        None => line.push(span(Role::Dim, "  reading the repository")),
    }
    line
}

fn sync(repository: &RepositoryInfo, state: &CockpitState) -> String {
    let mut parts = Vec::new();
    match (&repository.remote, &repository.fetch) {
        (None, _) => parts.push("local HEAD, no remote".to_owned()),
        (Some(_), Fetch::NotAsked) => parts.push("not fetched".to_owned()),
        (Some(_), Fetch::Failed(..)) => parts.push("fetch failed".to_owned()),
        (Some(_), Fetch::Fresh(at)) => parts.push(match age::words(*at, state.minute()).as_str() {
            "fresh" => "synced, fresh".to_owned(),
            words => format!("synced {words} ago"),
        }),
    }
    if repository.ahead > 0 {
        parts.push(format!("{} unpushed", repository.ahead));
    }
    if repository.dirty {
        parts.push("dirty".to_owned());
    }
    parts.join(", ")
}

/// What stands on the right, as much as there is room for: drift, the pass, the budget.
fn right(canvas: &Canvas<'_>, state: &CockpitState, room: u16) -> Line {
    let budget = &state.board.budget;
    let drift = state.board.drift.len();
    let mut parts: Vec<Line> = Vec::new();
    parts.push(match (drift, state.board.finished_at.is_some() || drift > 0) {
        (_, false) => vec![span(Role::Dim, "drift not known yet")],
        (0, true) if state.board.unreachable().is_some() => {
            vec![span(Role::Unreachable, "no drift seen, not all reached")]
        }
        (0, true) => vec![span(Role::Verified, "no drift")],
        (n, true) => vec![span(Role::Drift, format!("{} {n} drift", canvas.glyphs().drift))],
    });
    match &state.pass {
        BoardPass::Running(_) => {
            let (done, all) = state.progress();
            // Before everything else, so that it is the last to give way.
            parts.insert(0, vec![span(Role::Accent, format!("checking {done}/{all}"))]);
        }
        BoardPass::Failed(..) => parts.push(vec![span(Role::Error, "refresh failed")]),
        BoardPass::None | BoardPass::Ended(_) => {}
    }
    let limited = if budget.rate_limited > 0 {
        Role::Warned
    } else {
        Role::Dim
    };
    parts.push(vec![span(Role::Dim, format!("registry {} req", budget.requests))]);
    parts.push(vec![span(limited, format!("{} limited", budget.rate_limited))]);
    loop {
        let mut line: Line = Vec::new();
        for part in &parts {
            if !line.is_empty() {
                line.push(span(Role::Dim, "  "));
            }
            line.extend(part.iter().cloned());
        }
        let wanted: u16 = line.iter().map(|piece| width(&piece.text, canvas.glyphs())).sum();
        if wanted <= room || parts.len() <= 1 {
            return line;
        }
        parts.pop();
    }
}

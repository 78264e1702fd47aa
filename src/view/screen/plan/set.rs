//! The members of a set: one line for each, with everything that decides about it.

use ratatui::layout::Rect;

use crate::app::plan_screen::PlanScreen;
use crate::app::state::CockpitState;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::plan::{GateState, Plan};
use crate::domain::verdict::Outcome;
use crate::view::canvas::{Canvas, Line, span, width};
use crate::view::glyphs::Glyphs;
use crate::view::names::shorten_all;
use crate::view::theme::{Role, Theme};
use crate::view::widget::{list, scroll, sign};

/// Columns of a name at most, where there is little room.
const NAME: u16 = 24;

/// Draws the members below the title; answers how many lines they took. With many members the list scrolls
/// over half the screen, so that there is room for the details of the selected one.
pub(super) fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, screen: &PlanScreen, area: Rect) -> u16 {
    let members = screen.members();
    if members.is_empty() {
        return 0;
    }
    let all = u16::try_from(members.len()).unwrap_or(u16::MAX);
    let height = all.min(area.height.saturating_sub(3) / 2).max(1);
    let selected = screen.member_position();
    let top = list::top(selected, members.len(), usize::from(height));
    let body = Rect {
        y: area.y + 1,
        height,
        width: area.width - 2,
        ..area
    };
    let names: Vec<&str> = members.iter().map(|plan| plan.service.as_str()).collect();
    let glyphs = canvas.glyphs();
    let longest = names.iter().map(|name| width(name, glyphs)).max().unwrap_or(0);
    let columns = longest.min(NAME.max(area.width / 4));
    let short = shorten_all(&names, columns, glyphs.ellipsis);
    for (at, plan) in members.iter().enumerate().skip(top).take(usize::from(height)) {
        let y = body.y + u16::try_from(at - top).unwrap_or(0);
        let role = if at == selected { Role::Row } else { Role::Text };
        if at == selected {
            canvas.text(body.x, y, 1, glyphs.cursor, Role::Accent);
        }
        let name = canvas.text(body.x + 2, y, columns, &short[at], role);
        debug_assert!(name <= body.x + 2 + columns);
        let line = member(state, plan, canvas.theme(), glyphs);
        let x = body.x + 2 + columns + 2;
        canvas.line(x, y, body.right().saturating_sub(x), &line);
    }
    let hidden = all - height;
    if hidden > 0 {
        scroll::bar(canvas, members.len(), top, body);
    }
    let note = vec![span(
        Role::Dim,
        format!(" {} of {all} services, up and down choose ", selected + 1),
    )];
    let rule = Rect {
        y: body.bottom(),
        height: 1,
        ..area
    };
    canvas.rule(rule, &note, false);
    height + 1
}

/// From what to what, the verdict, and what stands in the way.
fn member(state: &CockpitState, plan: &Plan, theme: &Theme, glyphs: &Glyphs) -> Line {
    let mut line = Line::new();
    if let Some(from) = plan.from.filter(|from| *from != plan.to) {
        release(&mut line, state, &plan.service, from, theme, glyphs);
        line.push(span(Role::Dim, format!(" {} ", glyphs.arrow)));
    }
    release(&mut line, state, &plan.service, plan.to, theme, glyphs);
    line.push(span(Role::Text, "  "));
    if let Some(verdict) = &plan.verdict {
        let (role, sign) = match verdict.result {
            Outcome::Verified => (Role::Verified, glyphs.passed),
            Outcome::Warned => (Role::Warned, "!"),
            Outcome::Rejected => (Role::Rejected, glyphs.failed),
            Outcome::Unknown => (Role::Unknown, "?"),
        };
        line.push(span(role, format!("{sign} {}", verdict.result.as_str())));
    }
    let closed: Vec<&str> = plan
        .gates
        .iter()
        .filter(|gate| gate.state == GateState::Closed)
        .map(|gate| gate.gate.as_str())
        .collect();
    if !closed.is_empty() {
        line.push(span(Role::Rejected, format!("  REFUSED: {}", closed.join(", "))));
    }
    match plan.warnings.as_slice() {
        [] => {}
        [one] => line.push(span(Role::Warned, format!("  ! {}", one.clean()))),
        many => line.push(span(Role::Warned, format!("  ! {} warnings", many.len()))),
    }
    line
}

/// The version if one is known, and the short digest with its sign.
fn release(line: &mut Line, state: &CockpitState, service: &ServiceId, digest: Digest, theme: &Theme, glyphs: &Glyphs) {
    if let Some(version) = state.version_of(service, digest) {
        line.push(span(Role::Title, format!("{} ", version.text())));
    }
    line.push(sign::of(state, service, digest, theme, glyphs));
    line.push(span(Role::Text, format!(" {}", digest.short())));
}

//! The plan screen: everything a person should see before saying yes, then how far it is, then what
//! became of it.

mod bar;
mod labelled;
mod outcome;
mod proposal;
mod running;
mod set;

use ratatui::layout::Rect;

use crate::app::msg::ScrollLimits;
use crate::app::plan_screen::{PlanScreen, Stage, title};
use crate::app::state::CockpitState;
use crate::app::versions::{NamedVersion, version_of};
use crate::domain::id::{Digest, ServiceId};
use crate::domain::plan::Verb;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::theme::Role;
use crate::view::units::waited;
use crate::view::widget::scroll;

/// What a plan of one service puts there.
fn release_of(screen: &PlanScreen) -> Option<(&ServiceId, Digest)> {
    match screen.proposal()?.plans.as_slice() {
        [plan] if matches!(plan.verb, Verb::Promote | Verb::Revert | Verb::Pin) => Some((&plan.service, plan.to)),
        _ => None,
    }
}

/// Draws the plan screen.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, screen: &PlanScreen, area: Rect, limits: &mut ScrollLimits) {
    let word = match &screen.stage {
        Stage::Planning { .. } | Stage::Shown(_) => "plan",
        Stage::Running(_) => "in flight",
        Stage::Failed(_) => "not done",
        Stage::Done(..) => "done",
    };
    let mut title = vec![
        span(Role::Title, word),
        span(Role::Text, format!("  {}", title(&screen.request.ask))),
    ];
    if let Some((service, digest)) = release_of(screen)
        && let Some(version) = version_of(state, service, digest)
    {
        let (NamedVersion::Tag(version) | NamedVersion::Label(version)) = version;
        title.push(span(Role::Title, format!("  {version}")));
    }
    canvas.rule(Rect { height: 1, ..area }, &title, true);
    let width = area.width - 2;
    let lines: Vec<Line> = match &screen.stage {
        Stage::Planning { since } => match waited(*since, state.now) {
            None => Vec::new(),
            Some(waited) => vec![
                Line::new(),
                vec![span(
                    Role::Dim,
                    format!("planning on the newest commit of the remote, and asking the registries{waited}"),
                )],
            ],
        },
        Stage::Shown(proposal) => proposal::lines(canvas, state, screen, proposal, width),
        Stage::Running(proposal) => {
            let mut lines = running::lines(canvas, state, proposal, width);
            lines.extend(proposal::lines(canvas, state, screen, proposal, width));
            lines
        }
        Stage::Failed(failure) => outcome::failed(failure, width, canvas.glyphs()),
        Stage::Done(proposal, receipt) => outcome::done(canvas, state, proposal, receipt, width),
    };
    let above = set::draw(canvas, state, screen, area);
    let body = Rect {
        x: area.x + 1,
        y: area.y + 1 + above,
        width,
        height: area.height.saturating_sub(3 + above),
    };
    limits.page = body.height;
    limits.text = scroll::draw(canvas, &lines, body, screen.top);
    if screen.shown().is_some() {
        limits.proposal = Some(screen.serial);
    }
    let bar = Rect {
        y: area.bottom() - 2,
        height: 2,
        ..area
    };
    bar::draw(canvas, state, screen, bar, limits.text.saturating_sub(screen.top));
}

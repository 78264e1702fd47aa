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
use crate::app::versions::NamedVersion;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::plan::Verb;
use crate::view::canvas::{Canvas, Line, span, width as columns};
use crate::view::glyphs::Glyphs;
use crate::view::lines::fold;
use crate::view::theme::Role;
use crate::view::units::waited;
use crate::view::widget::scroll;

/// Columns that the place in a long text takes from the title: ` 11-20 of 105 `, and the end of the rule.
const PLACE: u16 = 15;

/// What a plan of one service puts there.
fn release_of(screen: &PlanScreen) -> Option<(&ServiceId, Digest)> {
    match screen.proposal()?.plans.as_slice() {
        [plan] if matches!(plan.verb, Verb::Promote | Verb::Revert | Verb::Pin) => Some((&plan.service, plan.to)),
        _ => None,
    }
}

/// The branch has moved since the plan was made.
fn out_of_date(screen: &PlanScreen, width: u16, glyphs: &Glyphs) -> Vec<Line> {
    let (Some(moved), Some(proposal)) = (&screen.moved, screen.shown()) else {
        return Vec::new();
    };
    let commit: String = moved.commit.chars().take(7).collect();
    let what = match &moved.changed {
        Some(target) => format!("! out of date: somebody changed {target} meanwhile ({commit}); "),
        None => format!(
            "! out of date: {} moved to {commit} since this was planned; ",
            proposal.branch
        ),
    };
    let role = if moved.changed.is_some() {
        Role::Error
    } else {
        Role::Warned
    };
    let line = vec![span(role, what), span(Role::Key, "n"), span(Role::Text, " plans again")];
    // The place in the text stands at the end of the last of these lines.
    fold(line, width.saturating_sub(16), 2, 3, glyphs)
}

/// Everything that the screen has, with every member of a set, for whoever has no screen.
pub fn whole(canvas: &Canvas<'_>, state: &CockpitState, screen: &PlanScreen, width: u16) -> Vec<Line> {
    let mut lines = out_of_date(screen, width, canvas.glyphs());
    match &screen.stage {
        Stage::Planning { .. } => {}
        Stage::Shown(proposal) | Stage::Running(proposal) => {
            lines.extend(proposal::whole(canvas, state, screen, proposal, width));
        }
        Stage::Failed(failure) => lines.extend(outcome::failed(failure, width, canvas.glyphs())),
        Stage::Done(proposal, receipt) => lines.extend(outcome::done(canvas, state, proposal, receipt, width)),
    }
    lines
}

/// Draws the plan screen.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, screen: &PlanScreen, area: Rect, limits: &mut ScrollLimits) {
    let word = match &screen.stage {
        Stage::Planning { .. } | Stage::Shown(_) => "plan",
        Stage::Running(_) => "in flight",
        Stage::Failed(_) => "not done",
        Stage::Done(..) => "done",
    };
    let what = span(Role::Text, title(&screen.request.ask));
    let mut release = Line::new();
    if let Some((service, digest)) = release_of(screen)
        && let Some(version) = state.version_of(service, digest)
    {
        release.push(span(Role::Title, format!("  {}", version.text())));
        if matches!(version, NamedVersion::Label(_)) {
            release.push(span(Role::Dim, " (label)"));
        }
    }
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
    let mut body = Rect {
        x: area.x + 1,
        y: area.y + 1 + above,
        width,
        height: area.height.saturating_sub(3 + above),
    };
    // Never scrolled away: what is read below it no longer stands on the newest commit.
    for line in out_of_date(screen, width, canvas.glyphs()) {
        canvas.line(body.x, body.y, width, &line);
        body.y += 1;
        body.height = body.height.saturating_sub(1);
    }
    // Names are never cut: the version stands below too, and that this is a plan is said by its keys.
    let place = if lines.len() > usize::from(body.height) {
        PLACE
    } else {
        0
    };
    let room = area.width.saturating_sub(3 + place);
    let fits = |line: &Line| {
        line.iter()
            .map(|piece| columns(&piece.text, canvas.glyphs()))
            .sum::<u16>()
            <= room
    };
    let named = vec![span(Role::Title, word), span(Role::Text, "  "), what.clone()];
    let whole: Line = named.iter().cloned().chain(release).collect();
    let title = [whole, named].into_iter().find(fits).unwrap_or_else(|| vec![what]);
    canvas.rule(Rect { height: 1, ..area }, &title, true);
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

//! Where there is room: what every environment of the service has pinned, since when and by whom, who holds
//! what, and what the next step would change.

use super::labelled::InspectorLines;
use crate::app::age;
use crate::app::cursor::ScreenSubject;
use crate::app::request;
use crate::app::state::CockpitState;
use crate::domain::board::{Cell, ServiceRow};
use crate::domain::id::{Digest, EnvId};
use crate::view::canvas::{Canvas, Line, span, width};
use crate::view::theme::Role;
use crate::view::widget::sign;

/// The lines about the row; empty where nothing of it is known.
pub(super) fn lines(state: &CockpitState, canvas: &Canvas<'_>, columns: u16) -> Vec<Line> {
    let mut out = InspectorLines::new(state, canvas, columns);
    let subject = state.subject();
    let row = subject.as_ref().and_then(|subject| state.row_of(subject));
    let (Some(subject), Some(row)) = (subject, row) else {
        return out.lines;
    };
    out.pad(1);
    let names = row.cells.iter().map(|cell| cell.pin.target.environment.as_str());
    let longest = names.map(|name| width(name, out.glyphs)).max().unwrap_or(0).min(20);
    let mut label = "pins";
    for cell in &row.cells {
        let line = pin(state, row, cell, usize::from(longest));
        out.cut(std::mem::take(&mut label), line);
    }
    let mut label = "holds";
    for cell in row.cells.iter().filter(|cell| cell.hold.is_some()) {
        let Some(hold) = &cell.hold else { continue };
        let by = hold.by.as_ref().map(|by| format!(" by {}", by.clean()));
        let since = hold.since.map(|at| format!(", {}", age::ago(at, out.now)));
        let who = format!("{}{}", by.unwrap_or_default(), since.unwrap_or_default());
        let line = vec![
            span(Role::Hold, format!("{} {} held", out.glyphs.hold, hold.digest.short())),
            span(Role::Dim, format!("{who}: ")),
            span(Role::Text, hold.reason.clean().into_string()),
        ];
        out.cut(std::mem::take(&mut label), line);
    }
    // Its place is kept where there is no step: then no other line moves. Why there is none stands in the footer.
    match step(state, canvas, row, &subject) {
        Some(line) => out.cut("next step", line),
        None => out.lines.push(Line::new()),
    }
    out.lines
}

/// What is pinned in one environment, since when and by whom. Digest and verdict stand in the table.
fn pin(state: &CockpitState, row: &ServiceRow, cell: &Cell, longest: usize) -> Line {
    let environment = cell.pin.target.environment.as_str();
    let release = match cell.pin.digest {
        Some(digest) => match state.version_of(&row.name, digest) {
            Some(version) => version.text().to_owned(),
            None => digest.short(),
        },
        None => format!(":{}", cell.pin.tag.as_deref().unwrap_or("no tag")),
    };
    let mut line = vec![span(Role::Text, format!("{environment:<longest$}  {release:<12}"))];
    if let Some(by) = &cell.pinned_by {
        let when = age::ago(by.at, state.minute());
        line.push(span(Role::Dim, format!("  {when} by {}", by.author.clean())));
    }
    line
}

/// What promoting from here would change.
fn step(state: &CockpitState, canvas: &Canvas<'_>, row: &ServiceRow, subject: &ScreenSubject) -> Option<Line> {
    let glyphs = canvas.glyphs();
    let (promotion, to) = request::step_of(state, subject).ok()?;
    // What stands in the way is said above.
    if request::obstacle(state, &promotion, &to).is_some() {
        return None;
    }
    let new = state.digest_of(subject)?;
    let mut line = vec![span(Role::Text, format!("{to}: "))];
    let cell = cell_in(row, &to);
    match cell.and_then(|cell| cell.pin.digest) {
        Some(old) => release(&mut line, state, canvas, row, old),
        None => line.push(span(Role::Dim, "nothing pinned by digest")),
    }
    line.push(span(Role::Dim, format!(" {} ", glyphs.arrow)));
    release(&mut line, state, canvas, row, new);
    if let Some(place) = cell.and_then(|cell| cell.pin.locations.first()) {
        line.push(span(Role::Dim, format!("  in {}:{}", place.file, place.line)));
    }
    Some(line)
}

fn cell_in<'a>(row: &'a ServiceRow, environment: &EnvId) -> Option<&'a Cell> {
    row.cells
        .iter()
        .find(|cell| cell.pin.target.environment == *environment)
}

/// Sign, short digest and version.
fn release(line: &mut Line, state: &CockpitState, canvas: &Canvas<'_>, row: &ServiceRow, digest: Digest) {
    line.push(sign::of(state, &row.name, digest, canvas.theme(), canvas.glyphs()));
    line.push(span(Role::Text, format!(" {}", digest.short())));
    if let Some(version) = state.version_of(&row.name, digest) {
        line.push(span(Role::Title, format!(" {}", version.text())));
    }
}

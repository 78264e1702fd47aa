//! What git remembers about one pin: who, when, why, from which bytes to which.

use ratatui::layout::Rect;

use crate::app::age;
use crate::app::msg::ScrollLimits;
use crate::app::state::{CockpitState, HistoryScreen, Reading};
use crate::domain::history::{Action, Entry};
use crate::domain::id::Digest;
use crate::domain::pin_set::BranchPart;
use crate::view::canvas::{Canvas, Line, Span, span};
use crate::view::lines::fold;
use crate::view::size::WIDE;
use crate::view::theme::Role;
use crate::view::widget::{list, sign};

/// Draws the history screen.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &CockpitState,
    screen: &HistoryScreen,
    area: Rect,
    limits: &mut ScrollLimits,
) {
    let glyphs = canvas.glyphs();
    let dot = glyphs.dot;
    let title = format!(
        "history {dot} {} {dot} {}",
        screen.target.service, screen.target.environment
    );
    let mut line = vec![span(Role::Title, title)];
    line.push(match &screen.reading {
        Reading::Running => span(Role::Dim, format!("  {} so far, reading", screen.entries.len())),
        Reading::Complete => span(Role::Dim, format!("  {} changes, newest first", screen.entries.len())),
        Reading::Failed(_) => span(Role::Error, "  broke off"),
    });
    canvas.rule(Rect { height: 1, ..area }, &line, true);
    let mut list_area = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    if let Reading::Failed(failure) = &screen.reading {
        let (what, next) = (failure.what.clean(), failure.next_on_screen());
        for (role, text) in [(Role::Error, what.as_str()), (Role::Dim, next.as_str())] {
            if list_area.height > 1 {
                canvas.text(list_area.x + 1, list_area.y, list_area.width - 2, text, role);
                list_area.y += 1;
                list_area.height -= 1;
            }
        }
    }
    if screen.entries.is_empty() {
        let text = match &screen.reading {
            Reading::Running => "reading git",
            Reading::Complete => "absent: no commit of this branch changed this pin",
            Reading::Failed(_) => "",
        };
        canvas.text(list_area.x + 1, list_area.y, list_area.width - 2, text, Role::Dim);
        return;
    }
    let details = 6.min(list_area.height / 2);
    let rows = Rect {
        height: list_area.height - details,
        ..list_area
    };
    limits.page = rows.height;
    let theme = canvas.theme();
    let service = &screen.target.service;
    let sign = |digest| sign::of(state, service, digest, theme, glyphs);
    let selected = screen
        .selected
        .as_ref()
        .and_then(|selected| screen.entries.iter().position(|entry| entry.commit == *selected));
    let top = list::top(selected.unwrap_or(0), screen.entries.len(), usize::from(rows.height));
    for (at, entry) in screen
        .entries
        .iter()
        .enumerate()
        .skip(top)
        .take(usize::from(rows.height))
    {
        let y = rows.y + u16::try_from(at - top).unwrap_or(0);
        let line = row(state, entry, &sign, area.width, glyphs);
        canvas.line(rows.x + 2, y, rows.width - 3, &line);
        if selected == Some(at) {
            canvas.text(rows.x, y, 1, glyphs.cursor, Role::Accent);
            canvas.lay(
                Rect {
                    x: rows.x + 2,
                    y,
                    width: rows.width - 3,
                    height: 1,
                },
                Role::Cursor,
            );
        }
    }
    if let Some(entry) = selected.and_then(|at| screen.entries.get(at)) {
        let area = Rect {
            y: list_area.bottom() - details,
            height: details,
            ..list_area
        };
        detail(canvas, entry, &sign, area);
    }
}

fn bytes(digest: Option<Digest>, tag: Option<&str>, sign: &dyn Fn(Digest) -> Span) -> [Span; 2] {
    match digest {
        Some(digest) => [sign(digest), span(Role::Text, format!(" {}", digest.short()))],
        None => {
            let tag = tag.map_or_else(|| "no digest".to_owned(), |tag| format!(":{tag}"));
            [
                span(Role::Text, " "),
                span(Role::ByTag, format!("{:<9}", tag.chars().take(9).collect::<String>())),
            ]
        }
    }
}

fn row(
    state: &CockpitState,
    entry: &Entry,
    sign: &dyn Fn(Digest) -> Span,
    columns: u16,
    glyphs: &crate::view::glyphs::Glyphs,
) -> Line {
    let when = age::words(entry.at, state.minute());
    let mut line = vec![span(Role::Dim, format!("{when:>9}  "))];
    if columns >= WIDE {
        line.extend(bytes(entry.from, None, sign));
        line.push(span(Role::Dim, format!(" {} ", glyphs.arrow)));
    }
    line.extend(bytes(entry.to, entry.tag.as_deref(), sign));
    if entry.to.is_some() {
        let room = if columns >= WIDE { 14 } else { 9 };
        let tag = crate::view::canvas::cut(entry.tag.as_deref().unwrap_or(""), room, glyphs.ellipsis).into_owned();
        line.push(span(Role::Title, format!("  {tag:<width$}", width = usize::from(room))));
    }
    let (role, word) = match entry.action {
        Action::Promote => (Role::Verified, "promote"),
        Action::Revert => (Role::Warned, "revert"),
        Action::Other => (Role::Dim, "change"),
    };
    line.push(span(role, format!("  {word:<8}")));
    if entry.break_glass.is_some() {
        line.push(span(Role::Rejected, "break-glass "));
    }
    match entry.part {
        BranchPart::Branch => {}
        BranchPart::Passed | BranchPart::Side => line.push(span(Role::Dim, "side branch ")),
        BranchPart::Dropped => line.push(span(Role::Dim, "dropped ")),
    }
    let author = crate::view::canvas::cut(entry.author.clean().as_str(), 16, glyphs.ellipsis).into_owned();
    line.push(span(Role::Text, format!("{author:<16}  ")));
    line.push(span(Role::Text, entry.subject.clean().into_string()));
    line
}

/// The selected commit, digests in full.
fn detail(canvas: &mut Canvas<'_>, entry: &Entry, sign: &dyn Fn(Digest) -> Span, area: Rect) {
    if area.height == 0 {
        return;
    }
    canvas.rule(
        Rect { height: 1, ..area },
        &[span(Role::Title, format!("commit {}", entry.commit))],
        false,
    );
    let full = |label: &str, digest: Option<Digest>| {
        // A narrow label: a digest must stand in one line at 80 columns.
        let mut line = vec![span(Role::Dim, format!("{label:<5}"))];
        match digest {
            Some(digest) => {
                line.push(sign(digest));
                line.push(span(Role::Text, format!(" {digest}")));
            }
            None => line.push(span(Role::Dim, "no digest")),
        }
        line
    };
    let mut lines = vec![full("from", entry.from), full("to", entry.to)];
    let mut by = vec![
        span(Role::Dim, format!("{:<9}", "by")),
        span(Role::Text, format!("{}, {}", entry.author.clean(), entry.at)),
    ];
    if let Some(reverts) = &entry.reverts {
        by.push(span(
            Role::Warned,
            format!("  reverts {}", reverts.chars().take(12).collect::<String>()),
        ));
    }
    lines.push(by);
    lines.push(vec![
        span(Role::Dim, format!("{:<9}", "subject")),
        span(Role::Text, entry.subject.clean().into_string()),
    ]);
    if let Some(aside) = entry.aside() {
        lines.push(vec![
            span(Role::Dim, format!("{:<9}", "where")),
            span(Role::Text, aside),
        ]);
    }
    if let Some(reason) = &entry.break_glass {
        lines.push(vec![
            span(Role::Rejected, format!("{:<9}", "waived")),
            span(Role::Text, format!("break-glass: {}", reason.quoted())),
        ]);
    }
    let glyphs = canvas.glyphs();
    let folded = lines
        .into_iter()
        .flat_map(|line| fold(line, area.width - 2, 9, 2, glyphs));
    for (at, line) in folded.take(usize::from(area.height - 1)).enumerate() {
        let y = area.y + 1 + u16::try_from(at).unwrap_or(0);
        canvas.line(area.x + 1, y, area.width - 2, &line);
    }
}

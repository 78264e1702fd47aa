//! What a pin can go back to: every earlier digest with its version, its past, its verdict and what speaks
//! against it.

use ratatui::layout::Rect;

use crate::app::age;
use crate::app::cell_status::CellStatus;
use crate::app::comparison::ComparisonState;
use crate::app::msg::ScrollLimits;
use crate::app::revert_screen::{RevertAccess, RevertRow, RevertScreen};
use crate::app::state::{CockpitState, Reading};
use crate::domain::verdict::Outcome;
use crate::view::canvas::{Canvas, Line, cut, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::{fold, labelled};
use crate::view::screen::diff;
use crate::view::size::WIDE;
use crate::view::theme::{Role, of_status};
use crate::view::units::waited;
use crate::view::widget::{list, sign};

/// Columns of the labels of the details.
const LABEL: u16 = 10;

/// Draws the screen.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &CockpitState,
    screen: &RevertScreen,
    area: Rect,
    limits: &mut ScrollLimits,
) {
    let glyphs = canvas.glyphs();
    let mut title = vec![
        span(Role::Title, "revert"),
        span(
            Role::Text,
            format!(
                "  {} in {}: go back to which digest?",
                screen.target.service, screen.target.environment
            ),
        ),
    ];
    if let Reading::Failed(_) = &screen.reading {
        title.push(span(Role::Error, "  broke off"));
    }
    canvas.rule(Rect { height: 1, ..area }, &title, true);
    let mut body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    if let Reading::Failed(failure) = &screen.reading {
        let words = [
            (Role::Error, failure.what.clean().into_string()),
            (Role::Dim, failure.next_on_screen().to_string()),
        ];
        for (role, text) in words {
            if body.height > 1 {
                canvas.text(body.x + 1, body.y, body.width - 2, &text, role);
                body.y += 1;
                body.height -= 1;
            }
        }
    }
    if screen.rows.is_empty() {
        let text = match &screen.reading {
            Reading::Running => {
                waited(screen.since, state.now).map(|waited| format!("reading the history of this pin{waited}"))
            }
            Reading::Complete => {
                Some("nothing else was ever pinned here on this branch: there is nothing to go back to".to_owned())
            }
            Reading::Failed(_) => None,
        };
        canvas.text(body.x + 1, body.y, body.width - 2, &text.unwrap_or_default(), Role::Dim);
        return;
    }
    let details = (body.height / 2).min(12);
    let rows = Rect {
        height: body.height - details,
        ..body
    };
    limits.page = rows.height;
    let selected = screen.position();
    let top = list::top(selected.unwrap_or(0), screen.rows.len(), usize::from(rows.height));
    let good = screen.last_known_good();
    for (at, row) in screen.rows.iter().enumerate().skip(top).take(usize::from(rows.height)) {
        let y = rows.y + u16::try_from(at - top).unwrap_or(0);
        let is_good = good == Some(row.earlier.digest);
        let line = line(canvas, state, screen, row, is_good, area.width);
        canvas.line(rows.x + 2, y, rows.width - 3, &line);
        if selected == Some(at) {
            canvas.text(rows.x, y, 1, glyphs.cursor, Role::Accent);
            let whole = Rect {
                x: rows.x + 2,
                y,
                width: rows.width - 3,
                height: 1,
            };
            canvas.lay(whole, Role::Cursor);
        }
    }
    if let Some(row) = screen.row() {
        let below = Rect {
            y: body.bottom() - details,
            height: details,
            ..body
        };
        detail(canvas, state, screen, row, below);
    }
}

/// The status that a verdict is shown as, and whether it is known yet.
fn status(row: &RevertRow, reading: &Reading) -> CellStatus {
    match row.verdict.as_ref().map(|verdict| verdict.result) {
        Some(Outcome::Verified) => CellStatus::Verified,
        Some(Outcome::Warned) => CellStatus::Warned,
        Some(Outcome::Rejected) => CellStatus::Rejected,
        Some(Outcome::Unknown) => CellStatus::Unknown,
        None if *reading == Reading::Running => CellStatus::Loading,
        None => CellStatus::NotChecked,
    }
}

fn line(
    canvas: &Canvas<'_>,
    state: &CockpitState,
    screen: &RevertScreen,
    row: &RevertRow,
    good: bool,
    columns: u16,
) -> Line {
    let glyphs = canvas.glyphs();
    let earlier = &row.earlier;
    let now = state.minute();
    let mut line = vec![
        sign::of(state, &screen.target.service, earlier.digest, canvas.theme(), glyphs),
        span(Role::Text, format!(" {}  ", earlier.digest.short())),
    ];
    let room = if columns >= WIDE { 18 } else { 10 };
    let version = cut(earlier.tag.as_deref().unwrap_or("no tag"), room, glyphs.ellipsis).into_owned();
    line.push(span(
        Role::Title,
        format!("{version:<width$}  ", width = usize::from(room)),
    ));
    let when = earlier
        .pinned
        .as_ref()
        .map_or_else(String::new, |by| age::words(by.at, now));
    line.push(span(Role::Dim, format!("{when:>9}  ")));
    if columns >= WIDE {
        let who = earlier
            .pinned
            .as_ref()
            .map_or_else(String::new, |by| by.author.clean().into_string());
        let who = cut(&who, 14, glyphs.ellipsis).into_owned();
        line.push(span(Role::Text, format!("{who:<14}  ")));
    }
    let status = status(row, &screen.reading);
    line.push(span(
        of_status(status),
        format!("{} {:<11}", glyphs.status(status), status.word()),
    ));
    let (role, text) = remark(screen, row, good, glyphs);
    // In few columns the first words say what matters; the details below say the rest.
    let text = if columns < 80 {
        text.split(" in ").next().unwrap_or_default().to_owned()
    } else {
        text
    };
    line.push(span(role, text));
    line
}

fn is_rejected(row: &RevertRow) -> bool {
    let verdict = row.verdict.as_ref();
    verdict.is_some_and(|verdict| verdict.result == Outcome::Rejected)
}

/// What speaks for or against a digest, in a few words.
fn remark(screen: &RevertScreen, row: &RevertRow, good: bool, glyphs: &Glyphs) -> (Role, String) {
    match screen.access(row) {
        RevertAccess::Held(hold) | RevertAccess::Closed(hold) => (
            Role::Hold,
            format!(
                "{} on hold in {}: {}",
                glyphs.hold,
                hold.environment,
                hold.reason.quoted()
            ),
        ),
        RevertAccess::TakenBack => (Role::Warned, "! reverted before".to_owned()),
        // It stood last and nobody took it back, but what does not verify today is not called good.
        RevertAccess::Open if good && is_rejected(row) => (Role::Warned, "! does not verify".to_owned()),
        RevertAccess::Open if good => (Role::Verified, "last known good".to_owned()),
        RevertAccess::Open => (Role::Dim, String::new()),
    }
}

fn detail(canvas: &mut Canvas<'_>, state: &CockpitState, screen: &RevertScreen, row: &RevertRow, area: Rect) {
    if area.height == 0 {
        return;
    }
    let glyphs = canvas.glyphs();
    let earlier = &row.earlier;
    let now = state.minute();
    let width = area.width - 2;
    canvas.rule(Rect { height: 1, ..area }, &[span(Role::Title, row.name())], false);
    let service = &screen.target.service;
    let mut lines: Vec<Line> =
        vec![sign::with_digest(state, service, earlier.digest, Role::Title, canvas.theme(), glyphs).to_vec()];
    let mut say = |label: &str, line: Line| lines.extend(labelled(label, line, width, LABEL, 2, glyphs));
    match screen.access(row) {
        RevertAccess::Held(hold) | RevertAccess::Closed(hold) => say(
            "hold",
            vec![
                span(Role::Hold, format!("{} {}: ", glyphs.hold, hold.environment)),
                span(Role::Text, hold.reason.clean().into_string()),
            ],
        ),
        RevertAccess::TakenBack | RevertAccess::Open => {}
    }
    if let Some(by) = &earlier.pinned {
        say("pinned", commit(by, now));
    }
    let word = if earlier.ended_by_revert {
        "reverted"
    } else {
        "replaced"
    };
    say(word, commit(&earlier.replaced, now));
    if let Some(seconds) = earlier.stood_briefly() {
        let text = format!(
            "it stood here for {} min only: was it replaced because it was bad?",
            seconds.max(0) / 60
        );
        say("", vec![span(Role::Warned, text)]);
    }
    for cause in row.verdict.iter().flat_map(|verdict| &verdict.causes) {
        let (sign, role) = crate::view::widget::badge::cause(cause.cause, glyphs);
        let name = format!("{sign} {} {}", cause.check.as_str(), cause.cause.as_str());
        say(
            "",
            vec![
                span(role, name),
                span(Role::Text, format!("  {}", cause.detail.clean())),
            ],
        );
    }
    match &screen.compared {
        ComparisonState::Known(known) => {
            let mut label = "from now";
            for line in diff::summary(known, glyphs) {
                say(std::mem::take(&mut label), line);
            }
        }
        ComparisonState::Failed(failure) => say(
            "from now",
            vec![span(
                Role::Unreachable,
                format!("not compared: {}", failure.what.clean()),
            )],
        ),
        ComparisonState::Running => {
            if let Some(waited) = waited(screen.since, state.now) {
                say(
                    "from now",
                    vec![span(Role::Dim, format!("comparing with what is pinned now{waited}"))],
                );
            }
        }
        ComparisonState::NotAsked | ComparisonState::Nothing => {}
    }
    let folded = lines.into_iter().flat_map(|line| fold(line, width, LABEL, 2, glyphs));
    for (at, line) in folded.take(usize::from(area.height - 1)).enumerate() {
        let y = area.y + 1 + u16::try_from(at).unwrap_or(0);
        canvas.line(area.x + 1, y, width, &line);
    }
}

fn commit(by: &crate::domain::pin::PinnedBy, now: jiff::Timestamp) -> Line {
    let commit: String = by.commit.chars().take(7).collect();
    vec![
        span(Role::Text, age::ago(by.at, now)),
        span(Role::Dim, " by "),
        span(Role::Text, by.author.clean().into_string()),
        span(Role::Dim, format!(" in {commit} {}", by.subject.quoted())),
    ]
}

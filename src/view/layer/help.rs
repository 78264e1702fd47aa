//! Keys, words and signs, generated from the keymap in use.

use ratatui::layout::Rect;

use super::window::window;
use crate::app::action::{ACTIONS, HelpGroup};
use crate::app::cell_status::CellStatus;
use crate::app::msg::ScrollLimits;
use crate::app::state::CockpitState;
use crate::domain::running::observation::RunningState;
use crate::view::canvas::{Canvas, Line, Span, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::fold;
use crate::view::theme::{Role, Theme, of_status};
use crate::view::widget::{running, sign};

/// The words of the board, for somebody who sees them for the first time.
const WORDS: &[(&str, &str)] = &[
    (
        "digest",
        "the name of exact bytes: the same digest is the same release, everywhere",
    ),
    ("pin", "the image that git desires for one service in one environment"),
    ("candidate", "the digest CI built and offers next: the last column"),
    (
        "evidence",
        "a statement attached to one digest: signature, provenance, SBOM, test result",
    ),
    (
        "verdict",
        "what the policy says about one digest after checking its evidence",
    ),
    ("drift", "where tags, pins, evidence and history no longer say the same"),
    (
        "hold",
        "a reverted digest may not step forward again until it is released",
    ),
];

/// Keys in a column of their own, with a blank behind them however many there are.
fn keys_column(keys: &str) -> Span {
    span(Role::Key, format!("  {keys:<14} "))
}

/// Draws the help.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, area: Rect, top: u16, limits: &mut ScrollLimits) {
    let inside = window(canvas, area, &vec![span(Role::Title, "help")]);
    let lines = lines(state, canvas.theme(), canvas.glyphs(), inside.width);
    let height = usize::from(inside.height);
    let last = lines.len().saturating_sub(height);
    limits.help = u16::try_from(last).unwrap_or(u16::MAX);
    let top = usize::from(top).min(last);
    for (at, line) in lines.iter().skip(top).take(height).enumerate() {
        canvas.line(inside.x, inside.y + u16::try_from(at).unwrap_or(0), inside.width, line);
    }
    if last > 0 {
        let note = format!(" {}-{} of {} ", top + 1, (top + height).min(lines.len()), lines.len());
        canvas.line_right(
            Rect {
                height: 1,
                width: area.width - 1,
                ..area
            },
            &[span(Role::Dim, note)],
        );
    }
}

fn lines(state: &CockpitState, theme: &Theme, glyphs: &Glyphs, width: u16) -> Vec<Line> {
    let mut first = vec![
        span(
            Role::Text,
            "Rows are services, columns environments in promotion order. ",
        ),
        span(Role::Title, "Same sign, same bytes."),
    ];
    if sign::is_letter(theme, glyphs) {
        first.push(span(
            Role::Text,
            " The sign of a digest is a letter from G to Z before it. It is no key.",
        ));
    }
    let mut out: Vec<Line> = fold(first, width, 0, 3, glyphs);
    out.push(Line::new());
    out.push(vec![span(Role::Accent, "signs")]);
    for status in CellStatus::ALL {
        out.push(vec![
            span(
                of_status(status),
                format!("  {} {:<13}", glyphs.status(status), status.word()),
            ),
            span(Role::Text, status.meaning()),
        ]);
    }
    for (sign, meaning) in [
        (format!("{}n", glyphs.behind), "so many versions behind what CI offers"),
        (glyphs.ahead.to_owned(), "newer than what CI offers"),
        (
            glyphs.other.to_owned(),
            "neither behind nor ahead: none of the versions CI offers",
        ),
        (
            format!("{}n", glyphs.times),
            "so many different pins in one environment",
        ),
        (glyphs.drift.to_owned(), "drift: see the details"),
        (glyphs.mark.to_owned(), "marked for a set"),
        (glyphs.hold.to_owned(), "under a hold"),
        (
            glyphs.proposal.to_owned(),
            "proposed on a branch of its own: see the details",
        ),
        (
            glyphs.held_next.to_owned(),
            "a hold keeps it from its next step: see the details",
        ),
        (
            glyphs.stale.to_owned(),
            "an old answer, not looked at again for ten minutes",
        ),
        (":1.5.0".to_owned(), "the tag that stands beside the digest in git"),
        ("=1.5.0".to_owned(), "the version label of an image that verifies"),
        (
            "SPBT".to_owned(),
            "signature, provenance, SBOM (bill of materials), test result: capital holds",
        ),
    ] {
        out.push(vec![
            span(Role::Title, format!("  {sign:<15}")),
            span(Role::Text, meaning),
        ]);
    }
    if state.board.environments.iter().any(|env| env.running.is_known()) {
        out.push(Line::new());
        out.push(vec![span(Role::Accent, "what runs")]);
        for word in RunningState::ALL {
            let sign = format!("  {} {:<13}", glyphs.running(word), word.as_str());
            out.push(vec![span(running::role(word), sign), span(Role::Text, word.meaning())]);
        }
    }
    for group in HelpGroup::ALL {
        out.push(Line::new());
        out.push(vec![span(Role::Accent, group.title())]);
        for spec in ACTIONS.iter().filter(|spec| spec.group == group) {
            let keys: Vec<String> = state
                .keymap
                .keys_of(spec.action)
                .iter()
                .map(ToString::to_string)
                .collect();
            let mut line = vec![keys_column(&keys.join(" ")), span(Role::Text, spec.help)];
            if let Err(why) = spec.action.enabled(state) {
                line.push(span(Role::Dim, format!("  (now: {why})")));
            }
            out.extend(fold(line, width, 17, 2, glyphs));
        }
    }
    out.push(Line::new());
    out.push(vec![
        span(Role::Accent, "on a plan"),
        span(Role::Dim, "  nothing is written before it is confirmed"),
    ]);
    for (keys, meaning) in crate::app::plan_screen::KEYS {
        let line = vec![keys_column(keys), span(Role::Text, *meaning)];
        out.extend(fold(line, width, 17, 2, glyphs));
    }
    out.push(Line::new());
    out.push(vec![span(Role::Accent, "words")]);
    for (word, meaning) in WORDS {
        let line = vec![span(Role::Title, format!("  {word:<15}")), span(Role::Text, *meaning)];
        out.extend(fold(line, width, 17, 3, glyphs));
    }
    out.push(Line::new());
    out.push(vec![span(Role::Accent, "filter")]);
    for (example, meaning) in [
        ("pay", "services whose name contains it; if none does, resembles it"),
        (
            "env:production behind:>2",
            "more than two versions behind in production",
        ),
        ("age:<1h", "pinned in the last hour; s m h d w, < <= = >= >"),
        ("env:production !verified", "not verified in production"),
        ("drift:tag-moved", "drift of that kind; `drift` alone is any"),
    ] {
        out.push(vec![
            span(Role::Key, format!("  /{example:<26}")),
            span(Role::Text, meaning),
        ]);
    }
    if let Some(log) = &state.setup.log {
        out.push(Line::new());
        out.push(vec![span(Role::Dim, "log: "), span(Role::Text, log.clone())]);
    }
    out
}

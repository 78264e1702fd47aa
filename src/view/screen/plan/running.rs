//! How far the write in flight is.

use crate::app::state::CockpitState;
use crate::domain::write::{Progress, Proposal};
use crate::view::canvas::{Canvas, Line, span};
use crate::view::theme::Role;
use crate::view::units::{bytes, waited};

/// The step that runs, with its measures. Always three lines, so that nothing below moves.
pub(super) fn lines(canvas: &Canvas<'_>, state: &CockpitState, proposal: &Proposal, width: u16) -> Vec<Line> {
    let glyphs = canvas.glyphs();
    let Some(writing) = &state.writing else {
        return vec![Line::new(), Line::new(), Line::new()];
    };
    let copies = proposal.plans.iter().any(|plan| !plan.copies.is_empty());
    let (step, of) = step(writing.progress.as_ref(), copies);
    let (words, measure) = match &writing.progress {
        None => ("looking at the newest commit again".to_owned(), None),
        Some(Progress::Copying {
            service,
            items,
            of_items,
            bytes: done,
            of_bytes,
        }) => {
            let mut text = format!(
                "copying {service}: {items} of {of_items} items, {} of {}",
                bytes(*done),
                bytes(*of_bytes)
            );
            if let Some((rate, left)) = pace(state, *done, *of_bytes) {
                text.push_str(&format!(", {}/s", bytes(rate)));
                if let Some(left) = left {
                    text.push_str(&format!(", {left} s left"));
                }
            }
            (text, Some((*done, *of_bytes)))
        }
        Some(Progress::Verifying(service)) => (format!("verifying {service} again where it arrived"), None),
        Some(Progress::Committing) => ("making the commits".to_owned(), None),
        Some(Progress::Pushing) => (
            format!("pushing {} to {}", proposal.branch, proposal.destination()),
            None,
        ),
        Some(Progress::Replanning { attempt }) => (
            format!("somebody else pushed first: planning again on the new head, try {attempt}"),
            None,
        ),
    };
    let waited = waited(writing.since, state.now).unwrap_or_default();
    let words = format!("step {step} of {of}: {words}{waited}");
    let columns = usize::from(width.clamp(10, 60));
    let bar = match measure {
        Some((done, all)) if all > 0 => {
            let full = usize::try_from(done.min(all) * columns as u64 / all)
                .unwrap_or(0)
                .min(columns);
            vec![
                span(Role::Accent, glyphs.bar.repeat(full)),
                span(Role::Rule, glyphs.bar_left.repeat(columns - full)),
            ]
        }
        _ => Line::new(),
    };
    vec![vec![span(Role::Accent, words)], bar, Line::new()]
}

/// Which step of how many runs. Without copies there are fewer.
const fn step(progress: Option<&Progress>, copies: bool) -> (u8, u8) {
    match (progress, copies) {
        (None | Some(Progress::Replanning { .. }), true) => (1, 5),
        (Some(Progress::Copying { .. }), _) => (2, 5),
        (Some(Progress::Verifying(_)), _) => (3, 5),
        (Some(Progress::Committing), true) => (4, 5),
        (Some(Progress::Pushing), true) => (5, 5),
        (None | Some(Progress::Replanning { .. }), false) => (1, 3),
        (Some(Progress::Committing), false) => (2, 3),
        (Some(Progress::Pushing), false) => (3, 3),
    }
}

/// Bytes per second since the copy began, and the seconds left at that pace.
fn pace(state: &CockpitState, done: u64, all: u64) -> Option<(u64, Option<u64>)> {
    let (_, since, from) = state.writing.as_ref()?.meter.as_ref()?;
    let ms = u64::try_from(state.now.as_millisecond() - since.as_millisecond()).ok()?;
    // The first second says nothing.
    if ms < 1000 || done <= *from {
        return None;
    }
    let rate = (done - from) * 1000 / ms;
    let left = (rate > 0 && all > done).then(|| (all - done).div_ceil(rate.max(1)));
    Some((rate, left))
}

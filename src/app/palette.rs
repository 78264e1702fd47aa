//! Finding actions by what a person types into the palette.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::action::{ACTIONS, Action};

/// Actions shown at once, at most: what the palette covers has to be drawn again when it closes, which costs bytes.
pub const ROWS: usize = 8;

/// The actions a palette text leaves, best match first; all in the table's order without a text.
pub fn palette_rows(text: &str) -> Vec<Action> {
    if text.trim().is_empty() {
        return ACTIONS.iter().map(|spec| spec.action).collect();
    }
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut rows: Vec<(u32, usize, Action)> = ACTIONS
        .iter()
        .enumerate()
        .filter_map(|(at, spec)| {
            let name = pattern.score(Utf32Str::new(spec.name, &mut buffer), &mut matcher);
            // A hit in the explanation counts, but less than any hit in the name.
            let help = || pattern.score(Utf32Str::new(spec.help, &mut buffer), &mut matcher);
            let score = name.map(|score| score + 10_000).or_else(help)?;
            Some((score, at, spec.action))
        })
        .collect();
    rows.sort_by_key(|(score, at, _)| (std::cmp::Reverse(*score), *at));
    rows.into_iter().map(|(_, _, action)| action).collect()
}

//! Folding long lines: at spaces where there are any, anywhere where there are none.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::canvas::{Line, Span, safe};
use super::glyphs::Glyphs;
use super::theme::Role;

/// Folds a line to `width` columns; continuation lines are indented. At most `most` lines are made,
/// the last one is then cut by whoever draws it.
pub fn fold(line: Line, width: u16, indent: u16, most: usize, glyphs: &Glyphs) -> Vec<Line> {
    let width = usize::from(width.max(indent + 8));
    let mut out: Vec<Line> = Vec::new();
    let mut current: Line = Vec::new();
    let mut used = 0;
    for piece in line {
        let text = safe(&piece.text, glyphs).into_owned();
        for word in words(&text) {
            let columns = word.width();
            let last = out.len() + 1 >= most;
            if used + columns <= width || last || word.trim().is_empty() {
                push(&mut current, &piece, word);
                used += columns;
                continue;
            }
            if columns <= width - usize::from(indent) {
                let moved = closes(word).then(|| last_word(&mut current)).flatten();
                start(&mut out, &mut current, &mut used, indent);
                if let Some(moved) = moved {
                    used += moved.text.width();
                    current.push(moved);
                }
                push(&mut current, &piece, word);
                used += columns;
                continue;
            }
            for grapheme in word.graphemes(true) {
                if used + grapheme.width() > width && out.len() + 1 < most {
                    start(&mut out, &mut current, &mut used, indent);
                }
                push(&mut current, &piece, grapheme);
                used += grapheme.width();
            }
        }
    }
    out.push(current);
    out
}

/// A line behind a label of `indent` columns, folded to at most `most` lines.
pub fn labelled(label: &str, mut line: Line, width: u16, indent: u16, most: usize, glyphs: &Glyphs) -> Vec<Line> {
    let label = format!("{label:<indent$}", indent = usize::from(indent));
    line.insert(0, super::canvas::span(Role::Dim, label));
    fold(line, width, indent, most, glyphs)
}

fn start(out: &mut Vec<Line>, current: &mut Line, used: &mut usize, indent: u16) {
    out.push(std::mem::take(current));
    current.push(super::canvas::span(Role::Text, " ".repeat(usize::from(indent))));
    *used = usize::from(indent);
}

fn push(current: &mut Line, like: &Span, text: &str) {
    match current.last_mut() {
        Some(last) if last.role == like.role && last.colour == like.colour && !last.sign && !like.sign => {
            last.text.push_str(text)
        }
        _ => current.push(Span {
            text: text.to_owned(),
            ..like.clone()
        }),
    }
}

/// Whether a word belongs to the one before it: no line begins with it.
fn closes(word: &str) -> bool {
    word.starts_with([';', ',', '.', ':', ')'])
}

/// Takes the last word off a line, unless it is the only one there.
fn last_word(line: &mut Line) -> Option<Span> {
    let is_only = line.len() < 2;
    let last = line.last_mut()?;
    if last.text.ends_with(' ') || last.sign {
        return None;
    }
    match last.text.rfind(' ') {
        Some(at) => {
            let text = last.text.split_off(at + 1);
            Some(Span { text, ..last.clone() })
        }
        None if is_only => None,
        None => line.pop(),
    }
}

/// Words, each with the spaces after it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let word_end = rest.find(' ').unwrap_or(rest.len());
        let gap = |from: usize| {
            rest[from..]
                .find(|c| c != ' ')
                .map_or(rest.len(), |spaces| from + spaces)
        };
        let mut end = if word_end == 0 { gap(0) } else { gap(word_end) };
        // A sign belongs to the word behind it.
        let mut letters = rest[..word_end].chars();
        if let (Some(sign), None) = (letters.next(), letters.next())
            && !sign.is_alphanumeric()
            && !matches!(sign, '-' | '+' | '~' | '|' | '.')
            && end < rest.len()
        {
            let next = rest[end..].find(' ').map_or(rest.len(), |at| end + at);
            end = gap(next);
        }
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::super::canvas::span;
    use super::super::glyphs::UNICODE;
    use super::*;

    #[test]
    fn no_line_begins_with_what_belongs_to_the_word_before() {
        let line = vec![
            span(Role::Text, "packages +1 -1"),
            span(Role::Dim, " 2 changed"),
            span(Role::Text, "; 2 fields"),
        ];
        let folded: Vec<String> = fold(line, 24, 2, 4, &UNICODE)
            .into_iter()
            .map(|line| line.iter().map(|s| s.text.as_str()).collect::<String>())
            .collect();
        assert_eq!(folded, ["packages +1 -1 2 ", "  changed; 2 fields"]);
    }

    fn folded(text: &str, width: u16, indent: u16, most: usize) -> Vec<String> {
        fold(vec![span(Role::Text, text)], width, indent, most, &UNICODE)
            .into_iter()
            .map(|line| line.iter().map(|s| s.text.as_str()).collect::<String>())
            .collect()
    }

    #[test]
    fn a_sign_stays_with_its_word() {
        assert_eq!(folded("one ✓ two three", 8, 0, 9), ["one ", "✓ two ", "three"]);
        assert_eq!(folded("✓", 8, 0, 9), ["✓"]);
    }

    #[test]
    fn folds_at_spaces() {
        assert_eq!(folded("one two three four", 10, 0, 9), ["one two ", "three four"]);
        assert_eq!(folded("", 10, 0, 9), [""]);
    }

    #[test]
    fn folds_what_has_no_spaces() {
        assert_eq!(folded("abcdefghijklmno", 10, 2, 9), ["abcdefghij", "  klmno"]);
    }

    #[test]
    fn stops_at_the_most() {
        assert_eq!(folded("one two three four", 10, 0, 1), ["one two three four"]);
    }
}

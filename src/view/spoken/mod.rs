//! The cockpit in lines of words: one fact a line, no signs, no colours, nothing that needs a place on a screen.
//!
//! Wherever a screen has words for something, the same lines are used, without the signs.

mod board;
mod screens;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::canvas::{Canvas, Line, Span};
use super::glyphs::SPOKEN;
use super::theme::{Role, Theme};
use crate::domain::text::Clean;

pub use board::{cell, drift, list, repository, service, summary};
pub use screens::{help, opened, progress, question};

/// A line of words, cleaned, with one blank between them.
pub fn line(text: &str) -> String {
    words(text)
}

/// As wide as a line may get: nothing is folded.
const WIDTH: u16 = u16::MAX;

/// Longest label that stands before a line.
const LABEL: usize = 18;

/// The lines that a screen would draw, as words.
fn told(draw: impl FnOnce(&Canvas<'_>) -> Vec<Line>) -> Vec<String> {
    let mut buffer = Buffer::empty(Rect::ZERO);
    let theme = Theme::bare();
    let canvas = Canvas::new(&mut buffer, &theme, &SPOKEN);
    let lines = draw(&canvas);
    lines
        .iter()
        .map(|line| sentence(line))
        .filter(|line| !line.is_empty())
        .collect()
}

/// A line as words: signs are left out, a label has a colon behind it, what a diff adds or removes says so.
fn sentence(line: &[Span]) -> String {
    let mut text = String::new();
    for (at, piece) in line.iter().filter(|piece| !piece.sign).enumerate() {
        match (at, piece.role) {
            (0, Role::Dim) => text.push_str(&labelled(&piece.text)),
            (0, Role::Added) => text.push_str(&piece.text.trim_start().replacen('+', "added: ", 1)),
            (0, Role::Removed) => text.push_str(&piece.text.trim_start().replacen('-', "removed: ", 1)),
            _ => text.push_str(&piece.text),
        }
    }
    words(&text)
}

/// A label, which stands in a column of its own, with a colon behind it.
fn labelled(text: &str) -> String {
    let text = text.trim_start();
    if text.is_empty() {
        return String::new();
    }
    let (label, rest) = match text.find("  ") {
        Some(end) => (&text[..end], text[end..].trim_start()),
        None if text.ends_with(' ') => (text.trim_end(), ""),
        None => return text.to_owned(),
    };
    if label.len() > LABEL {
        return text.to_owned();
    }
    format!("{label}: {rest}")
}

/// Words with one blank between them, cleaned. Marks that only catch the eye are left out.
fn words(text: &str) -> String {
    let clean = Clean::from_untrusted(text).into_string();
    let kept: Vec<&str> = clean
        .split_whitespace()
        .filter(|word| !matches!(*word, "!" | "?"))
        .collect();
    kept.join(" ").replace(" ,", ",")
}

#[cfg(test)]
#[path = "spoken_tests.rs"]
mod tests;

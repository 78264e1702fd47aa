//! Lines for a terminal: folded between words, because a terminal breaks them wherever its last column is.

use std::io::IsTerminal as _;

use unicode_width::UnicodeWidthStr as _;

/// Columns of the terminal that stdout is; `None` where it is none: then nothing is folded.
pub(crate) fn columns() -> Option<u16> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| columns)
}

/// A line in pieces of so many columns; all but the first are indented. A word that is longer than that stays whole.
pub(super) fn folded(line: &str, columns: u16) -> Vec<String> {
    const INDENT: &str = "  ";
    let columns = usize::from(columns);
    let mut out = Vec::new();
    let mut current = String::new();
    for word in line.split(' ') {
        let is_begun = !current.trim().is_empty();
        if is_begun && current.width() + 1 + word.width() > columns {
            out.push(std::mem::replace(&mut current, format!("{INDENT}{word}")));
            continue;
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    out.push(current);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole() {
        let line = "checkout in production, not verified: absent: digest";
        assert_eq!(
            folded(line, 30),
            ["checkout in production, not", "  verified: absent: digest"]
        );
        assert_eq!(folded(line, 80), [line]);
        assert_eq!(folded("", 80), [""]);
        let digest = format!("digest sha256:{}", "0123456789abcdef".repeat(4));
        assert_eq!(folded(&digest, 40).len(), 2);
        assert_eq!(folded(&digest, 40)[1].trim(), &digest[7..]);
        // Columns, not characters.
        assert_eq!(folded("日本 日本 日本", 10), ["日本 日本", "  日本"]);
    }
}

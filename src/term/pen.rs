//! The pen: where the cursor is, how it writes, and the fewest bytes to change either.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// How a cell looks, as far as the terminal is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellStyle {
    pub fg: Color,
    pub bg: Color,
    pub modifier: Modifier,
}

/// The look after a reset.
pub(super) const PLAIN: CellStyle = CellStyle {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

/// Looks that show on a blank too.
const ON_BLANKS: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT);

impl CellStyle {
    /// The look of a cell. What cannot be seen of a blank is left out: its ink.
    pub(super) fn of(cell: &Cell, colours: bool) -> Self {
        let colour = |colour: Color| if colours { colour } else { Color::Reset };
        let is_bare = cell.symbol() == " " && !cell.modifier.intersects(ON_BLANKS);
        Self {
            fg: if is_bare { Color::Reset } else { colour(cell.fg) },
            bg: colour(cell.bg),
            modifier: if is_bare { Modifier::empty() } else { cell.modifier },
        }
    }

    /// Whether a blank that is written in this look comes out as one of the other, which is that of a blank.
    pub(super) fn blanks_like(self, blank: Self) -> bool {
        self == blank || (self.bg == blank.bg && !(self.modifier | blank.modifier).intersects(ON_BLANKS))
    }
}

/// A character on screen with the columns it takes.
pub(super) struct Unit<'a> {
    pub x: u16,
    pub width: u16,
    pub cell: &'a Cell,
    pub look: CellStyle,
}

impl Unit<'_> {
    /// Whether it shows nothing of its own.
    pub(super) fn is_blank(&self) -> bool {
        self.cell.symbol() == " "
    }
}

/// The characters of a row; columns behind a wide one belong to it.
pub(super) fn units(buffer: &Buffer, y: u16, colours: bool) -> Vec<Unit<'_>> {
    let cells = row(buffer, y);
    let columns = u16::try_from(cells.len()).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(cells.len());
    let mut x = 0;
    while x < columns {
        let cell = &cells[usize::from(x)];
        let width = match cell.symbol().as_bytes() {
            [_] => 1,
            _ => u16::try_from(cell.symbol().width()).unwrap_or(1).clamp(1, columns - x),
        };
        out.push(Unit {
            x,
            width,
            cell,
            look: CellStyle::of(cell, colours),
        });
        x += width;
    }
    out
}

/// The cells of a row.
pub(super) fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    let start = usize::from(y - buffer.area.y) * width;
    &buffer.content[start..start + width]
}

/// Where the cursor and the pen are, and what has been written.
#[derive(Debug, Clone)]
pub(super) struct Pen {
    pub out: String,
    pub at: Option<(u16, u16)>,
    pub look: CellStyle,
    width: u16,
}

/// Beyond the last column: the next character wraps, or does not, as the terminal likes.
const EDGE: u16 = u16::MAX;

impl Pen {
    /// A pen that begins with these bytes, and knows nothing of the cursor.
    pub(super) fn new(begin: &str, width: u16) -> Self {
        Self {
            out: begin.to_owned(),
            at: None,
            look: PLAIN,
            width,
        }
    }

    /// Takes the cursor to a place, in the fewest bytes.
    pub(super) fn go(&mut self, x: u16, y: u16) {
        if self.at == Some((x, y)) {
            return;
        }
        // CUP leaves out what is 1 (ECMA-48, 8.3.21).
        let absolute = 3 + digits(y + 1) + if x == 0 { 0 } else { 1 + digits(x + 1) };
        let relative = self.at.and_then(|(from, row)| {
            let down = y.checked_sub(row).filter(|down| *down <= 4)?;
            let across = if from == EDGE { None } else { Some(across(from, x)) };
            let again = 1 + if x == 0 { 0 } else { csi(x) };
            let (bytes, returns) = match across {
                Some(bytes) if bytes <= again => (bytes, false),
                _ => (again, true),
            };
            (down + bytes < absolute).then_some((down, returns, from))
        });
        match relative {
            Some((down, returns, from)) => {
                if returns {
                    self.out.push('\r');
                }
                // Line feed keeps the column.
                self.out.extend(std::iter::repeat_n('\n', usize::from(down)));
                let from = if returns { 0 } else { from };
                if x > from {
                    self.csi(x - from, 'C');
                } else if from - x <= 4 {
                    self.out.extend(std::iter::repeat_n('\u{8}', usize::from(from - x)));
                } else {
                    self.csi(from - x, 'D');
                }
            }
            None if x == 0 => self.csi(y + 1, 'H'),
            None => {
                let _ = write!(self.out, "\x1b[{};{}H", y + 1, x + 1);
            }
        }
        self.at = Some((x, y));
    }

    fn csi(&mut self, count: u16, letter: char) {
        self.out.push_str("\x1b[");
        if count != 1 {
            let _ = write!(self.out, "{count}");
        }
        self.out.push(letter);
    }

    /// Writes a character where the cursor is, in the look that is set.
    pub(super) fn put(&mut self, unit: &Unit<'_>) {
        self.out.push_str(unit.cell.symbol());
        self.advance(unit.x + unit.width);
    }

    /// Writes blanks up to a column.
    pub(super) fn blanks(&mut self, from: u16, to: u16) {
        self.out.extend(std::iter::repeat_n(' ', usize::from(to - from)));
        self.advance(to);
    }

    fn advance(&mut self, end: u16) {
        // At the right edge terminals differ in where the cursor is.
        self.at = match self.at {
            Some((_, y)) if end < self.width => Some((end, y)),
            Some((_, y)) => Some((EDGE, y)),
            None => None,
        };
    }

    /// Changes the pen, by the shorter of a difference and a fresh start.
    pub(super) fn set_look(&mut self, to: CellStyle) {
        if self.look == to {
            return;
        }
        let mut change: Vec<String> = Vec::new();
        let (from, gone, added) = (
            self.look,
            self.look.modifier - to.modifier,
            to.modifier - self.look.modifier,
        );
        let weight = Modifier::BOLD | Modifier::DIM;
        let mut add = added;
        if gone.intersects(weight) {
            change.push("22".to_owned());
            add |= to.modifier & weight;
        }
        for (modifier, off) in [
            (Modifier::ITALIC, "23"),
            (Modifier::UNDERLINED, "24"),
            (Modifier::REVERSED, "27"),
        ] {
            if gone.contains(modifier) {
                change.push(off.to_owned());
            }
        }
        modifiers(&mut change, add);
        if from.fg != to.fg {
            colour(&mut change, to.fg, 0);
        }
        if from.bg != to.bg {
            colour(&mut change, to.bg, 10);
        }
        let mut fresh: Vec<String> = Vec::new();
        if to != PLAIN {
            fresh.push("0".to_owned());
            modifiers(&mut fresh, to.modifier);
            if to.fg != Color::Reset {
                colour(&mut fresh, to.fg, 0);
            }
            if to.bg != Color::Reset {
                colour(&mut fresh, to.bg, 10);
            }
        }
        let (change, fresh) = (change.join(";"), fresh.join(";"));
        let shorter = if change.len() <= fresh.len() { change } else { fresh };
        let _ = write!(self.out, "\x1b[{shorter}m");
        self.look = to;
    }
}

fn modifiers(codes: &mut Vec<String>, modifier: Modifier) {
    for (flag, code) in [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::ITALIC, "3"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
    ] {
        if modifier.contains(flag) {
            codes.push(code.to_owned());
        }
    }
}

/// SGR codes of a colour; `shift` is 10 for backgrounds (ECMA-48, 8.3.117).
fn colour(codes: &mut Vec<String>, colour: Color, shift: u8) {
    let named = |n: u8| if n < 8 { 30 + n + shift } else { 82 + n + shift };
    let code = match colour {
        Color::Reset => 39 + shift,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Indexed(n) => {
            codes.push(format!("{};5;{n}", 38 + shift));
            return;
        }
        Color::Rgb(r, g, b) => {
            codes.push(format!("{};2;{r};{g};{b}", 38 + shift));
            return;
        }
    };
    codes.push(code.to_string());
}

/// Bytes of a sequence with one number.
const fn csi(count: u16) -> u16 {
    if count == 1 { 3 } else { 3 + digits(count) }
}

/// Bytes of the way from a column to another in the same row.
const fn across(from: u16, to: u16) -> u16 {
    if to == from {
        0
    } else if to > from {
        csi(to - from)
    } else if from - to <= 4 {
        from - to
    } else {
        csi(from - to)
    }
}

const fn digits(n: u16) -> u16 {
    match n {
        0..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        _ => 4 + (n >= 10_000) as u16,
    }
}

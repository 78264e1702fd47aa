//! One write per frame: the difference to what is shown, in as few bytes as it takes, inside
//! synchronized output. A frame that changes nothing is no bytes at all.
//!
//! The sequences are written here and not by a backend, for two reasons: over a slow line every
//! cursor move counts, and the colour decision must be ours (see [`super::caps`]).

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// Starts a synchronized update; terminals that do not know it ignore it.
const SYNC_START: &str = "\x1b[?2026h";
/// Ends a synchronised update: the terminal shows the frame.
const SYNC_END: &str = "\x1b[?2026l";

/// Plain pen, empty screen.
const CLEAR: &str = "\x1b[m\x1b[2J";
/// From so many bytes on, a frame is also tried in the order of looks.
const MANY: usize = 512;

/// Knows what the terminal shows, and how to change it.
#[derive(Debug, Clone)]
pub(crate) struct Painter {
    shown: Option<Buffer>,
    colours: bool,
}

/// How a cell looks, as far as the terminal is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CellStyle {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: CellStyle = CellStyle {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

/// Where the cursor and the pen are.
struct Pen {
    out: String,
    at: Option<(u16, u16)>,
    look: CellStyle,
    width: u16,
}

impl Painter {
    /// A painter over an unknown screen. Without `colours`, no colour sequence is ever written.
    pub(crate) fn new(colours: bool) -> Self {
        Self { shown: None, colours }
    }

    /// The screen was disturbed: the next frame draws everything.
    pub(crate) fn forget(&mut self) {
        self.shown = None;
    }

    /// The bytes that turn what is shown into `next`; empty if nothing changes.
    pub(crate) fn frame(&mut self, next: &Buffer) -> Vec<u8> {
        let known = self.shown.take().filter(|shown| shown.area == next.area);
        let mut pen = Pen {
            out: String::new(),
            at: None,
            look: PLAIN,
            width: next.area.width,
        };
        let blank;
        let before = match &known {
            Some(before) => before,
            None => {
                pen.out.push_str(CLEAR);
                blank = Buffer::empty(next.area);
                &blank
            }
        };
        for y in next.area.top()..next.area.bottom() {
            self.row(&mut pen, before, next, y);
        }
        let first = known.is_none();
        // Many changes: it may be shorter to write all that looks the same before changing the pen.
        if pen.out.len() > MANY {
            let mut other = Pen {
                out: if first { CLEAR.to_owned() } else { String::new() },
                at: None,
                look: PLAIN,
                width: next.area.width,
            };
            self.by_look(&mut other, before, next, first);
            if other.out.len() < pen.out.len() {
                pen = other;
            }
        }
        self.shown = Some(next.clone());
        if pen.out.is_empty() || (!first && pen.at.is_none()) {
            return Vec::new();
        }
        pen.look(PLAIN);
        let mut bytes = Vec::with_capacity(pen.out.len() + 16);
        bytes.extend_from_slice(SYNC_START.as_bytes());
        bytes.extend_from_slice(pen.out.as_bytes());
        bytes.extend_from_slice(SYNC_END.as_bytes());
        bytes
    }

    fn look_of(&self, cell: &Cell) -> CellStyle {
        let colour = |colour: Color| if self.colours { colour } else { Color::Reset };
        CellStyle {
            fg: colour(cell.fg),
            bg: colour(cell.bg),
            modifier: cell.modifier,
        }
    }

    /// Writes what changes, all of one look before the next: the pen changes seldom, the cursor jumps more.
    fn by_look(&self, pen: &mut Pen, before: &Buffer, next: &Buffer, first: bool) {
        let mut looks: Vec<(CellStyle, Vec<StyledRun<'_>>)> = Vec::new();
        for y in next.area.top()..next.area.bottom() {
            let old = units(before, y);
            let new = units(next, y);
            let blank_from = self.blank_from(&new, pen.width);
            let mut last: Option<usize> = None;
            let mut end = 0;
            for (at, unit) in new.iter().enumerate() {
                if self.is_same(&old, unit) {
                    last = None;
                    continue;
                }
                let rest = || new[at..].iter().filter(|unit| !self.is_same(&old, unit)).count();
                let erase = unit.x >= blank_from && rest() > 6;
                let look = if erase { PLAIN } else { self.look_of(unit.cell) };
                let place = looks
                    .iter()
                    .position(|(known, _)| *known == look)
                    .unwrap_or(looks.len());
                if place == looks.len() {
                    looks.push((look, Vec::new()));
                }
                let runs = &mut looks[place].1;
                let follows = last == Some(place) && end == unit.x && !erase;
                match runs.last_mut().filter(|_| follows) {
                    Some(run) => run.units.push((unit.cell, unit.width)),
                    None => runs.push(StyledRun {
                        x: unit.x,
                        y,
                        units: if erase {
                            Vec::new()
                        } else {
                            vec![(unit.cell, unit.width)]
                        },
                    }),
                }
                if erase {
                    break;
                }
                last = Some(place);
                end = unit.x + unit.width;
            }
        }
        // Plain text first: then a short gap in it can be bridged with blanks, because on a cleared screen
        // nothing stands there yet.
        looks.sort_by_key(|(look, _)| *look != PLAIN);
        for (look, runs) in looks {
            for run in runs {
                match pen.at {
                    Some((x, y)) if first && look == PLAIN && y == run.y && x < run.x && run.x - x <= 3 => {
                        pen.look(look);
                        pen.out.push_str(&" ".repeat(usize::from(run.x - x)));
                        pen.at = Some((run.x, run.y));
                    }
                    _ => pen.go(run.x, run.y),
                }
                pen.look(look);
                if run.units.is_empty() {
                    pen.out.push_str("\x1b[K");
                }
                let mut x = run.x;
                for (cell, width) in run.units {
                    pen.put(&Unit { x, width, cell });
                    x += width;
                }
            }
        }
    }

    fn is_same(&self, old: &[Unit<'_>], unit: &Unit<'_>) -> bool {
        old.binary_search_by_key(&unit.x, |u| u.x).is_ok_and(|at| {
            let o = &old[at];
            o.width == unit.width
                && o.cell.symbol() == unit.cell.symbol()
                && self.look_of(o.cell) == self.look_of(unit.cell)
        })
    }

    /// From this column on, a row is blank.
    fn blank_from(&self, new: &[Unit<'_>], width: u16) -> u16 {
        new.iter()
            .rev()
            .take_while(|unit| unit.cell.symbol() == " " && self.look_of(unit.cell) == PLAIN)
            .last()
            .map_or(width, |unit| unit.x)
    }

    fn row(&self, pen: &mut Pen, before: &Buffer, next: &Buffer, y: u16) {
        let old = units(before, y);
        let new = units(next, y);
        let same = |unit: &Unit<'_>| self.is_same(&old, unit);
        let blank_from = self.blank_from(&new, pen.width);
        let mut at = 0;
        while at < new.len() {
            let unit = &new[at];
            if same(unit) {
                at += 1;
                continue;
            }
            if unit.x >= blank_from {
                let changed = new[at..].iter().filter(|unit| !same(unit)).count();
                if changed > 6 {
                    pen.go(unit.x, y);
                    pen.look(PLAIN);
                    pen.out.push_str("\x1b[K");
                    return;
                }
            }
            // A short gap of the same look is cheaper to write again than to jump over.
            if let Some((x, row)) = pen.at
                && row == y
                && x < unit.x
                && unit.x - x <= 4
            {
                let gap: Vec<&Unit<'_>> = new[..at].iter().filter(|u| u.x >= x).collect();
                let bytes: usize = gap.iter().map(|u| u.cell.symbol().len()).sum();
                if bytes <= 4 && gap.iter().all(|u| self.look_of(u.cell) == pen.look) {
                    for u in gap {
                        pen.put(u);
                    }
                }
            }
            pen.go(unit.x, y);
            pen.look(self.look_of(unit.cell));
            pen.put(unit);
            at += 1;
        }
    }
}

/// A character on screen with the columns it takes.
struct Unit<'a> {
    x: u16,
    width: u16,
    cell: &'a Cell,
}

/// Neighbours in a row that look the same; none = the rest of the row is erased.
struct StyledRun<'a> {
    x: u16,
    y: u16,
    units: Vec<(&'a Cell, u16)>,
}

/// The characters of a row; columns behind a wide one belong to it.
fn units(buffer: &Buffer, y: u16) -> Vec<Unit<'_>> {
    let area = buffer.area;
    let mut out = Vec::with_capacity(usize::from(area.width));
    let mut x = area.left();
    while x < area.right() {
        let cell = &buffer[(x, y)];
        let width = u16::try_from(cell.symbol().width())
            .unwrap_or(1)
            .clamp(1, area.right() - x);
        out.push(Unit {
            x: x - area.left(),
            width,
            cell,
        });
        x += width;
    }
    out
}

impl Pen {
    fn go(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (x, y) => {}
            Some((from, row)) if row == y && from < x => self.csi(x - from, 'C'),
            Some((_, row)) if row + 1 == y && x == 0 => self.out.push_str("\r\n"),
            Some((_, row)) if row + 1 == y && x < 8 => {
                self.out.push_str("\r\n");
                self.csi(x, 'C');
            }
            // Line feed keeps the column; a few steps back are a byte each.
            Some((from, row)) if row + 1 == y && from < self.width && x <= from && from - x <= 4 => {
                self.out.push('\n');
                self.out.push_str(&"\u{8}".repeat(usize::from(from - x)));
            }
            _ => {
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

    fn put(&mut self, unit: &Unit<'_>) {
        self.out.push_str(unit.cell.symbol());
        let end = unit.x + unit.width;
        // At the right edge terminals differ in where the cursor is.
        self.at = match self.at {
            Some((_, y)) if end < self.width => Some((end, y)),
            Some((_, y)) => Some((u16::MAX, y)),
            None => None,
        };
    }

    /// Changes the pen, by the shorter of a difference and a fresh start.
    fn look(&mut self, to: CellStyle) {
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

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;

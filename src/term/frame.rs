//! One write per frame: the difference to what is shown, in as few bytes as it takes, inside
//! synchronized output. A frame that changes nothing is no bytes at all.
//!
//! The sequences are written here and not by a backend, for two reasons: over a slow line every
//! cursor move counts, and the colour decision must be ours (see [`super::caps`]).

use ratatui::buffer::Buffer;

use super::pen::{CellStyle, PLAIN, Pen, Unit, row, units};
use super::scroll::Shift;

/// Starts a synchronized update; terminals that do not know it ignore it.
const SYNC_START: &str = "\x1b[?2026h";
/// Ends a synchronised update: the terminal shows the frame.
const SYNC_END: &str = "\x1b[?2026l";

/// Plain pen, empty screen.
const CLEAR: &str = "\x1b[m\x1b[2J";
/// From so many bytes on, a frame is also tried in the order of looks, and by scrolling.
const MANY: usize = 512;
/// A gap of so many columns is not longer to fill than to jump over.
const GAP: u16 = 4;

/// Knows what the terminal shows, and how to change it.
#[derive(Debug, Clone)]
pub(crate) struct Painter {
    shown: Option<Buffer>,
    colours: bool,
}

/// Neighbours in a row that look the same; none = the rest of the row is erased.
struct StyledRun<'a> {
    x: u16,
    y: u16,
    units: Vec<Unit<'a>>,
}

impl StyledRun<'_> {
    fn end(&self) -> u16 {
        self.units.last().map_or(self.x, |unit| unit.x + unit.width)
    }
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
        let mut pen = match &known {
            Some(before) => self.difference(before, next),
            None => self.shortest(CLEAR, &Buffer::empty(next.area), next, true),
        };
        let is_changed = known.is_none() || pen.at.is_some();
        self.shown = Some(next.clone());
        if !is_changed {
            return Vec::new();
        }
        pen.set_look(PLAIN);
        let mut bytes = Vec::with_capacity(pen.out.len() + 16);
        bytes.extend_from_slice(SYNC_START.as_bytes());
        bytes.extend_from_slice(pen.out.as_bytes());
        bytes.extend_from_slice(SYNC_END.as_bytes());
        bytes
    }

    /// The way from one frame to another: over what stands there, or by scrolling a part of it first.
    fn difference(&self, before: &Buffer, next: &Buffer) -> Pen {
        let over = self.shortest("", before, next, false);
        if over.out.len() <= MANY {
            return over;
        }
        let Some(shift) = Shift::between(before, next) else {
            return over;
        };
        let mut moved = self.shortest(&shift.sequence(), &shift.applied(before), next, false);
        if moved.out.len() < over.out.len() {
            // Scrolling alone is a change too.
            moved.at = moved.at.or(Some((0, 0)));
            moved
        } else {
            over
        }
    }

    /// Row by row, or, where much changes, look by look if that is shorter. A first frame is look by look: most of it is blank
    /// or plain, and working out both ways costs more than it saves.
    fn shortest(&self, begin: &str, before: &Buffer, next: &Buffer, first: bool) -> Pen {
        let mut pen = Pen::new(begin, next.area.width);
        let mut changed = Vec::new();
        for y in next.area.top()..next.area.bottom() {
            if row(before, y) != row(next, y) {
                let new = units(next, y, self.colours);
                let same = same(&units(before, y, self.colours), &new);
                if !first {
                    row_by_row(&mut pen, &new, &same, y);
                }
                changed.push((y, new, same));
            }
        }
        if first {
            by_look(&mut pen, changed, first);
            return pen;
        }
        if pen.out.len() <= MANY + begin.len() {
            return pen;
        }
        let mut other = Pen::new(begin, next.area.width);
        by_look(&mut other, changed, first);
        if other.out.len() < pen.out.len() { other } else { pen }
    }
}

/// Which of the new characters stand there already.
fn same(old: &[Unit<'_>], new: &[Unit<'_>]) -> Vec<bool> {
    let mut old = old.iter().peekable();
    new.iter()
        .map(|unit| {
            while old.next_if(|before| before.x < unit.x).is_some() {}
            old.peek().is_some_and(|before| {
                before.x == unit.x
                    && before.width == unit.width
                    && before.look == unit.look
                    && before.cell.symbol() == unit.cell.symbol()
            })
        })
        .collect()
}

/// From this place on, a row is blank.
fn blank_from(new: &[Unit<'_>]) -> usize {
    let blanks = new
        .iter()
        .rev()
        .take_while(|unit| unit.is_blank() && unit.look == PLAIN);
    new.len() - blanks.count()
}

/// Whether the rest of a row, blank from here on, is better erased.
fn erases(same: &[bool], at: usize, blank: usize) -> bool {
    at >= blank && same[at..].iter().filter(|same| !**same).count() > 6
}

/// Whether the pen writes this character as it should look without being changed.
fn suits(look: CellStyle, unit: &Unit<'_>) -> bool {
    look == unit.look || unit.is_blank() && look.blanks_like(unit.look)
}

/// Writes what changes in a row, from left to right.
fn row_by_row(pen: &mut Pen, new: &[Unit<'_>], same: &[bool], y: u16) {
    let blank = blank_from(new);
    for (at, unit) in new.iter().enumerate() {
        if same[at] {
            continue;
        }
        if erases(same, at, blank) {
            pen.go(unit.x, y);
            pen.set_look(PLAIN);
            pen.out.push_str("\x1b[K");
            return;
        }
        // A short gap of the same look is cheaper to write again than to jump over.
        if let Some((x, row)) = pen.at
            && row == y
            && x < unit.x
            && unit.x - x <= GAP
        {
            let start = new[..at].partition_point(|before| before.x < x);
            let gap = &new[start..at];
            let bytes: usize = gap.iter().map(|unit| unit.cell.symbol().len()).sum();
            if bytes <= usize::from(GAP) && gap.iter().all(|unit| suits(pen.look, unit)) {
                for unit in gap {
                    pen.put(unit);
                }
            }
        }
        pen.go(unit.x, y);
        if !suits(pen.look, unit) {
            pen.set_look(unit.look);
        }
        pen.put(unit);
    }
}

/// The characters of a row with its number, and which of them stand there already.
type ChangedRow<'a> = (u16, Vec<Unit<'a>>, Vec<bool>);

/// Writes what changes, all of one look before the next: the pen changes seldom, the cursor jumps more.
fn by_look(pen: &mut Pen, rows: Vec<ChangedRow<'_>>, first: bool) {
    let mut looks: Vec<(CellStyle, Vec<StyledRun<'_>>)> = Vec::new();
    for (y, new, same) in rows {
        let blank = blank_from(&new);
        // The run that the next character may go on, and the blanks since its end that stand there already.
        let mut last: Option<usize> = None;
        let mut gap: Vec<Unit<'_>> = Vec::new();
        for (at, unit) in new.into_iter().enumerate() {
            let is_same = same[at];
            let erase = !is_same && erases(&same, at, blank);
            let going = last.filter(|place| suits(looks[*place].0, &unit));
            if is_same {
                // Blanks between two runs of a look are not longer to write than to jump over.
                match going {
                    Some(_) if unit.is_blank() && gap.len() < usize::from(GAP) => gap.push(unit),
                    _ => last = None,
                }
                if last.is_none() {
                    gap.clear();
                }
                continue;
            }
            if let (Some(place), false) = (going, erase)
                && let Some(run) = looks[place].1.last_mut()
            {
                run.units.append(&mut gap);
                run.units.push(unit);
                continue;
            }
            gap.clear();
            let look = if erase { PLAIN } else { unit.look };
            let known = looks.iter().position(|(known, _)| *known == look);
            let place = known.unwrap_or(looks.len());
            if known.is_none() {
                looks.push((look, Vec::new()));
            }
            last = Some(place);
            looks[place].1.push(StyledRun {
                x: unit.x,
                y,
                units: if erase { Vec::new() } else { vec![unit] },
            });
            if erase {
                break;
            }
        }
    }
    // Plain text first: then a short gap in it can be bridged with blanks, because on a cleared screen
    // nothing stands there yet.
    looks.sort_by_key(|(look, _)| *look != PLAIN);
    for (look, mut runs) in looks {
        let bridges = first && look == PLAIN;
        let is_narrow = !bridges && runs.iter().all(|run| run.end() - run.x <= GAP);
        if is_narrow {
            let mut across = pen.clone();
            write_runs(&mut across, look, &runs, bridges);
            let mut down = pen.clone();
            runs.sort_by_key(|run| (run.x, run.y));
            write_runs(&mut down, look, &runs, bridges);
            *pen = if down.out.len() < across.out.len() {
                down
            } else {
                across
            };
        } else {
            write_runs(pen, look, &runs, bridges);
        }
    }
}

fn write_runs(pen: &mut Pen, look: CellStyle, runs: &[StyledRun<'_>], bridges: bool) {
    for run in runs {
        match pen.at {
            Some((x, y)) if bridges && y == run.y && x < run.x && run.x - x <= GAP => {
                pen.set_look(look);
                pen.blanks(x, run.x);
            }
            _ => pen.go(run.x, run.y),
        }
        pen.set_look(look);
        if run.units.is_empty() {
            pen.out.push_str("\x1b[K");
        }
        for unit in &run.units {
            pen.put(unit);
        }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;

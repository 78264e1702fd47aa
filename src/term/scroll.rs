//! Rows that have only moved: the terminal moves them itself.
//!
//! Done with a scroll region, line feeds and reverse indexes (DECSTBM, LF, RI of the VT100), which every terminal knows.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;

use super::pen::row;

/// The farthest that rows are looked for.
const FARTHEST: u16 = 12;
/// So many cells must come to stand where they belong, for it to be worth a try.
const WORTH: i32 = 60;

/// Some rows of the screen move by some lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    /// First row of the region.
    top: u16,
    /// The row after its last.
    bottom: u16,
    /// How many lines up; below zero is down.
    up: i32,
}

impl Shift {
    /// The move that brings most of a frame to where it belongs; `None` = none that would be worth it.
    pub(super) fn between(before: &Buffer, next: &Buffer) -> Option<Self> {
        let rows = i32::from(next.area.height);
        let alike = |old: i32, new: i32| -> i32 {
            let (Ok(old), Ok(new)) = (u16::try_from(old), u16::try_from(new)) else {
                return 0;
            };
            let (old, new) = (row(before, old), row(next, new));
            let found = old
                .iter()
                .zip(new)
                .filter(|(old, new)| old == new && new.symbol() != " ");
            i32::try_from(found.count()).unwrap_or(0)
        };
        let stay: Vec<i32> = (0..rows).map(|y| alike(y, y)).collect();
        let mut best: Option<(i32, Self)> = None;
        for distance in 1..=i32::from(FARTHEST).min(rows - 1) {
            for up in [distance, -distance] {
                // The rows that gain most, as one region (Kadane). What is not moved in comes out blank.
                let (mut sum, mut start) = (0, None);
                for y in 0..rows {
                    let from = y + up;
                    let gain =
                        if (0..rows).contains(&from) { alike(from, y) } else { 0 } - stay[usize::try_from(y).ok()?];
                    if sum <= 0 {
                        (sum, start) = (0, Some(y));
                    }
                    sum += gain;
                    let Some(first) = start else { continue };
                    if sum > best.map_or(WORTH, |(most, _)| most) {
                        // The region reaches from where the rows come from to where they go.
                        let top = first.min(first + up).max(0);
                        let bottom = (y + 1).max(y + 1 + up).min(rows);
                        let shift = Self {
                            top: u16::try_from(top).ok()?,
                            bottom: u16::try_from(bottom).ok()?,
                            up,
                        };
                        best = Some((sum, shift));
                    }
                }
            }
        }
        best.map(|(_, shift)| shift)
    }

    /// The bytes that make the terminal do it. Afterwards the cursor is in the corner.
    pub(super) fn sequence(self) -> String {
        let Self { top, bottom, up } = self;
        let mut out = String::new();
        let _ = write!(out, "\x1b[{};{bottom}r", top + 1);
        let times = usize::try_from(up.unsigned_abs()).unwrap_or(0);
        if up > 0 {
            let _ = write!(out, "\x1b[{bottom}H");
            out.push_str(&"\n".repeat(times));
        } else {
            let _ = write!(out, "\x1b[{}H", top + 1);
            out.push_str(&"\x1bM".repeat(times));
        }
        out.push_str("\x1b[r");
        out
    }

    /// What the screen shows then.
    pub(super) fn applied(self, before: &Buffer) -> Buffer {
        let mut after = before.clone();
        let width = usize::from(before.area.width);
        for y in self.top..self.bottom {
            let from = i32::from(y) + self.up;
            let start = usize::from(y) * width;
            match u16::try_from(from) {
                Ok(from) if (self.top..self.bottom).contains(&from) => {
                    after.content[start..start + width].clone_from_slice(row(before, from));
                }
                _ => after.content[start..start + width]
                    .iter_mut()
                    .for_each(ratatui::buffer::Cell::reset),
            }
        }
        after
    }
}

//! How the columns of the table lie. Where there is little room the last columns go first, CI before the
//! environments, and come back when the cursor moves to them; names are the last thing to be cut.

use ratatui::layout::Rect;

use crate::app::cursor::Column;
use crate::app::state::CockpitState;
use crate::view::canvas::width;
use crate::view::glyphs::Glyphs;
use crate::view::names;

/// Columns of a cell, the gap after it included: sign, blank, eight digits, badge, relation, flag.
const CELL: std::ops::RangeInclusive<u16> = 14..=44;

/// The same where clusters say what runs: one more for that sign. CI gives way for it.
const CELL_OF_CLUSTER: u16 = 16;

/// Columns that the last column needs at least: sign, blank, eight digits, badge.
const LAST: u16 = 12;

/// Columns of a name that no column has to give way for.
const NAME: std::ops::RangeInclusive<u16> = 8..=24;

/// How the columns lie.
pub(super) struct Layout {
    /// Columns before the name: for the cursor, and where rows are marked for their marks.
    pub gutter: u16,
    /// Columns of the name.
    pub name: u16,
    /// Columns of a cell and the gap after it.
    pub cell: u16,
    /// Columns of the cell of the last column, if it is on screen.
    last: u16,
    /// The first column on screen.
    pub first: usize,
    /// How many are on screen.
    pub count: usize,
    /// How many there are.
    pub all: usize,
}

impl Layout {
    /// The layout for a table of so many columns of the terminal.
    pub fn new(state: &CockpitState, columns: &[Column], glyphs: &Glyphs, room: u16) -> Self {
        let gutter = 1 + u16::from(!state.marked.is_empty());
        let services: Vec<&str> = state.board.services.iter().map(|row| row.name.as_str()).collect();
        let longest = services.iter().map(|name| width(name, glyphs)).max().unwrap_or(0);
        let longest = longest.max(*NAME.start());
        let environments: Vec<&str> = columns.iter().filter_map(environment).collect();
        // As narrow as a name may get: as long as no two of them become the same.
        let needed = (longest.min(*NAME.end())..longest)
            .find(|columns| names::stay_apart(&services, *columns, glyphs.ellipsis))
            .unwrap_or(longest);
        // A heading is a name too.
        let runs = state.board.environments.iter().any(|env| env.running.is_known());
        let least = if runs { CELL_OF_CLUSTER } else { *CELL.start() };
        let heading = (least..60)
            .find(|cell| names::stay_apart(&environments, cell - 2, glyphs.ellipsis))
            .unwrap_or(60);
        let all = columns.len();
        // The last column takes the width of a cell, unless it is that of CI, which says less.
        let least = if environments.len() < all { LAST } else { heading - 1 };
        let count_of = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
        let room = room.saturating_sub(gutter + 1);
        let fits = needed
            .saturating_add(heading.saturating_mul(count_of(all - 1)))
            .saturating_add(least)
            <= room;
        let count = if fits {
            all
        } else {
            usize::from(room.saturating_sub(needed) / heading).clamp(1, (all - 1).max(1))
        };
        let name = if fits {
            let free = room - heading * count_of(all - 1) - least;
            longest.min(free).max(needed)
        } else {
            let free = room.saturating_sub(heading * count_of(count));
            longest.min(free).max(needed.min(room.saturating_sub(heading)))
        };
        let room = room.saturating_sub(name);
        let most = (*CELL.end()).max(heading);
        let (cell, last) = if !fits {
            let cell = (room / count_of(count)).clamp(heading, most).min(room.max(1));
            (cell, cell.saturating_sub(1))
        } else if room / count_of(all) > 19 {
            let even = (room / count_of(all)).min(most);
            (even.max(heading), even)
        } else {
            let cell = (room.saturating_sub(least) / count_of(all - 1).max(1)).clamp(heading, 20.max(heading));
            let last = room.saturating_sub(cell.saturating_mul(count_of(all - 1)));
            (cell, last.clamp(least, least.max(19)))
        };
        let selected = state
            .cursor
            .as_ref()
            .and_then(|cursor| columns.iter().position(|column| *column == cursor.column))
            .unwrap_or(0);
        let first = if selected < count { 0 } else { selected + 1 - count };
        Self {
            gutter,
            name,
            cell,
            last,
            first,
            count,
            all,
        }
    }

    /// Columns of a cell's content.
    pub fn room(&self, at: usize) -> u16 {
        if at + 1 == self.all { self.last } else { self.cell - 1 }
    }

    /// The column of the terminal where a cell begins.
    pub fn x(&self, area: Rect, at: usize) -> u16 {
        area.x + self.gutter + 1 + self.name + u16::try_from(at - self.first).unwrap_or(0) * self.cell
    }
}

/// The name of the environment of a column, unless it is that of CI.
pub(super) fn environment(column: &Column) -> Option<&str> {
    match column {
        Column::Environment(environment) => Some(environment.as_str()),
        Column::Candidate => None,
    }
}

//! Selection by identity. Live data may reorder, add and remove rows; the cursor stays on its
//! target, and never slides onto another one.

use super::filter::Filter;
use super::state::{State, Subject};
use crate::domain::board::{Board, Cell, PinKey, ServiceRow};
use crate::domain::id::{EnvId, ServiceId};

/// A column of the board.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// An environment.
    Environment(EnvId),
    /// What CI offers.
    Candidate,
}

/// What is selected on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The row.
    pub service: ServiceId,
    /// The column.
    pub column: Column,
    /// Which pin, where an environment has several of one service.
    pub pin: Option<PinKey>,
}

impl Cursor {
    /// The first cell of a row.
    pub fn at(service: ServiceId, column: Column) -> Self {
        Self {
            service,
            column,
            pin: None,
        }
    }

    /// What it points at; `None` where nothing is pinned or the row is gone.
    pub fn subject(&self, board: &Board) -> Option<Subject> {
        let row = board.row(&self.service)?;
        match &self.column {
            Column::Candidate => Some(Subject::Candidate(row.name.clone())),
            Column::Environment(environment) => {
                let cells = || cells(row, environment);
                let chosen = self
                    .pin
                    .as_ref()
                    .and_then(|pin| cells().find(|cell| cell.pin.key() == *pin));
                chosen
                    .or_else(|| cells().next())
                    .map(|cell| Subject::Pin(cell.pin.key()))
            }
        }
    }
}

/// The pins of one row in one environment.
pub fn cells<'a>(row: &'a ServiceRow, environment: &'a EnvId) -> impl Iterator<Item = &'a Cell> {
    row.cells
        .iter()
        .filter(move |cell| cell.pin.target.environment == *environment)
}

/// The columns, left to right.
pub fn columns(board: &Board) -> Vec<Column> {
    board
        .environments
        .iter()
        .map(|environment| Column::Environment(environment.name.clone()))
        .chain(std::iter::once(Column::Candidate))
        .collect()
}

/// The rows that are shown: those the filter lets through, and the selected one whatever it says,
/// so that live data cannot take the ground from under the cursor.
pub fn visible<'a>(board: &'a Board, filter: &Filter, cursor: Option<&Cursor>) -> Vec<&'a ServiceRow> {
    let mut matcher = filter.matcher();
    board
        .services
        .iter()
        .filter(|row| cursor.is_some_and(|c| c.service == row.name) || matcher.row(board, row))
        .collect()
}

impl State {
    /// The rows that are shown.
    pub fn rows(&self) -> Vec<&ServiceRow> {
        visible(&self.board, &self.filter, self.cursor.as_ref())
    }

    /// Puts the cursor somewhere if it is nowhere yet. A cursor whose row has gone stays where it
    /// is: it points at nothing until the person moves it.
    pub fn settle(&mut self) {
        if self.cursor.is_none()
            && let (Some(row), Some(column)) = (self.rows().first(), columns(&self.board).first())
        {
            self.cursor = Some(Cursor::at(row.name.clone(), column.clone()));
        }
    }

    /// Moves the cursor by rows; from a row that is gone, to the one that took its place by name.
    pub fn move_rows(&mut self, by: isize) {
        let rows: Vec<ServiceId> = self.rows().iter().map(|row| row.name.clone()).collect();
        let Some(last) = rows.len().checked_sub(1) else {
            return;
        };
        let Some(cursor) = &self.cursor else {
            self.settle();
            return;
        };
        let at = match rows.iter().position(|name| *name == cursor.service) {
            Some(at) => at.saturating_add_signed(by).min(last),
            None => rows.iter().position(|name| *name > cursor.service).unwrap_or(last),
        };
        let column = cursor.column.clone();
        self.put(Cursor::at(rows[at].clone(), column));
    }

    /// Moves the cursor by columns.
    pub fn move_columns(&mut self, by: isize) {
        let columns = columns(&self.board);
        let Some(cursor) = &self.cursor else {
            self.settle();
            return;
        };
        let at = columns.iter().position(|column| *column == cursor.column);
        let to = match at {
            Some(at) => at.saturating_add_signed(by).min(columns.len() - 1),
            None => 0,
        };
        let service = cursor.service.clone();
        self.put(Cursor::at(service, columns[to].clone()));
    }

    /// Puts the cursor on a place, and the inspector back to its top.
    pub fn put(&mut self, cursor: Cursor) {
        if self.cursor.as_ref() != Some(&cursor) {
            self.inspector_top = 0;
        }
        self.cursor = Some(cursor);
    }

    /// The drift shown in the feed, newest first: that of the rows the filter lets through.
    pub fn feed(&self) -> Vec<&crate::domain::Drift> {
        let mut matcher = self.filter.matcher();
        let services: Vec<&ServiceId> = self
            .board
            .services
            .iter()
            .filter(|row| matcher.row(&self.board, row))
            .map(|row| &row.name)
            .collect();
        let mut feed: Vec<_> = self
            .board
            .drift
            .iter()
            .filter(|drift| self.filter.is_empty() || services.contains(&&drift.service))
            .collect();
        // Stable: what was seen at the same time keeps the engine's order.
        feed.sort_by_key(|drift| std::cmp::Reverse(self.arrivals.get(&drift.id)));
        feed
    }

    /// The place of the selected drift in the feed.
    pub fn feed_position(&self) -> Option<usize> {
        let id = self.drift_selected.as_ref()?;
        self.feed().iter().position(|drift| drift.id == *id)
    }
}

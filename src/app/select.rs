//! Selection by identity. Live data may reorder, add and remove rows; the cursor stays on its
//! target, and never slides onto another one.

use super::cursor::{Column, Cursor, columns};
use super::filter::Filter;
use super::state::CockpitState;
use crate::domain::board::{Board, ServiceRow};
use crate::domain::drift::Drift;
use crate::domain::id::{ServiceId, Target};

/// The rows that the filter lets through.
pub(super) fn matching<'a>(board: &'a Board, filter: &Filter) -> Vec<&'a ServiceRow> {
    let mut matcher = filter.matcher();
    board.services.iter().filter(|row| matcher.row(board, row)).collect()
}

impl CockpitState {
    /// The rows that are shown: those that the filter lets through, and whatever it says the selected one
    /// and the marked ones. Live data cannot take the ground from under the cursor, and nobody acts on a
    /// marked service that is not on the board.
    pub fn rows(&self) -> Vec<&ServiceRow> {
        let mut matcher = self.filter.matcher();
        let cursor = self.cursor.as_ref().map(|cursor| &cursor.service);
        self.board
            .services
            .iter()
            .filter(|row| cursor == Some(&row.name) || self.marked.contains(&row.name) || matcher.row(&self.board, row))
            .collect()
    }

    /// Puts the cursor somewhere if it is nowhere yet. A cursor whose row has gone stays where it
    /// is: it points at nothing until the person moves it.
    pub fn settle(&mut self) {
        if self.cursor.is_some() {
            return;
        }
        let start = self.setup.start_at.as_ref();
        let start = start.filter(|at| {
            self.board
                .row(&at.service)
                .is_some_and(|row| row.cell(&at.environment).is_some())
        });
        if let Some(Target { service, environment }) = start {
            self.cursor = Some(Cursor::at(service.clone(), Column::Environment(environment.clone())));
        } else if let (Some(row), Some(column)) = (self.rows().first(), columns(&self.board).first()) {
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
    pub fn feed(&self) -> Vec<&Drift> {
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

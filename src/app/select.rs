//! Selection by identity. Live data may reorder, add and remove rows; the cursor stays on its
//! target, and never slides onto another one.

use std::collections::{HashMap, HashSet};

use super::cursor::{Column, Cursor, columns};
use super::sorting::Sorting;
use super::state::CockpitState;
use crate::domain::board::ServiceRow;
use crate::domain::drift::Drift;
use crate::domain::id::{ServiceId, Target};

/// The rows of the table.
#[derive(Debug, Clone, Default)]
pub struct ShownRows<'a> {
    /// Those that are shown, in their order.
    pub rows: Vec<&'a ServiceRow>,
    /// How many of them the filter lets through; the others are selected or marked.
    pub matching: usize,
}

impl CockpitState {
    /// The rows that are shown: those that the filter lets through, and whatever it says the selected one
    /// and the marked ones. Live data cannot take the ground from under the cursor, and nobody acts on a
    /// marked service that is not on the board.
    pub fn shown_rows(&self) -> ShownRows<'_> {
        let mut matcher = self.filter.matcher(&self.board, self.minute());
        let cursor = self.cursor.as_ref().map(|cursor| &cursor.service);
        let mut matching = 0;
        let rows = self
            .ordered()
            .into_iter()
            .filter(|row| {
                let lets_through = matcher.row(row);
                matching += usize::from(lets_through);
                lets_through || cursor == Some(&row.name) || self.marked.contains(&row.name)
            })
            .collect();
        ShownRows { rows, matching }
    }

    /// The rows that are shown, without saying why.
    pub fn rows(&self) -> Vec<&ServiceRow> {
        self.shown_rows().rows
    }

    /// The rows that the filter lets through, in their order.
    pub fn matching(&self) -> Vec<&ServiceRow> {
        let mut matcher = self.filter.matcher(&self.board, self.minute());
        self.ordered().into_iter().filter(|row| matcher.row(row)).collect()
    }

    /// All rows, in the order that was chosen. It was settled when it was chosen, or when the last pass
    /// ended: a verdict that comes in moves no row under the eyes of the person.
    pub(super) fn ordered(&self) -> Vec<&ServiceRow> {
        let mut rows: Vec<&ServiceRow> = self.board.services.iter().collect();
        if !self.sorting.is_by_name() {
            let place: HashMap<&ServiceId, usize> = self.order.iter().zip(0..).collect();
            rows.sort_by_key(|row| place.get(&row.name).copied().unwrap_or(usize::MAX));
        }
        rows
    }

    /// Sorts the rows by this from now on.
    pub fn sort_by(&mut self, sorting: Sorting) {
        self.sorting = sorting;
        self.sort();
    }

    /// Settles the order of the rows anew.
    pub(super) fn sort(&mut self) {
        self.order = if self.sorting.is_by_name() {
            Vec::new()
        } else {
            self.sorting.order(&self.board, &self.filter, self.now)
        };
    }

    /// The columns that are shown: those that were not put away, and whatever was said before that of the
    /// cursor.
    pub fn columns(&self) -> Vec<Column> {
        let here = self.cursor.as_ref().map(|cursor| &cursor.column);
        columns(&self.board)
            .into_iter()
            .filter(|column| here == Some(column) || !self.hidden_columns.contains(column))
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
        } else if let (Some(row), Some(column)) = (self.rows().first(), self.columns().first()) {
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
            None => self.took_the_place(&rows, &cursor.service).unwrap_or(last),
        };
        let column = cursor.column.clone();
        self.put(Cursor::at(rows[at].clone(), column));
    }

    /// The first row behind the place of a service that is gone.
    fn took_the_place(&self, rows: &[ServiceId], gone: &ServiceId) -> Option<usize> {
        let place = |service: &ServiceId| self.order.iter().position(|name| name == service);
        if self.sorting.is_by_name() {
            return rows.iter().position(|name| name > gone);
        }
        let gone = place(gone)?;
        rows.iter().position(|name| place(name).is_none_or(|at| at > gone))
    }

    /// Moves the cursor by columns.
    pub fn move_columns(&mut self, by: isize) {
        let columns = self.columns();
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
        let mut matcher = self.filter.matcher(&self.board, self.minute());
        let services: HashSet<&ServiceId> = if self.filter.is_empty() {
            HashSet::new()
        } else {
            let rows = self.board.services.iter();
            rows.filter(|row| matcher.row(row)).map(|row| &row.name).collect()
        };
        let mut feed: Vec<_> = self
            .board
            .drift
            .iter()
            .filter(|drift| self.filter.is_empty() || services.contains(&drift.service))
            .collect();
        // Stable: what was seen at the same time keeps the engine's order.
        feed.sort_by_cached_key(|drift| std::cmp::Reverse(self.arrivals.get(&drift.id)));
        feed
    }

    /// The place of the selected drift in the feed.
    pub fn feed_position(&self) -> Option<usize> {
        let id = self.drift_selected.as_ref()?;
        self.feed().iter().position(|drift| drift.id == *id)
    }
}

//! What is selected: always the full identity, never the number of a row.

use crate::domain::board::{Board, Cell, PinKey, ServiceRow};
use crate::domain::id::{EnvId, ServiceId};

/// What a screen below the board is about: the full identity, never a row number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScreenSubject {
    /// The cell of this pin.
    Pin(PinKey),
    /// What CI offers for a service.
    Candidate(ServiceId),
}

/// A column of the board.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// The column of this environment.
    Environment(EnvId),
    /// What CI offers.
    Candidate,
}

/// What is selected on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The row.
    pub service: ServiceId,
    /// The column, by what it shows and not by its position.
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
    pub fn subject(&self, board: &Board) -> Option<ScreenSubject> {
        let row = board.row(&self.service)?;
        match &self.column {
            Column::Candidate => Some(ScreenSubject::Candidate(row.name.clone())),
            Column::Environment(environment) => {
                let cells = || cells(row, environment);
                let chosen = self
                    .pin
                    .as_ref()
                    .and_then(|pin| cells().find(|cell| cell.pin.key() == *pin));
                chosen
                    .or_else(|| cells().next())
                    .map(|cell| ScreenSubject::Pin(cell.pin.key()))
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

//! Finding rows and cells of a board. Pure.

use super::board::{Board, Cell, PinKey, ServiceRow};
use super::board_index::{BoardIndex, CellIdentity, identity_of};
use super::candidate::VersionPlaces;
use super::id::ServiceId;
use super::pin::Pin;

impl PinKey {
    /// Whether it is the key of this pin. No key is built for it: every update of a pass asks this.
    pub(crate) fn is_of(&self, pin: &Pin) -> bool {
        self.identity() == identity_of(pin)
    }

    fn identity(&self) -> CellIdentity<'_> {
        (
            &self.target.service,
            self.target.environment.as_str(),
            self.component.as_deref(),
            &self.image,
            self.digest,
            self.tag.as_deref(),
        )
    }
}

impl Board {
    /// The cell with that key.
    pub(crate) fn cell(&self, key: &PinKey) -> Option<&Cell> {
        let (row, cell) = self.find_cell(key).0?;
        Some(&self.services[row].cells[cell])
    }

    /// The row of a service.
    pub fn row(&self, service: &ServiceId) -> Option<&ServiceRow> {
        Some(&self.services[self.find_row(service).0?])
    }

    /// How many rows and cells were compared with what updates were about since the board began: about one for each
    /// update, however large the board is.
    pub fn compared(&self) -> u64 {
        self.index.compared
    }

    /// Takes other rows, and gives the old ones back.
    pub(super) fn take_rows(&mut self, rows: Vec<ServiceRow>) -> Vec<ServiceRow> {
        let mut index = index_of(&rows);
        index.compared = self.index.compared;
        for row in &rows {
            if let Some(candidate) = row.candidate.value().and_then(Option::as_ref) {
                index.keep_versions(&row.name, Some(VersionPlaces::of(candidate)));
            }
        }
        self.index = index;
        std::mem::replace(&mut self.services, rows)
    }

    /// The row that an update is about, by its position.
    pub(super) fn row_of_update(&mut self, service: &ServiceId) -> Option<usize> {
        let (found, compared) = self.find_row(service);
        self.index.compared += compared;
        found
    }

    /// The cell that an update is about, by the positions of its row and itself.
    pub(super) fn cell_of_update(&mut self, key: &PinKey) -> Option<(usize, usize)> {
        let (found, compared) = self.find_cell(key);
        self.index.compared += compared;
        found
    }

    /// Compares every pin of a row with its candidate.
    pub(super) fn relate_row(&mut self, row: usize) {
        let Self { services, index, .. } = self;
        let row = &mut services[row];
        let candidate = row.candidate.value().and_then(Option::as_ref);
        index.keep_versions(&row.name, candidate.map(VersionPlaces::of));
        for cell in &mut row.cells {
            cell.relate(index.versions(&row.name));
        }
    }

    /// Compares one pin with the candidate that its row was compared with.
    pub(super) fn relate_cell(&mut self, (row, cell): (usize, usize)) {
        let Self { services, index, .. } = self;
        let row = &mut services[row];
        row.cells[cell].relate(index.versions(&row.name));
    }

    /// The position of a service's row, and how many comparisons it took to find.
    fn find_row(&self, service: &ServiceId) -> (Option<usize>, u64) {
        match self.index.row(service).map(|place| place.at as usize) {
            Some(at) if self.services.get(at).is_some_and(|row| row.name == *service) => (Some(at), 1),
            None if self.index.len() == self.services.len() => (None, 0),
            // Rows were taken away since.
            _ => {
                let at = self.services.iter().position(|row| row.name == *service);
                let compared = at.map_or(self.services.len(), |at| at + 1);
                (at, compared as u64)
            }
        }
    }

    /// The positions of a key's row and cell, and how many comparisons they took to find.
    fn find_cell(&self, key: &PinKey) -> (Option<(usize, usize)>, u64) {
        let place = self.index.cell(key.identity());
        let is_there = |(row, cell): (usize, usize)| {
            let cell = self.services.get(row).and_then(|row| row.cells.get(cell));
            cell.is_some_and(|cell| key.is_of(&cell.pin))
        };
        if place.is_some_and(is_there) {
            return (place, 1);
        }
        let (found, compared) = self.find_row(&key.target.service);
        let Some(row) = found else { return (None, compared) };
        let cells = &self.services[row].cells;
        let known = self.index.row(&key.target.service).map(|row| row.cells);
        if place.is_none() && known == Some(cells.len()) {
            return (None, compared);
        }
        // Cells were taken away or put in since.
        let cell = cells.iter().position(|cell| key.is_of(&cell.pin));
        let more = cell.map_or(cells.len(), |cell| cell + 1);
        (cell.map(|cell| (row, cell)), compared + more as u64)
    }
}

/// Cells of a board that was, each to be taken once.
pub(super) struct FormerCells {
    index: BoardIndex,
    cells: Vec<Vec<Option<Cell>>>,
}

impl FormerCells {
    /// Takes the cells out of rows.
    pub(super) fn of(rows: &mut [ServiceRow]) -> Self {
        let index = index_of(rows);
        let taken = rows
            .iter_mut()
            .map(|row| std::mem::take(&mut row.cells).into_iter().map(Some).collect());
        Self {
            cells: taken.collect(),
            index,
        }
    }

    /// The cell that a pin had.
    pub(super) fn take(&mut self, pin: &Pin) -> Option<Cell> {
        let (row, cell) = self.index.cell(identity_of(pin))?;
        let place = self.cells.get_mut(row)?.get_mut(cell)?;
        let is_same = |cell: &Cell| identity_of(&cell.pin) == identity_of(pin);
        place.take_if(|cell| is_same(cell))
    }
}

fn index_of(rows: &[ServiceRow]) -> BoardIndex {
    let mut index = BoardIndex::default();
    for row in rows {
        index.push(&row.name, row.cells.iter().map(|cell| &cell.pin));
    }
    index
}

//! The order of the rows: by name, or the worst or newest first.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::cell_status::{self, CellStatus};
use super::drift_index::DriftIndex;
use super::filter::Filter;
use crate::domain::board::{Board, Cell, ServiceRow};
use crate::domain::id::ServiceId;

/// What rows can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// In the order of the repository's services.
    #[default]
    Name,
    /// The most versions behind the candidate first.
    Behind,
    /// What was found to be wrong first, then what could not be checked, what verifies last.
    Verdict,
    /// What was pinned last first.
    Age,
    /// The most drift first.
    Drift,
}

impl SortKey {
    /// Every key, in the order in which they come round.
    pub const ALL: [Self; 5] = [Self::Name, Self::Behind, Self::Verdict, Self::Age, Self::Drift];

    /// The word in the head of the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Behind => "behind",
            Self::Verdict => "verdict",
            Self::Age => "age",
            Self::Drift => "drift",
        }
    }

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|key| *key == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// By what the rows are sorted: one key, and another where the first says the same. Last comes the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sorting {
    /// The key that counts first.
    pub first: SortKey,
    /// The key that counts where the first says the same.
    pub then: Option<SortKey>,
}

impl Sorting {
    /// Whether the rows stand as the repository lists them.
    pub fn is_by_name(self) -> bool {
        self.first == SortKey::Name
    }

    /// The next first key.
    pub fn next_first(self) -> Self {
        let first = self.first.next();
        let then = self.then.filter(|then| *then != first && first != SortKey::Name);
        Self { first, then }
    }

    /// The next second key; after the last there is none.
    pub fn next_then(self) -> Self {
        let mut then = self.then.unwrap_or_default().next();
        if then == self.first {
            then = then.next();
        }
        Self {
            first: self.first,
            then: Some(then).filter(|then| *then != SortKey::Name),
        }
    }

    /// The words in the head of the table: `behind, age`.
    pub fn words(self) -> String {
        match self.then {
            Some(then) => format!("{}, {}", self.first.word(), then.word()),
            None => self.first.word().to_owned(),
        }
    }

    /// The services of a board in this order. Where the filter names environments, only their cells count.
    pub fn order(self, board: &Board, filter: &Filter, now: Timestamp) -> Vec<ServiceId> {
        let drift = DriftIndex::new(board);
        let weight = |key: SortKey, row: &ServiceRow| weight(key, row, filter, &drift, now);
        let mut rows: Vec<&ServiceRow> = board.services.iter().collect();
        // Stable: where the keys say the same, the order of the names stays.
        rows.sort_by_cached_key(|row| Reverse((weight(self.first, row), self.then.map(|then| weight(then, row)))));
        rows.into_iter().map(|row| row.name.clone()).collect()
    }
}

/// How far up a row belongs.
fn weight(key: SortKey, row: &ServiceRow, filter: &Filter, drift: &DriftIndex<'_>, now: Timestamp) -> i64 {
    let cells = || {
        row.cells
            .iter()
            .filter(|cell| filter.is_about(cell.pin.target.environment.as_str()))
    };
    let most = |of: &dyn Fn(&Cell) -> i64| cells().map(of).max().unwrap_or(i64::MIN);
    match key {
        SortKey::Name => 0,
        SortKey::Behind => most(&|cell| cell.behind.map_or(0, i64::from)),
        SortKey::Verdict => most(&|cell| severity(cell_status::of_cell(cell, now).status)),
        SortKey::Age => most(&|cell| cell.pinned_by.as_ref().map_or(i64::MIN, |by| by.at.as_second())),
        SortKey::Drift => {
            let of_service = drift.of_service(&row.name).iter();
            let counts = of_service.filter(|drift| {
                let environment = drift.environment.as_ref();
                environment.is_none_or(|environment| filter.is_about(environment.as_str()))
            });
            i64::try_from(counts.count()).unwrap_or(i64::MAX)
        }
    }
}

const fn severity(status: CellStatus) -> i64 {
    match status {
        CellStatus::Rejected | CellStatus::Absent => 6,
        CellStatus::Unknown => 5,
        CellStatus::Unreachable => 4,
        CellStatus::Warned => 3,
        CellStatus::ByTag => 2,
        CellStatus::NotJudged | CellStatus::Loading | CellStatus::NotChecked => 1,
        CellStatus::Verified => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_comes_round() {
        let mut sorting = Sorting::default();
        let mut seen = Vec::new();
        for _ in SortKey::ALL {
            sorting = sorting.next_first();
            seen.push(sorting.first.word());
        }
        assert_eq!(seen, ["behind", "verdict", "age", "drift", "name"]);
    }

    #[test]
    fn the_second_key_is_never_the_first() {
        let mut sorting = Sorting {
            first: SortKey::Verdict,
            then: None,
        };
        let mut seen = Vec::new();
        for _ in 0..4 {
            sorting = sorting.next_then();
            seen.push(sorting.words());
        }
        assert_eq!(seen, ["verdict, behind", "verdict, age", "verdict, drift", "verdict"]);
    }
}

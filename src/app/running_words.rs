//! What the clusters run of a pin, in words: the same ones on the command line, on screen and line by line.

use crate::domain::board::Cell;
use crate::domain::freshness::Seen;
use crate::domain::policy::Environment;

/// The words for a cell; `None` where no cluster is named for its environment, and for a pin by tag.
pub fn of_cell(cell: &Cell, environment: Option<&Environment>) -> Option<String> {
    if !environment?.running.is_known() || cell.pin.digest.is_none() {
        return None;
    }
    Some(match (&cell.running, cell.running.value()) {
        (_, Some(report)) => report.brief(),
        (Seen::Loading { .. }, None) => "checking".to_owned(),
        (_, None) => "not checked".to_owned(),
    })
}

use super::*;

fn current(service: usize, cell: usize) -> CellStatus {
    cell_status::of_cell(&board().board.services[service].cells[cell], sample::now()).status
}

#[test]
fn each_state_is_its_own() {
    for (service, cell, expected) in [
        (0, 0, CellStatus::Verified),
        (1, 3, CellStatus::Rejected),
        (2, 1, CellStatus::Unknown),
        (2, 2, CellStatus::Unreachable),
        (2, 3, CellStatus::Loading),
        (3, 2, CellStatus::Warned),
        (4, 0, CellStatus::ByTag),
        (6, 3, CellStatus::Absent),
        (7, 0, CellStatus::NotJudged),
        (7, 4, CellStatus::NotChecked),
    ] {
        assert_eq!(current(service, cell), expected, "row {service}, cell {cell}");
    }
}

#[test]
fn unreachable_never_reads_as_verified_though_it_was() {
    let state = board();
    let cell = &state.board.services[2].cells[2];
    assert!(
        cell.verdict()
            .is_some_and(|v| v.result == crate::domain::Outcome::Verified)
    );
    assert_eq!(
        cell_status::of_cell(cell, sample::now()).status,
        CellStatus::Unreachable
    );
}

#[test]
fn age_makes_stale_but_changes_no_state() {
    let state = board();
    let cell = &state.board.services[0].cells[0];
    let current = cell_status::of_cell(cell, later(601));
    assert_eq!((current.status, current.stale), (CellStatus::Verified, true));
}

#[test]
fn a_candidate_is_ci_built_only_by_its_own_provenance() {
    let mut state = board();
    assert_eq!(cell_status::ci_built(&state.board.services[0]), Some(true));
    let row = &mut state.board.services[0];
    if let Seen::Fresh { value, .. } = &mut row.assessment {
        for evidence in std::sync::Arc::make_mut(&mut value.evidence) {
            evidence.attached_to = digest("another");
        }
    }
    assert_eq!(cell_status::ci_built(&state.board.services[0]), Some(false));
}

#[test]
fn no_candidate_is_not_a_state_of_one() {
    let mut state = board();
    let row = &mut state.board.services[0];
    row.candidate = Seen::Fresh {
        value: None,
        at: sample::now(),
    };
    assert_eq!(cell_status::of_candidate(&state.board.services[0], sample::now()), None);
}

#[test]
fn cursors_compare_by_identity() {
    let a = Cursor::at("a".into(), Column::Candidate);
    assert_eq!(a, Cursor::at("a".into(), Column::Candidate));
    assert_ne!(a, Cursor::at("a".into(), Column::Environment(sample::env("dev"))));
}

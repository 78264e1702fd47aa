use super::*;

#[test]
fn tab_goes_round() {
    let mut state = board();
    let mut seen = Vec::new();
    for _ in 0..3 {
        press(&mut state, "<tab>");
        seen.push(state.pane);
    }
    assert_eq!(seen, [Pane::Inspector, Pane::Feed, Pane::Board]);
    press(&mut state, "<shift-tab>");
    assert_eq!(state.pane, Pane::Feed);
}

#[test]
fn the_feed_selects_by_id() {
    let mut state = board();
    press(&mut state, "<shift-tab>");
    let first = state.drift_selected.clone().expect("selected");
    press(&mut state, "j");
    let second = state.drift_selected.clone().expect("selected");
    assert_ne!(first, second);
    state.board.drift.reverse();
    state.arrivals.clear();
    assert_eq!(state.drift_selected, Some(second));
}

#[test]
fn enter_leads_from_a_drift_to_its_cell() {
    let mut state = board();
    press(&mut state, "<shift-tab><enter>");
    assert_eq!(state.pane, Pane::Board);
    is_at(&state, "checkout", "production");
}

#[test]
fn a_drift_of_a_split_leads_to_its_own_pin() {
    let mut state = board();
    let at = state
        .feed()
        .iter()
        .position(|d| d.kind == crate::domain::DriftKind::PinSplit)
        .expect("a split");
    press(&mut state, "<shift-tab>");
    press(&mut state, &"j".repeat(at));
    press(&mut state, "<enter>");
    is_at(&state, "inventory", "staging");
}

#[test]
fn esc_leads_back_to_the_board_and_then_says_so() {
    let mut state = board();
    press(&mut state, "<tab><esc>");
    assert_eq!(state.pane, Pane::Board);
    press(&mut state, "<esc>");
    assert!(notice(&state).contains("q leaves"));
    assert!(!state.quitting);
}

#[test]
fn enter_goes_cell_inspector_evidence_check() {
    let mut state = board();
    press(&mut state, "<enter>");
    assert_eq!(state.pane, Pane::Inspector);
    press(&mut state, "<enter>");
    assert!(evidence(&state).open.is_empty());
    press(&mut state, "<enter>");
    assert_eq!(evidence(&state).open.len(), 1);
    press(&mut state, "j");
    assert_eq!(evidence(&state).check, Some(0));
    press(&mut state, "<esc>");
    assert_eq!(evidence(&state).check, None);
    press(&mut state, "<esc>");
    assert!(evidence(&state).open.is_empty());
    press(&mut state, "<esc>");
    assert_eq!(state.screen(), None);
}

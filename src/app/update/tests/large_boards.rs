//! Sixty services: order, filter, columns, panes, the mouse.

use super::*;
use crate::app::msg::Spot;
use crate::app::sample::large;

fn sixty() -> CockpitState {
    large(60, 120, 40)
}

fn names(state: &CockpitState) -> Vec<String> {
    state.rows().iter().map(|row| row.name.to_string()).collect()
}

/// Sets the filter, in place of the one before.
fn filter(state: &mut CockpitState, text: &str) {
    press(state, "/<ctrl-u>");
    update(state, Msg::Paste(text.to_owned()), sample::now());
    press(state, "<enter>");
}

fn first(state: &CockpitState) -> String {
    names(state)[0].clone()
}

#[test]
fn names_that_contain_the_words_come_before_names_that_resemble_them() {
    let mut state = sixty();
    press(&mut state, "/pay-w<enter>");
    assert_eq!(names(&state), ["pay-web", "pay-worker"]);
    press(&mut state, "/<ctrl-u>pywrk<enter>");
    assert_eq!(names(&state), ["pay-worker"]);
    press(&mut state, "/<ctrl-u>PAY api<enter>");
    assert_eq!(names(&state), ["pay-api"], "words in any case, each of them");
}

#[test]
fn numbers_find_what_is_three_behind_in_production() {
    let mut state = sixty();
    filter(&mut state, "env:production behind:3");
    let rows = names(&state);
    assert_eq!(rows.len(), 12);
    for row in state.rows() {
        let cell = row.cell(&"production".into()).expect("a cell");
        assert_eq!(cell.behind, Some(3), "{}", row.name);
    }
    filter(&mut state, "behind:>2");
    assert_eq!(names(&state).len(), 24, "three and four behind");
    filter(&mut state, "env:production behind>=3 behind<4");
    assert_eq!(names(&state), rows);
}

#[test]
fn numbers_find_what_was_pinned_lately() {
    let mut state = sixty();
    filter(&mut state, "env:dev age:<24h");
    let young = names(&state);
    assert!(!young.is_empty() && young.len() < 60);
    filter(&mut state, "env:dev age:>=1d");
    assert_eq!(names(&state).len(), 60 - young.len());
}

#[test]
fn the_selection_stays_on_its_service_while_the_filter_grows_and_shrinks() {
    let mut state = sixty();
    press(&mut state, "/ship-web<enter><ctrl-u>");
    let here = at(&state).0;
    assert_eq!(here, "ship-web");
    // It matches all the time.
    for key in ["/", "s", "h", "i", "p"] {
        press(&mut state, key);
        assert_eq!(at(&state).0, "ship-web", "after {key}");
    }
    // Now it does not, and then it does again.
    press(&mut state, "-m");
    assert_eq!(at(&state).0, "ship-mail");
    press(&mut state, "<backspace>");
    assert_eq!(at(&state).0, "ship-web");
    press(&mut state, "-m<esc>");
    assert_eq!(at(&state).0, "ship-web", "esc brings back the selection too");
}

#[test]
fn a_selection_that_no_longer_matches_goes_to_the_nearest_row() {
    let mut state = sixty();
    press(&mut state, "/search-web<enter><ctrl-u>/api");
    let all = {
        let mut all = sixty();
        press(&mut all, "<esc>");
        names(&all)
    };
    let place = |name: &str| all.iter().position(|other| other == name).expect("there");
    let here = place("search-web");
    let chosen = place(&at(&state).0);
    let found: Vec<usize> = all
        .iter()
        .filter(|name| name.contains("api"))
        .map(|name| place(name))
        .collect();
    let nearest = found.iter().map(|at| at.abs_diff(here)).min();
    assert_eq!(Some(chosen.abs_diff(here)), nearest);
}

#[test]
fn where_nothing_matches_the_selection_stays_and_is_shown() {
    let mut state = sixty();
    press(&mut state, "jjj/zzzz<enter>");
    let shown = state.shown_rows();
    assert_eq!((shown.rows.len(), shown.matching), (1, 0));
    assert_eq!(shown.rows[0].name.as_str(), at(&state).0);
}

#[test]
fn the_counts_leave_out_what_is_only_kept() {
    let mut state = sixty();
    press(&mut state, "<space><space>/pay-a<enter>");
    let shown = state.shown_rows();
    assert_eq!((shown.rows.len(), shown.matching), (4, 2));
}

#[test]
fn sorting_goes_round_and_the_worst_comes_first() {
    let mut state = sixty();
    let by_name = names(&state);
    press(&mut state, "s");
    assert_eq!(notice(&state), "sorted by behind");
    let behind = |state: &CockpitState| -> Vec<u32> {
        let rows = state.rows();
        rows.iter()
            .map(|row| row.cells.iter().filter_map(|cell| cell.behind).max().unwrap_or(0))
            .collect()
    };
    assert!(behind(&state).is_sorted_by(|a, b| a >= b));
    press(&mut state, "s");
    let verdict = first(&state);
    let row = state.board.row(&verdict.as_str().into()).expect("a row");
    let rejected =
        |cell: &crate::domain::board::Cell| cell_status::of_cell(cell, sample::now()).status == CellStatus::Rejected;
    assert!(row.cells.iter().any(rejected), "{verdict}");
    press(&mut state, "sss");
    assert_eq!(notice(&state), "sorted by name");
    assert_eq!(names(&state), by_name);
}

#[test]
fn a_second_order_sorts_what_the_first_leaves_equal() {
    let mut state = sixty();
    press(&mut state, "S");
    assert!(notice(&state).contains("stand by name"), "{}", notice(&state));
    press(&mut state, "sSS");
    assert_eq!(notice(&state), "sorted by behind, age");
    let keys: Vec<(u32, i64)> = state
        .rows()
        .iter()
        .map(|row| {
            let behind = row.cells.iter().filter_map(|cell| cell.behind).max().unwrap_or(0);
            let pinned = row.cells.iter().filter_map(|cell| cell.pinned_by.as_ref());
            (behind, pinned.map(|by| by.at.as_second()).max().unwrap_or(0))
        })
        .collect();
    assert!(keys.is_sorted_by(|a, b| a >= b));
}

#[test]
fn only_the_environments_of_the_filter_count_for_the_order() {
    let mut state = sixty();
    press(&mut state, "s/env:integration<enter>");
    let behind: Vec<u32> = state
        .rows()
        .iter()
        .map(|row| {
            row.cell(&"integration".into())
                .and_then(|cell| cell.behind)
                .unwrap_or(0)
        })
        .collect();
    assert!(behind.is_sorted_by(|a, b| a >= b));
}

#[test]
fn sorting_moves_no_selection_and_verdicts_move_no_row() {
    let mut state = sixty();
    press(&mut state, "jjjjjss");
    let here = at(&state);
    let before = names(&state);
    let last = state.rows().last().map(|row| row.cells[3].pin.key());
    let found = Update::Assessed {
        key: last.expect("a row"),
        assessment: sample::assessed(crate::domain::verdict::Outcome::Unknown, Vec::new(), Vec::new()),
        version: None,
        same_image: Default::default(),
        missing: false,
    };
    let ticket = refresh(&mut state);
    feed(&mut state, &ticket, [found]);
    assert_eq!(names(&state), before, "as long as the pass goes on");
    finish(&mut state, &ticket);
    assert_ne!(names(&state), before, "then the order is settled anew");
    assert_eq!(at(&state), here);
}

#[test]
fn columns_are_put_away_and_come_back() {
    let mut state = sixty();
    let commands = press(&mut state, "C<down><space>");
    let away = Column::Environment("integration".into());
    assert_eq!(commands, [Command::RememberColumns(vec![away.clone()])]);
    press(&mut state, "<enter>");
    assert!(!state.columns().contains(&away));
    is_at(&state, "cart-admin", "dev");
    press(&mut state, "<right>");
    is_at(&state, "cart-admin", "staging");
    let commands = press(&mut state, "C<up><space>");
    assert_eq!(commands, [Command::RememberColumns(Vec::new())]);
}

#[test]
fn the_column_of_the_cursor_is_left_before_it_is_put_away() {
    let mut state = sixty();
    press(&mut state, "<right><right>C<space><esc>");
    is_at(&state, "cart-admin", "production");
    assert_eq!(state.columns().len(), 4);
}

#[test]
fn one_column_has_to_stay() {
    let mut state = sixty();
    press(
        &mut state,
        "C<space><down><space><down><space><down><space><down><space>",
    );
    assert_eq!(notice(&state), "one column has to stay");
    assert_eq!(state.columns(), [Column::Candidate]);
}

#[test]
fn a_column_that_is_put_away_shows_when_drift_leads_there() {
    let mut state = board();
    press(&mut state, "C<down><down><down><space><enter><tab><tab>");
    while state.drift_selected.as_ref().is_none_or(|id| {
        let drift = state.board.drift.iter().find(|drift| drift.id == *id);
        drift
            .and_then(|d| d.environment.as_ref())
            .is_none_or(|e| e.as_str() != "production")
    }) {
        press(&mut state, "j");
    }
    press(&mut state, "<enter>");
    assert_eq!(at(&state).1, "production");
    assert!(state.columns().contains(&Column::Environment("production".into())));
}

#[test]
fn a_pane_fills_the_screen_until_esc() {
    let mut state = sixty();
    press(&mut state, "<tab>z");
    assert!(state.full_screen && state.pane == Pane::Inspector);
    press(&mut state, "<esc>");
    assert!(!state.full_screen && state.pane == Pane::Inspector);
}

#[test]
fn the_mouse_selects_and_scrolls_and_begins_nothing() {
    let mut state = sixty();
    let pointed = |state: &mut CockpitState, spot| update(state, Msg::Pointed(spot), sample::now());
    let cell = Spot::Cell("pay-web".into(), Column::Environment("staging".into()));
    assert_eq!(pointed(&mut state, cell.clone()), []);
    is_at(&state, "pay-web", "staging");
    assert_eq!(pointed(&mut state, Spot::Service("cart-api".into())), []);
    is_at(&state, "cart-api", "staging");
    let before = at(&state);
    update(&mut state, Msg::Wheel(1), sample::now());
    assert_ne!(at(&state), before);
    press(&mut state, "e");
    pointed(&mut state, cell);
    assert_ne!(at(&state).0, "pay-web", "not below a screen");
}

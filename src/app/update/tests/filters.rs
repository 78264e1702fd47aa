use super::*;

fn shown(text: &str) -> Vec<String> {
    let mut state = board();
    state.cursor = None;
    state.filter = Filter::parse(text);
    state.rows().iter().map(|row| row.name.to_string()).collect()
}

#[test]
fn words_are_contained_or_else_resembled_and_order_stays() {
    assert_eq!(shown("ch"), ["checkout", "search"]);
    assert_eq!(shown("nvtr"), ["inventory"]);
    assert_eq!(shown("zzz"), [] as [&str; 0]);
}

#[test]
fn facets_of_verdicts() {
    assert_eq!(shown("warned"), ["catalog"]);
    assert_eq!(shown("unreachable"), ["search"]);
    assert_eq!(shown("absent"), ["frontend"]);
    assert_eq!(shown("tag"), ["notifier"]);
    assert_eq!(shown("held"), ["ledger"]);
}

#[test]
fn all_facets_hold_for_the_same_cell() {
    assert_eq!(shown("env:production rejected"), ["payments"]);
    assert_eq!(shown("env:staging warned"), ["catalog"]);
    assert_eq!(shown("env:dev warned"), [] as [&str; 0]);
}

#[test]
fn not_and_kinds_of_drift() {
    let rows = shown("env:production !verified");
    assert!(rows.contains(&"payments".to_owned()) && !rows.contains(&"checkout".to_owned()));
    assert_eq!(shown("drift:tag-moved"), ["checkout"]);
    assert_eq!(shown("drift:rebuilt env:production"), ["checkout", "ledger"]);
}

#[test]
fn environments_by_their_beginning() {
    assert_eq!(shown("env:prod rejected"), shown("env:production rejected"));
}

#[test]
fn unknown_conditions_are_named_and_ignored() {
    let filter = Filter::parse("!nonsense drift:nonsense pay");
    assert_eq!(filter.unknown(), ["!nonsense", "drift:nonsense"]);
    assert_eq!(shown("!nonsense pay"), ["payments"]);
}

#[test]
fn typing_narrows_and_moves_to_the_nearest_match() {
    let mut state = board();
    press(&mut state, "/led");
    is_at(&state, "ledger", "dev");
    assert_eq!(state.rows().len(), 1);
    press(&mut state, "<enter>");
    assert_eq!((state.layer.clone(), state.filter.text()), (None, "led"));
}

#[test]
fn esc_brings_the_filter_before_back() {
    let mut state = board();
    press(&mut state, "/pay<enter>/xyz<esc>");
    assert_eq!(state.filter.text(), "pay");
}

#[test]
fn keys_are_text_while_typing() {
    let mut state = board();
    press(&mut state, "/q");
    assert!(!state.quitting);
    assert_eq!(state.filter.text(), "q");
}

#[test]
fn backspace_word_and_line() {
    let mut state = board();
    press(&mut state, "/one two three<backspace><ctrl-w>");
    assert_eq!(state.filter.text(), "one two ");
    press(&mut state, "<ctrl-u>");
    assert_eq!(state.filter.text(), "");
    press(&mut state, "<backspace>");
    assert_eq!(state.layer, None);
}

#[test]
fn the_selected_row_stays_though_it_stops_matching() {
    let mut state = board();
    press(&mut state, "/warned<enter>");
    is_at(&state, "catalog", "dev");
    let key = state.board.services[3].cells[2].pin.key();
    let ticket = state.generations.issue(QueryKind::Board, None);
    let found = Update::Assessed {
        key,
        assessment: sample::verified(digest("k2")),
        version: None,
        same_image: Default::default(),
        missing: false,
    };
    feed(&mut state, &ticket, [found]);
    is_at(&state, "catalog", "dev");
    assert_eq!(state.rows().len(), 1);
}

#[test]
fn the_feed_follows_the_filter() {
    let mut state = board();
    press(&mut state, "/ledger<enter>");
    assert!(!state.feed().is_empty());
    assert!(state.feed().iter().all(|drift| drift.service.as_str() == "ledger"));
}

#[test]
fn esc_on_the_board_shows_all_again() {
    let mut state = board();
    press(&mut state, "/led<enter><esc>");
    assert_eq!(state.rows().len(), 8);
    is_at(&state, "ledger", "dev");
}

#[test]
fn the_first_letter_takes_the_place_of_the_filter_before() {
    let mut state = board();
    press(&mut state, "/pay<enter>/led");
    assert_eq!(state.filter.text(), "led");
    press(&mut state, "<esc>");
    assert_eq!(state.filter.text(), "pay", "esc brings it back");
    press(&mut state, "/<ctrl-e>m");
    assert_eq!(state.filter.text(), "paym", "ctrl-e edits it");
    press(&mut state, "<enter>/<enter>");
    assert_eq!(state.filter.text(), "paym", "enter keeps it");
    press(&mut state, "/<backspace>");
    assert_eq!(state.filter.text(), "", "backspace takes all of it");
    press(&mut state, "<enter>/pay<enter>/");
    update(&mut state, Msg::Paste("led".to_owned()), sample::now());
    assert_eq!(state.filter.text(), "led");
}

#[test]
fn pasted_text_goes_into_the_field_without_controls() {
    let mut state = board();
    press(&mut state, "/");
    update(&mut state, Msg::Paste("pay\u{1b}[2J\nq".to_owned()), sample::now());
    assert_eq!(state.filter.text(), "pay[2J");
    assert!(!state.quitting);
}

#[test]
fn pasted_text_is_never_keys() {
    let mut state = board();
    assert_eq!(update(&mut state, Msg::Paste("qq".to_owned()), sample::now()), []);
    assert!(!state.quitting);
}

#[test]
fn a_marked_row_is_never_hidden() {
    let mut state = board();
    press(&mut state, "<space><space>/ledger<enter>");
    let shown: Vec<&str> = state.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(shown, ["checkout", "payments", "ledger"]);
}

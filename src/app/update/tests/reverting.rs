//! What `r` leads to: a choice of earlier digests, and only then a plan.

use super::*;
use crate::app::revert_screen::RevertScreen;
use crate::app::sample::{answer_list, asked, earlier, listed, listing};
use crate::domain::id::Target;
use crate::domain::policy::WriteMode;
use crate::domain::write::Ask;

const PRODUCTION_R: &str = "<right><right><right>r";

fn screen(state: &CockpitState) -> &RevertScreen {
    match state.screen() {
        Some(Screen::Revert(screen)) => screen,
        other => panic!("no choice of digests: {other:?}"),
    }
}

fn to(state: &mut CockpitState, keys: &str) -> (crate::domain::Digest, bool) {
    let (_, request) = asked(&press(state, keys));
    match request.ask {
        Ask::Revert { to: Some(to), .. } => (to, request.release_hold),
        other => panic!("no revert: {other:?}"),
    }
}

#[test]
fn the_key_plans_nothing_and_asks_for_the_earlier_digests() {
    let mut state = board();
    let commands = press(&mut state, PRODUCTION_R);
    let (_, target) = listing(&commands);
    assert_eq!(target, Target::new("checkout", "production"));
    assert!(!commands.iter().any(|c| matches!(c, Command::Plan { .. })));
}

#[test]
fn the_last_known_good_is_selected_and_neither_held_nor_taken_back() {
    let mut state = board();
    listed(&mut state, PRODUCTION_R);
    assert_eq!(screen(&state).selected, Some(digest("c0")));
    assert_eq!(to(&mut state, "<enter>"), (digest("c0"), false));
}

#[test]
fn what_arrives_later_never_moves_the_selection() {
    let mut state = board();
    let (ticket, _) = listing(&press(&mut state, PRODUCTION_R));
    let msg = Msg::EarlierDigests {
        ticket: ticket.clone(),
        digests: earlier(),
    };
    update(&mut state, msg, sample::now());
    press(&mut state, "j");
    let selected = screen(&state).selected;
    answer_list(&mut state, &ticket, Vec::new());
    assert_eq!(screen(&state).selected, None, "an empty list has nothing to select");
    assert_eq!(selected, Some(digest("cs")));
}

#[test]
fn a_digest_on_hold_takes_a_step_of_its_own() {
    let mut state = board();
    listed(&mut state, PRODUCTION_R);
    assert_eq!(press(&mut state, "k").len(), 1, "it is compared with what is pinned");
    assert_eq!(screen(&state).selected, Some(digest("ch")));
    assert_eq!(press(&mut state, "<enter>"), []);
    assert!(matches!(&state.layer, Some(Modal::Choose { title, .. }) if title.contains("double bookings")));
    assert_eq!(press(&mut state, "<enter>"), [], "the first answer is to leave it");
    assert_eq!(screen(&state).selected, Some(digest("ch")));
    press(&mut state, "<enter>");
    assert_eq!(to(&mut state, "j<enter>"), (digest("ch"), true));
}

#[test]
fn a_digest_that_a_revert_took_out_takes_a_step_of_its_own() {
    let mut state = board();
    listed(&mut state, PRODUCTION_R);
    press(&mut state, "<home>");
    assert_eq!(screen(&state).selected, Some(digest("c1")));
    assert_eq!(press(&mut state, "<enter><enter>"), []);
    press(&mut state, "<enter>");
    assert_eq!(to(&mut state, "j<enter>"), (digest("c1"), false));
}

#[test]
fn a_hold_of_an_earlier_environment_closes_the_way() {
    let mut state = board();
    listed(&mut state, PRODUCTION_R);
    assert_eq!(press(&mut state, "j<enter>").len(), 1, "only compared");
    assert_eq!(state.layer, None);
    assert!(notice(&state).contains("on hold in staging"), "{}", notice(&state));
}

#[test]
fn where_pull_requests_write_a_hold_is_released_by_itself() {
    let mut state = board();
    state.board.environments[3].write = WriteMode::Branch;
    listed(&mut state, PRODUCTION_R);
    press(&mut state, "k<enter>");
    assert_eq!(state.layer, None);
    assert!(notice(&state).contains("by itself first"), "{}", notice(&state));
}

#[test]
fn nothing_to_go_back_to_is_said() {
    let mut state = board();
    let (ticket, _) = listing(&press(&mut state, PRODUCTION_R));
    // A key that comes before the list is no answer about it.
    assert_eq!(press(&mut state, "<enter>"), []);
    assert!(notice(&state).contains("still being read"), "{}", notice(&state));
    answer_list(&mut state, &ticket, Vec::new());
    assert_eq!(press(&mut state, "<enter>"), []);
    assert!(notice(&state).contains("no digest to go back to"), "{}", notice(&state));
}

#[test]
fn leaving_drops_the_questions_and_an_old_answer() {
    let mut state = board();
    let (ticket, _) = listing(&press(&mut state, PRODUCTION_R));
    let commands = press(&mut state, "<esc>");
    assert_eq!(
        commands,
        [Command::Stop(QueryKind::Earlier), Command::Stop(QueryKind::EarlierDiff)]
    );
    let msg = Msg::EarlierDigests {
        ticket,
        digests: earlier(),
    };
    assert_eq!(update(&mut state, msg, sample::now()), []);
    assert!(state.screens.is_empty());
}

#[test]
fn esc_on_the_plan_comes_back_to_the_choice() {
    let mut state = board();
    sample::planned_revert_as(&mut state, PRODUCTION_R, |_| {});
    press(&mut state, "<esc>");
    assert_eq!(screen(&state).selected, Some(digest("c0")));
}

#[test]
fn after_the_revert_there_is_nothing_to_choose_any_more() {
    let mut state = board();
    sample::planned_revert_as(&mut state, PRODUCTION_R, |_| {});
    let (ticket, proposal) = sample::begun(&press(&mut state, "y"));
    sample::written(&mut state, &ticket, Ok(sample::receipt_of(&proposal)));
    press(&mut state, "<enter>");
    assert!(state.screens.is_empty());
}

#[test]
fn what_separates_the_selected_digest_from_now_is_asked_for() {
    let mut state = board();
    let commands = listed(&mut state, PRODUCTION_R);
    let compared = commands.iter().find_map(|command| match command {
        Command::Diff { a, b, .. } => Some((a.1, b.1)),
        _ => None,
    });
    assert_eq!(compared, Some((digest("c2"), digest("c0"))));
}

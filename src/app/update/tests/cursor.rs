use super::*;
use crate::domain::board::Fetch;
use crate::domain::failure::Failure;
use crate::domain::repository_info::EnvironmentOrigin;

#[test]
fn it_appears_with_the_first_row() {
    let (mut state, ticket) = started(80, 24);
    assert_eq!(state.cursor, None);
    feed(&mut state, &ticket, [sample::opened()]);
    is_at(&state, "checkout", "dev");
}

#[test]
fn arrows_and_letters_move_it() {
    let mut state = board();
    press(&mut state, "j<down><right>l");
    is_at(&state, "search", "staging");
    press(&mut state, "k<up><left>");
    is_at(&state, "checkout", "integration");
}

#[test]
fn it_stops_at_the_edges() {
    let mut state = board();
    press(&mut state, "k<left>");
    is_at(&state, "checkout", "dev");
    press(&mut state, "G<right><right><right><right><right><right>j");
    is_at(&state, "inventory", "CI");
    press(&mut state, "g");
    is_at(&state, "checkout", "CI");
}

#[test]
fn pages_are_as_long_as_the_screen_says() {
    let mut state = board();
    update(
        &mut state,
        Msg::Drawn(ScrollLimits {
            page: 3,
            ..ScrollLimits::default()
        }),
        sample::now(),
    );
    press(&mut state, "<pagedown>");
    is_at(&state, "catalog", "dev");
    press(&mut state, "<pageup>");
    is_at(&state, "checkout", "dev");
}

#[test]
fn live_data_does_not_move_it_to_another_row() {
    let mut state = board();
    press(&mut state, "jj");
    let ticket = refresh(&mut state);
    let mut opened = sample::opened();
    if let Update::Opened { services, .. } = &mut opened {
        services.reverse();
        services.remove(0);
    }
    feed(&mut state, &ticket, [opened]);
    is_at(&state, "search", "dev");
}

#[test]
fn a_row_that_goes_takes_no_other_with_it() {
    let mut state = board();
    press(&mut state, "jj");
    let ticket = refresh(&mut state);
    let mut opened = sample::opened();
    if let Update::Opened { services, .. } = &mut opened {
        services.retain(|row| row.name.as_str() != "search");
    }
    feed(&mut state, &ticket, [opened]);
    is_at(&state, "search", "dev");
    assert_eq!(state.subject(), None);
    press(&mut state, "e");
    assert!(
        notice(&state).contains("search is no longer on the board"),
        "{}",
        notice(&state)
    );
    press(&mut state, "j");
    assert_ne!(at(&state).0, "search");
}

#[test]
fn the_pin_under_it_may_change_and_it_stays_on_the_cell() {
    let mut state = board();
    let ticket = refresh(&mut state);
    let mut opened = sample::opened();
    if let Update::Opened { services, .. } = &mut opened {
        services[0].cells[0].pin.digest = Some(digest("newer"));
    }
    feed(&mut state, &ticket, [opened]);
    is_at(&state, "checkout", "dev");
    let subject = state.subject().expect("a subject");
    assert_eq!(state.digest_of(&subject), Some(digest("newer")));
}

#[test]
fn an_environment_without_a_pin_is_nothing() {
    let mut state = board();
    press(&mut state, "jjjj<right><right><right>");
    is_at(&state, "notifier", "production");
    assert_eq!(state.subject(), None);
    press(&mut state, "D");
    assert!(notice(&state).contains("nothing is pinned here"));
}

#[test]
fn an_environment_that_was_not_read_is_not_one_without_a_pin() {
    let mut state = board();
    let origin = EnvironmentOrigin {
        repository: Some("https://git.example/production".to_owned()),
        branch: None,
        commit: None,
        fetch: Fetch::NotAsked,
        unread: Some(Failure::unreachable("it does not answer")),
    };
    let repository = state.board.repository.as_mut().expect("a repository");
    repository.elsewhere.insert("production".into(), origin);
    press(&mut state, "jjjj<right><right><right>");
    is_at(&state, "notifier", "production");
    for key in ["D", "p", "d"] {
        press(&mut state, key);
        let said = notice(&state).to_owned();
        assert!(said.contains("production was not read"), "{key}: {said}");
        assert!(!said.contains("nothing is pinned"), "{key}: {said}");
    }
}

#[test]
fn several_pins_are_walked_through() {
    let mut state = board();
    press(&mut state, "G<right><right>");
    let first = state.subject();
    press(&mut state, "n");
    let second = state.subject();
    assert_ne!(first, second);
    press(&mut state, "n");
    assert_eq!(state.subject(), first);
    press(&mut state, "<left>n");
    assert!(notice(&state).contains("one pin here"));
}

#[test]
fn moving_takes_the_inspector_to_its_top() {
    let mut state = board();
    state.limits.inspector = 9;
    press(&mut state, "<enter>jjj");
    assert_eq!(state.inspector_top, 3);
    press(&mut state, "<esc>j");
    assert_eq!(state.inspector_top, 0);
}

#[test]
fn the_inspector_stops_where_its_text_ends() {
    let mut state = board();
    state.limits.inspector = 2;
    press(&mut state, "<enter>jjjjjj");
    assert_eq!(state.inspector_top, 2);
    press(&mut state, "kkkkkk");
    assert_eq!(state.inspector_top, 0);
}

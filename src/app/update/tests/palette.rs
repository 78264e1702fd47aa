use super::*;

#[test]
fn it_does_what_it_names() {
    let mut state = board();
    assert!(matches!(
        press(&mut state, ":refresh<enter>").as_slice(),
        [Command::Refresh(..)]
    ));
    assert_eq!(state.layer, None);
}

#[test]
fn names_win_over_explanations() {
    assert_eq!(crate::app::palette::palette_rows("help")[0], Action::Help);
    assert_eq!(crate::app::palette::palette_rows("evid")[0], Action::Evidence);
    assert_eq!(
        crate::app::palette::palette_rows("").len(),
        crate::app::action::ACTIONS.len()
    );
}

#[test]
fn a_disabled_action_says_why_and_stays() {
    let mut state = board();
    assert_eq!(press(&mut state, "<right><right><right>:promote<enter>"), []);
    assert!(notice(&state).contains("nothing comes after production"));
    assert!(matches!(state.layer, Some(Modal::Palette { .. })));
}

#[test]
fn moving_and_leaving() {
    let mut state = board();
    press(&mut state, ":<down><down><up>");
    let Some(Modal::Palette { selected, .. }) = &state.layer else {
        panic!("no palette");
    };
    assert_eq!(*selected, Some(crate::app::action::ACTIONS[1].action));
    press(&mut state, "<esc>");
    assert_eq!(state.layer, None);
}

#[test]
fn nonsense_does_nothing() {
    let mut state = board();
    assert_eq!(press(&mut state, ":xqzxqz<enter>"), []);
    assert!(notice(&state).contains("no action"));
}

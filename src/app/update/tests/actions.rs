use super::*;
use crate::app::action::ACTIONS;

#[test]
fn read_only_is_the_reason_before_any_other() {
    let mut state = board();
    state.setup.read_only = true;
    press(&mut state, "p");
    assert!(notice(&state).contains("read-only"));
}

/// Every action, from every place: never a panic, and what is disabled does nothing.
#[test]
fn every_action_everywhere() {
    for start in [
        "",
        "e",
        "L",
        "<tab>",
        "<tab><tab>",
        "f",
        "jjjj",
        "jjjj<right><right><right>",
    ] {
        for spec in ACTIONS {
            let mut state = board();
            press(&mut state, start);
            let allowed = spec.action.enabled(&state);
            let commands = perform(&mut state, spec.action);
            if let Err(reason) = allowed {
                assert_eq!(commands, [], "{} after {start:?}", spec.name);
                assert!(!reason.is_empty() && notice(&state).contains(&reason));
            }
        }
    }
}

#[test]
fn nothing_is_enabled_by_mistake_on_an_empty_board() {
    for spec in ACTIONS {
        let (mut state, _) = started(80, 24);
        let _ = perform(&mut state, spec.action);
    }
}

#[test]
fn an_unbound_key_says_so() {
    let mut state = board();
    press(&mut state, "Q");
    assert!(notice(&state).contains("Q does nothing here") && notice(&state).contains('?'));
}

#[test]
fn the_next_key_takes_the_notice_away() {
    let mut state = board();
    press(&mut state, "zj");
    assert_eq!(state.notice, None);
}

#[test]
fn copies_are_sent_never_copied() {
    let mut state = board();
    let commands = press(&mut state, "D");
    assert_eq!(
        commands,
        [Command::Copy {
            text: digest("c3").to_string(),
            what: "digest".to_owned()
        }]
    );
    let msg = Msg::Sent {
        what: "digest".to_owned(),
        refused: None,
    };
    update(&mut state, msg, sample::now());
    assert_eq!(notice(&state), "digest sent to terminal");
    let msg = Msg::Sent {
        what: "digest".to_owned(),
        refused: Some("too long".to_owned()),
    };
    update(&mut state, msg, sample::now());
    assert!(state.notice.as_ref().is_some_and(|n| n.bad));
}

#[test]
fn y_confirms_plans_and_does_nothing_else() {
    let mut state = board();
    for keys in ["y", "<tab>y", "ey", "Ly"] {
        let commands = press(&mut state, keys);
        assert!(!commands.iter().any(|c| matches!(c, Command::Copy { .. })), "{keys}");
        assert_eq!(
            notice(&state),
            "y confirms a plan, and there is none here; D copies the digest"
        );
    }
}

#[test]
fn the_full_reference_has_tag_and_digest() {
    let mut state = board();
    let commands = press(&mut state, "I");
    let [Command::Copy { text, .. }] = commands.as_slice() else {
        panic!("no copy");
    };
    assert_eq!(
        *text,
        format!("registry.example.com/shop/checkout:1.4.0@{}", digest("c3"))
    );
}

#[test]
fn the_equivalent_command_fits_the_screen() {
    let mut state = board();
    state.setup.global_arguments = "-C /srv/gitops".to_owned();
    let text = |state: &CockpitState| crate::app::equivalent::equivalent(state).expect("a command");
    assert_eq!(
        text(&state),
        "pindeck -C /srv/gitops status --service checkout --env dev"
    );
    press(&mut state, "e");
    assert_eq!(text(&state), "pindeck -C /srv/gitops evidence checkout --env dev");
    press(&mut state, "L");
    assert_eq!(text(&state), "pindeck -C /srv/gitops history checkout --env dev");
    press(&mut state, "<esc><esc><right><right><right><right>");
    assert_eq!(text(&state), "pindeck -C /srv/gitops status --service checkout");
}

#[test]
fn help_scrolls_and_closes() {
    let mut state = board();
    state.limits.help = 4;
    press(&mut state, "?jjjjjjj");
    assert_eq!(state.layer, Some(Modal::Help { top: 4 }));
    press(&mut state, "g");
    assert_eq!(state.layer, Some(Modal::Help { top: 0 }));
    press(&mut state, "q");
    assert_eq!(
        (state.layer.clone(), state.quitting),
        (None, false),
        "q closes the help first"
    );
}

#[test]
fn quitting_suspending_redrawing() {
    let mut state = board();
    assert_eq!(press(&mut state, "<ctrl-z>"), [Command::Suspend]);
    assert_eq!(press(&mut state, "<ctrl-l>"), [Command::Redraw]);
    assert_eq!(press(&mut state, "/<ctrl-z>"), [Command::Suspend], "while typing too");
    assert_eq!(press(&mut state, "<esc>t"), [Command::NextTheme]);
    assert_eq!(press(&mut state, "q"), [Command::Quit]);
    assert!(state.quitting);
}

#[test]
fn a_resize_is_remembered_and_redrawn() {
    let mut state = board();
    let msg = Msg::Resize { width: 80, height: 24 };
    assert_eq!(update(&mut state, msg, sample::now()), [Command::Redraw]);
    assert_eq!(state.size, (80, 24));
}

#[test]
fn the_screens_time_is_a_whole_minute() {
    let mut state = board();
    update(&mut state, Msg::Tick, later(59));
    assert_eq!(state.minute().as_second() % 60, 0);
}

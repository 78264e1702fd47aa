//! The marks behind a verdict: what is seen at a glance on every screen, and what the legend says of it.

use super::glyphs::{ASCII, UNICODE};
use super::theme::ColourDepth;
use super::*;
use crate::app::cell_status::CellStatus;
use crate::app::sample::{self, press};
use crate::domain::board::Hold;
use crate::domain::policy::Confirm;
use crate::domain::running::observation::RunningState;

fn frame(state: &CockpitState, glyphs: &Glyphs, depth: ColourDepth) -> String {
    let theme = Theme::built_in("dark", depth).expect("theme");
    let (width, height) = state.size;
    let buffer = draw(state, &theme, glyphs, Rect::new(0, 0, width, height)).buffer;
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| format!("{}\n", row(y).trim_end())).collect()
}

/// The line of a service.
fn row<'a>(frame: &'a str, service: &str) -> &'a str {
    let mut lines = frame.lines().skip(2);
    lines.find(|line| line.contains(service)).expect("a row")
}

/// A hold on what staging pins, made when production took it back: nothing pins it there any more.
fn taken_back(width: u16, height: u16) -> CockpitState {
    let mut state = sample::state(width, height);
    let staging = &state.board.services[1].cells[2].pin;
    assert_eq!(staging.target.to_string(), "payments in staging");
    let hold = Hold {
        service: "payments".into(),
        environment: "production".into(),
        digest: staging.digest.expect("a digest"),
        reason: "double bookings".into(),
        since: None,
        by: None,
    };
    state.board.rules.holds = Ok(vec![hold]);
    state
}

#[test]
fn a_hold_is_seen_where_the_next_step_meets_it() {
    for (width, height) in [(200, 60), (140, 40), (80, 24), (60, 15)] {
        for (glyphs, depth) in [(&UNICODE, ColourDepth::True), (&ASCII, ColourDepth::Mono)] {
            let before = frame(&sample::state(width, height), glyphs, depth);
            assert!(!row(&before, "payments").contains(glyphs.held_next), "{before}");
            let mut state = taken_back(width, height);
            // At 60 columns staging is the last one that is on screen.
            press(&mut state, "<right><right>");
            let after = frame(&state, glyphs, depth);
            assert_eq!(row(&after, "payments").matches(glyphs.held_next).count(), 1, "{after}");
        }
    }
    // Where there is room the legend says what that means.
    let explained = frame(&taken_back(140, 40), &UNICODE, ColourDepth::True);
    assert!(explained.contains("□ next step on hold"), "{explained}");
}

#[test]
fn what_does_not_run_as_pinned_is_seen_in_the_tightest_cell() {
    let urgent = |state: &CockpitState, service: &str, environment: usize| {
        let row = state.board.services.iter().find(|row| row.name.as_str() == service);
        let cell = &row.expect("a row").cells[environment];
        cell.running.value().map(|report| report.state)
    };
    let mut state = sample::with_clusters(80, 24);
    for (service, environment, expected) in [
        ("catalog", 3, RunningState::Differs),
        ("checkout", 3, RunningState::Mixed),
        ("ledger", 3, RunningState::Blocked),
        ("search", 3, RunningState::Unknown),
        ("notifier", 2, RunningState::None),
    ] {
        assert_eq!(urgent(&state, service, environment), Some(expected));
        let drawn = frame(&state, &UNICODE, ColourDepth::True);
        assert!(
            row(&drawn, service).contains(UNICODE.running(expected)),
            "{service}: {drawn}"
        );
    }
    // And that it runs as it should, beside whatever else a cell says.
    for size in [(80, 24), (140, 40)] {
        state.size = size;
        let drawn = frame(&state, &UNICODE, ColourDepth::True);
        assert_eq!(row(&drawn, "payments").matches('≡').count(), 2, "{drawn}");
    }
}

#[test]
fn the_legend_explains_what_is_on_the_board() {
    let of = |state: &CockpitState| {
        let drawn = frame(state, &UNICODE, ColourDepth::True);
        let mut lines = drawn.lines();
        lines
            .find(|line| line.contains("same bytes"))
            .expect("a legend")
            .to_owned()
    };
    let with = of(&sample::with_clusters(140, 40));
    for sign in ["⇄ runs another", "⊗ blocked", "■ on hold", "⚑ drift", "± not CI's"] {
        assert!(with.contains(sign), "{sign}: {with}");
    }
    assert!(of(&sample::with_clusters(80, 24)).contains("⇄ runs another"));
    let without = of(&sample::state(140, 40));
    assert!(!without.contains('⇄'), "{without}");
}

#[test]
fn letters_are_called_letters_and_no_keys() {
    let board = |glyphs, depth| frame(&sample::state(140, 40), glyphs, depth);
    assert!(board(&UNICODE, ColourDepth::True).contains("same sign, same bytes"));
    assert!(board(&UNICODE, ColourDepth::Mono).contains("same letter, same bytes"));
    assert!(board(&ASCII, ColourDepth::True).contains("same letter, same bytes"));
    let mut state = sample::state(100, 40);
    press(&mut state, "?");
    let help = frame(&state, &UNICODE, ColourDepth::Mono);
    assert!(help.contains("It is no key"), "{help}");
}

/// No two signs of a board are strokes of one another, and none could be read as a digit of a digest before it.
#[test]
fn no_sign_is_taken_for_another_one() {
    let equals = format!("{UNICODE:?}")
        .chars()
        .filter(|c| matches!(c, '=' | '≡' | '≢' | '≠'))
        .count();
    assert_eq!(equals, 1);
    let statuses = CellStatus::ALL.into_iter().map(|status| ASCII.status(status));
    let running = RunningState::ALL.into_iter().map(|state| ASCII.running(state));
    for sign in statuses.chain(running) {
        assert!(!sign.chars().any(|c| c.is_ascii_hexdigit()), "{sign}");
    }
    // A hold is no letter: letters are the signs of digests.
    assert!(!ASCII.hold.chars().any(|c| c.is_ascii_alphabetic()));
}

#[test]
fn keys_that_stand_side_by_side_have_a_blank_before_the_words() {
    let mut state = sample::state(100, 120);
    press(&mut state, "?");
    let help = frame(&state, &UNICODE, ColourDepth::True);
    assert!(help.contains("pagedown ctrl-f a page down"), "{help}");
}

#[test]
fn while_a_name_is_typed_the_footer_offers_what_typing_takes() {
    let mut state = sample::state(80, 24);
    press(&mut state, "<right>");
    sample::planned_as(&mut state, "p", |proposal| {
        proposal.plans[0].confirm = Confirm::TypeName
    });
    press(&mut state, "y");
    let drawn = frame(&state, &UNICODE, ColourDepth::True);
    let footer = drawn.lines().last().expect("a footer");
    assert!(
        footer.contains("enter take it  esc go back") && !footer.contains("quit"),
        "{drawn}"
    );
}

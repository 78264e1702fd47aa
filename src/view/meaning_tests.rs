//! Frames in which a person decides: nothing that matters is cut, and each thing is said once.

use super::*;
use crate::app::guide::Guide;
use crate::app::plan_screen::BranchMoved;
use crate::app::sample::{begun, planned, planned_as, planned_revert_as, receipt_of, written};
use crate::app::state::{CockpitState, Screen};
use crate::domain::id::Target;

const PRODUCTION: &str = "<right><right><right>";

fn frame(state: &CockpitState) -> String {
    text(&buffer(state, &UNICODE, ColourDepth::True))
}

fn at(size: (u16, u16), keys: &str) -> CockpitState {
    let mut state = sample::state(size.0, size.1);
    press(&mut state, keys);
    state
}

/// A cockpit whose revert of checkout in production has landed.
fn reverted(size: (u16, u16)) -> CockpitState {
    let mut state = sample::state(size.0, size.1);
    planned_revert_as(&mut state, &format!("{PRODUCTION}r"), |_| {});
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    state
}

#[test]
fn the_drift_flag_stays_in_a_tight_cell() {
    let flags = |width: u16| {
        let drawn = frame(&at((width, 40), ""));
        let rows = drawn.lines().skip(2).take(sample::state(width, 40).rows().len());
        rows.map(|row| row.matches('⚑').count()).sum::<usize>()
    };
    let wide = flags(200);
    assert!(wide > 3);
    assert_eq!(flags(80), wide);
}

#[test]
fn a_revert_says_which_hold_it_adds_before_and_after() {
    for size in [(140, 40), (80, 24), (60, 15)] {
        let mut state = sample::state(size.0, size.1);
        planned_revert_as(&mut state, &format!("{PRODUCTION}r"), |_| {});
        // Where the screen is narrow, it goes on in the next line.
        let flat = |screen: String| screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let plan = flat(frame(&state));
        assert!(plan.contains("puts 1.4.0 (9c0abe51) on hold in production"), "{plan}");
        let done = flat(frame(&reverted(size)));
        assert!(done.contains("1.4.0 (9c0abe51) is on hold in production now"), "{done}");
        shot(&format!("meaning-reverted-{}x{}", size.0, size.1), &reverted(size));
    }
}

#[test]
fn the_choice_of_ways_back_is_never_cut() {
    for size in [(140, 40), (80, 24), (60, 15)] {
        let mut state = reverted(size);
        press(&mut state, "u");
        let drawn = frame(&state);
        let words = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        for label in [
            "put 1.4.0 back and release its hold",
            "only release the hold on 1.4.0; 1.3.2 stays pinned",
        ] {
            assert!(words.contains(label), "{drawn}");
        }
        shot(&format!("meaning-ways-back-{}x{}", size.0, size.1), &state);
    }
}

#[test]
fn a_version_that_nobody_knows_is_a_digest() {
    let mut state = sample::state(80, 24);
    planned_as(&mut state, "p", |p| {
        p.plans[0].from = Some(sample::digest("unheard of"))
    });
    let drawn = frame(&state);
    let short = sample::digest("unheard of").short();
    assert!(drawn.contains(&format!("{short} (digest) → ")), "{drawn}");
    assert!(!drawn.contains("no version known"), "{drawn}");
}

#[test]
fn a_plan_out_of_date_says_so_wherever_it_is_scrolled() {
    for (size, changed) in [((140, 40), None), ((80, 24), Some(())), ((60, 15), None)] {
        let mut state = sample::state(size.0, size.1);
        planned(&mut state, "p");
        if let Some(Screen::Plan(plan)) = state.screens.last_mut() {
            plan.moved = Some(BranchMoved {
                commit: "e".repeat(40),
                changed: changed.map(|()| Target::new("checkout", "integration")),
            });
        }
        press(&mut state, "G");
        let drawn = frame(&state);
        assert!(drawn.contains("out of date"), "{drawn}");
        assert!(drawn.contains("plans again"), "{drawn}");
        shot(&format!("meaning-outdated-{}x{}", size.0, size.1), &state);
    }
}

#[test]
fn layers_show_their_own_keys() {
    for keys in ["?", ":", "<space>jjp"] {
        let state = at((80, 24), keys);
        let drawn = frame(&state);
        let last = drawn.lines().last().unwrap_or_default();
        assert!(last.contains("close"), "{keys}: {last}");
        assert!(!last.contains("revert"), "{keys}: {last}");
    }
}

#[test]
fn why_a_step_is_refused_is_said_once() {
    for width in [80u16, 140, 200] {
        let drawn = frame(&at((width, 40), "jj"));
        let refused = "production pins these bytes already";
        let state = at((width, 40), &format!("jj{PRODUCTION}"));
        let last = frame(&state);
        assert!(drawn.matches(refused).count() <= 1, "{drawn}");
        assert!(last.matches("nothing comes after production").count() <= 1, "{last}");
    }
}

#[test]
fn a_clone_that_is_behind_is_no_news() {
    let mut state = sample::state(140, 40);
    if let Some(repository) = &mut state.board.repository {
        repository.behind = 1;
    }
    let drawn = frame(&state);
    assert!(!drawn.contains("behind,") && !drawn.contains("clone 1"), "{drawn}");
}

#[test]
fn the_guided_line_is_whole_at_every_size() {
    for size in [(140, 40), (80, 24), (60, 15)] {
        let mut state = sample::state(size.0, size.1);
        state.setup.start_at = Some(Target::new("checkout", "staging"));
        state.guide = Some(Guide::default());
        update(&mut state, Msg::Tick, sample::now());
        let drawn = frame(&state);
        assert!(drawn.contains("1/4 ") && drawn.contains("ends it"), "{drawn}");
        shot(&format!("meaning-guide-{}x{}", size.0, size.1), &state);
    }
}

#[test]
fn the_log_of_events() {
    for size in [(140, 40), (80, 24), (60, 15)] {
        let mut state = sample::state(size.0, size.1);
        press(&mut state, "E");
        shot(&format!("meaning-no-events-{}x{}", size.0, size.1), &state);
        state.events.push(sample::now(), "CI built checkout 1.5.1");
        state.events.push(
            sample::now(),
            "Chen Wei changed notifier in staging from 5.0.1 to 5.1.0",
        );
        shot(&format!("meaning-events-{}x{}", size.0, size.1), &state);
    }
}

#[test]
fn what_is_asked_before_a_plan() {
    for size in [(80, 24), (60, 15)] {
        let hold = at(size, "Oleaks");
        shot(&format!("meaning-hold-{}x{}", size.0, size.1), &hold);
        let revert = at(size, &format!("{PRODUCTION}V"));
        shot(&format!("meaning-revert-to-{}x{}", size.0, size.1), &revert);
    }
}

#[test]
fn a_cell_that_changed_is_drawn_differently_but_its_sign_is_not() {
    let mut state = sample::state(140, 40);
    let before = buffer(&state, &UNICODE, ColourDepth::True);
    let cell = ("payments".into(), crate::app::cursor::Column::Environment("dev".into()));
    state.flashing.insert(cell, sample::now());
    let after = buffer(&state, &UNICODE, ColourDepth::True);
    assert_eq!(text(&before), text(&after), "not one letter moves");
    assert_ne!(before, after);
}

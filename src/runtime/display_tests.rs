use super::*;
use crate::app::sample::{self, press};
use crate::view::glyphs::UNICODE;

use crate::app::state::CockpitState;

fn display(depth: ColourDepth) -> Display {
    Display::new("dark", depth, &UNICODE, None).expect("theme")
}

/// Walks over the first rows of a board; answers the most and the sum of bytes that a move cost, and how many.
fn walk(mut state: CockpitState, depth: ColourDepth) -> (usize, usize, usize) {
    let mut display = display(depth);
    display.frame(&state);
    let (mut most, mut sum, mut moves) = (0, 0, 0);
    for row in 0..8 {
        let across = if row % 2 == 0 { "<right>" } else { "<left>" };
        for key in [across, across, across, across, "<down>"] {
            press(&mut state, key);
            let (bytes, _) = display.frame(&state);
            most = most.max(bytes.len());
            sum += bytes.len();
            moves += 1;
        }
    }
    (most, sum, moves)
}

const DEPTHS: [ColourDepth; 4] = [
    ColourDepth::True,
    ColourDepth::Indexed,
    ColourDepth::Sixteen,
    ColourDepth::Mono,
];

fn assert_moves(name: &str, state: CockpitState, depth: ColourDepth, limit: usize) {
    let (width, height) = state.size;
    let (most, sum, moves) = walk(state, depth);
    println!(
        "{name} {width}x{height} {depth:?}: at most {most} bytes, {} on average",
        sum / moves
    );
    assert!(most < limit, "{name} {width}x{height} {depth:?}: {most} bytes");
}

#[test]
fn a_cursor_move_costs_less_than_a_kilobyte() {
    for (width, height) in [(140, 40), (120, 40), (100, 30), (80, 24)] {
        for depth in DEPTHS {
            assert_moves("small", sample::state(width, height), depth, 1_024);
        }
    }
}

#[test]
fn a_cursor_move_over_sixty_services_costs_no_more() {
    for (width, height, limit) in [
        (120, 40, 1_024),
        (200, 60, 1_536),
        // Not all columns fit: in the last one the table scrolls to the side.
        (80, 24, 1_536),
    ] {
        for depth in [ColourDepth::True, ColourDepth::Mono] {
            assert_moves("large", sample::large(60, width, height), depth, limit);
        }
    }
    assert_moves("small", sample::state(200, 60), ColourDepth::True, 1_536);
}

/// The most bytes that one of these keys costs, pressed so many times.
fn most(mut state: CockpitState, depth: ColourDepth, keys: &[&str], times: usize) -> usize {
    let mut display = display(depth);
    display.frame(&state);
    let mut most = 0;
    for key in keys {
        for _ in 0..times {
            press(&mut state, key);
            most = most.max(display.frame(&state).0.len());
        }
    }
    most
}

#[test]
fn a_key_that_turns_the_window_costs_less_than_a_kilobyte() {
    for (width, height) in [(80, 24), (120, 40), (140, 40), (170, 50)] {
        for depth in DEPTHS {
            let bytes = most(sample::large(60, width, height), depth, &["j", "k"], 59);
            println!("turning {width}x{height} {depth:?}: at most {bytes} bytes");
            assert!(bytes < 1_024, "{width}x{height} {depth:?}: {bytes} bytes");
        }
    }
}

#[test]
fn the_palette_opens_and_closes_for_little() {
    for depth in DEPTHS {
        let mut state = sample::large(60, 120, 40);
        let mut display = display(depth);
        display.frame(&state);
        let mut cost = |keys: &str| {
            press(&mut state, keys);
            display.frame(&state).0.len()
        };
        let (opening, closing) = (cost(":"), cost("<esc>"));
        println!("palette 120x40 {depth:?}: {opening} bytes to open, {closing} to close");
        assert!(opening < 2_048 && closing < 2_048, "{depth:?}: {closing} bytes");
    }
}

#[test]
fn the_first_frame_costs_less_than_sixteen_kilobytes() {
    for (width, height) in [(80, 24), (140, 40), (200, 60)] {
        for depth in DEPTHS {
            for state in [sample::state(width, height), sample::large(250, width, height)] {
                let (bytes, _) = display(depth).frame(&state);
                println!("{width}x{height} {depth:?}: {} bytes", bytes.len());
                assert!(
                    bytes.len() < 16_384,
                    "{width}x{height} {depth:?}: {} bytes",
                    bytes.len()
                );
            }
        }
    }
}

#[test]
fn a_frame_that_is_drawn_again_is_no_bytes() {
    for keys in ["", "<tab>", "e<enter>", "?", ":pro", "/pay", "C", "zs"] {
        let mut state = sample::large(60, 140, 40);
        press(&mut state, keys);
        let mut display = display(ColourDepth::True);
        display.frame(&state);
        assert_eq!(display.frame(&state).0, Vec::<u8>::new(), "{keys}");
    }
}

#[test]
fn idle_writes_nothing() {
    let mut state = sample::state(140, 40);
    let mut display = display(ColourDepth::True);
    assert!(!display.frame(&state).0.is_empty());
    for second in 0..30 {
        let now = jiff::Timestamp::from_second(sample::now().as_second() + second).expect("valid");
        crate::app::update::update(&mut state, crate::app::Msg::Tick, now);
        assert_eq!(display.frame(&state).0, Vec::<u8>::new(), "second {second}");
    }
}

#[test]
fn a_refresh_that_finds_nothing_new_is_cheap() {
    let mut state = sample::state(140, 40);
    let mut display = display(ColourDepth::True);
    display.frame(&state);
    let commands = press(&mut state, "R");
    let [crate::app::command::Command::Refresh(ticket, _)] = commands.as_slice() else {
        panic!("no refresh");
    };
    sample::feed(&mut state, ticket, [sample::opened()]);
    let mut bytes = 0;
    for finding in sample::findings() {
        sample::feed(&mut state, ticket, [finding]);
        bytes += display.frame(&state).0.len();
    }
    sample::finish(&mut state, ticket);
    bytes += display.frame(&state).0.len();
    assert!(bytes < 12_000, "{bytes} bytes");
}

#[test]
fn the_next_theme_comes_round() {
    let mut display = display(ColourDepth::True);
    let mut seen = vec![display.next_theme()];
    while seen.last().map(String::as_str) != Some("dark") {
        seen.push(display.next_theme());
        assert!(seen.len() <= BUILT_IN.len());
    }
    assert_eq!(seen.len(), BUILT_IN.len());
}

#[test]
fn no_theme_comes_that_cannot_be_read_here() {
    for (light, expected) in [
        (true, ["light", "mono"].as_slice()),
        (false, &["dark", "high-contrast", "deuteranopia", "mono"]),
    ] {
        let first = expected[0];
        let mut display = Display::new(first, ColourDepth::True, &UNICODE, Some(light)).expect("theme");
        let seen: Vec<String> = (0..expected.len()).map(|_| display.next_theme()).collect();
        assert!(seen.iter().all(|name| expected.contains(&name.as_str())), "{seen:?}");
        assert_eq!(seen.last().map(String::as_str), Some(first));
    }
}

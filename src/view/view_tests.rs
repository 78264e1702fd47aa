//! Frames, as a person would see them.

use ratatui::style::{Color, Modifier};

use super::glyphs::{ASCII, UNICODE};
use super::theme::ColourDepth;
use super::*;
use crate::app::Msg;
use crate::app::command::Command;
use crate::app::sample::{self, press};
use crate::app::update::update;

fn theme(depth: ColourDepth) -> Theme {
    Theme::built_in("dark", depth).expect("theme")
}

fn buffer(state: &CockpitState, glyphs: &Glyphs, depth: ColourDepth) -> Buffer {
    let (width, height) = state.size;
    draw(state, &theme(depth), glyphs, Rect::new(0, 0, width, height)).buffer
}

/// The text of a frame, line by line, without trailing blanks.
fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in buffer.area.left()..buffer.area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn shot(name: &str, state: &CockpitState) {
    insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text(&buffer(state, &UNICODE, ColourDepth::True)));
    });
}

fn shot_ascii(name: &str, state: &CockpitState) {
    let frame = text(&buffer(state, &ASCII, ColourDepth::Sixteen));
    assert!(frame.is_ascii(), "not ASCII:\n{frame}");
    insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, frame);
    });
}

#[test]
fn board_at_every_size() {
    for (width, height) in [
        (200, 50),
        (140, 40),
        (100, 30),
        (90, 24),
        (80, 24),
        (60, 15),
        (59, 14),
        (20, 3),
    ] {
        shot(&format!("board-{width}x{height}"), &sample::state(width, height));
    }
}

#[test]
fn zero_sized_terminals_do_not_matter() {
    for (width, height) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)] {
        let _ = buffer(&sample::state(width, height), &UNICODE, ColourDepth::True);
    }
}

/// Every size draws, whatever is on top: no overflow, no underflow.
#[test]
fn no_size_breaks_any_screen() {
    for keys in ["", "<tab>", "<tab><tab>", "e<enter>jj", "?", ":", ":pro", "/pay"] {
        let mut state = sample::state(140, 40);
        press(&mut state, keys);
        for width in (56..150).step_by(7) {
            for height in (13..45).step_by(3) {
                state.size = (width, height);
                let _ = buffer(&state, &UNICODE, ColourDepth::True);
            }
        }
    }
}

#[test]
fn before_anything_is_known() {
    let (state, _) = sample::started(100, 30);
    shot("starting-100x30", &state);
}

#[test]
fn pins_are_there_before_verdicts() {
    let (mut state, ticket) = sample::started(140, 30);
    sample::feed(&mut state, &ticket, [sample::opened()]);
    shot("opened-140x30", &state);
    sample::feed(&mut state, &ticket, sample::findings().into_iter().take(40));
    shot("streaming-140x30", &state);
}

#[test]
fn every_cell_in_the_inspector() {
    // Down the rows, each at the environment where something is to be seen.
    for (name, keys) in [
        ("checkout-production-moved", "<right><right><right>"),
        ("payments-production-wrong-subject", "j<right><right><right>"),
        ("search-dev-absent-signature", "jj"),
        ("search-integration-unknown", "jj<right>"),
        ("search-staging-unreachable", "jj<right><right>"),
        ("search-production-loading", "jj<right><right><right>"),
        ("catalog-staging-warned", "jjj<right><right>"),
        ("notifier-dev-by-tag", "jjjj"),
        ("notifier-staging-other-signer", "jjjj<right><right>"),
        ("notifier-production-nothing", "jjjj<right><right><right>"),
        ("ledger-production-held-rebuilt", "jjjjj<right><right><right>"),
        ("frontend-production-absent", "jjjjjj<right><right><right>"),
        ("inventory-dev-not-judged", "jjjjjjj"),
        ("inventory-integration-stale", "jjjjjjj<right>"),
        ("inventory-staging-split", "jjjjjjj<right><right>"),
        ("inventory-staging-split-second", "jjjjjjj<right><right>n"),
        ("inventory-production-not-checked", "jjjjjjj<right><right><right>"),
        ("checkout-candidate", "<right><right><right><right>"),
    ] {
        let mut state = sample::state(120, 34);
        press(&mut state, keys);
        shot(&format!("inspect-{name}"), &state);
    }
}

#[test]
fn one_pane_at_a_time_when_narrow() {
    let mut state = sample::state(80, 24);
    press(&mut state, "<right><right><right><enter>");
    shot("inspector-80x24", &state);
    press(&mut state, "<tab>");
    shot("feed-80x24", &state);
}

#[test]
fn evidence_and_its_checks() {
    let mut state = sample::state(140, 40);
    press(&mut state, "e");
    shot("evidence-140x40", &state);
    press(&mut state, "j<enter>");
    shot("evidence-open-140x40", &state);
    press(&mut state, "jjjjjjj");
    shot("evidence-check-140x40", &state);
    let mut narrow = sample::state(80, 24);
    press(&mut narrow, "jjjj<right><right>e<enter>jjjjjjj");
    shot("evidence-failed-80x24", &narrow);
    let mut none = sample::state(80, 24);
    press(&mut none, "jjjjjj<right><right><right>e");
    shot("evidence-none-80x24", &none);
}

#[test]
fn history_of_a_pin() {
    for (width, height) in [(140, 40), (80, 24)] {
        let mut state = sample::state(width, height);
        let commands = press(&mut state, "<right><right><right>L");
        shot(&format!("history-reading-{width}x{height}"), &state);
        let [Command::History { ticket, .. }] = commands.as_slice() else {
            panic!("no history was asked for: {commands:?}");
        };
        sample::answer_history(&mut state, ticket);
        press(&mut state, "jjj");
        shot(&format!("history-{width}x{height}"), &state);
    }
}

#[test]
fn layers() {
    for (width, height) in [(140, 40), (80, 24)] {
        let mut state = sample::state(width, height);
        press(&mut state, "?");
        shot(&format!("help-{width}x{height}"), &state);
        press(&mut state, "<esc>:");
        shot(&format!("palette-{width}x{height}"), &state);
        press(&mut state, "rev");
        shot(&format!("palette-typed-{width}x{height}"), &state);
        press(&mut state, "<esc>/env:production !verified");
        shot(&format!("filter-{width}x{height}"), &state);
    }
}

#[test]
fn frozen_and_told_so() {
    let mut state = sample::state(100, 30);
    press(&mut state, "f");
    let commands = press(&mut state, "R");
    let [Command::Refresh(ticket, _)] = commands.as_slice() else {
        panic!("no refresh: {commands:?}");
    };
    sample::feed(&mut state, ticket, [sample::opened()]);
    let other = crate::domain::board::Update::Notice("a registry is slow".into());
    sample::feed(&mut state, ticket, [other]);
    shot("frozen-100x30", &state);
}

#[test]
fn a_refresh_that_broke_off_is_not_an_empty_board() {
    let (mut state, ticket) = sample::started(100, 24);
    let failure = crate::domain::failure::Failure::usage("/srv/gitops is no git repository")
        .hint("run pindeck inside a clone, or name one with -C DIR");
    let msg = Msg::RefreshEnded {
        ticket,
        result: Err(failure),
    };
    update(&mut state, msg, sample::now());
    shot("failed-100x24", &state);
}

#[test]
fn no_pins_says_what_to_do() {
    let (mut state, ticket) = sample::started(100, 24);
    let crate::domain::board::Update::Opened {
        repository,
        environments,
        unmanaged,
        ..
    } = sample::opened()
    else {
        panic!("opened");
    };
    let empty = crate::domain::board::Update::Opened {
        repository,
        environments,
        services: Vec::new(),
        unmanaged,
    };
    sample::feed(&mut state, &ticket, [empty]);
    sample::finish(&mut state, &ticket);
    shot("no-pins-100x24", &state);
}

#[test]
fn read_only_demo_offline() {
    let mut state = sample::state(120, 24);
    state.setup.banner = Some("demo".to_owned());
    state.setup.read_only = true;
    state.setup.offline = true;
    shot("banners-120x24", &state);
}

#[test]
fn ascii_and_mono() {
    shot_ascii("ascii-140x40", &sample::state(140, 40));
    shot_ascii("ascii-80x24", &sample::state(80, 24));
    let mut help = sample::state(80, 40);
    press(&mut help, "?");
    shot_ascii("ascii-help-80x40", &help);
    let mono = buffer(&sample::state(100, 30), &UNICODE, ColourDepth::Mono);
    insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("mono-100x30", text(&mono));
    });
    for cell in mono.content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    assert!(
        mono.content()
            .iter()
            .any(|cell| cell.modifier.contains(Modifier::REVERSED))
    );
}

/// Strings that try to steer a terminal or an eye.
const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{1b}[31mred",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{9b}31m",
    "a\rb\nc\td\u{8}",
    "\u{202e}gnp.exe\u{202c}",
    "zero\u{200b}width\u{200d}\u{feff}",
    "\u{1b}P0;1|17/ab\u{1b}\\",
    "\u{7f}\u{0}",
    "\u{e0041}\u{fe0f}\u{2066}",
    "日本語の長い名前日本語の長い名前",
    "e\u{301}\u{301}\u{301}",
];

fn hostile(width: u16, height: u16, text: &str) -> CockpitState {
    use crate::domain::board::Update;
    let (mut state, ticket) = sample::started(width, height);
    let mut opened = sample::opened();
    if let Update::Opened {
        repository,
        services,
        environments,
        ..
    } = &mut opened
    {
        repository.branch = text.to_owned();
        repository.path = format!("/x/{text}");
        services[0].cells[0].pin.locations[0].file = text.to_owned();
        services[0].cells[0].pin.locations[0].read_only = Some(text.to_owned());
        environments[1].name = crate::domain::EnvId::new(text);
    }
    let mut findings = sample::findings();
    for finding in &mut findings {
        match finding {
            Update::PinnedBy(_, by) => {
                by.author = text.into();
                by.subject = text.into();
            }
            Update::Assessed {
                assessment, version, ..
            } => {
                *version = Some(text.into());
                if let Ok(value) = &mut assessment.result {
                    for evidence in std::sync::Arc::make_mut(&mut value.evidence) {
                        evidence.predicate_type = Some(text.into());
                        evidence.detail = Some(text.into());
                        for check in &mut evidence.checks {
                            check.detail = text.into();
                        }
                        if let Some(signer) = &mut evidence.signer {
                            signer.identity = text.into();
                            signer.issuer = Some(text.into());
                        }
                    }
                    for cause in value.verdict.iter_mut().flat_map(|v| &mut v.causes) {
                        cause.detail = text.into();
                    }
                }
            }
            _ => {}
        }
    }
    sample::feed(&mut state, &ticket, [opened.clone(), opened]);
    sample::feed(&mut state, &ticket, findings);
    sample::feed(&mut state, &ticket, [Update::Notice(text.into())]);
    sample::finish(&mut state, &ticket);
    state
}

#[test]
fn hostile_text_becomes_visible_everywhere() {
    for text in HOSTILE {
        let fresh = hostile(140, 40, text);
        for keys in ["", "<enter>", "<tab><tab>", "e<enter>jjjj", "?", ":", "/x"] {
            let mut state = fresh.clone();
            press(&mut state, keys);
            for size in [(140, 40), (80, 24)] {
                state.size = size;
                for glyphs in [&UNICODE, &ASCII] {
                    let frame = buffer(&state, glyphs, ColourDepth::True);
                    for cell in frame.content() {
                        let fine = |c: char| crate::domain::text::is_plain(c) && (!glyphs.ascii || c.is_ascii());
                        assert!(cell.symbol().chars().all(fine), "{:?} for {text:?}", cell.symbol());
                    }
                }
            }
        }
    }
}

#[test]
fn hostile_text_as_seen() {
    let mut state = hostile(120, 34, HOSTILE[0]);
    shot("hostile-120x34", &state);
    press(&mut state, "e<enter>");
    shot("hostile-evidence-120x34", &state);
    shot("hostile-bidi-120x34", &hostile(120, 34, HOSTILE[5]));
    shot("hostile-wide-80x24", &hostile(80, 24, HOSTILE[10]));
}

#[test]
fn hostile_history() {
    let mut state = sample::state(100, 24);
    let commands = press(&mut state, "L");
    let [Command::History { ticket, .. }] = commands.as_slice() else {
        panic!("no history");
    };
    let mut entries = sample::history();
    for (entry, text) in entries.iter_mut().zip(HOSTILE) {
        entry.subject = (*text).into();
        entry.author = (*text).into();
    }
    let msg = Msg::History {
        ticket: ticket.clone(),
        entries,
    };
    update(&mut state, msg, sample::now());
    shot("hostile-history-100x24", &state);
}

#[path = "meaning_tests.rs"]
mod meaning;

#[path = "release_tests.rs"]
mod release;

#[path = "large_board_tests.rs"]
mod large_boards;

#[path = "every_screen_tests.rs"]
mod every_screen;

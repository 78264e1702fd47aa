//! Every screen and every layer at every size, in Unicode and ASCII, and with its looks at every depth of colour.

use super::*;
use crate::app::sample::{begun, planned, planned_as};
use crate::domain::policy::Confirm;
use crate::domain::write::Progress;

/// From production.
const PRODUCTION: &str = "<right><right><right>";

const SIZES: [(u16, u16); 4] = [(80, 24), (60, 15), (140, 40), (200, 60)];

type Build = fn(u16, u16) -> CockpitState;

fn pressed(width: u16, height: u16, keys: &str) -> CockpitState {
    let mut state = sample::state(width, height);
    press(&mut state, keys);
    state
}

/// Every screen and every layer, each with something on it.
const SCREENS: &[(&str, Build)] = &[
    ("board", |w, h| pressed(w, h, PRODUCTION)),
    ("details", |w, h| pressed(w, h, "<right><right><right><enter>")),
    ("drift", |w, h| pressed(w, h, "<tab><tab>j")),
    ("starting", |w, h| sample::started(w, h).0),
    ("streaming", |w, h| {
        let (mut state, ticket) = sample::started(w, h);
        sample::feed(&mut state, &ticket, [sample::opened()]);
        sample::feed(&mut state, &ticket, sample::findings().into_iter().take(40));
        state
    }),
    ("frozen", |w, h| {
        let mut state = pressed(w, h, "f");
        let ticket = state.generations.issue(crate::app::generation::QueryKind::Board, None);
        let notice = crate::domain::board::Update::Notice("a branch was deleted".into());
        sample::feed(&mut state, &ticket, [notice]);
        state
    }),
    ("evidence", |w, h| pressed(w, h, "e")),
    ("evidence-check", |w, h| {
        pressed(w, h, "jjjj<right><right>e<enter>jjjjjjj")
    }),
    ("history", |w, h| {
        let mut state = sample::state(w, h);
        let commands = press(&mut state, "<right><right><right>L");
        let [Command::History { ticket, .. }] = commands.as_slice() else {
            panic!("no history was asked for: {commands:?}");
        };
        sample::answer_history(&mut state, ticket);
        press(&mut state, "j");
        state
    }),
    ("diff", |w, h| {
        let mut state = sample::state(w, h);
        let commands = press(&mut state, "<right>d");
        for command in &commands {
            if let Command::Diff { ticket, .. } = command {
                let msg = Msg::Compared {
                    ticket: ticket.clone(),
                    result: Ok(Box::new(sample::digest_diff())),
                };
                update(&mut state, msg, sample::now());
            }
        }
        state
    }),
    ("revert", |w, h| {
        let mut state = pressed(w, h, PRODUCTION);
        sample::listed(&mut state, "r");
        state
    }),
    ("plan", |w, h| {
        let mut state = pressed(w, h, "<right>");
        planned(&mut state, "p");
        state
    }),
    ("plan-set", |w, h| {
        let mut state = pressed(w, h, "<space><space><space>k");
        planned(&mut state, "p");
        press(&mut state, "j");
        state
    }),
    ("plan-name", |w, h| {
        let mut state = pressed(w, h, "<right>");
        planned_as(&mut state, "p", |p| p.plans[0].confirm = Confirm::TypeName);
        press(&mut state, "ystag");
        state
    }),
    ("writing", |w, h| {
        let mut state = pressed(w, h, "<right>");
        planned(&mut state, "p");
        sample::see(&mut state);
        let (ticket, _) = begun(&press(&mut state, "y"));
        let msg = Msg::Progress {
            ticket,
            progress: Progress::Pushing,
        };
        update(&mut state, msg, sample::now());
        state
    }),
    ("written", |w, h| {
        let mut state = pressed(w, h, "<right>");
        planned(&mut state, "p");
        sample::see(&mut state);
        let (ticket, proposal) = begun(&press(&mut state, "y"));
        sample::written(&mut state, &ticket, Ok(sample::receipt_of(&proposal)));
        state
    }),
    ("leaving", |w, h| {
        let mut state = pressed(w, h, "<right>");
        planned(&mut state, "p");
        sample::see(&mut state);
        press(&mut state, "y");
        press(&mut state, "q");
        state
    }),
    ("unfinished", |w, h| {
        let mut state = sample::state(w, h);
        sample::unfinished(&mut state, Ok(sample::left()));
        press(&mut state, "j");
        state
    }),
    ("help", |w, h| pressed(w, h, "?")),
    ("palette", |w, h| pressed(w, h, ":pro")),
    ("filter", |w, h| pressed(w, h, "/pay")),
    ("choose", |w, h| pressed(w, h, "<space><down>p")),
    ("columns", |w, h| pressed(w, h, "C<down><space>")),
];

#[test]
fn every_screen_at_every_size() {
    for (name, build) in SCREENS {
        for (width, height) in SIZES {
            shot(&format!("every-{name}-{width}x{height}"), &build(width, height));
        }
    }
}

#[test]
fn every_screen_in_ascii() {
    for (name, build) in SCREENS {
        for (width, height) in [(80, 24), (140, 40)] {
            shot_ascii(&format!("every-ascii-{name}-{width}x{height}"), &build(width, height));
        }
    }
}

/// Where no screen fits, one line says so, whatever lies on the board.
#[test]
fn a_tiny_terminal_says_what_it_needs() {
    let mut seen = std::collections::BTreeSet::new();
    for (_, build) in SCREENS {
        seen.insert(text(&buffer(&build(40, 10), &UNICODE, ColourDepth::True)));
    }
    assert_eq!(seen.len(), 2, "with and without known drift: {seen:?}");
    shot("every-board-40x10", &sample::state(40, 10));
}

/// A frame with its looks: each run of cells that look the same, after a word for how.
fn looks_of(frame: &Buffer) -> String {
    let mut out = String::new();
    for y in frame.area.top()..frame.area.bottom() {
        let mut line = String::new();
        let mut last = None;
        for x in frame.area.left()..frame.area.right() {
            let cell = &frame[(x, y)];
            let look = (cell.fg, cell.bg, cell.modifier);
            if last != Some(look) {
                line.push_str(&match look {
                    (Color::Reset, Color::Reset, modifier) if modifier.is_empty() => "\u{2039}\u{203a}".to_owned(),
                    (fg, Color::Reset, modifier) => format!("\u{2039}{fg} {modifier:?}\u{203a}"),
                    (fg, bg, modifier) => format!("\u{2039}{fg} on {bg} {modifier:?}\u{203a}"),
                });
                last = Some(look);
            }
            line.push_str(cell.symbol());
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn colours_at_every_depth() {
    for (name, build) in SCREENS {
        if !["board", "evidence", "plan", "plan-set", "written", "help"].contains(name) {
            continue;
        }
        for (depth, word) in [
            (ColourDepth::True, "true"),
            (ColourDepth::Sixteen, "16"),
            (ColourDepth::Mono, "mono"),
        ] {
            let frame = buffer(&build(80, 24), &UNICODE, depth);
            insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
                insta::assert_snapshot!(format!("colours-{name}-{word}"), looks_of(&frame));
            });
        }
    }
}

//! The pictures, the recording and the key reference of the documentation: drawn by the cockpit itself over a
//! world that stands still, and compared with what is in the repository. `docs/images/make` writes them anew.

use std::path::{Path, PathBuf};

use ratatui::layout::Rect;
use serde_json::json;

use super::display::Display;
use crate::app::command::Command;
use crate::app::sample::{self, answer_history, answer_plan, asked, begun, receipt_of};
use crate::app::update::update;
use crate::app::{CockpitState, Msg, keymap};
use crate::domain::write::Progress;
use crate::view;
use crate::view::glyphs::{ASCII, Glyphs, UNICODE};
use crate::view::svg::{self, Paper};
use crate::view::theme::{ColourDepth, Theme};

/// With this variable set, the files are written instead of compared.
const WRITE: &str = "PINDECK_PICTURES";

/// Compares a file of the documentation with what the program makes now, or writes it.
fn check(path: &str, made: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, made).expect("the documentation can be written");
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    // Not `assert_eq`: two pictures side by side would hide what to do.
    assert!(
        there == made,
        "{} shows something else than the program: run docs/images/make and look at what changed",
        path.display()
    );
}

fn dark(name: &str, title: &str, state: &CockpitState) {
    draw(name, title, state, ("dark", ColourDepth::True, &UNICODE), svg::DARK);
}

fn draw(
    name: &str,
    title: &str,
    state: &CockpitState,
    (theme, depth, glyphs): (&str, ColourDepth, &Glyphs),
    paper: Paper,
) {
    let theme = Theme::built_in(theme, depth).expect("a theme");
    let (width, height) = state.size;
    let frame = view::draw(state, &theme, glyphs, Rect::new(0, 0, width, height));
    check(
        &format!("docs/images/{name}.svg"),
        &svg::picture(&frame.buffer, title, paper),
    );
}

/// A cockpit over the sample, its cursor on a service and a number of columns to the right.
fn at(service: &str, column: usize, (width, height): (u16, u16)) -> CockpitState {
    let mut state = sample::state(width, height);
    sample::press(&mut state, "g");
    while state
        .cursor
        .as_ref()
        .is_some_and(|cursor| cursor.service.as_str() != service)
    {
        sample::press(&mut state, "j");
    }
    sample::press(&mut state, &"l".repeat(column));
    state
}

/// The plan of a promotion, with what separates the digests.
fn plan(state: &mut CockpitState, keys: &str) {
    let (ticket, request) = asked(&sample::press(state, keys));
    let commands = answer_plan(state, &ticket, sample::proposal_of(request));
    compare(state, &commands);
    sample::see(state);
}

/// Answers every comparison that was asked for.
fn compare(state: &mut CockpitState, commands: &[Command]) {
    let mut open: Vec<Command> = commands.to_vec();
    while let Some(command) = open.pop() {
        if let Command::Diff { ticket, .. } = command {
            let msg = Msg::Compared {
                ticket,
                result: Ok(Box::new(sample::digest_diff())),
            };
            open.extend(update(state, msg, sample::now()));
        }
    }
}

const WIDE: (u16, u16) = (140, 40);
const SMALL: (u16, u16) = (80, 24);

#[test]
fn boards() {
    let state = at("search", 2, WIDE);
    dark("board-140x40", "The board: every service and environment", &state);
    draw(
        "board-light",
        "The board in a light terminal",
        &state,
        ("light", ColourDepth::True, &UNICODE),
        svg::LIGHT,
    );
    draw(
        "board-mono",
        "The board without colours and in ASCII",
        &state,
        ("mono", ColourDepth::Mono, &ASCII),
        svg::DARK,
    );
    dark("board-80x24", "The board at 80 columns", &at("search", 2, SMALL));
    let mut large = sample::large(60, 200, 60);
    sample::press(&mut large, "sjj");
    dark("board-200x60", "Sixty services, those furthest behind first", &large);
}

#[test]
fn a_rejected_pin() {
    dark("inspector-140x40", "A rejected pin and why", &at("search", 1, WIDE));
    let mut state = at("search", 1, SMALL);
    sample::press(&mut state, "<tab>");
    dark("inspector-80x24", "A rejected pin at 80 columns", &state);
    let mut state = at("search", 1, WIDE);
    sample::press(&mut state, "e<enter>");
    dark("evidence-140x40", "Every statement with every check", &state);
}

#[test]
fn drift_and_history() {
    let mut state = sample::state(SMALL.0, SMALL.1);
    sample::press(&mut state, "<tab><tab>");
    dark("drift-80x24", "The drift feed at 80 columns", &state);
    let mut state = at("checkout", 3, WIDE);
    let commands = sample::press(&mut state, "L");
    let [Command::History { ticket, .. }] = commands.as_slice() else {
        panic!("no history: {commands:?}");
    };
    answer_history(&mut state, ticket);
    dark("history-140x40", "Who pinned what, when and why", &state);
}

#[test]
fn plans() {
    for (name, size) in [("plan-140x40", WIDE), ("plan-80x24", SMALL)] {
        let mut state = at("checkout", 1, size);
        plan(&mut state, "p");
        dark(name, "The plan of a promotion, before anything is written", &state);
    }
    let mut state = at("checkout", 3, WIDE);
    let commands = sample::listed(&mut state, "r");
    compare(&mut state, &commands);
    dark("revert-140x40", "What a pin can go back to", &state);
}

/// A terminal recording: frames as the terminal gets them.
struct Recording {
    display: Display,
    at: f64,
    lines: Vec<String>,
}

impl Recording {
    fn of(size: (u16, u16)) -> Self {
        let head = json!({
            "version": 2,
            "width": size.0,
            "height": size.1,
            "title": "pindeck: look, why rejected, promote, revert",
            "env": {"TERM": "xterm-256color"},
        });
        Self {
            display: Display::new("dark", ColourDepth::True, &UNICODE, Some(false)).expect("a theme"),
            at: 0.0,
            lines: vec![head.to_string()],
        }
    }

    /// What the terminal shows now, for so many seconds.
    fn show(&mut self, state: &CockpitState, seconds: f64) {
        let (bytes, _) = self.display.frame(state);
        let text = String::from_utf8(bytes).expect("text");
        if !text.is_empty() {
            self.lines
                .push(json!([(self.at * 100.0).round() / 100.0, "o", text]).to_string());
        }
        self.at += seconds;
    }

    /// Keys, one after another.
    fn press(&mut self, state: &mut CockpitState, keys: &[&str], seconds: f64) {
        for key in keys {
            sample::press(state, key);
            self.show(state, seconds);
        }
    }

    /// A write from its `y` to its receipt.
    fn write(&mut self, state: &mut CockpitState) {
        let (ticket, proposal) = begun(&sample::press(state, "y"));
        self.show(state, 0.6);
        for progress in [Progress::Committing, Progress::Pushing] {
            let msg = Msg::Progress {
                ticket: ticket.clone(),
                progress,
            };
            update(state, msg, sample::now());
            self.show(state, 0.6);
        }
        sample::written(state, &ticket, Ok(receipt_of(&proposal)));
        self.show(state, 3.0);
        sample::press(state, "<enter>");
        self.show(state, 1.0);
    }
}

#[test]
fn a_recording() {
    let size = (100, 30);
    let mut state = at("checkout", 1, size);
    let mut recording = Recording::of(size);
    recording.show(&state, 2.5);
    recording.press(&mut state, &["j", "j"], 1.0);
    recording.press(&mut state, &["e", "<enter>"], 3.0);
    recording.press(&mut state, &["<esc>", "<esc>", "k", "k"], 0.8);
    plan(&mut state, "p");
    recording.show(&state, 4.0);
    recording.press(&mut state, &["<pagedown>"], 2.5);
    recording.write(&mut state);
    recording.press(&mut state, &["l", "l"], 0.8);
    let commands = sample::listed(&mut state, "r");
    compare(&mut state, &commands);
    recording.show(&state, 3.0);
    plan(&mut state, "<enter>");
    recording.show(&state, 3.0);
    recording.write(&mut state);
    recording.lines.push(String::new());
    check("docs/images/pindeck.cast", &recording.lines.join("\n"));
}

#[test]
fn the_key_reference() {
    let head = "# Keys\n\n\
        Made from the keymap by `docs/images/make`; `pindeck generate keys` prints the same. Every key can be changed in\n\
        your own configuration, and `?` lists those in use.\n\n";
    check(
        "docs/guide/keys.md",
        &format!("{head}{}\n", keymap::reference().trim_end()),
    );
}

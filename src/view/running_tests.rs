//! What runs, on screen: at every size, beside every pin, and after a write.

use super::glyphs::{ASCII, UNICODE};
use super::theme::ColourDepth;
use super::*;
use crate::app::command::Command;
use crate::app::sample::{self, begun, press, receipt_of, written};
use crate::app::update::update;
use crate::domain::running::observation::RunningState;
use crate::domain::text::is_plain;

fn frame(state: &CockpitState, glyphs: &Glyphs) -> String {
    let theme = Theme::built_in("dark", ColourDepth::Mono).expect("theme");
    let (width, height) = state.size;
    let buffer = draw(state, &theme, glyphs, Rect::new(0, 0, width, height)).buffer;
    let mut out = String::new();
    for y in 0..height {
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn shot(name: &str, state: &CockpitState, glyphs: &Glyphs) {
    let frame = frame(state, glyphs);
    assert!(frame.chars().all(|c| c == '\n' || is_plain(c)), "{frame}");
    insta::with_settings!({snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, frame);
    });
}

#[test]
fn what_runs_stands_beside_every_pin_at_every_size() {
    for (width, height) in [(200, 50), (140, 40), (80, 24), (60, 15)] {
        let state = sample::with_clusters(width, height);
        shot(&format!("running-{width}x{height}"), &state, &UNICODE);
    }
    shot("running-ascii-140x40", &sample::with_clusters(140, 40), &ASCII);
}

#[test]
fn the_details_say_who_is_in_the_way() {
    for (name, keys) in [
        ("blocked", "jjjjj<right><right><right>"),
        ("differs", "jjj<right><right><right>"),
        ("unknown", "jj<right><right><right>"),
    ] {
        let mut state = sample::with_clusters(140, 40);
        press(&mut state, keys);
        shot(&format!("running-{name}-140x40"), &state, &UNICODE);
    }
}

#[test]
fn the_help_has_the_signs_of_what_runs() {
    let mut state = sample::with_clusters(80, 40);
    press(&mut state, "?");
    let help = frame(&state, &UNICODE);
    for word in RunningState::ALL {
        let line = format!("{} {:<13}{}", UNICODE.running(word), word.as_str(), word.meaning());
        assert!(help.contains(&line), "{line}\n{help}");
    }
}

#[test]
fn after_a_write_the_screen_says_how_far_the_cluster_is() {
    let mut state = sample::with_clusters(100, 30);
    press(&mut state, "j<right><right>");
    sample::planned(&mut state, "p");
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    let key = proposal.plans[0].key_of_result().expect("a pin");
    let commands = written(&mut state, &ticket, Ok(receipt_of(&proposal)));
    let [Command::Refresh(pass, _), Command::Follow { ticket, pins }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!(pins, std::slice::from_ref(&key));
    assert!(frame(&state, &UNICODE).contains("git has it; the cluster has not been asked yet"));
    // The pass finds the new pin; then the clusters are looked at again and again.
    let mut opened = sample::opened();
    if let crate::domain::board::Update::Opened {
        environments, services, ..
    } = &mut opened
    {
        environments.clone_from(&state.board.environments);
        let cells = services.iter_mut().flat_map(|row| &mut row.cells);
        for cell in cells.filter(|cell| cell.pin.target == key.target) {
            cell.pin.digest = key.digest;
            cell.pin.image = key.image.clone();
        }
    }
    sample::feed(&mut state, pass, [opened]);
    let digest = key.digest.expect("a digest");
    for (runs, same, others, words) in [
        (RunningState::Differs, (0, 0), 4, "cluster  seen"),
        (RunningState::Mixed, (1, 2), 3, "cluster  rolling 1/5"),
        (RunningState::Same, (4, 4), 0, "cluster  runs 4/4"),
    ] {
        let report = sample::running(runs, digest, same, others);
        sample::feed(&mut state, ticket, [sample::ran(key.clone(), report)]);
        let shown = frame(&state, &UNICODE);
        let shown: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(&words.replace("  ", " ")), "{words}\n{shown}");
    }
    let told: Vec<String> = state.events.entries().map(|event| event.text.clone()).collect();
    assert!(
        told.iter().any(|text| text.ends_with("running mixed, now same 4/4")),
        "{told:?}"
    );
    let ended = crate::app::Msg::Followed { ticket: ticket.clone() };
    assert_eq!(update(&mut state, ended, sample::now()), []);
    assert!(!state.generations.accepts(ticket));
}

//! Signs on frames: one digest looks the same on every screen, beside the cursor and under it.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::app::command::Command;
use crate::app::sample::{self, planned, press};
use crate::domain::id::Digest;
use crate::view::glyphs::{ASCII, UNICODE};
use crate::view::theme::{BUILT_IN, ColourDepth};

/// A sign as it is drawn: symbol and colour.
type Look = (String, Option<Color>);

/// The digests of the sample.
fn digests() -> Vec<Digest> {
    [
        "c3", "c2", "c1", "c0", "p2", "p1", "s3", "s2", "s1", "l2", "lx", "f3", "f2", "f0", "i2", "i1",
    ]
    .map(sample::digest)
    .to_vec()
}

fn is_sign(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => ('G'..='Z').contains(&c) || ('\u{2596}'..='\u{259f}').contains(&c),
        _ => false,
    }
}

/// Every sign beside a digest, short or in full.
fn looks(buffer: &Buffer, digest: Digest) -> Vec<Look> {
    let mut found = Vec::new();
    let short: Vec<String> = digest.short().chars().map(String::from).collect();
    for y in buffer.area.top()..buffer.area.bottom() {
        let symbols: Vec<&str> = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        for x in 0..symbols.len().saturating_sub(8) {
            if symbols[x..x + 8].iter().zip(&short).any(|(a, b)| a != b) {
                continue;
            }
            let start = if x >= 7 && symbols[x - 7..x].concat() == "sha256:" {
                x - 7
            } else {
                x
            };
            if start < 2 || symbols[start - 1] != " " || !is_sign(symbols[start - 2]) {
                assert!(
                    start == 0 || !is_sign(symbols[start - 1]),
                    "a sign is glued to {}",
                    digest.short()
                );
                continue;
            }
            let cell = &buffer[(u16::try_from(start - 2).expect("a column"), y)];
            assert!(!cell.modifier.contains(Modifier::REVERSED), "a sign is drawn reversed");
            found.push((cell.symbol().to_owned(), cell.style().fg));
        }
    }
    found
}

#[test]
fn one_digest_looks_the_same_on_every_screen() {
    for (name, _) in BUILT_IN {
        for (depth, glyphs) in [
            (ColourDepth::True, &UNICODE),
            (ColourDepth::Sixteen, &UNICODE),
            (ColourDepth::Mono, &ASCII),
        ] {
            let theme = Theme::built_in(name, depth).expect("a theme");
            let mut seen: BTreeMap<Digest, BTreeSet<String>> = BTreeMap::new();
            let mut screens = 0;
            let mut state = sample::state(140, 40);
            let mut look = |state: &CockpitState| {
                let frame = draw(state, &theme, glyphs, Rect::new(0, 0, state.size.0, state.size.1));
                for digest in digests() {
                    for look in looks(&frame.buffer, digest) {
                        seen.entry(digest).or_default().insert(format!("{look:?}"));
                        screens += 1;
                    }
                }
            };
            look(&state);
            for keys in ["<right>", "<right>", "<right>", "<right>", "j", "j", "<left>"] {
                press(&mut state, keys);
                look(&state);
            }
            press(&mut state, "e");
            look(&state);
            let mut state = sample::state(140, 40);
            let commands = press(&mut state, "<right><right><right>L");
            let [Command::History { ticket, .. }] = commands.as_slice() else {
                panic!("no history");
            };
            sample::answer_history(&mut state, ticket);
            look(&state);
            press(&mut state, "jd");
            look(&state);
            let mut state = sample::state(80, 24);
            planned(&mut state, "p");
            look(&state);
            press(&mut state, "d");
            look(&state);
            assert!(screens > 60, "{screens}");
            for (digest, looks) in seen {
                assert_eq!(
                    looks.len(),
                    1,
                    "{name} {depth:?}: {} looks like {looks:?}",
                    digest.short()
                );
            }
        }
    }
}

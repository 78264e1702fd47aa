//! Boards of sixty services at every size.

use super::*;

/// What is drawn in those columns of those rows.
fn shows(state: &CockpitState, wanted: &str) {
    let frame = text(&buffer(state, &UNICODE, ColourDepth::True));
    assert!(frame.contains(wanted), "{wanted:?} is not in\n{frame}");
}

const SIZES: [(u16, u16); 4] = [(80, 24), (60, 15), (140, 40), (200, 60)];

#[test]
fn sixty_services_at_every_size() {
    for (width, height) in SIZES {
        let mut state = sample::large(60, width, height);
        shot(&format!("large-{width}x{height}"), &state);
        press(&mut state, "s<pagedown><pagedown>");
        shot(&format!("large-sorted-{width}x{height}"), &state);
        press(&mut state, "/pay<enter>");
        shot(&format!("large-filtered-{width}x{height}"), &state);
        press(&mut state, "<space><space>/ship-a");
        shot(&format!("large-typing-{width}x{height}"), &state);
        let mut state = sample::large(60, width, height);
        press(&mut state, "C<down><space>");
        shot(&format!("columns-{width}x{height}"), &state);
        press(&mut state, "<enter>zj");
        shot(&format!("full-screen-{width}x{height}"), &state);
        press(&mut state, "<tab>");
        shot(&format!("full-screen-details-{width}x{height}"), &state);
        shot_ascii(
            &format!("ascii-large-{width}x{height}"),
            &sample::large(60, width, height),
        );
    }
}

#[test]
fn the_filter_says_what_it_shows_at_every_width() {
    for width in 60..220 {
        let mut state = sample::large(60, width, 24);
        press(&mut state, "/pay<enter>");
        shows(&state, "filter: pay 10/60");
        press(&mut state, "<space><space><space>/<ctrl-u>ship-web<enter>");
        shows(&state, "filter: ship-web 1/60");
        shows(&state, "3 marked");
        press(
            &mut state,
            "/<ctrl-u>env:production behind:>2 !verified and a long tail of words<enter>",
        );
        shows(&state, "/60");
    }
}

#[test]
fn the_place_in_the_list_is_always_told() {
    for (width, height) in SIZES {
        let mut state = sample::large(250, width, height);
        press(&mut state, "jjjjjjjjjjj");
        shows(&state, "12/250");
    }
}

/// Wherever the cursor is and whatever is marked: both signs stand beside the name.
#[test]
fn a_marked_row_has_its_pointer() {
    for (width, height) in SIZES {
        let mut state = sample::large(60, width, height);
        press(&mut state, "<space>k");
        shows(&state, "▸◆cart-admin");
        press(&mut state, "j");
        shows(&state, " ◆cart-admin");
        shows(&state, "▸ cart-api");
    }
}

#[test]
fn what_the_filter_found_is_highlighted() {
    let mut state = sample::large(60, 120, 30);
    press(&mut state, "/web<enter>");
    let frame = buffer(&state, &UNICODE, ColourDepth::True);
    let wanted = |style: ratatui::style::Style| style.add_modifier.contains(Modifier::UNDERLINED);
    assert!(wanted(theme(ColourDepth::True).style(theme::Role::Input)));
    let row = (0..30).find(|y| {
        let line: String = (0..12).map(|x| frame[(x, *y)].symbol()).collect();
        line.contains("pay-web")
    });
    let y = row.expect("the row of pay-web");
    let looks: Vec<bool> = (1..8).map(|x| wanted(frame[(x, y)].style())).collect();
    assert_eq!(looks, [false, false, false, false, true, true, true]);
}

/// Every place of the screen that the mouse can be pressed on is one that the frame shows there.
#[test]
fn the_mouse_finds_what_is_drawn() {
    for (width, height) in SIZES {
        let mut state = sample::large(60, width, height);
        state.setup.mouse = true;
        let frame = draw(
            &state,
            &theme(ColourDepth::True),
            &UNICODE,
            Rect::new(0, 0, width, height),
        );
        let mut services = 0;
        for (area, spot) in &frame.spots {
            assert!(area.right() <= width && area.bottom() <= height, "{area:?} {spot:?}");
            if let Spot::Service(name) = spot {
                services += 1;
                let line: String = (area.left()..area.right())
                    .map(|x| frame.buffer[(x, area.y)].symbol())
                    .collect();
                assert!(line.contains(name.as_str()), "{name}: {line}");
            }
        }
        assert!(services > 5);
        state.setup.mouse = false;
        let without = draw(
            &state,
            &theme(ColourDepth::True),
            &UNICODE,
            Rect::new(0, 0, width, height),
        );
        assert!(without.spots.is_empty());
    }
}

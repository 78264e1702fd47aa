use super::*;

#[test]
fn every_built_in_theme_is_whole_at_every_depth() {
    for (name, _) in BUILT_IN {
        for depth in [
            ColourDepth::Mono,
            ColourDepth::Sixteen,
            ColourDepth::Indexed,
            ColourDepth::True,
        ] {
            let theme = Theme::built_in(name, depth).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(theme.name, name);
            assert!(depth == ColourDepth::Mono || name == "mono" || theme.swatch().len() >= 5);
        }
    }
}

#[test]
fn mono_has_no_colour_at_all() {
    for (name, _) in BUILT_IN {
        let theme = Theme::built_in(name, ColourDepth::Mono).expect("valid");
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {}", role.name());
        }
        assert!(theme.swatch().is_empty());
    }
}

#[test]
fn no_theme_paints_a_background_for_ordinary_text() {
    for (name, _) in BUILT_IN {
        let theme = Theme::built_in(name, ColourDepth::True).expect("valid");
        for role in Role::ALL
            .iter()
            .filter(|role| !matches!(role, Role::Cursor | Role::Banner))
        {
            assert_eq!(theme.style(*role).bg, None, "{name} {}", role.name());
        }
    }
}

#[test]
fn mistakes_are_named() {
    let (_, dark) = BUILT_IN[0];
    let parse = |text: &str| {
        Theme::parse("mine", text, ColourDepth::True)
            .expect_err("wrong")
            .to_string()
    };
    let error = parse(&dark.replace("[roles.verified]", "[roles.verifed]"));
    assert!(
        error.contains("verifed") && error.contains("did you mean \"verified\""),
        "{error}"
    );
    assert!(parse("name = 1").contains("theme mine"));
    let error = Theme::built_in("drak", ColourDepth::True)
        .expect_err("unknown")
        .to_string();
    assert!(error.contains("drak") && error.contains("light"), "{error}");
}

#[test]
fn colours_of_the_palette_are_named_by_their_index() {
    assert_eq!(shortest(Color::Rgb(0x5f, 0xaf, 0xff)), Color::Indexed(75));
    assert_eq!(shortest(Color::Rgb(0x8a, 0x8a, 0x8a)), Color::Indexed(245));
    assert_eq!(shortest(Color::Rgb(1, 2, 3)), Color::Rgb(1, 2, 3));
}

#[test]
fn the_256_palette_is_met_exactly_where_it_can_be() {
    assert_eq!(to_indexed(Color::Rgb(255, 255, 255)), Color::Indexed(231));
    assert_eq!(to_indexed(Color::Rgb(95, 135, 175)), Color::Indexed(67));
    assert_eq!(to_indexed(Color::Rgb(118, 118, 118)), Color::Indexed(243));
}

/// Backgrounds that people have: the theme's own kind, Solarized and two usual editors' ones.
const DARK: [[u8; 3]; 4] = [[0, 0, 0], [0x00, 0x2b, 0x36], [0x1e, 0x1e, 0x1e], [0x28, 0x2c, 0x34]];
const LIGHT: [[u8; 3]; 3] = [[255, 255, 255], [0xfd, 0xf6, 0xe3], [0xfa, 0xfa, 0xfa]];

#[test]
fn every_text_can_be_read_on_every_background_of_its_kind() {
    use crate::view::colour::{contrast, rgb};
    for (name, _) in BUILT_IN {
        let backgrounds: &[[u8; 3]] = if name == "light" { &LIGHT } else { &DARK };
        for depth in [ColourDepth::Indexed, ColourDepth::True] {
            let theme = Theme::built_in(name, depth).expect("valid");
            // Rules are no text.
            for role in Role::ALL.iter().filter(|role| **role != Role::Rule) {
                let style = theme.style(*role);
                let Some(text) = style.fg.and_then(rgb) else { continue };
                let own = style.bg.and_then(rgb);
                for background in own
                    .as_slice()
                    .iter()
                    .chain(if own.is_some() { &[][..] } else { backgrounds })
                {
                    let ratio = contrast(text, *background);
                    assert!(ratio >= 4.5, "{name} {} on {background:?}: {ratio:.2}", role.name());
                }
            }
            for colour in theme.swatch() {
                let Some(shown) = rgb(*colour) else { continue };
                for background in backgrounds {
                    let ratio = contrast(shown, *background);
                    assert!(ratio >= 3.0, "{name} sign {colour:?} on {background:?}: {ratio:.2}");
                }
            }
        }
    }
}

/// "Bright black" is the background of Solarized: a text in it is not there.
#[test]
fn no_text_vanishes_among_sixteen_colours() {
    for (name, _) in BUILT_IN {
        let theme = Theme::built_in(name, ColourDepth::Sixteen).expect("valid");
        for role in Role::ALL.iter().filter(|role| **role != Role::Rule) {
            assert_ne!(theme.style(*role).fg, Some(Color::DarkGray), "{name} {}", role.name());
        }
    }
}

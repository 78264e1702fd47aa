//! How the sign of a digest looks: the same bytes look the same before anyone reads hex.
//!
//! Where there are colours, a sign is a shape in a colour, and two signs of one shape differ by a colour
//! that nobody takes for the other. Elsewhere it is a letter that is no hexadecimal digit. Nobody can
//! grind out a digest whose sign is that of another one: signs are given, not computed.

use crate::app::signs::Sign;
use crate::app::state::CockpitState;
use crate::domain::id::{Digest, ServiceId};
use crate::view::canvas::{Span, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, Theme};

/// The letters of signs: none is a hexadecimal digit.
const LETTERS: &[u8] = b"GHIJKLMNOPQRSTUVWXYZ";

/// The sign of a digest of a service, one column wide; a blank where it has none.
pub fn of(state: &CockpitState, service: &ServiceId, digest: Digest, theme: &Theme, glyphs: &Glyphs) -> Span {
    state
        .signs
        .of(service, digest)
        .and_then(|sign| look(sign, theme, glyphs))
        .unwrap_or_else(|| span(Role::Text, " "))
}

/// Sign, blank and digest in full.
pub fn with_digest(
    state: &CockpitState,
    service: &ServiceId,
    digest: Digest,
    role: Role,
    theme: &Theme,
    glyphs: &Glyphs,
) -> [Span; 2] {
    [
        of(state, service, digest, theme, glyphs),
        span(role, format!(" {digest}")),
    ]
}

/// Whether signs are letters here, because there are no colours to tell shapes apart by.
pub fn is_letter(theme: &Theme, glyphs: &Glyphs) -> bool {
    glyphs.ascii || theme.swatch().is_empty()
}

/// What a sign looks like; `None` where there are more signs than looks that can be told apart.
fn look(sign: Sign, theme: &Theme, glyphs: &Glyphs) -> Option<Span> {
    let colours = theme.swatch();
    let (text, colour) = if is_letter(theme, glyphs) {
        let letter = LETTERS.get(sign.number())?;
        (char::from(*letter).to_string(), None)
    } else {
        let shapes = glyphs.swatch.len();
        let (shape, turn) = (sign.number() % shapes, sign.number() / shapes);
        if turn >= colours.len() {
            return None;
        }
        let colour = colours[(shape + turn) % colours.len()];
        (glyphs.swatch[shape].to_owned(), Some(colour))
    };
    Some(Span {
        text,
        role: if colour.is_some() { Role::Text } else { Role::Title },
        colour,
        sign: true,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::app::signs::SignTable;
    use crate::view::glyphs::{ASCII, UNICODE};
    use crate::view::theme::{BUILT_IN, ColourDepth};
    use proptest::prelude::*;

    const DEPTHS: [ColourDepth; 4] = [
        ColourDepth::Mono,
        ColourDepth::Sixteen,
        ColourDepth::Indexed,
        ColourDepth::True,
    ];

    fn looks(
        digests: &[Digest],
        theme: &Theme,
        glyphs: &Glyphs,
    ) -> Vec<Option<(String, Option<ratatui::style::Color>)>> {
        let mut signs = SignTable::default();
        let service = ServiceId::from("checkout");
        for digest in digests {
            signs.note(&service, *digest);
        }
        digests
            .iter()
            .map(|digest| {
                let span = look(signs.of(&service, *digest)?, theme, glyphs)?;
                Some((span.text, span.colour))
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Random rows in every theme at every depth: different digests never look alike, not even but for
        /// a shade, and a sign is never something that a digest could contain.
        #[test]
        fn different_bytes_look_different(numbers in prop::collection::vec(0u16..30, 1..12)) {
            let digests: Vec<Digest> = numbers.iter().map(|n| Digest::of(&n.to_be_bytes())).collect();
            for (name, _) in BUILT_IN {
                for depth in DEPTHS {
                    let theme = Theme::built_in(name, depth).expect("a theme");
                    for glyphs in [&UNICODE, &ASCII] {
                        let mut seen: BTreeMap<String, Digest> = BTreeMap::new();
                        for (digest, look) in digests.iter().zip(looks(&digests, &theme, glyphs)) {
                            let (text, _) = look.expect("a row of so few has signs for all");
                            prop_assert!(!text.chars().any(|c| c.is_ascii_hexdigit()));
                            // With so few digests the shape alone tells them apart in colour, and so does
                            // the letter without.
                            if glyphs.swatch.len() >= digests.len() || glyphs.ascii {
                                prop_assert_eq!(*seen.entry(text).or_insert(*digest), *digest);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Signs of one shape differ by colours that are far apart, as seen on a screen.
    #[test]
    fn one_shape_comes_in_colours_that_are_far_apart() {
        for (name, _) in BUILT_IN {
            for depth in [ColourDepth::Sixteen, ColourDepth::Indexed, ColourDepth::True] {
                let theme = Theme::built_in(name, depth).expect("a theme");
                let digests: Vec<Digest> = (0..200u16).map(|n| Digest::of(&n.to_be_bytes())).collect();
                let looks: Vec<_> = looks(&digests, &theme, &UNICODE).into_iter().flatten().collect();
                for (at, one) in looks.iter().enumerate() {
                    for other in &looks[at + 1..] {
                        if one.0 == other.0 {
                            let (Some(a), Some(b)) = (one.1, other.1) else {
                                panic!("no colour")
                            };
                            let apart = crate::view::colour::distance(a, b);
                            assert!(apart >= 30.0, "{name} {depth:?}: {a:?} and {b:?} are {apart:.0} apart");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn there_are_no_more_signs_than_can_be_told_apart() {
        let theme = Theme::built_in("mono", ColourDepth::Mono).expect("theme");
        let digests: Vec<Digest> = (0..30u8).map(|n| Digest::of(&[n])).collect();
        let looks = looks(&digests, &theme, &UNICODE);
        assert_eq!(looks[0].as_ref().map(|(text, _)| text.as_str()), Some("G"));
        assert_eq!(looks[19].as_ref().map(|(text, _)| text.as_str()), Some("Z"));
        assert_eq!(looks[20], None);
    }
}

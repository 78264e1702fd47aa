//! Fingerprints: the same bytes look the same before anyone reads hex.
//!
//! Drawn from the bytes of the digest that are *not* shown as hex beside it: somebody who grinds out
//! the eight shown digits gets another fingerprint all the same.

use std::collections::BTreeMap;

use crate::domain::board::ServiceRow;
use crate::domain::id::Digest;
use crate::view::canvas::{Span, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, Theme};

/// How many bytes of a digest are shown as hex on the board.
const SHOWN: usize = 4;

/// The fingerprints of one row.
#[derive(Debug, Clone, Default)]
pub struct Fingerprints {
    spans: BTreeMap<Digest, Span>,
}

impl Fingerprints {
    /// The fingerprints of a row: pattern and colour, or letters where there is no colour, and
    /// where two different digests would look alike. A is what CI offers, if it offers something.
    pub fn of_row(row: &ServiceRow, theme: &Theme, glyphs: &Glyphs) -> Self {
        let candidate = row.candidate.value().and_then(Option::as_ref).map(|c| c.digest);
        let pins = row.cells.iter().filter_map(|cell| cell.pin.digest);
        Self::of(candidate.into_iter().chain(pins), theme, glyphs)
    }

    /// The fingerprints of these digests, in order of first appearance.
    pub fn of(digests: impl Iterator<Item = Digest>, theme: &Theme, glyphs: &Glyphs) -> Self {
        let mut order: Vec<Digest> = Vec::new();
        for digest in digests {
            if !order.contains(&digest) {
                order.push(digest);
            }
        }
        let drawn: Vec<Span> = order.iter().map(|digest| pattern(*digest, theme, glyphs)).collect();
        let alike = (0..drawn.len()).any(|i| drawn[..i].contains(&drawn[i]));
        let letters = alike || glyphs.ascii || theme.swatch().is_empty();
        let spans = order
            .into_iter()
            .zip(drawn)
            .enumerate()
            .map(|(at, (digest, pattern))| {
                let shown = if letters {
                    Span {
                        text: letter(at),
                        role: Role::Title,
                        colour: pattern.colour,
                    }
                } else {
                    pattern
                };
                (digest, shown)
            })
            .collect();
        Self { spans }
    }

    /// The fingerprint of a digest; a blank for one that is not of this row.
    pub fn span(&self, digest: Digest) -> Span {
        self.spans
            .get(&digest)
            .cloned()
            .unwrap_or_else(|| span(Role::Text, " "))
    }
}

fn letter(at: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char::from(LETTERS.get(at).copied().unwrap_or(b'*')).to_string()
}

fn pattern(digest: Digest, theme: &Theme, glyphs: &Glyphs) -> Span {
    // FNV-1a over the bytes that are not shown.
    let hash = digest.as_bytes()[SHOWN..]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let pick = |hash: u64, len: usize| usize::try_from(hash % (len.max(1) as u64)).unwrap_or(0);
    let glyph = glyphs.swatch[pick(hash >> 8, glyphs.swatch.len())];
    let colours = theme.swatch();
    Span {
        text: glyph.to_owned(),
        role: Role::Text,
        colour: colours.get(pick(hash >> 40, colours.len())).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::glyphs::{ASCII, UNICODE};
    use crate::view::theme::Depth;

    fn digest(first: u8, last: u8) -> Digest {
        let mut bytes = [7; 32];
        bytes[0] = first;
        bytes[31] = last;
        Digest::from_bytes(bytes)
    }

    #[test]
    fn the_shown_bytes_do_not_count() {
        let theme = Theme::built_in("dark", Depth::True).expect("theme");
        assert_eq!(
            pattern(digest(1, 9), &theme, &UNICODE),
            pattern(digest(2, 9), &theme, &UNICODE)
        );
    }

    #[test]
    fn digests_that_would_look_alike_get_letters() {
        let theme = Theme::built_in("dark", Depth::True).expect("theme");
        let (a, b) = (digest(1, 9), digest(2, 9));
        let prints = Fingerprints::of([a, b, a].into_iter(), &theme, &UNICODE);
        assert_eq!((prints.span(a).text.as_str(), prints.span(b).text.as_str()), ("A", "B"));
    }

    #[test]
    fn letters_without_colour() {
        let mono = Theme::built_in("mono", Depth::Mono).expect("theme");
        let dark = Theme::built_in("dark", Depth::True).expect("theme");
        for (theme, glyphs) in [(&mono, &UNICODE), (&dark, &ASCII)] {
            let prints = Fingerprints::of([digest(1, 1), digest(2, 2)].into_iter(), theme, glyphs);
            assert_eq!(prints.span(digest(2, 2)).text, "B");
        }
    }

    #[test]
    fn many_digests_spread_over_many_looks() {
        let theme = Theme::built_in("dark", Depth::True).expect("theme");
        let looks: std::collections::HashSet<String> = (0..=255)
            .map(|n| format!("{:?}", pattern(Digest::of(&[n]), &theme, &UNICODE)))
            .collect();
        assert!(looks.len() > 90, "{}", looks.len());
    }
}

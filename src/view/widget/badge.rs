//! Verdict badges: shape and word, colour only on top.

use crate::app::standing::{Holding, Stand, Standing, holding};
use crate::domain::board::Assessment;
use crate::domain::evidence::EvidenceKind;
use crate::view::canvas::{Line, Span, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::{Role, of_standing};

/// The shape alone, with the mark of age before it.
pub fn shape(stand: Stand, glyphs: &Glyphs) -> Line {
    vec![
        span(Role::Dim, if stand.stale { glyphs.stale } else { " " }),
        span(of_standing(stand.is), glyphs.standing(stand.is)),
    ]
}

/// Shape and word.
pub fn full(standing: Standing, glyphs: &Glyphs) -> Span {
    span(
        of_standing(standing),
        format!("{} {}", glyphs.standing(standing), standing.word()),
    )
}

/// One letter per kind of evidence that policies usually ask for: upper case holds, lower case
/// does not, a dash is nothing at all.
pub fn letters(assessment: &Assessment, glyphs: &Glyphs) -> Line {
    [
        (EvidenceKind::Signature, 'S'),
        (EvidenceKind::Provenance, 'P'),
        (EvidenceKind::Sbom, 'B'),
        (EvidenceKind::TestResult, 'T'),
    ]
    .into_iter()
    .map(|(kind, letter)| {
        let lower = letter.to_ascii_lowercase().to_string();
        match holding(assessment, kind) {
            Holding::Holds => span(Role::Verified, letter.to_string()),
            Holding::Warns => span(Role::Warned, letter.to_string()),
            Holding::Fails => span(Role::Rejected, lower),
            Holding::Unsigned => span(Role::Dim, lower),
            Holding::Unreachable => span(Role::Unreachable, "?"),
            Holding::None => span(Role::Dim, glyphs.behind),
        }
    })
    .collect()
}

//! Versions beside digests: people release versions and verify digests.

use crate::app::state::CockpitState;
use crate::app::versions::NamedVersion;
use crate::domain::id::{Digest, ServiceId};
use crate::view::canvas::{Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::Role;

/// From which version to which, and by what each is known: a tag, or the label of an image that verifies. A
/// digest without a version stands for itself. `None` if no version is known at all.
pub fn change(
    state: &CockpitState,
    service: &ServiceId,
    from: Option<Digest>,
    to: Digest,
    glyphs: &Glyphs,
) -> Option<Line> {
    let from = from.filter(|from| *from != to);
    let new = state.version_of(service, to);
    let old = from.map(|from| (from, state.version_of(service, from)));
    if new.is_none() && !matches!(old, Some((_, Some(_)))) {
        return None;
    }
    let mut line = Line::new();
    let same = old.as_ref().is_some_and(|(_, old)| source(old) == source(&new));
    if let Some((digest, old)) = old {
        push(&mut line, digest, old, Role::Text, !same);
        line.push(span(Role::Dim, format!(" {} ", glyphs.arrow)));
    }
    push(&mut line, to, new, Role::Title, true);
    Some(line)
}

/// A version in one word: behind a colon, as in a reference, where it is the tag; behind an equals sign where it is
/// the label of an image that verifies.
pub fn marked(version: &NamedVersion) -> String {
    match version {
        NamedVersion::Tag(tag) => format!(":{tag}"),
        NamedVersion::Label(label) => format!("={label}"),
    }
}

/// By what a version is known.
fn source(version: &Option<NamedVersion>) -> Option<&'static str> {
    version.as_ref().map(|version| match version {
        NamedVersion::Tag(_) => " (tag)",
        NamedVersion::Label(_) => " (label)",
    })
}

fn push(line: &mut Line, digest: Digest, version: Option<NamedVersion>, role: Role, marked: bool) {
    let mark = source(&version);
    match version {
        Some(version) => line.push(span(role, version.text())),
        None => line.push(span(role, digest.short())),
    }
    match mark {
        Some(mark) if marked => line.push(span(Role::Dim, mark)),
        Some(_) => {}
        None => line.push(span(Role::Dim, " (digest)")),
    }
}

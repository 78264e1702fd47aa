//! Versions beside digests: people release versions and verify digests.

use crate::app::state::CockpitState;
use crate::app::versions::{NamedVersion, version_of};
use crate::domain::id::{Digest, ServiceId};
use crate::view::canvas::{Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::theme::Role;

/// From which version to which; `None` if neither is known.
pub fn change(
    state: &CockpitState,
    service: &ServiceId,
    from: Option<Digest>,
    to: Digest,
    glyphs: &Glyphs,
) -> Option<Line> {
    let new = version_of(state, service, to);
    let old = from
        .filter(|from| *from != to)
        .map(|from| version_of(state, service, from));
    if new.is_none() && !matches!(old, Some(Some(_))) {
        return None;
    }
    let mut line = Line::new();
    if let Some(old) = old {
        push(&mut line, old, Role::Text);
        line.push(span(Role::Dim, format!(" {} ", glyphs.arrow)));
    }
    push(&mut line, new, Role::Title);
    Some(line)
}

fn push(line: &mut Line, version: Option<NamedVersion>, role: Role) {
    match version {
        Some(NamedVersion::Tag(tag)) => line.push(span(role, tag)),
        Some(NamedVersion::Label(label)) => {
            line.push(span(role, label));
            line.push(span(Role::Dim, " (label)"));
        }
        None => line.push(span(Role::Dim, "no version known")),
    }
}

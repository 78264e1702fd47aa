//! Variables that Compose puts into its file: the `.env` beside it, and `${NAME}` in texts.
//!
//! The rules are those of the Compose specification, "Interpolation" and "`.env` file". The environment of whoever
//! runs Compose can still set another value; the file is what the repository says.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::dotenv::{self, WrittenVariable};
use super::found::{DetectionRule, Found, VARIABLE};
use super::hands_off;
use super::reference_text::{self, Parts};
use super::shape::Handle;
use super::site::{DigestSlot, Insert, Site, TagForm, TagSlot};
use crate::domain::pin::Style;
use crate::domain::reference::Repository;

pub use super::dotenv::FILE;

const NOT_PLAIN: &str = "its value has escapes or other variables in it, or goes over several lines, so its bytes cannot be replaced safely";

/// One variable of a `.env` file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The name of the variable, as the Compose file spells it.
    pub name: String,
    /// Its value without quotes, other variables of the file put in; `None` where what is put in is not known.
    pub value: Option<String>,
    /// Line of the file, from 1.
    pub line: u32,
    /// What its value says as an image, or as a part of one.
    pub found: Handle,
}

/// The variables of a `.env` file, each with the reference that it is, or is a part of. Of two with one name the last
/// counts.
pub(super) fn read(text: &str) -> (Vec<Variable>, Vec<Found>) {
    let (mut out, mut founds): (Vec<Variable>, Vec<Found>) = (Vec::new(), Vec::new());
    let locked = hands_off::variables_reason(text);
    for one in dotenv::read(text) {
        let value = match one.is_literal {
            true => Some(one.raw.clone()),
            false => one
                .is_expanded
                .then(|| interpolate(&one.raw, &out))
                .flatten()
                .map(|made| made.text),
        };
        let mut found = found(&one, value.as_deref().unwrap_or_default());
        if found.read_only.is_none() {
            found.read_only.clone_from(&locked);
        }
        let variable = Variable {
            name: one.name,
            value,
            line: one.line,
            found: Handle::Layered(u32::try_from(founds.len()).unwrap_or(u32::MAX)),
        };
        match out.iter_mut().find(|known| known.name == variable.name) {
            Some(known) => {
                let Handle::Layered(at) = known.found else { continue };
                founds[at as usize] = found;
                *known = Variable {
                    found: known.found,
                    ..variable
                };
            }
            None => {
                founds.push(found);
                out.push(variable);
            }
        }
    }
    (out, founds)
}

/// What a value says by itself: a whole reference, where it has a `/` or a `:`, else a tag or a digest.
fn found(one: &WrittenVariable, value: &str) -> Found {
    let is_whole = value.contains('/') || value.split('@').next().is_some_and(|name| name.contains(':'));
    let whole = reference_text::parse(value).filter(|_| is_whole && !value.starts_with("sha256:"));
    let parts = match whole {
        Some(parts) => parts,
        None => {
            let version = reference_text::parse_version(value);
            Parts {
                name: 0..0,
                tag: version.tag,
                digest: version.digest,
            }
        }
    };
    let place = |range: &Range<usize>| one.span.start + range.start..one.span.start + range.end;
    let text = |range: &Range<usize>| value[range.clone()].to_owned();
    let is_literal = one.is_literal;
    let digest_slot = parts.digest.as_ref().filter(|_| is_literal).map(|range| DigestSlot {
        span: place(range),
        bare: range.len() == 64,
    });
    let written = text(&parts.name);
    Found {
        style: Style::Compose,
        kind: VARIABLE,
        rule: DetectionRule::HelmfileOrCompose,
        repository: Repository::parse(&written).ok(),
        written,
        tag: parts.tag.as_ref().map(text),
        digest: parts
            .digest
            .as_ref()
            .and_then(|range| reference_text::digest(&value[range.clone()])),
        line: one.line,
        yaml_path: format!("$[0].{}.value", one.name),
        digest_span: digest_slot
            .as_ref()
            .filter(|slot| !slot.bare)
            .map(|slot| slot.span.clone()),
        aliases: Vec::new(),
        read_only: (!is_literal).then(|| NOT_PLAIN.to_owned()),
        reason: None,
        uncertain: None,
        in_values_fields: false,
        site: Site {
            document: 0,
            lines: vec![one.line],
            tag: parts.tag.as_ref().filter(|_| is_literal).map(|range| TagSlot {
                span: place(range),
                form: TagForm::Inline,
            }),
            insert: match (&digest_slot, is_literal && !value.is_empty()) {
                (None, true) => Insert::Append(one.span.end),
                (None, false) => Insert::Refused("there is nothing that a digest could follow"),
                (Some(_), _) => Insert::Refused("a digest is written already"),
            },
            digest: digest_slot,
        },
    }
}

/// A text with its variables put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledTemplate<'v> {
    /// The text that comes out.
    pub text: String,
    /// The variables that were used, each with the bytes of the text that are its value; none of them where its being
    /// set only chose another word.
    pub used: Vec<(Range<usize>, &'v Variable)>,
}

/// The variable that decides an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingVariable<'v> {
    /// The variable with the digest, else with the tag.
    pub variable: &'v Variable,
    /// Why its value is not all that there is of the digest or tag, if so.
    pub mixed: Option<&'static str>,
}

/// A text with its variables put in. `None` if it is not written by the rules, or if a variable without a default is
/// not set, or is not known: then the text cannot be told.
pub fn interpolate<'v>(template: &str, variables: &'v [Variable]) -> Option<FilledTemplate<'v>> {
    let (mut text, mut used) = (String::new(), Vec::new());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            text.push('$');
            rest = after;
            continue;
        }
        let (name, operation, left) = variable(after)?;
        let known = variables.iter().rev().find(|known| known.name == name);
        let known = match known {
            Some(known) => Some((known, known.value.as_deref()?)),
            None => None,
        };
        let (operator, word) = operation.unwrap_or((":?", ""));
        let is_set = known.is_some_and(|(_, value)| !operator.starts_with(':') || !value.is_empty());
        let start = text.len();
        match (operator.trim_start_matches(':'), known.filter(|_| is_set)) {
            ("+", Some((known, _))) => {
                used.push((start..start, known));
                text.push_str(word);
            }
            ("+", None) => {}
            (_, Some((known, value))) => {
                text.push_str(value);
                used.push((start..text.len(), known));
            }
            ("-", None) => text.push_str(word),
            _ => return None,
        }
        rest = left;
    }
    text.push_str(rest);
    Some(FilledTemplate { text, used })
}

impl<'v> FilledTemplate<'v> {
    /// The variable that decides the digest or, where there is none, the tag; `None` if the Compose file does.
    /// `found` tells what the value of a variable says by itself.
    pub(crate) fn decides(&self, found: &dyn Fn(Handle) -> Option<&'v Found>) -> Option<DecidingVariable<'v>> {
        let parts = reference_text::parse(&self.text)?;
        // A template may have the algorithm and a variable the hexadecimal digits.
        let hex = parts
            .digest
            .clone()
            .map(|digest| digest.start + "sha256:".len()..digest.end);
        let decisive = hex
            .clone()
            .or(parts.tag.clone())
            .unwrap_or(self.text.len()..self.text.len());
        let touches = |bytes: &Range<usize>| bytes.start < decisive.end && decisive.start < bytes.end;
        let is_whole = parts.tag.is_none() && parts.digest.is_none();
        let (bytes, variable) = self
            .used
            .iter()
            .find(|(bytes, _)| touches(bytes) || is_whole && *bytes == (0..self.text.len()))?;
        let own = found(variable.found)?;
        let contains = |range: &Range<usize>| bytes.start <= range.start && range.end <= bytes.end;
        let mixed = if parts.digest.is_none() && bytes.end != self.text.len() {
            Some("the Compose file goes on behind it, where a digest would follow")
        } else if !contains(&decisive) {
            Some("its text and the Compose file make the version together")
        } else if parts.digest.is_some() && parts.tag.as_ref().is_some_and(|tag| !contains(tag)) {
            Some("the tag stands elsewhere, and would stay beside another digest")
        } else {
            let says_tag = parts.tag.as_ref().is_some_and(contains);
            let says_name = bytes.start <= parts.name.start && parts.name.end <= bytes.end;
            let is_same = own.digest.is_some() == hex.is_some()
                && own.tag.is_some() == says_tag
                && own.written.is_empty() != says_name;
            (!is_same).then_some("what it says depends on the text around it")
        };
        Some(DecidingVariable { variable, mixed })
    }
}

/// Name, operator and word of what follows a `$`, and the rest.
type Expression<'t> = (&'t str, Option<(&'t str, &'t str)>, &'t str);

fn variable(text: &str) -> Option<Expression<'_>> {
    let braces = text.strip_prefix('{');
    let inner = braces.unwrap_or(text);
    let end = inner.bytes().position(|byte| !is_name(byte)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if braces.is_none() {
        return Some((name, None, rest));
    }
    let (operation, left) = rest.split_once('}')?;
    if operation.is_empty() {
        return Some((name, None, left));
    }
    // A variable inside a default ends at the wrong brace.
    if operation.contains('$') {
        return None;
    }
    let operators = [":-", ":?", ":+", "-", "?", "+"];
    let operator = operators.into_iter().find(|operator| operation.starts_with(operator))?;
    Some((name, Some((operator, &operation[operator.len()..])), left))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
#[path = "variables_tests.rs"]
mod tests;

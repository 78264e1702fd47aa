//! From a found reference and its new pin to splices.

use std::ops::Range;

use super::error::EditError;
use super::new_pin::{NewPin, TagChange};
use crate::domain::reference::valid_tag;
use crate::sources::git::manifest::Found;
use crate::sources::git::manifest::site::{Insert, TagForm};

/// One splice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The bytes that go.
    pub span: Range<usize>,
    /// What comes in their place.
    pub text: String,
    /// What that does to the content.
    pub effect: Effect,
    /// The reference it belongs to.
    pub yaml_path: String,
}

/// What a splice does to the sequence of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// A part of one scalar's value changes.
    Part,
    /// A whole scalar is written anew, with this value.
    Whole(String),
    /// A new entry follows the node that ends at `after`.
    NewEntry {
        /// End of the node before.
        after: usize,
        /// The new entry's key, as it is written.
        key: &'static str,
        /// The new entry's value, after unescaping.
        value: String,
    },
    /// The entry whose key begins at this byte of the text is removed.
    NoEntry(usize),
}

/// The splices of one reference.
pub(super) fn of(path: &str, text: &str, found: &Found, new: &NewPin) -> Result<Vec<Change>, EditError> {
    let mut out = Vec::new();
    let change = |span, text, effect| Change {
        span,
        text,
        effect,
        yaml_path: found.yaml_path.clone(),
    };
    let refused = |reason: &str| EditError::ReadOnly {
        file: path.to_owned(),
        line: found.line,
        reason: reason.to_owned(),
    };
    let digest = new.digest.to_string();
    match &found.site.digest {
        Some(slot) => {
            let now = if slot.bare { new.digest.hex() } else { digest };
            if text[slot.span.clone()] != now {
                out.push(change(slot.span.clone(), now, Effect::Part));
            }
        }
        None => {
            let (span, written, effect) = insert(text, &found.site.insert, &digest).map_err(refused)?;
            out.push(change(span, written, effect));
        }
    }
    if let (Some(slot), Some(old)) = (&found.site.tag, &found.tag) {
        let wrong = |asked, reason| EditError::Tag {
            file: path.to_owned(),
            line: found.line,
            asked,
            reason,
        };
        match &new.tag {
            TagChange::Keep => {}
            TagChange::Update(tag) if tag == old => {}
            TagChange::Update(tag) => {
                if !valid_tag(tag) {
                    return Err(wrong("updated", "the new one is not a valid tag"));
                }
                match &slot.form {
                    TagForm::Field {
                        scalar, plain: true, ..
                    } if needs_quotes(tag) => {
                        out.push(change(scalar.clone(), format!("\"{tag}\""), Effect::Whole(tag.clone())));
                    }
                    _ => out.push(change(slot.span.clone(), tag.clone(), Effect::Part)),
                }
            }
            TagChange::Drop => {
                let (span, effect) = drop(text, &slot.span, &slot.form).map_err(|why| wrong("dropped", why))?;
                out.push(change(span, String::new(), effect));
            }
        }
    }
    Ok(out)
}

fn insert(text: &str, how: &Insert, digest: &str) -> Result<(Range<usize>, String, Effect), &'static str> {
    match how {
        Insert::Refused(why) => Err(why),
        Insert::Append(at) => Ok((*at..*at, format!("@{digest}"), Effect::Part)),
        Insert::Fill(span) if span.is_empty() => {
            // `digest:` with nothing after it: the parser places the empty value before the colon.
            if !text[span.start..].starts_with(':') {
                return Err("its digest field is empty in a way that cannot be filled safely");
            }
            let at = span.start + 1;
            Ok((at..at, format!(" {digest}"), Effect::Whole(digest.to_owned())))
        }
        Insert::Fill(span) => {
            let quote = text[span.clone()].chars().next().filter(|c| matches!(c, '"' | '\''));
            let quote = quote.map(String::from).unwrap_or_default();
            let written = format!("{quote}{digest}{quote}");
            Ok((span.clone(), written, Effect::Whole(digest.to_owned())))
        }
        Insert::Entry {
            key_at,
            value_end,
            key,
            braces,
        } => {
            let effect = Effect::NewEntry {
                after: *value_end,
                key,
                value: digest.to_owned(),
            };
            if *braces {
                // What is JSON stays JSON.
                let quote = if text[*key_at..].starts_with('"') { "\"" } else { "" };
                let entry = format!(", {quote}{key}{quote}: {quote}{digest}{quote}");
                return Ok((*value_end..*value_end, entry, effect));
            }
            let line = text[..*key_at].rfind('\n').map_or(0, |at| at + 1);
            let lead = text[line..*key_at].trim_start_matches('\u{feff}');
            if !lead.chars().all(|c| matches!(c, ' ' | '-')) {
                return Err("the lines around it are laid out in a way that a new field cannot follow");
            }
            let indent = " ".repeat(lead.len());
            let rest = &text[*value_end..];
            Ok(match rest.find('\n') {
                Some(at) => {
                    let end = value_end + at + 1;
                    let newline = if rest[..at].ends_with('\r') { "\r\n" } else { "\n" };
                    (end..end, format!("{indent}{key}: {digest}{newline}"), effect)
                }
                // The file's last line has no line break; nor will the new last line.
                None => {
                    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
                    (
                        text.len()..text.len(),
                        format!("{newline}{indent}{key}: {digest}"),
                        effect,
                    )
                }
            })
        }
    }
}

fn drop(text: &str, tag: &Range<usize>, form: &TagForm) -> Result<(Range<usize>, Effect), &'static str> {
    match form {
        TagForm::Inline if text[..tag.start].ends_with(':') => Ok((tag.start - 1..tag.end, Effect::Part)),
        TagForm::Inline => Err("it is written through a variable"),
        TagForm::BeforeDigest => {
            Err("the field would then hold a bare digest, which means something else to the chart")
        }
        TagForm::Field {
            removable_from: None, ..
        } => Err("without it the chart falls back to a tag of its own"),
        TagForm::Field {
            scalar,
            removable_from: Some(key_at),
            ..
        } => {
            let line = text[..*key_at].rfind('\n').map_or(0, |at| at + 1);
            if !text[line..*key_at].chars().all(|c| c == ' ') {
                return Err("it is the first field of its entry");
            }
            let end = match text[scalar.end..].find('\n') {
                Some(at) => scalar.end + at + 1,
                None => return Err("it is on the last line"),
            };
            Ok((line..end, Effect::NoEntry(*key_at)))
        }
    }
}

/// Whether a tag would be read as something else than a text if written without quotes
/// (YAML 1.1 and 1.2 both count: the tools that read manifests disagree).
fn needs_quotes(tag: &str) -> bool {
    let lower = tag.to_ascii_lowercase();
    let word = matches!(
        lower.as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "nan" | ".nan" | ".inf"
    );
    // Numbers in any base, with underscores, exponents; dates. No parser takes a second point for one.
    let number = tag.matches('.').count() < 2
        && tag.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && tag
            .chars()
            .all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | '_' | 'x' | 'o' | '-' | 'X' | 'O'));
    word || number
}

/// Sorts splices, drops equal ones and refuses overlapping ones.
pub(super) fn ordered(mut changes: Vec<Change>) -> Result<Vec<Change>, String> {
    changes.sort_by_key(|c| (c.span.start, c.span.end));
    changes.dedup_by(|b, a| a.span == b.span && a.text == b.text && a.effect == b.effect);
    let overlap = changes
        .windows(2)
        .any(|pair| pair[0].span.end > pair[1].span.start || pair[0].span == pair[1].span);
    if overlap {
        return Err("two references want to change the same bytes differently".to_owned());
    }
    Ok(changes)
}

/// The text with all splices made.
pub(super) fn splice(text: &str, changes: &[Change]) -> String {
    let mut out = String::with_capacity(text.len() + changes.len() * 80);
    let mut at = 0;
    for change in changes {
        out.push_str(&text[at..change.span.start]);
        out.push_str(&change.text);
        at = change.span.end;
    }
    out.push_str(&text[at..]);
    out
}

//! The one reader of YAML: parser events with byte spans, under limits of our own.
//!
//! Everything that looks at a manifest, and the check that an edit changed one scalar only, goes
//! through [`read`]. Aliases stay aliases: nothing is ever expanded, so an alias bomb costs as
//! much as its text.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event as Raw, Parser, ScalarStyle, StructureStyle};

/// Bytes of one file that are looked at; longer files are reported, not read.
pub(crate) const MAX_BYTES: usize = 16 << 20;
/// Events of one file.
const MAX_EVENTS: usize = 4_000_000;
/// Documents of one file: a million empty ones is legal YAML.
const MAX_DOCUMENTS: usize = 20_000;
/// Nesting of block and of flow collections, each.
const MAX_DEPTH: usize = 128;

/// One parser event; spans are bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlEvent<'a> {
    /// Which kind of event, with what it carries.
    pub what: YamlEventKind<'a>,
    /// Where it is written.
    pub span: Range<usize>,
    /// Its first line, from 1.
    pub line: u32,
}

/// The kinds of event that matter for content. Two texts with equal sequences of these say the
/// same thing, apart from comments and layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum YamlEventKind<'a> {
    /// A document begins.
    Document,
    /// The end of a document, whether `...` is written or not.
    DocumentEnd,
    /// A mapping begins.
    Map {
        /// `{…}` rather than indentation.
        flow: bool,
        /// Anchor id, 0 = none.
        anchor: usize,
        /// Explicit tag.
        tag: Option<String>,
    },
    /// A sequence begins.
    Seq {
        /// `[…]` rather than indentation.
        flow: bool,
        /// Anchor id, 0 = none.
        anchor: usize,
        /// Explicit tag.
        tag: Option<String>,
    },
    /// The innermost collection ends.
    End,
    /// A scalar: the only kind of event with a value.
    Scalar {
        /// Its value after unescaping and folding.
        value: Cow<'a, str>,
        /// How it is written.
        style: ScalarStyle,
        /// Anchor id, 0 = none.
        anchor: usize,
        /// Explicit tag.
        tag: Option<String>,
    },
    /// An alias of the node with that anchor id.
    Alias(usize),
}

/// Why reading ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// Where the document that could not be read begins.
    pub document_at: usize,
    /// Where reading ended.
    pub line: u32,
    /// What was wrong.
    pub why: String,
}

/// A text as it is read: UTF-8, of bearable size.
///
/// # Errors
/// What is wrong with the bytes, in words for a person.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "{} bytes are more than the {MAX_BYTES} that a manifest may have",
            bytes.len()
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err("it holds NUL characters, which YAML forbids".to_owned()),
        Ok(text) => Ok(text),
        Err(error) if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) => {
            let _ = error;
            Err("it is UTF-16; save it as UTF-8".to_owned())
        }
        Err(error) => Err(format!(
            "it is not UTF-8 (byte {}): another encoding, as Latin-1, is not read; save it as UTF-8",
            error.valid_up_to()
        )),
    }
}

/// Why other readers of YAML may take a text for something else. YAML 1.1 ends a line, and so a comment, at three
/// characters that are ordinary ones in YAML 1.2: what one reader takes for a comment is content for the other.
pub(super) fn doubtful(text: &str) -> Option<String> {
    // All three have bytes above ASCII, and most manifests have none: that is told a word at a time.
    if text.is_ascii() {
        return None;
    }
    let places = ['\u{85}', '\u{2028}', '\u{2029}'].map(|break_of_some| text.find(break_of_some));
    let at = places.into_iter().flatten().min()?;
    let line = text[..at].matches('\n').count() + 1;
    Some(format!(
        "line {line} has a character at which some readers of YAML end the line and others do not"
    ))
}

/// Reads all events; `each` gets them in order.
///
/// # Errors
/// [`Stopped`] at the first thing that is not YAML, or at a limit. Events of the document that
/// could not be read whole have been handed out by then; the receiver drops them.
pub(crate) fn read<'a>(text: &'a str, mut each: impl FnMut(YamlEvent<'a>)) -> Result<(), Stopped> {
    let mut options = granit_parser::options! {
        simple_key_max_lookahead: 1024,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let mut documents = 0usize;
    let mut document_at = 0usize;
    let mut events = 0usize;
    let mut line = 1u32;
    for next in Parser::new_from_str_with_options(text, options) {
        let stop = |document_at, line, why| Err(Stopped { document_at, line, why });
        let (event, span) = match next {
            Ok(pair) => pair,
            Err(error) => {
                let at = u32::try_from(error.marker().line()).unwrap_or(u32::MAX);
                return stop(document_at, at, error.to_string());
            }
        };
        let Some(range) = span.byte_range().filter(|r| text.get(r.clone()).is_some()) else {
            return stop(document_at, line, "the parser lost track of positions".to_owned());
        };
        line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        events += 1;
        if events > MAX_EVENTS {
            return stop(document_at, line, format!("more than {MAX_EVENTS} nodes"));
        }
        let what = match event {
            Raw::StreamStart | Raw::StreamEnd => continue,
            Raw::DocumentStart(..) => {
                documents += 1;
                document_at = range.start;
                if documents > MAX_DOCUMENTS {
                    return stop(document_at, line, format!("more than {MAX_DOCUMENTS} documents"));
                }
                YamlEventKind::Document
            }
            Raw::DocumentEnd => {
                document_at = range.end;
                YamlEventKind::DocumentEnd
            }
            Raw::MappingStart(style, anchor, tag) => YamlEventKind::Map {
                flow: style == StructureStyle::Flow,
                anchor,
                tag: tag.map(|t| t.to_string()),
            },
            Raw::SequenceStart(style, anchor, tag) => YamlEventKind::Seq {
                flow: style == StructureStyle::Flow,
                anchor,
                tag: tag.map(|t| t.to_string()),
            },
            Raw::MappingEnd | Raw::SequenceEnd => YamlEventKind::End,
            Raw::Scalar(value, style, anchor, tag) => YamlEventKind::Scalar {
                value,
                style,
                anchor,
                tag: tag.map(|t| t.to_string()),
            },
            Raw::Alias(id) => YamlEventKind::Alias(id),
            _ => continue,
        };
        each(YamlEvent {
            what,
            span: range,
            line,
        });
    }
    Ok(())
}

//! Where the bytes of a pin stand, for the editor.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::known_text::{KnownText, known_text};

/// The places of one pin in its file. All ranges are bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Site {
    /// Index of the YAML document.
    pub document: u32,
    /// Lines of the scalars that make up the pin.
    pub lines: Vec<u32>,
    /// The digest's bytes, if a digest is written.
    pub digest: Option<DigestSlot>,
    /// The tag's bytes, if a tag is written.
    pub tag: Option<TagSlot>,
    /// How a digest gets in where there is none.
    pub insert: Insert,
}

/// The bytes of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DigestSlot {
    /// 71 bytes, or 64 if `bare`.
    pub span: Range<usize>,
    /// Only the hexadecimal digits are written.
    pub bare: bool,
}

/// The bytes of a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TagSlot {
    /// The tag alone.
    pub span: Range<usize>,
    /// What stands around it.
    pub form: TagForm,
}

/// How a tag is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TagForm {
    /// `name:tag…`: dropping it takes the colon along.
    Inline,
    /// `tag@sha256:…` in a field of its own: without the tag the field would mean something else.
    BeforeDigest,
    /// A field of its own.
    Field {
        /// The scalar with its quotes.
        scalar: Range<usize>,
        /// Not quoted: a tag like `1.10` or `true` must be quoted to stay a text.
        plain: bool,
        /// First byte of the key, if the whole entry may go (Kustomize's `newTag`).
        removable_from: Option<usize>,
    },
}

/// How a digest is inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Insert {
    /// It cannot, and why.
    Refused(#[serde(deserialize_with = "known_text")] KnownText),
    /// `@sha256:…` right here.
    Append(usize),
    /// In place of this empty scalar.
    Fill(Range<usize>),
    /// A new entry after the one whose key and value are here.
    Entry {
        /// First byte of the neighbour's key.
        key_at: usize,
        /// End of the neighbour's value.
        value_end: usize,
        /// The new key.
        #[serde(deserialize_with = "known_text")]
        key: KnownText,
        /// Inside `{…}`.
        braces: bool,
    },
}

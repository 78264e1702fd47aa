//! Whether a content may name a service at all: parsing thousands of contents that do not would be most of the time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};

use regex::bytes::Regex;

use crate::domain::id::ServiceId;
use crate::domain::reference::Repository;
use crate::engine::ledger::Ledger;

/// What can write a name in other bytes than its own: escapes of YAML and JSON, and a line that is broken by one.
const ESCAPES: &str = r"\\[xuU\r\n]";

/// The last words of the repositories that a service has, or had.
pub(super) struct Needles {
    words: BTreeSet<String>,
    pattern: Option<Regex>,
    /// Files in which a place is the service's whatever is written there.
    placed: BTreeSet<String>,
    /// Contents that were looked through and name none: most are met twice, after one commit and before another.
    without: RefCell<HashSet<String>>,
    /// Some content was left out, ever.
    has_left_out: Cell<bool>,
}

impl Needles {
    /// Of a service, with repositories that it took the place of, as far as they are known.
    pub(crate) fn of(ledger: &Ledger, service: &ServiceId, former: &[Repository]) -> Self {
        let placed = ledger.services_by_place.iter().filter(|(_, placed)| *placed == service);
        let pins = ledger.pins().filter(|pin| pin.target.service == *service);
        let deployed = pins.flat_map(|pin| pin.deciding().map(|location| &location.image));
        let images = ledger.naming.repositories_of(service).chain(deployed).chain(former);
        let mut needles = Self {
            words: images.map(last_word).collect(),
            pattern: None,
            placed: placed.map(|((file, _), _)| file.clone()).collect(),
            without: RefCell::default(),
            has_left_out: Cell::default(),
        };
        needles.compile();
        needles
    }

    /// One more repository. Whether contents that name it may have been left out.
    pub(crate) fn add(&mut self, image: &Repository) -> bool {
        let is_new = self.words.insert(last_word(image));
        if is_new {
            self.compile();
        }
        is_new && self.has_left_out.get()
    }

    /// Whether the files that pin a repository are looked at.
    pub(crate) fn include(&self, image: &Repository) -> bool {
        self.words.contains(&last_word(image))
    }

    /// Whether every content of a file matters.
    pub(crate) fn is_placed(&self, path: &str) -> bool {
        self.placed.contains(path)
    }

    /// Whether a blob is known to name none of the repositories.
    pub(crate) fn are_known_not_in(&self, oid: &str) -> bool {
        self.without.borrow().contains(oid)
    }

    /// Whether the content of a blob may name one of the repositories; the answer is remembered.
    pub(crate) fn are_in_blob(&self, oid: &str, bytes: &[u8]) -> bool {
        let are_in = self.are_in(bytes);
        if !are_in {
            self.has_left_out.set(true);
            self.without.borrow_mut().insert(oid.to_owned());
        }
        are_in
    }

    fn are_in(&self, bytes: &[u8]) -> bool {
        let Some(pattern) = &self.pattern else { return true };
        let is_of_word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(is_of_word);
        let is_whole = |found: regex::bytes::Match<'_>| {
            bytes[found.start()] == b'\\' || !is_of_word(found.start().checked_sub(1)) && !is_of_word(Some(found.end()))
        };
        pattern.find_iter(bytes).any(is_whole)
    }

    fn compile(&mut self) {
        self.without.get_mut().clear();
        // Of words that begin alike the longest is met first, so that none is looked for inside another.
        let mut words: Vec<String> = self.words.iter().map(|word| regex::escape(word)).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.push(ESCAPES.to_owned());
        // Without a pattern, everything is parsed.
        self.pattern = Regex::new(&format!("(?-u){}", words.join("|"))).ok();
    }
}

/// Whether a byte may stand in the last word of a repository: where another one stands, the word has ended.
fn is_of_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn last_word(image: &Repository) -> String {
    image.path().rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_its_own_bytes_or_behind_an_escape_is_met() {
        let image = Repository::parse("registry.example.com/shop/api").expect("a repository");
        let mut needles = Needles {
            words: BTreeSet::new(),
            pattern: None,
            placed: BTreeSet::new(),
            without: RefCell::default(),
            has_left_out: Cell::default(),
        };
        assert!(!needles.add(&image), "nothing was left out yet");
        for text in [
            "image: r/shop/api:v1",
            r#"image: "r/shop/\x61pi""#,
            r#"{"image": "r\/shop\/\u0061pi"}"#,
        ] {
            assert!(needles.are_in(text.as_bytes()), "{text}");
        }
        assert!(needles.are_in(b"image: \"r/shop/a\\\n  pi\""));
        for text in [
            "image: r/shop/web:v1",
            "image: r/shop/api-docs:v1",
            "image: r/shop/my.api@sha256:0",
        ] {
            assert!(!needles.are_in(text.as_bytes()), "{text}");
        }
        for text in [
            "api",
            "image: {name: api}",
            "image: 'r/shop/api'",
            "image: r/shop/api\n",
            "r/shop/api${TAG}",
        ] {
            assert!(needles.are_in(text.as_bytes()), "{text}");
        }
    }
}

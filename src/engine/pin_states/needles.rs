//! Whether a content may name a service at all: parsing thousands of contents that do not would be most of the time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};

use regex::bytes::Regex;

use crate::domain::id::ServiceId;
use crate::domain::reference::Repository;
use crate::engine::ledger::Ledger;

/// What can write a name in other bytes than its own: escapes of YAML and JSON, and a line that is broken by one.
const ESCAPES: &str = r"\\[xuU\r\n]";

/// A line that is broken inside a name, with the blanks that the next line begins with.
const BROKEN_LINE: &str = r"(?:\\(?:\r\n|\r|\n)[ \t]*)*";

/// The last words of the repositories that a service has, or had.
pub(super) struct Needles {
    words: BTreeSet<String>,
    patterns: Option<Patterns>,
    /// Files in which a place is the service's whatever is written there.
    placed: BTreeSet<String>,
    /// Contents that were looked through and name none: most are met twice, after one commit and before another.
    without: RefCell<HashSet<String>>,
    /// Some content was left out, ever.
    has_left_out: Cell<bool>,
}

/// How a content is looked through.
struct Patterns {
    /// The words in their own bytes, and whatever escapes something.
    plain: Regex,
    /// The words with any of their characters escaped, and with lines that are broken inside them.
    escaped: Regex,
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
            patterns: None,
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
        // Without patterns, everything is parsed.
        self.patterns.as_ref().is_none_or(|patterns| patterns.are_in(bytes))
    }

    fn compile(&mut self) {
        self.without.get_mut().clear();
        self.patterns = Patterns::of(&self.words);
    }
}

impl Patterns {
    /// `None` if the words are too many or too long.
    fn of(words: &BTreeSet<String>) -> Option<Self> {
        // Of words that begin alike the longest is met first, so that none is looked for inside another.
        let mut words: Vec<&String> = words.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let plain = words.iter().map(|word| regex::escape(word)).chain([ESCAPES.to_owned()]);
        let escaped = words
            .iter()
            .map(|word| word.bytes().map(escaped).collect::<Vec<_>>().join(BROKEN_LINE));
        let compiled = |all: Vec<String>| Regex::new(&format!("(?-u){}", all.join("|"))).ok();
        Some(Self {
            plain: compiled(plain.collect())?,
            escaped: compiled(escaped.collect())?,
        })
    }

    /// Whether a content may name one of the words: where it escapes something, inside longer words, too.
    fn are_in(&self, bytes: &[u8]) -> bool {
        let is_of_word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(is_of_word);
        let mut has_escapes = false;
        for found in self.plain.find_iter(bytes) {
            if bytes[found.start()] == b'\\' {
                has_escapes = true;
            } else if !is_of_word(found.start().checked_sub(1)) && !is_of_word(Some(found.end())) {
                return true;
            }
        }
        has_escapes && self.escaped.is_match(bytes)
    }
}

/// A byte as it stands there, or as one of the escapes writes it.
fn escaped(byte: u8) -> String {
    let own = regex::escape(&char::from(byte).to_string());
    format!(r"(?:{own}|\\(?i:x{byte:02x}|u{byte:04x}|U{byte:08x}))")
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
    use proptest::prelude::*;

    use super::*;
    use crate::sources::git::manifest;

    proptest! {
        /// However a name is spelled: where the scanner reads it, it is met.
        #[test]
        fn what_the_scanner_reads_is_met(spelled in spellings()) {
            let patterns = Patterns::of(&BTreeSet::from(["api-1.x".to_owned()])).expect("patterns");
            let text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: \"r.example{spelled}:v1\"}}]}}\n"
            );
            let scan = manifest::scan("pod.yaml", text.as_bytes());
            let named = scan.all().filter_map(|found| found.repository.as_ref());
            let is_read = named.map(last_word).any(|word| word == "api-1.x");
            prop_assert!(is_read, "every spelling is one of the name: {text}");
            prop_assert!(patterns.are_in(text.as_bytes()), "{}", text);
        }
    }

    /// The path of a repository, each character as it is or escaped, lines broken anywhere.
    fn spellings() -> impl Strategy<Value = String> {
        let one = |byte: u8| {
            let own = char::from(byte);
            let spelled = prop_oneof![
                4 => Just(own.to_string()),
                1 => Just(format!("\\x{byte:02X}")),
                1 => Just(format!("\\u{byte:04x}")),
                1 => Just(format!("\\U{byte:08x}")),
            ];
            let line = prop_oneof![6 => Just(""), 1 => Just("\\\n"), 1 => Just("\\\r\n   "), 1 => Just("\\\n \t")];
            (spelled, line).prop_map(|(spelled, line)| spelled + line)
        };
        let all: Vec<_> = "/shop/api-1.x".bytes().map(one).collect();
        all.prop_map(|all| all.concat())
    }

    #[test]
    fn what_is_escaped_elsewhere_names_nothing() {
        let words = BTreeSet::from(["api-1.x".to_owned()]);
        let patterns = Patterns::of(&words).expect("patterns");
        for text in [
            "run: |\n  curl \\\n    r/shop/web",
            "text: \"\\u2192 api\"",
            "run: |\n  api-1 \\\n  .x",
            "image: \"r/shop/api-1\\x2ey\"",
        ] {
            assert!(!patterns.are_in(text.as_bytes()), "{text}");
        }
        for text in [
            "image: \"r/shop\\x2fapi-1.x\"",
            "image: \"r/shop/api\\x2D1\\U0000002ex\"",
            "image: \"r/shop/api-\\\r\n\t 1.\\\n  \\u0078\"",
            "image: \"r/shop/\\\n  api-1.x\"",
        ] {
            assert!(patterns.are_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_name_in_its_own_bytes_or_behind_an_escape_is_met() {
        let image = Repository::parse("registry.example.com/shop/api").expect("a repository");
        let mut needles = Needles {
            words: BTreeSet::new(),
            patterns: None,
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

//! Whether a content may name a service at all: parsing thousands of contents that do not would be most of the time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};

use regex::bytes::Regex;

use crate::domain::id::ServiceId;
use crate::domain::reference::Repository;
use crate::engine::ledger::Ledger;
use crate::sources::git::manifest::is_variables;

/// What can write a name in other bytes than its own: escapes of YAML and JSON, a line that is broken by one, and the default of
/// a variable.
const OTHER_SPELLINGS: &str = r"\\[xuU\r\n]|\$\{";

/// Longest words, all together, whose other spellings are looked for: a pattern of more is slower than parsing.
const MOST_SPELLED: usize = 600;

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
    /// The words in their own bytes, and whatever may be another spelling.
    plain: Regex,
    /// The words in any spelling; `None` = there are too many.
    spelled: Option<Regex>,
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

    /// Whether every content of a file matters. What variables are put together from may stand anywhere.
    pub(crate) fn is_placed(&self, path: &str) -> bool {
        self.placed.contains(path) || is_variables(path)
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
    /// `None` if the words are too many for any pattern.
    fn of(words: &BTreeSet<String>) -> Option<Self> {
        // Of words that begin alike the longest is met first, so that none is looked for inside another.
        let mut words: Vec<&String> = words.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let plain = words.iter().map(|word| regex::escape(word));
        let between = between();
        let spelled = words
            .iter()
            .map(|word| word.bytes().map(spelled).collect::<Vec<_>>().join(&between));
        let compiled = |all: Vec<String>| Regex::new(&format!("(?-u){}", all.join("|"))).ok();
        let is_short = words.iter().map(|word| word.len()).sum::<usize>() <= MOST_SPELLED;
        Some(Self {
            plain: compiled(plain.chain([OTHER_SPELLINGS.to_owned()]).collect())?,
            spelled: if is_short { compiled(spelled.collect()) } else { None },
        })
    }

    /// Whether a content may name one of the words: where it has other spellings of anything, inside longer words, too.
    fn are_in(&self, bytes: &[u8]) -> bool {
        let byte = |at: Option<usize>| at.and_then(|at| bytes.get(at));
        let mut has_spellings = false;
        for found in self.plain.find_iter(bytes) {
            if matches!(bytes[found.start()], b'\\' | b'$') {
                has_spellings = true;
                continue;
            }
            // After a backslash a letter is an escape, such as that of a line's end.
            let is_escape = byte(found.start().checked_sub(2)) == Some(&b'\\');
            let begins = is_escape || !byte(found.start().checked_sub(1)).is_some_and(is_of_word);
            if begins && !byte(Some(found.end())).is_some_and(is_of_word) {
                return true;
            }
        }
        has_spellings && self.spelled.as_ref().is_none_or(|spelled| spelled.is_match(bytes))
    }
}

/// A byte as it stands there, or as one of the escapes writes it.
fn spelled(byte: u8) -> String {
    let own = regex::escape(&char::from(byte).to_string());
    format!(r"(?:{own}|\\(?i:x{byte:02x}|u{byte:04x}|U{byte:08x}))")
}

/// What may stand inside a name and is no part of it: a line that is broken, with the blanks that the next one begins with, and
/// what stands around the default of a variable.
fn between() -> String {
    let broken_line = r"\\(?:\r\n|\r|\n)[ \t]*";
    let (opened, brace, minus, closed) = (spelled(b'$'), spelled(b'{'), spelled(b'-'), spelled(b'}'));
    format!("(?:{broken_line}|{opened}{brace}[^{{}}]*?{minus}|{closed})*")
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
            let text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: \"r.example{spelled}:v1\"}}]}}\n"
            );
            is_met("pod.yaml", &text)?;
        }

        /// The same of what Compose puts together from the defaults of variables.
        #[test]
        fn what_defaults_come_to_is_met(name in defaults(), quote in prop::sample::select(vec!["", "'", "\""])) {
            let text = format!("services:\n  a:\n    image: {quote}r.example/shop/{name}:v1{quote}\n");
            is_met("compose.yaml", &text)?;
        }
    }

    fn is_met(path: &str, text: &str) -> Result<(), TestCaseError> {
        let patterns = Patterns::of(&BTreeSet::from([NAME.to_owned()])).expect("patterns");
        let scan = manifest::scan(path, text.as_bytes());
        let named = scan.all().filter_map(|found| found.repository.as_ref());
        let is_read = named.map(last_word).any(|word| word == NAME);
        prop_assert!(is_read, "every spelling is one of the name: {text}");
        prop_assert!(patterns.are_in(text.as_bytes()), "{}", text);
        Ok(())
    }

    const NAME: &str = "api-1.x";

    /// A name of which parts are defaults, some of them empty.
    fn defaults() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["", "${X:-", "${LONG_NAME-"]);
        let parts = prop::collection::vec((part, 0usize..4), 1..6);
        parts.prop_map(|parts| {
            let (mut out, mut rest) = (String::new(), NAME);
            for (opened, length) in parts {
                let (mine, left) = rest.split_at(length.min(rest.len()));
                rest = left;
                out += &format!("{opened}{mine}{}", if opened.is_empty() { "" } else { "}" });
            }
            out + rest
        })
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
        let words = BTreeSet::from([NAME.to_owned()]);
        let patterns = Patterns::of(&words).expect("patterns");
        for text in [
            "run: |\n  curl \\\n    r/shop/web",
            "text: \"\\u2192 api\"",
            "run: |\n  api-1 \\\n  .x",
            "image: \"r/shop/api-1\\x2ey\"",
            "run: echo ${HOME:-/} api",
        ] {
            assert!(!patterns.are_in(text.as_bytes()), "{text}");
        }
        for text in [
            "image: \"r/shop\\x2fapi-1.x\"",
            "image: \"r/shop/api\\x2D1\\U0000002ex\"",
            "image: \"r/shop/api-\\\r\n\t 1.\\\n  \\u0078\"",
            "image: \"r/shop/\\\n  api-1.x\"",
            "image: \"r/shop\\napi-1.x@sha256:0\"",
            "image: ${IMAGE:-api-1.x}",
            "image: r/shop/${IMAGE-api-1.x}",
            "image: r/shop/a${P:-pi}-1${END:-}.${X-x}:v1",
            "image: r/shop/api${VARIANT:--1.x}",
            "image: \"r/shop/\\x24{IMAGE:\\x2da}pi-1.x\"",
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

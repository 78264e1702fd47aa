//! Words of others stand in quotation marks inside of sentences of pindeck.

use super::tree::{Source, sources, verdict};

/// Rooms that write sentences. A frame of the cockpit gives other people's words a column of their own.
const ROOMS: [&str; 6] = ["domain", "sources", "config", "engine", "app", "cli"];

/// What pindeck wrote itself, though it travels as untrusted text because it may quote others (in marks): the details
/// of gates, checks and causes, failures, warnings, notices.
const OWN_SENTENCES: [&str; 9] = [
    "detail", "sentence", "in_full", "warning", "what", "why", "error", "failure", "notice",
];

/// Macros whose first text is a sentence.
const MACROS: [&str; 9] = [
    "format", "write", "writeln", "print", "println", "eprint", "eprintln", "bail", "panic",
];

/// The name before a `.clean()` that begins at `at`: a field, a variable, or a method that is called without arguments.
fn receiver(body: &str, at: usize) -> &str {
    let before = body[..at].trim_end().trim_end_matches("()");
    let from = before
        .rfind(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(0, |at| at + 1);
    &before[from..]
}

/// What stands in the parentheses that open at `open`, and its first text.
fn inside(text: &str, open: usize) -> (&str, Option<&str>) {
    let (mut depth, mut is_text, mut escaped, mut begins) = (0, false, false, 0);
    let mut first = None;
    for (at, c) in text[open..].char_indices().map(|(at, c)| (open + at, c)) {
        match (is_text, c) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (true, '"') => {
                is_text = false;
                first = first.or(Some(&text[begins..at]));
            }
            (false, '"') => (is_text, begins) = (true, at + 1),
            (false, '(') => depth += 1,
            (false, ')') if depth == 1 => return (&text[open..at], first),
            (false, ')') => depth -= 1,
            _ => {}
        }
    }
    (&text[open..], first)
}

/// Whether a literal has words of pindeck in it: two letters in a row outside of its placeholders.
fn is_sentence(literal: &str) -> bool {
    let mut depth = 0;
    let words: String = literal
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '{');
            let is_outside = depth == 0;
            depth -= i32::from(*c == '}');
            is_outside
        })
        .collect();
    let letters: Vec<bool> = words.chars().map(char::is_alphabetic).collect();
    letters.windows(2).any(|pair| pair[0] && pair[1])
}

fn complaints(source: &Source) -> Vec<String> {
    if source.is_test_file() {
        return Vec::new();
    }
    let text = source.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut out = Vec::new();
    for name in MACROS {
        for (at, called) in text.match_indices(&format!("{name}!(")) {
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let (body, literal) = inside(text, at + called.len() - 1);
            if !literal.is_some_and(is_sentence) {
                continue;
            }
            for (found, _) in body.match_indices(".clean()") {
                let name = receiver(body, found);
                if !OWN_SENTENCES.contains(&name) {
                    let line = text[..at].lines().count();
                    out.push(format!("src/{}:{line}: {name}.clean()", source.path));
                }
            }
        }
    }
    out
}

#[test]
fn words_of_others_are_quoted_in_our_sentences() {
    let all = sources();
    let of_rooms = all.iter().filter(|source| ROOMS.contains(&source.room()));
    let wrong: Vec<String> = of_rooms.flat_map(complaints).collect();
    verdict(
        "words of others inside of a sentence without quotation marks: use `quoted()`",
        &wrong,
    );
}

#[test]
fn the_rule_sees_what_it_forbids() {
    let source = |text: &str| Source {
        path: "cli/x.rs".to_owned(),
        text: format!("fn f() {{ let x = {text}; }}"),
    };
    assert_eq!(
        complaints(&source("format!(\"changed by {}\", by.author.clean())")).len(),
        1
    );
    assert_eq!(
        complaints(&source("format!(\"said {}\", said.words().clean())")).len(),
        1
    );
    assert!(complaints(&source("format!(\"changed by {}\", by.author.quoted())")).is_empty());
    assert!(complaints(&source("format!(\"  {}: {}\", by.author.clean(), x)")).is_empty());
    assert!(complaints(&source("format!(\"closed: {}\", gate.detail.clean())")).is_empty());
}

//! Keeps the house in order: who may import whom (docs/ARCHITECTURE.md), which foreign crates may
//! be named where, how long a file may grow, and what may not be left lying about.
//!
//! It reads the sources, not the compiled crate: a path in a `use`, in an expression or in a type
//! counts the same, and `super::` chains that climb out of a room are followed.

use std::collections::BTreeSet;
use std::fs;

use super::rust_tokens::{Token, comments, tokens};
use super::tree::{next_is, root, rust_files, sources, start_of_tests, verdict};

/// Room -> rooms it may name. `lib.rs` only declares the rooms and is not listed.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("sources", &["domain"]),
    ("config", &["domain"]),
    ("engine", &["domain", "sources", "config"]),
    ("app", &["domain"]),
    ("view", &["app", "domain"]),
    ("term", &[]),
    (
        "runtime",
        &["app", "engine", "view", "term", "config", "domain", "sources"],
    ),
    ("demo", &["domain", "sources", "config"]),
    ("cli", &["engine", "config", "domain", "runtime", "app", "view", "demo"]),
    ("main", &["cli"]),
];

/// What test code may name on top of its room's list: the in-process registry.
const TESTS_MAY_USE: &[&str] = &["demo"];

/// Foreign crate -> the doors it may come in by (path prefixes under `src/`). Crates that are not
/// listed may be named anywhere.
const FOREIGN: &[(&str, &[&str])] = &[
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("crossterm", &["term/", "runtime/"]),
    ("ratatui", &["view/", "term/", "runtime/"]),
    ("git2", &["sources/git/"]),
    ("granit_parser", &["sources/git/", "sources/cluster/"]),
    ("oci_client", &["sources/registry/"]),
    ("reqwest", &["sources/registry/", "sources/cluster/", "sources/forge/"]),
    ("axum", &["demo/"]),
    ("aws_lc_rs", &["sources/evidence/", "demo/"]),
    ("sigstore", &["sources/evidence/"]),
    ("sigstore_crypto", &["sources/evidence/", "demo/"]),
    ("sigstore_trust_root", &["sources/evidence/"]),
    ("sigstore_tuf", &["sources/tuf/"]),
    ("sigstore_types", &["sources/evidence/", "demo/"]),
    ("sigstore_verify", &["sources/evidence/"]),
    (
        "tokio",
        &["sources/", "engine/", "runtime/", "cli/", "demo/", "term/", "main.rs"],
    ),
];

/// Paths into `std` that a pure room must not name: I/O, processes, the environment, the clock.
const IMPURE: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "env"],
    &["std", "thread"],
    &["SystemTime", "now"],
    &["Instant", "now"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
];

/// Rooms that are pure: everything they know comes in as an argument.
const PURE: &[&str] = &["domain", "app", "view"];

/// A file of more lines has a second idea, and wants a second file.
const MAX_LINES: usize = 500;

/// `main.rs` parses, runs and exits.
const MAX_LINES_OF_MAIN: usize = 60;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc"];

/// One mention of a room, found at some line.
#[derive(Debug, PartialEq, Eq)]
struct Mention {
    room: String,
    line: usize,
    in_tests: bool,
}

/// Every room named in a file, through `crate::`, `pindeck::` (the binary) or `super::`.
fn mentions(tokens: &[Token], depth: usize, test_file: bool) -> Vec<Mention> {
    let mut found = Vec::new();
    // One entry per open brace: (opened by `mod`, opened by a test module).
    let mut braces: Vec<(bool, bool)> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        let inside = braces.iter().filter(|(module, _)| *module).count();
        let in_tests = test_file || braces.iter().any(|(_, tests)| *tests);
        let starts_path = i == 0 || !(tokens[i - 1].is("::") || tokens[i - 1].is("."));
        match token.text.as_str() {
            "{" => {
                let named = i >= 2 && tokens[i - 2].is("mod");
                braces.push((named, named && tokens[i - 1].text.contains("test")));
            }
            "}" => {
                braces.pop();
            }
            "crate" | "pindeck" if starts_path && next_is(tokens, i, "::") => {
                for (room, line) in heads(tokens, i + 2) {
                    found.push(Mention { room, line, in_tests });
                }
            }
            "super" if starts_path => {
                let mut climbed = 1;
                let mut at = i;
                while next_is(tokens, at, "::") && tokens.get(at + 2).is_some_and(|t| t.is("super")) {
                    climbed += 1;
                    at += 2;
                }
                if next_is(tokens, at, "::") {
                    let out = climbed >= depth + inside;
                    // A group that climbs further (`super::{super::x}`) is reported, not followed.
                    for (room, line) in heads(tokens, at + 2)
                        .into_iter()
                        .filter(|(head, _)| out || head == "super")
                    {
                        found.push(Mention { room, line, in_tests });
                    }
                }
                i = at;
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// The first names of the path or group of paths that starts at `i`: `a::b` gives `a`,
/// `{a::b, c::{d, e}}` gives `a` and `c`.
fn heads(tokens: &[Token], i: usize) -> Vec<(String, usize)> {
    let Some(first) = tokens.get(i) else { return Vec::new() };
    if !first.is("{") {
        return vec![(first.text.clone(), first.line)];
    }
    let mut names = Vec::new();
    let mut depth = 0;
    for at in i..tokens.len() {
        match tokens[at].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && (tokens[at - 1].is("{") || tokens[at - 1].is(",")) => {
                names.push((tokens[at].text.clone(), tokens[at].line));
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let rooms: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let mut complaints = Vec::new();
    for source in sources() {
        let room = source.room();
        if room == "lib" {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            complaints.push(format!("src/{}: no room `{room}` in docs/ARCHITECTURE.md", source.path));
            continue;
        };
        for mention in mentions(&tokens(&source.text), source.depth(), source.is_test_file()) {
            let to = mention.room.as_str();
            let fine = to == room
                || to == "self"
                || allowed.contains(&to)
                || (mention.in_tests && TESTS_MAY_USE.contains(&to));
            if !fine {
                let what = if rooms.contains(to) {
                    "may not use"
                } else {
                    "names something outside every room:"
                };
                complaints.push(format!("src/{}:{}: {room} {what} {to}", source.path, mention.line));
            }
        }
    }
    verdict("imports against docs/ARCHITECTURE.md", &complaints);
}

#[test]
fn foreign_crates_stop_at_their_doors() {
    let mut complaints = Vec::new();
    for source in sources() {
        if source.is_test_file() {
            continue;
        }
        let tokens = tokens(&source.text);
        let end = start_of_tests(&tokens);
        for (i, token) in tokens[..end].iter().enumerate() {
            let starts_path = i == 0 || !(tokens[i - 1].is("::") || tokens[i - 1].is("."));
            if !starts_path || !next_is(&tokens, i, "::") {
                continue;
            }
            if let Some((name, doors)) = FOREIGN.iter().find(|(name, _)| token.is(name))
                && !doors.iter().any(|door| source.path.starts_with(door))
            {
                complaints.push(format!(
                    "src/{}:{}: {name} may only be named in {doors:?}",
                    source.path, token.line
                ));
            }
        }
    }
    verdict("foreign crates", &complaints);
}

#[test]
fn pure_rooms_do_no_io_and_read_no_clock() {
    let mut complaints = Vec::new();
    for source in sources() {
        if !PURE.contains(&source.room()) || source.is_test_file() {
            continue;
        }
        let tokens = tokens(&source.text);
        let end = start_of_tests(&tokens);
        for (i, token) in tokens[..end].iter().enumerate() {
            for path in IMPURE {
                if token.is(path[0]) && next_is(&tokens, i, "::") && tokens.get(i + 2).is_some_and(|t| t.is(path[1])) {
                    complaints.push(format!("src/{}:{}: {}", source.path, token.line, path.join("::")));
                }
            }
        }
    }
    verdict("I/O or clock in a pure room", &complaints);
}

#[test]
fn printing_is_left_to_the_command_line_and_the_terminal() {
    let mut complaints = Vec::new();
    for source in sources() {
        let may = ["cli", "term"].contains(&source.room()) || source.path.starts_with("runtime/plain");
        if may || source.is_test_file() {
            continue;
        }
        let tokens = tokens(&source.text);
        let end = start_of_tests(&tokens);
        for (i, token) in tokens[..end].iter().enumerate() {
            if ["print", "println", "eprint", "eprintln", "dbg"]
                .iter()
                .any(|m| token.is(m))
                && next_is(&tokens, i, "!")
            {
                complaints.push(format!("src/{}:{}: {}!", source.path, token.line, token.text));
            }
        }
    }
    verdict("printing outside cli, term and runtime/plain", &complaints);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut complaints = Vec::new();
    for source in sources() {
        let tokens = tokens(&source.text);
        for (i, token) in tokens.iter().enumerate() {
            if ["todo", "unimplemented"].iter().any(|m| token.is(m)) && next_is(&tokens, i, "!") {
                complaints.push(format!("src/{}:{}: {}!", source.path, token.line, token.text));
            }
        }
        for (line, comment) in comments(&source.text) {
            if ["TODO", "FIXME", "XXX", "HACK"].iter().any(|mark| {
                comment
                    .split(|c: char| !c.is_ascii_alphanumeric())
                    .any(|word| word == *mark)
            }) {
                complaints.push(format!("src/{}:{line}: {}", source.path, comment.trim()));
            }
        }
    }
    verdict("unfinished marks", &complaints);
}

#[test]
fn files_stay_short_and_have_telling_names() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        rust_files(&root().join(folder), &mut files);
    }
    let mut complaints = Vec::new();
    for path in files {
        let shown = path
            .strip_prefix(root())
            .expect("inside the checkout")
            .to_string_lossy()
            .replace('\\', "/");
        let lines = fs::read_to_string(&path).expect("a readable file").lines().count();
        let limit = if shown == "src/main.rs" {
            MAX_LINES_OF_MAIN
        } else {
            MAX_LINES
        };
        if lines > limit {
            complaints.push(format!("{shown}: {lines} lines, {limit} at most"));
        }
        for part in shown.trim_end_matches(".rs").split('/') {
            if EMPTY_NAMES.contains(&part) {
                complaints.push(format!("{shown}: `{part}` says nothing about what is inside"));
            }
        }
    }
    verdict("size and names of files", &complaints);
}

#[test]
fn the_reader_sees_what_it_should() {
    let text = r##"
        use crate::{domain::{id, pin}, config::team};
        use super::super::engine::Engine; // crate::term in a comment does not count
        fn f() { let _ = "crate::view::x"; let c = '"'; crate::sources::git::open(); }
        mod tests { use super::super::super::demo::registry; use super::super::super::app; }
        struct S<'a>(&'a str);
    "##;
    let found = mentions(&tokens(text), 2, false);
    let seen: Vec<(&str, bool)> = found.iter().map(|m| (m.room.as_str(), m.in_tests)).collect();
    let expected = [
        ("domain", false),
        ("config", false),
        ("engine", false),
        ("sources", false),
        ("demo", true),
        ("app", true),
    ];
    assert_eq!(seen, expected);
    assert_eq!(
        mentions(&tokens("use super::{a, super::b};"), 3, false)[0].room,
        "super"
    );
    assert!(mentions(&tokens("use super::id; use super::super::x;"), 3, false).is_empty());
}

//! What comments say, and names that stand for numbers or texts: the parts of a plain language that a machine can tell.

use super::rust_tokens::{Token, comments, tokens};
use super::tree::{Source, sources, verdict};

/// The words of the hold: a digest that may not step forward until somebody releases it.
const HOLD: [&str; 4] = ["hold", "holds", "held", "holding"];

/// Files whose comments are the help texts of the command line: there the name of an argument is enough.
const HELP: [&str; 2] = ["cli/args.rs", "cli/args_write.rs"];

/// The words of a name or of a text, in small letters: `HoldsFile` and `holds_file` are two words each.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in text.chars() {
        let begins = !c.is_ascii_alphanumeric() || c.is_ascii_uppercase() && after_small;
        if begins {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn speaks_of_holds(text: &str) -> bool {
    words(text).iter().any(|word| HOLD.contains(&word.as_str()))
}

/// Comments that say hold in a file whose code has nothing to do with holds.
fn misused_hold(source: &Source) -> Vec<String> {
    if tokens(&source.text).iter().any(|token| speaks_of_holds(&token.text)) {
        return Vec::new();
    }
    let all = comments(&source.text).into_iter();
    all.filter(|(_, comment)| speaks_of_holds(comment))
        .map(|(line, comment)| format!("src/{}:{line}: {}", source.path, comment.trim()))
        .collect()
}

#[test]
fn hold_means_only_the_hold() {
    let complaints: Vec<String> = sources().iter().flat_map(misused_hold).collect();
    verdict("comments that say hold for contain, keep or be true", &complaints);
}

/// The name of the item that a line begins, if it begins one.
fn item_name(line: &str) -> Option<&str> {
    const BEFORE: [&str; 13] = [
        "pub", "const", "static", "async", "unsafe", "fn", "struct", "enum", "trait", "type", "mod", "crate", "super",
    ];
    let names = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    names
        .into_iter()
        .find(|name| !name.is_empty() && !BEFORE.contains(name))
}

/// Comments of one line that say nothing but the name of what they stand on.
fn empty_comments(source: &Source) -> Vec<String> {
    const NOTHING: [&str; 10] = ["one", "the", "its", "a", "an", "of", "this", "what", "it", "is"];
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let is_comment = |at: usize| lines.get(at).is_some_and(|line| line.starts_with("///"));
    let mut complaints = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(comment) = line.strip_prefix("///") else {
            continue;
        };
        if is_comment(at + 1) || at > 0 && is_comment(at - 1) {
            continue;
        }
        let mut next = at + 1;
        while lines.get(next).is_some_and(|line| line.starts_with("#[")) {
            while lines.get(next).is_some_and(|line| !line.contains(']')) {
                next += 1;
            }
            next += 1;
        }
        let Some(name) = lines.get(next).and_then(|line| item_name(line)) else {
            continue;
        };
        let named = words(name);
        let is_in_name = |word: &String| {
            named
                .iter()
                .any(|n| n == word || *n == format!("{word}s") || format!("{n}s") == *word)
        };
        let says_more = words(comment)
            .iter()
            .any(|word| !NOTHING.contains(&word.as_str()) && !is_in_name(word));
        if !says_more {
            complaints.push(format!("src/{}:{}: {line} {name}", source.path, at + 1));
        }
    }
    complaints
}

#[test]
fn comments_say_more_than_the_name() {
    let said = |source: &&Source| !HELP.contains(&source.path.as_str()) && !source.is_test_file();
    let complaints: Vec<String> = sources().iter().filter(said).flat_map(empty_comments).collect();
    verdict(
        "comments that only repeat a name: say shape, unit, source or meaning, or nothing",
        &complaints,
    );
}

#[test]
fn the_reader_of_comments_sees_what_it_shall() {
    let source = |text: &str| Source {
        path: "engine/x.rs".to_owned(),
        text: text.to_owned(),
    };
    let empty = "/// The branch.\n#[serde(skip)]\npub branch: String,\n/// Its name.\nname: String,\n/// One service.\nstruct Service {\n";
    assert_eq!(empty_comments(&source(empty)).len(), 3);
    let full = "/// The branch, without `refs/heads/`.\npub branch: String,\n/// The branch.\n/// Two lines.\npub branch: String,\n";
    assert_eq!(empty_comments(&source(full)), Vec::<String>::new());
    assert_eq!(misused_hold(&source("// What it holds.\nfn x() {}\n")).len(), 1);
    assert_eq!(
        misused_hold(&source("// What it holds.\nfn x(all: &HoldsFile) {}\n")),
        Vec::<String>::new()
    );
    assert_eq!(
        misused_hold(&source("// The household.\nfn x() {}\n")),
        Vec::<String>::new()
    );
}

/// Whether the tokens from `at` on read so.
fn reads(tokens: &[Token], at: usize, text: &[&str]) -> bool {
    text.iter()
        .enumerate()
        .all(|(i, text)| tokens.get(at + i).is_some_and(|token| token.is(text)))
}

/// What a type says is not asked of the spelling of a text, and no rule is a number.
#[test]
fn kinds_are_told_by_types() {
    let mut complaints = Vec::new();
    for source in sources() {
        let tokens = source.product_tokens();
        for (i, token) in tokens.iter().enumerate() {
            let by_spelling = ["ends_with", "starts_with"]
                .iter()
                .any(|end| reads(&tokens, i, &[".", "kind", ".", end]));
            let by_number = ["tier", "kind", "level", "rule", "mode"]
                .iter()
                .any(|name| reads(&tokens, i, &[name, ":", "u8"]));
            if by_spelling || by_number {
                complaints.push(format!("src/{}:{}: {}", source.path, token.line, token.text));
            }
        }
    }
    verdict("kinds told by a number or by the spelling of a text", &complaints);
}

/// A file is written over the bytes that were planned on, and over nothing else: only tests write without a look.
#[test]
fn no_commit_is_made_without_a_look_at_what_is_there() {
    let mut complaints = Vec::new();
    for source in sources() {
        if source.path == "sources/git/write/tree.rs" {
            continue;
        }
        for token in source.product_tokens() {
            if token.is("Unchecked") {
                complaints.push(format!("src/{}:{}", source.path, token.line));
            }
        }
    }
    verdict("FileBefore::Unchecked in the product", &complaints);
}

/// Advice that only somebody with a shell can follow: a command of pindeck, or an option of one.
fn shell_advice(line: &str) -> bool {
    let has_option = line
        .split(" --")
        .skip(1)
        .any(|after| after.starts_with(|c: char| c.is_ascii_lowercase()));
    let commands = [
        "promote", "revert", "pin", "hold", "resume", "status", "init", "config", "verify", "drift", "demo",
    ];
    let is_command = |after: &str| {
        commands
            .iter()
            .any(|name| after.starts_with(name) && !after.starts_with("pinned"))
    };
    let has_command = line.split("pindeck ").skip(1).any(is_command);
    line.contains('"') && (has_option || has_command || line.contains("`pindeck"))
}

/// Inside the cockpit nobody can type a command: what it says leads on by keys. Failures of other rooms are
/// shown by what they say for screens.
#[test]
fn the_cockpit_gives_no_advice_for_the_command_line() {
    let in_cockpit = |source: &&Source| {
        let path = source.path.as_str();
        let is_shown = path.starts_with("view/") || path.starts_with("app/") || path == "cli/backend.rs";
        // The command that does the same is copied for a shell, and said to be one. Where nothing is found there is
        // nothing to do inside, and the way on begins with leaving.
        let is_for_shells = ["app/equivalent.rs", "view/screen/table/empty.rs"].contains(&path);
        let is_for_shells = is_for_shells || path.starts_with("app/sample/");
        is_shown && !is_for_shells && !source.is_test_file()
    };
    let mut complaints = Vec::new();
    for source in sources().iter().filter(in_cockpit) {
        for (at, line) in source.text.lines().map(str::trim).enumerate() {
            if line == "#[cfg(test)]" && !source.path.ends_with("mod.rs") {
                break;
            }
            let by_failure = line.contains("failure.next()") || line.contains(".sentence()");
            if !line.starts_with("//") && (shell_advice(line) || by_failure) {
                complaints.push(format!("src/{}:{}: {line}", source.path, at + 1));
            }
        }
    }
    verdict("advice of the cockpit that needs a shell", &complaints);
    assert!(shell_advice("\"`pindeck resume` says\"") && shell_advice("\"add --yes\""));
    assert!(!shell_advice("\"pindeck needs {}x{}\"") && !shell_advice("\"it is pinned -- there\""));
}

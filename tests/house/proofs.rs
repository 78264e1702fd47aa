//! What the documents claim, and the tests that they name for it.

use std::collections::BTreeSet;
use std::fs;

use super::rust_tokens::{Token, comments, tokens};
use super::tree::{root, rust_files, verdict};

/// The names of all test functions of the package.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        rust_files(&root().join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable source file");
        names.extend(tests_in(&tokens(&text)));
    }
    names
}

/// The functions under an attribute that ends in `test` (`#[test]`, `#[tokio::test(…)]`), and those of `proptest!`; not those
/// that a run leaves out (`#[ignore]`), which prove nothing.
fn tests_in(tokens: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for (i, token) in tokens.iter().enumerate() {
        let ends_attribute = |at: usize| tokens.get(at).is_some_and(|t| t.is("]") || t.is("("));
        match token.text.as_str() {
            "test" if ends_attribute(i + 1) => is_test = true,
            "ignore" if i >= 2 && tokens[i - 1].is("[") && tokens[i - 2].is("#") => is_test = false,
            "fn" if is_test => {
                names.extend(tokens.get(i + 1).map(|name| name.text.clone()));
                is_test = false;
            }
            _ => {}
        }
    }
    names
}

/// The names of the entries in the table of attacks.
fn attacks() -> BTreeSet<String> {
    let mut files = Vec::new();
    rust_files(&root().join("tests/attacks"), &mut files);
    let texts = files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a readable file"));
    let all: String = texts.collect();
    let names = all.split("name: \"").skip(1);
    names
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

/// Rows of tables with a last column `shown by`: the row, and the names in its last cell.
fn rows(text: &str) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    let mut shows = false;
    for line in text.lines() {
        let Some(cells) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |")) else {
            shows &= line.starts_with("|--");
            continue;
        };
        let last = cells.rsplit(" | ").next().unwrap_or_default();
        if last == "shown by" {
            shows = true;
        } else if shows {
            let names = last.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            rows.push((cells.chars().take(60).collect(), names));
        }
    }
    rows
}

#[test]
fn every_defence_names_a_test_that_exists() {
    let text = fs::read_to_string(root().join("docs/threat-model.md")).expect("the threat model");
    let (tests, attacks) = (tests(), attacks());
    assert!(tests.len() > 500, "only {} tests were found", tests.len());
    let rows = rows(&text);
    assert!(rows.len() > 20, "only {} rows were found", rows.len());
    let mut complaints = Vec::new();
    for (row, names) in rows {
        if names.is_empty() {
            complaints.push(format!("{row}… names no test"));
        }
        for name in names {
            let exists = match name.strip_prefix("attack:") {
                Some(attack) => attacks.contains(attack),
                None => tests.contains(&name),
            };
            if !exists {
                complaints.push(format!("{row}…: there is no test `{name}`"));
            }
        }
    }
    verdict("defences in docs/threat-model.md", &complaints);
}

#[test]
fn tests_and_rows_are_found() {
    let text = "#[test] fn a() {} fn b() {} #[tokio::test(flavor = \"x\")] async fn c() {} #[cfg(test)] mod t { fn d() {} } \
         #[test] #[ignore = \"later\"] fn e() {}";
    assert_eq!(tests_in(&tokens(text)), ["a", "c"]);
    let table = "| what | shown by |\n|---|---|\n| x | `a`, `attack:b` |\n\n| y | `c` |\n";
    assert_eq!(
        rows(table),
        [(
            "x | `a`, `attack:b`".to_owned(),
            vec!["a".to_owned(), "attack:b".to_owned()]
        )]
    );
}

/// Papers that were cited once and that nobody outside has.
const PAPERS: &[&str] = &["CONTRACT", "EVIDENCE", "GITOPS", "REGISTRY", "UX", "PRODUCT"];

/// The pages of `docs/` that a text cites, each with the heading named after it.
fn citations(text: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("docs/") {
        rest = &rest[at..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "/.-_".contains(c)));
        let (page, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        let page = page.trim_end_matches('.');
        if !page.ends_with(".md") {
            continue;
        }
        let heading = after.strip_prefix(", \"").and_then(|t| t.split_once('"'));
        found.push((page.to_owned(), heading.map(|(heading, _)| heading.to_owned())));
    }
    found
}

#[test]
fn what_code_cites_is_in_the_repository() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        rust_files(&root().join(folder), &mut files);
    }
    let mut complaints = Vec::new();
    for file in files {
        let shown = file.strip_prefix(root()).expect("inside").display().to_string();
        let text = fs::read_to_string(&file).expect("a readable source file");
        let lines = comments(&text).into_iter().map(|(_, comment)| comment);
        let prose: String = lines
            .map(|line| line.trim_start_matches(['/', '!']).to_owned())
            .collect::<Vec<_>>()
            .join("")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        for word in prose.split(|c: char| !(c.is_ascii_uppercase() || c == '_')) {
            if PAPERS.contains(&word) {
                complaints.push(format!("{shown}: {word} is no page of docs/"));
            }
        }
        for (page, heading) in citations(&prose) {
            let Ok(text) = fs::read_to_string(root().join(&page)) else {
                complaints.push(format!("{shown}: there is no {page}"));
                continue;
            };
            let is_there = |wanted: &str| {
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                headings.any(|line| line.trim_start_matches(['#', ' ']).replace('`', "") == wanted)
            };
            if let Some(heading) = heading.filter(|heading| !is_there(heading)) {
                complaints.push(format!("{shown}: {page} has no heading \"{heading}\""));
            }
        }
    }
    verdict("what comments cite", &complaints);
}

#[test]
fn pages_and_headings_are_found() {
    let prose = "a rule (docs/reference/x.md, \"Who may\") and docs/adr/1.md. No docs/images here.";
    let expected = [
        ("docs/reference/x.md".to_owned(), Some("Who may".to_owned())),
        ("docs/adr/1.md".to_owned(), None),
    ];
    assert_eq!(citations(prose), expected);
}

/// The files and folders of the repository that a page names in backticks, patterns left out.
fn paths(page: &str) -> Vec<&str> {
    let quoted = page.split('`').skip(1).step_by(2);
    let ours = |text: &&str| {
        let folders = [
            "src/", "tests/", "benches/", "docs/", "fuzz/", "themes/", ".ci/", ".config/",
        ];
        folders.iter().any(|folder| text.starts_with(folder)) && !text.contains(['*', ' ', '<', '…'])
    };
    quoted.filter(ours).collect()
}

#[test]
fn every_path_that_a_page_names_exists() {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    let mut complaints = Vec::new();
    for page in pages {
        let shown = page.strip_prefix(root()).expect("inside").display().to_string();
        let text = fs::read_to_string(&page).expect("a readable page");
        for path in paths(&text) {
            // What only a test run or a fuzzing run makes, and code under a name (`src/x.rs::f`).
            let file = path.split("::").next().unwrap_or(path).trim_end_matches('/');
            if !root().join(file).exists() && !file.starts_with("fuzz/corpus") {
                complaints.push(format!("{shown}: there is no {file}"));
            }
        }
    }
    verdict("paths in pages", &complaints);
}

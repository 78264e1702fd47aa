//! Repositories shaped like real ones (`tests/data/clones/README.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One repository and what its owner would say of it.
pub struct Clone {
    pub name: String,
    /// Environments with those that each comes after.
    pub environments: Vec<(String, Vec<String>)>,
    pub services: BTreeSet<String>,
    /// Ends of images that are deployed by nobody here.
    pub left: Vec<String>,
    pub files: BTreeMap<String, String>,
}

/// Every repository of the folder.
pub fn all() -> Vec<Clone> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clones");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("repositories")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    files.sort();
    let mut out = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let text = "ABCDEF".chars().fold(text, |text, letter| {
            let digest = format!("sha256:{}", letter.to_ascii_lowercase().to_string().repeat(64));
            text.replace(&format!("{{{letter}}}"), &digest)
        });
        for one in format!("\n{text}").split("\n== ").skip(1) {
            out.push(parse(one));
        }
    }
    out
}

fn parse(text: &str) -> Clone {
    let mut parts = text.split("\n-- ");
    let head = parts.next().expect("a head");
    let (name, head) = head.split_once('\n').expect("a name");
    let words = |line: &str| -> Vec<String> { line.split_whitespace().skip(1).map(str::to_owned).collect() };
    let lines = |word: &str| -> Vec<Vec<String>> {
        let prefix = format!("{word} ");
        head.lines()
            .filter(|line| line.starts_with(&prefix))
            .map(words)
            .collect()
    };
    let environments = lines("env").into_iter().map(|words| {
        let after = words.iter().skip(2).cloned().collect();
        (words[0].clone(), after)
    });
    let mut files = BTreeMap::new();
    for part in parts {
        let (path, body) = part.split_once(" --\n").expect("a path");
        for (path, choices) in expanded(path) {
            let body = (1..).zip(&choices).fold(body.to_owned(), |body, (number, choice)| {
                body.replace(&format!("${number}"), choice)
            });
            files.insert(path, format!("{}\n", body.trim_end_matches('\n')));
        }
    }
    Clone {
        name: name.to_owned(),
        environments: environments.collect(),
        services: lines("services").concat().into_iter().collect(),
        left: lines("left").concat(),
        files,
    }
}

/// The paths that a path with braces stands for, each with its choices.
fn expanded(path: &str) -> Vec<(String, Vec<String>)> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![(path.to_owned(), Vec::new())];
    };
    let (list, after) = rest.split_once('}').expect("a closing brace");
    let tails = expanded(after);
    let each = list.split(',').flat_map(|choice| {
        tails.iter().map(move |(tail, more)| {
            let choices = std::iter::once(choice.to_owned()).chain(more.iter().cloned());
            (format!("{before}{choice}{tail}"), choices.collect())
        })
    });
    each.collect()
}

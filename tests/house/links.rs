//! Links between the documents: each leads to a file, and to a heading that is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::tree::{root, verdict};

fn documents(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            documents(&path, out);
        } else if name.ends_with(".md") {
            out.push(path);
        }
    }
}

/// The text without blocks of code, whose brackets are no links.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// The targets of `[text](target)` and `![text](target)`, each with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for (number, line) in prose(text).lines().enumerate() {
        // Between backticks nothing is a link.
        let words: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for part in words.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            out.push((number + 1, target.to_owned()));
        }
    }
    out
}

/// The anchors of a document's headings, as forges and mdBook name them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let name = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(name).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut files = Vec::new();
    documents(&root(), &mut files);
    assert!(files.len() > 20, "only {} documents", files.len());
    let mut complaints = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable document");
        for (line, target) in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let to = if path.is_empty() {
                file.clone()
            } else {
                file.parent().expect("in a folder").join(path)
            };
            let place = format!(
                "{}:{line}: {target}",
                file.strip_prefix(root()).expect("inside").display()
            );
            if !to.exists() {
                complaints.push(format!("{place}: there is no such file"));
            } else if !anchor.is_empty() && !anchors(&fs::read_to_string(&to).unwrap_or_default()).contains(anchor) {
                complaints.push(format!("{place}: there is no such heading"));
            }
        }
    }
    verdict("each link leads to a file and a heading", &complaints);
}

/// The book has every page: what is not in its summary is not built.
#[test]
fn the_book_has_every_page() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).expect("a summary");
    let named: BTreeSet<PathBuf> = links(&summary).into_iter().map(|(_, to)| docs.join(to)).collect();
    let mut files = Vec::new();
    documents(&docs, &mut files);
    let missing = files
        .iter()
        .filter(|file| !file.ends_with("SUMMARY.md") && !named.contains(*file));
    let complaints: Vec<String> = missing.map(|file| file.display().to_string()).collect();
    verdict("docs/SUMMARY.md names every page", &complaints);
}

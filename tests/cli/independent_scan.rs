//! Image references as somebody finds them who knows nothing of pindeck: line by line, by the names of fields. Written
//! apart from the scanner on purpose, and kept simple.

use std::collections::BTreeSet;

/// A reference and the lines that it is written on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub text: String,
    pub lines: BTreeSet<usize>,
}

/// Every reference of a file of YAML or JSON.
pub fn mentions(text: &str) -> Vec<Mention> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let body = without_comment(line);
        let mut add = |text: String, lines: BTreeSet<usize>| out.push(Mention { text, lines });
        for (key, value) in fields(body) {
            let is_image = key == "image" || key == "imageName" || key.ends_with("Image") || key.ends_with("-image");
            let is_bare = key != "image" && !value.contains(['/', ':', '@']);
            if is_image && !is_bare && is_reference(&value) {
                add(value, BTreeSet::from([at + 1]));
            }
        }
        for (found, _) in body.match_indices("@sha256:") {
            let hex = body[found + 8..].chars().take_while(char::is_ascii_hexdigit).count();
            let name: String = body[..found]
                .chars()
                .rev()
                .take_while(|c| !" \"'=,".contains(*c))
                .collect();
            if hex == 64 && !name.is_empty() {
                add(name.chars().rev().collect(), BTreeSet::from([at + 1]));
            }
        }
        let here = fields(body);
        let value_of = |names: &[&str]| here.iter().find(|(key, _)| names.contains(&key.as_str()));
        let Some((key, name)) = value_of(&["repository", "newName", "name"]) else {
            continue;
        };
        if !is_reference(name) || key == "repository" && !name.contains('/') && name.contains(':') {
            continue;
        }
        let versions: &[&str] = match key.as_str() {
            "repository" => &["tag", "digest", "sha"],
            _ => &["newTag", "digest"],
        };
        if value_of(versions).is_some_and(|(_, version)| is_version(version)) {
            add(name.clone(), BTreeSet::from([at + 1]));
            continue;
        }
        // Fields of the same mapping stand at the same indentation, with deeper lines between.
        let beside = siblings(&lines, at);
        let is_one = |other: &usize| {
            let fields = fields(without_comment(lines[*other]));
            let first = fields.first();
            first.is_some_and(|(key, value)| versions.contains(&key.as_str()) && is_version(value))
        };
        let found: Vec<usize> = beside.into_iter().filter(is_one).collect();
        if !found.is_empty() {
            add(name.clone(), found.iter().chain([&at]).map(|line| line + 1).collect());
        }
    }
    out
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && !text.contains("{{") && !text.contains('$')
}

/// The lines that hold the other fields of the mapping that a line's first field is in.
fn siblings(lines: &[&str], at: usize) -> Vec<usize> {
    let column = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let here = column(lines[at]);
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let mut out = Vec::new();
    let mut before = at;
    while before > 0 && !is_item(lines[before]) {
        before -= 1;
        let line = lines[before];
        if line.trim().is_empty() || column(line) > here {
            continue;
        }
        if column(line) < here {
            break;
        }
        out.push(before);
    }
    for (after, line) in lines.iter().enumerate().skip(at + 1) {
        if line.trim().is_empty() || column(line) > here {
            continue;
        }
        if column(line) < here || is_item(line) || line.starts_with("---") {
            break;
        }
        out.push(after);
    }
    out
}

/// A line without its comment.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.find(" #").map_or(line, |at| &line[..at])
}

/// The `key: value` pairs of a line, those inside braces too.
fn fields(line: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for part in line.split(['{', '}', ',', '[', ']']) {
        let part = part.trim().trim_start_matches("- ").trim();
        let (key, value) = match part.split_once(": ").or_else(|| part.split_once("\":")) {
            Some(pair) => pair,
            None => continue,
        };
        let plain = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
        out.push((plain(key), plain(value)));
    }
    out
}

/// Whether a text is `[registry[:port]/]path[:tag][@sha256:digest]`.
fn is_reference(text: &str) -> bool {
    let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
    if !digest.is_empty() && !digest.starts_with("sha256:") || text.contains("//") {
        return false;
    }
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[last..].split_once(':') {
        Some((name, tag)) => (format!("{}{name}", &rest[..last]), Some(tag)),
        None => (rest.to_owned(), None),
    };
    let words = ["", "true", "false", "null", "object", "string", "~"];
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./:".contains(c);
    let is_tag = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !words.contains(&name.as_str())
        && name.chars().all(is_name)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && !name.chars().all(|c| c.is_ascii_digit() || c == '.')
        && tag.is_none_or(|tag| !tag.is_empty() && tag.chars().all(is_tag))
}

#[test]
fn it_finds_what_a_person_finds() {
    let text = "\
image: shop/a:1
# image: shop/no:1
spec: {containers: [{name: x, image: \"r.example:5000/shop/b\"}]}
env:
- value: --image=shop/c@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
web:
  repository: shop/d
  pullPolicy: Always
  tag: v1
other:
  repository: https://charts.example.com
  tag: v1
images:
- name: e
  newName: shop/e
  newTag: v2
- name: f
  newTag: v3
template: {image: \"{{ .Values.image }}\", useImage: yes}
";
    let found: Vec<String> = mentions(text)
        .iter()
        .map(|one| {
            let lines: Vec<String> = one.lines.iter().map(usize::to_string).collect();
            format!("{} {}", one.text, lines.join("-"))
        })
        .collect();
    let expected = [
        "shop/a:1 1",
        "r.example:5000/shop/b 3",
        "shop/c 5",
        "shop/d 7-9",
        "e 14-16",
        "shop/e 15-16",
        "f 17-18",
    ];
    assert_eq!(found, expected);
}

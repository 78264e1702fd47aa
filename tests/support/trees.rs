//! Small repositories written in one text file, and what is expected of them (`tests/data/rendered/README.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use pindeck::domain::pin::{Pin, Role};
use pindeck::domain::policy::{Environment, TeamPolicy};
use pindeck::engine::effective::{self, ScannedCommit};
use pindeck::engine::include_graph::IncludeGraph;
use pindeck::engine::pins::{self, EnvironmentPaths, Grouped};
use pindeck::sources::git::TreeFile;
use pindeck::sources::git::manifest::{is_manifest, scan};

/// One repository with its expectations.
pub struct Tree {
    /// Theme and name.
    pub name: String,
    /// Its environments.
    pub environments: Vec<Environment>,
    /// Its files.
    pub files: BTreeMap<String, String>,
    /// What is expected, one fact a line.
    pub expected: BTreeSet<String>,
    /// Those of the pins whose bytes decide other images too.
    pub entangled: BTreeSet<String>,
}

/// Digests that stand for the letters.
pub fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_ascii_lowercase().to_string().repeat(64))
}

/// Every tree of the folder.
pub fn all() -> Vec<Tree> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rendered");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("trees")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    files.sort();
    let mut out = Vec::new();
    for file in files {
        let theme = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).expect("readable");
        let text = "ABCDEF".chars().fold(text, |text, letter| {
            text.replace(&format!("{{{letter}}}"), &digest(letter))
        });
        for one in format!("\n{text}").split("\n== ").skip(1) {
            let (name, rest) = one.split_once('\n').expect("a name");
            out.push(parse(&format!("{theme}: {name}"), rest));
        }
    }
    out
}

fn parse(name: &str, text: &str) -> Tree {
    let mut parts = format!("\n{text}")
        .split("\n-- ")
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter();
    let head = parts.next().expect("a head");
    let files: BTreeMap<String, String> = parts
        .map(|part| {
            let (path, body) = part.split_once(" --\n").expect("a path");
            (path.to_owned(), format!("{}\n", body.trim_end_matches('\n')))
        })
        .collect();
    let mut marks = BTreeMap::new();
    for (path, body) in &files {
        for (number, line) in (1..).zip(body.lines()) {
            for mark in line.split("#@").skip(1) {
                let mark = mark.split_whitespace().next().expect("a mark");
                let old = marks.insert(mark.to_owned(), format!("{path}:{number}"));
                assert_eq!(old, None, "{name}: the mark {mark} is there twice");
            }
        }
    }
    let mut environments = Vec::new();
    let (mut expected, mut entangled) = (BTreeSet::new(), BTreeSet::new());
    for line in head.lines().filter(|line| !line.trim().is_empty()) {
        let (line, quoted) = match line.split_once(" \"") {
            Some((line, quoted)) => (line, format!(" \"{}\"", quoted.trim_end_matches('"'))),
            None => (line, String::new()),
        };
        let mut words = line.split(' ');
        match words.next().expect("a word") {
            "env" => environments.push(environment(words.next().expect("a name"), words)),
            first => {
                let words: Vec<String> = std::iter::once(first.to_owned())
                    .chain(words.map(|word| marks.get(word).cloned().unwrap_or_else(|| word.to_owned())))
                    .collect();
                let (about, words): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word == "entangled");
                let line = normal(&words) + &quoted;
                if !about.is_empty() {
                    entangled.insert(line.clone());
                }
                expected.insert(line);
            }
        }
    }
    Tree {
        name: name.to_owned(),
        environments,
        files,
        expected,
        entangled,
    }
}

/// Words after a keyword in order, so that expectations may list places as they like.
fn normal(words: &[String]) -> String {
    let keyword = |word: &str| matches!(word, "at" | "over" | "name" | "reaches" | "locked" | "uncertain");
    let mut groups: Vec<Vec<String>> = vec![Vec::new()];
    for word in words {
        if keyword(word) {
            groups.push(Vec::new());
        }
        groups.last_mut().expect("a group").push(word.clone());
    }
    for group in groups.iter_mut().skip(1) {
        group[1..].sort();
    }
    groups.concat().join(" ")
}

fn environment<'a>(name: &str, globs: impl Iterator<Item = &'a str>) -> Environment {
    Environment::new(name, globs.map(str::to_owned).collect())
}

/// One environment that has every file.
pub fn everywhere() -> Vec<Environment> {
    vec![environment("everywhere", std::iter::once("**"))]
}

/// A commit of these files.
pub fn commit(files: &BTreeMap<String, String>) -> ScannedCommit {
    let scanned = files.iter().filter(|(path, _)| is_manifest(path));
    let mut commit = ScannedCommit {
        scans: scanned
            .map(|(path, text)| (path.clone(), Arc::new(scan(path, text.as_bytes()))))
            .collect(),
        files: Arc::new(
            files
                .keys()
                .map(|path| TreeFile {
                    path: path.clone(),
                    oid: String::new(),
                })
                .collect(),
        ),
        ..ScannedCommit::default()
    };
    loop {
        let named = effective::named_files(&commit);
        if named.is_empty() {
            return commit;
        }
        for path in named {
            let scan = scan(&path, files[&path].as_bytes());
            commit.scans.insert(path, Arc::new(scan));
        }
    }
}

/// Pins and what is not managed.
pub fn grouped(commit: &ScannedCommit, environments: &[Environment]) -> Grouped {
    let team = TeamPolicy::default();
    let effective = effective::render(commit, environments);
    let naming = pins::naming(&effective.references, &team, environments);
    let mut grouped = pins::group(&effective.references, &naming, &team, environments);
    grouped.unmanaged.extend(effective.unmanaged.iter().cloned());
    let seen = commit.scans.values().flat_map(|scan| &scan.unmanaged);
    let left = seen.filter(|one| !effective.settled.contains(&(one.file.clone(), one.line)));
    grouped.unmanaged.extend(left.cloned());
    grouped
}

/// All pins.
pub fn pins_of(grouped: &Grouped) -> Vec<Pin> {
    grouped.services.iter().flat_map(|(.., pins)| pins.clone()).collect()
}

/// The reference that a pin comes to, as short as it is written.
pub fn reference(pin: &Pin) -> String {
    let image = pin.image.to_string();
    let image = image.strip_prefix("docker.io/library/").unwrap_or(&image);
    let tag = pin.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = pin.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
    format!("{image}{tag}{digest}")
}

/// What pindeck makes of a tree, in the words of the expectations.
pub fn facts(tree: &Tree, files: &BTreeMap<String, String>) -> BTreeSet<String> {
    let commit = commit(files);
    let grouped = grouped(&commit, &tree.environments);
    let paths = EnvironmentPaths::new(&tree.environments);
    let mut graph = IncludeGraph::default();
    for (file, scan) in &commit.scans {
        graph.add(file, &scan.includes);
    }
    graph.resolve(&commit.files, &paths);
    let mut out = BTreeSet::new();
    for pin in pins_of(&grouped) {
        let places = |role: Role| -> BTreeSet<String> {
            let all = pin.locations.iter().filter(|location| location.role == role);
            all.map(|location| format!("{}:{}", location.file, location.line))
                .collect()
        };
        let reached: BTreeSet<String> = pin
            .deciding()
            .flat_map(|location| graph.environments(&location.file, &paths).into_keys())
            .filter(|env| *env != pin.target.environment)
            .map(|env| env.to_string())
            .collect();
        let mut line = format!("pin {} {}", pin.target.environment, reference(&pin));
        let lists = [
            ("at", places(Role::Version)),
            ("over", places(Role::Overridden)),
            ("name", places(Role::Name)),
            ("reaches", reached),
        ];
        for (word, list) in lists {
            if !list.is_empty() {
                let list: Vec<String> = list.into_iter().collect();
                line.push_str(&format!(" {word} {}", list.join(" ")));
            }
        }
        if let Some(why) = pin.deciding().find_map(|location| location.read_only.as_ref()) {
            line.push_str(&format!(" locked \"{why}\""));
        }
        if let Some(why) = &pin.uncertain {
            line.push_str(&format!(" uncertain \"{why}\""));
        }
        out.insert(line);
    }
    for one in &grouped.unmanaged {
        out.insert(format!("unmanaged {}:{} \"{}\"", one.file, one.line, one.reason));
    }
    out
}

/// The differences between what is expected and what was found: a quoted part is a part of the reason.
pub fn differences(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> Vec<String> {
    let split = |line: &str| -> (String, String) {
        let (head, quoted) = line.split_once(" \"").unwrap_or((line, ""));
        (head.to_owned(), quoted.trim_end_matches('"').to_owned())
    };
    let mut left: Vec<&String> = found.iter().collect();
    let mut wrong = Vec::new();
    for line in expected {
        let (head, part) = split(line);
        let same = |found: &&String| {
            let (other, reason) = split(found);
            head == other && reason.contains(&part) && (part.is_empty() == reason.is_empty())
        };
        match left.iter().position(same) {
            Some(at) => drop(left.remove(at)),
            None => wrong.push(format!("missing  {line}")),
        }
    }
    wrong.extend(left.iter().map(|line| format!("extra    {line}")));
    wrong
}

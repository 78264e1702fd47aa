//! Environments and service names without configuration, from folder and file names. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::{EnvId, ServiceId};
use crate::domain::policy::{Confirm, Environment, WriteMode};
use crate::domain::reference::Repository;

/// Names that mean an environment, in promotion order. Names of one line of equal rank and the same
/// number are spellings of one environment.
const KNOWN: [(&str, u8, u8); 34] = [
    ("local", 0, 0),
    ("sandbox", 0, 1),
    ("dev", 1, 2),
    ("develop", 1, 2),
    ("development", 1, 2),
    ("ci", 2, 3),
    ("test", 2, 4),
    ("testing", 2, 4),
    ("tst", 2, 4),
    ("int", 3, 5),
    ("integration", 3, 5),
    ("qa", 3, 6),
    ("e2e", 3, 7),
    ("nonprod", 4, 8),
    ("non-prod", 4, 8),
    ("stage", 5, 9),
    ("stg", 5, 9),
    ("staging", 5, 9),
    ("uat", 6, 10),
    ("acceptance", 6, 11),
    ("acc", 6, 11),
    ("demo", 6, 12),
    ("preprod", 7, 13),
    ("pre-prod", 7, 13),
    ("preproduction", 7, 13),
    ("pre-production", 7, 13),
    ("preview", 1, 14),
    ("canary", 8, 15),
    ("prd", 9, 16),
    ("prod", 9, 16),
    ("production", 9, 16),
    ("live", 9, 17),
    ("dr", 10, 18),
    ("disaster-recovery", 10, 18),
];

/// Known names that often mean something else (`test/` holds tests): alone they say nothing, unless a
/// neighbour is an environment too.
const AMBIGUOUS: [&str; 14] = [
    "local", "sandbox", "ci", "test", "testing", "int", "e2e", "acc", "demo", "preview", "canary", "live", "dr", "tst",
];

/// Folders whose children are environments, whatever they are called.
const HOLDERS: [&str; 7] = [
    "envs",
    "env",
    "environments",
    "environment",
    "overlays",
    "stages",
    "clusters",
];

/// Children of those folders that are nobody's environment.
const SHARED: [&str; 7] = ["base", "bases", "common", "shared", "components", "lib", "templates"];

/// Where an environment of unknown name stands among the known ones.
const UNKNOWN_RANK: u8 = 5;

fn known(name: &str) -> Option<&'static (&'static str, u8, u8)> {
    let lower = name.to_ascii_lowercase();
    KNOWN.iter().find(|(known, ..)| *known == lower)
}

/// The place of a name in the promotion order: of the name itself, else of a word in it
/// (`prod-eu-1`, `cluster.staging`).
fn rank(name: &str) -> Option<u8> {
    if let Some((_, rank, _)) = known(name) {
        return Some(*rank);
    }
    let words: Vec<&str> = name
        .split(['-', '_', '.'])
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .collect();
    let pairs = words.windows(2).map(|pair| pair.join("-"));
    let mut all = pairs.chain(words.iter().rev().map(|word| (*word).to_owned()));
    all.find_map(|word| known(&word).map(|(_, rank, _)| *rank))
}

/// One way to read an environment out of a folder's or file's name.
struct Reading {
    /// The environment as written.
    name: String,
    /// The name with `*` in its place: neighbours of the same shape are other environments.
    shape: String,
    /// It is the whole name or its end; at the beginning it needs a neighbour to be believed.
    plain: bool,
}

fn readings(text: &str) -> Vec<Reading> {
    let mut out = Vec::new();
    let mut add = |name: &str, shape: String, plain: bool| {
        if known(name).is_some() {
            out.push(Reading {
                name: name.to_owned(),
                shape,
                plain,
            });
        }
    };
    add(text, "*".to_owned(), true);
    for (at, _) in text.rmatch_indices(['-', '.', '_']) {
        add(&text[at + 1..], format!("{}*", &text[..=at]), true);
    }
    for (at, _) in text.match_indices(['-', '.', '_']) {
        add(&text[..at], format!("*{}", &text[at..]), false);
    }
    out
}

fn stem(file: &str) -> &str {
    let file = file.strip_suffix(".gotmpl").unwrap_or(file);
    let ends = [".yaml", ".yml", ".json"];
    ends.iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file)
}

/// Which environments stand beside each other: (folder, shape) -> ranks.
#[derive(Default)]
struct Neighbours(BTreeMap<(String, String), BTreeSet<u8>>);

impl Neighbours {
    fn of(paths: &[String]) -> Self {
        let mut out = Self::default();
        for path in paths {
            let parts: Vec<&str> = path.split('/').collect();
            for (at, part) in parts.iter().enumerate() {
                let is_file = at + 1 == parts.len();
                for reading in readings(if is_file { stem(part) } else { part }) {
                    let key = (parts[..at].join("/"), reading.shape);
                    out.0.entry(key).or_default().extend(rank(&reading.name));
                }
            }
        }
        out
    }

    fn support(&self, folder: &str, reading: &Reading) -> bool {
        let key = (folder.to_owned(), reading.shape.clone());
        self.0.get(&key).is_some_and(|ranks| ranks.len() > 1)
    }

    /// Whether this reading is to be believed.
    fn believe(&self, folder: &str, reading: &Reading) -> bool {
        let alone = reading.plain && !AMBIGUOUS.contains(&reading.name.to_ascii_lowercase().as_str());
        alone || self.support(folder, reading)
    }
}

/// What a path says about its environment: the name, and the pattern that finds its neighbours.
fn place(path: &str, neighbours: &Neighbours) -> Option<(String, String)> {
    let parts: Vec<&str> = path.split('/').collect();
    let (file, folders) = parts.split_last()?;
    let whole = |at: usize| (folders[at].to_owned(), format!("{}/**", folders[..=at].join("/")));
    let child = folders
        .iter()
        .rposition(|f| HOLDERS.contains(f))
        .map(|at| at + 1)
        .filter(|at| folders.get(*at).is_some_and(|c| !SHARED.contains(c)));
    // A name that speaks, right below a folder of environments, says it whatever lies deeper.
    if let Some(at) = child.filter(|at| rank(folders[*at]).is_some()) {
        return Some(whole(at));
    }
    let exact = |at: &usize| {
        let reading = Reading {
            name: folders[*at].to_owned(),
            shape: "*".to_owned(),
            plain: true,
        };
        known(folders[*at]).is_some() && neighbours.believe(&folders[..*at].join("/"), &reading)
    };
    // The innermost wins among equals.
    if let Some(at) = (0..folders.len()).rev().find(exact) {
        return Some(whole(at));
    }
    for at in (0..folders.len()).rev() {
        let parent = folders[..at].join("/");
        let found = readings(folders[at])
            .into_iter()
            .find(|reading| neighbours.support(&parent, reading));
        if let Some(reading) = found {
            return Some((reading.name, whole(at).1));
        }
    }
    let folder = folders.join("/");
    let found = readings(stem(file))
        .into_iter()
        .find(|r| neighbours.believe(&folder, r));
    if let Some(reading) = found {
        return Some((reading.name, path.to_owned()));
    }
    child.map(whole)
}

/// Environments in promotion order, from the paths of files that hold pins. Where nothing speaks of
/// an environment, there is one, `default`, that holds every file. Spellings of one name (`prod` and
/// `production`) are one environment, called as most files call it. Inferred environments are
/// read-only and have no policy: nothing is verified until a team says by what.
pub fn environments(paths: &[String]) -> Vec<Environment> {
    let neighbours = Neighbours::of(paths);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in paths {
        if let Some((name, pattern)) = place(path, &neighbours) {
            found.entry(valid(&name)).or_default().push(escape(&pattern));
        }
    }
    if found.is_empty() {
        return vec![environment("default", vec!["**".to_owned()])];
    }
    let mut merged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, patterns) in &found {
        let same = |other: &&String| match (known(name), known(other)) {
            (Some((.., a)), Some((.., b))) => a == b,
            _ => *name == **other,
        };
        let spellings = found.keys().filter(same);
        // Most files; among equals the longer word.
        let best = spellings.max_by_key(|other| (found[*other].len(), other.len()));
        let all = merged.entry(best.unwrap_or(name).clone()).or_default();
        all.extend(patterns.iter().cloned());
    }
    let mut names: Vec<(String, BTreeSet<String>)> = merged.into_iter().collect();
    names.sort_by_key(|(name, _)| (order(name), name.clone()));
    names
        .into_iter()
        .map(|(name, paths)| environment(&name, paths.into_iter().collect()))
        .collect()
}

/// Where an environment stands in the promotion order; equal numbers stand beside each other.
pub fn order(name: &str) -> u8 {
    rank(name).unwrap_or(UNKNOWN_RANK)
}

/// Whether the name says that customers are served there.
pub fn is_production(name: &str) -> bool {
    rank(name).is_some_and(|rank| rank >= 9)
}

/// A name as the configuration takes it.
fn valid(name: &str) -> String {
    let keep = |c: char| match c {
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => c,
        _ => '-',
    };
    name.chars().take(100).map(keep).collect()
}

/// A path as a pattern that matches just it (`**` at its end stays).
fn escape(path: &str) -> String {
    let (body, tail) = path.strip_suffix("/**").map_or((path, ""), |body| (body, "/**"));
    let mut out = String::new();
    for c in body.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out + tail
}

fn environment(name: &str, paths: Vec<String>) -> Environment {
    Environment {
        name: EnvId::new(name),
        paths,
        policy: None,
        after: Vec::new(),
        registry: None,
        write: WriteMode::Push,
        confirm: Confirm::Y,
        read_only: true,
    }
}

/// The shortest suffix of each repository's path that is unique among them: `api`, else
/// `team-a/api`; where even the whole path is not, the registry goes before it.
pub fn service_names(repositories: &[Repository]) -> BTreeMap<Repository, ServiceId> {
    let distinct: BTreeSet<&Repository> = repositories.iter().collect();
    let suffixes = |repository: &Repository| -> Vec<String> {
        let all: Vec<&str> = repository.path().split('/').collect();
        (1..=all.len()).map(|n| all[all.len() - n..].join("/")).collect()
    };
    let mut holders: BTreeMap<String, usize> = BTreeMap::new();
    for repository in &distinct {
        for suffix in suffixes(repository) {
            *holders.entry(suffix).or_default() += 1;
        }
    }
    distinct
        .iter()
        .map(|repository| {
            let unique = suffixes(repository).into_iter().find(|suffix| holders[suffix] == 1);
            let name = unique.unwrap_or_else(|| repository.to_string());
            ((*repository).clone(), ServiceId::new(name))
        })
        .collect()
}

#[cfg(test)]
#[path = "infer_tests.rs"]
mod tests;

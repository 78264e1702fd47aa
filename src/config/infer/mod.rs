//! Environments and service names without configuration, from folder and file names. Pure.
//!
//! What is inferred here and what `pindeck init` writes are the same: it writes down these environments.

mod fold;
mod place;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::left_out::{makes_no_environment, may_be_tests, perhaps_left_out};
use crate::domain::id::{EnvId, ServiceId};
use crate::domain::policy::{Confirm, Environment, WriteMode};
use crate::domain::reference::Repository;

use place::{FoundEnvironment, Places};

/// The name of the one environment of a repository in which no name speaks of environments.
pub(crate) const DEFAULT: &str = "default";

/// Environments in promotion order.
///
/// `deployments` are the paths of the files that name images or take in files that do, `files` all files of the commit.
/// Files that deploy nothing (definitions of CI, test data, examples, archives) never make an environment.
///
/// A set of environments is believed where it covers most deployments, or where environments of known names
/// stand beside each other. Else there is one, [`DEFAULT`], that has every file. Spellings of one name (`prod`
/// and `production`) are one environment, called as most files call it. Inferred environments are read-only
/// and have no policy: nothing is verified until a team says by what.
pub(crate) fn environments(deployments: &[String], files: &[String]) -> Vec<Environment> {
    let counted: Vec<&str> = deployments
        .iter()
        .map(String::as_str)
        .filter(|path| makes_no_environment(path).is_none())
        .collect();
    let places = Places::of(&counted);
    let mut found: Vec<(&str, FoundEnvironment)> = Vec::new();
    // What environments share, and folders like `test/` in no environment, say nothing against them.
    let speaks = |path: &str| !place::is_shared(path) && !may_be_tests(path) && perhaps_left_out(path).is_none();
    let mut outside = 0;
    for path in &counted {
        match places.find(path) {
            Some(one) => found.push((path, one)),
            None => outside += usize::from(speaks(path)),
        }
    }
    let covers_most = found.len() > outside;
    let has_neighbours = found.iter().any(|(_, found)| found.beside_another);
    if found.is_empty() || !(covers_most || has_neighbours) {
        return vec![environment(DEFAULT, vec!["**".to_owned()])];
    }
    let mut names = merged(&found);
    names.sort_by_cached_key(|(name, _)| (words::order(name), words::natural(name)));
    let mut all: Vec<Environment> = names
        .into_iter()
        .map(|(name, patterns)| environment(&name, patterns.into_iter().collect()))
        .collect();
    fold::fold(&mut all, files, &counted);
    for at in 0..all.len() {
        all[at].after = after(&all, at);
    }
    all
}

/// The path patterns by environment, spellings of one name put together.
fn merged(found: &[(&str, FoundEnvironment)]) -> Vec<(String, BTreeSet<String>)> {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, found) in found {
        let patterns = by_name.entry(valid(&found.name)).or_default();
        patterns.push(escape(&found.pattern));
    }
    let mut merged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, patterns) in &by_name {
        let same = |other: &&String| match (words::known(name), words::known(other)) {
            (Some(a), Some(b)) => a.spelling == b.spelling,
            _ => *name == **other,
        };
        let spellings = by_name.keys().filter(same);
        // Most files; among equals the longer word.
        let best = spellings.max_by_key(|other| (by_name[*other].len(), other.len()));
        let all = merged.entry(best.unwrap_or(name).clone()).or_default();
        all.extend(patterns.iter().cloned());
    }
    merged.into_iter().collect()
}

/// The environments of the step before: a digest comes from any of them. Environments that stand beside each
/// other (regions) all come after the same ones, and none for the first. Of rings and waves each comes after the one
/// before; a name that says nothing of an order comes after none, and none comes after it.
fn after(all: &[Environment], at: usize) -> Vec<EnvId> {
    let step = |environment: &Environment| words::step(environment.name.as_str());
    let Some(here) = step(&all[at]) else {
        return Vec::new();
    };
    let before = all.iter().filter_map(step).filter(|step| step.is_before(here)).max();
    all.iter()
        .filter(|environment| before.is_some() && step(environment) == before)
        .map(|environment| environment.name.clone())
        .collect()
}

/// Whether the name says that customers are served there.
pub(crate) fn is_production(name: &str) -> bool {
    words::is_production(name)
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

/// An environment that was inferred: read-only, and judged by nothing.
pub(crate) fn environment(name: &str, paths: Vec<String>) -> Environment {
    Environment {
        name: EnvId::new(name),
        paths,
        branch: None,
        repository: None,
        policy: None,
        after: Vec::new(),
        registry: None,
        write: WriteMode::Push,
        confirm: Confirm::Y,
        read_only: true,
        platforms: crate::domain::platform::PlatformFilter::All,
        running: Default::default(),
    }
}

/// A name for each repository: the shortest suffix of its path (`api`, else `team-a/api`) that no other repository
/// of `all` ends with and that is not `taken`; where even the whole path is not, the registry goes before it.
///
/// `all` are the repositories that count for uniqueness, those with a configured name too. A name that a
/// configuration gave is `taken`.
pub(crate) fn service_names(
    all: &BTreeSet<Repository>,
    taken: &BTreeSet<&ServiceId>,
) -> BTreeMap<Repository, ServiceId> {
    let suffixes = |repository: &Repository| -> Vec<String> {
        let parts: Vec<&str> = repository.path().split('/').collect();
        (1..=parts.len()).map(|n| parts[parts.len() - n..].join("/")).collect()
    };
    let mut owners: BTreeMap<String, usize> = BTreeMap::new();
    for repository in all {
        for suffix in suffixes(repository) {
            *owners.entry(suffix).or_default() += 1;
        }
    }
    all.iter()
        .map(|repository| {
            let names = suffixes(repository).into_iter().filter(|suffix| owners[suffix] == 1);
            let name = names.map(ServiceId::new).find(|name| !taken.contains(name));
            let name = name.unwrap_or_else(|| ServiceId::new(repository.to_string()));
            (repository.clone(), name)
        })
        .collect()
}

#[cfg(test)]
mod tests;

//! Path patterns as a person would write them: `apps/*/overlays/prod/**` instead of one line per app. Pure.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobMatcher};

use crate::domain::policy::Environment;

/// Puts `*` where several patterns of an environment differ in one folder only, as long as the pattern takes
/// in no file of another environment and no deployment that is in none. A folder of the same kind that comes
/// tomorrow is then in it too.
pub(super) fn fold(all: &mut [Environment], files: &[String], deployments: &[&str]) {
    let mut sorted: Vec<&str> = files.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let owned: Vec<BTreeSet<&str>> = all
        .iter()
        .map(|environment| matched(&environment.paths, &sorted))
        .collect();
    for at in 0..all.len() {
        let others = owned.iter().enumerate().filter(|(other, _)| *other != at);
        let mut foreign: BTreeSet<&str> = others.flat_map(|(_, files)| files.iter().copied()).collect();
        foreign.extend(deployments.iter().filter(|path| !owned[at].contains(*path)));
        all[at].paths = folded(std::mem::take(&mut all[at].paths), &foreign);
    }
}

fn compile(pattern: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.ok().map(|glob| glob.compile_matcher())
}

/// The files that the patterns match, among sorted paths. A pattern here is a folder with all in it, or one file,
/// so its text is compared and no glob is needed.
fn matched<'a>(patterns: &[String], sorted: &[&'a str]) -> BTreeSet<&'a str> {
    let mut out = BTreeSet::new();
    for pattern in patterns {
        let plain = pattern.replace('\\', "");
        let folder = plain.strip_suffix("**");
        let start = folder.unwrap_or(&plain);
        let from = sorted.partition_point(|file| *file < start);
        let fits = |file: &&&str| folder.map_or(**file == plain, |folder| file.starts_with(folder));
        out.extend(sorted[from..].iter().take_while(fits));
    }
    out
}

fn folded(mut left: Vec<String>, foreign: &BTreeSet<&str>) -> Vec<String> {
    let mut out = Vec::new();
    let mut refused: BTreeMap<String, bool> = BTreeMap::new();
    loop {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, pattern) in left.iter().enumerate() {
            let parts: Vec<&str> = pattern.split('/').collect();
            for at in 0..parts.len().saturating_sub(1) {
                let mut shape = parts.clone();
                shape[at] = "*";
                groups.entry(shape.join("/")).or_default().push(index);
            }
        }
        let mut groups: Vec<(String, Vec<usize>)> = groups.into_iter().filter(|(_, all)| all.len() > 1).collect();
        // The largest first; a glob is only compiled for those that are tried.
        groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| b.0.cmp(&a.0)));
        let best = groups.into_iter().find(|(pattern, _)| {
            !*refused
                .entry(pattern.clone())
                .or_insert_with(|| compile(pattern).is_none_or(|glob| foreign.iter().any(|file| glob.is_match(file))))
        });
        let Some((pattern, members)) = best else { break };
        let mut index = 0..;
        left.retain(|_| !members.contains(&index.next().unwrap_or(0)));
        out.push(pattern);
    }
    out.append(&mut left);
    out.sort();
    out.dedup();
    out
}

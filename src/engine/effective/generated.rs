//! The Applications that the git generators of ApplicationSets make, where the repository alone tells them.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobMatcher};

use crate::sources::git::manifest::{Application, GitGenerator};

use super::files::Files;

/// Applications of one set that are told apart; a larger one counts with an unknown folder.
const MOST: usize = 2_000;

/// The Applications that a set makes, where this repository alone decides them.
pub(super) fn of_set(files: &Files<'_>, set: &Application, is_ours: &dyn Fn(&str) -> bool) -> Option<Vec<Application>> {
    let template = set.template.as_deref()?;
    let mut out = Vec::new();
    for generator in &template.generators {
        if !generator.url.as_deref().is_none_or(is_ours) {
            return None;
        }
        for place in places(files, generator)? {
            out.push(set.generated(generator, &place)?);
        }
        if out.len() > MOST {
            return None;
        }
    }
    Some(out)
}

/// The folders or files that a generator yields; `None` where it depends on how Argo CD is set up.
fn places(files: &Files<'_>, generator: &GitGenerator) -> Option<BTreeSet<String>> {
    let all: BTreeSet<&str> = match generator.is_for_folders {
        true => files.paths().flat_map(folders_of).collect(),
        false => files.paths().collect(),
    };
    // A `*` in the pattern of files goes over folders, or not, by a setting of Argo CD.
    let readings = if generator.is_for_folders {
        [true, true]
    } else {
        [true, false]
    };
    let [one, other] = readings.map(|separates| matched(&all, generator, separates));
    let one = one?;
    (other? == one).then_some(one)
}

fn matched(all: &BTreeSet<&str>, generator: &GitGenerator, separates: bool) -> Option<BTreeSet<String>> {
    let glob = |path: &String| -> Option<GlobMatcher> {
        let glob = GlobBuilder::new(path.trim_start_matches("./"))
            .literal_separator(separates)
            .build();
        Some(glob.ok()?.compile_matcher())
    };
    let mut globs = Vec::new();
    for (path, is_excluded) in &generator.patterns {
        globs.push((glob(path)?, *is_excluded));
    }
    let is_taken = |path: &&&str| {
        let fits = |excluded: bool| globs.iter().any(|(glob, is)| *is == excluded && glob.is_match(**path));
        fits(false) && !fits(true)
    };
    Some(all.iter().filter(is_taken).map(|path| (*path).to_owned()).collect())
}

/// The folders that a file lies in, without those that are hidden and what is in them.
fn folders_of(path: &str) -> Vec<&str> {
    let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
    ends.take_while(|folder| !folder.rsplit('/').next().unwrap_or_default().starts_with('.'))
        .collect()
}

//! Which environments a file belongs to, by the path patterns of the configuration. Pure.

use std::collections::BTreeSet;

use globset::{Candidate, Glob, GlobBuilder, GlobSet};

use crate::domain::id::EnvId;
use crate::domain::policy::Environment;

/// Compiled path globs of the environments.
#[derive(Debug, Clone)]
pub struct EnvironmentPaths {
    environments: Vec<EnvId>,
    /// Globs of all environments, so that one pass over a path tells all that match, and the index in `environments`
    /// that each glob belongs to. One set, or one for each glob where they are too many for one.
    sets: Vec<(GlobSet, Vec<usize>)>,
    /// Every glob as written, with the index in `environments` that it belongs to.
    written: Vec<(usize, String)>,
}

/// Whether a file that matches a glob may lie in a folder, or deeper: no step of the way is ruled out. May say yes
/// too often, never no.
fn may_lie_below(glob: &str, folder: &str) -> bool {
    let is_plain = |step: &str| !step.contains(['*', '?', '[', ']', '{', '}', '\\', '!']);
    let mut steps = glob.split('/');
    for part in folder.split('/') {
        match steps.next() {
            // The glob is at its end: it names a file, or nothing that lies deeper.
            None => return false,
            Some(step) if is_plain(step) && step != part => return false,
            // One step of names; alternatives may contain a `/`.
            Some(step) if is_plain(step) || step.chars().all(|c| c == '*') && step.len() == 1 => {}
            Some(_) => return true,
        }
    }
    true
}

impl EnvironmentPaths {
    /// Compiles validated globs; `*` does not cross `/`, `**` does.
    pub fn new(environments: &[Environment]) -> Self {
        let compile = |glob: &String| GlobBuilder::new(glob).literal_separator(true).build().ok();
        let globs: Vec<(usize, Glob)> = environments
            .iter()
            .enumerate()
            .flat_map(|(at, environment)| environment.paths.iter().filter_map(compile).map(move |glob| (at, glob)))
            .collect();
        let set = |globs: &[(usize, Glob)]| {
            let set = GlobSet::new(globs.iter().map(|(_, glob)| glob)).ok()?;
            Some((set, globs.iter().map(|(at, _)| *at).collect()))
        };
        let sets = match set(&globs) {
            Some(all) => vec![all],
            None => globs.chunks(1).filter_map(set).collect(),
        };
        Self {
            environments: environments.iter().map(|e| e.name.clone()).collect(),
            sets,
            written: globs.iter().map(|(at, glob)| (*at, glob.glob().to_owned())).collect(),
        }
    }

    /// The environment of that name.
    pub fn named(&self, name: &str) -> Option<&EnvId> {
        self.environments.iter().find(|env| env.as_str() == name)
    }

    /// Whether a file of an environment (of `only` that one) may lie in a folder, or deeper.
    pub(crate) fn may_contain(&self, folder: &str, only: Option<&EnvId>) -> bool {
        let is_ours = |at: usize| only.is_none_or(|only| self.environments.get(at) == Some(only));
        let mut ours = self.written.iter().filter(|(at, _)| is_ours(*at));
        ours.any(|(_, glob)| may_lie_below(glob, folder))
    }

    /// Every environment a file belongs to, in promotion order.
    pub fn of<'a>(&'a self, file: &str) -> impl Iterator<Item = &'a EnvId> + use<'a> {
        let candidate = Candidate::new(file);
        let mut all = BTreeSet::new();
        for (globs, environments) in &self.sets {
            let matched = globs.matches_candidate(&candidate);
            all.extend(matched.iter().filter_map(|glob| environments.get(*glob).copied()));
        }
        all.into_iter().filter_map(|at| self.environments.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_ruled_out_only_where_nothing_can_lie() {
        let cases = [
            ("envs/production/**", "envs", true),
            ("envs/production/**", "envs/production", true),
            ("envs/production/**", "envs/production/deep/er", true),
            ("envs/production/**", "envs/staging", false),
            ("envs/production/**", "docs", false),
            ("components/*/production/**", "components/a", true),
            ("components/*/production/**", "components/a/production/b", true),
            ("components/*/production/**", "components/a/base", false),
            ("**/production/**", "a/b/c", true),
            ("apps/{a,b/c}/x.yaml", "apps/b/c", true),
            ("apps/v?/x.yaml", "apps/v1", true),
            ("values-production.yaml", "charts", false),
            ("a/b.yaml", "a", true),
            ("a/b.yaml", "a/b.yaml/c", false),
        ];
        for (glob, folder, expected) in cases {
            assert_eq!(may_lie_below(glob, folder), expected, "{glob} {folder}");
        }
    }
}

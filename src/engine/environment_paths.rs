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
        }
    }

    /// The environment of that name.
    pub fn named(&self, name: &str) -> Option<&EnvId> {
        self.environments.iter().find(|env| env.as_str() == name)
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

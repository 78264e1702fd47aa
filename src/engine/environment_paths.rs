//! Which environments a file belongs to, by the path patterns of the configuration. Pure.

use globset::{Glob, GlobMatcher};

use crate::domain::id::EnvId;
use crate::domain::policy::Environment;

/// Compiled path globs of the environments.
#[derive(Debug, Clone)]
pub struct EnvironmentPaths(Vec<(EnvId, Vec<GlobMatcher>)>);

impl EnvironmentPaths {
    /// Compiles validated globs; `*` does not cross `/`, `**` does.
    pub fn new(environments: &[Environment]) -> Self {
        let compile = |glob: &String| {
            globset::GlobBuilder::new(glob)
                .literal_separator(true)
                .build()
                .as_ref()
                .map(Glob::compile_matcher)
                .ok()
        };
        Self(
            environments
                .iter()
                .map(|e| (e.name.clone(), e.paths.iter().filter_map(compile).collect()))
                .collect(),
        )
    }

    /// The environment of that name.
    pub fn named(&self, name: &str) -> Option<&EnvId> {
        self.0.iter().map(|(env, _)| env).find(|env| env.as_str() == name)
    }

    /// Every environment a file belongs to, in promotion order.
    pub fn of<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a EnvId> {
        self.0
            .iter()
            .filter(move |(_, globs)| globs.iter().any(|g| g.is_match(file)))
            .map(|(env, _)| env)
    }
}

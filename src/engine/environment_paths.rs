//! Which environments a file belongs to, by the path patterns of the configuration. Pure.

use globset::{Glob, GlobMatcher};

use crate::domain::id::EnvId;
use crate::domain::policy::Environment;

/// Compiled path globs of the environments.
#[derive(Debug, Clone)]
pub struct EnvironmentPaths(Vec<(EnvId, Vec<GlobMatcher>)>);

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
    pub(crate) fn named(&self, name: &str) -> Option<&EnvId> {
        self.0.iter().map(|(env, _)| env).find(|env| env.as_str() == name)
    }

    /// Whether a file of an environment (of `only` that one) may lie in a folder, or deeper.
    pub(crate) fn may_contain(&self, folder: &str, only: Option<&EnvId>) -> bool {
        let mut ours = self.0.iter().filter(|(env, _)| only.is_none_or(|only| only == env));
        ours.any(|(_, globs)| globs.iter().any(|glob| may_lie_below(glob.glob().glob(), folder)))
    }

    /// Every environment a file belongs to, in promotion order.
    pub fn of<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a EnvId> {
        self.0
            .iter()
            .filter(move |(_, globs)| globs.iter().any(|g| g.is_match(file)))
            .map(|(env, _)| env)
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

//! Which environments a file belongs to, by the path patterns of the configuration. Pure.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use globset::{Candidate, Glob, GlobBuilder, GlobSet};

use crate::config::left_out::{LeftOut, is_named, left_out, perhaps_left_out};
use crate::domain::id::EnvId;
use crate::domain::policy::Environment;

/// Compiled path patterns of the environments.
///
/// A file that deploys nothing by its path (a definition of CI, test data, an example, an archive) is in an
/// environment only where the pattern that matches it spells the folder that says so.
#[derive(Debug, Clone)]
pub struct EnvironmentPaths {
    environments: Vec<EnvId>,
    /// Globs of all environments, so that one pass over a path tells all that match, and the pattern of each glob. One
    /// set, or one for each glob where they are too many for one.
    sets: Vec<(GlobSet, Vec<PathPattern>)>,
}

/// A pattern of an environment.
#[derive(Debug, Clone)]
struct PathPattern {
    /// Index of the environment.
    environment: usize,
    written: String,
    /// It is made of wildcards only, so nobody named a place.
    names_nothing: bool,
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
        let compile = |written: &String| GlobBuilder::new(written).literal_separator(true).build().ok();
        let pattern = |environment: usize, written: &String| PathPattern {
            environment,
            written: written.clone(),
            names_nothing: written.split('/').all(|part| matches!(part, "*" | "**")),
        };
        let globs: Vec<(PathPattern, Glob)> = environments
            .iter()
            .enumerate()
            .flat_map(|(at, environment)| environment.paths.iter().map(move |written| (at, written)))
            .filter_map(|(at, written)| Some((pattern(at, written), compile(written)?)))
            .collect();
        let set = |globs: &[(PathPattern, Glob)]| {
            let set = GlobSet::new(globs.iter().map(|(_, glob)| glob)).ok()?;
            Some((set, globs.iter().map(|(pattern, _)| pattern.clone()).collect()))
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

    /// Whether a file of an environment (of `only` that one) may lie in a folder, or deeper.
    pub(crate) fn may_contain(&self, folder: &str, only: Option<&EnvId>) -> bool {
        let is_ours = |at: usize| only.is_none_or(|only| self.environments.get(at) == Some(only));
        let patterns = self.sets.iter().flat_map(|(_, patterns)| patterns);
        let mut ours = patterns.filter(|pattern| is_ours(pattern.environment));
        ours.any(|pattern| may_lie_below(&pattern.written, folder))
    }

    /// Every environment a file belongs to, in promotion order.
    pub fn of<'a>(&'a self, file: &str) -> impl Iterator<Item = &'a EnvId> + use<'a> {
        let candidate = Candidate::new(file);
        let mut all = BTreeSet::new();
        // Asked only of files that a pattern matches, and once for each of the two questions.
        let (named, perhaps) = (OnceCell::new(), OnceCell::new());
        for (globs, patterns) in &self.sets {
            let matched = globs.matches_candidate(&candidate);
            for pattern in matched.iter().filter_map(|glob| patterns.get(*glob)) {
                let left_out: &Option<LeftOut> = if pattern.names_nothing {
                    perhaps.get_or_init(|| perhaps_left_out(file))
                } else {
                    named.get_or_init(|| left_out(file))
                };
                if left_out.is_none_or(|found| is_named(&pattern.written, file, found)) {
                    all.insert(pattern.environment);
                }
            }
        }
        all.into_iter().filter_map(|at| self.environments.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environments_of(pattern: &str, file: &str) -> usize {
        let mut all = crate::config::infer::environments(&[], &[]);
        all[0].paths = vec![pattern.to_owned()];
        EnvironmentPaths::new(&all).of(file).count()
    }

    #[test]
    fn what_deploys_nothing_is_in_an_environment_that_names_it_only() {
        for (pattern, file, is_in) in [
            ("**", "apps/web/app.yaml", true),
            ("**", ".github/workflows/build.yaml", false),
            ("**", "pkg/render/testdata/in.yaml", false),
            ("**", "test/e2e/app.yaml", false),
            ("test/**", "test/e2e/app.yaml", true),
            ("**", "apps/test/app.yaml", true),
            ("clusters/**", "clusters/test/app.yaml", true),
            ("clusters/**", "clusters/examples/app.yaml", false),
            ("clusters/examples/**", "clusters/examples/app.yaml", true),
            (".github/**", ".github/workflows/build.yaml", true),
            ("**/*", "docs/app.yaml", false),
        ] {
            assert_eq!(environments_of(pattern, file) == 1, is_in, "{pattern} {file}");
        }
    }

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

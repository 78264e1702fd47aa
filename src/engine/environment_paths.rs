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
}

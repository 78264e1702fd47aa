//! Which environments a file belongs to, by the path patterns of the configuration. Pure.

use globset::{Glob, GlobMatcher};

use crate::config::left_out::{is_named, left_out, perhaps_left_out};
use crate::domain::id::EnvId;
use crate::domain::policy::Environment;

/// Compiled path patterns of the environments.
///
/// A file that deploys nothing by its path (a definition of CI, test data, an example, an archive) is in an
/// environment only where the pattern that matches it spells the folder that says so.
#[derive(Debug, Clone)]
pub struct EnvironmentPaths(Vec<(EnvId, Vec<PathPattern>)>);

#[derive(Debug, Clone)]
struct PathPattern {
    written: String,
    glob: GlobMatcher,
    /// It is made of wildcards only, so nobody named a place.
    names_nothing: bool,
}

impl PathPattern {
    fn new(written: &str) -> Option<Self> {
        let glob = globset::GlobBuilder::new(written).literal_separator(true).build();
        Some(Self {
            written: written.to_owned(),
            glob: glob.as_ref().map(Glob::compile_matcher).ok()?,
            names_nothing: written.split('/').all(|part| matches!(part, "*" | "**")),
        })
    }

    fn has(&self, file: &str) -> bool {
        self.glob.is_match(file) && {
            let left_out = if self.names_nothing {
                perhaps_left_out(file)
            } else {
                left_out(file)
            };
            left_out.is_none_or(|found| is_named(&self.written, file, found))
        }
    }
}

impl EnvironmentPaths {
    /// Compiles validated globs; `*` does not cross `/`, `**` does.
    pub fn new(environments: &[Environment]) -> Self {
        let patterns = |e: &Environment| e.paths.iter().filter_map(|written| PathPattern::new(written)).collect();
        Self(environments.iter().map(|e| (e.name.clone(), patterns(e))).collect())
    }

    /// The environment of that name.
    pub fn named(&self, name: &str) -> Option<&EnvId> {
        self.0.iter().map(|(env, _)| env).find(|env| env.as_str() == name)
    }

    /// Every environment a file belongs to, in promotion order.
    pub fn of<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a EnvId> {
        self.0
            .iter()
            .filter(move |(_, patterns)| patterns.iter().any(|pattern| pattern.has(file)))
            .map(|(env, _)| env)
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

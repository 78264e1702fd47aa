//! Checks that need more than the file: does every path pattern match something?

use globset::GlobBuilder;

use super::ConfigError;
use crate::domain::policy::TeamPolicy;

/// Path patterns of environments that match none of these files, as errors with their line.
pub fn unmatched_paths(team: &TeamPolicy, text: &str, file: &str, files: &[String]) -> Vec<ConfigError> {
    let mut problems = Vec::new();
    for env in &team.environments {
        for pattern in &env.paths {
            let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() else {
                continue;
            };
            let matcher = glob.compile_matcher();
            if !files.iter().any(|f| matcher.is_match(f)) {
                let quoted = format!("\"{pattern}\"");
                let line = text.lines().position(|l| l.contains(&quoted)).map_or(1, |at| at + 1);
                let message = format!("{quoted} of environment {} matches no file of the repository", env.name);
                problems.push(ConfigError {
                    file: file.to_owned(),
                    line,
                    message,
                });
            }
        }
    }
    problems
}

//! Checks that need more than the file: does every path pattern match something?

use std::collections::BTreeSet;

use globset::GlobBuilder;

use super::ConfigError;
use crate::domain::failure::{Hint, Part};
use crate::domain::policy::Environment;

/// Path patterns of environments that match none of the files of their branch, as errors with their line.
pub(crate) fn unmatched_paths(
    environments: &[Environment],
    text: &str,
    file: &str,
    files: &[String],
) -> Vec<ConfigError> {
    let mut problems = Vec::new();
    for env in environments {
        for pattern in &env.paths {
            let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() else {
                continue;
            };
            let matcher = glob.compile_matcher();
            if !files.iter().any(|f| matcher.is_match(f)) {
                let quoted = format!("\"{pattern}\"");
                let line = text.lines().position(|l| l.contains(&quoted)).map_or(1, |at| at + 1);
                let of = match (&env.repository, &env.branch) {
                    (Some(repository), Some(branch)) => format!("branch {branch} of {}", repository.address.as_str()),
                    (Some(repository), None) => repository.address.as_str().to_owned(),
                    (None, Some(branch)) => format!("branch {branch}"),
                    (None, None) => "the repository".to_owned(),
                };
                let message = format!("{quoted} of environment {} matches no file of {of}", env.name);
                problems.push(ConfigError {
                    file: file.to_owned(),
                    line,
                    message,
                    hint: nearest(pattern, files)
                        .map(|path| Hint::with("the nearest path is \"{}\"", &[Part::name(&path)])),
                });
            }
        }
    }
    problems
}

/// The folder (or file) of the repository that reads most like a pattern.
fn nearest(pattern: &str, files: &[String]) -> Option<String> {
    let depth = pattern.split('/').filter(|part| *part != "**").count().max(1);
    let plain = pattern.trim_end_matches("/**");
    let heads: BTreeSet<String> = files
        .iter()
        .map(|file| file.split('/').take(depth).collect::<Vec<_>>().join("/"))
        .collect();
    let likeness = |head: &String| strsim::normalized_levenshtein(plain, head);
    let best = heads.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) >= 0.5).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_is_named() {
        let files: Vec<String> = ["envs/staging/api.yaml", "envs/production/api.yaml", "README.md"]
            .map(str::to_owned)
            .into();
        assert_eq!(nearest("envs/stagign/**", &files).as_deref(), Some("envs/staging"));
        assert_eq!(nearest("quite/elsewhere/**", &files), None);
        assert_eq!(nearest("envs/prod/**", &[]), None);
    }
}

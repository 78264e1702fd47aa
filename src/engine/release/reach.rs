//! Which environments a file reaches: by its own path, and through the kustomizations that take it in
//! (GITOPS: a shared base).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::EnvId;
use crate::engine::pins::EnvironmentPaths;

/// File names that make a folder a kustomization.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The kustomizations of a commit: each file with what it takes in, as written.
#[derive(Debug, Default)]
pub(super) struct Reach(BTreeMap<String, Vec<String>>);

impl Reach {
    /// Notes what a file takes in.
    pub fn note(&mut self, file: &str, includes: &[String]) {
        if !includes.is_empty() {
            self.0.insert(file.to_owned(), includes.to_vec());
        }
    }

    /// Every environment that a file reaches.
    pub fn environments(&self, file: &str, paths: &EnvironmentPaths) -> BTreeSet<EnvId> {
        let mut reached: BTreeSet<String> = BTreeSet::from([file.to_owned()]);
        // Upwards, until nobody new takes in what was reached. Every round adds a file, so it ends.
        loop {
            let more: Vec<String> = self
                .0
                .iter()
                .filter(|(who, _)| !reached.contains(*who))
                .filter(|(who, what)| what.iter().any(|path| takes_in(who, path, &reached)))
                .map(|(who, _)| who.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            reached.extend(more);
        }
        reached.iter().flat_map(|file| paths.of(file).cloned()).collect()
    }
}

/// Whether an entry of a kustomization names one of these files, or the folder of one that is itself a
/// kustomization.
fn takes_in(who: &str, entry: &str, files: &BTreeSet<String>) -> bool {
    let Some(path) = resolve(who, entry) else { return false };
    files.contains(&path) || NAMES.iter().any(|name| files.contains(join(&path, name).as_str()))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// A path relative to the folder of `who`; `None` if it leaves the repository.
fn resolve(who: &str, entry: &str) -> Option<String> {
    let mut parts: Vec<&str> = who.split('/').collect();
    parts.pop();
    for part in entry.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Environment;

    fn paths() -> EnvironmentPaths {
        let one = |name: &str| Environment {
            name: name.into(),
            paths: vec![format!("apps/{name}/**")],
            policy: None,
            after: Vec::new(),
            registry: None,
            write: Default::default(),
            confirm: Default::default(),
            read_only: false,
        };
        EnvironmentPaths::new(&[one("staging"), one("production")])
    }

    fn reach(list: &[(&str, &[&str])]) -> Reach {
        let mut reach = Reach::default();
        for (file, includes) in list {
            let includes: Vec<String> = includes.iter().map(|i| (*i).to_owned()).collect();
            reach.note(file, &includes);
        }
        reach
    }

    fn names(of: &Reach, file: &str) -> Vec<String> {
        of.environments(file, &paths())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_file_that_another_environment_takes_in_reaches_it() {
        let reach = reach(&[
            (
                "apps/staging/kustomization.yaml",
                &["../production/shared.yaml", "own.yaml"],
            ),
            ("apps/production/kustomization.yaml", &["shared.yaml"]),
        ]);
        assert_eq!(names(&reach, "apps/production/shared.yaml"), ["production", "staging"]);
        assert_eq!(names(&reach, "apps/staging/own.yaml"), ["staging"]);
    }

    #[test]
    fn a_folder_is_taken_in_through_its_kustomization_and_loops_end() {
        let reach = reach(&[
            ("apps/staging/kustomization.yaml", &["../../base"]),
            ("apps/production/kustomization.yml", &["../../base/"]),
            ("base/kustomization.yaml", &["deployment.yaml", "../apps/staging"]),
        ]);
        assert_eq!(names(&reach, "base/deployment.yaml"), ["production", "staging"]);
        assert_eq!(names(&reach, "base/other.yaml"), [] as [&str; 0]);
    }

    #[test]
    fn what_leaves_the_repository_reaches_nothing() {
        assert_eq!(resolve("a/kustomization.yaml", "../../x"), None);
        assert_eq!(resolve("kustomization.yaml", "./x/../y").as_deref(), Some("y"));
    }
}

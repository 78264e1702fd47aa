//! Environments and service names without configuration, from folder and file names. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::{EnvId, ServiceId};
use crate::domain::policy::{Confirm, Environment, WriteMode};
use crate::domain::reference::Repository;

/// Names that mean an environment wherever they stand, in promotion order.
const KNOWN: [(&str, u8); 30] = [
    ("local", 0),
    ("sandbox", 0),
    ("dev", 1),
    ("develop", 1),
    ("development", 1),
    ("ci", 2),
    ("test", 2),
    ("testing", 2),
    ("int", 3),
    ("integration", 3),
    ("qa", 3),
    ("e2e", 3),
    ("nonprod", 4),
    ("non-prod", 4),
    ("stage", 5),
    ("stg", 5),
    ("staging", 5),
    ("uat", 6),
    ("acceptance", 6),
    ("acc", 6),
    ("preprod", 7),
    ("pre-prod", 7),
    ("preproduction", 7),
    ("pre-production", 7),
    ("canary", 8),
    ("prd", 9),
    ("prod", 9),
    ("production", 9),
    ("live", 9),
    ("dr", 10),
];

/// Folders whose children are environments, whatever they are called.
const HOLDERS: [&str; 6] = ["envs", "environments", "environment", "overlays", "stages", "clusters"];

fn rank(name: &str) -> Option<u8> {
    let lower = name.to_ascii_lowercase();
    KNOWN.iter().find(|(known, _)| *known == lower).map(|(_, rank)| *rank)
}

/// What a path says about its environment: the name, and the pattern that finds its neighbours.
fn place(path: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = path.split('/').collect();
    let (file, folders) = parts.split_last()?;
    let prefix = |upto: usize| format!("{}/**", folders[..=upto].join("/"));
    // A known name wins over an unknown child of a holder; the innermost wins among equals.
    if let Some(at) = folders.iter().rposition(|f| rank(f).is_some()) {
        return Some((folders[at].to_owned(), prefix(at)));
    }
    let stem = file
        .strip_suffix(".yaml")
        .or_else(|| file.strip_suffix(".yml"))
        .unwrap_or(file);
    let word = stem.rsplit(['-', '.', '_']).next().unwrap_or(stem);
    if rank(word).is_some() {
        return Some((word.to_owned(), path.to_owned()));
    }
    let holder = folders.iter().rposition(|f| HOLDERS.contains(f))?;
    let child = folders.get(holder + 1)?;
    let is_shared = matches!(*child, "base" | "common" | "shared");
    (!is_shared).then(|| ((*child).to_owned(), prefix(holder + 1)))
}

/// Environments in promotion order, from the paths of files that hold pins. Where nothing speaks of
/// an environment, there is one, `default`, that holds every file. Inferred environments are read-only
/// and have no policy: nothing is verified until a team says by what.
pub fn environments(paths: &[String]) -> Vec<Environment> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        if let Some((name, pattern)) = place(path) {
            found.entry(name).or_default().insert(escape(&pattern));
        }
    }
    if found.is_empty() {
        return vec![environment("default", vec!["**".to_owned()])];
    }
    let mut names: Vec<(String, BTreeSet<String>)> = found.into_iter().collect();
    names.sort_by_key(|(name, _)| (rank(name).unwrap_or(5), name.clone()));
    names
        .into_iter()
        .map(|(name, paths)| environment(&name, paths.into_iter().collect()))
        .collect()
}

/// A path as a pattern that matches just it (`**` at its end stays).
fn escape(path: &str) -> String {
    let (body, tail) = path.strip_suffix("/**").map_or((path, ""), |body| (body, "/**"));
    let mut out = String::new();
    for c in body.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out + tail
}

fn environment(name: &str, paths: Vec<String>) -> Environment {
    Environment {
        name: EnvId::new(name),
        paths,
        policy: None,
        after: Vec::new(),
        registry: None,
        write: WriteMode::Push,
        confirm: Confirm::Y,
        read_only: true,
    }
}

/// The shortest suffix of each repository's path that is unique among them: `api`, else
/// `team-a/api`; where even the whole path is not, the registry goes before it.
pub fn service_names(repositories: &[Repository]) -> BTreeMap<Repository, ServiceId> {
    let distinct: BTreeSet<&Repository> = repositories.iter().collect();
    let suffix = |repository: &Repository, parts: usize| -> Option<String> {
        let all: Vec<&str> = repository.path().split('/').collect();
        (parts <= all.len()).then(|| all[all.len() - parts..].join("/"))
    };
    distinct
        .iter()
        .map(|repository| {
            let longest = repository.path().split('/').count();
            let unique = (1..=longest).find_map(|parts| {
                let name = suffix(repository, parts)?;
                let others = distinct.iter().filter(|r| *r != repository);
                let taken = others.into_iter().any(|r| suffix(r, parts).as_ref() == Some(&name));
                (!taken).then_some(name)
            });
            let name = unique.unwrap_or_else(|| repository.to_string());
            ((*repository).clone(), ServiceId::new(name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<(String, Vec<String>)> {
        let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
        environments(&paths)
            .into_iter()
            .map(|e| (e.name.to_string(), e.paths))
            .collect()
    }

    #[test]
    fn folders_and_file_names_speak() {
        let found = names(&[
            "apps/api/overlays/production/kustomization.yaml",
            "apps/api/overlays/dev/kustomization.yaml",
            "charts/web/values-staging.yaml",
            "argocd/web-dev.yaml",
            "base/deployment.yaml",
        ]);
        assert_eq!(
            found,
            [
                (
                    "dev".to_owned(),
                    vec!["apps/api/overlays/dev/**".to_owned(), "argocd/web-dev.yaml".to_owned()]
                ),
                ("staging".to_owned(), vec!["charts/web/values-staging.yaml".to_owned()]),
                (
                    "production".to_owned(),
                    vec!["apps/api/overlays/production/**".to_owned()]
                ),
            ]
        );
    }

    #[test]
    fn children_of_holders_count_whatever_they_are_called() {
        let found = names(&[
            "clusters/frankfurt/a.yaml",
            "clusters/dublin/a.yaml",
            "overlays/base/x.yaml",
        ]);
        assert_eq!(
            found.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(),
            ["dublin", "frankfurt"]
        );
    }

    #[test]
    fn everything_is_one_environment_where_nothing_speaks() {
        assert_eq!(
            names(&["deploy/app.yaml"]),
            [("default".to_owned(), vec!["**".to_owned()])]
        );
    }

    #[test]
    fn names_are_the_shortest_unique_suffix() {
        let repositories: Vec<Repository> = [
            "r.example/team-a/api",
            "r.example/team-b/api",
            "r.example/x/web",
            "q.example/x/y",
            "r.example/x/y",
        ]
        .iter()
        .map(|r| Repository::parse(r).expect("valid"))
        .collect();
        let names: Vec<String> = service_names(&repositories).values().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["q.example/x/y", "team-a/api", "team-b/api", "web", "r.example/x/y"]
        );
    }
}

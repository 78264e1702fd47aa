//! The keys about clusters: `[[clusters]]`, `running` and `settle` of an environment, `[pull_through]`.
//!
//! A team names its clusters; it never says how to reach one. A context may run a program for its credentials, so
//! which one belongs to a name is the word of the person ([`super::user`]).

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ConfigError, ConfigText, unknown};
use super::{raw, values};
use crate::domain::reference::Repository;
use crate::domain::running::scope::{ClusterNamespaces, RunningScope};

/// The longest name of a namespace (RFC 1123 label).
const LONGEST_LABEL: usize = 63;

/// What a team says of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedCluster {
    /// The name by which environments name it.
    pub name: String,
    /// The namespaces of Argo CD's Applications and Flux's objects, if they are not those of the environments.
    pub reconcilers: Vec<String>,
}

/// The entries of `[[clusters]]`.
///
/// # Errors
/// If a name is there twice or is no name, a namespace is none, or an entry says how to reach the cluster.
pub(super) fn named(source: &ConfigText<'_>, clusters: &[raw::RawCluster]) -> Result<Vec<NamedCluster>, ConfigError> {
    let mut names: Vec<NamedCluster> = Vec::new();
    for cluster in clusters {
        let name = cluster.name.get_ref();
        if !is_plain(name) {
            let what = format!("{name:?} is no name for a cluster: letters, digits, `-`, `_`, `.`");
            return Err(source.error(cluster.name.span(), what));
        }
        if names.iter().any(|known| known.name == *name) {
            return Err(source.error(cluster.name.span(), format!("cluster {name:?} is there twice")));
        }
        let reaching = [&cluster.context, &cluster.in_cluster, &cluster.kubeconfig];
        if let Some(said) = reaching.into_iter().flatten().next() {
            let what = format!("how cluster {name:?} is reached is not for the team's file to say");
            let hint = "each person says it in their own configuration: [clusters.NAME] with context = \"…\"";
            return Err(source.error(said.span(), what).hint(hint));
        }
        let mut reconcilers = Vec::new();
        for namespace in &cluster.reconcilers {
            check_namespace(source, namespace)?;
            if !reconcilers.contains(namespace.get_ref()) {
                reconcilers.push(namespace.get_ref().clone());
            }
        }
        names.push(NamedCluster {
            name: name.clone(),
            reconcilers,
        });
    }
    Ok(names)
}

/// Where an environment runs.
///
/// # Errors
/// If a cluster is not known, a namespace is none or there twice, or `settle` is no duration.
pub(super) fn scope(
    source: &ConfigText<'_>,
    env: &raw::RawEnvironment,
    clusters: &[NamedCluster],
) -> Result<RunningScope, ConfigError> {
    let mut scope = RunningScope::default();
    if let Some(settle) = &env.settle {
        scope.settle = values::seconds(settle.get_ref()).map_err(|error| source.error(settle.span(), error))?;
    }
    let mut seen = BTreeSet::new();
    for place in &env.running {
        let cluster = place.cluster.get_ref();
        let Some(named) = clusters.iter().find(|known| known.name == *cluster) else {
            let known: Vec<&str> = clusters.iter().map(|known| known.name.as_str()).collect();
            return Err(source.failure(place.cluster.span(), unknown("cluster", cluster, &known)));
        };
        if place.namespaces.get_ref().is_empty() {
            let what = "`namespaces` is empty: name those in which this environment runs, as in [\"shop\"]";
            return Err(source.error(place.namespaces.span(), what));
        }
        for namespace in place.namespaces.get_ref() {
            let name = namespace.get_ref();
            check_namespace(source, namespace)?;
            if !seen.insert((cluster, name)) {
                let what = format!("namespace {name:?} of cluster {cluster:?} is there twice");
                return Err(source.error(namespace.span(), what));
            }
        }
        let namespaces = place.namespaces.get_ref().iter();
        let namespaces: Vec<String> = namespaces.map(|name| name.get_ref().clone()).collect();
        scope.places.push(ClusterNamespaces {
            cluster: cluster.clone(),
            reconcilers: match named.reconcilers.is_empty() {
                true => namespaces.clone(),
                false => named.reconcilers.clone(),
            },
            namespaces,
        });
    }
    Ok(scope)
}

/// The prefixes that stand for a registry, each with what it stands for.
///
/// # Errors
/// If one of them is no `HOST[:PORT][/PATH]`.
pub(super) fn pull_through(
    source: &ConfigText<'_>,
    prefixes: &BTreeMap<raw::RawText, raw::RawText>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let prefix = |text: &raw::RawText| {
        let written = text.get_ref().trim_end_matches('/');
        // A name without a dot or a port would be read as a path on Docker Hub.
        let is_host = Repository::parse(&format!("{written}/x/x"))
            .is_ok_and(|parsed| parsed.to_string() == format!("{written}/x/x"));
        match is_host {
            true => Ok(written.to_owned()),
            false => Err(source.error(
                text.span(),
                format!("{:?} is no registry: write HOST[:PORT][/PATH]", text.get_ref()),
            )),
        }
    };
    let read = |(through, stands_for)| Ok((prefix(through)?, prefix(stands_for)?));
    prefixes.iter().map(read).collect()
}

fn check_namespace(source: &ConfigText<'_>, namespace: &raw::RawText) -> Result<(), ConfigError> {
    let name = namespace.get_ref();
    if is_label(name) {
        return Ok(());
    }
    let what = format!("{name:?} is no namespace: small letters, digits and `-`, at most 63");
    Err(source.error(namespace.span(), what))
}

fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 100 && name.chars().all(allowed)
}

fn is_label(name: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=LONGEST_LABEL).contains(&bytes.len())
        && bytes.iter().all(|&b| is_word(b) || b == b'-')
        && is_word(bytes[0])
        && is_word(bytes[bytes.len() - 1])
}

#[cfg(test)]
mod tests {
    use crate::config::team::load;
    use crate::domain::policy::{PolicySource, TeamPolicy};

    fn read(text: &str) -> Result<TeamPolicy, String> {
        let no_files = |_: &str| Err(std::io::Error::other("no file is named"));
        load(text, "pindeck.toml", &no_files, PolicySource::None).map_err(|error| error.to_string())
    }

    fn environment(rest: &str) -> String {
        format!(
            "version = 1\n[[clusters]]\nname = \"eu\"\n[[environments]]\nname = \"prod\"\npaths = [\"prod/**\"]\n{rest}\n"
        )
    }

    #[test]
    fn an_environment_names_its_clusters_and_namespaces() {
        let text =
            environment("running = [{ cluster = \"eu\", namespaces = [\"shop\", \"shop-jobs\"] }]\nsettle = \"5m\"");
        let team = read(&text).expect("valid");
        let scope = &team.environments[0].running;
        assert_eq!((team.clusters.as_slice(), scope.settle), (&["eu".to_owned()][..], 300));
        assert_eq!(scope.places[0].namespaces, ["shop", "shop-jobs"]);
        let team = read(&environment("")).expect("valid");
        assert_eq!(
            (
                team.environments[0].running.places.len(),
                team.environments[0].running.settle
            ),
            (0, 900)
        );
        let through = read("version = 1\n[pull_through]\n\"cache.example/hub\" = \"docker.io\"\n").expect("valid");
        assert_eq!(
            through.pull_through,
            [("cache.example/hub".to_owned(), "docker.io".to_owned())]
        );
    }

    #[test]
    fn what_is_wrong_about_clusters_is_said_with_its_line() {
        for (text, line, words) in [
            (
                environment("running = [{ cluster = \"ue\", namespaces = [\"shop\"] }]"),
                7,
                "unknown cluster \"ue\"",
            ),
            (
                environment("running = [{ cluster = \"eu\", namespaces = [] }]"),
                7,
                "`namespaces` is empty",
            ),
            (
                environment("running = [{ cluster = \"eu\", namespaces = [\"Shop\"] }]"),
                7,
                "\"Shop\" is no namespace",
            ),
            (
                environment("running = [{ cluster = \"eu\", namespaces = [\"-a\"] }]"),
                7,
                "is no namespace",
            ),
            (
                environment("running = [{ cluster = \"eu\", namespaces = [\"a\", \"a\"] }]"),
                7,
                "is there twice",
            ),
            (
                environment("running = [{ cluster = \"eu\", namespace = \"a\" }]"),
                7,
                "namespace",
            ),
            (environment("settle = \"soon\""), 7, "no duration"),
            (
                "version = 1\n[[clusters]]\nname = \"e u\"\n".to_owned(),
                3,
                "no name for a cluster",
            ),
            (
                "version = 1\n[[clusters]]\nname = \"eu\"\n[[clusters]]\nname = \"eu\"\n".to_owned(),
                5,
                "is there twice",
            ),
            (
                "version = 1\n[[clusters]]\nname = \"eu\"\ncontext = \"admin\"\n".to_owned(),
                4,
                "not for the team's file",
            ),
            (
                "version = 1\n[[clusters]]\nname = \"eu\"\nin_cluster = true\n".to_owned(),
                4,
                "not for the team's file",
            ),
            (
                "version = 1\n[[clusters]]\nname = \"eu\"\nkubeconfig = \"x\"\n".to_owned(),
                4,
                "not for the team's file",
            ),
            (
                "version = 1\n[pull_through]\n\"hub\" = \"docker.io\"\n".to_owned(),
                3,
                "is no registry",
            ),
            (
                "version = 1\n[pull_through]\n\"cache.example\" = \"a b\"\n".to_owned(),
                3,
                "is no registry",
            ),
        ] {
            let error = read(&text).expect_err(&text);
            assert!(
                error.starts_with(&format!("pindeck.toml:{line}: ")) && error.contains(words),
                "{text}{error}"
            );
        }
    }
}

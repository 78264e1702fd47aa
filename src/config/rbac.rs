//! The permissions that looking at a cluster takes, as Kubernetes objects: lists of a few kinds, and nothing else.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::domain::policy::TeamPolicy;

const HEAD: &str = "\
# What pindeck reads in cluster {cluster}: lists of Pods and of what makes them. No secrets, no nodes, nothing is written.
# Bind each Role to whoever runs pindeck:
#   kubectl create rolebinding pindeck-running --role pindeck-running --user NAME --namespace NAMESPACE
";

const WORKLOADS: &str = r#"---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: pindeck-running
  namespace: "{namespace}"
rules:
  - apiGroups: [""]
    resources: ["pods"]
    verbs: ["list", "watch"]
  - apiGroups: ["apps"]
    resources: ["deployments", "replicasets", "statefulsets", "daemonsets"]
    verbs: ["list"]
  - apiGroups: [""]
    resources: ["events"] # optional: why the Pods of a StatefulSet are refused
    verbs: ["list"]
"#;

const RECONCILERS: &str = r#"---
# Optional, where Argo CD or Flux reconciles: whether the commit has arrived. `reconcilers` of the cluster names the
# namespace of their objects, where it is another one than that of the workloads.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: pindeck-reconcilers
  namespace: "{namespace}"
rules:
  - apiGroups: ["argoproj.io"]
    resources: ["applications"]
    verbs: ["list", "watch"]
  - apiGroups: ["kustomize.toolkit.fluxcd.io"]
    resources: ["kustomizations"]
    verbs: ["list", "watch"]
  - apiGroups: ["helm.toolkit.fluxcd.io"]
    resources: ["helmreleases"]
    verbs: ["list", "watch"]
"#;

/// The Roles for one cluster, or for all that a team names: one for each namespace, and those of the reconcilers.
pub(crate) fn roles(team: &TeamPolicy, only: Option<&str>) -> String {
    let mut out = String::new();
    let wanted = |name: &&String| only.is_none_or(|only| only == name.as_str());
    for cluster in team.clusters.iter().filter(wanted) {
        let _ = write!(out, "{}", HEAD.replace("{cluster}", cluster));
        let places = team.environments.iter().flat_map(|env| &env.running.places);
        let here = places.filter(|place| place.cluster == *cluster);
        let namespaces: BTreeSet<&String> = here.flat_map(|place| &place.namespaces).collect();
        for namespace in namespaces {
            out.push_str(&WORKLOADS.replace("{namespace}", namespace));
        }
        let places = team.environments.iter().flat_map(|env| &env.running.places);
        let here = places.filter(|place| place.cluster == *cluster);
        let reconcilers: BTreeSet<&String> = here.flat_map(|place| &place.reconcilers).collect();
        for namespace in reconcilers {
            out.push_str(&RECONCILERS.replace("{namespace}", namespace));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Environment;
    use crate::domain::running::scope::ClusterNamespaces;

    fn team() -> TeamPolicy {
        let place = |cluster: &str, namespaces: &[&str]| ClusterNamespaces {
            cluster: cluster.to_owned(),
            namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
            reconcilers: vec!["argocd".to_owned()],
        };
        let environment = |name: &str, places| {
            let mut environment = Environment::new(name, Vec::new());
            environment.running.places = places;
            environment
        };
        TeamPolicy {
            clusters: vec!["eu".to_owned(), "us".to_owned()],
            environments: vec![
                environment("staging", vec![place("eu", &["shop-staging"])]),
                environment("prod", vec![place("eu", &["shop", "true"]), place("us", &["shop"])]),
            ],
            ..TeamPolicy::default()
        }
    }

    #[test]
    fn each_namespace_has_its_role_once() {
        let all = roles(&team(), None);
        assert_eq!(all.matches("kind: Role\n").count(), 3 + 1 + 2);
        // A namespace may be called like a value of another type.
        assert!(all.contains("namespace: \"true\"\n"));
        let us = roles(&team(), Some("us"));
        assert!(us.contains("cluster us") && us.contains("namespace: \"shop\"") && !us.contains("shop-staging"));
        assert_eq!(roles(&team(), Some("nowhere")), "");
    }

    #[test]
    fn nothing_but_lists_is_asked_for() {
        let all = roles(&team(), None);
        let verbs: BTreeSet<&str> = all
            .lines()
            .filter_map(|line| line.trim().strip_prefix("verbs: "))
            .collect();
        assert_eq!(
            verbs.into_iter().collect::<Vec<_>>(),
            ["[\"list\", \"watch\"]", "[\"list\"]"]
        );
        let rules: Vec<&str> = all
            .lines()
            .filter(|line| line.trim_start().starts_with("resources:"))
            .collect();
        assert!(
            rules
                .iter()
                .all(|line| !line.contains("secrets") && !line.contains("nodes") && !line.contains('*'))
        );
    }
}

//! The demo's manifests: one file a service and environment, in six styles.

use super::plot::{ENVIRONMENTS, ManifestStyle, PlotService};
use crate::domain::id::Digest;

/// What a manifest pins.
#[derive(Debug, Clone, Copy)]
pub(super) struct PinnedImage<'a> {
    pub repository: &'a str,
    pub tag: &'a str,
    pub digest: Option<Digest>,
}

impl PinnedImage<'_> {
    fn reference(&self) -> String {
        let digest = self.digest.map(|d| format!("@{d}")).unwrap_or_default();
        format!("{}:{}{digest}", self.repository, self.tag)
    }
}

/// Path of a service's manifest in an environment.
pub(super) fn path(service: &PlotService, environment: usize) -> String {
    let (env, name) = (ENVIRONMENTS[environment], service.name);
    match service.style {
        ManifestStyle::Kubernetes | ManifestStyle::Flux | ManifestStyle::Argocd => format!("envs/{env}/{name}.yaml"),
        ManifestStyle::Kustomize => format!("envs/{env}/{name}/kustomization.yaml"),
        ManifestStyle::HelmValues => format!("envs/{env}/{name}/values.yaml"),
        ManifestStyle::Compose => format!("envs/{env}/{name}/docker-compose.yml"),
    }
}

/// The file that a service's manifest takes in, with its path, where it takes one in. It names no place to pull from: the
/// manifest says which image that is.
pub(super) fn taken_in(service: &PlotService, environment: usize) -> Option<(String, String)> {
    if service.style != ManifestStyle::Kustomize {
        return None;
    }
    let (env, name) = (ENVIRONMENTS[environment], service.name);
    Some((
        format!("envs/{env}/{name}/deployment.yaml"),
        deployment(name, env, replicas(environment), name),
    ))
}

fn replicas(environment: usize) -> usize {
    if environment == 3 { 4 } else { 1 }
}

fn deployment(name: &str, env: &str, replicas: usize, image: &str) -> String {
    format!(
        "# {name} in {env}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: {env}\nspec:\n  \
         replicas: {replicas}\n  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      \
         labels: {{app: {name}}}\n    spec:\n      containers:\n        - name: {name}\n          image: {image}\n          \
         ports:\n            - containerPort: 8080\n"
    )
}

/// The text of a service's manifest in one environment.
pub(super) fn text(service: &PlotService, environment: usize, pinned: PinnedImage<'_>) -> String {
    let (env, name) = (ENVIRONMENTS[environment], service.name);
    let replicas = replicas(environment);
    match service.style {
        ManifestStyle::Kubernetes => deployment(name, env, replicas, &pinned.reference()),
        ManifestStyle::Kustomize => {
            let digest = pinned.digest.map(|d| format!("    digest: {d}\n")).unwrap_or_default();
            format!(
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {env}\nresources:\n  - deployment.yaml\n\
                 images:\n  - name: {name}\n    newName: {}\n    newTag: \"{}\"\n{digest}",
                pinned.repository, pinned.tag
            )
        }
        ManifestStyle::HelmValues => {
            let digest = pinned.digest.map(|d| format!("  digest: {d}\n")).unwrap_or_default();
            format!(
                "# values of the {name} chart in {env}\nreplicaCount: {replicas}\nimage:\n  repository: {}\n  tag: \"{}\"\n{digest}\
                 service:\n  port: 8080\n",
                pinned.repository, pinned.tag
            )
        }
        ManifestStyle::Flux => {
            let digest = pinned
                .digest
                .map(|d| format!("      digest: {d}\n"))
                .unwrap_or_default();
            format!(
                "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: {name}\n  namespace: {env}\nspec:\n  \
                 interval: 10m\n  chart:\n    spec:\n      chart: {name}\n      sourceRef: {{kind: GitRepository, name: charts}}\n  \
                 values:\n    image:\n      repository: {}\n      tag: \"{}\"\n{digest}",
                pinned.repository, pinned.tag
            )
        }
        ManifestStyle::Compose => format!(
            "services:\n  {name}:\n    image: {}\n    restart: unless-stopped\n    environment:\n      STAGE: {env}\n",
            pinned.reference()
        ),
        ManifestStyle::Argocd => format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}-{env}\n  namespace: argocd\nspec:\n  \
             project: shop\n  destination:\n    namespace: {env}\n    server: https://kubernetes.default.svc\n  source:\n    \
             repoURL: https://git.shop.example/charts\n    path: {name}\n    targetRevision: main\n    kustomize:\n      \
             images:\n        - {name}={}\n  syncPolicy:\n    automated: {{}}\n",
            pinned.reference()
        ),
    }
}

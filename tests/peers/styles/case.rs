//! The styles of the world, and which bytes a promotion of each may change.

/// One pin in one style.
pub struct Case {
    pub service: &'static str,
    pub environment: &'static str,
    /// The environment before, whose pin is the default source.
    pub before: &'static str,
    /// Where the world keeps its pins; the environment's name is `{}`.
    pub file: &'static str,
    /// Where it is built, as manifests write it.
    pub image: &'static str,
    /// The version that is reverted to, and the one that is promoted.
    pub versions: [&'static str; 2],
    /// How the version is written beside the digest, if it is; its place is `{}`.
    pub tag: Option<&'static str>,
    /// How often the digest is written.
    pub times: usize,
}

impl Case {
    /// Its file in an environment.
    pub fn file_in(&self, environment: &str) -> String {
        self.file.replace("{}", environment)
    }

    /// Its file.
    pub fn its_file(&self) -> String {
        self.file_in(self.environment)
    }

    /// Whether its environment pulls from a registry of its own.
    pub fn is_copied(&self) -> bool {
        self.environment == "production"
    }

    /// Host and repository where it is built.
    pub fn built_at(&self) -> (&'static str, String) {
        let host = self.image.split('/').next().expect("a host");
        (host, format!("shop/{}", self.service))
    }
}

/// Every style of the world, each in an environment where it is written.
pub const ALL: [Case; 8] = [
    // Kustomize: `images[].digest` with a tag that is for people.
    Case {
        service: "payments",
        environment: "production",
        before: "staging",
        file: "apps/payments/overlays/{}/kustomization.yaml",
        image: "127.0.0.1:5812/shop/payments",
        versions: ["1.3.0", "1.4.0"],
        tag: Some("newTag: \"{}\""),
        times: 1,
    },
    // Kubernetes: an anchor that feeds two containers, decoys in comments and block scalars.
    Case {
        service: "checkout",
        environment: "production",
        before: "staging",
        file: "apps/checkout/{}/checkout.yaml",
        image: "127.0.0.1:5811/shop/checkout",
        versions: ["1.2.0", "1.4.0"],
        tag: None,
        times: 1,
    },
    // Helm values: an image in one scalar.
    Case {
        service: "frontend",
        environment: "production",
        before: "staging",
        file: "charts/frontend/values-{}.yaml",
        image: "127.0.0.1:5811/shop/frontend",
        versions: ["1.1.0", "1.4.0"],
        tag: Some("shop/frontend:{}@"),
        times: 1,
    },
    // Helm values: repository, tag and digest apart.
    Case {
        service: "catalog",
        environment: "production",
        before: "staging",
        file: "charts/catalog/values-{}.yaml",
        image: "127.0.0.1:5812/shop/catalog",
        versions: ["1.1.0", "1.2.0"],
        tag: Some("tag: \"{}\""),
        times: 1,
    },
    // Compose: two services of one image, one of them without a tag.
    Case {
        service: "ledger",
        environment: "production",
        before: "staging",
        file: "compose/{}/docker-compose.yml",
        image: "127.0.0.1:5811/shop/ledger",
        versions: ["1.1.0", "1.4.0"],
        tag: Some("shop/ledger:{}@"),
        times: 2,
    },
    // Flux: a HelmRelease whose digest is a folded scalar, registry and repository apart.
    Case {
        service: "search",
        environment: "production",
        before: "staging",
        file: "clusters/{}/search.yaml",
        image: "127.0.0.1:5812/shop/search",
        versions: ["1.0.0", "1.1.0"],
        tag: Some("tag: {}\n"),
        times: 1,
    },
    // Argo CD: Helm parameters, in an environment without a registry of its own.
    Case {
        service: "notifier",
        environment: "staging",
        before: "integration",
        file: "argocd/notifier-{}.yaml",
        image: "127.0.0.1:5811/shop/notifier",
        versions: ["1.1.0", "1.4.0"],
        tag: Some("value: \"{}\""),
        times: 1,
    },
    // Argo CD: Kustomize images.
    Case {
        service: "notifier",
        environment: "production",
        before: "staging",
        file: "argocd/notifier-{}.yaml",
        image: "127.0.0.1:5811/shop/notifier",
        versions: ["1.1.0", "1.4.0"],
        tag: None,
        times: 1,
    },
];

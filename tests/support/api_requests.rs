//! What the API servers of tests let themselves be asked: a list or a watch of what pindeck looks at, and its own rules.
//! Anything else ends the test, whatever it was about (docs/reference/running.md, "What a cluster is asked").

use std::collections::BTreeMap;
use std::sync::Mutex;

/// The lists, by group and version.
const LISTS: &[(&str, &[&str])] = &[
    ("api/v1", &["pods", "events"]),
    (
        "apis/apps/v1",
        &["replicasets", "statefulsets", "deployments", "daemonsets"],
    ),
    ("apis/argoproj.io/v1alpha1", &["applications"]),
    ("apis/kustomize.toolkit.fluxcd.io/v1", &["kustomizations"]),
    ("apis/helm.toolkit.fluxcd.io/v2", &["helmreleases"]),
];

/// What a list or a watch may say besides.
const PARAMETERS: &[&str] = &[
    "limit",
    "continue",
    "watch",
    "allowWatchBookmarks",
    "resourceVersion",
    "timeoutSeconds",
    "fieldSelector",
];

/// The one request that is no GET: whoever asks learns what they may do, and nothing is stored.
const RULES: &str = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";

/// The name of what a request line asks for: `list pods`, `watch pods`.
///
/// # Errors
/// If it is nothing that pindeck may ask.
pub fn named(line: &str) -> Result<String, String> {
    let strange = |why: &str| Err(format!("{why}: {line}"));
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return strange("no request");
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if method == "POST" && path == RULES {
        return Ok("review rules".to_owned());
    }
    if method != "GET" {
        return strange("a method that may change something");
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let keys: Vec<&str> = pairs.map(|pair| pair.split('=').next().unwrap_or_default()).collect();
    if let Some(other) = keys.iter().find(|key| !PARAMETERS.contains(key)) {
        return strange(&format!("parameter {other}"));
    }
    let Some((group, rest)) = path.trim_start_matches('/').split_once("/namespaces/") else {
        return strange("no list of a namespace");
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let [_, kind] = parts.as_slice() else {
        return strange("no list but an object of it");
    };
    let may_be = LISTS
        .iter()
        .any(|(known, kinds)| *known == group && kinds.contains(kind));
    match may_be {
        true => Ok(format!(
            "{} {kind}",
            if keys.contains(&"watch") { "watch" } else { "list" }
        )),
        false => strange("a kind that nobody looks at"),
    }
}

/// Everything that one server was asked.
#[derive(Debug, Default)]
pub struct ApiRequests {
    asked: Mutex<BTreeMap<String, u32>>,
    strange: Mutex<Vec<String>>,
}

impl ApiRequests {
    /// Takes a request line in.
    pub fn take(&self, line: &str) {
        match named(line) {
            Ok(name) => *self.asked.lock().expect("no test panics").entry(name).or_default() += 1,
            Err(strange) => self.strange.lock().expect("no test panics").push(strange),
        }
    }

    /// Ends the test if anything else was asked. A connection that said nothing is no request.
    pub fn verdict(&self) {
        let strange = self.strange.lock().map(|all| all.clone()).unwrap_or_default();
        let strange: Vec<String> = strange.into_iter().filter(|one| one != "no request: ").collect();
        if !strange.is_empty() && !std::thread::panicking() {
            panic!("a cluster was asked what it must not be asked: {strange:#?}");
        }
    }
}

#[test]
fn nothing_but_lists_may_be_asked() {
    for (line, name) in [
        ("GET /api/v1/namespaces/shop/pods?limit=500 HTTP/1.1", "list pods"),
        (
            "GET /api/v1/namespaces/shop/pods?watch=true&resourceVersion=7 HTTP/1.1",
            "watch pods",
        ),
        (
            "GET /apis/argoproj.io/v1alpha1/namespaces/argocd/applications HTTP/1.1",
            "list applications",
        ),
        (
            "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews HTTP/1.1",
            "review rules",
        ),
    ] {
        assert_eq!(named(line).as_deref(), Ok(name));
    }
    for line in [
        "GET /api/v1/namespaces/shop/secrets HTTP/1.1",
        "GET /api/v1/nodes HTTP/1.1",
        "GET /api/v1/pods HTTP/1.1",
        "GET /api/v1/namespaces/shop/pods/web-1 HTTP/1.1",
        "GET /api/v1/namespaces/shop/pods/web-1/log HTTP/1.1",
        "GET /api/v1/namespaces/shop/pods?labelSelector=a HTTP/1.1",
        "POST /api/v1/namespaces/shop/pods HTTP/1.1",
        "PATCH /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop HTTP/1.1",
        "DELETE /api/v1/namespaces/shop/pods HTTP/1.1",
        "",
    ] {
        assert!(named(line).is_err(), "{line}");
    }
    let asked = ApiRequests::default();
    asked.take("GET /api/v1/namespaces/shop/secrets HTTP/1.1");
    assert!(std::panic::catch_unwind(|| asked.verdict()).is_err());
}

//! The one request that a cluster gets: a list, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::ClusterError;
use super::kubeconfig::{ClusterAccount, Login};
use super::token_file::read_token;
use crate::domain::Wording;
use crate::sources::error_text::with_causes;
use crate::sources::loopback::is_loopback;

/// Sendings of one page while the server asks to wait.
const TRIES: u32 = 3;

/// How often a list is begun anew because its pages expired.
const BEGINNINGS: u32 = 2;

/// How much of a server's words is repeated.
const WORDS_CAP: usize = 500;

/// What may be listed. There is no other request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listed {
    /// What runs, and what waits to run.
    Pods,
    /// ReplicaSets: their conditions say why Pods are refused.
    ReplicaSets,
    /// StatefulSets, for their templates.
    StatefulSets,
    /// Deployments: how far each is with its newest template.
    Deployments,
    /// DaemonSets, for the same.
    DaemonSets,
    /// Events with the reason `FailedCreate`: StatefulSets have no condition for it.
    FailedCreations,
    /// Applications of Argo CD.
    Applications,
    /// Kustomizations of Flux.
    Kustomizations,
    /// Helm releases of Flux.
    HelmReleases,
}

impl Listed {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Pods,
        Self::ReplicaSets,
        Self::StatefulSets,
        Self::Deployments,
        Self::DaemonSets,
        Self::FailedCreations,
        Self::Applications,
        Self::Kustomizations,
        Self::HelmReleases,
    ];

    /// The path below the server, and what is asked for besides.
    const fn place(
        self,
    ) -> (
        &'static [&'static str],
        &'static str,
        Option<(&'static str, &'static str)>,
    ) {
        const APPS: &[&str] = &["apis", "apps", "v1"];
        const CORE: &[&str] = &["api", "v1"];
        const ARGO: &[&str] = &["apis", "argoproj.io", "v1alpha1"];
        const KUSTOMIZE: &[&str] = &["apis", "kustomize.toolkit.fluxcd.io", "v1"];
        const HELM: &[&str] = &["apis", "helm.toolkit.fluxcd.io", "v2"];
        match self {
            Self::Pods => (CORE, "pods", None),
            Self::ReplicaSets => (APPS, "replicasets", None),
            Self::StatefulSets => (APPS, "statefulsets", None),
            Self::Deployments => (APPS, "deployments", None),
            Self::DaemonSets => (APPS, "daemonsets", None),
            Self::Applications => (ARGO, "applications", None),
            Self::Kustomizations => (KUSTOMIZE, "kustomizations", None),
            Self::HelmReleases => (HELM, "helmreleases", None),
            Self::FailedCreations => (CORE, "events", Some(("fieldSelector", "reason=FailedCreate"))),
        }
    }
}

/// Limits of one list. The defaults are those of docs/reference/running.md, "What a cluster is asked".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterLimits {
    /// Time to connect.
    pub connect: Duration,
    /// Time for one list with all its pages.
    pub list: Duration,
    /// Time for the program that gives credentials.
    pub plugin: Duration,
    /// The longest pause that a server may ask for.
    pub pause: Duration,
    /// Objects of one page.
    pub page: u32,
    /// Objects of one list.
    pub objects: usize,
    /// Bytes of one list.
    pub bytes: usize,
}

impl Default for ClusterLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            list: Duration::from_secs(30),
            plugin: Duration::from_secs(30),
            pause: Duration::from_secs(8),
            page: 500,
            objects: 20_000,
            bytes: 64 << 20,
        }
    }
}

/// A list, as far as it came.
#[derive(Debug)]
pub struct ListedObjects<T> {
    /// What was read.
    pub items: Vec<T>,
    /// Why it is not whole, if so.
    pub unfinished: Option<ClusterError>,
}

/// One cluster that is looked at.
#[derive(Debug)]
pub struct ClusterClient {
    cluster: String,
    account: ClusterAccount,
    limits: ClusterLimits,
    session: Mutex<Option<Session>>,
    /// The version of the last list of Pods, by namespace: a watch goes on from there.
    versions: std::sync::Mutex<BTreeMap<String, String>>,
}

/// A client with its credentials, made at the first request and again when they are no longer accepted.
#[derive(Debug, Clone)]
pub(super) struct Session {
    http: reqwest::Client,
    authorization: Option<HeaderValue>,
}

impl Session {
    /// Sends the one request that there is.
    pub(super) async fn send(&self, url: &Url) -> Result<reqwest::Response, reqwest::Error> {
        let mut asked = self.http.get(url.clone()).header(ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            asked = asked.header(AUTHORIZATION, authorization.clone());
        }
        asked.send().await
    }
}

#[derive(Deserialize)]
struct ListPage<T> {
    #[serde(default)]
    metadata: PageMetadata,
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue", default)]
    next: Option<String>,
    #[serde(rename = "resourceVersion", default)]
    version: Option<String>,
}

#[derive(Deserialize)]
struct ServerStatus {
    message: Option<String>,
}

/// What became of one page.
enum PageAnswer<T> {
    Page(ListPage<T>, usize),
    Expired,
}

impl ClusterClient {
    /// A client for the cluster of that name. Nothing is sent before something is asked.
    pub fn new(cluster: impl Into<String>, account: ClusterAccount, limits: ClusterLimits) -> Self {
        Self {
            cluster: cluster.into(),
            account,
            limits,
            session: Mutex::new(None),
            versions: std::sync::Mutex::default(),
        }
    }

    /// The cluster's name in `pindeck.toml`.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Lists what a namespace has, in pages, as far as that goes.
    pub(super) async fn list<T: DeserializeOwned>(&self, listed: Listed, namespace: &str) -> ListedObjects<T> {
        let mut items = Vec::new();
        let what = format!("{} in {namespace}", listed.place().1);
        let walk = self.pages(listed, namespace, &what, &mut items);
        let unfinished = match tokio::time::timeout(self.limits.list, walk).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(ClusterError::Timeout {
                cluster: self.cluster.clone(),
                what,
                seconds: self.limits.list.as_secs(),
            }),
        };
        ListedObjects { items, unfinished }
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        listed: Listed,
        namespace: &str,
        what: &str,
        items: &mut Vec<T>,
    ) -> Result<(), ClusterError> {
        let cut = |detail: String| ClusterError::Cut {
            cluster: self.cluster.clone(),
            what: what.to_owned(),
            detail,
        };
        for _ in 0..BEGINNINGS {
            items.clear();
            let mut bytes = 0;
            let mut next: Option<String> = None;
            loop {
                let url = self.url(listed, namespace, next.as_deref())?;
                let left = self.limits.bytes - bytes;
                let (page, size) = match self.page(&url, what, left).await? {
                    PageAnswer::Page(page, size) => (page, size),
                    PageAnswer::Expired => break,
                };
                bytes += size;
                items.extend(page.items);
                if listed == Listed::Pods
                    && let Some(version) = page.metadata.version
                {
                    self.versions().insert(namespace.to_owned(), version);
                }
                if items.len() > self.limits.objects {
                    items.truncate(self.limits.objects);
                    return Err(cut(format!("it has more than {} objects", self.limits.objects)));
                }
                next = page.metadata.next.filter(|next| !next.is_empty());
                if next.is_none() {
                    return Ok(());
                }
            }
        }
        Err(cut("its pages expired while it was read".to_owned()))
    }

    pub(super) fn versions(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.versions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn url(&self, listed: Listed, namespace: &str, next: Option<&str>) -> Result<Url, ClusterError> {
        let wrong = |detail: String| self.wrong_config(Wording::own(detail));
        let mut url = Url::parse(&self.account.server).map_err(|error| wrong(format!("`server`: {error}")))?;
        let (folder, kind, filter) = listed.place();
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty()
                    .extend(folder)
                    .extend(["namespaces", namespace, kind]);
            }
            Err(()) => return Err(wrong("`server` is no address".to_owned())),
        }
        url.query_pairs_mut()
            .append_pair("limit", &self.limits.page.to_string());
        if let Some((name, value)) = filter {
            url.query_pairs_mut().append_pair(name, value);
        }
        if let Some(next) = next {
            url.query_pairs_mut().append_pair("continue", next);
        }
        Ok(url)
    }

    /// Asks for one page until there is an answer.
    async fn page<T: DeserializeOwned>(
        &self,
        url: &Url,
        what: &str,
        cap: usize,
    ) -> Result<PageAnswer<T>, ClusterError> {
        let mut has_logged_in = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let session = self.session().await?;
            let broken = |error: reqwest::Error| ClusterError::Connection {
                cluster: self.cluster.clone(),
                what: what.to_owned(),
                detail: Wording::of_another(with_causes(&error)),
            };
            let mut response = session.send(url).await.map_err(broken)?;
            let status = response.status();
            let pause = response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok());
            let mut body: Vec<u8> = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(broken)? {
                if body.len() + chunk.len() > cap {
                    return Err(ClusterError::Cut {
                        cluster: self.cluster.clone(),
                        what: what.to_owned(),
                        detail: format!("it is larger than {} bytes", self.limits.bytes),
                    });
                }
                body.extend_from_slice(&chunk);
            }
            match status {
                StatusCode::OK => {
                    let size = body.len();
                    let page = serde_json::from_slice(&body);
                    return page.map(|page| PageAnswer::Page(page, size)).map_err(|error| {
                        self.answer(what, Wording::own(format!("something that is no list ({error})")))
                    });
                }
                StatusCode::GONE => return Ok(PageAnswer::Expired),
                StatusCode::UNAUTHORIZED if !has_logged_in && self.can_log_in_again() => {
                    has_logged_in = true;
                    *self.session.lock().await = None;
                }
                StatusCode::UNAUTHORIZED => {
                    return Err(ClusterError::Unauthorized {
                        cluster: self.cluster.clone(),
                    });
                }
                StatusCode::FORBIDDEN => {
                    return Err(ClusterError::Forbidden {
                        cluster: self.cluster.clone(),
                        what: what.to_owned(),
                    });
                }
                StatusCode::NOT_FOUND => {
                    return Err(ClusterError::NoSuchKind {
                        cluster: self.cluster.clone(),
                        what: what.to_owned(),
                    });
                }
                StatusCode::TOO_MANY_REQUESTS if tries < TRIES => {
                    let pause = Duration::from_secs(pause.unwrap_or(1));
                    if pause > self.limits.pause {
                        return Err(self.status(what, status, &body));
                    }
                    tokio::time::sleep_until(Instant::now() + pause).await;
                }
                _ => return Err(self.status(what, status, &body)),
            }
        }
    }

    /// Credentials that are not accepted any more can be had anew where a program or a file gives them.
    fn can_log_in_again(&self) -> bool {
        self.account.login.exec.is_some() || self.account.login.token_file.is_some()
    }

    pub(super) async fn session(&self) -> Result<Session, ClusterError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept {
            return Ok(session.clone());
        }
        let session = self.log_in().await?;
        *kept = Some(session.clone());
        Ok(session)
    }

    async fn log_in(&self) -> Result<Session, ClusterError> {
        let denied = |detail: String| ClusterError::Credentials {
            cluster: self.cluster.clone(),
            context: self.account.context.clone(),
            detail: Wording::of_another(detail),
        };
        let given = &self.account.login;
        let login = match &given.exec {
            Some(exec) => {
                let given = exec.credential(self.limits.plugin).await.map_err(denied)?;
                Login {
                    token: given.token,
                    identity: given.identity,
                    ..Login::default()
                }
            }
            None => given.clone(),
        };
        let token = match (&login.token, &login.token_file) {
            (_, Some(file)) => Some(read_token(file).map_err(denied)?),
            (Some(token), None) => Some(token.0.clone()),
            (None, None) => None,
        };
        let authorization = match (token, &login.basic) {
            (Some(token), _) => Some(format!("Bearer {token}")),
            (None, Some((name, password))) => {
                use base64::Engine as _;
                let pair = format!("{name}:{}", password.0);
                Some(format!(
                    "Basic {}",
                    base64::engine::general_purpose::STANDARD.encode(pair)
                ))
            }
            (None, None) => None,
        };
        let authorization = authorization.map(HeaderValue::try_from).transpose();
        let mut authorization = authorization.map_err(|_| denied("the token is no text for a header".to_owned()))?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Ok(Session {
            http: self.http(&login)?,
            authorization,
        })
    }

    fn http(&self, login: &Login) -> Result<reqwest::Client, ClusterError> {
        let wrong = |what: &str, error: reqwest::Error| {
            self.wrong_config(Wording::of_another(format!("{what}: {}", with_causes(&error))))
        };
        let is_plain = self.account.server.starts_with("http://");
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pindeck/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.limits.connect);
        builder = match &self.account.proxy {
            Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy).map_err(|error| wrong("`proxy-url`", error))?),
            None if is_this_machine(&self.account.server) => builder.no_proxy(),
            None => builder,
        };
        if is_plain {
            builder = builder.tls_certs_only([]);
        } else if let Some(pem) = &self.account.authority {
            // A cluster's own authority is the only one that counts for it.
            let certificates = reqwest::Certificate::from_pem_bundle(pem);
            builder = builder.tls_certs_only(certificates.map_err(|error| wrong("`certificate-authority`", error))?);
        }
        if self.account.skips_verification {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(pem) = &login.identity {
            let identity = reqwest::Identity::from_pem(&pem.0);
            builder = builder.identity(identity.map_err(|error| wrong("`client-certificate`", error))?);
        }
        builder.build().map_err(|error| wrong("no TLS", error))
    }

    fn wrong_config(&self, detail: Wording) -> ClusterError {
        ClusterError::Kubeconfig {
            cluster: self.cluster.clone(),
            detail,
        }
    }

    fn answer(&self, what: &str, detail: Wording) -> ClusterError {
        ClusterError::Answer {
            cluster: self.cluster.clone(),
            what: what.to_owned(),
            detail,
        }
    }

    fn status(&self, what: &str, status: StatusCode, body: &[u8]) -> ClusterError {
        let said = serde_json::from_slice::<ServerStatus>(body)
            .ok()
            .and_then(|said| said.message);
        let detail = match said {
            Some(said) => Wording::of_another(format!("{status}: {}", &said[..said.floor_char_boundary(WORDS_CAP)])),
            None => Wording::own(status.to_string()),
        };
        self.answer(what, detail)
    }
}

/// Whether the host of a server's URL is this machine.
fn is_this_machine(server: &str) -> bool {
    let url = Url::parse(server).ok();
    url.is_some_and(|url| url.host_str().is_some_and(is_loopback))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

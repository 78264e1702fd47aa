//! Where credentials come from: the files and helpers that Docker and Podman already use.
//!
//! Nothing is read before a registry asks. A file or helper that fails is an error: going on
//! anonymously would show a private repository as missing.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Mutex, OnceCell};

use crate::domain::{Wording, quoted};

/// Docker Hub's key in credential files.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// How long a helper may take; some ask a cloud.
const HELPER_TIME: Duration = Duration::from_secs(15);
/// Longest credential file that is read.
const MAX_FILE: u64 = 4 << 20;

/// A text that no log, error or debug output may show.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    /// The text itself; only for building a request.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// How to authenticate at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// User and password.
    Basic { user: String, password: Secret },
    /// An identity token, to be exchanged by a refresh grant.
    Identity(Secret),
    /// A bearer token that is sent as it is.
    Bearer(Secret),
}

/// Credential files and helpers, read when a registry asks and not before.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    files: Vec<PathBuf>,
    loaded: Arc<OnceCell<Result<Vec<File>, Wording>>>,
    helped: Arc<Mutex<HelperAnswers>>,
}

/// What helpers answered, by helper and server.
type HelperAnswers = HashMap<(String, String), Option<Credential>>;

#[derive(Debug)]
struct File {
    path: PathBuf,
    wire: WireFile,
}

#[derive(Debug, Default, serde::Deserialize)]
struct WireFile {
    #[serde(default)]
    auths: Option<BTreeMap<String, WireAuth>>,
    #[serde(default, rename = "credHelpers")]
    helpers: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct WireAuth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl fmt::Debug for WireAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Credentials {
    /// No credentials at all.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The files that Docker and Podman use, found through the process's environment:
    /// `REGISTRY_AUTH_FILE`, then `DOCKER_CONFIG` or `~/.docker`, then Podman's own places.
    pub(crate) fn from_environment() -> Self {
        let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let home = directories::BaseDirs::new();
        let mut files = Vec::new();
        files.extend(folder("REGISTRY_AUTH_FILE"));
        match (folder("DOCKER_CONFIG"), &home) {
            (Some(docker), _) => files.push(docker.join("config.json")),
            (None, Some(home)) => files.push(home.home_dir().join(".docker/config.json")),
            (None, None) => {}
        }
        files.extend(folder("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")));
        files.extend(home.map(|home| home.config_dir().join("containers/auth.json")));
        Self::from_files(files)
    }

    /// These files, the first that knows a registry decides. Missing ones are skipped.
    pub fn from_files(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// The credential for a repository (`path` within `registry`), if there is one.
    pub(super) async fn lookup(&self, registry: &str, path: &str) -> Result<Option<Credential>, Wording> {
        if self.files.is_empty() {
            return Ok(None);
        }
        let loaded = self.loaded.get_or_init(|| load(self.files.clone())).await;
        for file in loaded.as_ref().map_err(Clone::clone)? {
            if let Some(found) = self.of_file(file, registry, path).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn of_file(&self, file: &File, registry: &str, path: &str) -> Result<Option<Credential>, Wording> {
        let server = if registry == "docker.io" { HUB_KEY } else { registry };
        let keys = keys(registry, path);
        let in_file = |detail: &str| Wording::own(format!("{}: {detail}", file.path.display()));
        let helpers = file.wire.helpers.as_ref();
        for key in &keys {
            let helper = helpers.and_then(|map| map.iter().find(|(name, _)| normal(name) == *key));
            if let Some((_, helper)) = helper {
                return self.ask_helper(helper, server).await;
            }
        }
        let auths = file.wire.auths.as_ref();
        for key in &keys {
            let entries = auths.into_iter().flatten().filter(|(name, _)| normal(name) == *key);
            for (name, entry) in entries {
                if let Some(found) = entry
                    .credential()
                    .map_err(|why| in_file(&format!("entry {name:?} {why}")))?
                {
                    return Ok(Some(found));
                }
            }
        }
        match file.wire.store.as_deref().filter(|store| !store.is_empty()) {
            Some(store) => self.ask_helper(store, server).await,
            None => Ok(None),
        }
    }

    /// Asks a credential helper, once per run and server. The lock is kept meanwhile: parallel
    /// requests must not start as many helpers.
    async fn ask_helper(&self, helper: &str, server: &str) -> Result<Option<Credential>, Wording> {
        let key = (helper.to_owned(), server.to_owned());
        let mut helped = self.helped.lock().await;
        if let Some(known) = helped.get(&key) {
            return Ok(known.clone());
        }
        let found = run_helper(helper, server).await?;
        helped.insert(key, found.clone());
        Ok(found)
    }
}

async fn load(paths: Vec<PathBuf>) -> Result<Vec<File>, Wording> {
    let mut files = Vec::new();
    for path in paths {
        let wrong = |detail: String| Wording::own(format!("{}: {detail}", path.display()));
        match tokio::fs::metadata(&path).await {
            Ok(meta) if meta.len() > MAX_FILE => return Err(wrong("too large".to_owned())),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(wrong(quoted(&error).into_string())),
        }
        let text = tokio::fs::read(&path)
            .await
            .map_err(|error| wrong(quoted(&error).into_string()))?;
        if text.trim_ascii().is_empty() {
            continue;
        }
        // serde_json's message could quote a secret; line and column suffice.
        let wire = serde_json::from_slice(&text)
            .map_err(|error| wrong(format!("not valid at line {} column {}", error.line(), error.column())))?;
        files.push(File { path, wire });
    }
    Ok(files)
}

/// Keys that may name a repository, the most special first: `host/a/b`, `host/a`, `host`.
fn keys(registry: &str, path: &str) -> Vec<String> {
    let full = format!("{registry}/{path}");
    let mut keys: Vec<String> = Vec::new();
    let mut rest = full.as_str();
    loop {
        keys.push(rest.to_owned());
        match rest.rfind('/') {
            Some(slash) => rest = &rest[..slash],
            None => break,
        }
    }
    keys
}

/// A file's key without scheme, API version and trailing slash; Docker Hub's names as one.
fn normal(key: &str) -> String {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let bare = bare.trim_end_matches('/');
    let bare = bare
        .strip_suffix("/v1")
        .or_else(|| bare.strip_suffix("/v2"))
        .unwrap_or(bare);
    let (host, rest) = bare.split_once('/').map_or((bare, ""), |(host, rest)| (host, rest));
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    };
    if rest.is_empty() {
        host.to_owned()
    } else {
        format!("{host}/{rest}")
    }
}

impl WireAuth {
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Credential::Bearer(Secret(token))));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Credential::Identity(Secret(token))));
        }
        if let (Some(user), Some(password)) = (given(&self.username), given(&self.password)) {
            return Ok(Some(basic(user, password)));
        }
        let Some(auth) = given(&self.auth) else { return Ok(None) };
        let raw = STANDARD.decode(auth.trim()).map_err(|_| "holds no valid base64")?;
        let text = String::from_utf8(raw).map_err(|_| "is not UTF-8")?;
        let (user, password) = text.split_once(':').ok_or("is not `user:password`")?;
        Ok(Some(basic(user.to_owned(), password.trim_end_matches('\0').to_owned())))
    }
}

fn basic(user: String, password: String) -> Credential {
    // What Docker writes for an identity token.
    if user == "<token>" || user == "00000000-0000-0000-0000-000000000000" && password.starts_with("ey") {
        return Credential::Identity(Secret(password));
    }
    Credential::Basic {
        user,
        password: Secret(password),
    }
}

#[derive(serde::Deserialize)]
struct WireHelperAnswer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

async fn run_helper(helper: &str, server: &str) -> Result<Option<Credential>, Wording> {
    let sane = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if helper.is_empty() || !helper.chars().all(sane) {
        return Err(Wording::own(format!("{helper:?} is no name of a credential helper")));
    }
    let program = format!("docker-credential-{helper}");
    let failed = |detail: String| Wording::own(format!("{program}: {detail}"));
    let mut child = tokio::process::Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(quoted(&error).into_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input still answers.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let output = tokio::time::timeout(HELPER_TIME, child.wait_with_output())
        .await
        .map_err(|_| failed(format!("no answer within {} s", HELPER_TIME.as_secs())))?
        .map_err(|error| failed(quoted(&error).into_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let words = text.trim();
        if words.contains("credentials not found") || words.contains("no credentials server URL") {
            return Ok(None);
        }
        let words: String = words.chars().take(200).collect();
        return Err(failed(format!("failed: {}", quoted(&words))));
    }
    let answer: WireHelperAnswer =
        serde_json::from_str(&text).map_err(|_| failed("its answer is not JSON".to_owned()))?;
    if answer.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(basic(answer.username, answer.secret)))
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;

//! Kubeconfig files: how one context of them reaches its cluster, merged by kubectl's rules.
//!
//! What pindeck does not handle is refused by name and never left out: a request without a part of its settings
//! might go elsewhere, or as somebody else.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::exec::ExecPlugin;
use super::secret::{SecretBytes, SecretText};
use crate::sources::git::manifest::events::{YamlEventKind, read};
use granit_parser::ScalarStyle;

/// The folder of a Pod's own service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How a cluster is reached, and as whom.
#[derive(Debug, Clone)]
pub struct ClusterAccount {
    pub(super) server: String,
    pub(super) authority: Option<Vec<u8>>,
    pub(super) skips_verification: bool,
    pub(super) proxy: Option<String>,
    pub(super) login: Login,
    pub(super) context: String,
}

/// Who asks. Several may be given; a client certificate may stand beside a token.
#[derive(Debug, Clone, Default)]
pub(super) struct Login {
    pub token: Option<SecretText>,
    pub token_file: Option<PathBuf>,
    /// Certificate and key, PEM.
    pub identity: Option<SecretBytes>,
    pub basic: Option<(String, SecretText)>,
    pub exec: Option<ExecPlugin>,
}

/// Kubeconfig files, merged: of two entries with one name the first counts.
#[derive(Debug, Default)]
pub struct Kubeconfig {
    clusters: Vec<(Named<ClusterEntry>, PathBuf)>,
    users: Vec<(Named<UserEntry>, PathBuf)>,
    contexts: Vec<Named<ContextEntry>>,
}

#[derive(Debug, Deserialize)]
struct Named<T> {
    name: String,
    #[serde(alias = "cluster", alias = "user", alias = "context")]
    entry: T,
}

#[derive(Debug, Default, Deserialize)]
struct KubeconfigFile {
    #[serde(default)]
    clusters: Option<Vec<Value>>,
    #[serde(default)]
    users: Option<Vec<Value>>,
    #[serde(default)]
    contexts: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterEntry {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ContextEntry {
    cluster: String,
    user: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct UserEntry {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    username: Option<String>,
    password: Option<String>,
    exec: Option<ExecPlugin>,
    auth_provider: Option<Value>,
    #[serde(rename = "as")]
    impersonate: Option<Value>,
}

impl Kubeconfig {
    /// Reads the files that `KUBECONFIG` names, or that a person names, in their order. Files that are not there are
    /// left out, as kubectl does.
    ///
    /// # Errors
    /// What is wrong with a file, in words.
    pub fn read(files: &[PathBuf]) -> Result<Self, String> {
        let mut all = Self::default();
        for file in files {
            let text = match std::fs::read_to_string(file) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{}: {error}", file.display())),
            };
            let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
            all.add(&text, &folder)
                .map_err(|why| format!("{}: {why}", file.display()))?;
        }
        Ok(all)
    }

    fn add(&mut self, text: &str, folder: &Path) -> Result<(), String> {
        let file: KubeconfigFile = entry(yaml(text)?)?;
        for value in file.clusters.into_iter().flatten() {
            self.clusters.push((entry(value)?, folder.to_owned()));
        }
        for value in file.users.into_iter().flatten() {
            self.users.push((entry(value)?, folder.to_owned()));
        }
        for value in file.contexts.into_iter().flatten() {
            self.contexts.push(entry(value)?);
        }
        Ok(())
    }

    /// How a context reaches its cluster.
    ///
    /// # Errors
    /// What is missing, wrong or not handled, in words.
    pub fn account(&self, context: &str) -> Result<ClusterAccount, String> {
        let found = self.contexts.iter().find(|one| one.name == context);
        let found = &found.ok_or_else(|| format!("there is no context {context:?}"))?.entry;
        let cluster = self.clusters.iter().find(|(one, _)| one.name == found.cluster);
        let (cluster, folder) = cluster.ok_or_else(|| format!("there is no cluster {:?}", found.cluster))?;
        let cluster = &cluster.entry;
        if cluster.tls_server_name.is_some() {
            return Err("`tls-server-name` is not handled".to_owned());
        }
        let authority = data_or_file(
            cluster.certificate_authority_data.as_deref(),
            cluster.certificate_authority.as_deref(),
            folder,
        )?;
        let login = match &found.user {
            None => Login::default(),
            Some(name) => {
                let user = self.users.iter().find(|(one, _)| one.name == *name);
                let (user, folder) = user.ok_or_else(|| format!("there is no user {name:?}"))?;
                user.entry.login(folder)?
            }
        };
        Ok(ClusterAccount {
            server: cluster.server.clone(),
            authority,
            skips_verification: cluster.insecure_skip_tls_verify,
            proxy: cluster.proxy_url.clone(),
            login,
            context: context.to_owned(),
        })
    }
}

impl UserEntry {
    fn login(&self, folder: &Path) -> Result<Login, String> {
        if self.auth_provider.is_some() {
            return Err("`auth-provider` is not handled; kubectl has replaced it by `exec` plug-ins".to_owned());
        }
        if self.impersonate.is_some() {
            return Err("`as` is not handled".to_owned());
        }
        let certificate = data_or_file(
            self.client_certificate_data.as_deref(),
            self.client_certificate.as_deref(),
            folder,
        )?;
        let key = data_or_file(self.client_key_data.as_deref(), self.client_key.as_deref(), folder)?;
        let identity = match (certificate, key) {
            (Some(mut certificate), Some(key)) => {
                certificate.push(b'\n');
                certificate.extend(key);
                Some(SecretBytes(certificate))
            }
            (None, None) => None,
            _ => return Err("a client certificate and its key belong together".to_owned()),
        };
        let basic = match (&self.username, &self.password) {
            (Some(name), Some(password)) => Some((name.clone(), SecretText(password.clone()))),
            _ => None,
        };
        Ok(Login {
            token: self.token.clone().filter(|token| !token.is_empty()).map(SecretText),
            token_file: self.token_file.as_ref().map(|path| folder.join(path)),
            identity,
            basic,
            exec: self.exec.as_ref().map(|exec| exec.within(folder)),
        })
    }
}

impl ClusterAccount {
    /// The cluster in which this process runs, with its Pod's service account.
    ///
    /// # Errors
    /// If it does not run in a cluster.
    pub fn in_cluster() -> Result<Self, String> {
        let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: this is no Pod"));
        let (host, port) = (
            variable("KUBERNETES_SERVICE_HOST")?,
            variable("KUBERNETES_SERVICE_PORT")?,
        );
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let folder = Path::new(SERVICE_ACCOUNT);
        Ok(Self {
            server: format!("https://{host}:{port}"),
            authority: data_or_file(None, Some(&folder.join("ca.crt")), folder)?,
            skips_verification: false,
            proxy: None,
            login: Login {
                token_file: Some(folder.join("token")),
                ..Login::default()
            },
            context: "in-cluster".to_owned(),
        })
    }
}

/// The bytes that stand in the file itself, else those of the file that it names.
fn data_or_file(data: Option<&str>, path: Option<&Path>, folder: &Path) -> Result<Option<Vec<u8>>, String> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        let decoded = STANDARD.decode(data.trim());
        return decoded
            .map(Some)
            .map_err(|error| format!("data is not base64: {error}"));
    }
    let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(None);
    };
    let path = folder.join(path);
    let read = std::fs::read(&path);
    read.map(Some).map_err(|error| format!("{}: {error}", path.display()))
}

fn entry<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// One YAML document as a JSON value. Aliases are not followed: kubeconfigs have none.
fn yaml(text: &str) -> Result<Value, String> {
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut done: Option<Value> = None;
    let mut wrong: Option<&'static str> = None;
    let mut fill =
        |open: &mut Vec<(Value, Option<String>)>, done: &mut Option<Value>, value: Value| match open.last_mut() {
            None => {
                if done.is_none() {
                    *done = Some(value);
                }
            }
            Some((Value::Array(items), _)) => items.push(value),
            Some((Value::Object(map), key)) => match key.take() {
                Some(key) => {
                    map.insert(key, value);
                }
                None => match value {
                    Value::String(text) => *key = Some(text),
                    Value::Bool(is) => *key = Some(is.to_string()),
                    _ => wrong = Some("a key is no text"),
                },
            },
            Some(_) => {}
        };
    let events = read(text, |event| match event.what {
        YamlEventKind::Map { .. } => open.push((Value::Object(Map::new()), None)),
        YamlEventKind::Seq { .. } => open.push((Value::Array(Vec::new()), None)),
        YamlEventKind::End => {
            if let Some((value, _)) = open.pop() {
                fill(&mut open, &mut done, value);
            }
        }
        YamlEventKind::Scalar { value, style, .. } => {
            let plain = matches!(style, ScalarStyle::Plain);
            let value = match &*value {
                "true" if plain => Value::Bool(true),
                "false" if plain => Value::Bool(false),
                "" | "~" | "null" if plain => Value::Null,
                other => Value::String(other.to_owned()),
            };
            fill(&mut open, &mut done, value);
        }
        YamlEventKind::Alias(_) => fill(&mut open, &mut done, Value::Null),
        YamlEventKind::Document | YamlEventKind::DocumentEnd => {}
    });
    events.map_err(|stopped| format!("line {}: {}", stopped.line, stopped.why))?;
    match (wrong, done) {
        (Some(wrong), _) => Err(wrong.to_owned()),
        (None, Some(value @ Value::Object(_))) => Ok(value),
        (None, None | Some(Value::Null)) => Ok(Value::Object(Map::new())),
        (None, Some(_)) => Err("it is no mapping".to_owned()),
    }
}

#[cfg(test)]
#[path = "kubeconfig_tests.rs"]
mod tests;

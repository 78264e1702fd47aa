//! The user's preferences, in the XDG configuration folder. They cannot weaken the team's policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use directories::ProjectDirs;
use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::error::ConfigText;

/// Default bound of the content cache: 512 MiB.
const CACHE_BYTES: u64 = 512 << 20;

/// The person's own preferences; nothing in them can weaken a policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UserConfig {
    /// Theme by name, or a path to a theme file.
    pub theme: Option<String>,
    /// `unicode` or `ascii`.
    pub glyphs: Option<String>,
    /// `truecolor`, `256`, `16` or `mono`.
    pub colors: Option<String>,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Keys by action name.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Upper bound of the cache in MiB.
    pub cache_mib: u64,
    /// Registries for which a repository's own `endpoint`, `ca` and `insecure_http` may be used with
    /// this user's credentials.
    pub approved_registries: Vec<String>,
    /// Other repositories that a repository's own file may name for its environments: addresses of git as they are written
    /// there, or absolute folders.
    pub approved_repositories: Vec<String>,
    /// How the clusters that a team names are reached. A cluster without an entry is never asked.
    pub clusters: BTreeMap<Spanned<String>, ClusterAccess>,
}

/// How a cluster is reached: by a context of a kubeconfig, or from inside of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterAccess {
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// The kubeconfig; `KUBECONFIG` or `~/.kube/config` where none is named.
    pub kubeconfig: Option<PathBuf>,
    /// Whether pindeck runs in that cluster, with the service account of its own Pod.
    pub in_cluster: bool,
}

impl Default for UserConfig {
    fn default() -> Self {
        Self {
            theme: None,
            glyphs: None,
            colors: None,
            mouse: false,
            keys: BTreeMap::new(),
            cache_mib: CACHE_BYTES >> 20,
            approved_registries: Vec::new(),
            approved_repositories: Vec::new(),
            clusters: BTreeMap::new(),
        }
    }
}

/// Reads the text of the person's own configuration file.
///
/// # Errors
/// With file, line and the nearest valid name.
pub(crate) fn parse(text: &str, file: &str) -> Result<UserConfig, ConfigError> {
    let source = ConfigText { file, text };
    let user: UserConfig = toml::from_str(text).map_err(|e| source.parse_error(&e))?;
    for (name, access) in &user.clusters {
        let is_one_way = access.context.is_some() != access.in_cluster;
        if !is_one_way || access.in_cluster && access.kubeconfig.is_some() {
            let what = format!("cluster {:?} is reached in one way", name.get_ref());
            let hint = "write context = \"…\" (and kubeconfig = \"…\", if it is another file), or in_cluster = true";
            return Err(source.error(name.span(), what).hint(hint));
        }
    }
    Ok(user)
}

/// Loads the user's file: `PINDECK_CONFIG`, else `config.toml` in the XDG configuration folder. A
/// missing default file is no error.
///
/// # Errors
/// If the file is wrong, or the one named by `PINDECK_CONFIG` cannot be read.
pub(crate) fn load() -> Result<UserConfig, ConfigError> {
    let named = std::env::var_os("PINDECK_CONFIG").map(PathBuf::from);
    let path = match (&named, dirs()) {
        (Some(path), _) => path.clone(),
        (None, Some(dirs)) => dirs.config_dir().join("config.toml"),
        (None, None) => return Ok(UserConfig::default()),
    };
    let read = super::files::read_own(&path).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8"))
    });
    match read {
        Ok(text) => parse(&text, &path.display().to_string()),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(UserConfig::default()),
        Err(error) => Err(ConfigError {
            file: path.display().to_string(),
            line: 1,
            message: format!("the user configuration cannot be read: {error}"),
            hint: Some("correct PINDECK_CONFIG or the file's permissions".into()),
        }),
    }
}

/// Folder of the disposable cache: `PINDECK_CACHE_DIR`, else XDG.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    let named = std::env::var_os("PINDECK_CACHE_DIR")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from);
    named.or_else(|| dirs().map(|d| d.cache_dir().to_owned()))
}

/// The folder of the user's own configuration.
pub(crate) fn config_dir() -> Option<PathBuf> {
    dirs().map(|d| d.config_dir().to_owned())
}

/// Folder of logs: XDG state, else the local data folder.
pub(crate) fn state_dir() -> Option<PathBuf> {
    dirs().map(|d| d.state_dir().unwrap_or_else(|| d.data_local_dir()).to_owned())
}

/// Folder of refreshed trusted roots: XDG data.
pub(crate) fn data_dir() -> Option<PathBuf> {
    dirs().map(|d| d.data_local_dir().to_owned())
}

fn dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "pindeck")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_named() {
        let error = parse("\n\nthem = \"dark\"\n", "config.toml").expect_err("wrong");
        assert_eq!((error.line, error.file.as_str()), (3, "config.toml"));
        assert!(error.to_string().contains("did you mean \"theme\""), "{error}");
    }

    #[test]
    fn a_cluster_is_reached_in_one_way() {
        let user = parse(
            "[clusters.eu]\ncontext = \"prod\"\n[clusters.us]\nin_cluster = true\n",
            "x",
        )
        .expect("valid");
        assert_eq!(user.clusters.len(), 2);
        for wrong in [
            "",
            "context = \"a\"\nin_cluster = true\n",
            "kubeconfig = \"a\"\n",
            "in_cluster = true\nkubeconfig = \"a\"\n",
        ] {
            let error = parse(&format!("\n[clusters.eu]\n{wrong}"), "x").expect_err(wrong);
            assert!(error.line == 2 && error.to_string().contains("in one way"), "{error}");
        }
    }

    #[test]
    fn nothing_is_fine() {
        assert_eq!(parse("", "x"), Ok(UserConfig::default()));
    }
}

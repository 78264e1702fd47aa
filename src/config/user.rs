//! The user's preferences, in the XDG configuration folder. They cannot weaken the team's policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use directories::ProjectDirs;
use serde::Deserialize;

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
        }
    }
}

/// Reads the text of the person's own configuration file.
///
/// # Errors
/// With file, line and the nearest valid name.
pub(crate) fn parse(text: &str, file: &str) -> Result<UserConfig, ConfigError> {
    let source = ConfigText { file, text };
    toml::from_str(text).map_err(|e| source.parse_error(&e))
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
    fn nothing_is_fine() {
        assert_eq!(parse("", "x"), Ok(UserConfig::default()));
    }
}

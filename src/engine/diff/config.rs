//! An image's configuration, field by field.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::text::Untrusted;

/// An image configuration (OCI image spec, "Image Configuration"), as far as it is compared.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Config {
    pub os: Option<String>,
    pub architecture: Option<String>,
    pub variant: Option<String>,
    #[serde(default)]
    config: Option<Run>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    user: Option<String>,
    working_dir: Option<String>,
    stop_signal: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    volumes: Option<BTreeMap<String, serde_json::Value>>,
}

impl Config {
    /// Field by field, under the names that a comparison shows.
    pub(crate) fn fields(self) -> BTreeMap<String, Untrusted> {
        let mut out = BTreeMap::new();
        let mut put = |name: String, value: Option<String>| {
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                out.insert(name, Untrusted::new(value));
            }
        };
        put("os".into(), self.os);
        put("architecture".into(), self.architecture);
        let run = self.config.unwrap_or_default();
        put("user".into(), run.user);
        put("workdir".into(), run.working_dir);
        put("stop-signal".into(), run.stop_signal);
        let words = |list: Option<Vec<String>>| list.map(|l| l.join(" "));
        put("entrypoint".into(), words(run.entrypoint));
        put("cmd".into(), words(run.cmd));
        for variable in run.env.into_iter().flatten() {
            let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
            put(format!("env.{name}"), Some(value.to_owned()));
        }
        for (name, value) in run.labels.into_iter().flatten() {
            put(format!("label.{name}"), Some(value));
        }
        for (name, _) in run.exposed_ports.into_iter().flatten() {
            put(format!("port.{name}"), Some("exposed".to_owned()));
        }
        for (name, _) in run.volumes.into_iter().flatten() {
            put(format!("volume.{name}"), Some("declared".to_owned()));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_becomes_comparable_fields() {
        let text = br#"{"os":"linux","architecture":"arm64","config":{"Entrypoint":["/app","run"],
            "Env":["PATH=/bin","EMPTY="],"Labels":{"org.opencontainers.image.version":"1.4.0"},"ExposedPorts":{"80/tcp":{}}}}"#;
        let config: Config = serde_json::from_slice(text).expect("a configuration");
        let fields: Vec<(String, String)> = config
            .fields()
            .into_iter()
            .map(|(k, v)| (k, v.raw().to_owned()))
            .collect();
        let of = |name: &str| fields.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
        assert_eq!(of("entrypoint"), Some("/app run"));
        assert_eq!(of("env.PATH"), Some("/bin"));
        assert_eq!(of("label.org.opencontainers.image.version"), Some("1.4.0"));
        assert_eq!(of("port.80/tcp"), Some("exposed"));
        assert_eq!(of("env.EMPTY"), None);
    }
}

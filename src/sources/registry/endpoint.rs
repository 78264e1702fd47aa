//! Where a registry is talked to: its base URL, and when plain HTTP is allowed.

use reqwest::Url;

use super::error::RegistryError;
use crate::domain::Repository;
use crate::domain::registry::RegistrySettings;
use crate::sources::loopback;

/// The base URL of one registry, without a slash at the end.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    base: String,
}

impl Endpoint {
    /// The endpoint of a registry by name, under its settings.
    pub(super) fn of(registry: &str, settings: Option<&RegistrySettings>) -> Result<Self, RegistryError> {
        let wrong = |detail: String| RegistryError::Settings {
            registry: registry.to_owned(),
            detail,
        };
        let insecure = settings.is_some_and(|s| s.insecure_http);
        let base = match settings.and_then(|s| s.endpoint.as_deref()) {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None if registry == "docker.io" => "https://registry-1.docker.io".to_owned(),
            None => {
                let https = format!("https://{registry}");
                let plain = insecure || Url::parse(&https).is_ok_and(|url| is_loopback(&url));
                if plain { format!("http://{registry}") } else { https }
            }
        };
        let url = Url::parse(&base).map_err(|error| wrong(format!("endpoint {base:?} is not a URL: {error}")))?;
        match url.scheme() {
            "https" => {}
            "http" if insecure || is_loopback(&url) => {}
            "http" => {
                return Err(wrong(format!(
                    "endpoint {base:?} is plain HTTP without insecure_http = true"
                )));
            }
            _ => return Err(wrong(format!("endpoint {base:?} is neither http nor https"))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("credentials do not belong into an endpoint".to_owned()));
        }
        if url.host_str().is_none() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(format!("endpoint {base:?} is not a base URL")));
        }
        Ok(Self { base })
    }

    /// The base URL, which names the server that is talked to.
    pub(super) fn address(&self) -> &str {
        &self.base
    }

    /// `<base>/v2/<path>/<tail>`.
    pub(super) fn url(&self, repository: &Repository, tail: &str) -> Result<Url, RegistryError> {
        let text = format!("{}/v2/{}/{tail}", self.base, repository.path());
        Url::parse(&text).map_err(|error| RegistryError::Settings {
            registry: repository.registry().to_owned(),
            detail: format!("{text:?} is not a URL: {error}"),
        })
    }
}

/// Whether a URL's host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(loopback::is_loopback)
}

/// Host and port of a URL, as shown in errors.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Whether two URLs have the same scheme, host and port: only then may credentials follow.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(registry: &str, settings: Option<RegistrySettings>) -> Result<String, RegistryError> {
        Endpoint::of(registry, settings.as_ref()).map(|e| e.base)
    }

    fn endpoint(url: &str) -> Option<RegistrySettings> {
        Some(RegistrySettings {
            endpoint: Some(url.to_owned()),
            ..RegistrySettings::default()
        })
    }

    #[test]
    fn plain_http_is_for_loopback_or_explicit() {
        for (registry, expected) in [
            ("registry.example.com", "https://registry.example.com"),
            ("docker.io", "https://registry-1.docker.io"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("127.8.9.10:5000", "http://127.8.9.10:5000"),
            ("[::1]:5000", "http://[::1]:5000"),
            ("localhost:5000", "http://localhost:5000"),
            ("localhost.example.com", "https://localhost.example.com"),
            ("128.0.0.1:5000", "https://128.0.0.1:5000"),
        ] {
            assert_eq!(base(registry, None).as_deref(), Ok(expected));
        }
        let insecure = RegistrySettings {
            insecure_http: true,
            ..RegistrySettings::default()
        };
        assert_eq!(
            base("r.example.com", Some(insecure)).as_deref(),
            Ok("http://r.example.com")
        );
        assert_eq!(
            base("r.example.com", endpoint("http://127.0.0.1:1/pre/")).as_deref(),
            Ok("http://127.0.0.1:1/pre")
        );
        assert_eq!(
            base("127.0.0.1:1", endpoint("https://127.0.0.1:1")).as_deref(),
            Ok("https://127.0.0.1:1")
        );
        for bad in [
            "http://r.example.com",
            "ftp://x",
            "nonsense",
            "https://u:p@x",
            "https://x?y",
        ] {
            assert!(base("r.example.com", endpoint(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn origin_is_scheme_host_and_port() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        assert!(same_origin(&url("https://a/x"), &url("https://a:443/y")));
        assert!(!same_origin(&url("https://a/x"), &url("http://a/x")));
        assert!(!same_origin(&url("http://a:1/x"), &url("http://a:2/x")));
        assert!(!same_origin(&url("http://a/x"), &url("http://b/x")));
    }
}

//! Image references: `[registry/]path[:tag][@digest]`, normalised as Docker and OCI tools do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::id::Digest;

/// A repository with its registry, normalised: `postgres` is `docker.io/library/postgres`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    registry: String,
    path: String,
}

/// A reference to an image: a repository with a tag, a digest, both or neither.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    /// Where it lives.
    pub repository: Repository,
    /// The label, if written.
    pub tag: Option<String>,
    /// The bytes, if written.
    pub digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing there.
    #[error("an image reference is empty")]
    Empty,
    /// Not a valid registry host, with or without a port.
    #[error("{0:?} is not a registry host")]
    Registry(String),
    /// Not a valid repository path.
    #[error("{0:?} is not a repository path: lowercase letters, digits and single separators")]
    Path(String),
    /// Not a valid tag.
    #[error("{0:?} is not a tag: up to 128 letters, digits, `_`, `.`, `-`")]
    Tag(String),
    /// Not a digest.
    #[error(transparent)]
    Digest(#[from] super::id::DigestError),
}

impl Repository {
    /// Normalises a repository name without tag or digest.
    ///
    /// # Errors
    /// If host or path are not well formed, or a tag or digest is present.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (registry, path) = match text.split_once('/') {
            Some((first, rest)) if looks_like_host(first) => (first, rest),
            _ => ("docker.io", text),
        };
        if !valid_host(registry) {
            return Err(ReferenceError::Registry(registry.to_owned()));
        }
        let registry = match registry {
            "index.docker.io" | "registry-1.docker.io" => "docker.io",
            other => other,
        };
        let path = if registry == "docker.io" && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if !valid_path(&path) {
            return Err(ReferenceError::Path(path));
        }
        Ok(Self {
            registry: registry.to_owned(),
            path,
        })
    }

    /// Host and port as written in manifests, for example `127.0.0.1:5000` or `docker.io`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Path within the registry, for example `shop/payments`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// This repository as an environment's own registry names it: `staging.example.com/shop` makes
    /// `registry.example.com/shop/payments` into `staging.example.com/shop/payments`. A registry
    /// without a path keeps the whole path; one with a path replaces all but what lies below the
    /// same prefix, else all but the last segment. `None` if the result is not a repository.
    pub(crate) fn under(&self, registry: &str) -> Option<Self> {
        let registry = registry.trim_end_matches('/');
        let path = match registry.split_once('/') {
            None => self.path.as_str(),
            Some((_, prefix)) => match self.path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) {
                Some(rest) => rest,
                None => self.path.rsplit('/').next()?,
            },
        };
        Self::parse(&format!("{registry}/{path}")).ok()
    }

    /// This repository's reference by digest.
    pub(crate) fn at(&self, digest: Digest) -> ImageRef {
        ImageRef {
            repository: self.clone(),
            tag: None,
            digest: Some(digest),
        }
    }
}

impl ImageRef {
    /// Parses and normalises a reference as written in a manifest.
    ///
    /// # Errors
    /// A [`ReferenceError`] naming the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        // A colon starts a tag only after the last slash: `host:5000/app` has none.
        let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_start..].split_once(':') {
            Some((name, tag)) => (&rest[..name_start + name.len()], Some(tag)),
            None => (rest, None),
        };
        if let Some(tag) = tag
            && !valid_tag(tag)
        {
            return Err(ReferenceError::Tag(tag.to_owned()));
        }
        Ok(Self {
            repository: Repository::parse(name)?,
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

fn looks_like_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.chars().any(|c| c.is_ascii_uppercase())
}

fn valid_host(host: &str) -> bool {
    let (name, port) = if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        if address.is_empty() || !address.chars().all(|c| c.is_ascii_hexdigit() || c == ':') {
            return false;
        }
        match port.strip_prefix(':') {
            Some(port) => ("ipv6", Some(port)),
            None if port.is_empty() => ("ipv6", None),
            None => return false,
        }
    } else {
        match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        }
    };
    let labels_ok = name.split('.').all(|label| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    labels_ok && port.is_none_or(|p| !p.is_empty() && p.parse::<u16>().is_ok())
}

fn valid_path(path: &str) -> bool {
    path.len() <= 255 && path.split('/').all(valid_component)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (OCI distribution spec, "Pulling manifests").
fn valid_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    if !alnum(first) || !alnum(last) {
        return false;
    }
    component
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|sep| matches!(sep, "" | "." | "_" | "__") || sep.bytes().all(|b| b == b'-'))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (OCI distribution spec).
pub(crate) fn valid_tag(tag: &str) -> bool {
    let bytes = tag.as_bytes();
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !bytes.is_empty()
        && bytes.len() <= 128
        && word(bytes[0])
        && bytes.iter().all(|&b| word(b) || b == b'.' || b == b'-')
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

macro_rules! text_serde {
    ($name:ident, $parse:path) => {
        impl FromStr for $name {
            type Err = ReferenceError;
            fn from_str(text: &str) -> Result<Self, ReferenceError> {
                $parse(text)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(from)?;
                $parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_serde!(Repository, Repository::parse);
text_serde!(ImageRef, ImageRef::parse);

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn normalises_like_docker() {
        for (written, normal) in [
            ("postgres:17", "docker.io/library/postgres:17"),
            ("grafana/grafana", "docker.io/grafana/grafana"),
            ("index.docker.io/library/redis", "docker.io/library/redis"),
            ("127.0.0.1:5811/shop/api:1.2", "127.0.0.1:5811/shop/api:1.2"),
            ("localhost/app", "localhost/app"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("[::1]:5000/a/b:x", "[::1]:5000/a/b:x"),
            ("ghcr.io/a/b-c__d.e", "ghcr.io/a/b-c__d.e"),
        ] {
            assert_eq!(
                ImageRef::parse(written).map(|r| r.to_string()),
                Ok(normal.to_owned()),
                "{written}"
            );
        }
    }

    #[test]
    fn a_port_is_not_a_tag() {
        let parsed = ImageRef::parse(&format!("host:5000/app:v1@{D}")).expect("valid");
        assert_eq!(parsed.repository.to_string(), "host:5000/app");
        assert_eq!(parsed.tag.as_deref(), Some("v1"));
        assert_eq!(parsed.digest.map(|d| d.to_string()).as_deref(), Some(D));
    }

    #[test]
    fn an_environments_own_registry_keeps_the_name() {
        let image = Repository::parse("registry.example.com/shop/payments").expect("valid");
        for (registry, own) in [
            ("staging.example.com/shop", "staging.example.com/shop/payments"),
            ("staging.example.com", "staging.example.com/shop/payments"),
            ("staging.example.com/mirror/", "staging.example.com/mirror/payments"),
            ("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b/payments"),
        ] {
            assert_eq!(image.under(registry).map(|r| r.to_string()).as_deref(), Some(own));
        }
    }

    #[test]
    fn refuses_what_is_no_reference() {
        for bad in [
            "",
            ":tag",
            "a b",
            "app:",
            "app@sha256:1",
            "shop/Case",
            "a//b",
            "a/-b",
            "host:99999/app",
            "app:-x",
            "{{ .Values.image }}",
            "${IMAGE}",
            "../x",
            "a/../b",
            "a__ _b",
            "https://example.com/x",
        ] {
            assert!(ImageRef::parse(bad).is_err(), "{bad:?}");
        }
    }
}

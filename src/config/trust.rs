//! `[trust.*]` and `[registries.*]`: reading keys, roots and CAs through the caller's door.

use std::io;
use std::ops::Range;

use jiff::Timestamp;

use super::approval::is_redirected;
use super::error::{ConfigError, ConfigText};
use super::raw;
use crate::domain::pattern::anchored;
use crate::domain::policy::{
    Demands, GithubSource, Identity, LogRule, Match, PolicySource, SignatureFormat, TimeRule, TrustProfile, TrustRoot,
    TrustedKey, TufMirror, Validity,
};
use crate::domain::reference::Repository;
use crate::domain::registry::RegistrySettings;
use crate::domain::source::SourceRepository;

/// Reads a file that the configuration names.
pub(super) type ReadFile<'a> = &'a dyn Fn(&str) -> io::Result<Vec<u8>>;

fn text(source: &ConfigText<'_>, read: ReadFile<'_>, span: Range<usize>, name: &str) -> Result<String, ConfigError> {
    let bytes = read(name).map_err(|e| {
        let what = format!("{name:?} cannot be read: {e}; the path is relative to the file that names it");
        source.error(span.clone(), what)
    })?;
    String::from_utf8(bytes).map_err(|_| source.error(span, format!("{name:?} is not a text file")))
}

/// A key file, with the time in which its keys were in use.
fn trusted_key(
    source: &ConfigText<'_>,
    read: ReadFile<'_>,
    key: &toml::Spanned<raw::KeyFile>,
) -> Result<TrustedKey, ConfigError> {
    let (path, validity) = match key.get_ref() {
        raw::KeyFile::Path(path) => (path, Validity::default()),
        raw::KeyFile::InUse(key_in_use) => {
            let time = |text: &Option<String>| {
                let parsed = text
                    .as_ref()
                    .map(|text| text.parse::<Timestamp>().map_err(|e| (text, e)));
                parsed.transpose().map_err(|(text, error)| {
                    let error = source.error(key.span(), format!("{text:?} is no time ({error})"));
                    error.hint("write it like \"2026-01-31T00:00:00Z\"")
                })
            };
            let validity = Validity {
                from: time(&key_in_use.valid_from)?,
                until: time(&key_in_use.valid_until)?,
            };
            if let (Some(from), Some(until)) = (validity.from, validity.until)
                && from > until
            {
                return Err(source.error(key.span(), "`valid_until` is before `valid_from`"));
            }
            (&key_in_use.path, validity)
        }
    };
    let pem = text(source, read, key.span(), path)?;
    if !pem.contains("-----BEGIN ") || !pem.contains("PUBLIC KEY-----") {
        let what = format!("{path:?} has no PEM public key in it (-----BEGIN PUBLIC KEY-----)");
        return Err(source.error(key.span(), what));
    }
    if pem.contains("PRIVATE KEY") {
        let what = format!("{path:?} is a private key");
        return Err(source.error(key.span(), what).hint("name the public one"));
    }
    Ok(TrustedKey {
        name: path.clone(),
        pem,
        validity,
    })
}

pub(super) fn profile(
    source: &ConfigText<'_>,
    read: ReadFile<'_>,
    name: &raw::RawText,
    raw: &raw::RawTrust,
) -> Result<TrustProfile, ConfigError> {
    let keys = raw.keys.iter().map(|key| trusted_key(source, read, key));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let root = match &raw.root {
        None => None,
        Some(root) => Some(match root.get_ref().as_str() {
            "public-good" => TrustRoot::PublicGood,
            "github" => TrustRoot::Github,
            path => {
                let json = text(source, read, root.span(), path)?;
                if serde_json::from_str::<serde_json::Value>(&json).is_err() {
                    return Err(source.error(root.span(), format!("{path:?} is no trusted_root.json: it is not JSON")));
                }
                TrustRoot::File {
                    name: path.to_owned(),
                    json,
                }
            }
        }),
    };
    let identities = raw
        .identities
        .iter()
        .map(|id| identity(source, id))
        .collect::<Result<Vec<_>, _>>()?;
    let transparency_log = match raw.transparency_log {
        raw::RawLogRule::Required => LogRule::Required,
        raw::RawLogRule::InclusionProof => LogRule::InclusionProof,
        raw::RawLogRule::NotRequired => LogRule::NotRequired,
    };
    let here = |message: String| Err(source.error(name.span(), message));
    let name = name.get_ref();
    if keys.is_empty() && identities.is_empty() {
        return here(format!(
            "trust profile {name:?} trusts nobody: give it `keys`, or `root` with `identities`"
        ));
    }
    if !identities.is_empty() && root.is_none() {
        return here(format!(
            "trust profile {name:?} names identities but no `root` that vouches for certificates: \"public-good\", \"github\" or a trusted_root.json"
        ));
    }
    if identities.is_empty() && keys.is_empty() && root.is_some() {
        return here(format!(
            "trust profile {name:?} would believe every certificate of its root: name `identities`"
        ));
    }
    if !keys.is_empty() && root.is_none() && transparency_log != LogRule::NotRequired {
        return here(format!(
            "trust profile {name:?} asks for a transparency log but names no `root` that holds the log's key: add `root`, or say transparency_log = \"not-required\""
        ));
    }
    let timestamp = match raw.timestamp {
        raw::RawTimeRule::Any => TimeRule::Any,
        raw::RawTimeRule::Rfc3161 => TimeRule::Rfc3161,
        raw::RawTimeRule::Rekor => TimeRule::Rekor,
    };
    let bundle_version = raw.min_bundle_version.as_ref().map(|text| {
        let parsed = text
            .get_ref()
            .split_once('.')
            .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        parsed.ok_or_else(|| {
            source.error(
                text.span(),
                format!("{:?} is no bundle version: write \"0.3\"", text.get_ref()),
            )
        })
    });
    let demands = Demands {
        log_entries: raw.min_log_entries,
        times: raw.min_timestamps,
        bundle_version: bundle_version.transpose()?,
        docker_reference: raw.docker_reference.clone(),
        key_id: raw.key_id.clone(),
    };
    Ok(TrustProfile {
        name: name.clone(),
        keys,
        root,
        identities,
        transparency_log,
        sct: raw.sct,
        timestamp,
        demands,
        signature_format: raw.signature_format.map(|format| match format {
            raw::RawSignatureFormat::Legacy => SignatureFormat::Legacy,
            raw::RawSignatureFormat::Bundle => SignatureFormat::Bundle,
        }),
        predicate_types: raw.predicate_types.clone(),
    })
}

/// Demands that few profiles have, one a line, for the digest of a policy: without them it is what it always was.
pub(super) fn narrowed(profile: &TrustProfile) -> Vec<String> {
    let (name, types) = (&profile.name, &profile.predicate_types);
    let format = profile
        .signature_format
        .map(|format| format!("stored {name} {format:?}"));
    let types = (!types.is_empty()).then(|| format!("predicates {name} {types:?}"));
    format.into_iter().chain(types).collect()
}

fn identity(source: &ConfigText<'_>, spanned: &toml::Spanned<raw::RawIdentity>) -> Result<Identity, ConfigError> {
    let raw = spanned.get_ref();
    let here = |message: &str| source.error(spanned.span(), message);
    let san = match (&raw.san, &raw.san_regex) {
        (Some(san), None) => Match::Exact(san.clone()),
        (None, Some(regex)) => Match::Regex(checked_regex(source, regex)?),
        _ => {
            return Err(here(
                "an identity has either `san` (exact) or `san_regex` (anchored at both ends)",
            ));
        }
    };
    let issuer = match (&raw.issuer, &raw.issuer_regex) {
        (Some(raw::Issuer::Is(issuer)), None) => Some(Match::Exact(issuer.clone())),
        (None, Some(regex)) => Some(Match::Regex(checked_regex(source, regex)?)),
        (Some(raw::Issuer::None(false)), None) => None,
        _ => {
            return Err(here("an identity has either `issuer` (exact) or `issuer_regex`")
                .hint("write `issuer = false` only where certificates carry none"));
        }
    };
    let claims = [
        ("source_repository", &raw.source_repository),
        ("source_ref", &raw.source_ref),
        ("workflow", &raw.workflow),
        ("runner_environment", &raw.runner_environment),
        ("build_trigger", &raw.build_trigger),
    ];
    let claims = claims
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect();
    Ok(Identity { san, issuer, claims })
}

/// A regular expression that compiles on its own, once `{service}` has been filled in.
fn checked_regex(source: &ConfigText<'_>, regex: &raw::RawText) -> Result<String, ConfigError> {
    let text = regex.get_ref();
    match anchored(text, Some("service")) {
        Ok(_) => Ok(text.clone()),
        Err(error) => Err(source.error(regex.span(), format!("{text:?} is no regular expression: {error}"))),
    }
}

/// A service's source, which provenance is compared with: one that cannot be compared would refuse
/// everything.
pub(super) fn source_repository(source: &ConfigText<'_>, url: &raw::RawText) -> Result<String, ConfigError> {
    match SourceRepository::parse(url.get_ref()) {
        Ok(_) => Ok(url.get_ref().clone()),
        Err(error) => Err(source.error(
            url.span(),
            format!("{:?} names no source repository: {error}", url.get_ref()),
        )),
    }
}

/// The team's own TUF repository.
pub(super) fn tuf(source: &ConfigText<'_>, read: ReadFile<'_>, raw: &raw::RawTuf) -> Result<TufMirror, ConfigError> {
    is_address(source, &raw.mirror)?;
    let root = raw.root.as_ref().map(|root| {
        let json = text(source, read, root.span(), root.get_ref())?;
        let parsed = serde_json::from_str::<serde_json::Value>(&json).unwrap_or_default();
        match parsed["signed"]["_type"].as_str() {
            Some("root") => Ok(json),
            _ => Err(source.error(root.span(), format!("{:?} is no root metadata of TUF", root.get_ref()))),
        }
    });
    Ok(TufMirror {
        mirror: raw.mirror.get_ref().clone(),
        root: root.transpose()?,
    })
}

/// GitHub's attestation API.
pub(super) fn github(
    source: &ConfigText<'_>,
    raw: &raw::RawGithub,
    from: &PolicySource,
) -> Result<GithubSource, ConfigError> {
    if let Some(host) = &raw.host {
        is_host(source, host)?;
    }
    if let Some(repository) = &raw.repository {
        let is_name = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && part.chars().all(plain) && part.chars().any(|c| c != '.')
        };
        let parts: Vec<&str> = repository.get_ref().split('/').collect();
        if parts.len() != 2 || !parts.iter().all(|part| is_name(part)) {
            let what = format!("{:?} is no repository of GitHub", repository.get_ref());
            return Err(source.error(repository.span(), what).hint("write OWNER/NAME"));
        }
    }
    Ok(GithubSource {
        host: raw
            .host
            .as_ref()
            .map_or_else(|| "github.com".to_owned(), |host| host.get_ref().clone()),
        repository: raw.repository.as_ref().map(|name| name.get_ref().clone()),
        // A repository's own file is not trusted with tokens either.
        anonymous: matches!(from, PolicySource::Commit(_)),
    })
}

/// A repository in which evidence lies, and no image of anybody.
pub(super) fn elsewhere(source: &ConfigText<'_>, text: &raw::RawText) -> Result<Repository, ConfigError> {
    Repository::parse(text.get_ref())
        .map_err(|e| source.error(text.span(), e.to_string()))
        .map_err(|error| error.hint("write HOST/PATH without tag or digest"))
}

/// Refuses what is neither a host nor the address of a server.
pub(super) fn is_host(source: &ConfigText<'_>, host: &raw::RawText) -> Result<(), ConfigError> {
    let text = host.get_ref();
    if text.contains("://") {
        return is_address(source, host);
    }
    if text.is_empty() || text.contains([' ', '@', '?', '#', '/']) {
        let error = source.error(host.span(), format!("{text:?} is no host"));
        return Err(error.hint("write HOST, HOST:PORT, or the address of its API"));
    }
    Ok(())
}

/// Refuses what is no base address of a server.
fn is_address(source: &ConfigText<'_>, address: &raw::RawText) -> Result<(), ConfigError> {
    let url = address.get_ref();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.contains([' ', '@', '?', '#'])) {
        let what =
            format!("{url:?} is no address: write https://HOST[:PORT] (or http:// for loopback), without credentials");
        return Err(source.error(address.span(), what));
    }
    Ok(())
}

pub(super) fn registry(
    source: &ConfigText<'_>,
    read: ReadFile<'_>,
    raw: &raw::RawRegistry,
    from: &PolicySource,
) -> Result<RegistrySettings, ConfigError> {
    if let Some(endpoint) = &raw.endpoint {
        let url = endpoint.get_ref();
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains([' ', '@', '?', '#'])) {
            let what = format!(
                "{url:?} is no endpoint: write https://HOST[:PORT] (or http:// for loopback), without credentials"
            );
            return Err(source.error(endpoint.span(), what));
        }
    }
    if let Some(rate) = &raw.requests_per_second
        && *rate.get_ref() == 0
    {
        let error = source.error(rate.span(), "requests_per_second = 0 would ask nothing");
        return Err(error.hint("leave it out for no limit"));
    }
    let ca = raw
        .ca
        .as_ref()
        .map(|path| text(source, read, path.span(), path.get_ref()))
        .transpose()?;
    let mut settings = RegistrySettings {
        endpoint: raw.endpoint.as_ref().map(|e| e.get_ref().clone()),
        insecure_http: raw.insecure_http,
        ca,
        requests_per_second: raw.requests_per_second.as_ref().map(|r| *r.get_ref()),
        anonymous: false,
    };
    // A repository's own file is not trusted with credentials (docs/reference/contract.md, "pindeck.toml").
    settings.anonymous = matches!(from, PolicySource::Commit(_)) && is_redirected(&settings);
    Ok(settings)
}

//! `pindeck-holds.toml`: digests that may not step forward (docs/reference/contract.md, "Holds"). A tracked file,
//! so that
//! it survives squash merges and shallow clones.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::board::Hold;
use crate::domain::id::{Digest, EnvId, ServiceId};

/// Path of the file in the repository.
pub(crate) const FILE: &str = "pindeck-holds.toml";

/// Why the holds could not be read. Callers fail closed: nothing steps forward then.
#[derive(Debug, thiserror::Error)]
#[error("{FILE} cannot be read: {0}; nothing can be promoted until it is repaired")]
pub(crate) struct HoldsError(String);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldsDocument {
    version: u32,
    #[serde(default, rename = "hold", skip_serializing_if = "Vec::is_empty")]
    holds: Vec<HoldEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldEntry {
    service: String,
    environment: String,
    digest: Digest,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

/// Reads the text of `pindeck-holds.toml`.
///
/// # Errors
/// If it is not UTF-8, not TOML of this form, or of a newer version.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Hold>, HoldsError> {
    let text = std::str::from_utf8(bytes).map_err(|e| HoldsError(e.to_string()))?;
    let document: HoldsDocument = toml::from_str(text).map_err(|e| HoldsError(e.to_string()))?;
    if document.version != 1 {
        return Err(HoldsError(format!(
            "version {} is newer than this pindeck",
            document.version
        )));
    }
    Ok(document
        .holds
        .into_iter()
        .map(|e| Hold {
            service: ServiceId::new(e.service),
            environment: EnvId::new(e.environment),
            digest: e.digest,
            reason: e.reason.into(),
            since: e.since,
            by: e.by.map(Into::into),
        })
        .collect())
}

/// Renders the file, in a stable order: one change is one small diff.
///
/// # Errors
/// If the TOML cannot be written (it always can for parsed holds).
pub(crate) fn render(holds: &[Hold]) -> Result<String, HoldsError> {
    let mut entries: Vec<HoldEntry> = holds
        .iter()
        .map(|h| HoldEntry {
            service: h.service.to_string(),
            environment: h.environment.to_string(),
            digest: h.digest,
            reason: h.reason.clean().into_string(),
            since: h.since,
            by: h.by.as_ref().map(|b| b.clean().into_string()),
        })
        .collect();
    entries.sort_by(|a, b| (&a.service, &a.environment, a.digest).cmp(&(&b.service, &b.environment, b.digest)));
    let document = HoldsDocument {
        version: 1,
        holds: entries,
    };
    let body = toml::to_string(&document).map_err(|e| HoldsError(e.to_string()))?;
    Ok(format!(
        "# Digests that may not step forward. Written by pindeck; release one with `pindeck hold release`.\n{body}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(env: &str) -> Hold {
        Hold {
            service: "payments".into(),
            environment: env.into(),
            digest: Digest::from_bytes([7; 32]),
            reason: "crashes on start\nbadly".into(),
            since: Some(Timestamp::UNIX_EPOCH),
            by: Some("Ada".into()),
        }
    }

    #[test]
    fn round_trips_with_the_reason_on_one_line() {
        let text = render(&[hold("staging")]).expect("renders");
        let back = parse(text.as_bytes()).expect("parses");
        assert_eq!(back[0].reason.raw(), "crashes on start␤badly");
        assert_eq!((back.len(), back[0].digest), (1, Digest::from_bytes([7; 32])));
    }

    #[test]
    fn a_broken_file_is_an_error_never_no_holds() {
        for bad in [
            "",
            "version = 2",
            "version = 1\n[[hold]]\nservice = 'x'",
            "version = 1\nholds = 3",
            "\u{0}",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(parse(b"\xff").is_err());
    }
}

//! `pindeck-holds.toml`: digests that may not step forward (docs/reference/contract.md, "Holds"). A tracked file,
//! so that
//! it survives squash merges and shallow clones.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::board::Hold;
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::text::{Wording, quoted};
use crate::sources::git::{GitError, GitRepo, TreeEntry};

/// Path of the file in the repository.
pub(crate) const FILE: &str = "pindeck-holds.toml";

/// Why the holds could not be read. Callers fail closed: nothing steps forward then.
#[derive(Debug, thiserror::Error)]
#[error("{FILE} cannot be read: {0}; nothing can be promoted until it is repaired")]
pub(crate) struct HoldsError(Wording);

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

/// Largest file of holds that is read, in bytes: some thousands of holds.
const MAX_BYTES: u64 = 4 << 20;

/// The holds of a commit.
///
/// # Errors
/// If there is anything at the file's name, or at a name that some file systems take for it, that cannot be read
/// as holds: then nobody knows what is on hold.
pub(crate) fn read(repo: &GitRepo, commit: &str) -> Result<Vec<Hold>, HoldsError> {
    let failed = |error: GitError| HoldsError(Wording::own(error.to_string()));
    let names = repo.names_at_top(commit).map_err(failed)?;
    if let Some(other) = names.iter().find(|name| *name != FILE && is_taken_for(name, FILE)) {
        let what = format!("{} is the same file where a file system folds case", quoted(other));
        return Err(HoldsError(Wording::own(what)));
    }
    match repo.entry(commit, FILE).map_err(failed)? {
        TreeEntry::Absent => Ok(Vec::new()),
        TreeEntry::File(blob) => {
            let too_large = || HoldsError(Wording::own(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
            if repo.blob_size(&blob).is_some_and(|size| size > MAX_BYTES) {
                return Err(too_large());
            }
            let bytes = repo.blob(&blob).map_err(failed)?;
            if bytes.len() as u64 > MAX_BYTES {
                return Err(too_large());
            }
            parse(&bytes)
        }
        TreeEntry::Link | TreeEntry::Folder | TreeEntry::Submodule => {
            Err(HoldsError(Wording::own("it is no regular file")))
        }
    }
}

/// Whether a file system that folds case, leaves out characters that cannot be seen, or drops dots and blanks at
/// the end of names takes one name for another.
fn is_taken_for(name: &str, file: &str) -> bool {
    let invisible = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let seen: String = name.chars().filter(invisible).collect();
    // To upper case first: the long s and the Kelvin sign have no other lower case than themselves.
    seen.trim_end_matches(['.', ' ']).to_uppercase().to_lowercase() == file
}

/// Reads the text of `pindeck-holds.toml`.
///
/// # Errors
/// If it is not UTF-8, not TOML of this form, or of a newer version.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Hold>, HoldsError> {
    let text = std::str::from_utf8(bytes).map_err(|e| HoldsError(Wording::of_another(e.to_string())))?;
    let document: HoldsDocument = toml::from_str(text).map_err(|e| HoldsError(Wording::of_another(e.to_string())))?;
    if document.version != 1 {
        let newer = format!("version {} is newer than this pindeck", document.version);
        return Err(HoldsError(Wording::own(newer)));
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
    let body = toml::to_string(&document).map_err(|e| HoldsError(Wording::of_another(e.to_string())))?;
    Ok(format!(
        "# Digests that may not step forward. Written by pindeck; release one with `pindeck hold release`.\n{body}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(env: &str) -> Hold {
        Hold {
            reason: "crashes on start\nbadly".into(),
            since: Some(Timestamp::UNIX_EPOCH),
            by: Some("Ada".into()),
            ..crate::domain::hold::sample(env, 7)
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
    fn names_that_file_systems_take_for_the_file() {
        for name in [
            "Pindeck-Holds.toml",
            "PINDECK-HOLDS.TOML",
            "pindec\u{212a}-holds.toml",
            "pindeck-hold\u{17f}.toml",
            "pindeck\u{200c}-holds.toml",
            "pindeck-holds.toml.",
            "pindeck-holds.toml ",
        ] {
            assert!(is_taken_for(name, FILE), "{name:?}");
        }
        for name in ["pindeck.toml", "pindeck-holds.toml.orig", "pindeck-hold.toml", "holds"] {
            assert!(!is_taken_for(name, FILE), "{name:?}");
        }
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

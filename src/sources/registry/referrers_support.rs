//! Whether a registry has the referrers API: what its answers mean, and what it is known to have answered.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// What the status of the first answer to "what refers to this?" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReferrersStatus {
    /// A listing: the registry has the API.
    Listing,
    /// The registry has no such API; the fallback tag is asked for instead. A 400 or 406 is confirmed first.
    NoApi,
    /// Nothing is known: what refers to the subject could not be asked for.
    Unreachable,
    /// No API, if the same credentials read something else of that repository; unreachable if not.
    NoApiIfReadable,
}

/// The one rule for every answer to a request for referrers (docs/reference/registries.md). `status` is
/// that of the first page; a redirect was followed only on the same host, so a 3xx here leads elsewhere.
/// `listed_before` says that this registry answered such a request with a listing at any time.
///
/// Registries without the API refuse in many ways: docker-registry with 404, go-containerregistry takes
/// 400, 404 and 406 so, Quay, Harbor and proxies send 401, 403, 405 or 501, GHCR leads to its web site.
/// From a registry that is known to have the API the same answers mean that somebody between stands in the
/// way, who may hide a failed test.
pub(super) const fn meaning(status: u16, listed_before: bool) -> ReferrersStatus {
    match status {
        200 => ReferrersStatus::Listing,
        _ if listed_before => ReferrersStatus::Unreachable,
        400 | 404 | 405 | 406 | 501 | 301 | 302 | 303 | 307 | 308 => ReferrersStatus::NoApi,
        401 | 403 => ReferrersStatus::NoApiIfReadable,
        _ => ReferrersStatus::Unreachable,
    }
}

/// What is known about one registry.
#[derive(Debug, Default)]
pub(super) struct Support {
    listed: AtomicBool,
    /// Remembers from run to run that the registry has the API.
    record: Option<PathBuf>,
    /// Locked by the first request of a run, which finds out for all.
    pub(super) finding_out: tokio::sync::Mutex<()>,
}

impl Support {
    /// What is remembered about a registry by the address it is talked to. `folder` keeps what is
    /// remembered; without one nothing is.
    pub(super) fn remembered(folder: Option<&Path>, address: &str) -> Self {
        let record = folder.map(|folder| folder.join(crate::domain::Digest::of(address.as_bytes()).hex()));
        let listed = record.as_deref().is_some_and(is_record);
        Self {
            listed: AtomicBool::new(listed),
            record,
            ..Self::default()
        }
    }

    /// Whether it answered with a listing at any time.
    pub(super) fn has_listed(&self) -> bool {
        self.listed.load(Ordering::Acquire)
    }

    /// Notes that the registry has listed referrers: from now on a refusal proves nothing.
    pub(super) fn note_listing(&self) {
        if self.listed.swap(true, Ordering::AcqRel) {
            return;
        }
        // Memory that cannot be written protects less from then on; it makes no answer wrong.
        if let Some(record) = &self.record
            && let Err(error) = write_record(record)
        {
            tracing::warn!(path = %record.display(), %error, "not remembered that a registry lists referrers");
        }
    }
}

fn is_record(path: &Path) -> bool {
    // Only that it is there counts: nothing is read, so nothing in its place can do harm.
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

fn write_record(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(b"this registry lists referrers\n")?;
    file.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_one_meaning() {
        use ReferrersStatus::{Listing, NoApi, NoApiIfReadable, Unreachable};
        for (status, new, known) in [
            (200, Listing, Listing),
            (201, Unreachable, Unreachable),
            (204, Unreachable, Unreachable),
            (301, NoApi, Unreachable),
            (302, NoApi, Unreachable),
            (303, NoApi, Unreachable),
            (304, Unreachable, Unreachable),
            (307, NoApi, Unreachable),
            (308, NoApi, Unreachable),
            (400, NoApi, Unreachable),
            (401, NoApiIfReadable, Unreachable),
            (402, Unreachable, Unreachable),
            (403, NoApiIfReadable, Unreachable),
            (404, NoApi, Unreachable),
            (405, NoApi, Unreachable),
            (406, NoApi, Unreachable),
            (408, Unreachable, Unreachable),
            (410, Unreachable, Unreachable),
            (418, Unreachable, Unreachable),
            (429, Unreachable, Unreachable),
            (500, Unreachable, Unreachable),
            (501, NoApi, Unreachable),
            (502, Unreachable, Unreachable),
            (503, Unreachable, Unreachable),
            (504, Unreachable, Unreachable),
        ] {
            assert_eq!(meaning(status, false), new, "{status} from a registry nobody knows");
            assert_eq!(meaning(status, true), known, "{status} from one that has listed before");
        }
    }

    #[test]
    fn a_listing_is_remembered_from_run_to_run_and_by_address() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("referrers");
        let first = Support::remembered(Some(&folder), "https://a");
        assert!(!first.has_listed());
        first.note_listing();
        assert!(first.has_listed());
        assert!(Support::remembered(Some(&folder), "https://a").has_listed());
        assert!(!Support::remembered(Some(&folder), "https://b").has_listed());
        assert!(!Support::remembered(None, "https://a").has_listed());
    }
}

//! The trusted roots that trust profiles name: where the one in force comes from, and how old it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::id::Digest;
use super::policy::{Policy, TeamPolicy, TrustRoot};
use super::text::Untrusted;

/// Seconds after which a root that can be refreshed counts as old: logs and authorities are replaced a few times a year.
pub(crate) const OLD_AFTER: i64 = 60 * 86_400;

/// Where the bytes of a trusted root come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootSource {
    /// The snapshot in this build.
    Embedded,
    /// A TUF repository, by `pindeck trust update` or the cockpit.
    Tuf,
    /// A file that `pindeck.toml` names.
    File,
}

impl RootSource {
    /// The word of the contract.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Tuf => "tuf",
            Self::File => "file",
        }
    }
}

/// A trusted root that at least one trust profile names, as it counts now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RootInForce {
    /// `public-good`, `github`, or the path of a file.
    pub name: String,
    /// Where its bytes come from.
    pub source: RootSource,
    /// Version of the TUF targets metadata that names it; other sources have none.
    pub version: Option<u64>,
    /// When TUF last confirmed that it is the newest, or when the embedded snapshot was taken.
    pub fetched_at: Option<Timestamp>,
    /// When the first of the TUF metadata that vouches for it ends.
    pub expires: Option<Timestamp>,
    /// Digest of its bytes.
    pub digest: Digest,
    /// The address that a refresh asks; `None` where nothing can be refreshed.
    pub mirror: Option<String>,
    /// Names of the trust profiles that use it.
    pub profiles: Vec<String>,
    /// Why a refreshed root that was kept does not count, if so.
    pub problem: Option<Untrusted>,
}

impl RootInForce {
    /// Whether a refresh is due. A file is as old as its team wants it to be.
    pub(crate) fn is_old(&self, now: Timestamp) -> bool {
        self.source != RootSource::File
            && self
                .fetched_at
                .is_none_or(|at| now.as_second().saturating_sub(at.as_second()) > OLD_AFTER)
    }
}

/// A root that a refresh brought and that was verified when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshedRoot {
    /// The text of its `trusted_root.json`.
    pub json: Arc<str>,
    /// When it was confirmed as the newest.
    pub fetched_at: Timestamp,
}

/// The refreshed roots in force, by the name that profiles use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefreshedRoots(pub BTreeMap<&'static str, RefreshedRoot>);

impl RefreshedRoots {
    /// The refreshed root that stands in for one that a profile names.
    pub(crate) fn of(&self, root: &TrustRoot) -> Option<&RefreshedRoot> {
        self.0.get(root.refreshable()?)
    }

    /// A policy whose digest covers the refreshed roots too: they decide its verdicts as its keys do, so what was judged
    /// or planned under other roots is never taken for the same.
    pub(crate) fn cover(&self, policy: &Policy) -> Policy {
        let mut policy = policy.clone();
        if !self.0.is_empty() {
            let mut text = policy.digest.to_string();
            for (name, root) in &self.0 {
                text.push_str(&format!("\nroot {name} {}", Digest::of(root.json.as_bytes())));
            }
            policy.digest = Digest::of(text.as_bytes());
        }
        policy
    }
}

impl TrustRoot {
    /// The name by which a refresh knows it; `None` for a file.
    pub(crate) const fn refreshable(&self) -> Option<&'static str> {
        match self {
            Self::PublicGood => Some("public-good"),
            Self::Github => Some("github"),
            Self::File { .. } => None,
        }
    }
}

/// The roots that the profiles of a team name, each once, with the names of those profiles.
pub(crate) fn named_roots(team: &TeamPolicy) -> Vec<(&TrustRoot, Vec<String>)> {
    let mut found: Vec<(&TrustRoot, Vec<String>)> = Vec::new();
    for (name, profile) in &team.trust {
        let Some(root) = &profile.root else { continue };
        match found.iter_mut().find(|(known, _)| *known == root) {
            Some((_, profiles)) => profiles.push(name.clone()),
            None => found.push((root, vec![name.clone()])),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(source: RootSource, fetched_at: Option<&str>) -> RootInForce {
        RootInForce {
            name: "public-good".to_owned(),
            source,
            version: None,
            fetched_at: fetched_at.map(|at| at.parse().expect("a time")),
            expires: None,
            digest: Digest::of(b""),
            mirror: None,
            profiles: Vec::new(),
            problem: None,
        }
    }

    #[test]
    fn a_root_is_old_after_two_months_unless_it_is_a_file() {
        let now = "2026-11-30T00:00:00Z".parse().expect("a time");
        for (source, at, old) in [
            (RootSource::Tuf, Some("2026-11-01T00:00:00Z"), false),
            (RootSource::Tuf, Some("2026-10-01T00:00:00Z"), false),
            (RootSource::Tuf, Some("2026-09-30T00:00:00Z"), true),
            (RootSource::Embedded, Some("2026-09-30T00:00:00Z"), true),
            (RootSource::Embedded, Some("2027-09-30T00:00:00Z"), false),
            (RootSource::Tuf, None, true),
            (RootSource::File, None, false),
        ] {
            assert_eq!(root(source, at).is_old(now), old, "{source:?} {at:?}");
        }
    }

    #[test]
    fn refreshed_roots_are_part_of_a_policys_digest() {
        let policy = |digest| Policy {
            name: "release".to_owned(),
            require: Vec::new(),
            signer: crate::domain::policy::SignerRule::default(),
            builder: Vec::new(),
            source: false,
            test_result: crate::domain::policy::TestResultRule::default(),
            max_age: BTreeMap::new(),
            soak: None,
            freeze: Vec::new(),
            break_glass: std::collections::BTreeSet::new(),
            digest,
        };
        let plain = policy(Digest::of(b"a"));
        let refreshed = |json: &str| {
            let root = RefreshedRoot {
                json: json.into(),
                fetched_at: Timestamp::UNIX_EPOCH,
            };
            RefreshedRoots(BTreeMap::from([("public-good", root)]))
        };
        assert_eq!(RefreshedRoots::default().cover(&plain), plain);
        let (one, other) = (
            refreshed("{}").cover(&plain).digest,
            refreshed("{ }").cover(&plain).digest,
        );
        assert!(one != plain.digest && one != other);
        assert_eq!(one, refreshed("{}").cover(&plain).digest);
    }
}

//! Trust profiles, made ready once: parsed keys and one verifier per root.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use sigstore_trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TransparencyLog, TrustedRoot,
};
use sigstore_types::{LogKeyId, SignatureBytes, TimestampToken, TsaAuthority};
use sigstore_verify::Verifier;
use sigstore_verify::tsa::verify_timestamp_for_authority;

use super::keys::Key;
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::pattern::anchored;
use crate::domain::policy::{
    Demands, Identity, LogRule, Match, SignatureFormat, TimeRule, TrustProfile, TrustRoot, TrustedKey, Validity,
};
use crate::domain::trusted_root::RefreshedRoots;

/// When the snapshots in this build were taken: the release of the crate that they come with. A test ties it to
/// their bytes.
pub(crate) const EMBEDDED_AS_OF: Timestamp = Timestamp::constant(1_792_713_600, 0);

/// The text of the snapshot in this build; `None` for a file.
pub(crate) fn embedded(root: &TrustRoot) -> Option<&'static str> {
    match root {
        TrustRoot::PublicGood => Some(SIGSTORE_PRODUCTION_TRUSTED_ROOT),
        TrustRoot::Github => Some(SIGSTORE_GITHUB_TRUSTED_ROOT),
        TrustRoot::File { .. } => None,
    }
}

/// Whether a text is a trusted root that can be verified with.
///
/// # Errors
/// In words, if it is none.
pub(crate) fn check_root(json: &str) -> Result<(), String> {
    let trusted = TrustedRoot::from_json(json).map_err(|e| e.to_string())?;
    Verifier::new(&trusted).map_err(|e| e.to_string())?;
    // Any object can be read as a root that knows nobody.
    match trusted.certificate_authorities.is_empty() && trusted.tlogs.is_empty() {
        true => Err("it names neither a certificate authority nor a log".to_owned()),
        false => Ok(()),
    }
}

/// Whether a text is a public key that can be verified with.
///
/// # Errors
/// In words, if it is none.
pub(crate) fn check_key(pem: &str) -> Result<(), String> {
    let key = TrustedKey {
        name: String::new(),
        pem: pem.to_owned(),
        validity: Validity::default(),
    };
    Key::parse_all(&key).map(|_| ())
}

/// Every trust profile of a policy, ready to verify with.
#[derive(Default)]
pub struct Trust {
    profiles: BTreeMap<String, Profile>,
    refreshed: RefreshedRoots,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.profiles.keys()).finish()
    }
}

/// One trust profile.
pub(super) struct Profile {
    /// Name of the trust profile in `pindeck.toml`.
    pub name: String,
    /// Keys that are believed.
    pub keys: Vec<Key>,
    /// What certificates, logs and timestamps are anchored in.
    pub root: Option<Arc<Root>>,
    /// Certificates that are believed.
    pub identities: Vec<Identity>,
    /// What the log must contribute.
    pub log: LogRule,
    /// Whether a certificate must carry a valid SCT.
    pub sct: bool,
    /// Which trusted time is asked for.
    pub time: TimeRule,
    /// What is asked for beyond that.
    pub demands: Demands,
    /// How it must be stored; `None` = either way.
    pub signature_format: Option<SignatureFormat>,
    /// The predicate types that count; empty = all.
    pub predicate_types: Vec<String>,
}

/// A time that somebody whom the root names vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VouchedTime {
    /// The time.
    pub at: Timestamp,
    /// Who vouches for it: two times of one authority prove no more than one.
    pub authority: String,
}

/// A trusted root with the verifier built from it.
pub(super) struct Root {
    /// What it is called where it is shown.
    pub name: String,
    /// Whether a newer one can be asked for.
    refreshable: bool,
    /// The root itself.
    pub trusted: TrustedRoot,
    /// Built once.
    pub verifier: Verifier,
}

impl Root {
    fn new(root: &TrustRoot, refreshed: &RefreshedRoots) -> Result<Self, String> {
        let known = refreshed.of(root);
        let (name, json) = match root {
            TrustRoot::File { name, json } => (name.clone(), json.as_str()),
            TrustRoot::PublicGood | TrustRoot::Github => {
                let named = root.refreshable().unwrap_or_default();
                match known {
                    Some(known) => (format!("{named} (refreshed {})", known.fetched_at), &*known.json),
                    None => (
                        format!("{named} (snapshot in this build)"),
                        embedded(root).unwrap_or_default(),
                    ),
                }
            }
        };
        let trusted = TrustedRoot::from_json(json).map_err(|e| e.to_string())?;
        let verifier = Verifier::new(&trusted).map_err(|e| e.to_string())?;
        Ok(Self {
            name,
            refreshable: root.refreshable().is_some(),
            trusted,
            verifier,
        })
    }

    /// What to say after an authority or a log was not found in this root: it may be known to a newer one.
    pub(crate) fn advice(&self) -> &'static str {
        match self.refreshable {
            true => "; the trusted root may be older than that: `pindeck trust update` asks for a newer one",
            false => "",
        }
    }

    /// The time of a timestamp over `signature`, if an authority of this root made it while it was in use.
    ///
    /// # Errors
    /// The time, if an authority of this root made it when it was not in use.
    pub(crate) fn stamped(
        &self,
        token: &TimestampToken,
        signature: &SignatureBytes,
    ) -> Result<Option<VouchedTime>, Timestamp> {
        let mut outside = None;
        for authority in self.trusted.tsa_authorities() {
            match verify_timestamp_for_authority(token, signature, &authority) {
                Ok(at) => {
                    return Ok(Some(VouchedTime {
                        at,
                        authority: self.authority_name(&authority),
                    }));
                }
                Err(sigstore_verify::tsa::Error::TimestampOutsideValidity { time }) => outside = Some(time),
                Err(_) => {}
            }
        }
        outside.map_or(Ok(None), Err)
    }

    /// What tells a timestamp authority from another: its address, under which it may change its
    /// certificates; without one, its certificate.
    fn authority_name(&self, authority: &TsaAuthority) -> String {
        let listed = self.trusted.timestamp_authorities.iter();
        let uri = listed
            .filter(|listed| {
                let leaf = listed.cert_chain.certificates.first();
                leaf.is_some_and(|leaf| leaf.raw_bytes == authority.leaf)
            })
            .find_map(|listed| listed.uri.clone().filter(|uri| !uri.is_empty()));
        uri.unwrap_or_else(|| Digest::of(authority.leaf.as_bytes()).to_string())
    }

    /// The log that has this id.
    pub(crate) fn log(&self, id: &LogKeyId) -> Option<&TransparencyLog> {
        self.trusted.tlogs.iter().find(|log| log.log_id.key_id == *id)
    }
}

/// Why a trust profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A key file does not contain a public key that can be used.
    #[error("trust profile {profile}: {key} is not a public key that can be used ({why})")]
    Key {
        /// Name of the trust profile in `pindeck.toml`.
        profile: String,
        /// The key's file as named.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// The root cannot be parsed.
    #[error("trust profile {profile}: {root} is not a trusted root ({why})")]
    Root {
        /// Name of the trust profile in `pindeck.toml`.
        profile: String,
        /// The root as named.
        root: String,
        /// What is wrong.
        why: String,
    },
    /// A `san_regex` or issuer pattern does not compile.
    #[error("trust profile {profile}: the pattern {pattern:?} does not compile ({why})")]
    Pattern {
        /// Name of the trust profile in `pindeck.toml`.
        profile: String,
        /// The regular expression as it is written in `pindeck.toml`.
        pattern: String,
        /// What is wrong.
        why: String,
    },
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        let failure = Self::usage(error.to_string());
        match error {
            TrustError::Key { .. } => failure.hint("give a PEM public key (Ed25519, ECDSA P-256/384/521 or RSA)"),
            TrustError::Root { .. } => failure.hint("give a trusted_root.json, \"public-good\" or \"github\""),
            TrustError::Pattern { .. } => failure.hint("correct the pattern"),
        }
    }
}

impl Trust {
    /// Makes every profile ready.
    ///
    /// # Errors
    /// [`TrustError`] names the first profile that cannot be used.
    pub fn new(profiles: &BTreeMap<String, TrustProfile>) -> Result<Self, TrustError> {
        Self::with_roots(profiles, &RefreshedRoots::default())
    }

    /// The same with refreshed roots in the place of this build's snapshots.
    ///
    /// # Errors
    /// As [`Trust::new`].
    pub fn with_roots(
        profiles: &BTreeMap<String, TrustProfile>,
        refreshed: &RefreshedRoots,
    ) -> Result<Self, TrustError> {
        let mut roots: BTreeMap<String, Arc<Root>> = BTreeMap::new();
        let mut ready = BTreeMap::new();
        for (name, profile) in profiles {
            let mut keys = Vec::new();
            for key in &profile.keys {
                let parsed = Key::parse_all(key).map_err(|why| TrustError::Key {
                    profile: name.clone(),
                    key: key.name.clone(),
                    why,
                })?;
                keys.extend(parsed);
            }
            let root = match &profile.root {
                None => None,
                Some(root) => Some(match roots.entry(format!("{root:?}")) {
                    Entry::Occupied(known) => Arc::clone(known.get()),
                    Entry::Vacant(new) => {
                        let built = Root::new(root, refreshed).map_err(|why| TrustError::Root {
                            profile: name.clone(),
                            root: match root {
                                TrustRoot::PublicGood => "public-good".to_owned(),
                                TrustRoot::Github => "github".to_owned(),
                                TrustRoot::File { name, .. } => name.clone(),
                            },
                            why,
                        })?;
                        Arc::clone(new.insert(Arc::new(built)))
                    }
                }),
            };
            check_patterns(name, &profile.identities)?;
            ready.insert(
                name.clone(),
                Profile {
                    name: name.clone(),
                    keys,
                    root,
                    identities: profile.identities.clone(),
                    log: profile.transparency_log,
                    sct: profile.sct,
                    time: profile.timestamp,
                    demands: profile.demands.clone(),
                    signature_format: profile.signature_format,
                    predicate_types: profile.predicate_types.clone(),
                },
            );
        }
        Ok(Self {
            profiles: ready,
            refreshed: refreshed.clone(),
        })
    }

    /// The refreshed roots that it verifies with.
    pub fn refreshed(&self) -> &RefreshedRoots {
        &self.refreshed
    }

    /// The profile of that name.
    pub(super) fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }
}

fn check_patterns(profile: &str, identities: &[Identity]) -> Result<(), TrustError> {
    for identity in identities {
        for rule in std::iter::once(&identity.san).chain(&identity.issuer) {
            let Match::Regex(pattern) = rule else { continue };
            anchored(pattern, Some("service")).map_err(|why| TrustError::Pattern {
                profile: profile.to_owned(),
                pattern: pattern.clone(),
                why,
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshots_are_those_of_the_date_that_is_told() {
        let digest = |root| Digest::of(embedded(&root).expect("a snapshot").as_bytes()).hex()[..16].to_owned();
        // Whoever changes these has another release of the crate, and so another `EMBEDDED_AS_OF`.
        assert_eq!(digest(TrustRoot::PublicGood), "6494e21ea73fa7ee");
        assert_eq!(digest(TrustRoot::Github), "484cdfe1a7c65479");
        assert_eq!(EMBEDDED_AS_OF.to_string(), "2026-10-23T00:00:00Z");
    }

    #[test]
    fn a_root_that_knows_nobody_is_none() {
        for root in [TrustRoot::PublicGood, TrustRoot::Github] {
            assert_eq!(check_root(embedded(&root).expect("a snapshot")), Ok(()));
        }
        for text in ["", "[]", "{}", "{\"mediaType\":\"x\"}"] {
            assert!(check_root(text).is_err(), "{text}");
        }
    }
}

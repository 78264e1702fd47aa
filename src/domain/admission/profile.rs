//! An authority of a gate as a trust profile of pindeck's: the same signatures count under both, or there is none.

use std::collections::BTreeMap;

use super::{Authority, AuthorityIdentity, AuthorityRoot, AuthoritySigner};
use crate::domain::policy::{
    Demands, Identity, LogRule, Match, TimeRule, TrustProfile, TrustRoot, TrustedKey, Validity,
};

/// Roots that somebody named for what a policy only refers to, by the name of the reference. The empty name stands for
/// every other one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedRoots(BTreeMap<String, TrustRoot>);

impl NamedRoots {
    /// Of pairs of a reference's name and the root that stands behind it.
    pub(crate) fn new(all: impl IntoIterator<Item = (String, TrustRoot)>) -> Self {
        Self(all.into_iter().collect())
    }

    /// The root behind a reference.
    ///
    /// # Errors
    /// What is missing, and how to give it.
    pub(crate) fn of(&self, root: &AuthorityRoot) -> Result<TrustRoot, String> {
        let named = |name: &str| self.0.get(name).or_else(|| self.0.get("")).cloned();
        match root {
            AuthorityRoot::PublicGood => Ok(TrustRoot::PublicGood),
            AuthorityRoot::Inline(json) => Ok(TrustRoot::File {
                name: "trusted root in the policy".to_owned(),
                json: json.clone(),
            }),
            AuthorityRoot::Named(name) => named(name).ok_or_else(|| {
                format!("the TrustRoot {name} is not at hand: give its trusted_root.json with --root {name}=FILE")
            }),
            AuthorityRoot::Address(address) => named(address).ok_or_else(|| {
                format!("the root of {address} is not at hand: give its trusted_root.json with --root FILE")
            }),
        }
    }
}

impl Authority {
    /// The same authority as a trust profile with this name. The roots of its certificates and of its log must be the
    /// same one, for a profile has one root.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn as_profile(&self, name: &str, roots: &NamedRoots) -> Result<TrustProfile, String> {
        let mut profile = TrustProfile {
            name: name.to_owned(),
            keys: Vec::new(),
            root: None,
            identities: Vec::new(),
            transparency_log: match self.demands_log() {
                true => LogRule::Required,
                false => LogRule::NotRequired,
            },
            sct: !self.ignores_sct,
            timestamp: match self.timestamped {
                true => TimeRule::Rfc3161,
                false => TimeRule::Any,
            },
            demands: Demands::default(),
            signature_format: self.stored,
            predicate_types: Vec::new(),
        };
        match &self.signer {
            AuthoritySigner::Static(_) => return Err("its answer is fixed, whoever signed".to_owned()),
            AuthoritySigner::Elsewhere(what) => return Err(what.clone()),
            AuthoritySigner::Key(pem) => {
                profile.keys.push(TrustedKey {
                    name: format!("{name}.pub"),
                    pem: pem.clone(),
                    validity: Validity::default(),
                });
                profile.root = self.log.as_ref().map(|log| roots.of(log)).transpose()?;
            }
            AuthoritySigner::Keyless { identities, root } => {
                let chosen = roots.of(root)?;
                if let Some(log) = &self.log
                    && roots.of(log)? != chosen
                {
                    return Err(
                        "its certificates and its log are anchored in two roots, and a profile has one".to_owned(),
                    );
                }
                profile.root = Some(chosen);
                profile.identities = identities
                    .iter()
                    .map(AuthorityIdentity::as_identity)
                    .collect::<Result<_, _>>()?;
            }
        }
        Ok(profile)
    }
}

impl AuthorityIdentity {
    /// The same identity in pindeck's words. What is not given may be anything.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub(crate) fn as_identity(&self) -> Result<Identity, String> {
        let anything = || Match::Regex("(?s:.*)".to_owned());
        let part =
            |rule: &Option<super::AuthorityMatch>| rule.as_ref().map_or_else(|| Ok(anything()), |rule| rule.as_match());
        Ok(Identity {
            san: part(&self.subject)?,
            issuer: Some(part(&self.issuer)?),
            claims: BTreeMap::new(),
        })
    }

    /// How it is shown.
    pub(crate) fn words(&self) -> String {
        let part = |rule: &Option<super::AuthorityMatch>| {
            rule.as_ref().map_or_else(|| "anybody".to_owned(), |rule| rule.words())
        };
        format!("{} ({})", part(&self.subject), part(&self.issuer))
    }
}

//! Rules compared: the answers, and what is compared with what.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::AdmissionPolicy;
use super::profile::NamedRoots;
use crate::domain::evidence::EvidenceKind;
use crate::domain::policy::{Policy, TrustProfile};

/// How a rule of pindeck's compares with the gate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAnswer {
    /// Both ask the same.
    Same,
    /// pindeck asks more.
    StricterHere,
    /// The gate asks more.
    StricterThere,
    /// The rule cannot be said in the gate's policy, or what is said there is not read.
    CannotSay,
}

impl RuleAnswer {
    /// How it is told in the table.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::StricterHere => "stricter here",
            Self::StricterThere => "stricter there",
            Self::CannotSay => "cannot be said there",
        }
    }
}

/// One rule compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleComparison {
    /// pindeck's policy; `None` where the rule does not depend on one.
    pub policy: Option<String>,
    /// The rule's name.
    pub rule: String,
    /// Which is stricter.
    pub answer: RuleAnswer,
    /// Why, in one line.
    pub detail: String,
}

/// A policy of pindeck's as it applies to some services.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HerePolicy<'a> {
    /// What it asks.
    pub policy: &'a Policy,
    /// The signer that these services have of their own.
    pub service_signer: Option<&'a str>,
    /// Their names, where a signer's identities depend on them.
    pub services: &'a BTreeSet<String>,
    /// All trust profiles of the team.
    pub profiles: &'a BTreeMap<String, TrustProfile>,
}

impl HerePolicy<'_> {
    /// How it is named in a comparison.
    pub(crate) fn name(&self) -> String {
        match self.service_signer {
            Some(signer) => format!("{} (signer {signer})", self.policy.name),
            None => self.policy.name.clone(),
        }
    }

    /// The trust profile that signs a kind.
    pub(crate) fn profile(&self, kind: EvidenceKind) -> Option<&TrustProfile> {
        self.profiles
            .get(self.policy.signer.for_kind(kind, self.service_signer)?)
    }
}

/// The policies of a gate about the same images: all of them must be satisfied.
pub(crate) struct Together<'a> {
    /// The one that is compared.
    pub this: &'a AdmissionPolicy,
    /// Those that must be satisfied too.
    pub others: &'a [&'a AdmissionPolicy],
    /// Roots given for what it refers to.
    pub roots: &'a NamedRoots,
}

/// Where comparisons are collected.
pub(super) struct Rows {
    /// The policy of pindeck's that is compared, if the rules depend on one.
    pub policy: Option<String>,
    /// What was found.
    pub all: Vec<RuleComparison>,
}

impl Rows {
    /// Adds one, unless it is there already.
    pub(crate) fn add(&mut self, rule: impl Into<String>, answer: RuleAnswer, detail: impl Into<String>) {
        let row = RuleComparison {
            policy: self.policy.clone(),
            rule: rule.into(),
            answer,
            detail: detail.into(),
        };
        if !self.all.contains(&row) {
            self.all.push(row);
        }
    }
}

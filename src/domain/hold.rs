//! Which holds close which environments (docs/reference/contract.md, "Holds"): pure decisions about holds that
//! were read already.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::board::Hold;
use super::id::{Digest, EnvId, ServiceId, Target};
use super::policy::Environment;

/// What a question about holds is asked of: the holds in force, and what there is that they may be about.
///
/// All of it is needed for every question: without the environments and services that exist, a hold that was
/// made under an older name would close nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HoldsInForce<'h, 'a> {
    /// The holds, in the order of the file.
    pub(crate) holds: &'h [Hold],
    /// The environments, in promotion order.
    pub(crate) environments: &'a [Environment],
    /// The names of all services that exist.
    pub(crate) services: &'a BTreeSet<ServiceId>,
}

impl<'h, 'a> HoldsInForce<'h, 'a> {
    /// The holds that close an environment for a digest, in the order of the file: those made there or in an
    /// earlier environment. A hold also closes
    ///
    /// * where it names an environment that does not exist any more,
    /// * where it names the service by a longer or shorter form of its name,
    /// * for its digest whatever the service is called, where it names a service that does not exist:
    ///   somebody renamed it, or mistyped it.
    ///
    /// The bytes are the same each time, and a renamed folder must not lift a hold.
    pub(crate) fn closing(self, target: &Target, digest: Digest) -> impl Iterator<Item = &'h Hold> + use<'h, 'a> {
        let place = move |name: &EnvId| self.environments.iter().position(|e| e.name == *name);
        let here = place(&target.environment);
        let Target { service, environment } = target.clone();
        self.holds.iter().filter(move |hold| {
            let reaches = hold.environment == environment
                || match (place(&hold.environment), here) {
                    (Some(made), Some(here)) => made <= here,
                    (None, _) => true,
                    (Some(_), None) => false,
                };
            let is_about = is_one_service(hold.service.as_str(), service.as_str());
            hold.digest == digest && (is_about && reaches || !self.is_known(&hold.service))
        })
    }

    /// Whether a name is that of a service that exists, or a longer or shorter form of one.
    fn is_known(self, service: &ServiceId) -> bool {
        let mut known = self.services.iter();
        known.any(|name| is_one_service(name.as_str(), service.as_str()))
    }

    /// The holds that a person may mean by a service and an environment: those made under these names, or
    /// under a longer or shorter form of the service's. Neither has to exist any more.
    pub(crate) fn named(self, target: &Target) -> impl Iterator<Item = &'h Hold> + use<'h, 'a> {
        let Target { service, environment } = target.clone();
        let exact = self
            .holds
            .iter()
            .any(|hold| hold.service == service && hold.environment == environment);
        self.holds.iter().filter(move |hold| {
            hold.environment == environment
                && (hold.service == service || !exact && is_one_service(hold.service.as_str(), service.as_str()))
        })
    }
}

/// What a write does to one hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldChange {
    /// A new hold begins.
    Begins(ServiceId, EnvId, Digest),
    /// A hold ends.
    Ends(ServiceId, EnvId, Digest),
}

impl HoldChange {
    /// Whether it is about this hold.
    pub(crate) fn is_of(&self, hold: &Hold) -> bool {
        (&hold.service, &hold.environment, hold.digest) == self.names()
    }

    /// What the hold is about.
    pub(crate) const fn names(&self) -> (&ServiceId, &EnvId, Digest) {
        let (Self::Begins(service, environment, digest) | Self::Ends(service, environment, digest)) = self;
        (service, environment, *digest)
    }

    /// Whether a hold ends.
    pub(crate) const fn is_end(&self) -> bool {
        matches!(self, Self::Ends(..))
    }
}

/// The branch that the policy and the holds are read from, where pins are on another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldsPlace {
    /// Name of the remote in git's configuration, for example `origin`; `None` = the branch is on no remote.
    pub remote: Option<String>,
    /// A digest of where that remote leads: its name stays when its address changes.
    #[serde(default)]
    pub remote_at: Option<Digest>,
    /// Name of the branch, without `refs/heads/`.
    pub branch: String,
}

impl HoldsPlace {
    /// Its name for people.
    pub(crate) fn shown(&self) -> String {
        match &self.remote {
            Some(remote) => format!("branch {} of {remote}", self.branch),
            None => format!("branch {}", self.branch),
        }
    }
}

/// The holds that begin and end where one list takes the place of another.
pub(crate) fn changes(before: &[Hold], after: &[Hold]) -> BTreeSet<HoldChange> {
    type Named = (ServiceId, EnvId, Digest);
    let named = |hold: &Hold| -> Named { (hold.service.clone(), hold.environment.clone(), hold.digest) };
    let (before, after): (BTreeSet<Named>, BTreeSet<Named>) =
        (before.iter().map(named).collect(), after.iter().map(named).collect());
    let begins = after.difference(&before).cloned();
    let ends = before.difference(&after).cloned();
    begins
        .map(|(service, environment, digest)| HoldChange::Begins(service, environment, digest))
        .chain(ends.map(|(service, environment, digest)| HoldChange::Ends(service, environment, digest)))
        .collect()
}

/// Whether two names of services are the same, or one is the last part of the other's path.
fn is_one_service(a: &str, b: &str) -> bool {
    let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'));
    a == b || ends(a, b) || ends(b, a)
}

/// A hold of payments, for tests: the digest is made of one byte.
#[cfg(test)]
pub(crate) fn sample(environment: &str, byte: u8) -> Hold {
    Hold {
        service: "payments".into(),
        environment: environment.into(),
        digest: Digest::from_bytes([byte; 32]),
        reason: "crashes on start".into(),
        since: None,
        by: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(environment: &str) -> Hold {
        sample(environment, 7)
    }

    fn environments(names: &[&str]) -> Vec<Environment> {
        names.iter().map(|name| Environment::new(*name, Vec::new())).collect()
    }

    fn names(names: &[&str]) -> BTreeSet<ServiceId> {
        names.iter().map(|name| (*name).into()).collect()
    }

    /// How many of the holds close a place for the digest that they are about.
    fn closed(holds: &[Hold], environments: &[Environment], services: &[&str], at: (&str, &str)) -> usize {
        let services = names(services);
        let all = HoldsInForce {
            holds,
            environments,
            services: &services,
        };
        all.closing(&Target::new(at.0, at.1), Digest::from_bytes([7; 32]))
            .count()
    }

    #[test]
    fn closes_its_own_and_later_environments() {
        let all = environments(&["dev", "staging", "production"]);
        let holds = [hold("staging")];
        let closed = |environment: &str| closed(&holds, &all, &["payments"], ("payments", environment));
        assert_eq!([closed("dev"), closed("staging"), closed("production")], [0, 1, 1]);
    }

    #[test]
    fn every_hold_that_closes_is_named() {
        let environments = environments(&["dev", "staging", "production"]);
        let all = HoldsInForce {
            holds: &[hold("production"), hold("dev")],
            environments: &environments,
            services: &names(&["payments"]),
        };
        let target = Target::new("payments", "production");
        let named: Vec<&EnvId> = all
            .closing(&target, Digest::from_bytes([7; 32]))
            .map(|hold| &hold.environment)
            .collect();
        assert_eq!(named, [&EnvId::from("production"), &EnvId::from("dev")]);
    }

    #[test]
    fn renaming_or_mistyping_a_service_lifts_no_hold() {
        let all = environments(&["dev", "staging", "production"]);
        let holds = [hold("staging")];
        // The service of the hold is gone: its bytes are closed under every name.
        assert_eq!(closed(&holds, &all, &["money"], ("money", "dev")), 1);
        // It exists: the hold is about that one.
        assert_eq!(closed(&holds, &all, &["money", "payments"], ("money", "dev")), 0);
    }

    #[test]
    fn renaming_lifts_no_hold() {
        let holds = [hold("gone")];
        let services = ["payments", "team-a/payments", "repayments"];
        let closed = |service: &str| closed(&holds, &[], &services, (service, "dev"));
        assert_eq!(
            [closed("payments"), closed("team-a/payments"), closed("repayments")],
            [1, 1, 0]
        );
        let services = names(&services);
        let all = HoldsInForce {
            holds: &holds,
            environments: &[],
            services: &services,
        };
        let other = Digest::from_bytes([8; 32]);
        assert_eq!(all.closing(&Target::new("payments", "dev"), other).count(), 0);
    }

    #[test]
    fn a_hold_is_named_by_what_it_says_whether_or_not_that_exists() {
        let mut longer = hold("staging");
        longer.service = "team-a/payments".into();
        let all = HoldsInForce {
            holds: &[hold("gone"), hold("staging"), longer],
            environments: &environments(&["dev", "staging"]),
            services: &names(&["money"]),
        };
        let named = |service: &str, environment: &str| all.named(&Target::new(service, environment)).count();
        assert_eq!([named("payments", "gone"), named("payments", "dev")], [1, 0]);
        // The exact name is meant where there is one; else a longer or shorter form.
        assert_eq!(
            [named("payments", "staging"), named("b/team-a/payments", "staging")],
            [1, 2]
        );
    }
}

//! Which holds close which environments (docs/reference/contract.md, "Holds"): pure decisions about holds that
//! were read already.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::board::Hold;
use super::id::{Digest, EnvId, ServiceId, Target};
use super::policy::Environment;

/// The holds that close an environment for a digest, in the order of the file: those made there or in an
/// earlier environment. A hold also closes where it names an environment that does not exist any more, or
/// the service by a longer or shorter form of its name: the bytes are the same, and a renamed folder must
/// not lift a hold.
pub(crate) fn closing<'a, 'b>(
    holds: &'a [Hold],
    environments: &'b [Environment],
    target: &'b Target,
    digest: Digest,
) -> impl Iterator<Item = &'a Hold> + use<'a, 'b> {
    let place = |name: &EnvId| environments.iter().position(|e| e.name == *name);
    let here = place(&target.environment);
    holds.iter().filter(move |hold| {
        hold.digest == digest
            && is_one_service(hold.service.as_str(), target.service.as_str())
            && (hold.environment == target.environment
                || match (place(&hold.environment), here) {
                    (Some(made), Some(here)) => made <= here,
                    (None, _) => true,
                    (Some(_), None) => false,
                })
    })
}

/// The same with the names of all services that exist: a hold on a service that is not among them closes for its
/// digest whatever the service is called. Somebody renamed it, or mistyped it; the bytes are the same.
pub(crate) fn closing_among<'a, 'b>(
    holds: &'a [Hold],
    environments: &'b [Environment],
    services: &'b BTreeSet<ServiceId>,
    target: &'b Target,
    digest: Digest,
) -> impl Iterator<Item = &'a Hold> + use<'a, 'b> {
    let renamed = move |hold: &&Hold| {
        let known = services
            .iter()
            .any(|name| is_one_service(name.as_str(), hold.service.as_str()));
        !known && hold.digest == digest
    };
    let own = closing(holds, environments, target, digest);
    own.chain(
        holds
            .iter()
            .filter(renamed)
            .filter(move |hold| !is_one_service(hold.service.as_str(), target.service.as_str())),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(environment: &str) -> Hold {
        Hold {
            service: "payments".into(),
            environment: environment.into(),
            digest: Digest::from_bytes([7; 32]),
            reason: "crashes on start".into(),
            since: None,
            by: None,
        }
    }

    fn environments(names: &[&str]) -> Vec<Environment> {
        names.iter().map(|name| Environment::new(*name, Vec::new())).collect()
    }

    #[test]
    fn closes_its_own_and_later_environments() {
        let all = environments(&["dev", "staging", "production"]);
        let holds = [hold("staging")];
        let closed = |environment: &str| {
            let target = Target::new("payments", environment);
            closing(&holds, &all, &target, Digest::from_bytes([7; 32])).count()
        };
        assert_eq!([closed("dev"), closed("staging"), closed("production")], [0, 1, 1]);
    }

    #[test]
    fn every_hold_that_closes_is_named() {
        let all = environments(&["dev", "staging", "production"]);
        let holds = [hold("production"), hold("dev")];
        let target = Target::new("payments", "production");
        let named: Vec<&EnvId> = closing(&holds, &all, &target, Digest::from_bytes([7; 32]))
            .map(|hold| &hold.environment)
            .collect();
        assert_eq!(named, [&EnvId::from("production"), &EnvId::from("dev")]);
    }

    #[test]
    fn renaming_or_mistyping_a_service_lifts_no_hold() {
        let all = environments(&["dev", "staging", "production"]);
        let holds = [hold("staging")];
        let target = Target::new("money", "dev");
        let closed = |services: &[&str]| {
            let services = services.iter().map(|name| (*name).into()).collect();
            closing_among(&holds, &all, &services, &target, Digest::from_bytes([7; 32])).count()
        };
        // The service of the hold is gone: its bytes are closed under every name.
        assert_eq!(closed(&["money"]), 1);
        // It exists: the hold is about that one.
        assert_eq!(closed(&["money", "payments"]), 0);
    }

    #[test]
    fn renaming_lifts_no_hold() {
        let holds = [hold("gone")];
        let digest = Digest::from_bytes([7; 32]);
        let closed = |service: &str, digest| {
            let target = Target::new(service, "dev");
            closing(&holds, &[], &target, digest).next().is_some()
        };
        assert!(closed("payments", digest));
        assert!(closed("team-a/payments", digest));
        assert!(!closed("repayments", digest));
        assert!(!closed("payments", Digest::from_bytes([8; 32])));
    }
}

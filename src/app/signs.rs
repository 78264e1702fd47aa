//! Signs: one for each digest, the same on every screen as long as the cockpit runs.
//!
//! A sign is given when a digest is first seen and never taken back. Two digests of one service never
//! have the same sign, so that the same sign in one row always means the same bytes. What a sign looks
//! like is for the view to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::board::{Board, ServiceRow, Update};
use crate::domain::id::{Digest, ServiceId};

/// The sign of a digest: a number that the view turns into a shape and a colour, or a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sign(u16);

impl Sign {
    /// The number of the sign, from 0.
    pub const fn number(self) -> usize {
        self.0 as usize
    }
}

/// Every sign that has been given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignTable {
    given: BTreeMap<Digest, Sign>,
    of_service: BTreeMap<ServiceId, BTreeMap<Sign, Digest>>,
}

impl SignTable {
    /// The sign of a digest among those of a service. `None` if the digest has not been seen there, or if
    /// its sign, given for another service, would be ambiguous in this one: then no sign is shown.
    pub fn of(&self, service: &ServiceId, digest: Digest) -> Option<Sign> {
        let sign = *self.given.get(&digest)?;
        let here = self.of_service.get(service)?;
        (here.get(&sign) == Some(&digest)).then_some(sign)
    }

    /// Gives a digest of a service a sign, unless it has one.
    pub fn note(&mut self, service: &ServiceId, digest: Digest) {
        self.give(digest, std::iter::once(service));
    }

    /// Gives signs to every digest that an update of the board brings.
    pub fn note_update(&mut self, board: &Board, update: &Update) {
        match update {
            Update::Opened { services, .. } => self.note_rows(services),
            Update::Candidate(service, candidate) => {
                if let Ok(Some(candidate)) = &candidate.result {
                    self.note(service, candidate.digest);
                }
            }
            Update::Tag { key, digest, .. } if board.row(&key.target.service).is_some() => {
                if let Ok(Some(digest)) = digest.result {
                    self.note(&key.target.service, digest);
                }
            }
            _ => {}
        }
    }

    /// Digests of several services come first: their signs must be free in all of them.
    fn note_rows(&mut self, rows: &[ServiceRow]) {
        let mut services: BTreeMap<Digest, Vec<&ServiceId>> = BTreeMap::new();
        for row in rows {
            for digest in row.cells.iter().filter_map(|cell| cell.pin.digest) {
                let known = services.entry(digest).or_default();
                if !known.contains(&&row.name) {
                    known.push(&row.name);
                }
            }
        }
        for (digest, shared) in services.iter().filter(|(_, shared)| shared.len() > 1) {
            self.give(*digest, shared.iter().copied());
        }
        for row in rows {
            for digest in row.cells.iter().filter_map(|cell| cell.pin.digest) {
                self.note(&row.name, digest);
            }
        }
    }

    fn give<'a>(&mut self, digest: Digest, services: impl Iterator<Item = &'a ServiceId> + Clone) {
        let sign = match self.given.get(&digest) {
            Some(sign) => *sign,
            None => {
                let taken: BTreeSet<Sign> = services
                    .clone()
                    .filter_map(|service| self.of_service.get(service))
                    .flat_map(|signs| signs.keys().copied())
                    .collect();
                let free = (0..u16::MAX).map(Sign).find(|sign| !taken.contains(sign));
                let Some(sign) = free else { return };
                self.given.insert(digest, sign);
                sign
            }
        };
        for service in services {
            let here = self.of_service.entry(service.clone()).or_default();
            here.entry(sign).or_insert(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(n: u8) -> Digest {
        Digest::of(&[n])
    }

    #[test]
    fn a_sign_stays_whatever_comes_later() {
        let mut signs = SignTable::default();
        let service = ServiceId::from("checkout");
        signs.note(&service, digest(1));
        let first = signs.of(&service, digest(1));
        for n in 2..60 {
            signs.note(&service, digest(n));
        }
        assert_eq!(signs.of(&service, digest(1)), first);
        assert_eq!(signs.of(&service, digest(77)), None);
    }

    proptest! {
        /// Whatever is seen in whatever order: no digest changes its sign, and no two digests of a service
        /// have the same one.
        #[test]
        fn one_digest_one_sign(seen in prop::collection::vec((0u8..6, 0u8..40), 1..200)) {
            let mut signs = SignTable::default();
            let mut first: BTreeMap<Digest, Sign> = BTreeMap::new();
            for (service, n) in seen {
                signs.note(&ServiceId::new(format!("s{service}")), digest(n));
                for service in 0..6u8 {
                    let service = ServiceId::new(format!("s{service}"));
                    let mut here = BTreeMap::new();
                    for n in 0..40 {
                        let Some(sign) = signs.of(&service, digest(n)) else { continue };
                        prop_assert_eq!(here.insert(sign, n), None);
                        prop_assert_eq!(*first.entry(digest(n)).or_insert(sign), sign);
                    }
                }
            }
        }
    }
}

//! The rules of today as one digest: under the same rules, the past of an older commit reads as it did from there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::{Digest, EnvId};

use super::{Placement, TodaysRole};

/// What is special about a file: who takes it in besides those that it lies in, and entries that count otherwise than a
/// new one would.
type SpecialFile<'p> = (BTreeSet<&'p EnvId>, BTreeMap<&'p str, BTreeSet<&'p TodaysRole>>);

impl Placement<'_> {
    /// A digest of everything that decides which files of the past are read and whose pins are in them. What counts
    /// by its path alone is left out, so that another file of the usual kind changes nothing.
    pub(crate) fn rules(&self) -> Digest {
        let ledger = self.ledger;
        let mut special: BTreeMap<&str, SpecialFile<'_>> = BTreeMap::new();
        for (path, file) in &self.files {
            if file.takers.is_empty() && file.entries.is_empty() {
                continue;
            }
            let own: BTreeSet<&EnvId> = match ledger.commit.copied.contains(*path) {
                true => BTreeSet::new(),
                false => self.paths.of(path).collect(),
            };
            let by_others: BTreeSet<&EnvId> = file.takers.iter().filter(|env| !own.contains(env)).collect();
            let usual: BTreeSet<&EnvId> = own.iter().copied().chain(&file.takers).collect();
            let is_usual = |roles: &[TodaysRole]| {
                roles.len() == usual.len()
                    && roles
                        .iter()
                        .all(|role| usual.contains(&role.environment) && *role == TodaysRole::usual(&role.environment))
            };
            let others = file.entries.iter().filter(|(_, roles)| !is_usual(roles));
            let entries: BTreeMap<&str, BTreeSet<&TodaysRole>> = others
                .map(|(entry, roles)| (entry.as_str(), roles.iter().collect()))
                .collect();
            if !(by_others.is_empty() && entries.is_empty()) {
                special.insert(path, (by_others, entries));
            }
        }
        let references = ledger.effective.references.iter();
        let taken_in: BTreeSet<&str> = references
            .flat_map(|reference| {
                let others = reference.others.iter().map(|other| other.file.as_str());
                std::iter::once(reference.file.as_str()).chain(others)
            })
            .collect();
        let from_outside = taken_in.into_iter().filter(|path| self.paths.of(path).next().is_none());
        let text = format!(
            "{:?}",
            (
                (&ledger.environments, ledger.naming.unlisted()),
                (&ledger.services_by_place, &ledger.commit.copied),
                (&self.variants, &self.with_variants),
                (special, from_outside.collect::<Vec<_>>()),
            )
        );
        Digest::of(text.as_bytes())
    }
}

//! The rules of today, part by part: under the same ones, the past of an older commit reads as it did from there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::past_rules::{RulesAbout, RulesOfToday, TodaysRules};
use super::{Placement, TodaysRole};
use crate::domain::id::EnvId;
use crate::sources::git::manifest::is_manifest;

impl Placement<'_> {
    /// Everything that decides which files of the past are read and whose pins are in them. What counts by its path alone is
    /// left out, so that another file of the usual kind changes nothing.
    pub(crate) fn rules(&self) -> TodaysRules {
        let ledger = self.ledger;
        let mut rules = RulesOfToday::new(&ledger.environments);
        self.rules_of_files(&mut rules);
        for path in &ledger.commit.copied {
            rules.part(RulesAbout::File(path), &"copied");
        }
        for ((path, entry), service) in &*ledger.services_by_place {
            rules.part(RulesAbout::File(path), &(entry, service));
        }
        for (image, service) in ledger.naming.unlisted() {
            rules.part(RulesAbout::Image(image), service);
        }
        let with_variants: BTreeSet<&EnvId> = self.with_variants.iter().map(|target| &target.environment).collect();
        for ((environment, image), several) in &self.variants {
            // Where no service has several, an image with one counts as any other.
            if *several || with_variants.contains(environment) {
                rules.part(RulesAbout::ImageIn(environment, image), several);
            }
        }
        for target in &self.with_variants {
            rules.part(RulesAbout::Target(target), &"several");
        }
        rules.end()
    }

    /// What is special about files: who takes one in besides those that it lies in, and entries that count otherwise than
    /// a new one would.
    fn rules_of_files(&self, rules: &mut RulesOfToday) {
        let ledger = self.ledger;
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
                rules.part(RulesAbout::File(path), &(by_others, entries));
            }
        }
        let references = ledger.effective.references.iter();
        let taken_in: BTreeSet<&str> = references
            .flat_map(|reference| {
                let others = reference.others.iter().map(|other| other.file.as_str());
                std::iter::once(reference.file.as_str()).chain(others)
            })
            .collect();
        for path in taken_in {
            if !is_manifest(path) || self.paths.of(path).next().is_none() {
                rules.part(RulesAbout::File(path), &"taken in");
            }
        }
    }

    /// What was asked for so far. Also those of the files of today: their references are what is pinned at the beginning.
    pub(crate) fn asked(&self) -> impl Iterator<Item = RulesAbout<'_>> {
        let files = self.files.keys().map(|path| RulesAbout::File(path));
        let judged = self.unowned.keys().map(RulesAbout::Image);
        files.chain(judged).chain(self.asked.all())
    }
}

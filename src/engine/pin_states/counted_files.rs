//! The files whose past is read: those of the environments that matter, those that they take in, and what these were before
//! they were moved.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::past_rules::{AskedRules, RulesAbout};
use crate::config::left_out::makes_no_environment;
use crate::domain::id::EnvId;
use crate::engine::effective::EffectiveReference;
use crate::engine::ledger::Ledger;
use crate::engine::pins::EnvironmentPaths;
use crate::sources::git::FileFilter;
use crate::sources::git::manifest::is_manifest;

/// The manifests of the environments that matter, and those that they take in.
pub(super) struct CountedFiles<'a> {
    paths: EnvironmentPaths,
    taken_in: BTreeSet<&'a str>,
    /// The same for all environments: such a file never came from outside.
    taken_in_anywhere: BTreeSet<&'a str>,
    only: Option<&'a EnvId>,
    /// Paths that files had before they were moved in, as far as they are known by now.
    former: Rc<RefCell<BTreeSet<String>>>,
    /// Answers: most paths are met in many commits.
    known: RefCell<HashMap<String, bool>>,
    known_folders: RefCell<HashMap<String, bool>>,
}

/// The answer about a path, found out once.
fn once(known: &RefCell<HashMap<String, bool>>, path: &str, find: impl FnOnce() -> bool) -> bool {
    if let Some(answer) = known.borrow().get(path) {
        return *answer;
    }
    let answer = find();
    known.borrow_mut().insert(path.to_owned(), answer);
    answer
}

impl<'a> CountedFiles<'a> {
    pub(crate) fn new(ledger: &'a Ledger, only: Option<&'a EnvId>, former: Rc<RefCell<BTreeSet<String>>>) -> Self {
        let of = |is_ours: &dyn Fn(&EnvId) -> bool| -> BTreeSet<&'a str> {
            let references = ledger.effective.references.iter();
            let ours = references.filter(|reference| is_ours(&reference.environment));
            ours.flat_map(files_of).collect()
        };
        Self {
            paths: EnvironmentPaths::new(&ledger.environments_here()),
            taken_in: of(&|env| only.is_none_or(|only| only == env)),
            taken_in_anywhere: of(&|_| true),
            only,
            former,
            known: RefCell::default(),
            known_folders: RefCell::default(),
        }
    }

    /// What was asked for of the rules: every file that may have counted, and the folders in which none may lie.
    pub(super) fn asked(&self) -> AskedRules {
        let (files, folders) = (self.known.borrow(), self.known_folders.borrow());
        let files = files.keys().map(|path| RulesAbout::File(path));
        let folders = folders.iter().filter(|(_, may_contain)| !**may_contain);
        AskedRules::of(files.chain(folders.map(|(folder, _)| RulesAbout::Folder(folder))))
    }

    /// Whether a file counts by its own path.
    pub(super) fn counts_itself(&self, path: &str) -> bool {
        once(&self.known, path, || {
            // What a manifest takes in may have any name.
            self.taken_in.contains(path)
                || is_manifest(path) && self.paths.of(path).any(|env| self.only.is_none_or(|only| only == env))
        })
    }
}

fn files_of(reference: &EffectiveReference) -> impl Iterator<Item = &str> {
    let others = reference.others.iter().map(|other| other.file.as_str());
    std::iter::once(reference.file.as_str()).chain(others)
}

impl FileFilter for CountedFiles<'_> {
    fn may_contain(&self, folder: &str) -> bool {
        let starts = |path: Option<&str>, below: &str| path.is_some_and(|path| path.starts_with(below));
        let may_contain = once(&self.known_folders, folder, || {
            let below = format!("{folder}/");
            self.paths.may_contain(folder, self.only)
                || starts(self.taken_in.range(below.as_str()..).next().copied(), &below)
        });
        let former = self.former.borrow();
        may_contain
            || !former.is_empty() && {
                let below = format!("{folder}/");
                starts(former.range(below.clone()..).next().map(String::as_str), &below)
            }
    }

    fn counts(&self, path: &str) -> bool {
        self.counts_itself(path) || self.former.borrow().contains(path)
    }

    fn are_manifests(&self) -> bool {
        // What was moved in was a manifest, too.
        self.taken_in.iter().all(|path| is_manifest(path))
    }

    fn may_have_been(&self, path: &str) -> bool {
        // It is among what was asked for, even where it counts nowhere.
        is_manifest(path)
            && !self.counts_itself(path)
            && !self.taken_in_anywhere.contains(path)
            && self.paths.of(path).next().is_none()
            && makes_no_environment(path).is_none()
    }
}

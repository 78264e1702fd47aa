//! What a change does to the policy: which of its files differ, and what the head's policy would say of what is pinned
//! today. The head's policy judges nothing that counts.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::check::change;
use crate::domain::check::finding::{CheckFinding, FindingKind, FindingLevel};
use crate::domain::check::place::PinnedPlace;
use crate::domain::failure::Failure;
use crate::domain::id::Target;
use crate::domain::policy::{Environment, TeamPolicy};
use crate::domain::quoted;
use crate::domain::verdict::Outcome;
use crate::engine::context::Context;
use crate::engine::image_presence::ImageDepth;
use crate::engine::ledger::{self, Ledger};
use crate::engine::open::Engine;
use crate::engine::pins::{Naming, named_repositories};
use crate::engine::team_file::{TEAM_FILE, team_of_commit};
use crate::sources::evidence::Trust;
use crate::sources::git::{GitError, GitRepo, TreeEntry};

use super::tree::{PinRules, PinTree, RenderedCommit};

/// As many environments no team has; what a head with more of them does to pins is not looked into.
const MOST_ENVIRONMENTS: usize = 500;

/// Most pins that are named one by one.
const MOST_NAMED: usize = 20;

/// The files of the policy that differ between two commits.
pub(super) struct PolicyFiles {
    /// Their paths, `pindeck.toml` first; the last part says whether the head has a regular file there.
    pub changed: Vec<(String, bool)>,
    /// The head's own policy, or why it cannot be read; `None` where nothing differs.
    pub head: Option<Result<TeamPolicy, Failure>>,
}

/// Compares the files that make up the policy. What the policies of all `commits` name counts.
pub(super) fn changed(repo: &GitRepo, before: &str, head: &str, commits: &[&str]) -> Result<PolicyFiles, GitError> {
    let named = RefCell::new(BTreeSet::new());
    let note = |path: &str| {
        named.borrow_mut().insert(path.to_owned());
    };
    let read = |commit: &str| team_of_commit(repo, commit, &[], &note);
    for commit in commits {
        // A policy that cannot be read names the files that it named so far.
        let _ = read(commit);
    }
    let head_policy = read(head).map(|(team, _)| team);
    let mut changed = Vec::new();
    let named = named.into_inner();
    for path in std::iter::once(TEAM_FILE).chain(named.iter().map(String::as_str)) {
        let at = |commit: &str| match repo.entry(commit, path) {
            // What leads out of the repository is no part of any commit.
            Err(GitError::OutsidePath { .. }) => Ok(TreeEntry::Absent),
            other => other,
        };
        let (was, is) = (at(before)?, at(head)?);
        if was != is {
            changed.push((path.to_owned(), matches!(is, TreeEntry::File(_))));
        }
    }
    Ok(PolicyFiles {
        head: (!changed.is_empty()).then_some(head_policy),
        changed,
    })
}

impl PolicyFiles {
    /// The files as a list for people.
    fn names(&self) -> String {
        let names: Vec<String> = self
            .changed
            .iter()
            .map(|(path, _)| quoted(path).into_string())
            .collect();
        names.join(", ")
    }

    fn finding(&self, kind: FindingKind, level: FindingLevel, message: String, next: &'static str) -> CheckFinding {
        let found = CheckFinding::new(kind, level, message, next);
        match self.changed.first() {
            Some((path, is_file)) => found.at(path, is_file.then_some(1)),
            None => found,
        }
    }

    /// The finding where a pin changes too.
    pub(crate) fn with_pins(&self, why: &str) -> CheckFinding {
        let message = format!(
            "{} changes together with a pin{why}; the pins were judged by the base's policy",
            self.names()
        );
        let next = "split it: the policy in a change of its own, the pins in the next";
        self.finding(FindingKind::PolicyChanged, FindingLevel::Error, message, next)
    }

    /// The finding where the head's policy makes pins of what the base does not pin.
    pub(crate) fn makes_pins(&self, made: &[String]) -> CheckFinding {
        let mut named = made.to_vec();
        if named.len() > MOST_NAMED {
            named.truncate(MOST_NAMED);
            named.push(format!("and {} more", made.len() - MOST_NAMED));
        }
        let message = format!(
            "{} makes pins of what the base has and does not pin, so that nobody judged it: {}",
            self.names(),
            named.join("; ")
        );
        let next = "bring the files into the environment in a change after this one, which judges them";
        self.finding(FindingKind::PolicyChanged, FindingLevel::Error, message, next)
    }

    /// The note of a first policy.
    pub(crate) fn first(&self) -> CheckFinding {
        let message =
            format!("the base has no {TEAM_FILE} yet, so nothing is judged; this change brings the first one");
        let next = "read it as what will decide about every later change";
        self.finding(FindingKind::NoPolicy, FindingLevel::Note, message, next)
    }
}

/// What the head's own policy does to pins, where none changes as the base's sorts the files.
#[derive(Default)]
pub(super) struct MovedPins {
    /// A pin changes as the head sorts the files.
    pub changes: bool,
    /// Places that the head pins by its own policy and the base does not pin by its own.
    pub made: Vec<String>,
}

/// Whether a pin changes as the head's own policy sorts the files, though none does as the base's does. `pinned` is
/// what the base pins by its own policy.
pub(super) fn moves_pins(
    engine: &Engine,
    ledger: &Ledger,
    head_team: &TeamPolicy,
    (before, head): (&str, &str),
    pinned: &[PinnedPlace],
) -> Result<MovedPins, Failure> {
    let here = head_team.environments.iter().filter(|one| ledger.is_here(one));
    let environments: &Vec<Environment> = &here.cloned().collect();
    if environments.is_empty() {
        return Ok(MovedPins::default());
    }
    if environments.len() > MOST_ENVIRONMENTS {
        return Ok(MovedPins {
            changes: true,
            made: Vec::new(),
        });
    }
    let read = |commit: &str| ledger::rendered(&engine.inner.repo, commit, (ledger, environments), &engine.inner.scans);
    let (was, is) = (read(before)?, read(head)?);
    let mut seen = named_repositories(&was.1.references);
    seen.extend(named_repositories(&is.1.references));
    let naming = Naming::new(head_team, environments, &seen);
    let rules = PinRules {
        team: head_team,
        environments,
        naming: &naming,
    };
    let (was, is) = (rendered(was), rendered(is));
    let all = [Arc::clone(&was.effective), Arc::clone(&is.effective)];
    let all: Vec<&_> = all.iter().map(|one| &**one).collect();
    let (was, is) = (PinTree::new(was, rules, &all), PinTree::new(is, rules, &all));
    let what = |place: &PinnedPlace| {
        (
            place.file.clone(),
            place.entry.clone(),
            place.image.clone(),
            place.digest,
        )
    };
    let known: BTreeSet<_> = pinned.iter().map(what).collect();
    let new = is.places.iter().filter(|place| !known.contains(&what(place)));
    let named = new.map(|place| {
        let Target { service, environment } = &place.target;
        format!("{service} in {environment} ({}:{})", quoted(&place.file), place.line)
    });
    Ok(MovedPins {
        changes: !change::changes(&was.places, &is.places).is_empty(),
        made: named.collect(),
    })
}

/// A rendered commit.
pub(super) fn rendered(
    (commit, effective): (
        crate::engine::effective::ScannedCommit,
        crate::engine::effective::Effective,
    ),
) -> RenderedCommit {
    RenderedCommit {
        commit: Arc::new(commit),
        effective: Arc::new(effective),
    }
}

/// What the head's policy would say of the digests that are pinned at the base, where it says something else. The
/// registries are asked as the base's policy says, never as the head's does.
pub(super) async fn alone(context: &Context, files: &PolicyFiles) -> CheckFinding {
    let next = "read what it does to the pins of today before it counts";
    let warn = |message: String| files.finding(FindingKind::PolicyChangedOnly, FindingLevel::Warning, message, next);
    let names = files.names();
    let team = match &files.head {
        Some(Ok(team)) => team,
        Some(Err(problem)) => {
            let why = problem.what.clean();
            return warn(format!("{names} changes, and the policy could not be read then: {why}"));
        }
        None => return warn(format!("{names} changes")),
    };
    let trust = match Trust::new(&team.trust) {
        Ok(trust) => Arc::new(trust),
        Err(problem) => {
            let why = Failure::from(problem);
            return warn(format!(
                "{names} changes, and its trust profiles could not be used then: {why}"
            ));
        }
    };
    let memo = crate::engine::registry_memo::RegistryMemo::new(context.memo.registry.clone(), None);
    let team = Arc::new(team.clone());
    let environments = team.environments.clone();
    let other = Context::with((), team, environments, trust, memo);
    let pins: Vec<_> = context
        .ledger
        .pins()
        .filter_map(|pin| Some((pin, pin.digest?)))
        .collect();
    let judged = pins.iter().map(|(pin, digest)| async {
        let (image, service) = (&pin.image, Some(&pin.target.service));
        let (was, is) = (
            context.environment(pin.target.environment.as_str()),
            other.environment(pin.target.environment.as_str()),
        );
        let was = context
            .assess(image, *digest, service, context.criteria(was, ImageDepth::Manifests))
            .await;
        let is = other
            .assess_in(
                &context.memo,
                image,
                *digest,
                service,
                other.criteria(is, ImageDepth::Manifests),
            )
            .await;
        let word = |verdict: Option<Outcome>| verdict.map_or("not judged", Outcome::as_str);
        let result =
            |assessed: crate::engine::assess::Assessed| assessed.assessment.verdict.map(|verdict| verdict.result);
        let (was, is) = (word(result(was)), word(result(is)));
        (was != is).then(|| format!("{} in {}: {was}, then {is}", pin.target.service, pin.target.environment))
    });
    let mut differ: Vec<String> = futures_util::future::join_all(judged)
        .await
        .into_iter()
        .flatten()
        .collect();
    differ.sort();
    differ.dedup();
    let count = differ.len();
    if count > MOST_NAMED {
        differ.truncate(MOST_NAMED);
        differ.push(format!("and {} more", count - MOST_NAMED));
    }
    let total = pins.len();
    match count {
        0 => warn(format!(
            "{names} changes and no pin does: all {total} pinned digests would be judged as today"
        )),
        _ => warn(format!(
            "{names} changes and no pin does: {count} of {total} pinned digests would be judged differently: {}",
            differ.join("; ")
        )),
    }
}

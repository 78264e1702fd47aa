//! `pindeck check`: what a change would pin, judged by the tip of the branch that it is proposed for
//! (docs/reference/check.md). The head is data: it is read from git's objects, never checked out and never obeyed.

mod base;
mod inputs;
mod judge;
mod lost;
mod policy;
mod refs;
mod tree;
mod whole;

use std::sync::Arc;

use crate::domain::check::change::{self, PinChanges, SplitPin};
use crate::domain::check::finding::{CheckFinding, CheckOutcome, FindingKind, FindingLevel};
use crate::domain::check::place::PinnedPlace;
use crate::domain::check::step;
use crate::domain::failure::{Failure, Hint, Part};
use crate::domain::id::{Digest, EnvId};
use crate::domain::policy::PolicySource;
use crate::domain::registry::Budget;
use crate::sources::git::{FileOwner, owner_of};

use super::file_scans::FILE_CAP;
use super::ledger::{self, Ledger};
use super::open::{Engine, blocking};
use super::options::OpenOptions;
use super::pins::named_repositories;
use super::team_file::TEAM_FILE;
pub(crate) use judge::CheckedPin;
use judge::Judge;
use policy::{MovedPins, PolicyFiles};
pub(crate) use refs::{CheckQuestion, ComparedCommits};
use tree::{PinRules, PinTree, RenderedCommit};

/// The policy that judged.
#[derive(Debug, Clone)]
pub(crate) struct CheckPolicy {
    /// The names of the policies that counts for what changed; all of them where nothing did.
    pub name: String,
    /// The digest of that policy; of all, where there are several.
    pub digest: Option<Digest>,
    /// A commit or a file.
    pub source: String,
}

/// The answer.
#[derive(Debug, Clone)]
pub(crate) struct CheckReport {
    /// The commits that were compared.
    pub commits: ComparedCommits,
    /// The policy that judged.
    pub policy: CheckPolicy,
    /// What was found, the heaviest first.
    pub findings: Vec<CheckFinding>,
    /// What the findings come to.
    pub outcome: CheckOutcome,
    /// Every pin that changes.
    pub pins: Vec<CheckedPin>,
    /// The requests that it took.
    pub budget: Budget,
}

/// What git says of the change.
struct ReadChange {
    ledger: Ledger,
    commits: ComparedCommits,
    changes: PinChanges,
    tip: Vec<PinnedPlace>,
    findings: Vec<CheckFinding>,
    policy: PolicyFiles,
    /// A pin changes as the head's own policy sorts the files.
    moves_pins: MovedPins,
}

impl Engine {
    /// Finds the repository for a check: in a `pre-receive` hook together with the objects that are being received.
    ///
    /// # Errors
    /// As [`Engine::open`]; also where the policy file that is named lies in the repository itself.
    pub(crate) fn open_for_check(options: OpenOptions) -> Result<Self, Failure> {
        let engine = Self::open_receiving(options)?;
        if let Some(file) = &engine.options().config
            && let Ok(FileOwner::Repository { top, .. }) = owner_of(file, None)
            && engine.inner.repo.work_dir().is_some_and(|dir| dir == top)
        {
            let what = format!(
                "{} lies in the repository itself, where the change that is checked may have written it",
                file.display()
            );
            return Err(Failure::usage(what)
                .hint("leave --config away to use the base's own, or name a file outside of the repository"));
        }
        Ok(engine)
    }

    /// Judges the change from `base` to `head`.
    ///
    /// # Errors
    /// If a commit or the base's policy cannot be read. A registry that cannot be reached is part of the answer.
    pub(crate) async fn check(&self, question: &CheckQuestion) -> Result<CheckReport, Failure> {
        let (this, asked) = (self.clone(), question.clone());
        let read = blocking(move || read(&this, &asked)).await??;
        let ReadChange {
            ledger,
            commits,
            changes,
            tip,
            mut findings,
            policy: files,
            moves_pins,
        } = read;
        let context = self.judging_context(ledger)?;
        let judge = Judge {
            engine: self,
            context: &context,
            tip: &tip,
            acknowledged: question.acknowledge_warned,
        };
        let (judged, pins) = judge.all(&changes.came).await?;
        findings.extend(judged);
        let has_policy = context.ledger.team.source != PolicySource::None;
        if !files.changed.is_empty() && has_policy {
            findings.push(if !changes.is_empty() {
                files.with_pins("")
            } else if moves_pins.changes {
                files.with_pins(", as its own reading of the environments has it")
            } else if !moves_pins.made.is_empty() {
                files.makes_pins(&moves_pins.made)
            } else {
                policy::alone(&context, &files).await
            });
        }
        findings.sort_by_key(order);
        findings.dedup();
        Ok(CheckReport {
            policy: policy_used(&context.ledger, &pins),
            outcome: CheckOutcome::of(&findings),
            commits,
            findings,
            pins,
            budget: context.memo.registry.budget(),
        })
    }
}

/// The heaviest first, then by place.
fn order(finding: &CheckFinding) -> impl Ord + use<> {
    let place = (finding.file.clone(), finding.line, finding.kind);
    (
        finding.level,
        finding.environment.clone(),
        finding.service.clone(),
        place,
    )
}

fn policy_used(ledger: &Ledger, pins: &[CheckedPin]) -> CheckPolicy {
    let team = &ledger.team;
    let of_pins = pins.iter().filter_map(|pin| {
        let environment = ledger
            .environments
            .iter()
            .find(|one| one.name == pin.place.target.environment)?;
        team.policies.get(environment.policy.as_deref()?)
    });
    let mut used: Vec<_> = of_pins.collect();
    if used.is_empty() {
        used = team.policies.values().collect();
    }
    used.sort_by(|a, b| a.name.cmp(&b.name));
    used.dedup_by(|a, b| a.name == b.name);
    let names: Vec<&str> = used.iter().map(|policy| policy.name.as_str()).collect();
    let digest = match used.as_slice() {
        [] => None,
        [only] => Some(only.digest),
        several => {
            let all: String = several.iter().map(|policy| policy.digest.to_string()).collect();
            Some(Digest::of(all.as_bytes()))
        }
    };
    CheckPolicy {
        name: names.join(", "),
        digest,
        source: match &team.source {
            PolicySource::None => "none".to_owned(),
            PolicySource::Commit(commit) => commit.clone(),
            PolicySource::File(file) => file.clone(),
        },
    }
}

/// Reads the three commits and compares them. Blocking.
fn read(engine: &Engine, question: &CheckQuestion) -> Result<ReadChange, Failure> {
    let (repo, scans) = (&engine.inner.repo, &engine.inner.scans);
    let commits = refs::resolve(repo, question)?;
    let (base, before, head) = (&commits.base, &commits.merge_base, &commits.head);
    let (policy_at_tip, place) = base::policy(engine, question, &commits)?;
    let ledger = ledger::read_at(policy_at_tip, scans)?;
    // A change of this branch changes nothing of environments that are read from others.
    let ledger = match place.and_then(|place| ledger.on(place)) {
        Some(on_base) => on_base.into_owned(),
        None => ledger,
    };
    let here = ledger.environments_here();
    let files = policy::changed(repo, before, head, &[base, before])?;
    let is_unconfigured = ledger.team.source == PolicySource::None;
    let brings_first = files
        .changed
        .iter()
        .any(|(path, is_file)| path == TEAM_FILE && *is_file);
    let no_policy = || {
        Failure::usage(format!(
            "{} has no {TEAM_FILE}, so nothing can be judged",
            commits.base_name
        ))
        .hint("`pindeck init` writes a first one; commit it on the base, or name a policy with --config")
    };
    if is_unconfigured && !brings_first {
        return Err(no_policy());
    }
    let of_tip = RenderedCommit {
        commit: Arc::clone(&ledger.commit),
        effective: Arc::clone(&ledger.effective),
    };
    let render = |commit: &str| ledger::rendered(repo, commit, (&ledger, &here), scans).map(policy::rendered);
    let of_before = match before == base {
        true => RenderedCommit {
            commit: Arc::clone(&of_tip.commit),
            effective: Arc::clone(&of_tip.effective),
        },
        false => render(before)?,
    };
    let of_head = render(head)?;
    let effective = [&of_tip, &of_before, &of_head].map(|one| Arc::clone(&one.effective));
    let all: Vec<&_> = effective.iter().map(|one| &**one).collect();
    let seen = all.iter().flat_map(|one| named_repositories(&one.references)).collect();
    let naming = ledger.naming.with_more(&seen);
    let rules = PinRules {
        team: &ledger.team,
        environments: &here,
        naming: &naming,
    };
    let tree = |rendered| PinTree::new(rendered, rules, &all);
    let (tip, before_tree, mut head_tree) = (tree(of_tip), tree(of_before), tree(of_head));
    let changes = change::changes(&before_tree.places, &head_tree.places);
    let went = changes.lost.iter().flat_map(|lost| {
        let workload = lost.workload.iter().map(|one| one.file.as_str());
        workload.chain([lost.place.file.as_str()])
    });
    head_tree.look_at(repo, head, went)?;
    if is_unconfigured && !changes.is_empty() {
        return Err(no_policy());
    }
    let mut findings: Vec<CheckFinding> = Vec::new();
    if is_unconfigured {
        findings.push(files.first());
    }
    findings.extend(
        changes
            .lost
            .iter()
            .filter_map(|lost| lost::finding(lost, &before_tree, &head_tree)),
    );
    findings.extend(changes.split.iter().map(split));
    findings.extend(whole::unreadable(&before_tree, &head_tree));
    if !changes.is_empty() {
        findings.extend(whole::released(repo, before, head)?);
    }
    let changed = repo.changed_paths(before, head)?;
    let inputs = inputs::findings(&before_tree, &head_tree, &changed);
    // Where something that is taken in cannot be read, nobody can say that a pin is gone.
    let is_unclear = |environment: &Option<EnvId>| inputs.iter().any(|one| one.environment == *environment);
    findings.retain(|one| one.kind != FindingKind::Removed || !is_unclear(&one.environment));
    findings.extend(inputs);
    let unread = repo.unread_changes(before, head, FILE_CAP)?;
    let told: Vec<(Option<String>, Option<u32>)> = findings.iter().map(|one| (one.file.clone(), one.line)).collect();
    let unmanaged = whole::unmanaged(&before_tree, &head_tree, &unread, &changed).into_iter();
    findings.extend(unmanaged.filter(|one| !told.contains(&(one.file.clone(), one.line))));
    let moves_pins = match &files.head {
        Some(Ok(team)) if changes.is_empty() && !is_unconfigured => {
            policy::moves_pins(engine, &ledger, team, (before, head), &before_tree.places)?
        }
        _ => MovedPins::default(),
    };
    Ok(ReadChange {
        tip: tip.places,
        ledger,
        commits,
        changes,
        findings,
        policy: files,
        moves_pins,
    })
}

fn split(split: &SplitPin) -> CheckFinding {
    let place = &split.changed;
    let mut others: Vec<String> = split
        .others
        .iter()
        .map(|other| format!("{}:{}", crate::domain::quoted(&other.file), other.line))
        .collect();
    let more = others.len().saturating_sub(5);
    others.truncate(5);
    if more > 0 {
        others.push(format!("{more} more places"));
    }
    let message = format!(
        "one place of the pin changes, and {} says something else",
        others.join(", ")
    );
    let next = Hint::with(
        "write the same digest in all places of {}",
        &[Part::name(place.target.service.as_str())],
    );
    let from = split.was.as_ref().map(PinnedPlace::version);
    CheckFinding {
        message: message.into(),
        ..step::at(place, from.as_ref(), FindingKind::Split, FindingLevel::Error, next)
    }
}

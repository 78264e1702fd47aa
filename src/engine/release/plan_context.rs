//! What a write is planned on: the newest commit of the remote branch, its policy, and one memo
//! of answers from the registries.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::unknown;
use crate::domain::board::{Fetch, Hold};
use crate::domain::candidate::Candidate;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::pin::Pin;
use crate::domain::plan::PolicyUsed;
use crate::domain::platform::PlatformFilter;
use crate::domain::policy::{Confirm, Environment, Policy, PolicySource, Service, WriteMode};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::verdict::Verdict;
use crate::domain::write::{Ask, Source, WriteFailure};
use crate::engine::assess::Assessed;
use crate::engine::candidate_lookup::{self, CandidateFound};
use crate::engine::checkout::BranchCheckout;
use crate::engine::context::Context;
use crate::engine::image_presence::ImageDepth;
use crate::engine::ledger::{self, Ledger};
use crate::engine::open::{Engine, blocking};
use crate::engine::other_repositories::RepositoryReader;
use crate::engine::pins::EnvironmentPaths;
use crate::engine::registry_memo::RegistryMemo;
use crate::sources::git::manifest::{Controller, ImageWriter, PlacedObject};
use crate::sources::git::{GitError, GitRepo, TreeFile};
use crate::sources::registry::Registry;

use crate::engine::include_graph::IncludeGraph;

use super::push_places::PushPlaces;

/// What a context is opened for: it decides how fresh everything in it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be shown: fetches unless told not to, and what the cache has need not be sent again.
    Show,
    /// To be written on: always fetches, and every byte of evidence is read from the registry anew.
    Write,
}

/// Everything planning looks at: the engine's context, and of the same commit every file, who applies them
/// and who includes whom.
pub(super) struct PlanContext {
    pub engine: Engine,
    base: Context,
    /// Every file of the commit.
    pub files: Arc<Vec<TreeFile>>,
    pub paths: EnvironmentPaths,
    /// The clone that is written in and pushed from.
    pub repo: GitRepo,
    /// The remote that is pushed to.
    pub remote: String,
    /// Its URL, which tells the controllers that read it.
    pub remote_url: Option<String>,
    /// Where that remote, and the one of the holds, lead.
    pub places: PushPlaces,
    /// The controllers that apply the repository.
    pub controllers: Vec<PlacedObject<Controller>>,
    /// The objects that make a controller write images.
    pub writers: Vec<PlacedObject<ImageWriter>>,
    /// Which file includes which.
    pub includes: IncludeGraph,
}

impl PlanContext {
    /// Fetches, reads the newest commit, and prepares to ask.
    pub(crate) async fn open(engine: &Engine, purpose: Purpose, ask: &Ask) -> Result<Self, WriteFailure> {
        if engine.options().offline {
            return Err(Failure::new(
                FailureKind::NotChecked,
                "a write needs the remote and the registries, and --offline forbids asking them",
            )
            .hint("run it without --offline")
            .into());
        }
        let (this, ask) = (engine.clone(), ask.clone());
        let read = move || read(&this, purpose, &ask);
        let PlanInputs {
            ledger,
            files,
            remote,
            remote_url,
            places,
            controllers,
            writers,
            includes,
        } = blocking(read).await??;
        let base = match purpose {
            Purpose::Show => engine.judging_context(ledger),
            Purpose::Write => engine.uncached_context(ledger),
        };
        let base = base?;
        Ok(Self {
            engine: engine.clone(),
            repo: base.ledger.repo().clone(),
            paths: EnvironmentPaths::new(&base.ledger.environments_here()),
            base,
            files,
            remote,
            remote_url,
            places,
            controllers,
            writers,
            includes,
        })
    }

    /// What the commit says that is written on: that of the branch that the environment is read from.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.base.ledger
    }

    /// The other repository that is written to; `None` = that of the policy.
    pub(crate) fn repository(&self) -> Option<String> {
        let ledger = self.ledger();
        ledger.checkouts.at(ledger.place).repository.clone()
    }

    /// The questions to the registries.
    pub(crate) fn memo(&self) -> &RegistryMemo {
        &self.base.memo
    }

    /// The time that counts as now.
    pub(crate) fn now(&self) -> Timestamp {
        self.base.now
    }

    /// A memo that has asked nothing yet and believes no cache.
    pub(crate) fn fresh_memo(&self) -> Result<RegistryMemo, WriteFailure> {
        let registry = self.engine.uncached(&self.ledger().team)?;
        Ok(RegistryMemo::new(registry, None))
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.memo().registry
    }

    pub(crate) fn environment(&self, name: &EnvId) -> Result<&Environment, WriteFailure> {
        self.base.environment(name.as_str()).ok_or_else(|| {
            let known: Vec<&str> = self.base.environments().iter().map(|e| e.name.as_str()).collect();
            unknown("environment", name.as_str(), &known).into()
        })
    }

    /// The environment of a name; where there is none, the strictest rules of all environments that there are.
    /// A hold that was made in an environment that is gone closes all of them.
    pub(crate) fn environment_or_strictest(&self, name: &EnvId) -> Cow<'_, Environment> {
        if let Some(known) = self.base.environment(name.as_str()) {
            return Cow::Borrowed(known);
        }
        let all = self.base.environments();
        let by_branch = all.iter().any(|e| e.write == WriteMode::Branch);
        let by_name = all.iter().any(|e| e.confirm == Confirm::TypeName);
        Cow::Owned(Environment {
            name: name.clone(),
            paths: Vec::new(),
            branch: None,
            repository: None,
            policy: None,
            after: Vec::new(),
            registry: None,
            write: if by_branch { WriteMode::Branch } else { WriteMode::Push },
            confirm: if by_name { Confirm::TypeName } else { Confirm::Y },
            read_only: !all.is_empty() && all.iter().all(|e| e.read_only),
            platforms: PlatformFilter::default(),
            running: Default::default(),
        })
    }

    /// The pins of a service, all environments.
    pub(crate) fn pins(&self, service: &ServiceId) -> Result<(Option<&Repository>, &[Pin]), WriteFailure> {
        let all = &self.ledger().grouped.services;
        let found = all.iter().find(|(name, ..)| name == service);
        found
            .map(|(_, image, pins)| (image.as_ref(), pins.as_slice()))
            .ok_or_else(|| {
                let known: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
                unknown("service", service.as_str(), &known).into()
            })
    }

    /// The pins of a service in one environment, in promotion order; at least one.
    pub(crate) fn pins_in(&self, target: &Target) -> Result<Vec<&Pin>, WriteFailure> {
        self.environment(&target.environment)?;
        let (_, pins) = self.pins(&target.service)?;
        let here: Vec<&Pin> = pins.iter().filter(|p| p.target == *target).collect();
        if here.is_empty() {
            let what = format!(
                "{} has no pin in {}, and pindeck changes pins and does not make manifests",
                target.service, target.environment
            );
            return Err(match self.seen_only(target) {
                Some(seen) => Failure::usage(format!("{what}: {seen}")),
                None => Failure::usage(what).hint("commit one first"),
            }
            .into());
        }
        Ok(here)
    }

    /// Where the service's image is named in a way that cannot be managed, with the reason.
    fn seen_only(&self, target: &Target) -> Option<String> {
        let image = self.pins(&target.service).ok().and_then(|(image, _)| image);
        let named = |text: &str| {
            let path = image.map_or(target.service.as_str(), |image| image.path());
            text.contains(path)
        };
        let mut all = self.ledger().grouped.unmanaged.iter();
        let found =
            all.find(|one| named(one.text.raw()) && self.paths.of(&one.file).any(|env| *env == target.environment));
        found.map(|one| format!("{}:{} names it and is not managed: {}", one.file, one.line, one.reason))
    }

    pub(crate) fn configured(&self, service: &ServiceId) -> Option<&Service> {
        self.base.service(service)
    }

    /// The policy of an environment; without one nothing can be verified, so nothing is written.
    pub(crate) fn policy(&self, environment: &Environment) -> Result<Arc<Policy>, WriteFailure> {
        self.base.policy_of(environment).cloned().ok_or_else(|| {
            let env = &environment.name;
            Failure::usage(format!("{env} has no policy, so nothing can be verified for it"))
                .hint("give it one in pindeck.toml (pindeck init writes a first one)")
                .into()
        })
    }

    /// The policy as plans and commits name it.
    pub(crate) fn policy_used(&self, policy: &Policy) -> PolicyUsed {
        PolicyUsed {
            name: policy.name.clone(),
            digest: policy.digest,
            source: match &self.ledger().team.source {
                PolicySource::None => "none".to_owned(),
                PolicySource::Commit(commit) => commit.clone(),
                PolicySource::File(file) => file.clone(),
            },
        }
    }

    /// Why an environment may not be written at all, if so.
    pub(crate) fn read_only(&self, environment: &Environment) -> Option<String> {
        if self.engine.options().read_only {
            return Some("this run is read-only; start it without --read-only".to_owned());
        }
        let name = &environment.name;
        environment
            .read_only
            .then(|| format!("{name} is read-only in the team policy (read_only = true)"))
    }

    /// Judges a digest where it lives, by the policy of an environment. What is about to be written must be
    /// there to its last layer.
    pub(crate) async fn assess(
        &self,
        image: &Repository,
        digest: Digest,
        service: &ServiceId,
        environment: &Environment,
    ) -> Result<JudgedDigest, WriteFailure> {
        let criteria = self.base.criteria(Some(environment), ImageDepth::Everything);
        JudgedDigest::new(self.base.assess(image, digest, Some(service), criteria).await)
    }

    /// The same, asking through the memo of the caller.
    pub(crate) async fn assess_in(
        &self,
        memo: &RegistryMemo,
        image: &Repository,
        digest: Digest,
        service: &ServiceId,
        environment: &Environment,
    ) -> Result<JudgedDigest, WriteFailure> {
        let criteria = self.base.criteria(Some(environment), ImageDepth::Everything);
        JudgedDigest::new(self.base.assess_in(memo, image, digest, Some(service), criteria).await)
    }

    /// The holds that close an environment for a digest.
    ///
    /// # Errors
    /// If the holds could not be read: then everything is closed.
    pub(crate) fn closing_holds(&self, target: &Target, digest: Digest) -> Result<Vec<&Hold>, &Untrusted> {
        let ledger = self.ledger();
        let names = ledger.service_names();
        let holds = ledger.holds_in_force(&names)?;
        let closing: Vec<&Hold> = holds.closing(target, digest).collect();
        Ok(closing)
    }

    /// What CI offers for a service.
    /// The images that were passed over for it come along.
    pub(crate) async fn candidate(&self, service: &ServiceId) -> Result<(Candidate, Vec<Untrusted>), WriteFailure> {
        let (image, pins) = self.pins(service)?;
        match candidate_lookup::find(self.memo(), self.configured(service), image, pins).await {
            Ok(CandidateFound {
                candidate: Some(found),
                skipped,
            }) => Ok((found, skipped)),
            Err(failure) => Err(failure
                .within(format!("the candidate of {service} could not be asked for"))
                .into()),
            Ok(CandidateFound { candidate: None, .. }) => Err(Failure::usage(format!("{service} has no candidate"))
                .hint("name a digest with --digest, or an environment with --from")
                .into()),
        }
    }

    /// Runs blocking git work in the clone that is written in.
    pub(crate) async fn git<T: Send + 'static>(
        &self,
        work: impl FnOnce(&GitRepo) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, WriteFailure> {
        let repo = self.repo.clone();
        let done = blocking(move || work(&repo)).await?;
        done.map_err(|e| Failure::from(e).into())
    }
}

/// A digest with its verdict: whatever is planned is judged by a policy.
pub(super) struct JudgedDigest {
    pub verdict: Verdict,
    pub assessed: Assessed,
}

impl JudgedDigest {
    fn new(assessed: Assessed) -> Result<Self, WriteFailure> {
        let verdict = assessed.assessment.verdict.clone();
        let verdict = verdict.ok_or_else(|| Failure::bug("nothing was judged"))?;
        Ok(Self { verdict, assessed })
    }
}

struct PlanInputs {
    ledger: Ledger,
    files: Arc<Vec<TreeFile>>,
    remote: String,
    remote_url: Option<String>,
    places: PushPlaces,
    controllers: Vec<PlacedObject<Controller>>,
    writers: Vec<PlacedObject<ImageWriter>>,
    includes: IncludeGraph,
}

fn read(engine: &Engine, purpose: Purpose, ask: &Ask) -> Result<PlanInputs, WriteFailure> {
    let repo = &engine.inner.repo;
    let Some(remote) = repo.remote().map_err(Failure::from)? else {
        return Err(
            Failure::usage("this repository has no remote, and a release is a commit on the remote branch")
                .hint("add one with `git remote add`")
                .into(),
        );
    };
    // Whatever git met on the way: the newest commit is not known.
    let not_fetched = |error| Failure {
        kind: FailureKind::Unreachable,
        ..Failure::from(error).within("the newest commit could not be fetched")
    };
    let is_asked = purpose == Purpose::Write || !engine.options().no_fetch;
    let fetched = is_asked.then(|| repo.fetch(&remote)).transpose().map_err(not_fetched)?;
    let reader = RepositoryReader {
        is_fetched: is_asked,
        ..engine.reader(true)
    };
    let ledger = ledger::read_with(&reader, &engine.inner.scans)?;
    let checkouts = Arc::clone(&ledger.checkouts);
    // Names of services and the order of environments are those of all of them.
    checkouts.check_all_read()?;
    let ledger = written(&ledger, ask)?.into_owned();
    for BranchCheckout { tip, repository, .. } in checkouts.all() {
        if let (Some(fetched), Some(remote), None) = (&fetched, &tip.remote, repository) {
            repo.check_is_there(fetched, remote, &tip.branch).map_err(not_fetched)?;
        }
    }
    for needed in needed(&ledger, ask) {
        if let Fetch::Failed(_, why) = &checkouts.at(needed).fetch {
            let failure = Failure::unreachable(why.clone());
            return Err(failure.within("the newest commit could not be fetched").into());
        }
    }
    let here = checkouts.at(ledger.place);
    if purpose == Purpose::Write && here.is_ours {
        here.repo.commit_as_in(repo).map_err(Failure::from)?;
    }
    let repo = ledger.repo();
    let Some(remote) = ledger.tip.remote.clone() else {
        let shown = checkouts.at(ledger.place).shown();
        return Err(Failure::usage(format!("{shown} is on no remote"))
            .hint("push it first")
            .into());
    };
    repo.check_push_remote(&remote).map_err(Failure::from)?;
    let commit = &ledger.commit;
    let (mut controllers, mut writers) = (Vec::new(), Vec::new());
    let mut includes = IncludeGraph::default();
    for (file, scan) in &commit.scans {
        controllers.extend(placed(file, &scan.controllers));
        writers.extend(placed(file, &scan.writers));
        includes.add(file, &scan.includes);
    }
    includes.resolve(&commit.files, &EnvironmentPaths::new(&ledger.environments_here()));
    for (checkout, commit) in ledger.elsewhere() {
        for (file, scan) in &commit.scans {
            let file = format!("{}:{file}", checkout.prefix());
            let reads = |one: &&Controller| one.may_read(&ledger.tip.branch);
            let reading: Vec<Controller> = scan.controllers.iter().filter(reads).cloned().collect();
            controllers.extend(placed(&file, &reading));
            writers.extend(placed(&file, &scan.writers));
        }
    }
    Ok(PlanInputs {
        remote_url: repo.remote_url(&remote),
        places: PushPlaces::of(&ledger, &remote)?,
        files: Arc::clone(&commit.files),
        ledger,
        remote,
        controllers,
        writers,
        includes,
    })
}

/// The places of the branches that must be known as they are now: the one that is written to, and for a step forward
/// those of the environments that it comes after or from.
fn needed(ledger: &Ledger, ask: &Ask) -> BTreeSet<usize> {
    let mut needed = BTreeSet::from([ledger.place]);
    if let Ask::Promote { to, from, .. } = ask {
        let target = ledger.environments.iter().find(|environment| environment.name == *to);
        let after = target.into_iter().flat_map(|environment| &environment.after);
        needed.extend(after.map(|name| ledger.place_of(name)));
        if let Some(Source::Environment(name)) = from {
            needed.insert(ledger.place_of(name));
        }
    }
    needed
}

/// What the branch says that a write goes to: that of its environment, and for holds that of the policy.
fn written<'l>(ledger: &'l Ledger, ask: &Ask) -> Result<Cow<'l, Ledger>, Failure> {
    match ask {
        Ask::Promote { to: name, .. }
        | Ask::Revert {
            target: Target { environment: name, .. },
            ..
        }
        | Ask::Pin {
            environment: Some(name),
            ..
        } => ledger.of(name),
        Ask::Hold { .. } | Ask::ReleaseHold { .. } => Ok(ledger.at_home()),
        Ask::Pin { environment: None, .. } => {
            let mut all = ledger.on_each().filter(|branch| !branch.environments_here().is_empty());
            let (Some(only), None) = (all.next(), all.next()) else {
                return Err(Failure::usage(
                    "the environments are on several branches, and one write goes to one of them",
                )
                .hint("name the environment with --env"));
            };
            Ok(only)
        }
    }
}

fn placed<T: Clone>(file: &str, objects: &[T]) -> impl Iterator<Item = PlacedObject<T>> {
    objects.iter().map(|object| PlacedObject {
        file: file.to_owned(),
        object: object.clone(),
    })
}

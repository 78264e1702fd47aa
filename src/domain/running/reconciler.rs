//! Whether the commit of a pin has reached the cluster, by what Argo CD, Flux or a workload's controller reports
//! (docs/reference/running.md, "Has the commit arrived").
//!
//! *Reached* means that the pin's commit is the revision that was applied or an ancestor of it in our clone. Equal
//! revisions are not asked for: other commits land, and some applications only move with the paths they watch.

use super::workload::OwnedObject;
use crate::domain::text::Untrusted;

/// How a revision that a controller reports relates to the pin's commit, in our clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ancestry {
    /// It has the pin's commit: it is that commit or a later one.
    HasPin,
    /// It is a commit without it.
    LacksPin,
    /// Our clone does not have that revision.
    NotKnown,
}

/// Answers how a commit (40 hexadecimal digits) relates to the pin's.
pub type AskClone<'a> = &'a dyn Fn(&str) -> Ancestry;

/// What kind of object reconciles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReconcilerKind {
    /// An Argo CD Application.
    Argo,
    /// `kustomize.toolkit.fluxcd.io`, of Flux.
    FluxKustomization,
    /// `helm.toolkit.fluxcd.io`, of Flux.
    FluxHelmRelease,
}

impl ReconcilerKind {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Argo => "argo",
            Self::FluxKustomization => "flux-kustomization",
            Self::FluxHelmRelease => "flux-helmrelease",
        }
    }
}

/// How far a reconciler is with the pin's commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReconcilerState {
    /// It has applied the commit.
    Applied,
    /// It has not seen the commit, or waits for a person to apply it.
    Waiting,
    /// It applies the commit now.
    Syncing,
    /// It tried, and failed.
    Failed,
    /// Somebody told it to do nothing.
    Suspended,
    /// What it reports cannot be compared with the commit.
    Unknown,
}

impl ReconcilerState {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Waiting => "waiting",
            Self::Syncing => "syncing",
            Self::Failed => "failed",
            Self::Suspended => "suspended",
            Self::Unknown => "unknown",
        }
    }
}

/// What a reconciler says about the pin's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciler {
    /// Which of the objects speaks.
    pub kind: ReconcilerKind,
    /// `NAMESPACE/NAME`.
    pub name: Untrusted,
    /// The revision that speaks about the commit, as reported.
    pub revision: Option<Untrusted>,
    /// Whether the commit has arrived; `None` where that cannot be told.
    pub reached: Option<bool>,
    /// How far it is.
    pub state: ReconcilerState,
    /// Its own words about a failure.
    pub message: Untrusted,
}

/// An Argo CD Application (`argoproj.io/v1alpha1`), as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArgoApplication {
    /// `NAMESPACE/NAME`.
    pub name: Untrusted,
    /// Whether `status.sync.status` is `Synced`.
    pub is_synced: bool,
    /// `status.sync.revision`, or `revisions` with one entry for each of `spec.sources`.
    pub compared: Vec<Option<String>>,
    /// `status.operationState.phase`.
    pub phase: Option<String>,
    /// `status.operationState.message`.
    pub message: Untrusted,
    /// `status.operationState.syncResult.revision`, or `revisions`.
    pub applied: Vec<Option<String>>,
    /// Whether `spec.syncPolicy.automated` is there and not switched off.
    pub is_automated: bool,
    /// `status.sourceHydrator.lastSuccessfulOperation`: the commit that was rendered and the commit of the result.
    pub hydrated: Option<(String, String)>,
    /// `spec.source`, `spec.sources`, or what a hydrator renders.
    pub sources: Vec<ArgoSource>,
    /// `spec.destination.namespace`.
    pub destination: Option<String>,
    /// `status.resources`: what it looks after.
    pub owns: Vec<OwnedObject>,
    /// What of it could not be applied, each with the API server's words (`operationState.syncResult.resources`).
    pub failures: Vec<(OwnedObject, Untrusted)>,
}

/// One of the sources of an Argo CD Application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArgoSource {
    /// The folder in its repository; `None` for a chart, and for a source of values alone.
    pub path: Option<String>,
    /// Whether it is a chart of a Helm repository: its revision is a version and no commit.
    pub is_chart: bool,
}

impl ArgoApplication {
    /// Which of the sources has a pin that these files write: the only one, else the one with the deepest folder that
    /// contains one of them, else the only one without a folder that is no chart (a source of values).
    pub fn source_of(&self, files: &[&str]) -> Option<usize> {
        if self.sources.len() <= 1 {
            return Some(0);
        }
        let folders = self.sources.iter().enumerate().filter_map(|(at, source)| {
            let path = source.path.as_deref().filter(|_| !source.is_chart)?;
            let contains = files.iter().any(|file| contains(path, file));
            contains.then(|| (folder(path).len(), at))
        });
        if let Some((_, at)) = folders.max_by_key(|(length, at)| (*length, usize::MAX - at)) {
            return Some(at);
        }
        let mut values = self.sources.iter().enumerate();
        let mut values = values
            .by_ref()
            .filter(|(_, source)| source.path.is_none() && !source.is_chart);
        let first = values.next().map(|(at, _)| at);
        first.filter(|_| values.next().is_none())
    }

    /// What it says about the pin's commit. `source` is which of its sources has the pin. A Helm source reports a
    /// chart's version, which is no commit: then nothing is known.
    pub fn judge(&self, source: usize, ask: AskClone<'_>) -> Reconciler {
        let compared = self.revision(&self.compared, source);
        let applied = self.revision(&self.applied, source);
        let of = |revision: &Option<&str>| revision.map_or(Ancestry::NotKnown, |revision| ask_commit(revision, ask));
        let (seen, tried) = (of(&compared), of(&applied));
        let phase = self.phase.as_deref();
        let has_applied = phase == Some("Succeeded") && tried == Ancestry::HasPin;
        let has_seen = seen == Ancestry::HasPin || tried == Ancestry::HasPin;
        let reached = if has_applied || self.is_synced && seen == Ancestry::HasPin {
            Some(true)
        } else if has_seen || seen == Ancestry::LacksPin {
            Some(false)
        } else {
            None
        };
        let state = match (reached, phase) {
            (Some(true), _) => ReconcilerState::Applied,
            (None, _) => ReconcilerState::Unknown,
            (_, Some("Failed" | "Error")) if tried == Ancestry::HasPin => ReconcilerState::Failed,
            (_, Some("Running" | "Terminating")) if tried == Ancestry::HasPin => ReconcilerState::Syncing,
            _ if has_seen && self.is_automated => ReconcilerState::Syncing,
            _ => ReconcilerState::Waiting,
        };
        let message = match state {
            ReconcilerState::Failed | ReconcilerState::Syncing => self.message.clone(),
            ReconcilerState::Waiting if has_seen => "it waits for a person to sync it".into(),
            _ => Untrusted::default(),
        };
        Reconciler {
            kind: ReconcilerKind::Argo,
            name: self.name.clone(),
            revision: compared.or(applied).map(Untrusted::from),
            reached,
            state,
            message,
        }
    }

    /// The revision of a source. What a hydrator wrote stands for the commit that it was written from.
    fn revision<'a>(&'a self, revisions: &'a [Option<String>], source: usize) -> Option<&'a str> {
        let revision = revisions.get(source)?.as_deref()?;
        match &self.hydrated {
            Some((dry, hydrated)) if hydrated == revision => Some(dry),
            Some(_) => None,
            None => Some(revision),
        }
    }
}

/// A condition of an object's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCondition {
    /// `True` or `False`; `None` for `Unknown`.
    pub status: Option<bool>,
    /// Its words.
    pub message: Untrusted,
    /// The generation of the object that it is about.
    pub observed_generation: Option<i64>,
}

/// A Flux Kustomization (`kustomize.toolkit.fluxcd.io/v1`), as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FluxKustomization {
    /// `NAMESPACE/NAME`.
    pub name: Untrusted,
    /// `spec.suspend`.
    pub is_suspended: bool,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `status.lastAppliedRevision`.
    pub applied: Option<String>,
    /// `status.lastAppliedOriginRevision`: the git revision where the source is an OCI artifact.
    pub applied_origin: Option<String>,
    /// `status.lastAttemptedRevision`.
    pub attempted: Option<String>,
    /// The condition `Ready`.
    pub ready: Option<StatusCondition>,
    /// `spec.path`: the folder that it applies.
    pub path: Option<String>,
    /// `spec.targetNamespace`.
    pub destination: Option<String>,
    /// `status.inventory`: what it looks after.
    pub owns: Vec<OwnedObject>,
}

impl FluxKustomization {
    /// What it says about the pin's commit.
    pub fn judge(&self, ask: AskClone<'_>) -> Reconciler {
        let of = |revision: Option<&String>| {
            let commit = revision.and_then(|revision| flux_commit(revision));
            commit.map_or(Ancestry::NotKnown, ask)
        };
        // An OCI artifact's own revision is no commit.
        let applied_revision = self.applied_origin.as_ref().or(self.applied.as_ref());
        let (applied, attempted) = (of(applied_revision), of(self.attempted.as_ref()));
        let is_of_this_generation = |ready: &&StatusCondition| {
            ready.observed_generation.is_none() || ready.observed_generation == self.generation
        };
        let ready = self.ready.as_ref().filter(is_of_this_generation);
        let has_failed = ready.is_some_and(|ready| ready.status == Some(false));
        let (reached, state) = match (applied, attempted) {
            (Ancestry::HasPin, _) => (Some(true), ReconcilerState::Applied),
            _ if self.is_suspended => {
                let reached = (applied == Ancestry::LacksPin).then_some(false);
                (reached, ReconcilerState::Suspended)
            }
            (_, Ancestry::HasPin) if has_failed => (Some(false), ReconcilerState::Failed),
            (_, Ancestry::HasPin) => (Some(false), ReconcilerState::Syncing),
            (Ancestry::LacksPin, _) => (Some(false), ReconcilerState::Waiting),
            (Ancestry::NotKnown, _) => (None, ReconcilerState::Unknown),
        };
        Reconciler {
            kind: ReconcilerKind::FluxKustomization,
            name: self.name.clone(),
            revision: applied_revision.map(|revision| revision.as_str().into()),
            reached,
            message: match (state, ready) {
                (ReconcilerState::Failed, Some(ready)) => ready.message.clone(),
                _ => Untrusted::default(),
            },
            state,
        }
    }
}

/// A Flux HelmRelease (`helm.toolkit.fluxcd.io/v2`), as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FluxHelmRelease {
    /// `NAMESPACE/NAME`.
    pub name: Untrusted,
    /// `spec.suspend`.
    pub is_suspended: bool,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `status.observedGeneration`.
    pub observed_generation: Option<i64>,
    /// The condition `Ready`.
    pub ready: Option<StatusCondition>,
}

impl FluxHelmRelease {
    /// What it says about the pin's commit, given what the Kustomization that applies it says: a HelmRelease itself
    /// reports charts, not commits.
    pub fn judge(&self, parent: &Reconciler) -> Reconciler {
        let is_current = self.generation.is_some() && self.generation == self.observed_generation;
        let is_about_it = |ready: &&StatusCondition| {
            is_current && (ready.observed_generation.is_none() || ready.observed_generation == self.generation)
        };
        let ready = self.ready.as_ref().filter(is_about_it);
        let (reached, state) = match (parent.reached, ready.map(|ready| ready.status)) {
            (Some(true), Some(Some(true))) => (Some(true), ReconcilerState::Applied),
            (Some(true), _) if self.is_suspended => (Some(false), ReconcilerState::Suspended),
            (Some(true), Some(Some(false))) => (Some(false), ReconcilerState::Failed),
            (Some(true), _) => (Some(false), ReconcilerState::Syncing),
            (Some(false), _) => (Some(false), parent.state),
            (None, _) => (None, ReconcilerState::Unknown),
        };
        let message = match (state, ready) {
            (ReconcilerState::Failed, Some(ready)) => ready.message.clone(),
            _ => parent.message.clone(),
        };
        Reconciler {
            kind: ReconcilerKind::FluxHelmRelease,
            name: self.name.clone(),
            revision: parent.revision.clone(),
            reached,
            state,
            message,
        }
    }
}

/// A folder as it is written in an object, without `./` before it and `/` after it.
fn folder(path: &str) -> &str {
    let path = path.strip_prefix("./").unwrap_or(path).trim_matches('/');
    if path == "." { "" } else { path }
}

/// Whether a folder of a repository contains a file.
pub(super) fn contains(path: &str, file: &str) -> bool {
    let path = folder(path);
    path.is_empty() || file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

/// The commit that a Flux revision names: `main@sha1:COMMIT`, `sha1:COMMIT`, or `main/COMMIT` of older versions.
pub(super) fn flux_commit(revision: &str) -> Option<&str> {
    let commit = match revision.rsplit_once("sha1:") {
        Some((before, commit)) if before.is_empty() || before.ends_with('@') => commit,
        Some(_) => return None,
        None => revision.rsplit_once('/')?.1,
    };
    is_commit(commit).then_some(commit)
}

fn ask_commit(revision: &str, ask: AskClone<'_>) -> Ancestry {
    match is_commit(revision) {
        true => ask(revision),
        false => Ancestry::NotKnown,
    }
}

/// Whether a text is a whole commit id of SHA-1. A chart's version is none.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[path = "reconciler_tests.rs"]
mod tests;

//! What the namespaces of one cluster run of one pin, and the one word for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::blocked::{Blocked, TemplateRefusal};
use super::closure::{ImageClosure, Overlap};
use super::comparison::{Doubt, ImageComparison, compare, wanted};
use super::owner::OwnerAnswer;
use super::pods::{ContainerSeen, ContainerState, Counting, PodOwner, PodSeen, ServiceImages, last_job};
use super::reconciler::Reconciler;
use super::workload::WorkloadSeen;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::domain::reference::ImageRef;
use crate::domain::text::Untrusted;

/// What runs of a pin, in one word, the worst first: of several clusters the worst one speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunningState {
    /// Other images run.
    Differs,
    /// Something refuses the pinned image, and so something else runs, or nothing.
    Blocked,
    /// The pinned image and others run.
    Mixed,
    /// Nobody can tell.
    Unknown,
    /// Nothing runs: scaled to zero, or no container has the service's image.
    None,
    /// The pinned image runs, and no other.
    Same,
}

impl RunningState {
    /// Every word, in the order of the help. Which of several is the worst says `Ord`.
    pub const ALL: [Self; 6] = [
        Self::Same,
        Self::Mixed,
        Self::Differs,
        Self::Blocked,
        Self::None,
        Self::Unknown,
    ];

    /// What it means, for the help.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Same => "the cluster runs the pinned image",
            Self::Mixed => "the pinned image runs beside another one, as in a rollout",
            Self::Differs => "another image runs than the pinned one",
            Self::Blocked => "something refuses the pinned image: the details say who",
            Self::None => "nothing runs there",
            Self::Unknown => "nobody can tell what runs: neither good nor bad",
        }
    }

    /// The name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::Blocked => "blocked",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Same => "same",
        }
    }
}

/// A namespace of a cluster as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceSeen {
    /// The cluster's name in `pindeck.toml`.
    pub cluster: String,
    /// The namespace's name in that cluster.
    pub namespace: String,
    /// The Pods that were listed.
    pub pods: Vec<PodSeen>,
    /// Why the list of Pods is not whole: it was forbidden, late or cut. Then nothing is concluded from it.
    pub unfinished: Option<Failure>,
    /// The templates that something refuses.
    pub refusals: Vec<TemplateRefusal>,
    /// What keeps Pods running there.
    pub workloads: Vec<WorkloadSeen>,
    /// What could not be read besides the Pods, for people.
    pub missing: Vec<Untrusted>,
}

/// One reported digest, with how many Pods report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningDigest {
    /// The digest; `None` where the node reports none.
    pub digest: Option<Digest>,
    /// Whether it is the pinned image.
    pub comparison: ImageComparison,
    /// The name that the node gives it.
    pub named: Option<Untrusted>,
    /// What the Pods ask for.
    pub asked: Untrusted,
    /// Whether they belong to a Job.
    pub is_job: bool,
    /// How they count.
    pub counting: Counting,
    /// How many Pods.
    pub pods: u32,
    /// How many of them are ready.
    pub ready: u32,
    /// When the first of them started.
    pub since: Option<Timestamp>,
}

/// What one namespace runs of one pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceRunning {
    /// The cluster's name in `pindeck.toml`.
    pub cluster: String,
    /// The namespace's name in that cluster.
    pub namespace: String,
    /// The one word.
    pub state: RunningState,
    /// What is reported, by digest.
    pub digests: Vec<RunningDigest>,
    /// What keeps images from running.
    pub blocked: Vec<Blocked>,
    /// What could not be read, for people.
    pub missing: Vec<Untrusted>,
    /// Whether the word is about a Job that has ended: its next run takes what is pinned.
    pub is_past: bool,
    /// How far whoever applies the pin's commit is; `None` where nothing says who does.
    pub reconciler: Option<Reconciler>,
    /// Whether every workload of the service has rolled its newest template out; `None` where none was listed.
    pub is_rolled_out: Option<bool>,
    /// How many Pods the workloads of the service should have; `None` where none was listed, and where several pins
    /// share them. While a rollout is under way there are more Pods than that.
    pub wanted: Option<u32>,
    /// What kept the list of Pods from being whole, if anything did.
    pub unfinished: Option<FailureKind>,
}

impl NamespaceRunning {
    /// Pods of the pinned image that are ready, of all that should be: how far a rollout is. The Pods that it replaces
    /// are counted only where nobody says how many there should be.
    pub fn progress(&self) -> (u32, u32) {
        let counts = |row: &&RunningDigest| matches!(row.counting, Counting::Runs | Counting::ShouldRun);
        let rows = || self.digests.iter().filter(counts);
        let ready = rows().filter(|row| row.comparison.is_same()).map(|row| row.ready).sum();
        let all = match self.wanted {
            Some(wanted) if wanted > 0 => wanted.max(ready),
            Some(_) | None => rows().map(|row| row.pods).sum(),
        };
        (ready, all)
    }

    /// Adds what the owner of the workloads says. A gate that refused a workload stands in the way as one that
    /// refuses Pods does.
    #[must_use]
    pub fn with_owner(mut self, owner: OwnerAnswer) -> Self {
        if let Some(refused) = owner.refused {
            let is_explained = matches!(
                self.state,
                RunningState::Mixed | RunningState::Differs | RunningState::None
            );
            if refused.digest.is_some() && is_explained {
                self.state = RunningState::Blocked;
                self.is_past = false;
            }
            let is_known =
                |one: &Blocked| (one.what, one.digest, &one.by) == (refused.what, refused.digest, &refused.by);
            if !self.blocked.iter().any(is_known) {
                self.blocked.push(refused);
            }
        }
        self.reconciler = Some(owner.reconciler);
        self
    }
}

/// The pins of one service in one environment, whose containers must be told apart: several where it is pinned to
/// several digests side by side.
#[derive(Debug, Clone, Copy)]
pub struct RunningQuestion<'a> {
    /// The closures of all of them.
    pub pins: &'a [ImageClosure],
    /// The repositories that have the service.
    pub images: &'a ServiceImages,
}

impl<'a> RunningQuestion<'a> {
    /// The digests that must be fetched before [`RunningQuestion::answer`] can say all that can be known about a namespace.
    pub fn wanted(&self, seen: &NamespaceSeen) -> BTreeSet<Digest> {
        let containers = seen.pods.iter().flat_map(|pod| &pod.containers);
        let ours = containers.filter(|container| self.images.asked(&container.asked).is_some());
        ours.flat_map(|container| self.pins.iter().flat_map(|pin| wanted(pin, &container.image)))
            .collect()
    }

    /// What a namespace runs of the pin at `which`. `read` gives the closures of the digests that could be fetched.
    pub fn answer(
        &self,
        which: usize,
        seen: &NamespaceSeen,
        read: &dyn Fn(Digest) -> Option<&'a ImageClosure>,
    ) -> NamespaceRunning {
        let mut tally = Tally::default();
        let mut blocked: Vec<Blocked> = Vec::new();
        if let Some(pin) = self.pins.get(which) {
            for pod in self.pods(seen) {
                for container in &pod.containers {
                    let Some(asked) = self.images.asked(&container.asked) else {
                        continue;
                    };
                    let Some(comparison) = self.comparison(pin, &asked, container, read) else {
                        continue;
                    };
                    tally.add(pod, container, comparison);
                    blocked.extend(match pod.is_leaving || pod.has_ended() {
                        true => None,
                        false => Blocked::of_waiting(container, self.images),
                    });
                }
            }
            let refused = seen
                .refusals
                .iter()
                .flat_map(|refusal| Blocked::of_template(refusal, self.images));
            blocked.extend(refused);
            // What stops another pin of the service is in that one's way.
            blocked.retain(|one| one.stops(pin) || !self.pins.iter().any(|other| one.stops(other)));
        }
        blocked.sort_by(|a, b| (a.what, a.digest, &a.by, &a.message).cmp(&(b.what, b.digest, &b.by, &b.message)));
        blocked.dedup_by(|a, b| (a.what, a.digest, &a.by) == (b.what, b.digest, &b.by));
        let (state, is_past) = match (self.pins.get(which), &seen.unfinished) {
            (Some(pin), None) => tally.state(blocked.iter().any(|blocked| blocked.stops(pin))),
            _ => (RunningState::Unknown, false),
        };
        let unfinished = seen.unfinished.iter().map(Failure::sentence);
        let workloads = || seen.workloads.iter().filter(|one| one.runs(self.images));
        let is_listed = workloads().next().is_some();
        let is_rolled_out = is_listed.then(|| workloads().all(|one| one.rollout.is_done()));
        let wanted = || workloads().map(|one| one.rollout.wanted).sum();
        let wanted = (is_listed && self.pins.len() == 1).then(wanted);
        NamespaceRunning {
            cluster: seen.cluster.clone(),
            namespace: seen.namespace.clone(),
            state,
            digests: tally.into_digests(),
            blocked,
            missing: unfinished.chain(seen.missing.iter().cloned()).collect(),
            is_past,
            reconciler: None,
            is_rolled_out,
            wanted,
            unfinished: seen.unfinished.as_ref().map(|failure| failure.kind),
        }
    }

    /// The Pods with a container of the service; of those that belong to Jobs, only the last one.
    fn pods<'s>(&self, seen: &'s NamespaceSeen) -> Vec<&'s PodSeen> {
        let is_ours = |pod: &&PodSeen| {
            let mut containers = pod.containers.iter();
            containers.any(|container| self.images.asked(&container.asked).is_some())
        };
        let mut pods: Vec<&PodSeen> = seen.pods.iter().filter(is_ours).collect();
        let last = last_job(pods.iter().copied());
        pods.retain(|pod| pod.owner != PodOwner::Job || last.is_some_and(|last| std::ptr::eq(last, *pod)));
        pods
    }

    /// What a container says about one of the pins; `None` if it belongs to another one. One that belongs to none
    /// speaks about each of them.
    fn comparison(
        &self,
        pin: &ImageClosure,
        asked: &ImageRef,
        container: &ContainerSeen,
        read: &dyn Fn(Digest) -> Option<&'a ImageClosure>,
    ) -> Option<ImageComparison> {
        let pinned = |digest| self.pins.iter().find(|pin| pin.digest() == digest);
        let with =
            |pin: &ImageClosure| compare(pin, &container.image, |digest| pinned(digest).or_else(|| read(digest)));
        let asks = |pin: &ImageClosure| asked.digest.is_some_and(|digest| pin.contains(digest));
        let this = with(pin);
        let others = || self.pins.iter().filter(|other| other.digest() != pin.digest());
        let runs = |other: &ImageClosure| with(other).is_same();
        match this {
            ImageComparison::Differs if !asks(pin) => {
                let is_open = |other| matches!(other, ImageComparison::Unknown(_));
                match others().any(|other| asks(other) || runs(other)) {
                    true => None,
                    // It may belong to the pin of which nobody can tell.
                    false => Some(others().map(with).find(|other| is_open(*other)).unwrap_or(this)),
                }
            }
            ImageComparison::Unknown(_) if !asks(pin) => {
                let is_elsewhere = |other: &ImageClosure| runs(other) && other.overlap(pin) == Overlap::Disjoint;
                (!others().any(is_elsewhere)).then_some(this)
            }
            _ => Some(this),
        }
    }
}

/// What tells one row of reported digests from another.
type RowKey = (
    Counting,
    Option<Digest>,
    ImageComparison,
    Option<Untrusted>,
    Untrusted,
    bool,
);

/// The Pods of one row, by name, and those of them that are ready.
#[derive(Default)]
struct TallyRow {
    pods: BTreeSet<Untrusted>,
    ready: BTreeSet<Untrusted>,
    since: Option<Timestamp>,
}

/// The containers of one pin in one namespace, counted.
#[derive(Default)]
struct Tally {
    rows: BTreeMap<RowKey, TallyRow>,
    live: BTreeSet<ImageComparison>,
    past: BTreeSet<ImageComparison>,
}

impl Tally {
    fn add(&mut self, pod: &PodSeen, container: &ContainerSeen, comparison: ImageComparison) {
        let counting = pod.counting(container);
        let is_job = pod.owner == PodOwner::Job;
        match counting {
            Counting::Runs => self.live.extend([comparison]),
            Counting::Lost => self.live.extend([ImageComparison::Unknown(Doubt::NotReported)]),
            Counting::Leaving if is_job && pod.has_ended() && !pod.is_leaving => self.past.extend([comparison]),
            Counting::Leaving | Counting::ShouldRun | Counting::Aside => {}
        }
        let reported = container.image.reported.as_ref();
        let key = (
            counting,
            reported.map(|reported| reported.digest),
            comparison,
            reported.map(|reported| reported.named.clone()),
            container.asked.clone(),
            is_job,
        );
        let row = self.rows.entry(key).or_default();
        row.pods.insert(pod.name.clone());
        if container.ready {
            row.ready.insert(pod.name.clone());
        }
        let started = match &container.state {
            ContainerState::Running { since } => *since,
            _ => None,
        };
        row.since = row.since.iter().chain(&started).min().copied();
    }

    /// The one word, and whether it is about a Job that has ended. What runs is known only if it is known of every
    /// container, except that two different images stay two.
    fn state(&self, is_blocked: bool) -> (RunningState, bool) {
        let is_past = self.live.is_empty() && !self.past.is_empty();
        let counted = if is_past { &self.past } else { &self.live };
        let any = |is: fn(&ImageComparison) -> bool| counted.iter().any(is);
        let same = any(ImageComparison::is_same);
        let differs = any(|one| matches!(one, ImageComparison::Differs));
        let unknown = any(|one| matches!(one, ImageComparison::Unknown(_)));
        let state = match (same, differs, unknown) {
            (true, true, _) => RunningState::Mixed,
            (_, _, true) => RunningState::Unknown,
            (true, false, false) => RunningState::Same,
            (false, true, false) => RunningState::Differs,
            (false, false, false) => RunningState::None,
        };
        let is_explained = matches!(state, RunningState::Mixed | RunningState::Differs | RunningState::None);
        match is_blocked && is_explained {
            true => (RunningState::Blocked, false),
            false => (state, is_past),
        }
    }

    fn into_digests(self) -> Vec<RunningDigest> {
        let count = |names: &BTreeSet<Untrusted>| u32::try_from(names.len()).unwrap_or(u32::MAX);
        let row = |(key, row): (RowKey, TallyRow)| {
            let (counting, digest, comparison, named, asked, is_job) = key;
            RunningDigest {
                digest,
                comparison,
                named,
                asked,
                is_job,
                counting,
                pods: count(&row.pods),
                ready: count(&row.ready),
                since: row.since,
            }
        };
        self.rows.into_iter().map(row).collect()
    }
}

/// The word for all namespaces of all clusters of an environment: the worst one. A namespace without the service
/// says nothing where another one of its cluster has it. `None` if there is no namespace.
pub fn worst(namespaces: &[NamespaceRunning]) -> Option<RunningState> {
    let has_it = |cluster: &str| {
        let here = namespaces.iter().filter(|one| one.cluster == cluster);
        here.into_iter().any(|one| one.state != RunningState::None)
    };
    let speaking = namespaces
        .iter()
        .filter(|one| one.state != RunningState::None || !has_it(&one.cluster));
    speaking.map(|one| one.state).min()
}

/// The digest that runs instead of the pinned one, if that is drift: it differs, or it is mixed, for longer than a
/// rollout may take. `pinned_at` is when the pin was made, `since` when that state was seen first, `settle` in
/// seconds. What Jobs ran in the past is no drift.
pub fn drifted(
    namespaces: &[NamespaceRunning],
    pinned_at: Option<Timestamp>,
    since: Timestamp,
    now: Timestamp,
    settle: i64,
) -> Option<Digest> {
    let differs =
        |one: &&NamespaceRunning| matches!(one.state, RunningState::Differs | RunningState::Mixed) && !one.is_past;
    let found = namespaces
        .iter()
        .filter(differs)
        .flat_map(|one| &one.digests)
        .find_map(|row| {
            let counts = row.counting == Counting::Runs && row.comparison == ImageComparison::Differs;
            row.digest.filter(|_| counts)
        })?;
    let word = namespaces.iter().filter(differs).map(|one| one.state).min()?;
    let from = match word {
        RunningState::Differs => pinned_at.unwrap_or(since),
        _ => pinned_at.map_or(since, |at| at.max(since)),
    };
    (now.as_second().saturating_sub(from.as_second()) >= settle).then_some(found)
}

#[cfg(test)]
#[path = "observation_tests.rs"]
mod tests;

//! Pods as far as pindeck looks at them, and which of their containers count.

use jiff::Timestamp;

use super::image_id::ContainerImage;
use crate::domain::id::Digest;
use crate::domain::reference::{ImageRef, Repository};
use crate::domain::text::Untrusted;

/// One Pod, as far as it matters for what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSeen {
    /// `metadata.name`.
    pub name: Untrusted,
    /// What it belongs to.
    pub owner: PodOwner,
    /// `status.phase`.
    pub phase: PodPhase,
    /// Whether it is being deleted (`metadata.deletionTimestamp`).
    pub is_leaving: bool,
    /// `status.startTime`.
    pub started_at: Option<Timestamp>,
    /// Its containers and image volumes.
    pub containers: Vec<ContainerSeen>,
}

/// The kind of object that a Pod belongs to (`metadata.ownerReferences`, the controller's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodOwner {
    /// A Job, which ends; a CronJob's Pods belong to Jobs.
    Job,
    /// Anything that keeps its Pods running, or nothing.
    Other,
}

/// `status.phase` of a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodPhase {
    /// Accepted, and not all of its containers have started.
    Pending,
    /// At least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, at least one badly.
    Failed,
    /// The node does not answer.
    Unknown,
}

impl PodPhase {
    /// The phase of that name; a name that is not known says as little as `Unknown`.
    pub fn of_name(name: &str) -> Self {
        match name {
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// One container of a Pod, or a volume that is an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSeen {
    /// Its name in the Pod.
    pub name: Untrusted,
    /// What it is in the Pod.
    pub kind: ContainerKind,
    /// `image` of the Pod's spec: what was asked for.
    pub asked: Untrusted,
    /// What is reported about the image that runs.
    pub image: ContainerImage,
    /// What it does.
    pub state: ContainerState,
    /// Whether its readiness probe passes.
    pub ready: bool,
}

/// What a container is in its Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    /// One of `spec.containers`.
    Main,
    /// One of `spec.initContainers` that ends before the others start.
    Init,
    /// One of `spec.initContainers` with `restartPolicy: Always`: it runs beside the others.
    Sidecar,
    /// One that somebody added for debugging.
    Ephemeral,
    /// An image that is mounted as a volume; no digest is reported for it.
    ImageVolume,
}

/// What a container does (`status.containerStatuses[].state`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// It runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It waits, with the reason and the message of the kubelet.
    Waiting {
        /// For example `ImagePullBackOff`.
        reason: Untrusted,
        /// What the container runtime said.
        message: Untrusted,
    },
    /// It has stopped; whether another one starts is not said.
    Ended,
    /// Its status is not there yet.
    NotReported,
}

/// How a container counts for the question of what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counting {
    /// Its image is an answer to the question.
    Runs,
    /// It should run, and does not.
    ShouldRun,
    /// Its node does not answer: nobody knows what it does.
    Lost,
    /// It belongs to a Pod that is being deleted or has ended; it is shown only.
    Leaving,
    /// It is no part of the service while that runs; it is shown only.
    Aside,
}

impl PodSeen {
    /// How one of its containers counts. Of Pods that belong to a Job, only the last one that started may be asked
    /// about ([`last_job`]).
    pub fn counting(&self, container: &ContainerSeen) -> Counting {
        match container.kind {
            ContainerKind::Init | ContainerKind::Ephemeral | ContainerKind::ImageVolume => return Counting::Aside,
            ContainerKind::Main | ContainerKind::Sidecar => {}
        }
        if self.has_ended() || self.is_leaving {
            return Counting::Leaving;
        }
        match (&container.state, self.phase) {
            (_, PodPhase::Unknown) => Counting::Lost,
            (ContainerState::Running { .. }, _) => Counting::Runs,
            (ContainerState::Waiting { .. } | ContainerState::Ended | ContainerState::NotReported, _) => {
                Counting::ShouldRun
            }
        }
    }

    /// Whether all of its containers have ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, PodPhase::Succeeded | PodPhase::Failed)
    }
}

/// The Pod that says what Jobs run: the last one that started. The others are history.
pub fn last_job<'p>(pods: impl IntoIterator<Item = &'p PodSeen>) -> Option<&'p PodSeen> {
    let jobs = pods.into_iter().filter(|pod| pod.owner == PodOwner::Job);
    jobs.max_by_key(|pod| (pod.started_at, pod.name.clone()))
}

/// The repositories of a service in one environment: where CI pushes it, `also`, and the same below the
/// environment's own registry; beside them the prefixes that stand for a registry (`pull_through`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceImages {
    /// The repositories as manifests name them.
    pub repositories: Vec<Repository>,
    /// A pull-through cache, as `HOST[/PATH]`, and the registry or path that it stands for.
    pub pull_through: Vec<(String, String)>,
}

impl ServiceImages {
    /// Whether an image that a Pod asks for is one of the service's; what it asks for, if so.
    pub fn asked(&self, image: &Untrusted) -> Option<ImageRef> {
        let asked = ImageRef::parse(image.raw()).ok()?;
        let is_ours = |repository: &Repository| self.repositories.contains(repository);
        let through = || {
            let name = asked.repository.to_string();
            let behind = self.pull_through.iter().filter_map(move |(prefix, stands_for)| {
                let rest = name.strip_prefix(prefix.as_str())?.strip_prefix('/')?;
                Repository::parse(&format!("{stands_for}/{rest}")).ok()
            });
            behind.into_iter().any(|repository| is_ours(&repository))
        };
        (is_ours(&asked.repository) || through()).then_some(asked)
    }

    /// The digests that a template asks for in the service's repositories. A name by tag has none.
    pub fn digests<'t>(&self, template: impl IntoIterator<Item = &'t Untrusted>) -> Vec<Digest> {
        let asked = template.into_iter().filter_map(|image| self.asked(image)?.digest);
        let mut digests: Vec<Digest> = asked.collect();
        digests.sort_unstable();
        digests.dedup();
        digests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(phase: PodPhase, is_leaving: bool) -> PodSeen {
        PodSeen {
            name: "web-1".into(),
            owner: PodOwner::Other,
            phase,
            is_leaving,
            started_at: None,
            containers: Vec::new(),
        }
    }

    fn container(kind: ContainerKind, state: ContainerState) -> ContainerSeen {
        ContainerSeen {
            name: "web".into(),
            kind,
            asked: "reg.example/web:v1".into(),
            image: ContainerImage::default(),
            state,
            ready: true,
        }
    }

    #[test]
    fn only_containers_that_run_beside_one_another_count() {
        use ContainerKind as K;
        let runs = || ContainerState::Running { since: None };
        let waits = || ContainerState::Waiting {
            reason: "ContainerCreating".into(),
            message: "".into(),
        };
        let live = pod(PodPhase::Running, false);
        for (pod, kind, state, expected) in [
            (&live, K::Main, runs(), Counting::Runs),
            (&live, K::Sidecar, runs(), Counting::Runs),
            (&live, K::Init, runs(), Counting::Aside),
            (&live, K::Ephemeral, runs(), Counting::Aside),
            (&live, K::ImageVolume, ContainerState::NotReported, Counting::Aside),
            (&live, K::Main, waits(), Counting::ShouldRun),
            (&live, K::Main, ContainerState::Ended, Counting::ShouldRun),
            (
                &pod(PodPhase::Pending, false),
                K::Main,
                ContainerState::NotReported,
                Counting::ShouldRun,
            ),
            (
                &pod(PodPhase::Succeeded, false),
                K::Main,
                ContainerState::Ended,
                Counting::Leaving,
            ),
            (&pod(PodPhase::Failed, false), K::Main, runs(), Counting::Leaving),
            (&pod(PodPhase::Running, true), K::Main, runs(), Counting::Leaving),
            (&pod(PodPhase::Unknown, false), K::Main, runs(), Counting::Lost),
            (
                &pod(PodPhase::of_name("Paused"), false),
                K::Main,
                waits(),
                Counting::Lost,
            ),
        ] {
            let shown = format!("{pod:?} {kind:?} {state:?}");
            assert_eq!(pod.counting(&container(kind, state)), expected, "{shown}");
        }
    }

    #[test]
    fn the_last_job_that_started_speaks_for_all() {
        let at = |second| Timestamp::from_second(second).ok();
        let job = |name: &str, started_at| PodSeen {
            name: name.into(),
            owner: PodOwner::Job,
            started_at,
            ..pod(PodPhase::Succeeded, false)
        };
        let pods = [
            job("a", at(5)),
            job("b", at(9)),
            job("c", None),
            pod(PodPhase::Running, false),
        ];
        assert_eq!(last_job(&pods).map(|pod| pod.name.raw()), Some("b"));
        assert_eq!(last_job(&pods[3..]), None);
    }

    #[test]
    fn a_container_belongs_to_a_service_by_its_repository() {
        let repository = |text: &str| Repository::parse(text).expect("a repository");
        let images = ServiceImages {
            repositories: vec![repository("docker.io/shop/web"), repository("prod.example/shop/web")],
            pull_through: vec![("cache.example/hub".to_owned(), "docker.io".to_owned())],
        };
        for (image, is_ours) in [
            ("shop/web:v1", true),
            ("docker.io/shop/web", true),
            ("prod.example/shop/web:v2", true),
            ("cache.example/hub/shop/web:v1", true),
            ("cache.example/hub2/shop/web:v1", false),
            ("cache.example/shop/web:v1", false),
            ("other.example/shop/web:v1", false),
            ("shop/web-admin:v1", false),
            ("", false),
            ("{{ .Values.image }}", false),
        ] {
            assert_eq!(images.asked(&image.into()).is_some(), is_ours, "{image}");
        }
        let digest = Digest::of(b"x");
        let template = [
            format!("shop/web@{digest}").into(),
            "shop/web:v1".into(),
            "envoy:v1".into(),
        ];
        assert_eq!(images.digests(&template), [digest]);
    }
}

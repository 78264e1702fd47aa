//! What the demo's cluster does of itself: Argo CD sees commits and applies them, Deployments roll out Pod by Pod,
//! and a gate refuses what it does not like. Time goes by in ticks; nothing here waits or reads anything.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::id::Digest;

/// Ticks until Argo CD has seen a commit.
const SEES_AFTER: u32 = 2;
/// Ticks from then until it has applied it.
const APPLIES_AFTER: u32 = 2;
/// Ticks until a Pod is ready, and until one of a service that starts slowly is.
const READY_AFTER: u32 = 2;
const SLOW_AFTER: u32 = 9;

/// What git wants: the digest of each service in each environment, by namespace and service.
pub(super) type Wanted = BTreeMap<(String, String), Digest>;

/// Whether a gate lets a digest in; its words if not.
pub(super) type AdmissionGate = fn(namespace: &str, service: &str, digest: Digest) -> Option<String>;

/// Everything in the cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct ClusterObjects {
    /// The Deployments, by namespace and name.
    pub deployments: BTreeMap<(String, String), DemoDeployment>,
    /// The Applications, one for each namespace.
    pub applications: BTreeMap<String, DemoApplication>,
    /// How many Pods there have ever been: their names are told apart by it.
    made: u32,
}

/// One Deployment with its ReplicaSets.
#[derive(Debug, Clone)]
pub(super) struct DemoDeployment {
    /// The repository of its image.
    pub repository: String,
    /// How many Pods it wants.
    pub replicas: usize,
    /// Whether its Pods take long to become ready.
    pub is_slow: bool,
    /// How often its template was changed.
    pub generation: i64,
    /// The digest in its template.
    pub wanted: Digest,
    /// Its ReplicaSets, the oldest first.
    pub sets: Vec<DemoReplicaSet>,
}

/// The Pods of one digest.
#[derive(Debug, Clone)]
pub(super) struct DemoReplicaSet {
    /// The digest in its template.
    pub digest: Digest,
    /// The gate's words, where it lets none of its Pods in, and since when.
    pub refused: Option<(String, Timestamp)>,
    /// The Pods that there are.
    pub pods: Vec<DemoPod>,
}

/// A container of the image in its own Pod, as far as the demo tells it.
#[derive(Debug, Clone)]
pub(super) struct DemoPod {
    /// As `metadata.name` has it.
    pub name: String,
    /// When it started.
    pub started_at: Timestamp,
    /// How many ticks ago that was.
    pub age: u32,
    /// Whether it is ready.
    pub is_ready: bool,
}

/// The Application of one environment.
#[derive(Debug, Clone, Default)]
pub(super) struct DemoApplication {
    /// The commit that it applied.
    pub applied: String,
    /// The commit that it compares with.
    pub compared: String,
    /// The commit that the branch is at, and for how many ticks it has been.
    head: String,
    age: u32,
}

impl DemoDeployment {
    /// A Deployment that has run a digest for long.
    fn running(
        name: &str,
        (repository, replicas, is_slow): (String, usize, bool),
        digest: Digest,
        since: Timestamp,
        made: &mut u32,
    ) -> Self {
        let pod = |made: &mut u32| DemoPod {
            is_ready: true,
            ..DemoPod::new(name, since, made)
        };
        Self {
            repository,
            replicas,
            is_slow,
            generation: 1,
            wanted: digest,
            sets: vec![DemoReplicaSet {
                digest,
                refused: None,
                pods: (0..replicas).map(|_| pod(made)).collect(),
            }],
        }
    }

    fn want(&mut self, digest: Digest) {
        if self.wanted != digest {
            self.wanted = digest;
            self.generation += 1;
        }
    }

    fn tick(&mut self, (namespace, name): (&str, &str), gate: AdmissionGate, now: Timestamp, made: &mut u32) {
        let at = match self.sets.iter().position(|set| set.digest == self.wanted) {
            Some(at) => at,
            None => {
                self.sets.push(DemoReplicaSet {
                    digest: self.wanted,
                    refused: gate(namespace, name, self.wanted).map(|words| (words, now)),
                    pods: Vec::new(),
                });
                self.sets.len() - 1
            }
        };
        let ready_after = if self.is_slow { SLOW_AFTER } else { READY_AFTER };
        let current = &mut self.sets[at];
        if current.refused.is_none() {
            for pod in &mut current.pods {
                pod.age += 1;
                pod.is_ready = pod.is_ready || pod.age >= ready_after;
            }
            if current.pods.len() < self.replicas && current.pods.iter().all(|pod| pod.is_ready) {
                current.pods.push(DemoPod::new(name, now, made));
            }
        }
        // As many old Pods stay as new ones are missing.
        let ready = current.pods.iter().filter(|pod| pod.is_ready).count();
        let mut missing = self.replicas.saturating_sub(ready);
        for (_, set) in self.sets.iter_mut().enumerate().rev().filter(|(place, _)| *place != at) {
            set.pods.truncate(missing);
            missing -= set.pods.len();
        }
        let wanted = self.wanted;
        self.sets.retain(|set| set.digest == wanted || !set.pods.is_empty());
    }

    /// Whether it is done with its newest template.
    #[cfg(test)]
    fn is_rolled_out(&self) -> bool {
        self.sets.len() == 1 && self.sets[0].pods.iter().filter(|pod| pod.is_ready).count() == self.replicas
    }
}

impl DemoPod {
    fn new(name: &str, started_at: Timestamp, made: &mut u32) -> Self {
        *made += 1;
        let end = Digest::of(format!("{name} {made}").as_bytes()).hex();
        Self {
            name: format!("{name}-{}-{}", &end[..10], &end[10..15]),
            started_at,
            age: 0,
            is_ready: false,
        }
    }
}

impl ClusterObjects {
    /// Puts a Deployment there that has run for long.
    pub(super) fn deploy(
        &mut self,
        (namespace, name): (&str, &str),
        how: (String, usize, bool),
        digest: Digest,
        since: Timestamp,
    ) {
        let deployment = DemoDeployment::running(name, how, digest, since, &mut self.made);
        self.deployments
            .insert((namespace.to_owned(), name.to_owned()), deployment);
    }

    /// Lets an Application have applied a commit.
    pub(super) fn synced(&mut self, namespace: &str, commit: &str) {
        let application = DemoApplication {
            applied: commit.to_owned(),
            compared: commit.to_owned(),
            head: commit.to_owned(),
            age: 0,
        };
        self.applications.insert(namespace.to_owned(), application);
    }

    /// The name of every Pod, and whether it is ready: all that changes of a Pod.
    pub(super) fn pods(&self) -> Vec<(String, bool)> {
        let sets = self.deployments.values().flat_map(|deployment| &deployment.sets);
        let pods = sets.flat_map(|set| &set.pods);
        pods.map(|pod| (pod.name.clone(), pod.is_ready)).collect()
    }

    /// Lets a moment go by. `head` is the commit of the branch, `wanted` what that commit pins.
    pub(super) fn tick(&mut self, head: &str, wanted: &Wanted, gate: AdmissionGate, now: Timestamp) {
        for (namespace, application) in &mut self.applications {
            if application.head != head {
                head.clone_into(&mut application.head);
                application.age = 0;
            }
            application.age = application.age.saturating_add(1);
            if application.age >= SEES_AFTER {
                head.clone_into(&mut application.compared);
            }
            if application.age < SEES_AFTER + APPLIES_AFTER || application.applied == head {
                continue;
            }
            head.clone_into(&mut application.applied);
            for ((place, service), digest) in wanted.iter().filter(|((place, _), _)| place == namespace) {
                if let Some(deployment) = self.deployments.get_mut(&(place.clone(), service.clone())) {
                    deployment.want(*digest);
                }
            }
        }
        for ((namespace, name), deployment) in &mut self.deployments {
            deployment.tick((namespace, name), gate, now, &mut self.made);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "1111111111111111111111111111111111111111";
    const SECOND: &str = "2222222222222222222222222222222222222222";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn cluster(is_slow: bool) -> ClusterObjects {
        let mut cluster = ClusterObjects::default();
        let how = ("reg.example/web".to_owned(), 3, is_slow);
        cluster.deploy(("prod", "web"), how, Digest::of(b"old"), at(0));
        cluster.synced("prod", FIRST);
        cluster
    }

    fn wanted(digest: &[u8]) -> Wanted {
        let key = ("prod".to_owned(), "web".to_owned());
        [(key, Digest::of(digest))].into_iter().collect()
    }

    fn web(cluster: &ClusterObjects) -> &DemoDeployment {
        &cluster.deployments[&("prod".to_owned(), "web".to_owned())]
    }

    fn open(_: &str, _: &str, _: Digest) -> Option<String> {
        None
    }

    fn closed(_: &str, _: &str, _: Digest) -> Option<String> {
        Some("no".to_owned())
    }

    #[test]
    fn a_commit_is_seen_then_applied_then_rolled_out_pod_by_pod() {
        for is_slow in [false, true] {
            let mut cluster = cluster(is_slow);
            let mut phases = Vec::new();
            let mut ticks = 0;
            while !(web(&cluster).is_rolled_out() && web(&cluster).wanted == Digest::of(b"new")) {
                ticks += 1;
                assert!(ticks < 100, "it never ends");
                cluster.tick(SECOND, &wanted(b"new"), open, at(ticks));
                let application = &cluster.applications["prod"];
                phases.push((application.compared == SECOND, application.applied == SECOND));
                // There are never fewer ready Pods than it wants.
                let pods = web(&cluster).sets.iter().flat_map(|set| &set.pods);
                assert!(pods.filter(|pod| pod.is_ready).count() >= 3);
            }
            phases.dedup();
            assert_eq!(phases, [(false, false), (true, false), (true, true)]);
            assert_eq!(web(&cluster).generation, 2);
            assert_eq!(ticks > 20, is_slow, "{ticks} ticks");
        }
    }

    #[test]
    fn what_the_gate_refuses_starts_no_pod_and_the_old_ones_stay() {
        let mut cluster = cluster(false);
        for tick in 0..50 {
            cluster.tick(SECOND, &wanted(b"new"), closed, at(tick));
        }
        let sets = &web(&cluster).sets;
        assert_eq!(sets.len(), 2);
        assert!(sets[1].refused.is_some() && sets[1].pods.is_empty());
        assert_eq!(sets[0].pods.len(), 3);
        // Back to what ran: the refused set is gone.
        for tick in 50..60 {
            cluster.tick(FIRST, &wanted(b"old"), closed, at(tick));
        }
        assert!(web(&cluster).is_rolled_out());
    }
}

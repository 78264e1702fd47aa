//! Making the world: keys, releases, registries, history.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::cluster::{ARGOCD, CLUSTER, DemoCluster};
use super::error::DemoError;
use super::history::{Commit, Remote};
use super::manifest::{self, PinnedImage};
use super::plot::{ENVIRONMENTS, GONE, HELD, PEOPLE, PRODUCTION, PlotEvidence, PlotService, PlotVersion, SERVICES};
use super::registry::{DemoRegistry, Ways};
use super::release::{Build, DemoKeys, Proof, Release, source_of};
use crate::config::user::ClusterAccess;
use crate::domain::id::Digest;

/// The registry that CI pushes to, as the manifests name it.
pub(super) const CI_HOST: &str = "registry.shop.example";
/// Production's own registry.
pub(super) const PRODUCTION_HOST: &str = "production.shop.example";
/// How often it is tried to remove the folder.
const REMOVALS: u32 = 20;
/// The oldest commit is this old.
const AGE_DAYS: i64 = 21;

/// How the demo is started.
#[derive(Debug, Clone, Default)]
pub struct DemoOptions {
    /// Where it is made and kept; `None` = a temporary folder that goes with it.
    pub dir: Option<PathBuf>,
    /// Whether a cluster runs what its branch pins.
    pub cluster: bool,
}

/// The running world. Its registries end with it, and its folder too unless it was named.
pub struct World {
    folder: PathBuf,
    temporary: Option<tempfile::TempDir>,
    pub(super) keys: DemoKeys,
    /// What CI pushes to.
    pub ci: DemoRegistry,
    /// Production's own.
    pub production: DemoRegistry,
    pub(super) remote: Remote,
    pub(super) releases: BTreeMap<(usize, usize), Release>,
    has_cluster: bool,
    cluster: Option<DemoCluster>,
}

impl World {
    /// Makes the world. Call it on a tokio runtime: its registries are served there.
    ///
    /// # Errors
    /// A [`DemoError`] that says what is in the way.
    pub async fn start(options: DemoOptions) -> Result<Self, DemoError> {
        let (folder, temporary) = match options.dir {
            Some(dir) => {
                std::fs::create_dir_all(&dir).map_err(DemoError::Folder)?;
                let mut entries = std::fs::read_dir(&dir).map_err(DemoError::Folder)?;
                if entries.next().is_some() {
                    return Err(DemoError::Occupied(dir.display().to_string()));
                }
                (dir.canonicalize().map_err(DemoError::Folder)?, None)
            }
            None => {
                let made = tempfile::Builder::new()
                    .prefix("pindeck-demo-")
                    .tempdir()
                    .map_err(DemoError::Folder)?;
                (made.path().to_owned(), Some(made))
            }
        };
        let ci = DemoRegistry::start(Ways::default()).await.map_err(DemoError::Port)?;
        let production = DemoRegistry::start(Ways::default()).await.map_err(DemoError::Port)?;
        let keys = DemoKeys::new()?;
        let now = Timestamp::now();
        let releases = releases(&keys, now)?;
        publish(&releases, &ci, &production);
        let remote = Remote::create(&folder.join("remote.git"))?;
        let mut world = Self {
            folder,
            temporary,
            keys,
            ci,
            production,
            remote,
            releases,
            has_cluster: options.cluster,
            cluster: None,
        };
        world.write_history(now)?;
        world.remote.clone_to(&world.clone_dir())?;
        if world.has_cluster {
            let cluster = DemoCluster::start(&world.remote.path, deployed).await?;
            std::fs::write(world.kubeconfig(), cluster.kubeconfig()).map_err(DemoError::Folder)?;
            world.cluster = Some(cluster);
        }
        Ok(world)
    }

    /// The folder that contains everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the folder unless it was named. A reader that has just been stopped may still close its files, so
    /// it is tried for a moment.
    ///
    /// # Errors
    /// If it is still there afterwards.
    pub fn remove(&self) -> std::io::Result<()> {
        if self.temporary.is_none() {
            return Ok(());
        }
        let mut tries = 0;
        loop {
            match std::fs::remove_dir_all(&self.folder) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                Err(error) if tries >= REMOVALS => return Err(error),
                Err(_) => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
            }
        }
    }

    /// The clone to look at and write from.
    pub fn clone_dir(&self) -> PathBuf {
        self.folder.join("gitops")
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// How its cluster is reached: what a person would say in their own configuration.
    pub fn clusters(&self) -> BTreeMap<String, ClusterAccess> {
        let access = ClusterAccess {
            context: Some(CLUSTER.to_owned()),
            kubeconfig: Some(self.kubeconfig()),
            in_cluster: false,
        };
        let there = self.cluster.iter().map(|_| (CLUSTER.to_owned(), access.clone()));
        there.collect()
    }

    /// The methods of every request that its cluster has got, each once.
    pub fn cluster_methods(&self) -> Vec<String> {
        self.cluster.as_ref().map(DemoCluster::methods).unwrap_or_default()
    }

    fn write_history(&self, now: Timestamp) -> Result<(), DemoError> {
        let mut first = Commit {
            author: PEOPLE[0],
            at: now - SignedDuration::from_hours(24 * AGE_DAYS),
            message: "Start the GitOps repository".to_owned(),
            files: vec![
                ("README.md".to_owned(), README.to_owned()),
                ("pindeck.toml".to_owned(), self.policy()),
                ("keys/ci.pub".to_owned(), self.keys.ci.pem()),
            ],
        };
        for (service, plan) in SERVICES.iter().enumerate() {
            first
                .files
                .extend((0..ENVIRONMENTS.len()).map(|environment| self.file(service, 0, environment)));
            let taken_in = (0..ENVIRONMENTS.len()).filter_map(|at| manifest::taken_in(plan, at));
            first.files.extend(taken_in);
        }
        self.remote.add(&[first])?;
        let mut waiting: Vec<(PlotEvent, Commit)> = Vec::new();
        let mut known: Vec<(PlotEvent, String)> = Vec::new();
        for event in events(now) {
            let reverts = if event.back {
                known.extend(self.flush(&mut waiting)?);
                let bad = known.iter().rev().find(|(e, _)| e.is_undone_by(&event));
                bad.map(|(_, id)| id.clone())
            } else {
                None
            };
            waiting.push((event, self.commit(&event, reverts)));
        }
        self.flush(&mut waiting).map(drop)
    }

    fn flush(&self, waiting: &mut Vec<(PlotEvent, Commit)>) -> Result<Vec<(PlotEvent, String)>, DemoError> {
        let (events, commits): (Vec<PlotEvent>, Vec<Commit>) = waiting.drain(..).unzip();
        Ok(events.into_iter().zip(self.remote.add(&commits)?).collect())
    }

    fn commit(&self, event: &PlotEvent, reverts: Option<String>) -> Commit {
        let environment = ENVIRONMENTS[event.environment];
        let name = SERVICES[event.service].name;
        let digest = |version| self.releases[&(event.service, version)].digest;
        let (from, to) = (digest(event.from), digest(event.to));
        let mut files = vec![self.file(event.service, event.to, event.environment)];
        let trailers = |action: &str| {
            format!(
                "Pindeck-Action: {action}\nPindeck-Service: {name}\nPindeck-Environment: {environment}\n\
                 Pindeck-From: {from}\nPindeck-To: {to}\n"
            )
        };
        let author = PEOPLE[(event.service + event.environment + event.to) % PEOPLE.len()];
        let message = match reverts {
            None => format!(
                "Promote {name} to {environment}\n\n{from}\n-> {to}\n\n{}",
                trailers("promote")
            ),
            Some(bad) => {
                if name == HELD {
                    files.push(("pindeck-holds.toml".to_owned(), hold(event, from, author.0)));
                }
                format!(
                    "Revert {name} in {environment}\n\n{from}\n-> {to}\n\n{REASON}\n\nThis reverts commit {bad}.\n\n{}\
                     Pindeck-Reason: {REASON}\n",
                    trailers("revert")
                )
            }
        };
        Commit {
            author,
            at: event.at,
            message,
            files,
        }
    }

    /// A service's manifest that pins one of its versions.
    pub(super) fn file(&self, service: usize, version: usize, environment: usize) -> (String, String) {
        let (plan, release) = (&SERVICES[service], &self.releases[&(service, version)]);
        self.file_of(plan, environment, release)
    }

    pub(super) fn file_of(&self, service: &PlotService, environment: usize, release: &Release) -> (String, String) {
        let host = if environment == PRODUCTION {
            PRODUCTION_HOST
        } else {
            CI_HOST
        };
        let repository = format!("{host}/shop/{}", service.name);
        let by_tag = service.by_tag_in_dev && environment == 0;
        let pinned = PinnedImage {
            repository: &repository,
            tag: &release.version,
            digest: (!by_tag).then_some(release.digest),
        };
        (
            manifest::path(service, environment),
            manifest::text(service, environment, pinned),
        )
    }

    fn policy(&self) -> String {
        let mut text =
            String::from("# The team's policy: what a digest must prove before it steps forward.\nversion = 1\n");
        for (place, name) in ENVIRONMENTS.iter().enumerate() {
            let (policy, more) = if place == PRODUCTION {
                let own = format!("registry = \"{PRODUCTION_HOST}/shop\"\nconfirm = \"type-name\"\n");
                ("production", own)
            } else {
                ("release", String::new())
            };
            text.push_str(&format!(
                "\n[[environments]]\nname = \"{name}\"\npaths = [\"envs/{name}/**\"]\npolicy = \"{policy}\"\n{more}"
            ));
            if self.has_cluster {
                text.push_str(&format!(
                    "running = [{{ cluster = \"{CLUSTER}\", namespaces = [\"{name}\"] }}]\n"
                ));
            }
        }
        if self.has_cluster {
            text.push_str(&format!(
                "\n[[clusters]]\nname = \"{CLUSTER}\"                       # how it is reached is for each person to say\nreconcilers = [\"{ARGOCD}\"]\n"
            ));
        }
        for service in &SERVICES {
            let (name, source) = (service.name, source_of(service.name));
            text.push_str(&format!(
                "\n[[services]]\nname = \"{name}\"\nimage = \"{CI_HOST}/shop/{name}\"\ncandidate = {{ semver = \"*\" }}\n\
                 source = \"{source}\"\n"
            ));
        }
        for (policy, more) in [
            ("release", ""),
            (
                "production",
                "soak = \"1h\"                       # in staging, before production\nbreak_glass = [\"soak\", \"order\"]    # what a typed reason may waive\n",
            ),
        ] {
            text.push_str(&format!(
                "\n[policies.{policy}]\nrequire = [\"signature\", \"provenance\", \"sbom\", \"test-result\"]\nsigner = \"ci\"\n\
                 builder = [\"https://ci.shop.example/runners/hosted\"]\nsource = true\n\
                 test-result = {{ accept = [\"PASSED\"], acknowledge = [\"WARNED\"] }}\n{more}"
            ));
        }
        text.push_str("\n[trust.ci]\nkeys = [\"keys/ci.pub\"]\ntransparency_log = \"not-required\"\n");
        for (host, registry) in [(CI_HOST, &self.ci), (PRODUCTION_HOST, &self.production)] {
            text.push_str(&format!(
                "\n[registries.\"{host}\"]\nendpoint = \"http://{}\"     # the demo serves it in its own process\n",
                registry.host()
            ));
        }
        text
    }
}

/// How a service is deployed: production has more Pods, and a registry of its own.
fn deployed(namespace: &str, service: &str) -> (String, usize) {
    let is_production = namespace == ENVIRONMENTS[PRODUCTION];
    let (host, replicas) = if is_production {
        (PRODUCTION_HOST, 4)
    } else {
        (CI_HOST, 2)
    };
    (format!("{host}/shop/{service}"), replicas)
}

const REASON: &str = "error rate doubled after the rollout";

const README: &str = "# shop-gitops\n\nWhat runs where, for a shop that does not exist. Made by `pindeck demo`.\n\n\
    `envs/ENVIRONMENT/` holds the manifests; `pindeck.toml` the policy a digest must meet.\n";

fn hold(event: &PlotEvent, digest: Digest, by: &str) -> String {
    let (service, environment) = (SERVICES[event.service].name, ENVIRONMENTS[event.environment]);
    let since = event.at.round(jiff::Unit::Second).unwrap_or(event.at);
    format!(
        "# Digests that may not step forward. Written by pindeck; release one with `pindeck hold release`.\nversion = 1\n\n\
         [[hold]]\nservice = \"{service}\"\nenvironment = \"{environment}\"\ndigest = \"{digest}\"\nreason = \"{REASON}\"\n\
         since = \"{since}\"\nby = \"{by}\"\n"
    )
}

/// One change of one pin. Services, environments and versions are places in the plot.
#[derive(Debug, Clone, Copy)]
struct PlotEvent {
    at: Timestamp,
    service: usize,
    environment: usize,
    from: usize,
    to: usize,
    back: bool,
}

impl PlotEvent {
    fn is_undone_by(&self, other: &Self) -> bool {
        (self.service, self.environment, self.to) == (other.service, other.environment, other.from) && !self.back
    }
}

/// When a version was built: evenly over the demo's past, services a few hours apart.
fn built_at(now: Timestamp, service: usize, version: usize) -> Timestamp {
    let versions = i64::try_from(SERVICES[service].versions.len()).unwrap_or(1);
    let place = i64::try_from(version).unwrap_or(0);
    let minutes = 24 * 60 * (AGE_DAYS - 3);
    let age = minutes - minutes * place / versions + 60 * 24 * 2 + 47 * i64::try_from(service).unwrap_or(0);
    now - SignedDuration::from_mins(age)
}

/// Every change of every pin after the first commit, oldest first.
fn events(now: Timestamp) -> Vec<PlotEvent> {
    /// How long after the build an environment gets it, in minutes.
    const AFTER: [i64; 4] = [6, 3 * 60 + 11, 26 * 60 + 24, 45 * 60 + 38];
    let mut all = Vec::new();
    for (service, plan) in SERVICES.iter().enumerate() {
        let mut pinned = [0usize; 4];
        for (to, version) in plan.versions.iter().enumerate().skip(1) {
            for &environment in version.pinned {
                let at = built_at(now, service, to) + SignedDuration::from_mins(AFTER[environment]);
                let from = pinned[environment];
                let event = PlotEvent {
                    at,
                    service,
                    environment,
                    from,
                    to,
                    back: false,
                };
                all.push(event);
                if environment == PRODUCTION && plan.taken_back == Some(version.name) {
                    all.push(PlotEvent {
                        at: at + SignedDuration::from_mins(19),
                        from: to,
                        to: from,
                        back: true,
                        ..event
                    });
                } else {
                    pinned[environment] = to;
                }
            }
        }
    }
    all.sort_by_key(|event| event.at);
    all
}

fn releases(keys: &DemoKeys, now: Timestamp) -> Result<BTreeMap<(usize, usize), Release>, DemoError> {
    let mut all: BTreeMap<(usize, usize), Release> = BTreeMap::new();
    for (service, plan) in SERVICES.iter().enumerate() {
        for (place, version) in plan.versions.iter().enumerate() {
            let takes = plan.versions[..place].iter().filter(|v| v.name == version.name).count();
            let build = Build {
                service: plan.name,
                version: version.name,
                take: u32::try_from(takes).unwrap_or(0),
                at: built_at(now, service, place),
            };
            let before = place.checked_sub(1).and_then(|p| all.get(&(service, p)));
            let proof = match version.evidence {
                PlotEvidence::Whole(result) => Proof::Whole(result),
                PlotEvidence::Rebuilt => Proof::Rebuilt,
                PlotEvidence::Nothing => Proof::None,
                PlotEvidence::ByStranger => Proof::Stranger,
                PlotEvidence::AboutTheOneBefore => {
                    before.map_or(Proof::None, |release| Proof::Elsewhere(release.digest))
                }
            };
            all.insert((service, place), keys.build(build, proof, plan.legacy)?);
        }
    }
    Ok(all)
}

/// CI's registry gets everything in the order it was built; production's what was pinned there.
fn publish(releases: &BTreeMap<(usize, usize), Release>, ci: &DemoRegistry, production: &DemoRegistry) {
    for ((service, place), release) in releases {
        let plan = &SERVICES[*service];
        let repository = format!("shop/{}", plan.name);
        release.publish(ci, &repository, true);
        // A tag that is pushed again is pushed again everywhere: mirrors follow tags.
        let same_tag = |v: &&PlotVersion| v.name == release.version;
        let pinned = *place == 0
            || plan
                .versions
                .iter()
                .filter(same_tag)
                .any(|v| v.pinned.contains(&PRODUCTION));
        if pinned && (plan.name, release.version.as_str()) != GONE {
            release.publish(production, &repository, true);
        }
    }
}

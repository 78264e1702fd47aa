//! What the clusters run, beside what is pinned (docs/reference/running.md). Nothing here decides about evidence.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;

use crate::config::unknown;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::reference::{ImageRef, Repository};
use crate::domain::running::closure::{ImageClosure, PlatformImage};
use crate::domain::running::observation::{NamespaceRunning, NamespaceSeen, RunningQuestion, RunningState, worst};
use crate::domain::running::pods::ServiceImages;
use crate::sources::cluster::{ClusterClient, ClusterLimits, see};

use super::cluster_access::{ClusterAccesses, account};
use super::collect;
use super::image_presence::MAX_MANIFESTS;
use super::ledger::Ledger;
use super::open::Engine;
use super::registry_memo::RegistryMemo;

/// Namespaces that are listed at the same time.
const AT_ONCE: usize = 4;
/// How deep indexes within indexes are followed.
const MAX_DEPTH: usize = 4;

/// Which pins are asked about; empty lists are all.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunningFilter {
    /// Names of services.
    pub services: Vec<String>,
    /// Names of environments.
    pub environments: Vec<String>,
}

/// One pin with what runs of it.
#[derive(Debug, Clone)]
pub(crate) struct PinRunning {
    /// What git asks for.
    pub pin: Pin,
    /// The one word; `None` where the pin names no bytes, or no cluster is named for its environment.
    pub state: Option<RunningState>,
    /// What each namespace says.
    pub namespaces: Vec<NamespaceRunning>,
}

/// What runs.
#[derive(Debug, Clone)]
pub(crate) struct RunningAnswer {
    /// The pins, by service and then in promotion order.
    pub pins: Vec<PinRunning>,
    /// When the clusters were asked.
    pub observed_at: Timestamp,
}

impl Engine {
    /// What the clusters run of the pins. A cluster that cannot be asked is part of the answer.
    ///
    /// # Errors
    /// If git or the configuration cannot be read, a name is not known, or no environment says where it runs.
    pub(crate) async fn running(
        &self,
        filter: &RunningFilter,
        accesses: &ClusterAccesses,
    ) -> Result<RunningAnswer, Failure> {
        let (ledger, _) = self.ledger().await?;
        check(&ledger, filter)?;
        let is_wanted = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
        let environments: Vec<Environment> = ledger
            .environments
            .iter()
            .filter(|env| is_wanted(&filter.environments, env.name.as_str()))
            .cloned()
            .collect();
        let places: BTreeSet<(String, String)> = environments.iter().flat_map(places).collect();
        if places.is_empty() {
            return Err(Failure::usage("no environment says in which cluster it runs")
                .hint("name the clusters in pindeck.toml with [[clusters]], and in `running` of the environments"));
        }
        let context = self.context(ledger)?;
        let offline = self.options().offline;
        let seen = look(&places, accesses, offline).await;
        let observed_at = Timestamp::now();
        let mut pins = Vec::new();
        for env in &environments {
            let all: Vec<&Pin> = context
                .ledger
                .pins()
                .filter(|pin| pin.target.environment == env.name)
                .collect();
            for pin in &all {
                if is_wanted(&filter.services, pin.target.service.as_str()) {
                    let images = images(&context.ledger, env, pin);
                    pins.push(judge(&context.memo, pin, &all, &context.ledger, env, &images, &seen).await);
                }
            }
        }
        pins.sort_by(|a, b| a.pin.target.service.cmp(&b.pin.target.service));
        Ok(RunningAnswer { pins, observed_at })
    }
}

fn check(ledger: &Ledger, filter: &RunningFilter) -> Result<(), Failure> {
    let environments: Vec<&str> = ledger.environments.iter().map(|env| env.name.as_str()).collect();
    let services: BTreeSet<&str> = ledger.pins().map(|pin| pin.target.service.as_str()).collect();
    let services: Vec<&str> = services.into_iter().collect();
    for (what, wanted, known) in [
        ("environment", &filter.environments, &environments),
        ("service", &filter.services, &services),
    ] {
        if let Some(wrong) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(unknown(what, wrong, known));
        }
    }
    Ok(())
}

fn places(env: &Environment) -> Vec<(String, String)> {
    let pairs = env.running.places.iter().flat_map(|place| {
        let namespaces = place.namespaces.iter();
        namespaces.map(|namespace| (place.cluster.clone(), namespace.clone()))
    });
    pairs.collect()
}

/// Looks at every namespace once.
async fn look(
    places: &BTreeSet<(String, String)>,
    accesses: &ClusterAccesses,
    offline: bool,
) -> BTreeMap<(String, String), NamespaceSeen> {
    let clusters: BTreeSet<&String> = places.iter().map(|(cluster, _)| cluster).collect();
    let client = |cluster: &String| {
        if offline {
            return Err(Failure::new(
                FailureKind::NotChecked,
                format!("cluster {cluster} is not asked: --offline"),
            ));
        }
        let account = account(cluster, accesses.get(cluster))?;
        Ok(ClusterClient::new(cluster.as_str(), account, ClusterLimits::default()))
    };
    let clients: BTreeMap<&String, Result<ClusterClient, Failure>> =
        clusters.into_iter().map(|cluster| (cluster, client(cluster))).collect();
    let one = |(cluster, namespace): &(String, String)| {
        let (key, client) = ((cluster.clone(), namespace.clone()), clients.get(cluster));
        async move {
            let seen = match client {
                Some(Ok(client)) => see(client, &key.1).await,
                Some(Err(failure)) => unseen(&key, failure.clone()),
                None => unseen(&key, Failure::bug("a cluster without a client")),
            };
            (key, seen)
        }
    };
    futures_util::stream::iter(places.iter().map(one))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

fn unseen((cluster, namespace): &(String, String), failure: Failure) -> NamespaceSeen {
    NamespaceSeen {
        cluster: cluster.clone(),
        namespace: namespace.clone(),
        pods: Vec::new(),
        unfinished: Some(failure),
        refusals: Vec::new(),
        missing: Vec::new(),
    }
}

/// The repositories in which an environment's pin may be found.
fn images(ledger: &Ledger, env: &Environment, pin: &Pin) -> ServiceImages {
    let mut repositories: BTreeSet<Repository> = pin.deciding().map(|location| location.image.clone()).collect();
    repositories.insert(pin.image.clone());
    let service = ledger
        .team
        .services
        .iter()
        .find(|service| service.name == pin.target.service);
    if let Some(service) = service {
        repositories.insert(service.image.clone());
        repositories.extend(service.also.iter().cloned());
    }
    if let Some(own) = &env.registry {
        let copies: Vec<Repository> = repositories
            .iter()
            .filter_map(|repository| repository.under(own))
            .collect();
        repositories.extend(copies);
    }
    ServiceImages {
        repositories: repositories.into_iter().collect(),
        pull_through: ledger.team.pull_through.clone(),
    }
}

/// What runs of one pin. The pins that share a repository with it are asked about together: their containers must be
/// told apart.
async fn judge(
    memo: &RegistryMemo,
    pin: &Pin,
    all: &[&Pin],
    ledger: &Ledger,
    env: &Environment,
    own: &ServiceImages,
    seen: &BTreeMap<(String, String), NamespaceSeen>,
) -> PinRunning {
    let nothing = || PinRunning {
        pin: pin.clone(),
        state: None,
        namespaces: Vec::new(),
    };
    let Some(digest) = pin.digest else { return nothing() };
    let mut pins = vec![closure(memo, &pin.image, digest, 0).await];
    let shares = |other: &&&Pin| {
        let theirs = images(ledger, env, other);
        let mut theirs = theirs.repositories.iter();
        other.digest != Some(digest) && theirs.any(|repository| own.repositories.contains(repository))
    };
    for other in all.iter().filter(shares) {
        pins.push(match other.digest {
            Some(digest) => closure(memo, &other.image, digest, 0).await,
            // What a pin by tag alone stands for is not known, so its containers may be anybody's.
            None => ImageClosure::unread(Digest::of(b"pinned by tag alone")),
        });
    }
    let question = RunningQuestion {
        pins: &pins,
        images: own,
    };
    let here: Vec<&NamespaceSeen> = places(env).iter().filter_map(|key| seen.get(key)).collect();
    let names = wanted(&question, &here);
    let fetched = names.iter().map(|(digest, named)| async {
        let first = closure(memo, &pin.image, *digest, 0).await;
        match named {
            Some(elsewhere) if !first.is_read() && *elsewhere != pin.image => {
                closure(memo, elsewhere, *digest, 0).await
            }
            _ => first,
        }
    });
    let fetched: Vec<ImageClosure> = join_all(fetched).await;
    let read = |digest: Digest| fetched.iter().find(|one| one.digest() == digest && one.is_read());
    let namespaces: Vec<NamespaceRunning> = here.iter().map(|seen| question.answer(0, seen, &read)).collect();
    PinRunning {
        state: worst(&namespaces),
        namespaces,
        ..nothing()
    }
}

/// The digests that must be read to compare, each with a repository that a node names for it.
fn wanted(question: &RunningQuestion<'_>, here: &[&NamespaceSeen]) -> BTreeMap<Digest, Option<Repository>> {
    let wanted: BTreeSet<Digest> = here.iter().flat_map(|seen| question.wanted(seen)).collect();
    let mut names: BTreeMap<Digest, Option<Repository>> = wanted.into_iter().map(|digest| (digest, None)).collect();
    let pods = here.iter().flat_map(|seen| &seen.pods);
    for reported in pods
        .flat_map(|pod| &pod.containers)
        .filter_map(|one| one.image.reported.as_ref())
    {
        if let Some(name) = names.get_mut(&reported.digest) {
            let text = reported.named.raw();
            let text = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
            let repository = ImageRef::parse(text).ok().map(|image| image.repository);
            *name = name.take().or(repository);
        }
    }
    names
}

/// The names of what a digest stands for, from bytes that were fetched and hashed. What cannot be read stays unread.
fn closure<'a>(
    memo: &'a RegistryMemo,
    repository: &'a Repository,
    digest: Digest,
    depth: usize,
) -> BoxFuture<'a, ImageClosure> {
    async move {
        let Ok(manifest) = memo.registry.manifest(repository, &digest).await else {
            return ImageClosure::unread(digest);
        };
        if !manifest.is_index() {
            return ImageClosure::of_manifest(PlatformImage {
                manifest: digest,
                config: manifest.body.config.as_ref().map(|config| config.digest),
            });
        }
        let children: Vec<_> = collect::platforms(&manifest).take(MAX_MANIFESTS + 1).collect();
        if children.len() > MAX_MANIFESTS || depth >= MAX_DEPTH {
            return ImageClosure::unread(digest);
        }
        let parts = children
            .iter()
            .map(|child| closure(memo, repository, child.digest, depth + 1));
        ImageClosure::of_parts(digest, &join_all(parts).await)
    }
    .boxed()
}

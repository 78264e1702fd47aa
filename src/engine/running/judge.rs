//! What runs of one pin, from what was seen in the namespaces of its environment.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};

use super::look::{ClusterPlace, places};
use crate::domain::id::Digest;
use crate::domain::pin::Pin;
use crate::domain::policy::Environment;
use crate::domain::reference::{ImageRef, Repository};
use crate::domain::running::closure::{ImageClosure, PlatformImage};
use crate::domain::running::observation::{NamespaceRunning, NamespaceSeen, RunningQuestion};
use crate::domain::running::pods::ServiceImages;
use crate::engine::collect;
use crate::engine::image_presence::MAX_MANIFESTS;
use crate::engine::registry_memo::RegistryMemo;
use crate::engine::survey::CommitSurvey;

/// How deep indexes within indexes are followed.
const MAX_DEPTH: usize = 4;

/// The repositories in which an environment's pin may be found.
pub(super) fn images(ledger: &CommitSurvey, env: &Environment, pin: &Pin) -> ServiceImages {
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

/// What the namespaces of an environment run of one of its pins; none for a pin that names no bytes. The pins that
/// share a repository with it are asked about together: their containers must be told apart.
pub(super) async fn judge(
    memo: &RegistryMemo,
    survey: &CommitSurvey,
    env: &Environment,
    pin: &Pin,
    seen: &BTreeMap<ClusterPlace, NamespaceSeen>,
) -> Vec<NamespaceRunning> {
    let Some(digest) = pin.digest else { return Vec::new() };
    let own = images(survey, env, pin);
    let mut pins = vec![closure(memo, &pin.image, digest, 0).await];
    let shares = |other: &&Pin| {
        let theirs = images(survey, env, other);
        let mut theirs = theirs.repositories.iter();
        other.digest != Some(digest) && theirs.any(|repository| own.repositories.contains(repository))
    };
    let here = survey.pins().filter(|other| other.target.environment == env.name);
    for other in here.filter(shares) {
        pins.push(match other.digest {
            Some(digest) => closure(memo, &other.image, digest, 0).await,
            // What a pin by tag alone stands for is not known, so its containers may be anybody's.
            None => ImageClosure::unread(Digest::of(b"pinned by tag alone")),
        });
    }
    let question = RunningQuestion {
        pins: &pins,
        images: &own,
    };
    let here: Vec<&NamespaceSeen> = places(env).iter().filter_map(|key| seen.get(key)).collect();
    let names = wanted(&question, &here);
    let fetched = names.iter().map(|(digest, named)| async {
        let first = closure(memo, &pin.image, *digest, 0).await;
        match named {
            // What is read by digest is kept: the index may be known here, and its manifests only where it came from.
            Some(elsewhere) if !first.is_whole() && *elsewhere != pin.image => {
                let second = closure(memo, elsewhere, *digest, 0).await;
                if second.is_read() { second } else { first }
            }
            _ => first,
        }
    });
    let fetched: Vec<ImageClosure> = join_all(fetched).await;
    let read = |digest: Digest| fetched.iter().find(|one| one.digest() == digest && one.is_read());
    here.iter().map(|seen| question.answer(0, seen, &read)).collect()
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

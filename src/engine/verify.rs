//! One digest on request: `pindeck verify` and `pindeck evidence`.

use crate::config::unknown;
use crate::domain::failure::{Failure, Hint};
use crate::domain::id::{Digest, ServiceId};
use crate::domain::pin::Pin;
use crate::domain::reference::{ImageRef, Repository};
use crate::domain::registry::Budget;

use super::assess::Assessed;
use super::context::{Context, Criteria};
use super::image_presence::ImageDepth;
use super::open::{Engine, blocking};
use super::options::OpenOptions;
use super::registry_memo::RegistryMemo;
use super::{candidate_lookup, team_file};

/// By whose rules to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rules {
    /// A policy by name.
    Policy(String),
    /// The policy of an environment.
    Environment(String),
    /// Whatever applies: the environment's of the pin, else the first environment's.
    Default,
}

/// A digest with what was found about it.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The repository that was asked for it.
    pub image: Repository,
    /// Digest of the manifest or index, as the pin names it.
    pub digest: Digest,
    /// The service it belongs to, if any.
    pub service: Option<ServiceId>,
    /// The policy it was judged by, if any.
    pub policy: Option<String>,
    /// Its evidence, presence and verdict.
    pub assessed: Assessed,
    /// The requests that this answer took.
    pub budget: Budget,
}

impl Engine {
    /// Verifies one reference by digest under a named policy.
    ///
    /// # Errors
    /// If the reference has no digest, the policy or environment does not exist, or git or the
    /// configuration cannot be read. An unreachable registry is part of the answer.
    pub async fn verify(&self, reference: &str, rules: Rules) -> Result<Examined, Failure> {
        let (repository, digest) = by_digest(reference)?;
        let (ledger, _) = self.ledger().await?;
        let context = self.judging_context(ledger)?;
        let service = context.service_of(&repository).cloned();
        verify(&context, repository, digest, service, &rules).await
    }

    /// Everything attached to what a service pins in an environment, to its candidate, or to a
    /// reference.
    ///
    /// # Errors
    /// As [`Engine::verify`]; also if the service or its pin does not exist, or a tag could not be
    /// resolved.
    pub(crate) async fn evidence(&self, what: &str, env: Option<&str>) -> Result<Examined, Failure> {
        let (ledger, _) = self.ledger().await?;
        let context = self.judging_context(ledger)?;
        let rules = env.map_or(Rules::Default, |e| Rules::Environment(e.to_owned()));
        let criteria = criteria(&context, &rules, ImageDepth::Manifests)?;
        let mut services = context.ledger.grouped.services.iter();
        if let Some((name, image, pins)) = services.find(|(name, ..)| name.as_str() == what) {
            let (image, digest) = match env {
                Some(env) => {
                    let environment = env.into();
                    context.ledger.checkouts.check_read(&environment)?;
                    self.note_stale(&context.ledger, &environment);
                    pinned_in(name, pins, env)?
                }
                None => offered(&context, name, image.as_ref(), pins).await?,
            };
            return Ok(examine(&context, image, digest, Some(name.clone()), criteria).await);
        }
        let no_service = |why: String| {
            let unknown = unknown("service", what, &known_services(&context));
            Failure {
                what: format!("{}, and no image reference: {why}", unknown.what.raw()).into(),
                ..unknown
            }
        };
        if is_bare(what) {
            return Err(no_service("it would begin with its registry".to_owned()));
        }
        let parsed = ImageRef::parse(what).map_err(|e| no_service(e.to_string()))?;
        let digest = match (parsed.digest, &parsed.tag) {
            (Some(digest), _) => digest,
            (None, tag) => {
                let tag = tag.as_deref().unwrap_or("latest");
                let found = context.memo.resolve(&parsed.repository, tag).await;
                let found = found?;
                found.ok_or_else(|| Failure::usage(format!("{} has no tag {tag}", parsed.repository)))?
            }
        };
        let service = context.service_of(&parsed.repository).cloned();
        Ok(examine(&context, parsed.repository, digest, service, criteria).await)
    }
}

/// Verifies one reference by digest outside any repository, by the policy file that `options` name.
///
/// # Errors
/// As [`Engine::verify`]; also if no file is named.
pub(crate) async fn verify_by_file(options: &OpenOptions, reference: &str, rules: Rules) -> Result<Examined, Failure> {
    let (repository, digest) = by_digest(reference)?;
    let Some(file) = options.config.clone() else {
        return Err(Failure::usage("there is no policy to verify by")
            .hint("name its file with --config, or run it in a GitOps repository"));
    };
    let approved = options.approved_registries.clone();
    let (team, _) = blocking(move || team_file::team_of_file(&file, &approved)).await??;
    let (registry, trust) = super::open::tools(options, &team)?;
    let context = Context::of_policy(team, trust, RegistryMemo::new(registry, None));
    let service = context.service_of(&repository);
    verify(&context, repository, digest, service, &rules).await
}

/// What a service pins in an environment.
fn pinned_in(name: &ServiceId, pins: &[Pin], env: &str) -> Result<(Repository, Digest), Failure> {
    let pin = pins.iter().find(|pin| pin.target.environment.as_str() == env);
    let pin = pin.ok_or_else(|| Failure::usage(format!("{name} has no pin in {env}")))?;
    let digest = pin.digest.ok_or_else(|| {
        Failure::usage(format!(
            "{name} is pinned by tag only in {env}, and evidence is about a digest"
        ))
        .hint(Hint::with(
            "`pindeck pin {} --env {}` pins what the tag names now",
            &[name.into(), (&pin.target.environment).into()],
        ))
    })?;
    Ok((pin.image.clone(), digest))
}

/// What CI offers for a service.
async fn offered(
    context: &Context,
    name: &ServiceId,
    image: Option<&Repository>,
    pins: &[Pin],
) -> Result<(Repository, Digest), Failure> {
    let found = candidate_lookup::find(&context.memo, context.service(name), image, pins).await?;
    let found = found.candidate.ok_or_else(|| {
        Failure::usage(format!("CI offers nothing for {name}"))
            .hint("name an environment with --env to see what is pinned there")
    })?;
    Ok((found.image, found.digest))
}

/// Whether a word on the command line can only be meant as a name of this repository. A public registry
/// is not asked for what may be a slip of the pen: its images are written with `docker.io/`.
pub(super) fn is_bare(text: &str) -> bool {
    !text.contains('/')
}

/// A reference that names its bytes.
fn by_digest(reference: &str) -> Result<(Repository, Digest), Failure> {
    let parsed =
        ImageRef::parse(reference).map_err(|e| Failure::usage(e.to_string()).hint("write REPOSITORY@sha256:…"))?;
    match parsed.digest {
        Some(digest) => Ok((parsed.repository, digest)),
        None => Err(
            Failure::usage("verify needs a digest, for a tag can move while it is being verified")
                .hint("write REPOSITORY@sha256:…"),
        ),
    }
}

/// Verifies a digest; somebody must have said by which policy.
async fn verify<L>(
    context: &Context<L>,
    image: Repository,
    digest: Digest,
    service: Option<ServiceId>,
    rules: &Rules,
) -> Result<Examined, Failure> {
    let criteria = criteria(context, rules, ImageDepth::Everything)?;
    if criteria.policy.is_none() {
        return Err(Failure::usage("no policy applies there")
            .hint("name one with --policy P, or give the environment one in pindeck.toml"));
    }
    Ok(examine(context, image, digest, service, criteria).await)
}

async fn examine<L>(
    context: &Context<L>,
    image: Repository,
    digest: Digest,
    service: Option<ServiceId>,
    criteria: Criteria<'_>,
) -> Examined {
    let policy = criteria.policy.map(|p| p.name.clone());
    let assessed = context.assess(&image, digest, service.as_ref(), criteria).await;
    Examined {
        image,
        digest,
        service,
        policy,
        assessed,
        budget: context.memo.registry.budget(),
    }
}

/// What the rules name to judge by; without a policy where the environment that applies has none.
fn criteria<'a, L>(context: &'a Context<L>, rules: &Rules, depth: ImageDepth) -> Result<Criteria<'a>, Failure> {
    match rules {
        Rules::Policy(name) => {
            let policy = context.policy(name).ok_or_else(|| {
                let known: Vec<&str> = context.team().policies.keys().map(String::as_str).collect();
                unknown("policy", name, &known)
            })?;
            Ok(Criteria {
                policy: Some(policy),
                ..context.criteria(None, depth)
            })
        }
        Rules::Environment(name) => {
            let environment = context.environment(name).ok_or_else(|| {
                let known: Vec<&str> = context.environments().iter().map(|e| e.name.as_str()).collect();
                unknown("environment", name, &known)
            })?;
            Ok(context.criteria(Some(environment), depth))
        }
        Rules::Default => Ok(context.criteria(context.environments().first(), depth)),
    }
}

fn known_services(context: &Context) -> Vec<&str> {
    let services = context.ledger.grouped.services.iter();
    services.map(|(name, ..)| name.as_str()).collect()
}

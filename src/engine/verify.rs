//! One digest on request: `pindeck verify` and `pindeck evidence`.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::unknown;
use crate::domain::failure::{Failure, Hint};
use crate::domain::id::{Digest, ServiceId};
use crate::domain::policy::{Environment, Policy, Service, TeamPolicy};
use crate::domain::reference::{ImageRef, Repository};
use crate::domain::registry::Budget;

use super::assess::{Assessed, Subject, assess};
use super::image_presence::{Depth, Extent};
use super::ledger::Ledger;
use super::registry_memo::RegistryMemo;
use super::{Engine, OpenOptions, blocking, candidate_lookup, ledger};

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
    /// Where it lives.
    pub image: Repository,
    /// The digest.
    pub digest: Digest,
    /// The service it belongs to, if any.
    pub service: Option<ServiceId>,
    /// The policy it was judged by, if any.
    pub policy: Option<String>,
    /// What was found.
    pub assessed: Assessed,
    /// What it cost.
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
        self.view().await?.verify(repository, digest, &rules).await
    }

    /// Everything attached to what a service pins in an environment, to its candidate, or to a
    /// reference.
    ///
    /// # Errors
    /// As [`Engine::verify`]; also if the service or its pin does not exist, or a tag could not be
    /// resolved.
    pub async fn evidence(&self, what: &str, env: Option<&str>) -> Result<Examined, Failure> {
        let view = self.view().await?;
        let rules = env.map_or(Rules::Default, |e| Rules::Environment(e.to_owned()));
        let policy = view.policy(&rules)?;
        let extent = view.extent(&rules, Depth::Manifests);
        if let Some((name, image, pins)) = view
            .ledger
            .as_ref()
            .and_then(|l| l.grouped.services.iter().find(|(n, ..)| n.as_str() == what))
        {
            let service = view.team.services.iter().find(|s| s.name == *name).cloned();
            if let Some(env) = env {
                let here: Vec<_> = pins.iter().filter(|p| p.target.environment.as_str() == env).collect();
                return match here.as_slice() {
                    [] => Err(Failure::usage(format!("{name} has no pin in {env}"))),
                    [pin, ..] => match pin.digest {
                        Some(digest) => {
                            view.examine(
                                pin.image.clone(),
                                digest,
                                Some(ServiceRules::new(name, service)),
                                policy,
                                extent,
                            )
                            .await
                        }
                        None => Err(Failure::usage(format!(
                            "{name} is pinned by tag only in {env}, and evidence is about a digest"
                        ))
                        .hint(Hint::with(
                            "`pindeck pin {} --env {}` pins what the tag names now",
                            &[name.into(), (&pin.target.environment).into()],
                        ))),
                    },
                };
            }
            let offered = candidate_lookup::find(&view.session, service.as_ref(), image.as_ref(), pins).await?;
            let (image, digest) = match offered {
                Some(found) => (found.image, found.digest),
                None => {
                    return Err(Failure::usage(format!("CI offers nothing for {name}"))
                        .hint("name an environment with --env to see what is pinned there"));
                }
            };
            return view
                .examine(image, digest, Some(ServiceRules::new(name, service)), policy, extent)
                .await;
        }
        let no_service = |why: String| {
            let unknown = unknown("service", what, &view.known_services());
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
                let found = view.session.resolve(&parsed.repository, tag).await?;
                found.ok_or_else(|| Failure::usage(format!("{} has no tag {tag}", parsed.repository)))?
            }
        };
        let service = view.service_of(&parsed.repository);
        view.examine(parsed.repository, digest, service, policy, extent).await
    }

    /// Policy, registries and (where there is a repository) pins of now.
    async fn view(&self) -> Result<View, Failure> {
        let (ledger, _) = self.ledger().await?;
        let team = Arc::clone(&ledger.team);
        let (registry, trust) = self.tools(&team)?;
        Ok(View {
            ledger: Some(ledger),
            team,
            trust,
            session: self.session(registry),
        })
    }
}

/// Verifies one reference by digest outside any repository, by the policy file that `options` name.
///
/// # Errors
/// As [`Engine::verify`]; also if no file is named.
pub async fn verify_by_file(options: &OpenOptions, reference: &str, rules: Rules) -> Result<Examined, Failure> {
    let (repository, digest) = by_digest(reference)?;
    let Some(file) = options.config.clone() else {
        return Err(Failure::usage("there is no policy to verify by")
            .hint("name its file with --config, or run it in a GitOps repository"));
    };
    let approved = options.approved_registries.clone();
    let (team, _) = blocking(move || ledger::team_of_file(&file, &approved)).await??;
    let (registry, trust) = super::tools(options, &team)?;
    let view = View {
        ledger: None,
        team: Arc::new(team),
        trust,
        session: super::session(options, registry),
    };
    view.verify(repository, digest, &rules).await
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

/// A service as far as verifying needs it.
struct ServiceRules {
    name: ServiceId,
    signer: Option<String>,
    source: Option<String>,
}

impl ServiceRules {
    fn new(name: &ServiceId, configured: Option<Service>) -> Self {
        let (signer, source) = configured.map_or((None, None), |s| (s.signer, s.source));
        Self {
            name: name.clone(),
            signer,
            source,
        }
    }
}

struct View {
    ledger: Option<Ledger>,
    team: Arc<TeamPolicy>,
    trust: Arc<crate::sources::evidence::Trust>,
    session: RegistryMemo,
}

impl View {
    async fn verify(&self, image: Repository, digest: Digest, rules: &Rules) -> Result<Examined, Failure> {
        let service = self.service_of(&image);
        let policy = self.policy(rules)?;
        if policy.is_none() {
            return Err(Failure::usage("no policy applies there")
                .hint("name one with --policy P, or give the environment one in pindeck.toml"));
        }
        let extent = self.extent(rules, Depth::Everything);
        self.examine(image, digest, service, policy, extent).await
    }

    /// Which parts of an image must be there by these rules.
    fn extent(&self, rules: &Rules, depth: Depth) -> Extent {
        let environment = match rules {
            Rules::Policy(_) => None,
            Rules::Environment(name) => self.environments().iter().find(|e| e.name.as_str() == name),
            Rules::Default => self.environments().first(),
        };
        Extent {
            depth,
            platforms: environment.map(|e| e.platforms.clone()).unwrap_or_default(),
        }
    }

    async fn examine(
        &self,
        image: Repository,
        digest: Digest,
        service: Option<ServiceRules>,
        policy: Option<Arc<Policy>>,
        extent: Extent,
    ) -> Result<Examined, Failure> {
        let subject = Subject {
            repository: image.clone(),
            digest,
            service: service.as_ref().map(|s| s.name.clone()),
            service_signer: service.as_ref().and_then(|s| s.signer.clone()),
            source: service.as_ref().and_then(|s| s.source.clone()),
            policy: policy.clone(),
            trust: Arc::clone(&self.trust),
            extent,
        };
        let assessed = assess(&self.session, subject, Timestamp::now()).await;
        Ok(Examined {
            image,
            digest,
            service: service.map(|s| s.name),
            policy: policy.map(|p| p.name.clone()),
            assessed,
            budget: self.session.registry.budget(),
        })
    }

    fn environments(&self) -> &[Environment] {
        self.ledger
            .as_ref()
            .map_or(&self.team.environments, |l| &l.environments)
    }

    fn policy(&self, rules: &Rules) -> Result<Option<Arc<Policy>>, Failure> {
        let by_name = |name: &str| {
            self.team.policies.get(name).cloned().map(Arc::new).ok_or_else(|| {
                let known: Vec<&str> = self.team.policies.keys().map(String::as_str).collect();
                unknown("policy", name, &known)
            })
        };
        match rules {
            Rules::Policy(name) => by_name(name).map(Some),
            Rules::Environment(name) => {
                let found = self.environments().iter().find(|e| e.name.as_str() == name);
                let env = found.ok_or_else(|| {
                    let known: Vec<&str> = self.environments().iter().map(|e| e.name.as_str()).collect();
                    unknown("environment", name, &known)
                })?;
                env.policy.as_deref().map(by_name).transpose()
            }
            Rules::Default => match self.environments().first().and_then(|e| e.policy.as_deref()) {
                Some(name) => by_name(name).map(Some),
                None => Ok(None),
            },
        }
    }

    fn service_of(&self, repository: &Repository) -> Option<ServiceRules> {
        let name = match &self.ledger {
            Some(ledger) => ledger.naming.service(repository)?.clone(),
            None => self.team.services.iter().find(|s| s.image == *repository)?.name.clone(),
        };
        let configured = self.team.services.iter().find(|s| s.name == name).cloned();
        Some(ServiceRules::new(&name, configured))
    }

    fn known_services(&self) -> Vec<&str> {
        let grouped = self.ledger.iter().flat_map(|l| &l.grouped.services);
        grouped.map(|(name, ..)| name.as_str()).collect()
    }
}

//! pindeck's policy beside a cluster's own gate: rule by rule, and digest by digest.
//!
//! Each authority of a gate becomes a trust profile where it can be said as one, and pindeck's own verification looks at the
//! evidence under it; what follows from that is decided in [`crate::domain::admission`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;

use crate::domain::admission::compare::{in_general, with_policy};
use crate::domain::admission::decide::{AuthorityFindings, ReasonedAnswer, of_all, of_policy};
use crate::domain::admission::globs::PatternMatch;
use crate::domain::admission::profile::NamedRoots;
use crate::domain::admission::rules::{HerePolicy, RuleComparison, Together};
use crate::domain::admission::{AdmissionPolicy, GateProgram, UnreadEffect, UnreadField};
use crate::domain::evidence::EvidenceKind;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, Target};
use crate::domain::known_good;
use crate::domain::pin::Pin;
use crate::domain::policy::{Policy, SignerRule, TeamPolicy, TestResultRule, TrustProfile, TrustRoot};
use crate::domain::reference::Repository;
use crate::domain::registry::Budget;
use crate::domain::verdict::{Presence, Verdict};
use crate::sources::admission;
use crate::sources::evidence::{Trust, check_root};

use super::context::{Context, Criteria};
use super::image_presence::{ImageDepth, PresenceScope};
use super::ledger::Ledger;
use super::open::{Engine, blocking};
use super::registry_memo::RegistryMemo;
use super::release::pin_history::PinHistory;

/// Earlier digests of a pin that are judged, too: those that a revert may go back to.
const ROLLBACK_TARGETS: usize = 5;
/// Digests judged at the same time.
const AT_ONCE: usize = 8;
/// Bytes of a file that are read before it is told that it is too long.
const MAX_FILE: u64 = (1 << 20) + 1;

/// A policy of a gate with what was found about it.
#[derive(Debug, Clone)]
pub(crate) struct ComparedPolicy {
    /// As it was read.
    pub policy: AdmissionPolicy,
    /// Rule by rule.
    pub rules: Vec<RuleComparison>,
}

/// A digest judged by both.
#[derive(Debug, Clone)]
pub(crate) struct ComparedDigest {
    /// The service and the environment.
    pub target: Target,
    /// The component, where a service has several.
    pub component: Option<String>,
    /// Where it lives.
    pub image: Repository,
    /// Of the manifest or index.
    pub digest: Digest,
    /// Whether it is pinned now; else it is one that a revert may go back to.
    pub is_pinned: bool,
    /// pindeck's verdict; `None` where no policy applies.
    pub verdict: Option<Verdict>,
    /// What the gate would say.
    pub gate: ReasonedAnswer,
}

/// The whole comparison.
#[derive(Debug, Clone)]
pub(crate) struct AdmissionReport {
    /// The policies in the order given.
    pub policies: Vec<ComparedPolicy>,
    /// Every pinned digest, then every rollback target.
    pub digests: Vec<ComparedDigest>,
    /// Pins by tag only: there is nothing to judge.
    pub by_tag: usize,
    /// The requests that it took.
    pub budget: Budget,
}

/// Reads the policies of files.
///
/// # Errors
/// The first file that cannot be read, or is no policy.
pub(crate) fn read_policies(files: &[PathBuf]) -> Result<Vec<AdmissionPolicy>, Failure> {
    let mut all = Vec::new();
    for path in files {
        let shown = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            Failure::usage(format!("{shown} cannot be read: {error}")).hint("name a file with a policy of the cluster")
        };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(unreadable)?;
        all.extend(admission::read(&shown, &bytes)?);
    }
    Ok(all)
}

/// Reads roots that were named for what policies only refer to.
///
/// # Errors
/// If a file cannot be read, or is no trusted root.
pub(crate) fn read_roots(files: &[(String, PathBuf)]) -> Result<NamedRoots, Failure> {
    let mut all = Vec::new();
    for (name, path) in files {
        let shown = path.display().to_string();
        let json = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("{shown} cannot be read: {error}")).hint("name a trusted_root.json")
        })?;
        check_root(&json).map_err(|why| {
            Failure::usage(format!("{shown} is no trusted root: {why}")).hint("name a trusted_root.json")
        })?;
        all.push((name.clone(), TrustRoot::File { name: shown, json }));
    }
    Ok(NamedRoots::new(all))
}

/// A digest in question.
struct Questioned<'a> {
    pin: &'a Pin,
    tag: Option<String>,
    digest: Digest,
    is_pinned: bool,
}

impl Engine {
    /// Compares what the team's policy asks with what these policies of a gate ask, and judges every pinned digest and the
    /// newest rollback targets by both.
    ///
    /// # Errors
    /// If git, the configuration or the holds cannot be read. A registry that cannot be reached is part of the answer.
    pub(crate) async fn compare_admission(
        &self,
        policies: Vec<AdmissionPolicy>,
        roots: &NamedRoots,
    ) -> Result<AdmissionReport, Failure> {
        let (ledger, _) = self.ledger().await?;
        ledger.checkouts.check_all_read()?;
        for environment in &ledger.environments {
            self.note_stale(&ledger, &environment.name);
        }
        let context = self.judging_context(ledger)?;
        let questioned = self.questioned(&context.ledger).await?;
        let rules = policies
            .iter()
            .map(|policy| rules(&context, policy, &policies, roots, &questioned))
            .collect::<Vec<_>>();
        let gate = GateJudge::new(&context, &policies, roots)?;
        let (context, gate) = (&context, &gate);
        let each = questioned.iter().map(|one| async move {
            let pin = one.pin;
            let environment = context.environment(pin.target.environment.as_str());
            let criteria = context.criteria(environment, ImageDepth::Manifests);
            let verdict = match criteria.policy.is_some() {
                true => {
                    let service = Some(&pin.target.service);
                    let assessed = context.assess(&pin.image, one.digest, service, criteria.clone()).await;
                    assessed.assessment.verdict
                }
                false => None,
            };
            ComparedDigest {
                target: pin.target.clone(),
                component: pin.component.clone(),
                image: pin.image.clone(),
                digest: one.digest,
                is_pinned: one.is_pinned,
                verdict,
                gate: gate.judge(&context.memo, one, &criteria.extent).await,
            }
        });
        let each: Vec<_> = each.map(Box::pin).collect();
        let digests: Vec<ComparedDigest> = futures_util::stream::iter(each).buffered(AT_ONCE).collect().await;
        Ok(AdmissionReport {
            by_tag: context.ledger.pins().filter(|pin| pin.digest.is_none()).count(),
            budget: context.memo.registry.budget(),
            digests,
            policies: policies
                .iter()
                .zip(rules)
                .map(|(policy, rules)| ComparedPolicy {
                    policy: policy.clone(),
                    rules,
                })
                .collect(),
        })
    }

    /// Every pinned digest once, then the newest digests that a revert of each pin may go back to.
    async fn questioned<'a>(&self, ledger: &'a Ledger) -> Result<Vec<Questioned<'a>>, Failure> {
        let mut all = Vec::new();
        let mut places: BTreeMap<(&Target, Option<&str>), Vec<&Pin>> = BTreeMap::new();
        for pin in ledger.pins() {
            places
                .entry((&pin.target, pin.component.as_deref()))
                .or_default()
                .push(pin);
            if let Some(digest) = pin.digest {
                all.push(Questioned {
                    pin,
                    tag: pin.tag.clone(),
                    digest,
                    is_pinned: true,
                });
            }
        }
        let services = ledger.service_names();
        let holds = ledger
            .holds_in_force(&services)
            .map_err(|problem| Failure::usage(problem.clone()))?;
        for ((target, _), pins) in places {
            let history = PinHistory::read(self, ledger, target, &pins).await?;
            let now: BTreeSet<Digest> = pins.iter().filter_map(|pin| pin.digest).collect();
            let earlier = known_good::earlier_digests(&history.digests, &now, holds, target);
            let good = earlier.into_iter().filter(|one| one.skipped().is_none());
            let Some(pin) = pins.first() else { continue };
            all.extend(good.take(ROLLBACK_TARGETS).map(|one| Questioned {
                pin,
                digest: one.digest,
                tag: one.tag,
                is_pinned: false,
            }));
        }
        Ok(all)
    }
}

/// A policy of pindeck's with the services that it applies to.
type AppliedPolicy<'a> = (&'a Arc<Policy>, BTreeSet<String>);

/// The rules of one policy beside those of pindeck's policies for the images that it is about.
fn rules(
    context: &Context,
    policy: &AdmissionPolicy,
    all: &[AdmissionPolicy],
    roots: &NamedRoots,
    questioned: &[Questioned<'_>],
) -> Vec<RuleComparison> {
    let pinned = || questioned.iter().filter(|one| one.is_pinned);
    let is_about = |policy: &AdmissionPolicy, one: &Questioned<'_>| {
        policy.is_about(&one.pin.image, one.tag.as_deref(), one.digest) != PatternMatch::No
    };
    let is_surely_about = |policy: &AdmissionPolicy, one: &Questioned<'_>| {
        policy.is_about(&one.pin.image, one.tag.as_deref(), one.digest) == PatternMatch::Yes
    };
    let repositories: BTreeSet<&Repository> = pinned().map(|one| &one.pin.image).collect();
    let about: Vec<&Questioned<'_>> = pinned().filter(|one| is_about(policy, one)).collect();
    let matched: BTreeSet<&Repository> = about.iter().map(|one| &one.pin.image).collect();
    let mut rows = in_general(policy, matched.len(), repositories.len());
    let others: Vec<&AdmissionPolicy> = all
        .iter()
        .filter(|other| !std::ptr::eq(*other, policy) && other.gate == policy.gate)
        .filter(|other| is_required_too(policy, other))
        .filter(|other| about.iter().all(|one| is_surely_about(other, one)))
        .collect();
    let mut here: BTreeMap<(&str, Option<&str>), AppliedPolicy<'_>> = BTreeMap::new();
    for one in &about {
        let environment = context.environment(one.pin.target.environment.as_str());
        let Some(applies) = environment.and_then(|environment| context.policy_of(environment)) else {
            continue;
        };
        let signer = context
            .service(&one.pin.target.service)
            .and_then(|service| service.signer.as_deref());
        let (_, services) = here
            .entry((applies.name.as_str(), signer))
            .or_insert_with(|| (applies, BTreeSet::new()));
        services.insert(one.pin.target.service.to_string());
    }
    let there = Together {
        this: policy,
        others: &others,
        roots,
    };
    for ((_, service_signer), (applies, services)) in &here {
        let here = HerePolicy {
            policy: applies,
            service_signer: *service_signer,
            services,
            profiles: &context.team().trust,
        };
        rows.extend(with_policy(&there, here));
    }
    rows
}

/// Whether what a policy asks is asked of the images of another one, too, as far as the two themselves say.
fn is_required_too(this: &AdmissionPolicy, other: &AdmissionPolicy) -> bool {
    let decides = |part: &UnreadField| matches!(part.effect, UnreadEffect::Narrows | UnreadEffect::Either);
    // Of OpenShift's scopes only the most specific one decides.
    let together = other.gate != GateProgram::Openshift || other.images == this.images;
    together && other.enforces && !other.unread.iter().any(decides)
}

/// The authorities of all policies as trust profiles, each with a policy of its own to ask by.
struct GateJudge<'a> {
    policies: &'a [AdmissionPolicy],
    context: Context<()>,
    /// For each policy and each of its authorities: the policy to ask by, or why there is none.
    asked: Vec<Vec<Result<Arc<Policy>, String>>>,
}

impl<'a> GateJudge<'a> {
    fn new(here: &Context, policies: &'a [AdmissionPolicy], roots: &NamedRoots) -> Result<Self, Failure> {
        let mut known: Vec<TrustProfile> = Vec::new();
        let mut asked = Vec::new();
        for policy in policies {
            let mut of_policy = Vec::new();
            for authority in policy.authorities() {
                let name = format!("gate-{}", known.len());
                let profile = authority.as_profile(&name, roots).and_then(usable);
                of_policy.push(profile.map(|profile| {
                    let same = known.iter().find(|other| {
                        **other
                            == TrustProfile {
                                name: other.name.clone(),
                                keys: renamed(&profile, &other.name),
                                ..profile.clone()
                            }
                    });
                    let name = same.map_or_else(|| profile.name.clone(), |same| same.name.clone());
                    if same.is_none() {
                        known.push(profile);
                    }
                    Arc::new(asking(&name))
                }));
            }
            asked.push(of_policy);
        }
        let team = TeamPolicy {
            trust: known
                .into_iter()
                .map(|profile| (profile.name.clone(), profile))
                .collect(),
            ..TeamPolicy::default()
        };
        let trust = Trust::with_roots(&team.trust, here.refreshed_roots())?;
        let memo = RegistryMemo::new(here.memo.registry.clone(), None);
        Ok(Self {
            policies,
            context: Context::of_policy(team, Arc::new(trust), memo),
            asked,
        })
    }

    async fn judge(&self, memo: &RegistryMemo, one: &Questioned<'_>, extent: &PresenceScope) -> ReasonedAnswer {
        let mut found: BTreeMap<String, AuthorityFindings> = BTreeMap::new();
        let mut said = Vec::new();
        let mut gates: Vec<GateProgram> = Vec::new();
        for (policy, asked) in self.policies.iter().zip(&self.asked) {
            gates.push(policy.gate);
            let is_about = policy.is_about(&one.pin.image, one.tag.as_deref(), one.digest);
            if is_about == PatternMatch::No {
                continue;
            }
            let mut findings = Vec::new();
            for asked in asked {
                findings.push(match asked {
                    Err(why) => AuthorityFindings {
                        evidence: Err(why.clone()),
                        incomplete: None,
                    },
                    Ok(by) => match found.get(&by.name) {
                        Some(known) => known.clone(),
                        None => {
                            let new = self.findings(memo, one, by, extent).await;
                            found.insert(by.name.clone(), new.clone());
                            new
                        }
                    },
                });
            }
            said.extend(of_policy(policy, is_about, one.digest, &findings).map(|answer| (policy, is_about, answer)));
        }
        of_all(said, &gates)
    }

    /// What pindeck's verification finds under one authority.
    async fn findings(
        &self,
        memo: &RegistryMemo,
        one: &Questioned<'_>,
        by: &Arc<Policy>,
        extent: &PresenceScope,
    ) -> AuthorityFindings {
        let criteria = Criteria {
            policy: Some(by),
            extent: extent.clone(),
        };
        let assessed = self
            .context
            .assess_in(memo, &one.pin.image, one.digest, None, criteria)
            .await;
        let unlisted = assessed.unlisted.as_ref().map(|why| why.clean().into_string());
        let incomplete = match &assessed.presence {
            Presence::Present => unlisted,
            // Evidence of an image that is gone is not looked for, and a gate does not look for the image.
            Presence::Absent { part: Some(_), .. } => unlisted,
            Presence::Absent { part: None, detail } => Some(detail.clean().into_string()),
            Presence::Failed(failure) => Some(failure.sentence().clean().into_string()),
        };
        AuthorityFindings {
            evidence: Ok(Arc::unwrap_or_clone(assessed.assessment.evidence)),
            incomplete,
        }
    }
}

/// The keys of a profile as they would be called in another one.
fn renamed(profile: &TrustProfile, name: &str) -> Vec<crate::domain::policy::TrustedKey> {
    let keys = profile.keys.iter().cloned();
    keys.map(|mut key| {
        key.name = format!("{name}.pub");
        key
    })
    .collect()
}

/// A profile that verification can be made ready for.
fn usable(profile: TrustProfile) -> Result<TrustProfile, String> {
    let alone = BTreeMap::from([(profile.name.clone(), profile.clone())]);
    Trust::new(&alone).map(|_| profile).map_err(|error| error.to_string())
}

/// A policy under which everything is asked by one profile.
pub(super) fn asking(profile: &str) -> Policy {
    Policy {
        name: profile.to_owned(),
        require: vec![EvidenceKind::Signature],
        signer: SignerRule {
            default: Some(profile.to_owned()),
            per_kind: BTreeMap::new(),
        },
        builder: Vec::new(),
        source: false,
        test_result: TestResultRule::default(),
        max_age: BTreeMap::new(),
        soak: None,
        freeze: Vec::new(),
        break_glass: BTreeSet::new(),
        digest: Digest::of(profile.as_bytes()),
    }
}

/// Reads policies and roots off the threads that answer others.
///
/// # Errors
/// As [`read_policies`] and [`read_roots`].
pub(crate) async fn read_all(
    files: Vec<PathBuf>,
    roots: Vec<(String, PathBuf)>,
) -> Result<(Vec<AdmissionPolicy>, NamedRoots), Failure> {
    blocking(move || Ok((read_policies(&files)?, read_roots(&roots)?))).await?
}

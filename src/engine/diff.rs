//! Comparing two digests: both sides are read from the registries, with their verified evidence; the
//! comparison itself is [`crate::domain::diff::diff`].

mod config;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::unknown;
use crate::domain::diff::{DigestDiff, Layer, Package, Side, diff};
use crate::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Summary};
use crate::domain::failure::{Failure, FailureKind, Hint};
use crate::domain::id::{Digest, ServiceId};
use crate::domain::pin::Pin;
use crate::domain::policy::Policy;
use crate::domain::reference::{ImageRef, Repository};
use crate::domain::text::Untrusted;
use crate::sources::evidence::predicate;
use crate::sources::registry::{Manifest, Place};

use super::collect;
use super::context::{Context, Criteria};
use super::image_presence::PresenceScope;
use super::open::Engine;
use super::verify::is_bare;
use config::Config;

/// Largest image configuration that is read.
const CONFIG_CAP: u64 = 4 << 20;
/// The platform that is compared where both sides have it.
const USUAL_PLATFORM: &str = "linux/amd64";

/// Two digests with what separates them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The side that was named first.
    pub a: Side,
    /// The side that was named second.
    pub b: Side,
    /// What separates `a` from `b`.
    pub diff: DigestDiff,
    /// What of the evidence could not be reached, if anything: then the comparison is not whole.
    pub unreachable: Option<Untrusted>,
}

impl Engine {
    /// Compares two digests, references or `SERVICE:ENV` forms.
    ///
    /// # Errors
    /// If a name means nothing here, a tag or a manifest cannot be had, or git or the configuration
    /// cannot be read. Evidence that cannot be had is part of the answer (`missing`).
    pub(crate) async fn diff(&self, a: &str, b: &str) -> Result<Compared, Failure> {
        let (ledger, _) = self.ledger().await?;
        for (_, environment) in [a, b].iter().filter_map(|text| text.rsplit_once(':')) {
            self.note_stale(&ledger, &environment.into());
        }
        let comparison = DigestComparison {
            context: carrying_content(self.judging_context(ledger)?),
        };
        let a = comparison.named(a, None).await?;
        let b = comparison.named(b, Some(&a)).await?;
        comparison.compare(a, b).await
    }

    /// Compares two digests whose places are known, by the commit fetched last.
    ///
    /// # Errors
    /// As [`Engine::diff`].
    pub(crate) async fn diff_digests(
        &self,
        a: (Repository, Digest),
        b: (Repository, Digest),
    ) -> Result<Compared, Failure> {
        let comparison = DigestComparison {
            context: carrying_content(self.judging_context(self.ledger_as_known().await?)?),
        };
        let (a, b) = (comparison.name_digest(a.0, a.1), comparison.name_digest(b.0, b.1));
        comparison.compare(a, b).await
    }
}

/// The context of a comparison: packages are listed from what was signed.
fn carrying_content(mut context: Context) -> Context {
    context.memo.carries_content = true;
    context
}

/// One digest to compare.
struct NamedDigest {
    image: Repository,
    digest: Digest,
    service: Option<ServiceId>,
    /// The policy whose signers are believed.
    policy: Option<Arc<Policy>>,
}

/// A comparison under way.
struct DigestComparison {
    context: Context,
}

impl DigestComparison {
    /// What a name on the command line means.
    async fn named(&self, text: &str, other: Option<&NamedDigest>) -> Result<NamedDigest, Failure> {
        if let Ok(digest) = text.parse::<Digest>() {
            let known = self.pins().find(|pin| pin.digest == Some(digest));
            if let Some(pin) = known {
                return Ok(self.name_digest(pin.image.clone(), digest));
            }
            return self.search(digest, other).await;
        }
        if let Some(pin) = self.service_in_environment(text)? {
            let digest = pin.digest.ok_or_else(|| {
                Failure::usage(format!(
                    "{} is pinned by tag only: there is no digest to compare",
                    pin.target
                ))
            })?;
            return Ok(self.name_digest_of(pin.image.clone(), digest, Some(pin)));
        }
        if is_bare(text) {
            return Err(self.no_such_name(text));
        }
        let parsed = ImageRef::parse(text).map_err(|e| {
            Failure::usage(format!(
                "{text:?} is no digest, no SERVICE:ENV of this repository and no reference: {e}"
            ))
        })?;
        let digest = match (parsed.digest, &parsed.tag) {
            (Some(digest), _) => digest,
            (None, tag) => {
                let tag = tag.as_deref().unwrap_or("latest");
                let found = self.context.memo.resolve(&parsed.repository, tag).await?;
                found.ok_or_else(|| Failure::usage(format!("{} has no tag {tag}", parsed.repository)))?
            }
        };
        Ok(self.name_digest(parsed.repository, digest))
    }

    /// What is wrong with a `SERVICE:ENV` of this repository.
    fn no_such_name(&self, text: &str) -> Failure {
        let services: Vec<&str> = self
            .context
            .ledger
            .grouped
            .services
            .iter()
            .map(|(n, ..)| n.as_str())
            .collect();
        let environments: Vec<&str> = self
            .context
            .ledger
            .environments
            .iter()
            .map(|e| e.name.as_str())
            .collect();
        let unknown_name = match text.rsplit_once(':') {
            Some((service, env)) if services.contains(&service) => unknown("environment", env, &environments),
            Some((service, _)) => unknown("service", service, &services),
            None => Failure::usage("it names no digest")
                .hint("write SERVICE:ENV, a whole digest, or a reference with its registry"),
        };
        unknown_name.within(format!("{text:?} means nothing here"))
    }

    /// `SERVICE:ENV`, if both are known here.
    fn service_in_environment(&self, text: &str) -> Result<Option<&Pin>, Failure> {
        let Some((service, env)) = text.rsplit_once(':') else {
            return Ok(None);
        };
        let known = self
            .context
            .ledger
            .grouped
            .services
            .iter()
            .find(|(name, ..)| name.as_str() == service);
        let Some((name, _, pins)) = known.filter(|_| self.context.environment(env).is_some()) else {
            return Ok(None);
        };
        self.context.ledger.checkouts.check_read(&env.into())?;
        let pin = pins.iter().find(|pin| pin.target.environment.as_str() == env);
        pin.map(Some)
            .ok_or_else(|| Failure::usage(format!("{name} has no pin in {env}")))
    }

    /// Looks for a digest that nothing pins in the repositories of this place, the other side's first.
    async fn search(&self, digest: Digest, other: Option<&NamedDigest>) -> Result<NamedDigest, Failure> {
        let images = self
            .context
            .ledger
            .grouped
            .services
            .iter()
            .filter_map(|(_, image, _)| image.clone());
        let mut places: Vec<Repository> = other.map(|o| o.image.clone()).into_iter().chain(images).collect();
        places.extend(self.pins().map(|pin| pin.image.clone()));
        let mut seen = std::collections::BTreeSet::new();
        places.retain(|place| seen.insert(place.clone()));
        let mut trouble = None;
        for place in places {
            match self.context.memo.presence(&Place::new(&place, digest), None).await {
                Ok(Some(_)) => return Ok(self.name_digest(place, digest)),
                Ok(None) => {}
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            Some(error) => Err(error.into()),
            None => Err(Failure::usage(format!("no repository of this place has {digest}"))
                .hint(Hint::with("write REPOSITORY@{}", &[(&digest).into()]))),
        }
    }

    fn pins(&self) -> impl Iterator<Item = &Pin> {
        self.context.ledger.pins()
    }

    fn name_digest(&self, image: Repository, digest: Digest) -> NamedDigest {
        let pin = self.pins().find(|pin| pin.digest == Some(digest) && pin.image == image);
        self.name_digest_of(image, digest, pin)
    }

    fn name_digest_of(&self, image: Repository, digest: Digest, pin: Option<&Pin>) -> NamedDigest {
        let environment = match pin {
            Some(pin) => self.context.environment(pin.target.environment.as_str()),
            None => self.context.environments().first(),
        };
        NamedDigest {
            service: self.context.service_of(&image).cloned(),
            policy: environment.and_then(|e| self.context.policy_of(e)).cloned(),
            image,
            digest,
        }
    }

    /// Compares two digests. What `--offline` forbids asking for is said in the answer, on both sides: one
    /// side alone would read as a difference.
    async fn compare(&self, a: NamedDigest, b: NamedDigest) -> Result<Compared, Failure> {
        let (image_a, image_b) = ((a.image.clone(), a.digest), (b.image.clone(), b.digest));
        match self.compare_all(a, b).await {
            Err(failure) if failure.kind == FailureKind::NotChecked => {
                let why: Untrusted = format!("content (not checked: {})", failure.what.raw()).into();
                let side = |(image, digest)| Side {
                    image,
                    digest,
                    platforms: BTreeMap::new(),
                    compared: None,
                    config: BTreeMap::new(),
                    layers: Vec::new(),
                    packages: None,
                    provenance: None,
                    tests: None,
                    unread: vec![why.clone()],
                };
                let (a, b) = (side(image_a), side(image_b));
                Ok(Compared {
                    diff: diff(&a, &b),
                    a,
                    b,
                    unreachable: None,
                })
            }
            answer => answer,
        }
    }

    async fn compare_all(&self, a: NamedDigest, b: NamedDigest) -> Result<Compared, Failure> {
        let (left, right) = futures_util::future::join(
            self.context.memo.registry.manifest(&a.image, &a.digest),
            self.context.memo.registry.manifest(&b.image, &b.digest),
        )
        .await;
        let (left, right) = (left?, right?);
        let (left, right) = futures_util::future::join(self.platforms(&a, left), self.platforms(&b, right)).await;
        let (left, right) = (left?, right?);
        let platform = common(&left.all, &right.all);
        let (a, b) = futures_util::future::join(
            self.side(a, left, platform.as_deref()),
            self.side(b, right, platform.as_deref()),
        )
        .await;
        let ((a, dark_a), (b, dark_b)) = (a?, b?);
        let diff = diff(&a, &b);
        Ok(Compared {
            a,
            b,
            diff,
            unreachable: dark_a.or(dark_b),
        })
    }

    /// The platform manifests of one side; of a single image, its configuration says which it is.
    async fn platforms(&self, of: &NamedDigest, manifest: Manifest) -> Result<Platforms, Failure> {
        if manifest.is_index() {
            let all = collect::platforms(&manifest)
                .filter_map(|child| Some((child.platform.as_ref()?.to_string(), child.digest)))
                .collect();
            return Ok(Platforms { all, manifest });
        }
        let config = self.config(of, &manifest).await.ok().flatten().unwrap_or_default();
        let name = match (config.os, config.architecture, config.variant) {
            (Some(os), Some(arch), None) => format!("{os}/{arch}"),
            (Some(os), Some(arch), Some(variant)) => format!("{os}/{arch}/{variant}"),
            _ => "unknown".to_owned(),
        };
        Ok(Platforms {
            all: BTreeMap::from([(name, manifest.digest)]),
            manifest,
        })
    }

    /// One side, and what of its evidence could not be reached. Content that cannot be read is an error: half
    /// of it would read as a difference.
    async fn side(
        &self,
        of: NamedDigest,
        platforms: Platforms,
        platform: Option<&str>,
    ) -> Result<(Side, Option<Untrusted>), Failure> {
        let mut unread: Vec<Untrusted> = Vec::new();
        let compared = platform
            .map(str::to_owned)
            .or_else(|| platforms.all.keys().next().cloned());
        let digest = compared.as_ref().and_then(|name| platforms.all.get(name)).copied();
        let image = match digest {
            Some(digest) if digest != platforms.manifest.digest => {
                Some(self.context.memo.registry.manifest(&of.image, &digest).await?)
            }
            Some(_) => Some(platforms.manifest.clone()),
            None => None,
        };
        let mut config = BTreeMap::new();
        let mut layers = Vec::new();
        if let Some(image) = &image {
            layers = image
                .body
                .layers
                .iter()
                .map(|layer| Layer {
                    digest: layer.digest,
                    size: layer.size,
                })
                .collect();
            match self.config(&of, image).await? {
                Some(found) => config = found.fields(),
                None => unread.push("configuration".into()),
            }
        }
        let (evidence, dark) = self.evidence(&of, digest).await;
        if let Some((_, why)) = &dark {
            unread.push(format!("some evidence ({})", why.raw()).into());
        }
        let dark = dark
            .filter(|(cause, _)| *cause == CauseKind::Unreachable)
            .map(|(_, why)| why);
        let side = Side {
            packages: Self::packages(&evidence).await,
            provenance: newest(&evidence, EvidenceKind::Provenance).and_then(|e| match &e.summary {
                Summary::Provenance(summary) => Some(summary.clone()),
                _ => None,
            }),
            tests: newest(&evidence, EvidenceKind::TestResult).and_then(|e| match &e.summary {
                Summary::TestResult(summary) => Some(summary.clone()),
                _ => None,
            }),
            image: of.image,
            digest: of.digest,
            platforms: platforms.all,
            compared,
            config,
            layers,
            unread,
        };
        Ok((side, dark))
    }

    async fn config(&self, of: &NamedDigest, image: &Manifest) -> Result<Option<Config>, Failure> {
        let Some(config) = &image.body.config else {
            return Ok(None);
        };
        let registry = &self.context.memo.registry;
        let bytes = registry
            .blob(&of.image, &config.digest, Some(config.size), CONFIG_CAP)
            .await?;
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// Verified statements about the digest, or about the platform that is compared; and why there may be more.
    async fn evidence(
        &self,
        of: &NamedDigest,
        platform: Option<Digest>,
    ) -> (Vec<Evidence>, Option<(CauseKind, Untrusted)>) {
        let criteria = Criteria {
            policy: of.policy.as_ref(),
            extent: PresenceScope::default(),
        };
        let found = self
            .context
            .assess(&of.image, of.digest, of.service.as_ref(), criteria)
            .await;
        let others = |e: &Evidence| {
            found.children.contains(&e.attached_to) && Some(e.attached_to) != platform && e.attached_to != of.digest
        };
        let causes = found.assessment.verdict.iter().flat_map(|v| &v.causes);
        let mut dark = causes
            .filter(|c| c.cause.is_open())
            .map(|c| (c.cause, c.detail.clone()))
            .next();
        let mut evidence = found.assessment.evidence.to_vec();
        if let Some(item) = evidence.iter().find(|e| e.cause.is_some_and(CauseKind::is_open)) {
            let why = item.detail.clone().unwrap_or_default();
            dark = dark.or(item.cause.map(|cause| (cause, why)));
        }
        evidence.retain(|e| e.state == EvidenceState::Verified && !others(e));
        (evidence, dark)
    }

    /// The packages of the newest verified SBOM.
    async fn packages(evidence: &[Evidence]) -> Option<Vec<Package>> {
        let sbom = newest(evidence, EvidenceKind::Sbom)?;
        // What was verified, never what lies in the registry beside it.
        let sbom = sbom.clone();
        // Documents of several MB: not on a thread that others wait for.
        let parsed = tokio::task::spawn_blocking(move || predicate::packages(&sbom)).await;
        let packages = parsed.ok().flatten()?;
        Some(
            packages
                .into_iter()
                .map(|p| Package {
                    purl: p.purl,
                    version: p.version,
                })
                .collect(),
        )
    }
}

struct Platforms {
    all: BTreeMap<String, Digest>,
    manifest: Manifest,
}

/// The platform that is compared: the usual one, else the first that both have.
fn common(a: &BTreeMap<String, Digest>, b: &BTreeMap<String, Digest>) -> Option<String> {
    let both = |name: &String| b.contains_key(name);
    let usual = USUAL_PLATFORM.to_owned();
    if a.contains_key(&usual) && both(&usual) {
        return Some(usual);
    }
    a.keys().find(|name| both(name)).cloned()
}

/// The statement of a kind whose signed content is the youngest.
fn newest(evidence: &[Evidence], kind: EvidenceKind) -> Option<&Evidence> {
    evidence
        .iter()
        .filter(|e| e.kind == kind)
        .max_by_key(|e| e.content_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_platform_is_compared_where_both_have_it() {
        let with = |names: &[&str]| -> BTreeMap<String, Digest> {
            names
                .iter()
                .map(|n| ((*n).to_owned(), Digest::of(n.as_bytes())))
                .collect()
        };
        let both = with(&["linux/amd64", "darwin/arm64"]);
        assert_eq!(common(&both, &both).as_deref(), Some("linux/amd64"));
        assert_eq!(
            common(&with(&["linux/arm64", "linux/riscv64"]), &with(&["linux/riscv64"])).as_deref(),
            Some("linux/riscv64")
        );
        assert_eq!(common(&both, &with(&["linux/s390x"])), None);
    }
}

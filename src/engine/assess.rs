//! Assessing one digest: is its content there, what is attached to it, what does it prove under a
//! policy. The decision itself is [`crate::domain::verdict::judge`].

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::domain::board::Assessment;
use crate::domain::candidate_order;
use crate::domain::evidence::{CauseKind, Evidence, Format};
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::policy::{Policy, SignerRule};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::verdict::{CheckOf, Facts, Presence, Verdict, judge};
use crate::sources::evidence::{Carrier, Question, Trust, check_all};
use crate::sources::registry::{Descriptor, Manifest, Place};

use super::collect::{self, Collected};
use super::elsewhere::{Elsewhere, FoundElsewhere};
use super::image_labels::{VersionLabel, tags_named, version};
use super::image_presence::{self, MAX_MANIFESTS, PresenceScope};
use super::registry_memo::{LocatedManifest, RegistryMemo};
use super::sealed_folder::EntryName;
use super::verdict_cache::{Checked, VerdictCache, verdict_key};

/// At most this many further tags are asked which index lists a platform manifest without evidence.
const INDEX_TAGS_ASKED: usize = 16;

/// What to assess, and by whose rules.
#[derive(Clone)]
pub(crate) struct Subject {
    /// Where the content lives.
    pub repository: Repository,
    /// Digest of the manifest or index, as the pin names it.
    pub digest: Digest,
    /// The service it is pinned for.
    pub service: Option<ServiceId>,
    /// The service's own signer.
    pub service_signer: Option<String>,
    /// The service's source repository.
    pub source: Option<String>,
    /// Where else evidence is looked for.
    pub elsewhere: Elsewhere,
    /// The policy; `None` = nothing to judge by.
    pub policy: Option<Arc<Policy>>,
    /// Trust profiles, compiled.
    pub trust: Arc<Trust>,
    /// Which parts of the image must be there.
    pub extent: PresenceScope,
}

/// What assessing found.
#[derive(Debug, Clone)]
pub struct Assessed {
    /// When the registries were asked: what it says was true then or later.
    pub asked_at: Timestamp,
    /// Verdict and evidence.
    pub assessment: Assessment,
    /// Whether the content is there.
    pub presence: Presence,
    /// Its version label.
    pub label: VersionLabel,
    /// Platform manifests, where it is an index.
    pub children: Vec<Digest>,
    /// The first index whose verified bytes list it, where one was found.
    pub via: Option<Digest>,
    /// Every index that is known to list it.
    pub indexes: Vec<Digest>,
    /// Why some evidence, that of its platforms included, could not be looked for.
    pub unlisted: Option<Untrusted>,
}

/// Assesses one digest.
pub(crate) async fn assess(memo: &RegistryMemo, subject: Subject, now: Timestamp) -> Assessed {
    let asked_at = Timestamp::now();
    let place = Place::new(&subject.repository, subject.digest);
    let located = memo.locate(&place).await;
    let (found, presence) = match located {
        Ok(Some(found)) => (Some(found), Presence::Present),
        Ok(None) => {
            let detail = format!("{} no longer has {}", subject.repository, subject.digest);
            let detail = detail.into();
            (None, Presence::Absent { detail, part: None })
        }
        Err(error) => (None, image_presence::failure(&error)),
    };
    let Some(LocatedManifest { manifest, is_new, .. }) = found else {
        let verdict = subject.policy.as_ref().map(|policy| {
            let facts = Facts {
                digest: subject.digest,
                presence: &presence,
                evidence: &[],
                incomplete: &[],
                source: None,
            };
            judge(policy, facts, now)
        });
        let assessment = Assessment {
            verdict,
            evidence: Arc::default(),
        };
        return Assessed {
            asked_at,
            assessment,
            label: (&presence).into(),
            presence,
            children: Vec::new(),
            via: None,
            indexes: Vec::new(),
            unlisted: None,
        };
    };
    let tags = memo.tags(&subject.repository).await;
    let untold = tags.err();
    let children: Vec<Digest> = collect::platforms(&manifest).map(|d| d.digest).collect();
    // Evidence of platform manifests is shown, and costs: not for more of them than are asked for at all.
    let at = |digest: Digest| Place::new(&subject.repository, digest);
    let counts = |child: &&Descriptor| subject.extent.platforms.includes(child.platform.as_ref());
    let needed = collect::platforms(&manifest).filter(counts);
    let mut shown: Vec<Place> = needed.map(|child| at(child.digest)).collect();
    if shown.len() > MAX_MANIFESTS {
        shown.clear();
    }
    // The version first: the platform manifest that it reads needs no HEAD of its own then.
    let (label, presence, own, below, inside) = futures_util::join!(
        version(memo, &place, &manifest, &subject.extent),
        image_presence::whole(memo, &place, &manifest, &subject.extent),
        memo.attached(&place, is_new),
        join_all(shown.iter().map(|child| memo.attached(child, is_new))),
        memo.in_index(&place, &manifest),
    );
    let mut own = Collected::clone(&own);
    let parents = parents(memo, &subject, &manifest, label.said(), own.items.is_empty()).await;
    // An index that could not be asked for might have brought what is missing.
    own.incomplete.extend(parents.unasked);
    let via = join_all(parents.found.into_iter().map(|parent| async move {
        let found = memo.attached(&at(parent.digest), is_new).await;
        (parent, found)
    }))
    .await;
    let indexes: Vec<Digest> = via.iter().map(|(parent, _)| parent.digest).collect();
    let about = || std::iter::once(subject.digest).chain(indexes.iter().copied());
    let elsewhere = join_all(about().map(|digest| subject.elsewhere.attached(memo, digest, is_new))).await;
    let elsewhere: Vec<FoundElsewhere> = elsewhere.into_iter().flatten().collect();
    let gathered = Gathered {
        manifest,
        presence: presence.clone(),
        own,
        via,
        below,
        inside,
        elsewhere,
    };
    let mut gathered = Arc::new(gathered);
    let mut judged = judge_gathered(memo, &subject, &gathered, now).await;
    if judged.as_ref().is_some_and(says_absent) {
        let mut direct = Collected::clone(&*memo.attached_unlisted(&place).await);
        for index in &indexes {
            direct.absorb(Collected::clone(&*memo.attached_unlisted(&at(*index)).await));
        }
        let hidden = join_all(about().map(|digest| subject.elsewhere.unlisted(memo, digest))).await;
        let hidden: Vec<FoundElsewhere> = hidden.into_iter().flatten().collect();
        if !(direct.is_empty() && hidden.is_empty())
            && let Some(gathered) = Arc::get_mut(&mut gathered)
        {
            gathered.own.absorb(direct);
            gathered.elsewhere.extend(hidden);
            judged = None;
        }
        if judged.is_none() {
            judged = judge_gathered(memo, &subject, &gathered, now).await;
        }
    }
    let assessment = judged.unwrap_or_else(|| Assessment {
        // A verifier that stops half-way proves nothing.
        verdict: subject.policy.as_ref().map(|policy| {
            let presence = Presence::Failed(Failure::bug("checking the evidence stopped unexpectedly"));
            let facts = Facts {
                digest: subject.digest,
                presence: &presence,
                evidence: &[],
                incomplete: &[],
                source: None,
            };
            judge(policy, facts, now)
        }),
        evidence: Arc::default(),
    });
    Assessed {
        asked_at,
        assessment,
        presence,
        label,
        children,
        via: indexes.first().copied(),
        indexes,
        unlisted: gathered.unlisted().or(untold.as_ref()).map(Failure::sentence),
    }
}

/// Checks and judges on a thread of its own; `None` if that stopped half-way.
async fn judge_gathered(
    memo: &RegistryMemo,
    subject: &Subject,
    gathered: &Arc<Gathered>,
    now: Timestamp,
) -> Option<Assessment> {
    let (subject, gathered, cache) = (subject.clone(), Arc::clone(gathered), memo.verdicts.clone());
    let carries = memo.carries_content;
    let judged = tokio::task::spawn_blocking(move || conclude(&subject, &gathered, cache.as_ref(), carries, now));
    judged.await.ok()
}

/// Whether a verdict says of some kind of evidence that there is none.
fn says_absent(assessment: &Assessment) -> bool {
    let causes = assessment.verdict.iter().flat_map(|verdict| &verdict.causes);
    let mut evidence = causes.filter(|cause| matches!(cause.check, CheckOf::Evidence(_)));
    evidence.any(|cause| cause.cause == CauseKind::Absent)
}

/// Everything that was found about one digest, before checking.
struct Gathered {
    manifest: Arc<Manifest>,
    presence: Presence,
    own: Collected,
    via: Vec<(Manifest, Arc<Collected>)>,
    below: Vec<Arc<Collected>>,
    inside: Arc<Collected>,
    elsewhere: Vec<FoundElsewhere>,
}

/// Checks everything that was collected and judges what counts. Pure CPU work but for the cache.
fn conclude(
    subject: &Subject,
    gathered: &Gathered,
    cache: Option<&VerdictCache>,
    carries_content: bool,
    now: Timestamp,
) -> Assessment {
    // Content is not stored, so nothing that carries it comes out of a store.
    let cache = cache.filter(|_| !carries_content);
    let key = gathered.cache_key(subject);
    let known = cache.zip(key.as_ref()).and_then(|(cache, key)| cache.get(key));
    let checked = known.unwrap_or_else(|| {
        let checked = gathered.check_all(subject, now, carries_content);
        if let Some((cache, key)) = cache.zip(key.as_ref()) {
            cache.put(key, &checked);
        }
        checked
    });
    let mut incomplete = gathered.own.incomplete.clone();
    incomplete.extend(gathered.via.iter().flat_map(|(_, found)| found.incomplete.clone()));
    incomplete.extend(
        gathered
            .elsewhere
            .iter()
            .flat_map(|found| found.collected.incomplete.clone()),
    );
    let verdict = subject.policy.as_ref().map(|policy| {
        let facts = Facts {
            digest: subject.digest,
            presence: &gathered.presence,
            evidence: &checked.counted,
            incomplete: &incomplete,
            source: subject.source.as_deref(),
        };
        Verdict {
            at: checked.at,
            ..judge(policy, facts, now)
        }
    });
    let mut evidence = checked.counted;
    evidence.extend(checked.shown);
    evidence.sort_by_key(|e| (e.kind, e.attached_to, e.id()));
    Assessment {
        verdict,
        evidence: Arc::new(evidence),
    }
}

impl Gathered {
    /// Everything that was found, place by place.
    fn parts(&self) -> impl Iterator<Item = &Collected> {
        let via = self.via.iter().map(|(_, found)| &**found);
        std::iter::once(&self.own)
            .chain(via)
            .chain(self.below.iter().map(Arc::as_ref))
            .chain(std::iter::once(&*self.inside))
            .chain(self.elsewhere.iter().map(|found| &*found.collected))
    }

    /// Why some of it could not be looked for.
    fn unlisted(&self) -> Option<&Failure> {
        self.parts().flat_map(|found| &found.incomplete).next()
    }

    fn check_all(&self, subject: &Subject, now: Timestamp, keep_content: bool) -> Checked {
        let no_signer = SignerRule::default();
        let signer = subject.policy.as_ref().map_or(&no_signer, |policy| &policy.signer);
        let question = |about: Digest, via: Option<Digest>, bytes| Question {
            subject: about,
            also_known_as: &[],
            via,
            manifest_bytes: bytes,
            service: subject.service.as_ref().map(ServiceId::as_str),
            signer,
            service_signer: subject.service_signer.as_deref(),
            trust: &subject.trust,
            keep_content,
        };
        // Evidence about an index that lists this manifest counts wherever it hangs.
        let via = self.via.first().map(|(index, _)| index.digest);
        let mut counted: Vec<Evidence> = Vec::new();
        let own = question(subject.digest, via, Some(&self.manifest.bytes));
        counted.extend(check_all(&self.own.items, &own));
        counted.extend(self.own.listed.iter().cloned());
        for (index, found) in &self.via {
            let about_index = question(subject.digest, Some(index.digest), Some(&index.bytes));
            counted.extend(check_all(&found.items, &about_index));
            counted.extend(found.listed.iter().cloned());
        }
        for found in &self.elsewhere {
            let index = self.via.iter().find(|(index, _)| index.digest == found.about);
            let asked = match index {
                Some((index, _)) => question(subject.digest, Some(index.digest), Some(&index.bytes)),
                None => own,
            };
            let mut checked = check_all(&found.collected.items, &asked);
            checked.extend(found.collected.listed.iter().cloned());
            for evidence in &mut checked {
                evidence.found_in = Some(found.place.clone().into());
                if found.is_github {
                    evidence.format = Format::Github;
                }
            }
            counted.extend(checked);
        }
        // Evidence of platform manifests is shown with their digest and never counts upwards.
        let mut shown = Vec::new();
        for found in &self.below {
            // All of them are attached to one platform manifest.
            if let Some(first) = found.items.first() {
                shown.extend(check_all(&found.items, &question(first.attached_to, None, None)));
            }
            shown.extend(found.listed.iter().cloned());
        }
        shown.extend(self.inside.listed.iter().cloned());
        Checked {
            at: now,
            counted,
            shown,
        }
    }

    /// What decides the outcome of the checks; `None` while anything could not be fetched or
    /// listed, for such an outcome is not worth keeping.
    fn cache_key(&self, subject: &Subject) -> Option<EntryName> {
        let policy = subject.policy.as_ref()?;
        if self
            .parts()
            .any(|p| !p.incomplete.is_empty() || p.items.iter().any(|item| item.content.is_err()))
        {
            return None;
        }
        let mut set: Vec<(Option<Carrier>, [Digest; 3])> = (self.parts())
            .flat_map(|p| {
                let items = p
                    .items
                    .iter()
                    .map(|i| (Some(i.carrier), [i.attached_to, i.manifest, i.digest]));
                items.chain(p.listed.iter().map(|e| (None, [e.attached_to, e.digest, e.digest])))
            })
            .collect();
        set.sort_unstable();
        let mut key = verdict_key();
        key.part(subject.digest.as_bytes()).part(policy.digest.as_bytes());
        key.part(policy.name.as_bytes());
        key.part(subject.service.as_ref().map_or(&b""[..], |s| s.as_str().as_bytes()));
        key.part(subject.service_signer.as_deref().unwrap_or("").as_bytes());
        key.part(&self.via.len().to_be_bytes());
        for (index, _) in &self.via {
            key.part(index.digest.as_bytes());
        }
        // Where something was found is told beside it.
        for found in &self.elsewhere {
            key.part(found.place.as_bytes());
            key.part(&found.collected.items.len().to_be_bytes());
            for item in &found.collected.items {
                key.part(item.digest.as_bytes());
            }
        }
        for (carrier, digests) in set {
            key.part(format!("{carrier:?}").as_bytes());
            for digest in digests {
                key.part(digest.as_bytes());
            }
        }
        Some(key)
    }
}

/// Indexes that list a platform manifest.
#[derive(Default)]
struct Parents {
    found: Vec<Manifest>,
    /// Why the search is not whole, if it is not.
    unasked: Option<Failure>,
}

impl Parents {
    async fn of_tags(&mut self, memo: &RegistryMemo, subject: &Subject, tags: &[String], seen: &mut BTreeSet<Digest>) {
        let answers = join_all(tags.iter().map(|tag| memo.resolve(&subject.repository, tag))).await;
        let mut digests = Vec::new();
        for answer in answers {
            match answer {
                Ok(Some(digest)) if memo.is_image(&Place::new(&subject.repository, digest)) => {
                    seen.insert(digest);
                }
                Ok(Some(digest)) if seen.insert(digest) => digests.push(digest),
                Ok(_) => {}
                Err(failure) => self.unasked = Some(failure),
            }
        }
        self.of_digests(memo, subject, digests).await;
    }

    async fn of_digests(&mut self, memo: &RegistryMemo, subject: &Subject, digests: Vec<Digest>) {
        let manifests = digests.into_iter().map(|digest| async move {
            let place = Place::new(&subject.repository, digest);
            memo.read(&place).await
        });
        for answer in join_all(manifests).await {
            match answer {
                Ok((index, _)) if collect::platforms(&index).any(|child| child.digest == subject.digest) => {
                    self.found.push(Manifest::clone(&index));
                }
                Ok(_) => {}
                Err(error) if error.cause().is_open() => {
                    self.unasked = Some(error.into());
                }
                // Bytes that are corrupt or make no sense list nothing.
                Err(_) => {}
            }
        }
    }
}

/// Indexes whose verified bytes list this platform manifest: those that its version label names or a
/// tag of this pass points at; where there is none and the manifest is `bare` of evidence, those of the
/// repository's other tags, up to a bound.
async fn parents(
    memo: &RegistryMemo,
    subject: &Subject,
    manifest: &Manifest,
    version: Option<&Untrusted>,
    bare: bool,
) -> Parents {
    let mut parents = Parents::default();
    if manifest.body.is_index() {
        return parents;
    }
    let repository = &subject.repository;
    let tags = memo.tags(repository).await;
    let known = tags.as_deref().ok();
    let mut seen = BTreeSet::from([subject.digest]);
    let named = version.into_iter().flat_map(|version| tags_named(version.raw()));
    let named: Vec<String> = named
        .filter(|tag| known.is_some_and(|known| known.contains(tag)))
        .collect();
    parents.of_tags(memo, subject, &named, &mut seen).await;
    let mut digests = memo.tagged_indexes(repository);
    digests.retain(|digest| seen.insert(*digest));
    parents.of_digests(memo, subject, digests).await;
    // A tag that points right at the manifest says that it was released alone.
    if !parents.found.is_empty() || !bare || memo.is_answered(&Place::new(repository, subject.digest)) {
        return parents;
    }
    match &tags {
        Ok(known) => {
            let others: Vec<String> = known
                .iter()
                .rev()
                .filter(|tag| !candidate_order::is_evidence_tag(tag) && !named.contains(tag))
                .take(INDEX_TAGS_ASKED)
                .cloned()
                .collect();
            parents.of_tags(memo, subject, &others, &mut seen).await;
        }
        Err(failure) => parents.unasked = Some(failure.clone()),
    }
    parents
}

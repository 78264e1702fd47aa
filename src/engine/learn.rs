//! A first policy from the evidence of the pinned digests: everything is looked at by every key that was named and every
//! root that is known, and nothing is written anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt as _;

use crate::config::init_policy::LearnedChoices;
use crate::config::{init, team};
use crate::domain::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState, Summary};
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::learned::{SeenDigest, SeenSigner, SeenStatement, learn};
use crate::domain::pin::Pin;
use crate::domain::policy::{
    Demands, Identity, LogRule, Match, PolicySource, TeamPolicy, TimeRule, TrustProfile, TrustRoot, TrustedKey,
    Validity,
};
use crate::domain::verdict::{Outcome, Presence};
use crate::sources::evidence::{Trust, check_key, check_root};

use super::admission::asking;
use super::context::{Context, Criteria};
use super::image_presence::{ImageDepth, PresenceScope};
use super::ledger::{self, Ledger};
use super::open::{Engine, blocking};
use super::registry_memo::RegistryMemo;
use super::team_file;

/// Digests looked at, at most; a larger repository learns from the first ones.
const MOST_DIGESTS: usize = 500;
/// Digests looked at, at the same time.
const AT_ONCE: usize = 8;

/// What nobody can learn: files of keys and roots.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamedTrust {
    /// Public keys.
    pub keys: Vec<PathBuf>,
    /// `trusted_root.json` files.
    pub roots: Vec<PathBuf>,
}

/// A pinned digest in question.
struct PinnedDigest<'a> {
    service: &'a ServiceId,
    pin: &'a Pin,
    digest: Digest,
}

/// What was seen of one digest.
struct LookedAt {
    seen: SeenDigest,
    unread: Option<String>,
}

impl Engine {
    /// The text of a first `pindeck.toml`, with a policy learned from the evidence of the pinned digests, every choice of it
    /// commented out. Offline nothing is asked, and it is the same as [`Engine::first_configuration`].
    ///
    /// # Errors
    /// If git, or a file that was named, cannot be read. A registry that cannot be reached is told of in the text.
    pub(crate) async fn learned_configuration(&self, named: &NamedTrust) -> Result<String, Failure> {
        if self.options().offline {
            return self.first_configuration().await;
        }
        let this = self.clone();
        let (ledger, configured) = blocking(move || {
            let inner = &this.inner;
            let ledger = ledger::read_unconfigured(&inner.repo, &inner.scans)?;
            let configured = ledger::policy_at_tip(&this.reader(false)).map(|policy| policy.team);
            Ok::<_, Failure>((ledger, configured.unwrap_or_default()))
        })
        .await??;
        let (probes, files) = probes(named, self.team_file().as_deref().and_then(Path::parent))?;
        let pinned = pinned(&ledger);
        if pinned.is_empty() {
            return self.first_configuration().await;
        }
        // Where registries are is all that is taken from a configuration that is there already.
        let asked = TeamPolicy {
            registries: configured.registries.clone(),
            trust: probes
                .iter()
                .map(|(profile, _)| (profile.name.clone(), profile.clone()))
                .collect(),
            ..TeamPolicy::default()
        };
        let (registry, trust) = super::open::tools(self.options(), &asked)?;
        let memo = RegistryMemo::new(registry.clone(), None);
        let context = Context::of_policy(asked, trust, RegistryMemo::new(registry, None));
        let (looking, by) = (&context, &probes);
        let each: Vec<_> = pinned
            .iter()
            .map(|one| Box::pin(look(looking, &memo, one, by)))
            .collect();
        let looked: Vec<LookedAt> = futures_util::stream::iter(each).buffered(AT_ONCE).collect().await;
        let mut choices = LearnedChoices::default();
        for one in &looked {
            if let Some(why) = &one.unread {
                *choices.unread.entry(why.clone()).or_default() += 1;
            }
        }
        let seen: Vec<SeenDigest> = looked.into_iter().map(|one| one.seen).collect();
        choices.policy = learn(&seen);
        // A service without an entry has no place for its source.
        let has_place = |service: &ServiceId| init::is_name(service.as_str());
        choices.policy.asks_source &= choices.policy.sources.keys().all(has_place);
        if choices.is_policy() {
            choices.is_active = true;
            let text = text(&ledger, &choices);
            self.judge_choices(&mut choices, &text, &files, &configured, &pinned, &memo)
                .await?;
            choices.is_active = false;
        }
        Ok(text(&ledger, &choices))
    }

    /// What the proposed policy says of the pinned digests, judged as any other policy judges.
    async fn judge_choices(
        &self,
        choices: &mut LearnedChoices,
        text: &str,
        files: &BTreeMap<String, Vec<u8>>,
        configured: &TeamPolicy,
        pinned: &[PinnedDigest<'_>],
        memo: &RegistryMemo,
    ) -> Result<(), Failure> {
        let read = |name: &str| match files.get(name) {
            Some(bytes) => Ok(bytes.clone()),
            None => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        };
        let mut team = team::load(text, team_file::TEAM_FILE, &read, PolicySource::None)?;
        team.registries.clone_from(&configured.registries);
        let (registry, trust) = super::open::tools(self.options(), &team)?;
        let context = Context::of_policy(team, trust, RegistryMemo::new(registry, None));
        let Some(policy) = context.policy("release") else {
            return Ok(());
        };
        let policy = &Arc::clone(policy);
        let context = &context;
        let each: Vec<_> = pinned
            .iter()
            .map(|one| {
                Box::pin(async move {
                    let criteria = Criteria {
                        policy: Some(policy),
                        extent: extent(),
                    };
                    let service = Some(one.service);
                    let assessed = context
                        .assess_in(memo, &one.pin.image, one.digest, service, criteria)
                        .await;
                    (one, assessed.assessment.verdict)
                })
            })
            .collect();
        let verdicts: Vec<_> = futures_util::stream::iter(each).buffered(AT_ONCE).collect().await;
        for (one, verdict) in verdicts {
            let Some(verdict) = verdict else { continue };
            if verdict.result == Outcome::Verified {
                choices.verified += 1;
                continue;
            }
            let causes: Vec<String> = verdict
                .causes
                .iter()
                .map(|cause| format!("{} {}", cause.check.as_str(), cause.cause))
                .collect();
            let why = match causes.is_empty() {
                true => "a test result must be acknowledged".to_owned(),
                false => causes.join(", "),
            };
            choices.rejected.push(format!(
                "{} {} in {}: {}: {why}",
                one.service,
                one.digest,
                one.pin.target.environment,
                verdict.result.as_str()
            ));
        }
        Ok(())
    }
}

fn extent() -> PresenceScope {
    PresenceScope {
        depth: ImageDepth::Manifests,
        platforms: Default::default(),
    }
}

fn text(ledger: &Ledger, choices: &LearnedChoices) -> String {
    init::render(&init::Survey {
        environments: &ledger.environments,
        services: &ledger.grouped.services,
        unmanaged: &ledger.grouped.unmanaged,
        learned: Some(choices),
    })
}

/// Every distinct pinned digest of each service that gets an entry.
fn pinned(ledger: &Ledger) -> Vec<PinnedDigest<'_>> {
    let mut known = BTreeSet::new();
    let mut out = Vec::new();
    for (service, image, pins) in &ledger.grouped.services {
        if image.is_none() {
            continue;
        }
        for pin in pins {
            if let Some(digest) = pin.digest
                && known.insert((service, digest))
                && out.len() < MOST_DIGESTS
            {
                out.push(PinnedDigest { service, pin, digest });
            }
        }
    }
    out
}

type Probes = Vec<(TrustProfile, SeenSigner)>;

/// A trust profile for each key and for each root; and the files as the configuration would name them.
fn probes(named: &NamedTrust, folder: Option<&Path>) -> Result<(Probes, BTreeMap<String, Vec<u8>>), Failure> {
    let mut all = Vec::new();
    let mut files = BTreeMap::new();
    let mut read = |path: &Path| {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{shown} cannot be read: {error}")).hint("name a file"))?;
        // The configuration names files relative to itself.
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = folder.and_then(|folder| folder.canonicalize().ok());
        let inside = folder.and_then(|folder| whole.strip_prefix(folder).ok().map(Path::to_owned));
        let name = inside.map_or(shown.clone(), |inside| inside.display().to_string().replace('\\', "/"));
        files.insert(name.clone(), text.clone().into_bytes());
        Ok::<_, Failure>((shown, name, text))
    };
    for path in &named.keys {
        let (shown, name, pem) = read(path)?;
        check_key(&pem)
            .map_err(|why| Failure::usage(format!("{shown} is no public key: {why}")).hint("name a PEM file"))?;
        let mut profile = profile(format!("key-{}", all.len()));
        profile.transparency_log = LogRule::NotRequired;
        profile.keys.push(TrustedKey {
            name: name.clone(),
            pem,
            validity: Validity::default(),
        });
        all.push((profile, SeenSigner::Key(name)));
    }
    let mut roots = Vec::new();
    for path in &named.roots {
        let (shown, name, json) = read(path)?;
        check_root(&json).map_err(|why| {
            Failure::usage(format!("{shown} is no trusted root: {why}")).hint("name a trusted_root.json")
        })?;
        roots.push((name.clone(), TrustRoot::File { name, json }));
    }
    roots.push(("public-good".to_owned(), TrustRoot::PublicGood));
    roots.push(("github".to_owned(), TrustRoot::Github));
    for (name, root) in roots {
        let mut profile = profile(format!("root-{}", all.len()));
        profile.root = Some(root);
        let anything = || Match::Regex("(?s:.*)".to_owned());
        for issuer in [Some(anything()), None] {
            profile.identities.push(Identity {
                san: anything(),
                issuer,
                claims: BTreeMap::new(),
            });
        }
        let signer = SeenSigner::Certificate {
            root: name,
            san: String::new(),
            issuer: None,
        };
        all.push((profile, signer));
    }
    let alone: BTreeMap<String, TrustProfile> = all.iter().map(|(one, _)| (one.name.clone(), one.clone())).collect();
    Trust::new(&alone)?;
    Ok((all, files))
}

fn profile(name: String) -> TrustProfile {
    TrustProfile {
        name,
        keys: Vec::new(),
        root: None,
        identities: Vec::new(),
        transparency_log: LogRule::Required,
        sct: true,
        timestamp: TimeRule::Any,
        demands: Demands::default(),
        signature_format: None,
        predicate_types: Vec::new(),
    }
}

/// Looks at one digest by every probe.
async fn look(context: &Context<()>, memo: &RegistryMemo, one: &PinnedDigest<'_>, probes: &Probes) -> LookedAt {
    let mut found: BTreeMap<String, (bool, SeenStatement)> = BTreeMap::new();
    let mut unread = None;
    for (profile, signer) in probes {
        let asked = Arc::new(asking(&profile.name));
        let criteria = Criteria {
            policy: Some(&asked),
            extent: extent(),
        };
        let assessed = context
            .assess_in(memo, &one.pin.image, one.digest, None, criteria)
            .await;
        match &assessed.presence {
            Presence::Present => {}
            Presence::Absent { detail, .. } => unread = Some(detail.clean().into_string()),
            Presence::Failed(failure) => unread = Some(failure.sentence().clean().into_string()),
        }
        if let Some(why) = &assessed.unlisted {
            unread.get_or_insert_with(|| why.clean().into_string());
        }
        for evidence in assessed.assessment.evidence.iter() {
            if evidence.is_unread() {
                let why = evidence.detail.as_ref().map(|detail| detail.clean().into_string());
                unread.get_or_insert_with(|| why.unwrap_or_else(|| "a statement could not be read".to_owned()));
            }
            let is_own = evidence.attached_to == one.digest || assessed.indexes.contains(&evidence.attached_to);
            if let Some(statement) = is_own.then(|| statement(evidence, signer)).flatten() {
                let is_verified = evidence.state == EvidenceState::Verified;
                let known = found.entry(evidence.id().to_string());
                let known = known.or_insert_with(|| (is_verified, statement.clone()));
                if is_verified && !known.0 {
                    *known = (true, statement);
                }
            }
        }
    }
    LookedAt {
        seen: SeenDigest {
            service: one.service.clone(),
            digest: one.digest,
            statements: found.into_values().map(|(_, statement)| statement).collect(),
            is_read: unread.is_none(),
        },
        unread,
    }
}

/// What a statement says and who signed it; `None` where nobody did, or where it is about something else.
fn statement(evidence: &Evidence, by: &SeenSigner) -> Option<SeenStatement> {
    let signer = match (evidence.state, by) {
        (EvidenceState::Verified, SeenSigner::Certificate { root, .. }) => {
            let signer = evidence.signer.as_ref()?;
            SeenSigner::Certificate {
                root: root.clone(),
                san: signer.identity.raw().to_owned(),
                issuer: signer.issuer.as_ref().map(|issuer| issuer.raw().to_owned()),
            }
        }
        (EvidenceState::Verified, by) => by.clone(),
        (EvidenceState::Failed | EvidenceState::Unsupported, _) => {
            if matches!(
                evidence.cause,
                Some(CauseKind::WrongSubject | CauseKind::Corrupt | CauseKind::Malformed)
            ) {
                return None;
            }
            let signer = evidence.signer.as_ref();
            let identity = signer.map_or("somebody who is not named", |signer| signer.identity.raw());
            SeenSigner::Stranger(format!("{identity} (not verified)"))
        }
        _ => return None,
    };
    let (builder, source, result) = match &evidence.summary {
        Summary::Provenance(said) => (
            said.builder.as_ref().map(|builder| builder.raw().to_owned()),
            said.source.as_ref().map(|source| source.raw().to_owned()),
            None,
        ),
        Summary::TestResult(said) => (None, None, Some(said.result.clone())),
        _ => (None, None, None),
    };
    Some(SeenStatement {
        signer,
        kind: evidence.kind,
        builder,
        source,
        result: result.filter(|_| evidence.kind == EvidenceKind::TestResult),
    })
}

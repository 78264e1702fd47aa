//! A first policy learned from the evidence of what is pinned: who signs, what is signed, from which source. Pure.
//!
//! Nobody is believed because he signed much. An identity of certificates is proposed only exactly as it was seen, for a
//! service of which it signs most of the distinct pinned digests and whose provenance names its own repository as the
//! source; a key only where somebody named its file. Everybody else is told of, and not proposed.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::EvidenceKind;
use super::id::{Digest, ServiceId};
use super::source::SourceRepository;

/// Who signed a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeenSigner {
    /// A key whose file was named.
    Key(String),
    /// A certificate of a root: the root as it is written in `pindeck.toml`, subject, issuer.
    Certificate {
        /// `public-good`, `github` or a path.
        root: String,
        /// The subject alternative name.
        san: String,
        /// The OIDC issuer; `None` = the certificate has none.
        issuer: Option<String>,
    },
    /// Somebody whose signature could not be verified: what is said about him, and why.
    Stranger(String),
}

impl SeenSigner {
    /// How people are told.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Key(file) => format!("the key {file}"),
            Self::Certificate { san, .. } => san.clone(),
            Self::Stranger(what) => what.clone(),
        }
    }
}

/// A statement about a pinned digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenStatement {
    /// Who signed it.
    pub signer: SeenSigner,
    /// What it is about.
    pub kind: EvidenceKind,
    /// Of provenance: the builder.
    pub builder: Option<String>,
    /// Of provenance: the source repository.
    pub source: Option<String>,
    /// Of a test result: what it came to.
    pub result: Option<String>,
}

/// A distinct pinned digest of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDigest {
    /// The service as it is called without a configuration.
    pub service: ServiceId,
    /// Of the manifest or index.
    pub digest: Digest,
    /// What is attached to it; each statement once.
    pub statements: Vec<SeenStatement>,
    /// Whether that is all: what could not be read is no evidence that there is none.
    pub is_read: bool,
}

/// A choice with the count that it was seen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedChoice<T> {
    /// What is proposed.
    pub value: T,
    /// On how many distinct pinned digests it was seen.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

/// What is proposed, and what was only seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LearnedPolicy {
    /// How many distinct pinned digests were looked at, of all services.
    pub digests: usize,
    /// Who signs a service.
    pub signers: BTreeMap<ServiceId, LearnedChoice<SeenSigner>>,
    /// Kinds of evidence that most digests carry by these signers.
    pub kinds: Vec<LearnedChoice<EvidenceKind>>,
    /// Builders that their provenance names.
    pub builders: Vec<LearnedChoice<String>>,
    /// The source that the provenance of a service names.
    pub sources: BTreeMap<ServiceId, LearnedChoice<String>>,
    /// Whether every service whose provenance was seen names one source.
    pub asks_source: bool,
    /// Whether a test result among them says WARNED.
    pub warned: bool,
    /// What was seen and is not proposed, one sentence each.
    pub seen: Vec<String>,
}

/// The repository that a workflow's identity names: GitHub's and GitLab's form.
fn repository_of(san: &str) -> Option<&str> {
    let rest = san.strip_prefix("https://")?;
    let at = rest.find("/.github/workflows/").or_else(|| rest.find("//"))?;
    san.get(..at + "https://".len())
}

/// Why an identity is not proposed for a service although it signs most of its digests; `None` = it is.
fn objection(signer: &SeenSigner, digests: &[&SeenDigest]) -> Option<String> {
    let san = match signer {
        SeenSigner::Key(_) => return None,
        SeenSigner::Stranger(_) => return Some("its signatures could not be verified".to_owned()),
        SeenSigner::Certificate { issuer: None, .. } => return Some("its certificates name no issuer".to_owned()),
        SeenSigner::Certificate { san, .. } => san,
    };
    let is_pattern = |text: &str| text.contains("{service}");
    if is_pattern(san) || matches!(signer, SeenSigner::Certificate { issuer: Some(issuer), .. } if is_pattern(issuer)) {
        return Some("its name cannot be written exactly".to_owned());
    }
    let Some(own) = repository_of(san) else {
        return Some("its name tells no repository".to_owned());
    };
    if san.contains("@refs/pull/") || san.contains("@refs/merge-requests/") {
        return Some("it runs what a pull request brings".to_owned());
    }
    let mut named = false;
    // Of all digests of the service, not only of those that it signs: a fork names its own repository, too.
    for digest in digests {
        for statement in digest
            .statements
            .iter()
            .filter(|one| one.kind == EvidenceKind::Provenance)
        {
            let is_same = statement
                .source
                .as_deref()
                .is_some_and(|source| SourceRepository::same(source, own));
            match (&statement.signer, is_same) {
                // What cannot be verified is anybody's word, and takes nothing away.
                (SeenSigner::Stranger(_), _) => {}
                (by, true) if by == signer => named = true,
                (_, true) => {}
                (_, false) => {
                    let source = statement.source.as_deref().unwrap_or("no source");
                    return Some(format!("the provenance names {source}, not its repository"));
                }
            }
        }
    }
    (!named).then(|| "no provenance of its own names its repository as the source".to_owned())
}

/// The digests on which something was seen, or would have been if it were there.
fn known(digests: &[&SeenDigest], is_seen: impl Fn(&SeenDigest) -> bool) -> usize {
    digests
        .iter()
        .filter(|digest| digest.is_read || is_seen(digest))
        .count()
}

fn signs(signer: &SeenSigner, digest: &SeenDigest) -> bool {
    digest.statements.iter().any(|one| one.signer == *signer)
}

/// Whether that many are most of them.
const fn is_most(count: usize, of: usize) -> bool {
    count * 2 > of
}

/// Learns a policy.
pub fn learn(all: &[SeenDigest]) -> LearnedPolicy {
    let mut learned = LearnedPolicy {
        digests: all.iter().filter(|digest| digest.is_read).count(),
        ..LearnedPolicy::default()
    };
    let mut services: BTreeMap<&ServiceId, Vec<&SeenDigest>> = BTreeMap::new();
    for digest in all {
        services.entry(&digest.service).or_default().push(digest);
    }
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    for (service, digests) in &services {
        let statements = digests.iter().flat_map(|digest| &digest.statements);
        let signers: BTreeSet<&SeenSigner> = statements.map(|one| &one.signer).collect();
        let mut best: Option<LearnedChoice<SeenSigner>> = None;
        for signer in signers {
            let count = digests.iter().filter(|digest| signs(signer, digest)).count();
            let of = known(digests, |digest| signs(signer, digest));
            let why = match is_most(count, digests.len()) {
                // Most of all of them, for somebody who hides the others must gain nothing.
                false if is_most(count + digests.len() - of, digests.len()) => {
                    Some("the evidence of the others could not be read, so these are not most of them".to_owned())
                }
                false => Some("it does not sign most of them".to_owned()),
                true => objection(signer, digests),
            };
            let choice = LearnedChoice {
                value: signer.clone(),
                count,
                of,
            };
            match (why, &best) {
                (None, None) => best = Some(choice),
                (None, Some(other)) if other.count < count => best = Some(choice),
                (None, Some(_)) => {}
                (Some(why), _) => {
                    let what = format!("{} signs {count} of {of} pinned digests of {service}", signer.words());
                    seen.insert((what, why));
                }
            }
        }
        if let Some(best) = best {
            learned.signers.insert((*service).clone(), best);
        }
    }
    learned.seen = seen.into_iter().map(|(what, why)| format!("{what}: {why}")).collect();
    contents(&mut learned, all, &services);
    learned
}

/// What the proposed signers say.
fn contents(learned: &mut LearnedPolicy, all: &[SeenDigest], services: &BTreeMap<&ServiceId, Vec<&SeenDigest>>) {
    let signers = learned.signers.clone();
    // Where a service has no signer of its own, that of most services signs by default.
    let default = default_signer(&signers);
    let trusted = |digest: &SeenDigest, one: &SeenStatement| {
        let signer = signers
            .get(&digest.service)
            .map(|choice| &choice.value)
            .or(default.as_ref());
        Some(&one.signer) == signer
    };
    // Whose word says where a service comes from: nobody's but its own signer's.
    let is_own = |digest: &SeenDigest, one: &SeenStatement| {
        let own = signers.get(&digest.service);
        own.is_some_and(|choice| choice.value == one.signer)
    };
    let every: Vec<&SeenDigest> = all.iter().collect();
    let by = |digest: &SeenDigest, wanted: &dyn Fn(&SeenStatement) -> bool| {
        digest.statements.iter().any(|one| trusted(digest, one) && wanted(one))
    };
    for kind in EvidenceKind::ALL
        .into_iter()
        .filter(|kind| *kind != EvidenceKind::Other)
    {
        let carries = |digest: &SeenDigest| by(digest, &|one| one.kind == kind);
        let count = all.iter().filter(|digest| carries(digest)).count();
        let of = known(&every, carries);
        let choice = LearnedChoice { value: kind, count, of };
        match (is_most(count, all.len()), count) {
            (_, 0) => {}
            (true, _) => learned.kinds.push(choice),
            (false, _) => {
                let why = match is_most(count + all.len() - of, all.len()) {
                    true => "the evidence of the others could not be read",
                    false => "not most of them",
                };
                let told = format!("{count} of {of} pinned digests carry a {kind}: {why}");
                learned.seen.push(told);
            }
        }
    }
    let provenance = |one: &SeenStatement| one.kind == EvidenceKind::Provenance;
    let mut builders: BTreeMap<&str, usize> = BTreeMap::new();
    let mut is_named = true;
    for digest in all {
        let mut own: BTreeSet<&str> = BTreeSet::new();
        for one in digest
            .statements
            .iter()
            .filter(|one| trusted(digest, one) && provenance(one))
        {
            is_named &= one.builder.is_some();
            own.extend(one.builder.as_deref());
        }
        for builder in own {
            *builders.entry(builder).or_default() += 1;
        }
        learned.warned |= by(digest, &|one| one.result.as_deref() == Some("WARNED"));
    }
    if is_named {
        learned.builders = builders
            .into_iter()
            .map(|(value, count)| LearnedChoice {
                value: value.to_owned(),
                count,
                of: known(&every, |digest| digest.statements.iter().any(provenance)),
            })
            .collect();
    }
    learned.asks_source = true;
    let mut any = false;
    for (service, digests) in services {
        let mut sources: BTreeMap<String, usize> = BTreeMap::new();
        let mut unnamed = 0;
        for digest in digests {
            let own = digest
                .statements
                .iter()
                .filter(|one| is_own(digest, one) && provenance(one));
            let named: BTreeSet<Option<String>> = own
                .map(|one| {
                    SourceRepository::parse(one.source.as_deref()?)
                        .ok()
                        .map(|source| source.to_string())
                })
                .collect();
            for source in named {
                match source {
                    Some(source) => *sources.entry(source).or_default() += 1,
                    None => unnamed += 1,
                }
            }
        }
        let several = sources.len() > 1 || unnamed > 0;
        learned.asks_source &= !several;
        if several {
            let all: Vec<String> = sources.into_keys().collect();
            learned.seen.push(format!(
                "the provenance of {service} names no single source: {}",
                all.join(", ")
            ));
        } else if let Some((value, count)) = sources.into_iter().next() {
            any = true;
            let of = known(digests, |digest| digest.statements.iter().any(provenance));
            learned
                .sources
                .insert((*service).clone(), LearnedChoice { value, count, of });
        }
    }
    learned.asks_source &= any;
}

/// The signer of most services.
pub(crate) fn default_signer(signers: &BTreeMap<ServiceId, LearnedChoice<SeenSigner>>) -> Option<SeenSigner> {
    let mut counts: BTreeMap<&SeenSigner, usize> = BTreeMap::new();
    for choice in signers.values() {
        *counts.entry(&choice.value).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(signer, count)| (*count, matches!(signer, SeenSigner::Key(_))));
    most.map(|(signer, _)| signer.clone())
}

#[cfg(test)]
#[path = "learned_tests.rs"]
mod tests;

//! What the past of a repository's last commit came to, kept on disk: the next commit's past is read from there on.
//!
//! As with kept surveys ([`super::survey_cache`]), only boards are made of it, and entries lie in a [`SealedFolder`]. An
//! entry is taken only where the history that is read leads to its commit, and where nothing changed of the rules that it was read by
//! ([`super::lineage::trace_on`]); after a branch was rewritten, everything is read again.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::compact;
use super::ledger::PolicyAtTip;
use super::lineage::KnownPast;
use super::pin_states::{AskedRules, PastRules};
use super::sealed_folder::{EntryName, FolderBounds, SealedFolder};
use crate::domain::history::{HistoryKey, PinIdentity, PinOwner};
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::pin::PinnedBy;
use crate::domain::reference::Repository;
use crate::sources::evidence::SealKey;
use crate::sources::git::Tip;

/// Name of the folder, in the cache.
pub(super) const FOLDER: &str = "pasts";

/// Raised whenever the layout of entries changes.
const LAYOUT: u32 = 2;

/// One of each repository and policy.
const BOUNDS: FolderBounds = FolderBounds {
    entries: 16,
    entry_bytes: 32 << 20,
};

/// The pasts of last commits, from earlier runs.
#[derive(Debug, Clone)]
pub(super) struct PastCache(SealedFolder);

/// The name of what is kept of a branch under a policy, whatever commit it is at.
pub(super) fn name(policy: &PolicyAtTip, tip: &Tip, remote_url: Option<&str>) -> EntryName {
    let mut name = EntryName::new(LAYOUT);
    let team = &policy.team;
    name.part(b"past")
        .part(env!("PINDECK_SOURCES").as_bytes())
        .part(format!("{:?}", (&team.environments, &team.services, &team.ignore)).as_bytes())
        .part(policy.text.as_bytes())
        .part(tip.path.as_bytes())
        .part(tip.branch.as_bytes())
        .part(remote_url.unwrap_or_default().as_bytes());
    name
}

impl PastCache {
    pub(super) fn new(dir: PathBuf, key: SealKey) -> Self {
        Self(SealedFolder::new(dir, key, BOUNDS))
    }

    /// What is kept under that name.
    pub(super) fn get(&self, name: &EntryName) -> Option<KnownPast> {
        let name = name.digest();
        let kept: Option<StoredPast> = compact::decode(&self.0.get_bytes(name)?);
        if kept.is_none() {
            self.0.remove(name);
        }
        Some(kept?.restore())
    }

    /// Keeps a past in the place of an older one. A cache that cannot be written is no failure of the question.
    pub(super) fn put(&self, name: &EntryName, past: &KnownPast) {
        if let Some(body) = compact::encode(&StoredPast::of(past)) {
            self.0.put_bytes(name.digest(), &body);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredPast {
    head: String,
    rules: PastRules,
    asked: AskedRules,
    is_whole: bool,
    pinned: Vec<StoredPinning>,
    earlier: Vec<(ServiceId, EnvId, Vec<Digest>)>,
}

/// Who pinned one thing.
#[derive(Serialize, Deserialize)]
struct StoredPinning {
    service: ServiceId,
    environment: EnvId,
    component: Option<String>,
    digest: Option<Digest>,
    /// Of what is pinned by tag only.
    tag: Option<String>,
    image: Option<Repository>,
    by: Option<PinnedBy>,
}

impl StoredPast {
    fn of(past: &KnownPast) -> Self {
        let pinned = past.pinned.iter().filter_map(|((key, what), by)| {
            let PinOwner::Service(service) = &key.owner else {
                return None;
            };
            let (digest, tag, image) = match what {
                PinIdentity::Digest(digest) => (Some(*digest), None, None),
                PinIdentity::Tag(tag, image) => (None, tag.clone(), Some(image.clone())),
            };
            Some(StoredPinning {
                service: service.clone(),
                environment: key.environment.clone(),
                component: key.component.clone(),
                digest,
                tag,
                image,
                by: by.clone(),
            })
        });
        let earlier = past.earlier.iter();
        Self {
            head: past.head.clone(),
            rules: past.rules.clone(),
            asked: past.asked.clone(),
            is_whole: past.is_whole,
            pinned: pinned.collect(),
            earlier: earlier
                .map(|((service, env), digests)| (service.clone(), env.clone(), digests.clone()))
                .collect(),
        }
    }

    fn restore(self) -> KnownPast {
        let mut past = KnownPast {
            head: self.head,
            rules: self.rules,
            asked: self.asked,
            is_whole: self.is_whole,
            pinned: Default::default(),
            earlier: self
                .earlier
                .into_iter()
                .map(|(service, env, digests)| ((service, env), digests))
                .collect(),
        };
        for one in self.pinned {
            let what = match (one.digest, one.image) {
                (Some(digest), _) => PinIdentity::Digest(digest),
                (None, Some(image)) => PinIdentity::Tag(one.tag, image),
                (None, None) => continue,
            };
            let key = HistoryKey {
                owner: PinOwner::Service(one.service),
                environment: one.environment,
                component: one.component,
            };
            past.pinned.insert((key, what), one.by);
        }
        past
    }
}

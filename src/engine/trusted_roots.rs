//! The trusted roots in force: this build's snapshots, files of the team, and what refreshes brought.
//!
//! A pass reads what is kept when it begins. A refresh that ends meanwhile counts from the next pass.

use std::collections::BTreeMap;

use crate::domain::id::Digest;
use crate::domain::policy::{TeamPolicy, TrustRoot};
use crate::domain::trusted_root::{RefreshedRoot, RefreshedRoots, RootInForce, RootSource, named_roots};
use crate::sources::evidence::{EMBEDDED_AS_OF, embedded};
use crate::sources::tuf::{RootFolder, TufSource, VerifiedRoot};

use super::options::OpenOptions;

/// What is kept of one root.
enum Known {
    /// Nothing was ever refreshed, or nothing can be.
    Nothing,
    /// A refreshed root that counts.
    Counts(VerifiedRoot),
    /// A refreshed root that does not count, and why.
    Ignored(String),
}

/// Where a root is refreshed from; `None` for a file.
pub(super) fn source(team: &TeamPolicy, root: &TrustRoot) -> Option<TufSource> {
    let known = TufSource::known(root.refreshable()?)?;
    match &team.tuf {
        Some(own) if *root == TrustRoot::PublicGood => Some(TufSource {
            name: known.name,
            mirror: own.mirror.clone(),
            start: own.root.as_ref().map_or(known.start, |text| text.clone().into_bytes()),
        }),
        _ => Some(known),
    }
}

fn known(options: &OpenOptions, team: &TeamPolicy, root: &TrustRoot) -> Known {
    let (Some(source), Some(data)) = (source(team, root), options.data_dir.as_ref()) else {
        return Known::Nothing;
    };
    match RootFolder::of(data).read(&source) {
        Ok(None) => Known::Nothing,
        // A build that is newer than the last refresh knows what that refresh brought. Where trust begins with a root
        // of the team's own, the build knows nothing of it.
        Ok(Some(kept)) if !begins_with_own(team, root) && kept.fetched_at < EMBEDDED_AS_OF => Known::Nothing,
        Ok(Some(kept)) => Known::Counts(kept),
        Err(why) => Known::Ignored(why),
    }
}

fn begins_with_own(team: &TeamPolicy, root: &TrustRoot) -> bool {
    *root == TrustRoot::PublicGood && team.tuf.as_ref().is_some_and(|own| own.root.is_some())
}

/// The refreshed roots that count for the profiles of a team. Blocking.
pub(super) fn refreshed(options: &OpenOptions, team: &TeamPolicy) -> RefreshedRoots {
    let mut found = BTreeMap::new();
    for (root, _) in named_roots(team) {
        if let (Some(name), Known::Counts(kept)) = (root.refreshable(), known(options, team, root)) {
            let refreshed = RefreshedRoot {
                json: kept.json,
                fetched_at: kept.fetched_at,
            };
            found.insert(name, refreshed);
        }
    }
    RefreshedRoots(found)
}

/// Every root that the profiles of a team name, as it is in force. Blocking.
pub(crate) fn in_force(options: &OpenOptions, team: &TeamPolicy) -> Vec<RootInForce> {
    let named = named_roots(team).into_iter();
    named
        .map(|(root, profiles)| one_in_force(options, team, root, profiles))
        .collect()
}

pub(super) fn one_in_force(
    options: &OpenOptions,
    team: &TeamPolicy,
    root: &TrustRoot,
    profiles: Vec<String>,
) -> RootInForce {
    let mirror = source(team, root).map(|source| source.mirror);
    let standing = RootInForce {
        name: String::new(),
        source: RootSource::File,
        version: None,
        fetched_at: None,
        expires: None,
        digest: Digest::of(b""),
        mirror,
        profiles,
        problem: None,
    };
    let snapshot = |problem: Option<String>| RootInForce {
        name: root.refreshable().unwrap_or_default().to_owned(),
        source: RootSource::Embedded,
        fetched_at: Some(EMBEDDED_AS_OF),
        digest: Digest::of(embedded(root).unwrap_or_default().as_bytes()),
        problem: problem.map(Into::into),
        ..standing.clone()
    };
    match (root, known(options, team, root)) {
        (TrustRoot::File { name, json }, _) => RootInForce {
            name: name.clone(),
            digest: Digest::of(json.as_bytes()),
            ..standing
        },
        (_, Known::Nothing) => snapshot(None),
        (_, Known::Ignored(why)) => snapshot(Some(why)),
        (_, Known::Counts(kept)) => RootInForce {
            name: root.refreshable().unwrap_or_default().to_owned(),
            source: RootSource::Tuf,
            version: Some(kept.versions.targets),
            fetched_at: Some(kept.fetched_at),
            expires: Some(kept.expires),
            digest: Digest::of(kept.json.as_bytes()),
            ..standing
        },
    }
}

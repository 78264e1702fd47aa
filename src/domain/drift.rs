//! Drift: where labels, pins, evidence and history no longer say the same.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{Digest, EnvId, ServiceId};
use super::reference::Repository;
use super::text::Untrusted;

/// The kinds of drift (docs/reference/contract.md, "Drift").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftKind {
    /// An immutable tag resolves to another digest than the pinned one.
    TagMoved,
    /// A pin without a digest.
    PinnedByTag,
    /// Two digests of one service carry the same version.
    RebuiltPerEnvironment,
    /// The pinned content is authoritatively gone.
    MissingFromRegistry,
    /// Trusted statements are about another digest.
    EvidenceElsewhere,
    /// The verdict is rejected.
    NotVerified,
    /// Never pinned in the environment before.
    SkippedEnvironment,
    /// Two digests of a service in one environment.
    PinSplit,
    /// A pinned digest is under a hold.
    Held,
    /// A cluster runs another image than the pinned one.
    RunningDiffers,
}

impl DriftKind {
    /// The name in JSON.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TagMoved => "tag-moved",
            Self::PinnedByTag => "pinned-by-tag",
            Self::RebuiltPerEnvironment => "rebuilt-per-environment",
            Self::MissingFromRegistry => "missing-from-registry",
            Self::EvidenceElsewhere => "evidence-elsewhere",
            Self::NotVerified => "not-verified",
            Self::SkippedEnvironment => "skipped-environment",
            Self::PinSplit => "pin-split",
            Self::Held => "held",
            Self::RunningDiffers => "running-differs",
        }
    }

    /// Whether it can come and go by what a registry has and says, while pins and contents stay as they are.
    pub(crate) const fn is_word_of_a_registry(self) -> bool {
        matches!(
            self,
            Self::TagMoved | Self::MissingFromRegistry | Self::EvidenceElsewhere | Self::NotVerified
        )
    }

    /// A few plain words for the feed.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::TagMoved => "tag moved",
            Self::PinnedByTag => "pinned by tag",
            Self::RebuiltPerEnvironment => "rebuilt",
            Self::MissingFromRegistry => "missing",
            Self::EvidenceElsewhere => "evidence elsewhere",
            Self::NotVerified => "not verified",
            Self::SkippedEnvironment => "skipped",
            Self::PinSplit => "pin split",
            Self::Held => "held",
            Self::RunningDiffers => "running differs",
        }
    }
}

/// Something that is not as git, the registry and the policy say it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Stable for the same fact from run to run, whatever was found about it and whether anybody could be
    /// asked: it is made of what is pinned where.
    pub id: String,
    /// Which of the kinds of docs/reference/contract.md, "Drift".
    pub kind: DriftKind,
    /// Name of the service, as configured or inferred.
    pub service: ServiceId,
    /// The environment; `None` for facts about the whole service.
    pub environment: Option<EnvId>,
    /// Which variant of the image, where the environment has several.
    pub component: Option<String>,
    /// The repository.
    pub image: Repository,
    /// The tag, where one is involved.
    pub tag: Option<String>,
    /// What was expected.
    pub expected: Option<Digest>,
    /// What was found.
    pub found: Option<Digest>,
    /// Since when it is known (RFC 3339).
    pub since: Timestamp,
    /// One sentence.
    pub detail: Untrusted,
}

/// What happened to one drift between two passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    /// It was not there before.
    Appeared,
    /// The same place drifts otherwise now.
    Changed,
    /// It is gone.
    Cleared,
}

/// What changed from one pass to the next, cleared ones first. Facts that stay keep the time since
/// when they are known.
pub(crate) fn events(before: &[Drift], now: &mut [Drift]) -> Vec<(Event, Drift)> {
    let now_ids: HashSet<&str> = now.iter().map(|drift| drift.id.as_str()).collect();
    let now_places: HashSet<DriftPlace<'_>> = now.iter().map(place).collect();
    let is_there = |old: &&Drift| now_ids.contains(old.id.as_str()) || now_places.contains(&place(old));
    let mut out: Vec<(Event, Drift)> = before
        .iter()
        .filter(|old| !is_there(old))
        .map(|old| (Event::Cleared, old.clone()))
        .collect();
    let mut by_id: HashMap<&str, &Drift> = HashMap::new();
    for old in before {
        by_id.entry(old.id.as_str()).or_insert(old);
    }
    let places: HashSet<DriftPlace<'_>> = before.iter().map(place).collect();
    for new in now {
        if let Some(same) = by_id.get(new.id.as_str()) {
            if (same.expected, same.found) == (new.expected, new.found) {
                new.since = same.since;
            } else {
                out.push((Event::Changed, new.clone()));
            }
        } else if places.contains(&place(new)) {
            out.push((Event::Changed, new.clone()));
        } else {
            out.push((Event::Appeared, new.clone()));
        }
    }
    out
}

/// Where something drifts, whatever was found there: kind, service, environment, component, image and tag.
type DriftPlace<'a> = (
    DriftKind,
    &'a ServiceId,
    Option<&'a EnvId>,
    Option<&'a str>,
    &'a Repository,
    Option<&'a str>,
);

fn place(drift: &Drift) -> DriftPlace<'_> {
    (
        drift.kind,
        &drift.service,
        drift.environment.as_ref(),
        drift.component.as_deref(),
        &drift.image,
        drift.tag.as_deref(),
    )
}

impl DriftKind {
    /// What identifies a drift of this kind, besides its service, environment and component.
    ///
    /// Nothing counts here that a registry has to answer for: whoever follows a drift by its id must not
    /// see a new one because a registry was silent for a while, or because it answered something new.
    fn identity(self, image: &Repository, tag: Option<&str>, expected: Option<Digest>) -> String {
        let pinned = expected.map(|digest| digest.to_string()).unwrap_or_default();
        let tag = tag.unwrap_or_default();
        match self {
            // One a place: which of several digests are shown depends on what is known about each.
            Self::PinSplit | Self::RebuiltPerEnvironment => String::new(),
            Self::PinnedByTag => format!("{image}\n{tag}"),
            Self::TagMoved => format!("{image}\n{tag}\n{pinned}"),
            Self::MissingFromRegistry
            | Self::EvidenceElsewhere
            | Self::NotVerified
            | Self::SkippedEnvironment
            | Self::Held
            | Self::RunningDiffers => format!("{image}\n{pinned}"),
        }
    }
}

impl Drift {
    #[expect(
        clippy::too_many_arguments,
        reason = "one constructor for the record, for the rules only"
    )]
    pub(super) fn new(
        kind: DriftKind,
        service: &ServiceId,
        environment: Option<&EnvId>,
        image: &Repository,
        tag: Option<&str>,
        (expected, found): (Option<Digest>, Option<Digest>),
        since: Timestamp,
        detail: String,
    ) -> Self {
        let fact = [
            kind.as_str(),
            service.as_str(),
            environment.map_or("", EnvId::as_str),
            &kind.identity(image, tag, expected),
        ]
        .join("\n");
        Self {
            id: Digest::of(fact.as_bytes()).hex()[..16].to_owned(),
            kind,
            service: service.clone(),
            environment: environment.cloned(),
            component: None,
            image: image.clone(),
            tag: tag.map(str::to_owned),
            expected,
            found,
            since,
            detail: detail.into(),
        }
    }

    /// The same about one component.
    pub(super) fn of_component(mut self, component: Option<&str>) -> Self {
        if let Some(component) = component {
            let fact = format!("{}\n{component}", self.id);
            self.id = Digest::of(fact.as_bytes()).hex()[..16].to_owned();
            self.component = Some(component.to_owned());
        }
        self
    }
}

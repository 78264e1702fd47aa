//! The board: every service × environment, as far as it is known right now.
//!
//! The engine streams [`Update`]s; the CLI folds them into one [`Board`] and prints it, the cockpit
//! folds the same stream into the board it draws. There is one fold, [`Board::apply`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::board_index::BoardIndex;
use super::candidate::{Candidate, Relation, VersionPlaces, relation_of_any};
use super::drift::Drift;
use super::evidence::{CauseKind, Evidence, EvidenceKind, EvidenceState};
use super::failure::Failure;
use super::freshness::{Answered, Seen};
use super::id::{Digest, EnvId, ServiceId, Target};
use super::pin::{Pin, PinnedBy, Unmanaged};
use super::policy::{Environment, Freeze};
use super::proposal::ProposalReport;
use super::reference::Repository;
use super::registry::Budget;
use super::running::report::RunningReport;
use super::text::Untrusted;
use super::verdict::{Outcome, Verdict};

pub(crate) use super::repository_info::{EnvironmentOrigin, Fetch, RepositoryInfo};

/// Everything the cockpit's first screen shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Board {
    /// The GitOps repository; `None` until it has been read.
    pub repository: Option<RepositoryInfo>,
    /// Environments in promotion order.
    pub environments: Vec<Environment>,
    /// Services in the order configured, then by name.
    pub services: Vec<ServiceRow>,
    /// Digests seen but not managed.
    pub unmanaged: Vec<Unmanaged>,
    /// What decides about steps forward.
    pub rules: StepRules,
    /// Drift as found by the last pass.
    pub drift: Vec<Drift>,
    /// What this run has cost the registries.
    pub budget: Budget,
    /// Things worth saying that belong to no cell.
    pub notices: Vec<Untrusted>,
    /// When the last pass ended; `None` while the first is running.
    pub finished_at: Option<Timestamp>,
    /// Where its rows and cells stand.
    pub(super) index: BoardIndex,
}

/// The rules that decide about steps, as of the commit that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRules {
    /// Every hold; `Err` = they could not be read, and nothing may step forward.
    pub holds: Result<Vec<Hold>, Untrusted>,
    /// Soak and freeze of each environment that has a policy.
    pub timing: BTreeMap<EnvId, Timing>,
}

impl Default for StepRules {
    fn default() -> Self {
        Self {
            holds: Ok(Vec::new()),
            timing: BTreeMap::new(),
        }
    }
}

/// When an environment takes a digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing {
    /// How long a digest must have been pinned in every `after` environment, in seconds.
    pub soak: Option<i64>,
    /// When nothing may be promoted.
    pub freeze: Vec<Freeze>,
}

/// One service with its candidate and its pins: a row of the board.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceRow {
    /// The service.
    pub name: ServiceId,
    /// Where CI pushes it.
    pub image: Option<Repository>,
    /// What CI offers; `Fresh(None)` = asked, and there is none.
    pub candidate: Seen<Option<Candidate>>,
    /// Verdict and evidence of the candidate, under the first environment's policy.
    pub assessment: Seen<Assessment>,
    /// Its pins, in promotion order; more than one per environment is a split pin.
    pub cells: Vec<Cell>,
}

/// One pin with everything known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What git asks for in this environment.
    pub pin: Pin,
    /// Who pinned it, when.
    pub pinned_by: Option<PinnedBy>,
    /// Which tag is compared: its own, or the one its version label names.
    pub tag: TagSource,
    /// What that tag points at now; `Fresh(None)` = the tag does not exist.
    pub tag_digest: Seen<Option<Digest>>,
    /// The tag points at an index that lists the pinned manifest, or the reverse.
    pub tag_matches_via_index: bool,
    /// Whether that tag must not move (`immutable_tags`).
    pub tag_is_immutable: bool,
    /// Verdict and evidence.
    pub assessment: Seen<Assessment>,
    /// `org.opencontainers.image.version` of the content.
    pub version: Option<Untrusted>,
    /// Digests that stand for the same image: the platform manifests that the pinned index lists, or the
    /// indexes whose verified bytes list the pinned manifest.
    pub same_image: BTreeSet<Digest>,
    /// The content is gone, by the registry's authoritative word.
    pub missing: bool,
    /// The digest was never pinned in the environment before; `None` = not applicable or unknown.
    pub skipped: Option<bool>,
    /// The hold this digest is under.
    pub hold: Option<Hold>,
    /// How the pinned digest relates to the candidate.
    pub relation: Relation,
    /// How many versions behind.
    pub behind: Option<u32>,
    /// What the clusters of the environment run of it. An observation: no verdict and no gate reads it. Not checked
    /// where no cluster is named, and for a pin by tag.
    pub running: Seen<RunningReport>,
    /// What is proposed for it on a branch of its own. No verdict and no gate reads it.
    pub proposal: Option<Box<ProposalReport>>,
}

/// The tag a pin is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TagSource {
    /// There is none.
    #[default]
    None,
    /// Written beside the pin.
    Pin(String),
    /// Named by the content's version label.
    VersionLabel(String),
}

impl TagSource {
    /// The tag to compare with, without its colon; `None` where there is none.
    pub(crate) fn tag(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Pin(tag) | Self::VersionLabel(tag) => Some(tag),
        }
    }
}

/// A verdict with the evidence it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The verdict; `None` where no policy applies, so nothing was judged.
    pub verdict: Option<Verdict>,
    /// Every statement with its checks. Boards, passes and answers share them.
    pub evidence: Arc<Vec<Evidence>>,
}

impl Assessment {
    /// Why there is no verdict, if something needed for it could not be reached.
    pub(crate) fn unreachable(&self) -> Option<Failure> {
        let verdict = self.verdict.as_ref().filter(|v| v.result == Outcome::Unknown)?;
        let cause = verdict.causes.iter().find(|c| c.cause == CauseKind::Unreachable)?;
        Some(Failure::unreachable(cause.detail.clone()))
    }
}

/// A digest that may not step forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Name of the service, as configured or inferred.
    pub service: ServiceId,
    /// The environment it was reverted in; later ones are closed too.
    pub environment: EnvId,
    /// The digest that may not step forward.
    pub digest: Digest,
    /// Why.
    pub reason: Untrusted,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Who.
    pub by: Option<Untrusted>,
}

/// Identifies a cell: the full tuple, never an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinKey {
    /// Service and environment.
    pub target: Target,
    /// Which variant of the image, where the environment has several.
    pub component: Option<String>,
    /// The image it names (a service may live in several repositories).
    pub image: Repository,
    /// The pinned digest, if pinned by digest.
    pub digest: Option<Digest>,
    /// The tag, if pinned by tag only.
    pub tag: Option<String>,
}

impl Pin {
    /// The key of this pin's cell.
    pub fn key(&self) -> PinKey {
        PinKey {
            target: self.target.clone(),
            component: self.component.clone(),
            image: self.image.clone(),
            digest: self.digest,
            tag: if self.digest.is_none() { self.tag.clone() } else { None },
        }
    }
}

impl Cell {
    /// A cell of which only the pin is known.
    pub(crate) fn new(pin: Pin) -> Self {
        Self {
            tag: pin.tag.clone().map_or(TagSource::None, TagSource::Pin),
            pin,
            pinned_by: None,
            tag_digest: Seen::NotChecked,
            tag_matches_via_index: false,
            tag_is_immutable: false,
            assessment: Seen::NotChecked,
            version: None,
            same_image: BTreeSet::new(),
            missing: false,
            skipped: None,
            hold: None,
            relation: Relation::None,
            behind: None,
            running: Seen::NotChecked,
            proposal: None,
        }
    }

    /// Whether anything about this pin could not be asked in the last pass.
    pub(crate) fn is_unreachable(&self) -> bool {
        self.tag_digest.is_unreachable() || self.is_unjudged()
    }

    /// Whether it could not be judged in the last pass, because something could not be asked.
    pub(crate) fn is_unjudged(&self) -> bool {
        self.assessment.is_unreachable()
            || self
                .verdict()
                .is_some_and(|v| v.causes.iter().any(|c| c.cause == CauseKind::Unreachable))
    }

    /// Whether an index and one of its own platform manifests are meant, or the very same digest.
    pub(crate) fn is_same_image(&self, other: &Cell) -> bool {
        let (Some(here), Some(there)) = (self.pin.digest, other.pin.digest) else {
            return false;
        };
        here == there || self.same_image.contains(&there) || other.same_image.contains(&here)
    }

    /// The verdict, however old.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.assessment.value().and_then(|a| a.verdict.as_ref())
    }
}

/// One thing the engine found out. Plain data, so that a recorded run replays.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// The repository has been read: the skeleton of the board.
    Opened {
        /// The git repository, its branch and the commit that counts.
        repository: RepositoryInfo,
        /// Environments in promotion order.
        environments: Vec<Environment>,
        /// Rows with their pins; nothing else is known yet.
        services: Vec<ServiceRow>,
        /// Digests seen but not managed.
        unmanaged: Vec<Unmanaged>,
    },
    /// What decides about steps forward, as of the commit that was read.
    Rules(StepRules),
    /// Who pinned one pin.
    PinnedBy(PinKey, PinnedBy),
    /// Whether a pin's digest skipped the environment before.
    Skipped(PinKey, Option<bool>),
    /// The candidate of a service.
    Candidate(ServiceId, Answered<Option<Candidate>>),
    /// The candidate's verdict.
    CandidateAssessed(ServiceId, Answered<Assessment>),
    /// What a pin's tag points at.
    Tag {
        /// Which pin.
        key: PinKey,
        /// Which tag was asked for.
        source: TagSource,
        /// Whether it must not move.
        immutable: bool,
        /// The answer; `Ok(None)` = the tag does not exist.
        digest: Answered<Option<Digest>>,
        /// Index and platform manifest of the same image.
        matches_via_index: bool,
    },
    /// The verdict of a pin.
    Assessed {
        /// Which pin.
        key: PinKey,
        /// Verdict and evidence.
        assessment: Answered<Assessment>,
        /// Version label of the content.
        version: Option<Untrusted>,
        /// Digests that stand for the same image ([`Cell::same_image`]).
        same_image: BTreeSet<Digest>,
        /// Authoritatively gone.
        missing: bool,
    },
    /// What the clusters run of one pin.
    Running(PinKey, Answered<RunningReport>),
    /// All proposals: a pin that is not among them has none.
    Proposals(Vec<(PinKey, ProposalReport)>),
    /// All drift, after a pass.
    Drift(Vec<Drift>),
    /// The running cost.
    Budget(Budget),
    /// Something worth saying.
    Notice(Untrusted),
    /// The pass is over.
    Finished(Timestamp),
}

impl Board {
    /// Why nothing is known of an environment, if nothing is: it is not one without pins.
    pub(crate) fn unread(&self, environment: &EnvId) -> Option<&Failure> {
        self.repository.as_ref()?.unread(environment)
    }

    /// When the oldest answer about evidence or presence on the board was asked for.
    pub fn evidence_as_of(&self) -> Option<Timestamp> {
        let in_row = |row: &ServiceRow| {
            let cells = row.cells.iter().filter_map(|cell| cell.assessment.at());
            cells.chain(row.assessment.at()).min()
        };
        self.services.iter().filter_map(in_row).min()
    }

    /// The first thing that could not be reached, if any: then the board is not the whole truth.
    pub fn unreachable(&self) -> Option<String> {
        // The name of the place is only put together once something is found: this is asked at every frame.
        let unknown = |what: &dyn Fn() -> String, seen: &Seen<Assessment>| match seen {
            Seen::Unreachable { failure, .. } => Some(format!("{}: {}", what(), failure.sentence().clean())),
            _ => {
                let verdict = seen.value()?.verdict.as_ref()?;
                let cause = verdict.causes.iter().find(|c| c.cause == CauseKind::Unreachable)?;
                Some(format!("{}: {}", what(), cause.detail.clean()))
            }
        };
        let stale = self.repository.as_ref().and_then(|repository| match &repository.fetch {
            Fetch::Failed(_, error) => Some(format!("the newest commit: {}", error.clean())),
            Fetch::Fresh(_) | Fetch::NotAsked => None,
        });
        let mut elsewhere = self.repository.iter().flat_map(RepositoryInfo::trouble_elsewhere);
        let stale = stale.or_else(|| {
            let (environment, why) = elsewhere.next()?;
            let (named, why) = (format!("environment {environment}"), why.clean().into_string());
            // Most reasons name it themselves.
            Some(match why.starts_with(&format!("{named} ")) {
                true => why,
                false => format!("{named}: {why}"),
            })
        });
        let in_rows = || {
            self.services.iter().find_map(|row| {
                let candidate = match &row.candidate {
                    Seen::Unreachable { failure, .. } => {
                        Some(format!("candidate of {}: {}", row.name, failure.sentence().clean()))
                    }
                    _ => unknown(&|| format!("candidate of {}", row.name), &row.assessment),
                };
                candidate.or_else(|| {
                    row.cells.iter().find_map(|cell| match &cell.tag_digest {
                        Seen::Unreachable { failure, .. } => {
                            Some(format!("tag of {}: {}", cell.pin.target, failure.sentence().clean()))
                        }
                        _ => unknown(&|| cell.pin.target.to_string(), &cell.assessment),
                    })
                })
            })
        };
        stale.or_else(in_rows)
    }
}

impl ServiceRow {
    /// A row of which only the pins are known.
    pub(crate) fn new(name: ServiceId, image: Option<Repository>, pins: Vec<Pin>) -> Self {
        Self {
            name,
            image,
            candidate: Seen::NotChecked,
            assessment: Seen::NotChecked,
            cells: pins.into_iter().map(Cell::new).collect(),
        }
    }

    /// Whether the candidate's provenance verifies: else it is only claimed by its tag.
    pub(crate) fn ci_built(&self) -> bool {
        let evidence = self.assessment.value().map_or(&[][..], |a| &a.evidence);
        let candidate = self.candidate.value().and_then(Option::as_ref).map(|c| c.digest);
        evidence.iter().any(|e| {
            e.kind == EvidenceKind::Provenance && e.state == EvidenceState::Verified && Some(e.attached_to) == candidate
        })
    }

    /// The first cell of an environment.
    pub fn cell(&self, environment: &EnvId) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| cell.pin.target.environment == *environment)
    }
}

impl Cell {
    /// Compares its pin with the versions of its service's candidate.
    pub(super) fn relate(&mut self, versions: Option<&VersionPlaces>) {
        (self.relation, self.behind) = match (versions, self.pin.digest) {
            (Some(versions), Some(digest)) => {
                let by_tag = self.tag_digest.value().copied().flatten();
                let by_tag = by_tag.filter(|_| self.tag_matches_via_index);
                let same_image = self.same_image.iter().copied().chain(by_tag);
                relation_of_any(digest, same_image, versions)
            }
            _ => (Relation::None, None),
        };
    }
}

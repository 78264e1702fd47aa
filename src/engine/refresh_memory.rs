//! What an engine knows of its own earlier refreshes.

use std::sync::Arc;

use crate::domain::board::Fetch;
use crate::domain::drift::Drift;
use crate::domain::id::Digest;
use crate::domain::policy::TeamPolicy;
use crate::domain::text::Untrusted;
use crate::sources::evidence::Trust;
use crate::sources::git::FetchedRefs;
use crate::sources::registry::Registry;

use super::kept_answers::KeptAnswers;
use super::running::sightings::RunningSightings;
use super::survey_cache::KeptSurvey;

/// What stays true from one refresh to the next.
#[derive(Default)]
pub(super) struct RefreshMemory {
    /// The last survey, by the name of its entry in the cache.
    pub(super) survey: Option<(Digest, KeptSurvey)>,
    pub(super) tools: Option<(Arc<TeamPolicy>, Registry, Arc<Trust>)>,
    pub(super) drift: Vec<Drift>,
    pub(super) answers: KeptAnswers,
    /// What clusters were seen to run, where no state folder remembers it.
    pub(super) sightings: RunningSightings,
    /// How the last fetch ended.
    pub(super) fetch: Option<Fetch>,
    /// What it said of the remote's branches; `None` = nothing was fetched, or it failed.
    pub(super) fetched: Option<FetchedRefs>,
    /// Why the last refresh of trusted roots in the background failed, if it did.
    pub(super) root_trouble: Option<Untrusted>,
}

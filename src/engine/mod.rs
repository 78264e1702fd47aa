//! Uses the sources to answer domain questions. CLI and cockpit share it; neither can step around
//! what it decides.

pub(crate) mod assess;
pub(crate) mod cache;
pub(crate) mod candidate_lookup;
pub(crate) mod check;
pub(crate) mod cluster_access;
pub(crate) mod collect;
mod context;
pub(crate) mod diff;
pub mod effective;
mod elsewhere;
mod environment_paths;
pub mod history;
pub(crate) mod holds;
mod image_labels;
pub(crate) mod image_presence;
pub mod include_graph;
pub mod journal;
pub mod ledger;
pub mod lineage;
mod named_scans;
pub(crate) mod once_map;
mod open;
mod options;
pub mod past_cache;
pub mod pin_states;
pub mod pins;
pub(crate) mod refresh;
pub(crate) mod registry_memo;
pub(crate) mod release;
pub(crate) mod root_refresh;
pub(crate) mod running;
mod sealed_folder;
pub(crate) mod settings;
pub mod statement_room;
pub mod survey;
mod survey_cache;
pub(crate) mod tag_journal;
pub(crate) mod trusted_roots;
mod vendored;
pub(crate) mod verdict_cache;
pub mod verify;
pub(crate) mod watch;

pub use open::Engine;
pub use options::OpenOptions;

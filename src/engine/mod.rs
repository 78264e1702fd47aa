//! Uses the sources to answer domain questions. CLI and cockpit share it; neither can step around
//! what it decides.

pub mod assess;
pub mod cache;
pub mod candidate_lookup;
pub mod collect;
mod context;
pub mod diff;
pub mod effective;
mod environment_paths;
pub mod history;
pub mod holds;
mod image_labels;
pub mod image_presence;
pub mod include_graph;
pub mod journal;
pub mod ledger;
pub mod lineage;
pub mod once_map;
mod open;
mod options;
pub mod pin_states;
pub mod pins;
pub mod refresh;
pub mod registry_memo;
pub mod release;
pub mod settings;
pub mod tag_journal;
mod vendored;
pub mod verdict_cache;
pub mod verify;
pub mod watch;

pub use open::Engine;
pub use options::OpenOptions;

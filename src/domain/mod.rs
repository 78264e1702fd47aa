//! The release model: pure data and pure decisions.
//!
//! Nothing in here reads a clock, a file, a socket or a terminal. Adapters under
//! [`crate::sources`] produce these types; [`crate::engine`] combines them; `app` and `view`
//! show them. Time is always an argument.

mod acceptance;
pub mod admission;
pub mod board;
mod board_index;
mod board_search;
pub(crate) mod candidate;
pub(crate) mod candidate_order;
pub(crate) mod check;
pub(crate) mod component;
pub(crate) mod diff;
pub mod drift;
pub(crate) mod drift_rules;
pub mod environment_repository;
pub mod evidence;
pub mod failure;
mod fold;
pub(crate) mod foreseen;
pub(crate) mod freshness;
pub(crate) mod gate;
pub mod history;
pub(crate) mod hold;
pub mod id;
pub(crate) mod known_good;
pub(crate) mod learned;
pub mod loose_copy;
pub(crate) mod message;
pub mod pattern;
pub mod pin;
pub mod pin_set;
pub(crate) mod pin_walk;
pub mod plan;
pub(crate) mod platform;
pub mod policy;
pub mod proposal;
pub mod recovery;
pub mod reference;
pub mod registry;
pub(crate) mod repository_info;
pub mod rotation;
pub mod running;
mod side_work;
mod signature_format;
pub mod source;
mod summary;
pub mod text;
pub mod trusted_root;
pub(crate) mod unwalked;
pub mod verdict;
mod walk_lines;
pub mod write;

pub use drift::{Drift, DriftKind};
pub use evidence::{CauseKind, Evidence, EvidenceKind};
pub(crate) use failure::{Failure, FailureKind, Hint, Part};
pub use id::{Digest, EnvId, ServiceId, Target};
pub use reference::{ImageRef, Repository};
pub(crate) use text::{Clean, Untrusted, Wording, quoted};
pub use verdict::{Cause, Outcome, Verdict};

//! The release model: pure data and pure decisions.
//!
//! Nothing in here reads a clock, a file, a socket or a terminal. Adapters under
//! [`crate::sources`] produce these types; [`crate::engine`] combines them; `app` and `view`
//! show them. Time is always an argument.

mod acceptance;
pub mod board;
pub mod candidate;
pub mod candidate_order;
pub mod component;
pub mod diff;
pub mod drift;
pub mod drift_rules;
pub mod evidence;
pub mod failure;
mod fold;
pub mod foreseen;
pub mod freshness;
pub mod history;
pub mod hold;
pub mod id;
pub mod known_good;
pub mod message;
pub mod pattern;
pub mod pin;
pub mod plan;
pub mod platform;
pub mod policy;
pub mod recovery;
pub mod reference;
pub mod registry;
pub mod repository_info;
pub mod source;
mod summary;
pub mod text;
pub mod verdict;
pub mod write;

pub use board::Board;
pub use drift::{Drift, DriftKind};
pub use evidence::{CauseKind, Evidence, EvidenceKind};
pub use failure::{Failure, FailureKind, Hint, Part};
pub use freshness::Seen;
pub use id::{Digest, EnvId, ServiceId, Target};
pub use pin::{Location, Pin, Style};
pub use reference::{ImageRef, Repository};
pub use text::{Clean, Untrusted, Words, quoted};
pub use verdict::{Cause, Outcome, Verdict};

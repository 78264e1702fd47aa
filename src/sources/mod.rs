//! Adapters to the outside. Foreign types stop at these doors.

pub mod admission;
pub mod cluster;
mod error_text;
pub mod evidence;
pub mod forge;
pub mod git;
pub mod github;
mod loopback;
pub(crate) mod packs;
mod plain_file;
pub mod registry;
pub mod tuf;

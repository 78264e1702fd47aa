//! Adapters to the outside. Foreign types stop at these doors.

pub mod cluster;
pub mod evidence;
pub mod forge;
pub mod git;
pub mod github;
pub mod registry;
pub mod tuf;

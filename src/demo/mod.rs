//! The embedded demo world.

pub mod registry;

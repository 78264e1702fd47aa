//! Event loop, executor and clock: what ties the pure cockpit to a terminal and an engine.

pub mod backend;

pub use backend::{Backend, Job};

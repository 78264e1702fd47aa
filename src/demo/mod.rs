//! The embedded demo world: real registries over HTTP, a real git remote, real signatures, and a CI that
//! pushes while one watches. No network, no set-up.

mod cluster;
mod error;
mod history;
mod manifest;
mod oci;
mod plot;
pub mod registry;
mod release;
mod script;
mod signing;
mod world;

pub(crate) use plot::READY;
pub use script::{DemoEvent, Script};
pub use world::{DemoOptions, World};

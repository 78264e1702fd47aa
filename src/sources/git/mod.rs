//! Reading and writing git repositories.

pub mod manifest;

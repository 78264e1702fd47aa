//! Configuration: the team's `pindeck.toml` and the user's preferences, validated, with file, line
//! and the nearest valid name in every error.

pub(crate) mod approval;
mod branch;
pub(crate) mod check;
mod clusters;
mod error;
pub(crate) mod files;
mod forge;
pub(crate) mod import;
pub(crate) mod infer;
pub(crate) mod init;
pub(crate) mod init_policy;
pub(crate) mod left_out;
mod platforms;
mod raw;
pub(crate) mod rbac;
pub mod team;
mod toml_text;
mod trust;
pub mod user;
mod values;
mod variants;

pub(crate) use error::{ConfigError, unknown};
pub(crate) use user::UserConfig;

//! Configuration: the team's `pindeck.toml` and the user's preferences, validated, with file, line
//! and the nearest valid name in every error.

pub mod approval;
pub mod check;
mod error;
pub mod files;
pub mod infer;
pub mod init;
pub mod left_out;
mod platforms;
mod raw;
pub mod team;
mod trust;
pub mod user;
mod values;
mod variants;

pub use error::{ConfigError, unknown};
pub use user::UserConfig;

//! `pindeck resume`.

use super::args::Resume;
use super::outcome::Failure;
use super::situation::Situation;

/// Runs it.
///
/// # Errors
/// If it cannot be done.
pub async fn run(_at: &Situation, _args: &Resume) -> Result<u8, Failure> {
    Err(super::not_yet("`pindeck resume`"))
}

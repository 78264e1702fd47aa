//! `pindeck pin`.

use super::args::Pin;
use super::outcome::Failure;
use super::situation::Situation;

/// Runs it.
///
/// # Errors
/// If it cannot be done.
pub async fn run(_at: &Situation, _args: &Pin) -> Result<u8, Failure> {
    Err(super::not_yet("`pindeck pin`"))
}

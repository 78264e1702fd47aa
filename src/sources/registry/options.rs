//! What a client of registries is told when it is made.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::cache::ContentCache;
use super::credentials::Credentials;
use crate::domain::registry::RegistrySettings;

/// What a [`Registry`](super::Registry) needs to know.
#[derive(Debug, Default)]
pub struct Options {
    /// Settings by registry name, as in `[registries."…"]`.
    pub settings: BTreeMap<String, RegistrySettings>,
    /// Where credentials come from.
    pub credentials: Credentials,
    /// Content by digest on disk; `None` keeps nothing.
    pub cache: Option<ContentCache>,
    /// Folder of what is remembered from run to run: which registries have listed referrers. `None`
    /// remembers nothing.
    pub memory: Option<PathBuf>,
    /// Answer from the cache only.
    pub offline: bool,
}

//! Referrers: what points at a manifest (OCI distribution spec, "Listing Referrers").

use super::manifest::Descriptor;

/// How referrers were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferrersVia {
    /// The registry's referrers API.
    Api,
    /// The `sha256-<hex>` fallback tag.
    FallbackTag,
    /// The registry has no API, and there is no fallback tag: nothing refers to it.
    Unsupported,
}

/// All referrers of one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrers {
    /// How they were found.
    pub via: ReferrersVia,
    /// Them, sorted by digest. Annotations and artifact types here are the registry's word; only
    /// the manifest itself counts.
    pub descriptors: Vec<Descriptor>,
}

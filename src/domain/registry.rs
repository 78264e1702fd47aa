//! Registries as domain data: settings and the request budget.

use serde::Serialize;

/// Settings of one registry from `[registries."…"]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistrySettings {
    /// Talk to this base URL instead of `https://<name>`.
    pub endpoint: Option<String>,
    /// Allow plain HTTP to an address that is not loopback.
    pub insecure_http: bool,
    /// PEM text of an additional CA.
    pub ca: Option<String>,
    /// Upper limit of requests per second.
    pub requests_per_second: Option<u32>,
    /// Never send credentials (settings of a repository's own file that nobody approved).
    pub anonymous: bool,
}

/// What this run has cost the registries, and the forge where it was asked about proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Budget {
    /// All requests sent, token requests and retries included.
    pub requests: u64,
    /// Of these, HEAD.
    pub head: u64,
    /// Of these, GET.
    pub get: u64,
    /// Answers served from the content cache.
    pub from_cache: u64,
    /// Answers with status 429.
    pub rate_limited: u64,
}

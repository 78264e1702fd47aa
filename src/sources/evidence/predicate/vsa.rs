//! SLSA verification summaries (<https://slsa.dev/spec/v1.0/verification_summary>).

use std::borrow::Cow;

use serde::Deserialize;

use super::time::time;
use crate::domain::evidence::VsaSummary;
use crate::domain::text::{Untrusted, quoted};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vsa<'a> {
    #[serde(borrow)]
    verifier: Verifier<'a>,
    #[serde(borrow, alias = "verification_result")]
    verification_result: Cow<'a, str>,
    #[serde(default)]
    verified_levels: Option<Vec<String>>,
    /// v0.1 and v0.2 drafts.
    #[serde(default, alias = "policy_level")]
    policy_level: Option<String>,
    #[serde(default, borrow, alias = "time_verified")]
    time_verified: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Verifier<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

pub(super) fn parse(predicate: &str) -> Result<VsaSummary, String> {
    let read: Vsa<'_> =
        serde_json::from_str(predicate).map_err(|e| format!("no verification summary: {}", quoted(&e)))?;
    let result = &*read.verification_result;
    if !matches!(result, "PASSED" | "FAILED") {
        return Err(format!("verificationResult is {result:?}, neither PASSED nor FAILED"));
    }
    let levels = read.verified_levels.unwrap_or_default();
    Ok(VsaSummary {
        verifier: Some(Untrusted::from(&*read.verifier.id)),
        result: Some(Untrusted::from(&*read.verification_result)),
        levels: levels
            .into_iter()
            .chain(read.policy_level)
            .map(Untrusted::new)
            .collect(),
        verified_at: time(read.time_verified.as_deref()),
    })
}

//! Whose certificate it is, against whom the trust profile names.

use sigstore_crypto::{CertificateInfo, FulcioCiClaims};

use crate::domain::pattern::anchored;
use crate::domain::policy::{Identity, Match};

/// What fits, or why not: which of SAN, issuer or claims kept the closest identity out.
pub(super) enum IdentityMatch {
    /// An identity of the profile fits.
    Yes,
    /// The SAN is nobody the profile names.
    San,
    /// The SAN is, the issuer is not.
    Issuer,
    /// Both are, a claim is not.
    Claim(String),
}

/// Compares a certificate, whose name is `san`, with every identity of a profile; the closest decides what
/// is said.
pub(super) fn fits(
    identities: &[Identity],
    san: Option<&str>,
    certificate: &CertificateInfo,
    service: Option<&str>,
) -> IdentityMatch {
    let issuer = certificate.issuer.as_deref();
    let mut closest = IdentityMatch::San;
    for identity in identities {
        // A certificate without a name is nobody.
        if !san.is_some_and(|san| matches(&identity.san, san, service)) {
            continue;
        }
        let issued = match (&identity.issuer, issuer) {
            (Some(rule), Some(issuer)) => matches(rule, issuer, service),
            (Some(_), None) => false,
            // The profile says that there is none: one that is there is another signer's.
            (None, found) => found.is_none(),
        };
        if !issued {
            if matches!(closest, IdentityMatch::San) {
                closest = IdentityMatch::Issuer;
            }
            continue;
        }
        match identity.claims.iter().find_map(|(name, wanted)| {
            let found = claim(&certificate.ci_claims, name);
            let wanted = fill(wanted, service)?;
            (found.as_deref() != Some(wanted.as_str())).then(|| match found {
                Some(found) => format!("{name} is {found:?}, not {wanted:?}"),
                None => format!("the certificate does not say {name}, which must be {wanted:?}"),
            })
        }) {
            None if identity.claims.values().all(|c| fill(c, service).is_some()) => return IdentityMatch::Yes,
            None => closest = IdentityMatch::Claim("a claim needs the service's name, and there is none".to_owned()),
            Some(why) => closest = IdentityMatch::Claim(why),
        }
    }
    closest
}

/// What the profile would accept, for people.
pub(super) fn accepted(identities: &[Identity], service: Option<&str>) -> String {
    let name = |rule: &Match| match rule {
        Match::Exact(text) => fill(text, service).unwrap_or_else(|| text.clone()),
        Match::Regex(text) => format!("/{text}/"),
    };
    let all: Vec<String> = identities.iter().take(3).map(|i| name(&i.san)).collect();
    let more = identities.len().saturating_sub(3);
    match (all.is_empty(), more) {
        (true, _) => "no certificate".to_owned(),
        (false, 0) => all.join(" or "),
        (false, more) => format!("{} or {more} more", all.join(" or ")),
    }
}

fn matches(rule: &Match, text: &str, service: Option<&str>) -> bool {
    match rule {
        Match::Exact(wanted) => fill(wanted, service).is_some_and(|wanted| wanted == text),
        Match::Regex(pattern) => anchored(pattern, service)
            .ok()
            .flatten()
            .is_some_and(|regex| regex.is_match(text)),
    }
}

const SERVICE: &str = "{service}";

/// Fills in the service's name; `None` if it is needed and there is none.
fn fill(text: &str, service: Option<&str>) -> Option<String> {
    if !text.contains(SERVICE) {
        return Some(text.to_owned());
    }
    service.map(|name| text.replace(SERVICE, name))
}

/// A claim by the name that `pindeck.toml` uses. The provider-neutral extension decides; GitHub's
/// deprecated one only where a certificate has no other.
fn claim(claims: &FulcioCiClaims, name: &str) -> Option<String> {
    let old = &claims.deprecated_github;
    match name {
        "source_repository" => claims
            .source_repository_uri
            .clone()
            .or_else(|| Some(format!("https://github.com/{}", old.workflow_repository.as_ref()?))),
        "source_ref" => claims
            .source_repository_ref
            .clone()
            .or_else(|| old.workflow_ref.clone()),
        "workflow" => claims.build_config_uri.clone().or_else(|| old.workflow_name.clone()),
        "runner_environment" => claims.runner_environment.clone(),
        "build_trigger" => claims.build_trigger.clone().or_else(|| old.workflow_trigger.clone()),
        _ => None,
    }
}

//! Proving who asks: no ping, the registry's own challenge, one token per scope set.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, Url};
use tokio::time::Instant;

use super::challenge::{self, Challenge};
use super::credentials::{Credential, Credentials, Secret};
use super::endpoint::{authority, is_loopback};
use super::error::RegistryError;
use super::lock::locked;
use super::request::HttpRequest;
use super::response::Response;
use super::transport::Transport;
use crate::domain::{Repository, Wording};

/// Most bytes of a token answer.
const TOKEN_CAP: u64 = 64 << 10;
/// A token's lifetime where the answer has none (distribution token specification).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A token is renewed this long before it ends.
const MARGIN: Duration = Duration::from_secs(15);

/// Token scopes, `repository:path:actions` each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Scopes(BTreeMap<String, BTreeSet<String>>);

impl Scopes {
    /// Reading one repository.
    pub(super) fn pull(repository: &Repository) -> Self {
        Self::default().with(repository, &["pull"])
    }

    /// These and actions on one more repository.
    pub(super) fn with(mut self, repository: &Repository, actions: &[&str]) -> Self {
        let of = self.0.entry(format!("repository:{}", repository.path())).or_default();
        of.extend(actions.iter().map(|&action| action.to_owned()));
        self
    }

    /// What to ask a token for after a challenge. What this request needs is known; a challenge cannot add
    /// rights to it, or a hostile registry would have a token made out that writes, or reads what this run
    /// was never asked about. Only where a registry is talked to through an address of the team's own
    /// choice may that mirror name the same repository by a longer path of its own.
    fn for_challenge(mut self, text: &str, mirrored: bool) -> Self {
        if !mirrored {
            return self;
        }
        for scope in text.split_ascii_whitespace() {
            let Some((resource, _)) = scope.rsplit_once(':') else {
                continue;
            };
            let Some(named) = resource.strip_prefix("repository:") else {
                continue;
            };
            let own = self.0.iter().find(|(own, _)| {
                let path = own.strip_prefix("repository:").unwrap_or(own);
                named.strip_suffix(path).is_some_and(|before| before.ends_with('/'))
            });
            if let Some((_, actions)) = own {
                let actions = actions.clone();
                self.0.insert(resource.to_owned(), actions);
            }
        }
        self
    }

    fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(resource, actions)| {
            // Sorted, and so `pull,push`: the order every token service knows.
            let list: Vec<&str> = actions.iter().map(String::as_str).collect();
            format!("{resource}:{}", list.join(","))
        })
    }
}

/// For whom and for what a request is made.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub(super) repository: Repository,
    pub(super) scopes: Scopes,
    /// Never use credentials.
    pub(super) anonymous: bool,
    /// The registry is talked to through an address that its settings give.
    pub(super) mirrored: bool,
    pub(super) ca: Option<Arc<str>>,
}

/// What a registry asks for, once it has asked.
#[derive(Debug, Clone)]
enum AuthScheme {
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

/// What is known about proving who asks.
#[derive(Debug, Default)]
pub(super) struct Auth {
    pub(super) credentials: Credentials,
    schemes: Mutex<HashMap<String, AuthScheme>>,
    tokens: Mutex<HashMap<TokenKey, Arc<tokio::sync::Mutex<Option<Token>>>>>,
}

/// Registry, identity and scopes; two identities never share a token.
type TokenKey = (String, TokenIdentity, Scopes);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum TokenIdentity {
    Anonymous,
    /// The digest of the credential: distinguishes without keeping it.
    Known([u8; 32]),
}

#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    until: Instant,
}

impl Auth {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            ..Self::default()
        }
    }

    /// The header to send at once: none before the registry's first challenge.
    pub(super) async fn header(
        &self,
        transport: &Transport,
        access: &Access,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let scheme = locked(&self.schemes).get(access.repository.registry()).cloned();
        match scheme {
            None => Ok(None),
            Some(scheme) => self.prove(transport, access, &scheme, &access.scopes, None).await,
        }
    }

    /// The header that answers a 401, or the reason why there is none. `used` did not suffice.
    pub(super) async fn answer_challenge(
        &self,
        transport: &Transport,
        access: &Access,
        refused: &Response,
        request: &HttpRequest,
        used: Option<&HeaderValue>,
    ) -> Result<HeaderValue, RegistryError> {
        let (scheme, scopes) = asked(&refused.headers, access, &refused.url).ok_or_else(|| refused.refusal(request))?;
        let registry = access.repository.registry().to_owned();
        locked(&self.schemes).insert(registry, scheme.clone());
        match self.prove(transport, access, &scheme, &scopes, used).await? {
            // The same header again would only be refused again.
            Some(header) if used != Some(&header) => Ok(header),
            _ => Err(refused.refusal(request)),
        }
    }

    async fn prove(
        &self,
        transport: &Transport,
        access: &Access,
        scheme: &AuthScheme,
        scopes: &Scopes,
        used: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let credential = self.credential(access).await?;
        let (realm, service) = match (scheme, &credential) {
            (_, Some(Credential::Bearer(token))) => return secret_header("Bearer", token.expose(), access).map(Some),
            (AuthScheme::Basic, Some(Credential::Basic { user, password })) => {
                return secret_header("Basic", &user_password(user, password), access).map(Some);
            }
            (AuthScheme::Basic, _) => return Ok(None),
            (AuthScheme::Bearer { realm, service }, _) => (realm, service.as_deref()),
        };
        let key = (
            access.repository.registry().to_owned(),
            identity(credential.as_ref()),
            access.scopes.clone(),
        );
        let slot = Arc::clone(locked(&self.tokens).entry(key).or_default());
        // Locked while fetching: parallel requests wait for the one token.
        let mut slot = slot.lock().await;
        if let Some(token) = slot.as_ref()
            && token.until > Instant::now()
            && used != Some(&token.header)
        {
            return Ok(Some(token.header.clone()));
        }
        let token = fetch(transport, access, realm, service, scopes, credential.as_ref()).await?;
        Ok(Some(slot.insert(token).header.clone()))
    }

    async fn credential(&self, access: &Access) -> Result<Option<Credential>, RegistryError> {
        if access.anonymous {
            return Ok(None);
        }
        let (registry, path) = (access.repository.registry(), access.repository.path());
        let found = self.credentials.lookup(registry, path).await;
        found.map_err(|detail| RegistryError::Credentials {
            host: registry.to_owned(),
            detail,
        })
    }
}

/// The scheme and scopes a 401 asks for; Bearer before Basic.
fn asked(headers: &HeaderMap, access: &Access, at: &Url) -> Option<(AuthScheme, Scopes)> {
    let mut basic = false;
    for header in headers.get_all(WWW_AUTHENTICATE) {
        for challenge in challenge::parse(header.to_str().ok()?) {
            match challenge {
                Challenge::Basic => basic = true,
                Challenge::Bearer { realm, service, scope } => {
                    let realm = at
                        .join(&realm)
                        .ok()
                        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
                    let scopes = access.scopes.clone();
                    let scopes = scopes.for_challenge(scope.as_deref().unwrap_or_default(), access.mirrored);
                    return Some((AuthScheme::Bearer { realm, service }, scopes));
                }
            }
        }
    }
    basic.then(|| (AuthScheme::Basic, access.scopes.clone()))
}

/// A number of seconds, as an integer, a decimal fraction or a text; anything else counts as not given.
fn seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let value = <serde_json::Value as serde::Deserialize>::deserialize(from)?;
    let number = match &value {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    // A cast of a fraction cuts it off, and one of a number too large gives the largest.
    Ok(number.filter(|n: &f64| *n >= 0.0).map(|n| n as u64))
}

#[derive(serde::Deserialize)]
struct WireToken {
    token: Option<String>,
    access_token: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

async fn fetch(
    transport: &Transport,
    access: &Access,
    realm: &Url,
    service: Option<&str>,
    scopes: &Scopes,
    credential: Option<&Credential>,
) -> Result<Token, RegistryError> {
    let what = format!("a token for {}", access.repository);
    if credential.is_some() && realm.scheme() == "http" && !is_loopback(realm) {
        return Err(RegistryError::Denied {
            host: authority(realm),
            what,
            detail: Wording::own("the token service is plain HTTP; credentials are not sent there"),
        });
    }
    let mut url = realm.clone();
    let mut request = if let Some(Credential::Identity(token)) = credential {
        // OAuth2 refresh grant (distribution token specification, "OAuth2 Token Authentication").
        let mut form = realm.clone();
        form.set_query(None);
        {
            let mut pairs = form.query_pairs_mut();
            pairs.append_pair("grant_type", "refresh_token");
            pairs.append_pair("refresh_token", token.expose());
            pairs.append_pair("client_id", "pindeck");
            pairs.append_pair("service", service.unwrap_or_default());
            pairs.append_pair("scope", &scopes.texts().collect::<Vec<_>>().join(" "));
        }
        let mut request = HttpRequest::new(Method::POST, url, what, TOKEN_CAP);
        request.body = Bytes::from(form.query().unwrap_or_default().to_owned());
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.push((CONTENT_TYPE, form_type));
        request
    } else {
        {
            let mut pairs = url.query_pairs_mut();
            if let Some(service) = service {
                pairs.append_pair("service", service);
            }
            for scope in scopes.texts() {
                pairs.append_pair("scope", &scope);
            }
        }
        HttpRequest::new(Method::GET, url, what, TOKEN_CAP)
    };
    request.ca = access.ca.clone();
    let authorization = match credential {
        Some(Credential::Basic { user, password }) => {
            Some(secret_header("Basic", &user_password(user, password), access)?)
        }
        _ => None,
    };
    let response = transport.exchange(&request, authorization.as_ref()).await?;
    match response.status.as_u16() {
        200 => {}
        // A token service refuses in several ways; none of them means "go on anonymously".
        400 | 401 | 403 => {
            let detail = response.message();
            return Err(RegistryError::Denied {
                host: authority(&response.url),
                what: request.what,
                detail,
            });
        }
        _ => return Err(response.refusal(&request)),
    }
    let wire: WireToken = serde_json::from_slice(&response.body)
        .map_err(|_| response.protocol_error(&request, "its token answer is not JSON"))?;
    let given = wire
        .token
        .filter(|t| !t.is_empty())
        .or(wire.access_token)
        .filter(|t| !t.is_empty());
    let token = given.ok_or_else(|| response.protocol_error(&request, "its token answer holds no token"))?;
    let life = wire
        .expires_in
        .map_or(DEFAULT_LIFE, |n| Duration::from_secs(n.clamp(1, 86_400)));
    Ok(Token {
        header: secret_header("Bearer", &token, access)?,
        until: Instant::now() + life.saturating_sub(MARGIN.min(life / 4)),
    })
}

fn user_password(user: &str, password: &Secret) -> String {
    STANDARD.encode(format!("{user}:{}", password.expose()))
}

fn secret_header(scheme: &str, secret: &str, access: &Access) -> Result<HeaderValue, RegistryError> {
    let mut value = HeaderValue::try_from(format!("{scheme} {secret}")).map_err(|_| RegistryError::Credentials {
        host: access.repository.registry().to_owned(),
        detail: Wording::own("a token or password holds characters no header may have"),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn identity(credential: Option<&Credential>) -> TokenIdentity {
    use sha2::Digest as _;
    let Some(credential) = credential else {
        return TokenIdentity::Anonymous;
    };
    let mut hash = sha2::Sha256::new();
    match credential {
        Credential::Basic { user, password } => {
            hash.update(format!("basic:{}:{user}:", user.len()));
            hash.update(password.expose());
        }
        Credential::Identity(token) => {
            hash.update("identity:");
            hash.update(token.expose());
        }
        Credential::Bearer(token) => {
            hash.update("bearer:");
            hash.update(token.expose());
        }
    }
    TokenIdentity::Known(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_read_as_registries_write_it() {
        for (text, expected) in [
            (r#"{"token":"t","expires_in":300}"#, Some(300)),
            (r#"{"token":"t","expires_in":300.9}"#, Some(300)),
            (r#"{"token":"t","expires_in":"300"}"#, Some(300)),
            (r#"{"token":"t","expires_in":"3e2"}"#, Some(300)),
            (r#"{"token":"t","expires_in":"soon"}"#, None),
            (r#"{"token":"t","expires_in":-5}"#, None),
            (r#"{"token":"t","expires_in":null}"#, None),
            (r#"{"token":"t","expires_in":[1]}"#, None),
            (r#"{"token":"t"}"#, None),
        ] {
            let wire: WireToken = serde_json::from_str(text).expect(text);
            assert_eq!(wire.expires_in, expected, "{text}");
        }
    }

    #[test]
    fn a_challenge_adds_no_rights() {
        let repository = Repository::parse("registry.example.com/shop/api").expect("valid");
        let own = || Scopes::pull(&repository);
        let texts = |scopes: Scopes| scopes.texts().collect::<Vec<_>>();
        for challenge in [
            "",
            "repository:shop/api:pull",
            "repository:shop/api:pull,push,delete",
            "repository:other/secret:pull",
            "registry:catalog:*",
            "repository:shop/api:* repository:a:push",
        ] {
            assert_eq!(
                texts(own().for_challenge(challenge, false)),
                ["repository:shop/api:pull"],
                "{challenge}"
            );
        }
        for (challenge, expected) in [
            (
                "repository:hub/shop/api:pull,push",
                vec!["repository:hub/shop/api:pull", "repository:shop/api:pull"],
            ),
            ("repository:evilshop/api:pull", vec!["repository:shop/api:pull"]),
            ("repository:hub/shop/api/x:pull", vec!["repository:shop/api:pull"]),
            ("registry:catalog:*", vec!["repository:shop/api:pull"]),
        ] {
            assert_eq!(texts(own().for_challenge(challenge, true)), expected, "{challenge}");
        }
    }
}

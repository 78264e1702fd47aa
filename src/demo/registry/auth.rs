//! Who may do what: refusals, challenges and tokens.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::account::{Account, AccountScheme};
use super::request::{RegistryRequest, percent_decoded};
use super::response::{self, error};
use super::state::{Shared, lock};

/// Where tokens are handed out.
pub(super) const TOKEN: &str = "/token";

/// The refusal, if the caller may not do this.
pub(super) fn refuse(shared: &Shared, request: &RegistryRequest<'_>) -> Option<Response> {
    let auth = lock(&shared.auth).clone()?;
    if request.path == TOKEN {
        return None;
    }
    let repository = request.place().map_or("", |(name, _, _)| name);
    let action = match request.method {
        Method::GET | Method::HEAD => "pull",
        Method::DELETE => "delete",
        _ => "push",
    };
    let allowed = match auth.scheme {
        AccountScheme::Basic => is_owner(&auth, request).unwrap_or(auth.anonymous_pull && action == "pull"),
        AccountScheme::Bearer => request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|token| allows(shared, token, repository, action)),
    };
    (!allowed).then(|| challenge(&auth, request, repository, action))
}

fn allows(shared: &Shared, token: &str, repository: &str, action: &str) -> bool {
    let tokens = lock(&shared.tokens);
    let granted = tokens.granted.get(token);
    granted.is_some_and(|list| repository.is_empty() || list.iter().any(|(r, a)| r == repository && a == action))
}

fn challenge(auth: &Account, request: &RegistryRequest<'_>, repository: &str, action: &str) -> Response {
    let mut response = error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    let mut value = match auth.scheme {
        AccountScheme::Basic => "Basic realm=\"registry\"".to_owned(),
        AccountScheme::Bearer => {
            let host = request.header("host").unwrap_or_default();
            format!("Bearer realm=\"http://{host}{TOKEN}\",service=\"registry\"")
        }
    };
    if auth.scheme == AccountScheme::Bearer && !repository.is_empty() {
        let actions = if action == "push" { "pull,push" } else { action };
        value.push_str(&format!(",scope=\"repository:{repository}:{actions}\""));
    }
    response::set(&mut response, "www-authenticate", &value);
    response
}

/// Hands out a token for what the caller asks for and may have.
pub(super) fn token(shared: &Shared, request: &RegistryRequest<'_>) -> Response {
    let Some(auth) = lock(&shared.auth)
        .clone()
        .filter(|auth| auth.scheme == AccountScheme::Bearer)
    else {
        return response::not_found_page();
    };
    let owner = match is_owner(&auth, request) {
        Some(false) => return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        shown => shown.is_some(),
    };
    let mut granted = Vec::new();
    let pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
    for (_, scopes) in pairs.filter(|(key, _)| *key == "scope") {
        for scope in percent_decoded(&scopes.replace('+', " ")).split(' ') {
            let mut parts = scope.split(':');
            if let (Some("repository"), Some(repository), Some(actions)) = (parts.next(), parts.next(), parts.next()) {
                let may = |action: &&str| owner || (auth.anonymous_pull && *action == "pull");
                let allowed = actions.split(',').filter(may);
                granted.extend(allowed.map(|action| (repository.to_owned(), action.to_owned())));
            }
        }
    }
    let mut tokens = lock(&shared.tokens);
    let token = format!("token-{}", tokens.granted.len() + 1);
    tokens.granted.insert(token.clone(), granted);
    response::json_response(StatusCode::OK, &json!({"token": token, "expires_in": 300}))
}

/// Whether the caller showed this account; `None` where it showed none.
fn is_owner(auth: &Account, request: &RegistryRequest<'_>) -> Option<bool> {
    let given = request.header("authorization")?.strip_prefix("Basic ")?;
    Some(given == STANDARD.encode(format!("{}:{}", auth.user, auth.password)))
}

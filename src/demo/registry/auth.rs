//! Who may do what.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::answer::{self, Question, percent_decoded};
use super::{Shared, lock};

/// Where tokens are handed out.
pub(super) const TOKEN: &str = "/token";

/// How a caller shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// User and password with every request.
    Basic,
    /// A token from `/token` of this registry, good for the actions it was asked for.
    Bearer,
}

/// The only account of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// How it is shown.
    pub scheme: Scheme,
    /// Name.
    pub user: String,
    /// Password.
    pub password: String,
    /// Whether strangers may read.
    pub anonymous_pull: bool,
}

/// Tokens handed out, with the (repository, action) pairs that each allows.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<String, Vec<(String, String)>>);

impl Auth {
    /// Whether the caller showed this account; `None` if it showed none.
    fn is_owner(&self, question: &Question<'_>) -> Option<bool> {
        let given = question.header("authorization")?.strip_prefix("Basic ")?;
        Some(given == STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// The refusal, if the caller may not do this.
pub(super) fn refuse(shared: &Shared, question: &Question<'_>) -> Option<Response> {
    let auth = lock(&shared.auth).clone()?;
    if question.path == TOKEN {
        return None;
    }
    let repository = question.place().map_or("", |(name, _, _)| name);
    let action = match question.method {
        Method::GET | Method::HEAD => "pull",
        Method::DELETE => "delete",
        _ => "push",
    };
    let allowed = match auth.scheme {
        Scheme::Basic => auth
            .is_owner(question)
            .unwrap_or(auth.anonymous_pull && action == "pull"),
        Scheme::Bearer => question
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|token| holds(shared, token, repository, action)),
    };
    (!allowed).then(|| challenge(&auth, question, repository, action))
}

fn holds(shared: &Shared, token: &str, repository: &str, action: &str) -> bool {
    let tokens = lock(&shared.tokens);
    let granted = tokens.0.get(token);
    granted.is_some_and(|list| repository.is_empty() || list.iter().any(|(r, a)| r == repository && a == action))
}

fn challenge(auth: &Auth, question: &Question<'_>, repository: &str, action: &str) -> Response {
    let mut response = answer::error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    let mut value = match auth.scheme {
        Scheme::Basic => "Basic realm=\"registry\"".to_owned(),
        Scheme::Bearer => {
            let host = question.header("host").unwrap_or_default();
            format!("Bearer realm=\"http://{host}{TOKEN}\",service=\"registry\"")
        }
    };
    if auth.scheme == Scheme::Bearer && !repository.is_empty() {
        let actions = if action == "push" { "pull,push" } else { action };
        value.push_str(&format!(",scope=\"repository:{repository}:{actions}\""));
    }
    answer::set(&mut response, "www-authenticate", &value);
    response
}

/// Hands out a token for what the caller asks for and may have.
pub(super) fn token(shared: &Shared, question: &Question<'_>) -> Response {
    let Some(auth) = lock(&shared.auth).clone().filter(|auth| auth.scheme == Scheme::Bearer) else {
        return answer::not_found_page();
    };
    let owner = match auth.is_owner(question) {
        Some(false) => return answer::error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        shown => shown.is_some(),
    };
    let mut granted = Vec::new();
    let pairs = question.query.split('&').filter_map(|pair| pair.split_once('='));
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
    let token = format!("token-{}", tokens.0.len() + 1);
    tokens.0.insert(token.clone(), granted);
    answer::json_response(StatusCode::OK, &json!({"token": token, "expires_in": 300}))
}

//! The answers that every part of the registry gives.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

pub(super) fn json_response(code: StatusCode, body: &Value) -> Response {
    let mut response = status(code);
    set(&mut response, "content-type", "application/json");
    *response.body_mut() = Body::from(body.to_string());
    response
}

/// An error in the distribution specification's form.
pub(super) fn error(code: StatusCode, name: &str) -> Response {
    let message = name.to_ascii_lowercase().replace('_', " ");
    json_response(code, &json!({"errors": [{"code": name, "message": message}]}))
}

pub(super) fn status(code: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

pub(super) fn not_found_page() -> Response {
    let mut response = status(StatusCode::NOT_FOUND);
    set(&mut response, "content-type", "text/plain; charset=utf-8");
    *response.body_mut() = Body::from("404 page not found\n");
    response
}

/// Sets a header; one that cannot be written is left out.
pub(super) fn set(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}

//! Uploads: at once, in chunks, or mounted from another repository.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::answer::{Question, error, set, status};
use super::{Shared, lock};
use crate::domain::id::Digest;

pub(super) fn answer(shared: &Shared, name: &str, id: &str, question: &Question<'_>) -> Response {
    match question.method {
        Method::POST if id.is_empty() => begin(shared, name, question),
        Method::PATCH => match lock(&shared.uploads).get_mut(id) {
            None => error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Some(known) => {
                known.extend_from_slice(&question.body);
                let mut response = status(StatusCode::ACCEPTED);
                set(&mut response, "location", &format!("/v2/{name}/blobs/uploads/{id}"));
                set(&mut response, "range", &format!("0-{}", known.len().saturating_sub(1)));
                response
            }
        },
        Method::PUT => {
            let Some(mut bytes) = lock(&shared.uploads).remove(id) else {
                return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
            };
            bytes.extend_from_slice(&question.body);
            finish(shared, name, question, bytes.into())
        }
        Method::DELETE => {
            lock(&shared.uploads).remove(id);
            status(StatusCode::NO_CONTENT)
        }
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn begin(shared: &Shared, name: &str, question: &Question<'_>) -> Response {
    let mount = question.parameter("mount").and_then(|d| d.parse::<Digest>().ok());
    if let (true, Some(digest), Some(from)) = (shared.ways.mount, mount, question.parameter("from")) {
        let mut all = shared.repositories();
        let known = all.get(&from).and_then(|content| content.blobs.get(&digest).cloned());
        if let Some(bytes) = known {
            all.entry(name.to_owned()).or_default().blobs.insert(digest, bytes);
            return created(name, digest);
        }
    }
    if question.parameter("digest").is_some() {
        return finish(shared, name, question, question.body.clone());
    }
    let id = format!("{:08x}", shared.next());
    lock(&shared.uploads).insert(id.clone(), Vec::new());
    let mut response = status(StatusCode::ACCEPTED);
    set(&mut response, "location", &format!("/v2/{name}/blobs/uploads/{id}"));
    set(&mut response, "range", "0-0");
    response
}

fn finish(shared: &Shared, name: &str, question: &Question<'_>, bytes: Bytes) -> Response {
    let named = question.parameter("digest").and_then(|d| d.parse::<Digest>().ok());
    let digest = Digest::of(&bytes);
    if named != Some(digest) {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    }
    let mut all = shared.repositories();
    all.entry(name.to_owned()).or_default().blobs.insert(digest, bytes);
    created(name, digest)
}

fn created(name: &str, digest: Digest) -> Response {
    let mut response = status(StatusCode::CREATED);
    set(&mut response, "location", &format!("/v2/{name}/blobs/{digest}"));
    set(&mut response, "docker-content-digest", &digest.to_string());
    response
}

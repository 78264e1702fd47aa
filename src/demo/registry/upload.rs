//! Uploads: at once, in chunks, or mounted from another repository.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::request::RegistryRequest;
use super::response::{error, set, status};
use super::state::{Shared, Upload, lock};
use crate::domain::id::Digest;

/// Answers a request about an upload: `id` is empty where a new one is asked for.
pub(super) fn respond(shared: &Shared, name: &str, id: &str, request: &RegistryRequest<'_>) -> Response {
    if id.is_empty() {
        return match request.method {
            Method::POST => begin(shared, name, request),
            _ => status(StatusCode::METHOD_NOT_ALLOWED),
        };
    }
    let mut uploads = lock(&shared.uploads);
    let Some(upload) = uploads.get_mut(id).filter(|upload| upload.repository == name) else {
        return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
    };
    if request.parameter("step") != Some(upload.step.to_string()) {
        return error(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID");
    }
    match request.method {
        Method::GET => accepted(shared, StatusCode::NO_CONTENT, id, upload, request),
        Method::PATCH => {
            if begins(request).is_some_and(|start| start != upload.bytes.len()) {
                return accepted(shared, StatusCode::RANGE_NOT_SATISFIABLE, id, upload, request);
            }
            upload.bytes.extend_from_slice(&request.body);
            upload.step += 1;
            accepted(shared, StatusCode::ACCEPTED, id, upload, request)
        }
        Method::PUT => {
            let Some(mut whole) = uploads.remove(id).map(|upload| upload.bytes) else {
                return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
            };
            drop(uploads);
            whole.extend_from_slice(&request.body);
            finish(shared, name, request, whole.into())
        }
        Method::DELETE => {
            uploads.remove(id);
            status(StatusCode::NO_CONTENT)
        }
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Where a chunk says that it begins.
fn begins(request: &RegistryRequest<'_>) -> Option<usize> {
    let range = request.header("content-range")?.trim_start_matches("bytes ");
    range.split('-').next()?.parse().ok()
}

fn begin(shared: &Shared, name: &str, request: &RegistryRequest<'_>) -> Response {
    let mount = request.parameter("mount").and_then(|d| d.parse::<Digest>().ok());
    if let (true, Some(digest), Some(from)) = (shared.ways.mount, mount, request.parameter("from")) {
        let mut all = shared.repositories();
        let known = all.get(&from).and_then(|content| content.blobs.get(&digest).cloned());
        if let Some(bytes) = known {
            all.entry(name.to_owned()).or_default().blobs.insert(digest, bytes);
            return created(name, digest);
        }
    }
    if request.parameter("digest").is_some() {
        return finish(shared, name, request, request.body.clone());
    }
    let id = format!("{:08x}", shared.next());
    let upload = Upload {
        repository: name.to_owned(),
        ..Upload::default()
    };
    let response = accepted(shared, StatusCode::ACCEPTED, &id, &upload, request);
    lock(&shared.uploads).insert(id, upload);
    response
}

/// Where to go on.
fn accepted(shared: &Shared, code: StatusCode, id: &str, upload: &Upload, request: &RegistryRequest<'_>) -> Response {
    let path = format!("/v2/{}/blobs/uploads/{id}?step={}", upload.repository, upload.step);
    let location = match request.header("host") {
        Some(host) if !shared.ways.relative_locations => format!("http://{host}{path}"),
        _ => path,
    };
    let mut response = status(code);
    set(&mut response, "location", &location);
    set(
        &mut response,
        "range",
        &format!("0-{}", upload.bytes.len().saturating_sub(1)),
    );
    response
}

fn finish(shared: &Shared, name: &str, request: &RegistryRequest<'_>, bytes: Bytes) -> Response {
    let named = request.parameter("digest").and_then(|d| d.parse::<Digest>().ok());
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

//! Which part of the registry answers which request: manifests, blobs, tags and referrers here, uploads
//! in a file of their own.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::request::{RegistryRequest, UPLOADS, percent_decoded};
use super::response::{error, json_response, not_found_page, set, status};
use super::state::Shared;
use super::store::ManifestShape;
use super::upload;
use crate::domain::id::Digest;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DIGEST: &str = "docker-content-digest";
/// Answers a request.
pub(super) fn respond(shared: &Shared, request: RegistryRequest<'_>) -> Response {
    if let "/v2" | "/v2/" = request.path {
        return json_response(StatusCode::OK, &json!({}));
    }
    let Some((name, part, reference)) = request.place() else {
        return not_found_page();
    };
    let reference = &percent_decoded(reference);
    match part {
        UPLOADS => upload::respond(shared, name, reference, &request),
        "/manifests/" => manifest(shared, name, reference, &request),
        "/blobs/" => blob(shared, name, reference, &request),
        "/referrers/" => referrers(shared, name, reference),
        _ => tags(shared, name, &request),
    }
}

fn manifest(shared: &Shared, name: &str, reference: &str, request: &RegistryRequest<'_>) -> Response {
    match request.method {
        Method::GET | Method::HEAD => {
            let all = shared.repositories();
            let Some(content) = all.get(name) else {
                return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
            };
            let found = content
                .find(reference)
                .and_then(|d| Some((d, content.manifests.get(&d)?)));
            let Some((digest, (media_type, bytes))) = found else {
                return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
            };
            if shared.ways.strict_accept
                && media_type.starts_with("application/vnd.oci.")
                && !request.accepts(media_type)
            {
                return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
            }
            content_response(&request.method, digest, media_type, bytes)
        }
        Method::PUT => put_manifest(shared, name, reference, request),
        Method::DELETE if shared.ways.delete => {
            let mut all = shared.repositories();
            let Some(content) = all.get_mut(name) else {
                return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
            };
            let was_there = match reference.parse::<Digest>() {
                Ok(digest) => content.forget(&digest),
                Err(_) => content.tags.remove(reference).is_some(),
            };
            if was_there {
                status(StatusCode::ACCEPTED)
            } else {
                error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN")
            }
        }
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn put_manifest(shared: &Shared, name: &str, reference: &str, request: &RegistryRequest<'_>) -> Response {
    let digest = Digest::of(&request.body);
    let by_digest = reference.parse::<Digest>();
    if by_digest.as_ref().is_ok_and(|named| *named != digest) {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    }
    let Ok(shape) = serde_json::from_slice::<ManifestShape>(&request.body) else {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID");
    };
    let media_type = request
        .header("content-type")
        .map(str::to_owned)
        .or_else(|| shape.media_type.clone());
    let Some(media_type) = media_type else {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID");
    };
    let mut all = shared.repositories();
    let content = all.entry(name.to_owned()).or_default();
    if !content.lacking(&shape).is_empty() {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN");
    }
    if by_digest.is_err() {
        let taken = content.tags.get(reference).is_some_and(|known| *known != digest);
        if shared.ways.immutable_tags && taken {
            return error(StatusCode::CONFLICT, "TAG_IMMUTABLE");
        }
        content.tags.insert(reference.to_owned(), digest);
    }
    content.manifests.insert(digest, (media_type, request.body.clone()));
    let mut response = status(StatusCode::CREATED);
    set(&mut response, DIGEST, &digest.to_string());
    set(&mut response, "location", &format!("/v2/{name}/manifests/{digest}"));
    if let Some(subject) = shape.subject.filter(|_| shared.ways.referrers) {
        set(&mut response, "oci-subject", &subject.digest.to_string());
    }
    response
}

fn blob(shared: &Shared, name: &str, reference: &str, request: &RegistryRequest<'_>) -> Response {
    let Ok(digest) = reference.parse::<Digest>() else {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    };
    let mut all = shared.repositories();
    let Some(content) = all.get_mut(name) else {
        return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
    };
    let Some(bytes) = content.blobs.get(&digest) else {
        return error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN");
    };
    match request.method {
        Method::GET | Method::HEAD => content_response(&request.method, digest, "application/octet-stream", bytes),
        Method::DELETE if shared.ways.delete => {
            content.blobs.remove(&digest);
            status(StatusCode::ACCEPTED)
        }
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn tags(shared: &Shared, name: &str, request: &RegistryRequest<'_>) -> Response {
    let all = shared.repositories();
    let Some(content) = all.get(name) else {
        return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
    };
    let last = request.parameter("last");
    let rest = content
        .tags
        .keys()
        .filter(|tag| last.as_ref().is_none_or(|last| *tag > last));
    let mut names: Vec<&String> = rest.collect();
    let mut link = None;
    match shared.ways.page {
        None => names.sort_by_key(|tag| Digest::of(tag.as_bytes())),
        Some(most) => {
            let asked = request.parameter("n").and_then(|n| n.parse::<usize>().ok());
            let page = asked.map_or(most, |asked| asked.min(most));
            if names.len() > page {
                names.truncate(page);
                link = names
                    .last()
                    .map(|last| format!("</v2/{name}/tags/list?n={page}&last={last}>; rel=\"next\""));
            }
        }
    }
    let mut response = json_response(StatusCode::OK, &json!({"name": name, "tags": names}));
    if let Some(link) = link {
        set(&mut response, "link", &link);
    }
    response
}

fn referrers(shared: &Shared, name: &str, reference: &str) -> Response {
    if !shared.ways.referrers {
        return not_found_page();
    }
    let Ok(subject) = reference.parse::<Digest>() else {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    };
    let all = shared.repositories();
    let found = all
        .get(name)
        .map(|content| content.referrers(subject))
        .unwrap_or_default();
    let mut list: Vec<Value> = found
        .into_iter()
        .map(|(digest, media_type, size, shape)| {
            let config = shape.config.map(|config| config.media_type);
            if shared.ways.plain_referrers {
                return json!({"mediaType": media_type, "digest": digest, "size": size, "artifactType": config});
            }
            let kind = shape.artifact_type.or(config);
            json!({
                "mediaType": media_type, "digest": digest, "size": size, "artifactType": kind,
                "annotations": shape.annotations,
            })
        })
        .collect();
    if !list.is_empty() {
        // The specification promises no order: nobody may come to rely on one.
        let turn = usize::try_from(shared.next()).unwrap_or(0) % list.len();
        list.rotate_left(turn);
    }
    let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": list});
    let mut response = json_response(StatusCode::OK, &body);
    set(&mut response, "content-type", INDEX);
    response
}

fn content_response(method: &Method, digest: Digest, media_type: &str, bytes: &Bytes) -> Response {
    let mut response = status(StatusCode::OK);
    set(&mut response, "content-type", media_type);
    set(&mut response, "content-length", &bytes.len().to_string());
    set(&mut response, DIGEST, &digest.to_string());
    if *method == Method::GET {
        *response.body_mut() = Body::from(bytes.clone());
    }
    response
}

//! What is answered to what.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::store::Shape;
use super::{Shared, auth, upload};
use crate::domain::id::Digest;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DIGEST: &str = "docker-content-digest";
const UPLOADS: &str = "/blobs/uploads/";
const PARTS: [&str; 5] = [UPLOADS, "/manifests/", "/blobs/", "/tags/list", "/referrers/"];

/// One request, read.
pub(super) struct Question<'a> {
    pub method: Method,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
}

impl Question<'_> {
    /// A parameter of the query, percent-decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let found = self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })?;
        Some(percent_decoded(found))
    }

    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether `Accept` names a media type in so many words: `*/*` names none.
    fn accepts(&self, media_type: &str) -> bool {
        let values = self.headers.get_all("accept").iter().filter_map(|v| v.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|one| one.split(';').next().unwrap_or_default().trim() == media_type)
    }

    /// The repository it is about and what it wants of it: `/v2/NAME/PART/REFERENCE`.
    pub fn place(&self) -> Option<(&str, &'static str, &str)> {
        let rest = self.path.strip_prefix("/v2/")?;
        PARTS.iter().find_map(|part| {
            // A repository may itself be called like a part: the last one counts.
            let (name, reference) = rest.rsplit_once(part)?;
            (!name.is_empty() && (*part == UPLOADS || !reference.contains('/'))).then_some((name, *part, reference))
        })
    }
}

pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|p| std::str::from_utf8(p).ok());
        match (bytes[at], pair.and_then(|p| u8::from_str_radix(p, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn answer(shared: &Shared, question: Question<'_>) -> Response {
    match question.path {
        "/v2" | "/v2/" => return json_response(StatusCode::OK, &json!({})),
        auth::TOKEN => return auth::token(shared, &question),
        _ => {}
    }
    let Some((name, part, reference)) = question.place() else {
        return not_found_page();
    };
    let reference = &percent_decoded(reference);
    match part {
        UPLOADS => upload::answer(shared, name, reference, &question),
        "/manifests/" => manifest(shared, name, reference, &question),
        "/blobs/" => blob(shared, name, reference, &question),
        "/referrers/" => referrers(shared, name, reference),
        _ => tags(shared, name, &question),
    }
}

fn manifest(shared: &Shared, name: &str, reference: &str, question: &Question<'_>) -> Response {
    match question.method {
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
                && !question.accepts(media_type)
            {
                return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
            }
            content_response(&question.method, digest, media_type, bytes)
        }
        Method::PUT => put_manifest(shared, name, reference, question),
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

fn put_manifest(shared: &Shared, name: &str, reference: &str, question: &Question<'_>) -> Response {
    let digest = Digest::of(&question.body);
    let by_digest = reference.parse::<Digest>();
    if by_digest.as_ref().is_ok_and(|named| *named != digest) {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    }
    let Ok(shape) = serde_json::from_slice::<Shape>(&question.body) else {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID");
    };
    let media_type = question
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
    content.manifests.insert(digest, (media_type, question.body.clone()));
    let mut response = status(StatusCode::CREATED);
    set(&mut response, DIGEST, &digest.to_string());
    set(&mut response, "location", &format!("/v2/{name}/manifests/{digest}"));
    if let Some(subject) = shape.subject.filter(|_| shared.ways.referrers) {
        set(&mut response, "oci-subject", &subject.digest.to_string());
    }
    response
}

fn blob(shared: &Shared, name: &str, reference: &str, question: &Question<'_>) -> Response {
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
    match question.method {
        Method::GET | Method::HEAD => content_response(&question.method, digest, "application/octet-stream", bytes),
        Method::DELETE if shared.ways.delete => {
            content.blobs.remove(&digest);
            status(StatusCode::ACCEPTED)
        }
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn tags(shared: &Shared, name: &str, question: &Question<'_>) -> Response {
    let all = shared.repositories();
    let Some(content) = all.get(name) else {
        return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
    };
    let last = question.parameter("last");
    let rest = content
        .tags
        .keys()
        .filter(|tag| last.as_ref().is_none_or(|last| *tag > last));
    let mut names: Vec<&String> = rest.collect();
    let mut link = None;
    match shared.ways.page {
        None => names.sort_by_key(|tag| Digest::of(tag.as_bytes())),
        Some(most) => {
            let asked = question.parameter("n").and_then(|n| n.parse::<usize>().ok());
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

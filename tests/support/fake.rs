//! A small registry in memory, honest unless told otherwise: one store per repository, so that a
//! forgotten HEAD or mount shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use pindeck::domain::Digest;

use super::server::{Reply, Seen};

/// One repository's content.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub manifests: BTreeMap<Digest, (String, Vec<u8>)>,
    pub tags: BTreeMap<String, Digest>,
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

/// How the registry behaves.
#[derive(Debug, Clone, Copy)]
pub struct Ways {
    /// Referrers API and `OCI-Subject`.
    pub referrers: bool,
    /// Mounting works.
    pub mount: bool,
    /// Upload locations are relative.
    pub relative: bool,
    /// It tells how much of an upload has arrived, and goes on from there.
    pub ranges: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            referrers: true,
            mount: true,
            relative: false,
            ranges: false,
        }
    }
}

/// The registry.
#[derive(Debug, Clone, Default)]
pub struct Fake {
    pub ways: Ways,
    state: Arc<Mutex<BTreeMap<String, Content>>>,
    uploads: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

impl Fake {
    pub fn new(ways: Ways) -> Self {
        Self {
            ways,
            ..Self::default()
        }
    }

    pub fn content(&self) -> MutexGuard<'_, BTreeMap<String, Content>> {
        self.state.lock().expect("not poisoned")
    }

    pub fn blob(&self, repository: &str, bytes: impl Into<Vec<u8>>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        self.content()
            .entry(repository.to_owned())
            .or_default()
            .blobs
            .insert(digest, bytes);
        digest
    }

    pub fn manifest(&self, repository: &str, media_type: &str, text: impl Into<Vec<u8>>) -> Digest {
        let bytes = text.into();
        let digest = Digest::of(&bytes);
        let mut state = self.content();
        let content = state.entry(repository.to_owned()).or_default();
        content.manifests.insert(digest, (media_type.to_owned(), bytes));
        digest
    }

    pub fn tag(&self, repository: &str, tag: &str, digest: Digest) {
        let mut state = self.content();
        state
            .entry(repository.to_owned())
            .or_default()
            .tags
            .insert(tag.to_owned(), digest);
    }

    /// An image of one layer.
    pub fn image(&self, repository: &str, layer: &str, subject: Option<&str>) -> Digest {
        let config = self.blob(repository, "{}");
        let blob = self.blob(repository, layer);
        let subject = subject.map(|s| format!(r#","subject":{s}"#)).unwrap_or_default();
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":2}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{blob}","size":{}}}]{subject}}}"#,
            layer.len()
        );
        self.manifest(repository, IMAGE, text)
    }

    /// A descriptor of a manifest that is there.
    pub fn descriptor(&self, repository: &str, digest: Digest) -> String {
        let state = self.content();
        let (media_type, bytes) = &state[repository].manifests[&digest];
        format!(
            r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{}}}"#,
            bytes.len()
        )
    }

    pub fn index(&self, repository: &str, children: &[Digest]) -> Digest {
        let list: Vec<String> = children
            .iter()
            .map(|&child| self.descriptor(repository, child))
            .collect();
        self.manifest(repository, INDEX, index_text(&list))
    }

    /// Answers as a registry.
    pub fn answer(&self, seen: &Seen) -> Reply {
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let Some(rest) = path.strip_prefix("/v2/") else {
            return Reply::new(404, "");
        };
        if let Some(repository) = rest.strip_suffix("/tags/list") {
            let state = self.content();
            let Some(content) = state.get(repository) else {
                return Reply::error(404, "NAME_UNKNOWN");
            };
            let tags: Vec<String> = content.tags.keys().rev().map(|tag| format!("{tag:?}")).collect();
            return Reply::new(200, format!(r#"{{"name":"x","tags":[{}]}}"#, tags.join(",")));
        }
        for (part, act) in [
            (
                "/manifests/",
                Self::manifests as fn(&Self, &Seen, &str, &str, &str) -> Reply,
            ),
            ("/blobs/uploads/", Self::uploads),
            ("/blobs/", Self::blobs),
            ("/referrers/", Self::referrers),
        ] {
            if let Some(at) = rest.find(part) {
                return act(self, seen, &rest[..at], &rest[at + part.len()..], query);
            }
        }
        Reply::new(404, "404 page not found\n")
    }

    fn manifests(&self, seen: &Seen, repository: &str, reference: &str, _: &str) -> Reply {
        let mut state = self.content();
        if seen.method == "PUT" {
            let digest = Digest::of(&seen.body);
            if reference.parse::<Digest>().is_ok_and(|wanted| wanted != digest) {
                return Reply::error(400, "DIGEST_INVALID");
            }
            let content = state.entry(repository.to_owned()).or_default();
            let json: serde_json::Value = match serde_json::from_slice(&seen.body) {
                Ok(json) => json,
                Err(_) => return Reply::error(400, "MANIFEST_INVALID"),
            };
            for child in json["manifests"].as_array().into_iter().flatten() {
                // Listings of referrers may name what is elsewhere; images in an index may not.
                if !reference.starts_with("sha256-") && !content.manifests.contains_key(&digest_of(child)) {
                    return Reply::error(400, "MANIFEST_BLOB_UNKNOWN");
                }
            }
            let blobs = json["layers"]
                .as_array()
                .into_iter()
                .flatten()
                .chain(json.get("config"));
            for blob in blobs {
                if !content.blobs.contains_key(&digest_of(blob)) {
                    return Reply::error(400, "BLOB_UNKNOWN");
                }
            }
            let media_type = seen.headers.get("content-type").cloned().unwrap_or_default();
            content.manifests.insert(digest, (media_type, seen.body.clone()));
            if reference.parse::<Digest>().is_err() {
                content.tags.insert(reference.to_owned(), digest);
            }
            let reply = Reply::new(201, "").with("Docker-Content-Digest", digest.to_string());
            return match (self.ways.referrers, json.get("subject")) {
                (true, Some(subject)) => reply.with("OCI-Subject", digest_of(subject).to_string()),
                _ => reply,
            };
        }
        let Some(content) = state.get(repository) else {
            return Reply::error(404, "NAME_UNKNOWN");
        };
        let digest = reference.parse().ok().or_else(|| content.tags.get(reference).copied());
        let found = digest.and_then(|digest| Some((digest, content.manifests.get(&digest)?)));
        let accepted = seen
            .headers
            .get("accept")
            .is_some_and(|accept| accept.contains("oci.image"));
        match found {
            Some((digest, (media_type, bytes))) if accepted => Reply::new(200, bytes.clone())
                .with("Content-Type", media_type)
                .with("Docker-Content-Digest", digest.to_string()),
            _ => Reply::error(404, "MANIFEST_UNKNOWN"),
        }
    }

    fn blobs(&self, _: &Seen, repository: &str, digest: &str, _: &str) -> Reply {
        let state = self.content();
        let bytes = digest
            .parse()
            .ok()
            .and_then(|digest: Digest| state.get(repository)?.blobs.get(&digest));
        match bytes {
            Some(bytes) => Reply::new(200, bytes.clone()).with("Content-Type", "application/octet-stream"),
            None => Reply::error(404, "BLOB_UNKNOWN"),
        }
    }

    fn referrers(&self, _: &Seen, repository: &str, subject: &str, _: &str) -> Reply {
        if !self.ways.referrers {
            return Reply::new(404, "404 page not found\n").with("Content-Type", "text/plain");
        }
        let found: BTreeSet<Digest> = self
            .content()
            .get(repository)
            .into_iter()
            .flat_map(|content| content.manifests.iter())
            .filter(|(_, (_, bytes))| {
                serde_json::from_slice::<serde_json::Value>(bytes)
                    .is_ok_and(|json| json["subject"]["digest"] == subject)
            })
            .map(|(digest, _)| *digest)
            .collect();
        let list: Vec<String> = found
            .into_iter()
            .map(|digest| self.descriptor(repository, digest))
            .collect();
        Reply::new(200, index_text(&list)).with("Content-Type", INDEX)
    }

    fn uploads(&self, seen: &Seen, repository: &str, session: &str, query: &str) -> Reply {
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| {
                Some(pair.split_once('=')?)
                    .filter(|(key, _)| *key == name)
                    .map(|p| decode(p.1))
            })
        };
        let mut uploads = self.uploads.lock().expect("not poisoned");
        if seen.method == "POST" {
            if let (true, Some(mount), Some(from)) = (self.ways.mount, parameter("mount"), parameter("from")) {
                let mut state = self.content();
                let digest: Digest = mount.parse().expect("a digest");
                if let Some(bytes) = state.get(&from).and_then(|c| c.blobs.get(&digest)).cloned() {
                    state
                        .entry(repository.to_owned())
                        .or_default()
                        .blobs
                        .insert(digest, bytes);
                    return Reply::new(201, "").with("Docker-Content-Digest", mount);
                }
            }
            let id = format!("u{}", uploads.len());
            uploads.insert(id.clone(), Vec::new());
            let path = format!("/v2/{repository}/blobs/uploads/{id}?state=a%2Fb");
            let location = if self.ways.relative {
                path
            } else {
                format!("http://{}{path}", seen.headers["host"])
            };
            return Reply::new(202, "").with("Location", location);
        }
        let Some(upload) = uploads.get_mut(session) else {
            return Reply::error(404, "BLOB_UPLOAD_UNKNOWN");
        };
        if parameter("state").as_deref() != Some("a/b") {
            return Reply::error(400, "BLOB_UPLOAD_INVALID");
        }
        if seen.method == "GET" {
            if !self.ways.ranges {
                return Reply::error(404, "BLOB_UPLOAD_UNKNOWN");
            }
            let last = upload.len().saturating_sub(1);
            let path = format!("/v2/{repository}/blobs/uploads/{session}?state=a%2Fb");
            return Reply::new(204, "")
                .with("Range", format!("0-{last}"))
                .with("Location", path);
        }
        if let Some(range) = seen.headers.get("content-range") {
            assert!(range.starts_with(&format!("{}-", upload.len())), "{range}");
        }
        upload.extend_from_slice(&seen.body);
        if seen.is_cut {
            return Reply::Reset;
        }
        let bytes = upload.clone();
        let digest = Digest::of(&bytes);
        if seen.method != "PUT" || parameter("digest") != Some(digest.to_string()) {
            return Reply::error(400, "DIGEST_INVALID");
        }
        uploads.remove(session);
        self.content()
            .entry(repository.to_owned())
            .or_default()
            .blobs
            .insert(digest, bytes);
        Reply::new(201, "").with("Docker-Content-Digest", digest.to_string())
    }
}

pub fn index_text(descriptors: &[String]) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
        descriptors.join(",")
    )
}

fn digest_of(descriptor: &serde_json::Value) -> Digest {
    descriptor["digest"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a digest")
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex: String = [bytes.next(), bytes.next()]
                .into_iter()
                .flatten()
                .map(char::from)
                .collect();
            out.push(u8::from_str_radix(&hex, 16).expect("hex"));
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).expect("UTF-8")
}

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::domain::reference::Repository;
use crate::sources::registry::{CopyRequest, Credentials, Options, Registry as Client};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

fn client() -> Client {
    Client::new(Options {
        credentials: Credentials::anonymous(),
        ..Options::default()
    })
    .expect("a client")
}

fn named(registry: &DemoRegistry, name: &str) -> Repository {
    Repository::parse(&format!("{}/{name}", registry.host())).expect("a name")
}

fn image(registry: &DemoRegistry, name: &str) -> Digest {
    let config = registry.put_blob(name, "{}");
    let layer = registry.put_blob(name, "layer");
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"c","digest":"{config}","size":2}},"layers":[{{"mediaType":"l","digest":"{layer}","size":5}}]}}"#
    );
    let digest = registry.put_manifest(name, IMAGE, text);
    registry.tag(name, "v1", digest);
    digest
}

#[tokio::test]
async fn what_was_put_is_found_and_counted() {
    let registry = DemoRegistry::start(Ways::default()).await.expect("started");
    let digest = image(&registry, "shop/api");
    let repository = named(&registry, "shop/api");
    let client = client();
    assert_eq!(client.resolve(&repository, "v1").await.expect("asked"), Some(digest));
    assert_eq!(client.resolve(&repository, "v2").await.expect("asked"), None);
    assert_eq!(client.tags(&repository).await.expect("asked"), ["v1"]);
    assert_eq!(
        client.manifest(&repository, &digest).await.expect("there").digest,
        digest
    );
    assert!(
        client
            .referrers(&repository, &digest, None)
            .await
            .expect("asked")
            .descriptors
            .is_empty()
    );
    // A HEAD has no words: that there is no `v2` is asked again by GET.
    assert_eq!(registry.requests().len(), 6);
    registry.forget();
    assert_eq!(registry.requests(), []);
}

#[tokio::test]
async fn a_copy_arrives_with_and_without_mounts_and_an_api() {
    for (mount, referrers) in [(true, true), (false, true), (false, false)] {
        let ways = Ways {
            mount,
            referrers,
            strict_accept: !referrers,
            ..Ways::default()
        };
        let from = DemoRegistry::start(ways).await.expect("started");
        let to = DemoRegistry::start(ways).await.expect("started");
        let digest = image(&from, "shop/api");
        let signature = format!(
            r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{}","size":2}},"layers":[],"subject":{{"mediaType":"{IMAGE}","digest":"{digest}","size":1}}}}"#,
            Digest::of(b"{}")
        );
        let attached = from.put_manifest("shop/api", IMAGE, signature);
        if !referrers {
            let listing = format!(
                r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"{IMAGE}","digest":"{attached}","size":1}}]}}"#
            );
            let size = from.content()["shop/api"].manifests[&attached].1.len();
            let listing = listing.replace("\"size\":1", &format!("\"size\":{size}"));
            let index = from.put_manifest("shop/api", "application/vnd.oci.image.index.v1+json", listing);
            from.tag("shop/api", &format!("sha256-{}", digest.hex()), index);
        }
        let request = CopyRequest {
            source: named(&from, "shop/api"),
            destination: named(&to, "live/api"),
            digest,
            tag: Some("v1".to_owned()),
            move_tag: false,
        };
        let report = client().copy(&request, None).await.expect("copied");
        assert!(report.missing.is_empty(), "{report:?}");
        let arrived = to.content();
        assert_eq!(arrived["live/api"].tags["v1"], digest);
        assert!(arrived["live/api"].manifests.contains_key(&attached));
    }
}

#[tokio::test]
async fn faults_are_answered_instead() {
    let registry = DemoRegistry::start(Ways::default()).await.expect("started");
    let digest = image(&registry, "shop/api");
    let repository = named(&registry, "shop/api");
    registry.hook(|asked| asked.path.contains("/manifests/").then(|| Fault::Bytes(b"{}".to_vec())));
    assert!(client().manifest(&repository, &digest).await.is_err());
    registry.hook(|_| Some(Fault::Status(403, Vec::new(), String::new())));
    assert!(client().tags(&repository).await.is_err());
    registry.unhook();
    assert!(client().tags(&repository).await.is_ok());
}

#[tokio::test]
async fn tags_come_in_pages_and_immutable_ones_stay() {
    let registry = DemoRegistry::start(Ways {
        page: Some(2),
        immutable_tags: true,
        ..Ways::default()
    })
    .await
    .expect("started");
    let digest = image(&registry, "shop/api");
    for n in 2..8 {
        registry.tag("shop/api", &format!("v{n}"), digest);
    }
    let repository = named(&registry, "shop/api");
    assert_eq!(client().tags(&repository).await.expect("asked").len(), 7);
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What comes back for one request, byte for byte, until the connection ends.
async fn raw(registry: &DemoRegistry, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(registry.address).await.expect("listening");
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        registry.host()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(body).await.expect("sent");
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw).await;
    raw
}

async fn ask(registry: &DemoRegistry, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let raw = raw(registry, method, path, headers, body).await;
    let at = raw.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&raw[..at]).into_owned();
    Reply {
        status: head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status"),
        body: raw[at + 4..].to_vec(),
        head,
    }
}

async fn get(registry: &DemoRegistry, path: &str) -> Reply {
    ask(registry, "GET", path, &[], b"").await
}

/// A registry of these ways that has `shop/api:v1`.
async fn sample(ways: Ways) -> (DemoRegistry, Digest) {
    let registry = DemoRegistry::start(ways).await.expect("started");
    let digest = image(&registry, "shop/api");
    (registry, digest)
}

#[tokio::test]
async fn head_says_what_get_says_without_a_body() {
    let (registry, digest) = sample(Ways::default()).await;
    let whole = get(&registry, "/v2/shop/api/manifests/v1").await;
    assert_eq!(Digest::of(&whole.body), digest);
    let head = ask(&registry, "HEAD", &format!("/v2/shop/api/manifests/{digest}"), &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-length", "content-type", "docker-content-digest"] {
        assert!(head.header(name).is_some(), "{name}");
        assert_eq!(head.header(name), whole.header(name));
    }
    assert!(
        get(&registry, "/v2/shop/api/manifests/v2")
            .await
            .text()
            .contains("MANIFEST_UNKNOWN")
    );
    assert!(
        get(&registry, "/v2/shop/web/manifests/v1")
            .await
            .text()
            .contains("NAME_UNKNOWN")
    );
}

#[tokio::test]
async fn docker_registry_hides_oci_content_from_who_does_not_name_it() {
    let (registry, digest) = sample(Ways::docker_registry()).await;
    let path = format!("/v2/shop/api/manifests/{digest}");
    for (accept, status) in [
        ("*/*", 404),
        ("application/vnd.oci.image.index.v1+json", 404),
        (
            "application/json, application/vnd.oci.image.manifest.v1+json;q=0.5",
            200,
        ),
    ] {
        let reply = ask(&registry, "GET", &path, &[("Accept", accept)], b"").await;
        assert_eq!(reply.status, status, "{accept}");
    }
    let none = get(&registry, &format!("/v2/shop/api/referrers/{digest}")).await;
    assert_eq!(
        (none.status, none.header("content-type")),
        (404, Some("text/plain; charset=utf-8"))
    );
}

#[tokio::test]
async fn plain_referrers_say_little_and_strangers_have_none() {
    let (registry, digest) = sample(Ways::go_containerregistry()).await;
    let attach = |n: u8| {
        let text = format!(
            r#"{{"artifactType":"a/b","config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{}"}},"subject":{{"digest":"{digest}"}},"annotations":{{"n":"{n}"}}}}"#,
            Digest::of(b"{}")
        );
        registry.put_manifest("shop/api", IMAGE, text).to_string()
    };
    let attached: std::collections::BTreeSet<String> = (0..3).map(attach).collect();
    let path = format!("/v2/shop/api/referrers/{digest}?artifactType=c/d");
    let mut orders = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let reply = get(&registry, &path).await;
        assert_eq!(reply.header("oci-filters-applied"), None);
        let index: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        let list = index["manifests"].as_array().expect("a list");
        let order: Vec<String> = list
            .iter()
            .map(|d| d["digest"].as_str().expect("text").to_owned())
            .collect();
        assert_eq!(
            order.iter().cloned().collect::<std::collections::BTreeSet<_>>(),
            attached
        );
        for descriptor in list {
            assert_eq!(descriptor["artifactType"], "application/vnd.oci.empty.v1+json");
            assert!(descriptor.get("annotations").is_none());
        }
        orders.insert(order);
    }
    assert!(orders.len() > 1, "nobody may rely on an order");
    let stranger = get(&registry, &format!("/v2/shop/api/referrers/{}", Digest::of(b"?"))).await;
    assert!(stranger.status == 200 && stranger.text().contains(r#""manifests":[]"#));
}

#[tokio::test]
async fn chunks_follow_the_places_they_are_sent_to() {
    for relative_locations in [false, true] {
        let ways = Ways {
            relative_locations,
            ..Ways::default()
        };
        let registry = DemoRegistry::start(ways).await.expect("started");
        let host = format!("http://{}", registry.host());
        let place = |reply: &Reply| {
            let location = reply.header("location").expect("a place").to_owned();
            assert_eq!(location.starts_with('/'), relative_locations);
            location.trim_start_matches(&host).to_owned()
        };
        let start = ask(&registry, "POST", "/v2/a/b/blobs/uploads/", &[], b"").await;
        assert_eq!(start.status, 202);
        let first = place(&start);
        let one = ask(&registry, "PATCH", &first, &[("Content-Range", "0-1")], b"he").await;
        assert_eq!((one.status, one.header("range")), (202, Some("0-1")));
        assert_eq!(
            ask(&registry, "PATCH", &first, &[], b"?").await.status,
            400,
            "an old place"
        );
        let second = place(&one);
        let gap = ask(&registry, "PATCH", &second, &[("Content-Range", "7-8")], b"?").await;
        assert_eq!(gap.status, 416);
        let two = ask(&registry, "PATCH", &second, &[("Content-Range", "2-3")], b"ll").await;
        let digest = Digest::of(b"hello");
        let last = format!("{}&digest=sha256%3A{}", place(&two), digest.hex());
        assert_eq!(ask(&registry, "PUT", &last, &[], b"o").await.status, 201);
        assert_eq!(get(&registry, &format!("/v2/a/b/blobs/{digest}")).await.text(), "hello");
        assert_eq!(get(&registry, &format!("/v2/a/c/blobs/{digest}")).await.status, 404);
        let wrong = format!("/v2/a/b/blobs/uploads/?digest={digest}");
        assert!(
            ask(&registry, "POST", &wrong, &[], b"jello")
                .await
                .text()
                .contains("DIGEST_INVALID")
        );
    }
}

#[tokio::test]
async fn a_manifest_is_taken_only_whole_and_only_under_its_own_name() {
    let (registry, digest) = sample(Ways::default()).await;
    let (_, bytes) = registry.content()["shop/api"].manifests[&digest].clone();
    let kind = [("Content-Type", IMAGE)];
    let elsewhere = ask(&registry, "PUT", "/v2/x/manifests/1", &kind, &bytes).await;
    assert!(elsewhere.status == 400 && elsewhere.text().contains("MANIFEST_BLOB_UNKNOWN"));
    let other = format!("/v2/shop/api/manifests/{}", Digest::of(b"?"));
    assert!(
        ask(&registry, "PUT", &other, &kind, &bytes)
            .await
            .text()
            .contains("DIGEST_INVALID")
    );
    let plain = ask(&registry, "PUT", "/v2/shop/api/manifests/v2", &kind, &bytes).await;
    assert_eq!((plain.status, plain.header("oci-subject")), (201, None));
    let about = format!(r#"{{"mediaType":"{IMAGE}","subject":{{"digest":"{digest}"}}}}"#);
    let path = format!("/v2/shop/api/manifests/{}", Digest::of(about.as_bytes()));
    let attached = ask(&registry, "PUT", &path, &kind, about.as_bytes()).await;
    assert_eq!(attached.header("oci-subject"), Some(digest.to_string().as_str()));
}

#[tokio::test]
async fn what_is_deleted_is_gone_with_its_tags() {
    let (registry, digest) = sample(Ways::default()).await;
    let path = format!("/v2/shop/api/manifests/{digest}");
    assert_eq!(ask(&registry, "DELETE", &path, &[], b"").await.status, 202);
    assert_eq!(ask(&registry, "DELETE", &path, &[], b"").await.status, 404);
    assert_eq!(get(&registry, "/v2/shop/api/manifests/v1").await.status, 404);
    let layer = format!("/v2/shop/api/blobs/{}", Digest::of(b"layer"));
    assert_eq!(ask(&registry, "DELETE", &layer, &[], b"").await.status, 202);
    assert_eq!(get(&registry, &layer).await.status, 404);
    let ways = Ways {
        delete: false,
        ..Ways::default()
    };
    let (keeping, digest) = sample(ways).await;
    let path = format!("/v2/shop/api/manifests/{digest}");
    assert_eq!(ask(&keeping, "DELETE", &path, &[], b"").await.status, 405);
    assert_eq!(get(&keeping, &path).await.status, 200);
}

#[tokio::test]
async fn an_immutable_tag_takes_the_same_bytes_only() {
    let ways = Ways {
        immutable_tags: true,
        ..Ways::default()
    };
    let (registry, digest) = sample(ways).await;
    let (_, bytes) = registry.content()["shop/api"].manifests[&digest].clone();
    let kind = [("Content-Type", IMAGE)];
    let path = "/v2/shop/api/manifests/v1";
    assert_eq!(ask(&registry, "PUT", path, &kind, &bytes).await.status, 201);
    assert_eq!(ask(&registry, "PUT", path, &kind, b"{}").await.status, 409);
    assert_eq!(registry.content()["shop/api"].tags["v1"], digest);
}

#[tokio::test]
async fn connections_break_where_they_are_told_to() {
    let (registry, _) = sample(Ways::default()).await;
    let path = "/v2/shop/api/manifests/v1";
    let whole = get(&registry, path).await.body;
    registry.forget();
    registry.hook(|asked| match asked.place {
        0 => Some(Fault::Dropped),
        1 => Some(Fault::Truncated),
        2 => Some(Fault::Status(
            429,
            vec![("Retry-After".to_owned(), "7".to_owned())],
            String::new(),
        )),
        _ => None,
    });
    assert_eq!(
        raw(&registry, "GET", path, &[], b"").await,
        b"",
        "closed without a word"
    );
    let half = get(&registry, path).await;
    assert_eq!(half.header("content-length"), Some(whole.len().to_string().as_str()));
    assert_eq!(half.body, whole[..whole.len() / 2]);
    let limited = get(&registry, path).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
    assert_eq!(get(&registry, path).await.body, whole);
    assert_eq!(registry.requests().len(), 4);
}

#[tokio::test]
async fn a_frozen_registry_is_served_as_it_is_spoilt_bytes_too() {
    let (made, digest) = sample(Ways::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = folder.path().join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("made");
    let index = {
        let content = made.content();
        let content = &content["shop/api"];
        for (digest, (_, bytes)) in &content.manifests {
            std::fs::write(blobs.join(digest.hex()), bytes).expect("written");
        }
        for digest in content.blobs.keys() {
            std::fs::write(blobs.join(digest.hex()), b"spoilt").expect("written");
        }
        let manifests: BTreeMap<_, _> = content.manifests.iter().map(|(d, (t, _))| (d, t)).collect();
        let blobs: Vec<_> = content.blobs.keys().collect();
        serde_json::json!({
            "corrupt": [Digest::of(b"layer")],
            "shop/api": {"tags": content.tags, "manifests": manifests, "blobs": blobs},
        })
    };
    let missing = Dump::read(folder.path()).expect_err("no index yet");
    assert!(missing.to_string().contains("index.json"), "{missing}");
    std::fs::write(folder.path().join("index.json"), index.to_string()).expect("written");
    let registry = DemoRegistry::start(Ways::docker_registry()).await.expect("started");
    registry
        .load(&Dump::read(folder.path()).expect("a dump"))
        .expect("loaded");
    assert_eq!(registry.content()["shop/api"].tags["v1"], digest);
    let blob = get(&registry, &format!("/v2/shop/api/blobs/{}", Digest::of(b"layer"))).await;
    assert_eq!(blob.text(), "spoilt");
}

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

fn named(registry: &Registry, name: &str) -> Repository {
    Repository::parse(&format!("{}/{name}", registry.host())).expect("a name")
}

fn image(registry: &Registry, name: &str) -> Digest {
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
    let registry = Registry::start(Ways::default()).await.expect("started");
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
    assert_eq!(registry.requests().len(), 5);
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
        let from = Registry::start(ways).await.expect("started");
        let to = Registry::start(ways).await.expect("started");
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
    let registry = Registry::start(Ways::default()).await.expect("started");
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
    let registry = Registry::start(Ways {
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

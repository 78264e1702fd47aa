//! The same questions to another client: same digests, same bytes.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};

use crate::support::fake::{Fake, IMAGE, INDEX, Ways};
use crate::support::server::Server;

#[tokio::test]
async fn another_client_gets_the_same_digests_and_bytes() {
    for referrers in [true, false] {
        let fake = Fake::new(Ways {
            referrers,
            ..Ways::default()
        });
        let children = [
            fake.image("shop/api", "amd64", None),
            fake.image("shop/api", "arm64", None),
        ];
        let index = fake.index("shop/api", &children);
        let signature = fake.image("shop/api", "signature", Some(&fake.descriptor("shop/api", index)));
        fake.tag("shop/api", "v1", index);
        fake.tag("shop/api", "amd", children[0]);
        if !referrers {
            let listing = fake.index("shop/api", &[signature]);
            fake.tag("shop/api", &format!("sha256-{}", index.hex()), listing);
        }
        let served = fake.clone();
        let server = Server::start(move |seen| served.answer(seen)).await;
        let repository = server.repository("shop/api");
        let ours = super::client::plain();
        let theirs = Client::new(ClientConfig {
            protocol: ClientProtocol::Http,
            ..ClientConfig::default()
        });
        let name = server.address.to_string();
        let auth = RegistryAuth::Anonymous;

        let tags = ours.tags(&repository).await.expect("listed");
        let first = Reference::with_tag(name.clone(), "shop/api".to_owned(), "v1".to_owned());
        let listed = theirs.list_tags(&first, &auth, None, None).await.expect("listed").tags;
        assert_eq!(tags.iter().collect::<BTreeSet<_>>(), listed.iter().collect());

        for tag in &tags {
            let by_tag = Reference::with_tag(name.clone(), "shop/api".to_owned(), tag.clone());
            let digest = ours.resolve(&repository, tag).await.expect("answered").expect("there");
            assert_eq!(
                theirs.fetch_manifest_digest(&by_tag, &auth).await.expect("there"),
                digest.to_string()
            );
            let (raw, claimed) = theirs
                .pull_manifest_raw(&by_tag, &auth, &[IMAGE, INDEX])
                .await
                .expect("there");
            let manifest = ours.manifest(&repository, &digest).await.expect("there");
            assert_eq!((manifest.bytes, claimed), (raw, digest.to_string()));
            for layer in &manifest.body.layers {
                let text = layer.digest.to_string();
                let stream = theirs.pull_blob_stream(&by_tag, text.as_str()).await.expect("there");
                let raw: Vec<u8> = stream
                    .stream
                    .try_fold(Vec::new(), |mut all, chunk| async move {
                        all.extend_from_slice(&chunk);
                        Ok(all)
                    })
                    .await
                    .expect("whole");
                let blob = ours
                    .blob(&repository, &layer.digest, Some(layer.size), 1 << 20)
                    .await
                    .expect("there");
                assert_eq!(blob, raw);
            }
        }
        let by_digest = Reference::with_digest(name, "shop/api".to_owned(), index.to_string());
        let theirs = theirs.pull_referrers(&by_digest, None).await.expect("listed");
        let ours = ours.referrers(&repository, &index, None).await.expect("listed");
        let listed: BTreeSet<String> = ours.descriptors.iter().map(|d| d.digest.to_string()).collect();
        assert_eq!(listed, theirs.manifests.iter().map(|d| d.digest.clone()).collect());
        assert_eq!(listed, BTreeSet::from([signature.to_string()]));
    }
}

//! A pin without a tag is compared with the tag that its image's version label names. Where the label, or the list of tags,
//! is not to be had for a while, nobody knows which tag that is, and nothing that was found before is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::board::{Board, Cell, TagSource};
use pindeck::domain::{Digest, DriftKind, Outcome};
use pindeck::engine::{Engine, OpenOptions};

use crate::support::fake::{Fake, IMAGE, Ways};
use crate::support::fleet::Fleet;
use crate::support::server::{Reply, Server};
use crate::support::signed_world::Key;

const REPOSITORY: &str = "shop/s0";

/// What the registry refuses to answer.
#[derive(Clone, Copy, PartialEq)]
#[repr(usize)]
enum Refuses {
    Nothing,
    Tags,
    Blobs,
}

/// One service whose digests say their version, and are pinned without a tag.
struct Labelled {
    fake: Fake,
    refuses: Arc<AtomicUsize>,
    fleet: Fleet,
    server: Server,
}

/// An image that says its version in its configuration.
fn image(fake: &Fake, layer: &str, version: &str) -> Digest {
    let text = format!(r#"{{"config":{{"Labels":{{"org.opencontainers.image.version":"{version}"}}}}}}"#);
    let size = text.len();
    let (config, blob) = (fake.blob(REPOSITORY, text), fake.blob(REPOSITORY, layer));
    let config =
        format!(r#"{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":{size}}}"#);
    let layer = format!(
        r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{blob}","size":{}}}"#,
        layer.len()
    );
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[{layer}]}}"#);
    fake.manifest(REPOSITORY, IMAGE, text)
}

impl Labelled {
    async fn start() -> Self {
        let (fake, key) = (Fake::new(Ways::default()), Key::new());
        let digests = ["1.0.0", "1.1.0", "1.2.0", "1.3.0"].map(|version| {
            let digest = image(&fake, version, version);
            fake.tag(REPOSITORY, version, digest);
            key.sign(&fake, REPOSITORY, digest);
            digest
        });
        let refuses = Arc::new(AtomicUsize::new(Refuses::Nothing as usize));
        let (served, refused) = (fake.clone(), Arc::clone(&refuses));
        let server = Server::start(move |seen| {
            let now = refused.load(Ordering::SeqCst);
            let is_refused = (now == Refuses::Tags as usize && seen.path.contains("/tags/list"))
                || (now == Refuses::Blobs as usize && seen.path.contains("/blobs/"));
            match is_refused {
                true => Reply::error(403, "DENIED"),
                false => served.answer(seen),
            }
        })
        .await;
        let fleet = Fleet::of(&[digests], &key, &server.address.to_string());
        Self {
            fake,
            refuses,
            fleet,
            server,
        }
    }

    /// An engine that keeps nothing on disk, so that each pass reads the label from the registry.
    fn engine(&self) -> Engine {
        self.engine_with(None)
    }

    fn engine_with(&self, cache_dir: Option<PathBuf>) -> Engine {
        Engine::open(OpenOptions {
            dir: self.fleet.clone.clone(),
            cache_dir,
            cache_bytes: 1 << 28,
            ..OpenOptions::default()
        })
        .expect("a repository")
    }

    async fn pass(&self, engine: &Engine, refuses: Refuses) -> Board {
        self.refuses.store(refuses as usize, Ordering::SeqCst);
        engine.board_by_age().await.expect("a board")
    }
}

fn moved(board: &Board) -> usize {
    let drift = board.drift.iter();
    drift.filter(|one| one.kind == DriftKind::TagMoved).count()
}

fn production(board: &Board) -> &Cell {
    let mut cells = board.services[0].cells.iter();
    cells
        .find(|cell| cell.pin.target.environment.as_str() == "production")
        .expect("a pin")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_stays_found_while_nobody_can_ask_which_tag_it_is() {
    for refused in [Refuses::Tags, Refuses::Blobs] {
        // Without a list, the tag that the label names is asked for by its name.
        let is_named = refused == Refuses::Tags;
        let labelled = Labelled::start().await;
        let engine = labelled.engine();
        let board = labelled.pass(&engine, Refuses::Nothing).await;
        assert_eq!(moved(&board), 0);
        assert_eq!(production(&board).tag, TagSource::VersionLabel("1.3.0".to_owned()));
        let rebuilt = image(&labelled.fake, "rebuilt", "1.3.0");
        labelled.fake.tag(REPOSITORY, "1.3.0", rebuilt);
        assert_eq!(moved(&labelled.pass(&engine, Refuses::Nothing).await), 1);
        for _ in 0..2 {
            let engine_that_knows_nothing = labelled.engine();
            for engine in [&engine, &engine_that_knows_nothing] {
                let board = labelled.pass(engine, refused).await;
                let cell = production(&board);
                assert_eq!(cell.tag_digest.is_unreachable(), !is_named, "{:?}", cell.tag_digest);
            }
            let board = labelled.pass(&engine, refused).await;
            assert_eq!(moved(&board), 1, "silence is not an end");
        }
        let before = labelled.server.total();
        assert_eq!(moved(&labelled.pass(&engine, Refuses::Nothing).await), 1);
        assert!(labelled.server.total() > before, "it was asked");
        let pinned = production(&board).pin.digest.expect("a digest");
        labelled.fake.tag(REPOSITORY, "1.3.0", pinned);
        assert_eq!(moved(&labelled.pass(&engine, Refuses::Nothing).await), 0, "it is over");
    }
}

/// The tag that a label names answers for the image, too: of a digest without a tag nothing is asked but that tag, what
/// refers to it, and its evidence tag.
#[tokio::test(flavor = "multi_thread")]
async fn the_tag_of_a_label_that_is_known_says_that_the_image_is_there() {
    let labelled = Labelled::start().await;
    let cache = labelled.fleet.home.path().join("cache");
    let first = labelled.engine_with(Some(cache.clone()));
    first.board().await.expect("a board");
    labelled.server.forget();
    let board = labelled.engine_with(Some(cache)).board().await.expect("a board");
    assert!(board.services[0].cells.iter().all(|cell| {
        !cell.missing
            && cell
                .verdict()
                .is_some_and(|verdict| verdict.result == Outcome::Verified)
    }));
    let mut asked: Vec<String> = labelled
        .server
        .seen()
        .iter()
        .map(|seen| {
            let path = seen.path.trim_start_matches("/v2/shop/s0/");
            let end = path.find("sha256").unwrap_or(path.len());
            format!("{} {}", seen.method, &path[..end])
        })
        .collect();
    asked.sort_unstable();
    let mut expected = vec!["GET tags/list".to_owned()];
    expected.extend(["1.0.0", "1.1.0", "1.2.0", "1.3.0"].map(|tag| format!("HEAD manifests/{tag}")));
    expected.extend(std::iter::repeat_n("GET referrers/".to_owned(), 4));
    expected.extend(std::iter::repeat_n("HEAD manifests/".to_owned(), 4));
    expected.sort_unstable();
    assert_eq!(asked, expected);
}

/// A tag is moved, and a clean-up takes the digest away that no tag names any more: the image is missing, and the tag did
/// not move back.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_stays_moved_when_the_image_is_gone() {
    let labelled = Labelled::start().await;
    let engine = labelled.engine();
    let board = labelled.pass(&engine, Refuses::Nothing).await;
    let pinned = production(&board).pin.digest.expect("a digest");
    let rebuilt = image(&labelled.fake, "rebuilt", "1.3.0");
    labelled.fake.tag(REPOSITORY, "1.3.0", rebuilt);
    assert_eq!(moved(&labelled.pass(&engine, Refuses::Nothing).await), 1);
    let there = labelled
        .fake
        .content()
        .get_mut(REPOSITORY)
        .map(|there| there.manifests.remove(&pinned));
    assert!(there.flatten().is_some());
    for _ in 0..2 {
        let board = labelled.pass(&engine, Refuses::Nothing).await;
        assert!(production(&board).missing);
        assert_eq!(moved(&board), 1);
    }
}

/// Somebody pushes an image that names the configuration of a pinned one with another size: what is wrong with theirs says
/// nothing of ours.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_names_the_same_configuration_wrongly_takes_no_label_away() {
    for size in [5_000_000, 3] {
        let labelled = Labelled::start().await;
        let (bytes, pinned) = {
            let content = labelled.fake.content();
            let pinned = content[REPOSITORY].tags["1.3.0"];
            (content[REPOSITORY].manifests[&pinned].1.clone(), pinned)
        };
        let mut theirs: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        theirs["config"]["size"] = size.into();
        let rebuilt = labelled.fake.manifest(REPOSITORY, IMAGE, theirs.to_string());
        // It is what CI offers next, and is looked at first.
        labelled.fake.tag(REPOSITORY, "9.0.0", rebuilt);
        labelled.fake.tag(REPOSITORY, "1.3.0", rebuilt);
        for cache in [None, Some(labelled.fleet.home.path().join("cache"))] {
            for _ in 0..2 {
                let board = labelled.engine_with(cache.clone()).board().await.expect("a board");
                assert_eq!(production(&board).pin.digest, Some(pinned));
                assert_eq!(moved(&board), 1, "{size}");
            }
        }
    }
}

//! Refreshing a trusted root from the public TUF repository as it was on three dates, honest and broken.

use std::path::PathBuf;

use jiff::Timestamp;
use pindeck::sources::tuf::{RootFolder, TufError, TufSource, VerifiedRoot, refresh};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::support::server::Reply;
use crate::support::tuf_site::{Files, Site, documents, laid_out, path_ending, states, trusted_root, version};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A moment at which the metadata of a state is valid: a day before its timestamp ends.
fn moment(state: &std::path::Path) -> Timestamp {
    let files = laid_out(state);
    let value: serde_json::Value = serde_json::from_slice(&files["timestamp.json"]).expect("JSON");
    let expires: Timestamp = value["signed"]["expires"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a time");
    expires - jiff::SignedDuration::from_hours(24)
}

/// The three states, a server, and a folder of kept roots.
struct Bench {
    states: Vec<PathBuf>,
    site: Site,
    source: TufSource,
    home: TempDir,
}

impl Bench {
    async fn start() -> Self {
        let states = states();
        let files = laid_out(&states[0]);
        // The oldest root whose keys are written as they are today.
        let start = files["5.root.json"].clone();
        let site = Site::start(files).await;
        Self {
            source: site.source(&start),
            states,
            site,
            home: tempfile::tempdir().expect("a folder"),
        }
    }

    fn folder(&self) -> RootFolder {
        RootFolder::of(self.home.path())
    }

    fn kept(&self) -> Option<VerifiedRoot> {
        self.folder().read(&self.source).expect("whole")
    }

    async fn refresh(&self, now: Timestamp) -> Result<VerifiedRoot, TufError> {
        refresh(&self.source, &documents(), &self.folder(), now).await
    }

    /// Serves a state and refreshes at its own time.
    async fn take(&self, state: usize) -> VerifiedRoot {
        self.site.serve(laid_out(&self.states[state]));
        self.refresh(moment(&self.states[state])).await.expect("a refresh")
    }

    /// The oldest state is kept, the newest one is served with a change; it must be refused in these words.
    async fn refused(&self, words: &str, change: impl FnOnce(&Site, &mut Files)) {
        let before = self.kept().expect("kept");
        let mut files = laid_out(&self.states[2]);
        self.site.serve(files.clone());
        change(&self.site, &mut files);
        self.site.exchange(files);
        let error = self
            .refresh(moment(&self.states[2]))
            .await
            .map(|kept| kept.versions)
            .expect_err(words);
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert_eq!(self.kept().as_ref(), Some(&before), "{words}");
    }
}

#[tokio::test]
async fn refreshes_go_forward_through_root_rotations() {
    let bench = Bench::start().await;
    assert_eq!(bench.kept(), None);
    for state in 0..3 {
        let kept = bench.take(state).await;
        assert_eq!(*kept.json, trusted_root(&bench.states[state]));
        let files = laid_out(&bench.states[state]);
        assert_eq!(kept.versions.timestamp, version(&files["timestamp.json"]));
        assert_eq!(
            kept.versions.targets,
            version(&files[&path_ending(&files, ".targets.json")])
        );
        assert_eq!(bench.kept(), Some(kept.clone()));
        // Asking again is no change but of the time.
        let again = bench
            .refresh(moment(&bench.states[state]) + jiff::SignedDuration::from_hours(1))
            .await
            .expect("current");
        assert_eq!((&again.json, again.versions), (&kept.json, kept.versions));
        assert!(again.fetched_at > kept.fetched_at);
    }
    let versions = bench.kept().expect("kept").versions;
    assert_eq!((versions.root, versions.targets), (15, 14));
}

#[tokio::test]
async fn nothing_older_than_what_is_kept_is_believed_at_any_time() {
    let bench = Bench::start().await;
    let newest = bench.take(2).await;
    for state in [0, 1] {
        bench.site.serve(laid_out(&bench.states[state]));
        for now in [
            moment(&bench.states[state]),
            moment(&bench.states[2]),
            at("2026-11-30T00:00:00Z"),
        ] {
            let error = bench.refresh(now).await.map(|kept| kept.versions).expect_err("older");
            assert!(matches!(error, TufError::Refused { .. }), "{error}");
            assert_eq!(bench.kept().as_ref(), Some(&newest), "{now}");
        }
    }
}

#[tokio::test]
async fn expired_metadata_is_refused_by_the_clock_that_is_given() {
    let bench = Bench::start().await;
    for state in 0..3 {
        bench.site.serve(laid_out(&bench.states[state]));
        let late = moment(&bench.states[state]) + jiff::SignedDuration::from_hours(25);
        let error = bench
            .refresh(late)
            .await
            .map(|kept| kept.versions)
            .expect_err("expired");
        assert!(error.to_string().contains("expired"), "{error}");
        assert_eq!(bench.kept(), None);
    }
}

#[tokio::test]
async fn what_is_broken_is_refused_in_words_and_the_old_root_stays() {
    let bench = Bench::start().await;
    bench.take(0).await;
    let older = laid_out(&bench.states[0]);
    let target = |files: &Files| path_ending(files, ".trusted_root.json");

    bench
        .refused("integrity", |_, files| {
            files.get_mut(&target(files)).unwrap().truncate(100)
        })
        .await;
    bench
        .refused("integrity", |_, files| {
            let path = target(files);
            files.get_mut(&path).unwrap()[40] ^= 1;
        })
        .await;
    bench
        .refused("targets/", |_, files| drop(files.remove(&target(files))))
        .await;
    bench
        .refused("timestamp.json", |_, files| drop(files.remove("timestamp.json")))
        .await;
    bench
        .refused("snapshot.json", |_, files| {
            drop(files.remove(&path_ending(files, ".snapshot.json")))
        })
        .await;
    // An older timestamp, and an older snapshot under the name of the newer one.
    bench
        .refused("expired", |_, files| {
            files.insert("timestamp.json".to_owned(), older["timestamp.json"].clone());
        })
        .await;
    bench
        .refused("snapshot", |_, files| {
            let old = older[&path_ending(&older, ".snapshot.json")].clone();
            files.insert(path_ending(files, ".snapshot.json"), old);
        })
        .await;
    // Without the newest root, the one before has ended.
    bench
        .refused("root metadata expired", |_, files| drop(files.remove("15.root.json")))
        .await;
    bench
        .refused("increment by one", |_, files| {
            files.insert("15.root.json".to_owned(), files["14.root.json"].clone());
        })
        .await;
    // Too few of the signatures that a root needs.
    bench
        .refused("threshold", |_, files| {
            let mut root: serde_json::Value = serde_json::from_slice(&files["15.root.json"]).expect("JSON");
            root["signatures"].as_array_mut().expect("a list").truncate(2);
            files.insert("15.root.json".to_owned(), root.to_string().into_bytes());
        })
        .await;
    // One signature twice counts once.
    bench
        .refused("", |_, files| {
            let mut root: serde_json::Value = serde_json::from_slice(&files["15.root.json"]).expect("JSON");
            let all = root["signatures"].as_array_mut().expect("a list");
            let first = all[0].clone();
            all.iter_mut().for_each(|one| *one = first.clone());
            files.insert("15.root.json".to_owned(), root.to_string().into_bytes());
        })
        .await;
    // Bodies without an end, of every kind of file.
    for ending in [
        "15.root.json",
        "timestamp.json",
        ".snapshot.json",
        ".targets.json",
        ".trusted_root.json",
    ] {
        bench
            .refused("larger than", |site, files| {
                let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
                site.lie(&path_ending(files, ending), move || Reply::Endless(head.clone()));
            })
            .await;
    }
    // Another server's answer is none of the one that was named.
    bench
        .refused("302", |site, _| {
            site.lie("timestamp.json", || {
                Reply::new(302, "").with("Location", "https://elsewhere.example/timestamp.json")
            });
        })
        .await;
    for status in [403, 500, 503, 429] {
        let said = status.to_string();
        bench
            .refused(&said, |site, _| {
                site.lie("timestamp.json", move || {
                    Reply::new(status, "").with("Retry-After", "900")
                });
            })
            .await;
    }
    bench
        .refused("", |site, _| site.lie("timestamp.json", || Reply::Reset))
        .await;
    // After all of it, the honest server is believed.
    assert_eq!(*bench.take(2).await.json, trusted_root(&bench.states[2]));
}

#[tokio::test]
async fn a_kept_root_is_bound_to_its_repository_and_verified_when_it_is_read() {
    let bench = Bench::start().await;
    let kept = bench.take(2).await;
    let other = |change: &dyn Fn(&mut TufSource)| {
        let mut source = bench.source.clone();
        change(&mut source);
        bench.folder().read(&source).expect("nothing kept")
    };
    assert_eq!(
        other(&|source| source.mirror = "https://elsewhere.example".to_owned()),
        None
    );
    assert_eq!(
        other(&|source| source.start = laid_out(&bench.states[0])["6.root.json"].clone()),
        None
    );
    let file = std::fs::read_dir(bench.home.path().join("roots"))
        .expect("kept")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|ending| ending == "json"))
        .expect("a file");
    let text = std::fs::read_to_string(&file).expect("text");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let exchange = |name: &str, with: &str| {
        let mut value = value.clone();
        value["files"][name] = with.into();
        value.to_string()
    };
    let encoded = |bytes: &[u8]| super::hostile::encode(bytes);
    for broken in [
        String::new(),
        text[..text.len() / 2].to_owned(),
        text.replace("2026-08", "2031-08"),
        exchange(
            "targets/trusted_root.json",
            &encoded(trusted_root(&bench.states[0]).as_bytes()),
        ),
        exchange(
            "timestamp.json",
            &encoded(&laid_out(&bench.states[1])["timestamp.json"]),
        ),
    ] {
        std::fs::write(&file, broken).expect("written");
        let read = bench.folder().read(&bench.source);
        assert!(read.is_err(), "{read:?}");
        // A refresh mends it.
        assert_eq!(bench.take(2).await.json, kept.json);
        assert_eq!(bench.kept().map(|kept| kept.json), Some(kept.json.clone()));
    }
}

#[tokio::test]
async fn of_two_refreshes_at_once_the_newer_result_stays() {
    let bench = Bench::start().await;
    bench.take(0).await;
    bench.site.serve(laid_out(&bench.states[2]));
    let now = moment(&bench.states[2]);
    // One of them sees a mirror that is behind.
    let behind = Site::start(laid_out(&bench.states[2])).await;
    let all = futures_util::future::join_all((0..4).map(|_| bench.refresh(now))).await;
    assert!(
        all.iter()
            .all(|one| one.as_ref().is_ok_and(|kept| kept.versions.targets == 14))
    );
    assert_eq!(bench.kept().expect("kept").versions.targets, 14);
    assert!(behind.asked().is_empty());
}

/// One change of the served files.
#[derive(Debug, Clone)]
enum Mangle {
    Flip(prop::sample::Index, prop::sample::Index, u8),
    Cut(prop::sample::Index, prop::sample::Index),
    Drop(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Older(prop::sample::Index, usize),
}

fn mangle() -> impl Strategy<Value = Mangle> {
    use prop::sample::Index;
    prop_oneof![
        (any::<Index>(), any::<Index>(), 1..=255_u8).prop_map(|(a, b, c)| Mangle::Flip(a, b, c)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mangle::Cut(a, b)),
        any::<Index>().prop_map(Mangle::Drop),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mangle::Swap(a, b)),
        (any::<Index>(), 0..2_usize).prop_map(|(a, b)| Mangle::Older(a, b)),
    ]
}

fn apply(files: &mut Files, change: &Mangle, older: &[Files]) {
    // Roots before the kept one are never asked for: what is changed is what counts.
    let paths: Vec<String> = files
        .keys()
        .filter(|path| !path.ends_with(".root.json") || path.as_str() == "15.root.json")
        .cloned()
        .collect();
    let path = |index: &prop::sample::Index| index.get(&paths).clone();
    match change {
        Mangle::Flip(file, place, bits) => {
            let bytes = files.get_mut(&path(file)).expect("there");
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] ^= bits;
            }
        }
        Mangle::Cut(file, place) => {
            let bytes = files.get_mut(&path(file)).expect("there");
            let length = place.index(bytes.len() + 1);
            bytes.truncate(length);
        }
        Mangle::Drop(file) => drop(files.insert(path(file), Vec::new())),
        Mangle::Swap(one, other) => {
            let (one, other) = (path(one), path(other));
            let (a, b) = (files[&one].clone(), files[&other].clone());
            files.insert(one, b);
            files.insert(other, a);
        }
        Mangle::Older(file, state) => {
            let path = path(file);
            let role = path.split_once('.').map_or(path.as_str(), |(_, role)| role).to_owned();
            let older = &older[*state];
            if let Some(bytes) = older
                .iter()
                .find(|(name, _)| name.ends_with(&role))
                .map(|(_, b)| b.clone())
            {
                files.insert(path, bytes);
            }
        }
    }
}

#[test]
fn whatever_is_mangled_the_kept_root_is_the_newest_or_the_old_one() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let bench = runtime.block_on(Bench::start());
    runtime.block_on(bench.take(0));
    let honest = bench.home.path().join("roots");
    let states: Vec<Files> = bench.states.iter().map(|state| laid_out(state)).collect();
    let (old, new) = (trusted_root(&bench.states[0]), trusted_root(&bench.states[2]));
    let before = bench.kept().expect("kept");
    let kept_file = std::fs::read_dir(&honest)
        .expect("kept")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|ending| ending == "json"))
        .expect("a file");
    let bytes = std::fs::read(&kept_file).expect("read");
    let mut runner = TestRunner::new(Config::with_cases(160));
    runner
        .run(&prop::collection::vec(mangle(), 1..3), |changes| {
            std::fs::write(&kept_file, &bytes).expect("written");
            let mut files = states[2].clone();
            for change in &changes {
                apply(&mut files, change, &states[..2]);
            }
            bench.site.serve(files);
            let result = runtime.block_on(bench.refresh(moment(&bench.states[2])));
            let after = bench.kept().expect("always one");
            match result {
                Ok(_) => {
                    prop_assert_eq!(&*after.json, &new);
                    prop_assert_eq!(after.versions.targets, 14);
                }
                Err(_) => {
                    prop_assert_eq!(&*after.json, &old);
                    prop_assert_eq!(after.versions, before.versions);
                }
            }
            Ok(())
        })
        .expect("never an older one");
}

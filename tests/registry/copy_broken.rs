//! The promotion copy when one request breaks: nothing half tagged, and a repeat finishes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pindeck::domain::Digest;

use super::client::plain;
use super::copy::{TO, assert_complete, request, serve, world};
use crate::support::fake::{Fake, Ways};
use crate::support::server::{Reply, Seen, Server};

/// Ways to break one answer.
const BREAKS: [&str; 7] = ["drop", "500", "503", "429", "401", "truncate", "wrong"];

fn broken(kind: &str, honest: Reply) -> Reply {
    match (kind, honest) {
        ("500", _) => Reply::new(500, ""),
        ("503", _) => Reply::new(503, ""),
        ("429", _) => Reply::new(429, "").with("Retry-After", "0"),
        ("401", _) => Reply::new(401, ""),
        ("truncate", Reply::Full { status, headers, body }) => {
            let mut raw = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n", body.len() + 5).into_bytes();
            for (name, value) in headers {
                raw.extend(format!("{name}: {value}\r\n").bytes());
            }
            raw.extend(b"\r\n");
            raw.extend(&body[..body.len() / 2]);
            Reply::Raw(raw)
        }
        (
            "wrong",
            Reply::Full {
                status,
                headers,
                mut body,
            },
        ) => {
            if let Some(byte) = body.first_mut() {
                *byte ^= 1;
            }
            Reply::Full { status, headers, body }
        }
        _ => Reply::Reset,
    }
}

/// Whatever breaks, the tag never names what is not all there, and a repeat finishes.
async fn break_each_request(once: bool) {
    let registry = plain();
    let mut finished = 0;
    let mut failed = 0;
    for (offset, kind) in BREAKS.into_iter().enumerate() {
        // Lasting faults take longer: every third request, another third for each kind.
        let (mut nth, step) = if once { (0, 1) } else { (offset % 3, 3) };
        // What is sent again at once is no different from a lasting fault that ends.
        if once && matches!(kind, "503" | "429") {
            continue;
        }
        loop {
            nth += step;
            let world = world(Ways::default());
            let destination = Fake::new(Ways {
                referrers: false,
                ..Ways::default()
            });
            let counter = Arc::new(AtomicUsize::new(0));
            let victim = Arc::new(Mutex::new(None::<(String, String)>));
            let start = |fake: &Fake| {
                let (fake, counter, victim) = (fake.clone(), Arc::clone(&counter), Arc::clone(&victim));
                move |seen: &Seen| {
                    let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                    let me = (seen.method.clone(), seen.path.clone());
                    let mut victim = victim.lock().expect("not poisoned");
                    let hit = number == nth || (!once && victim.as_ref() == Some(&me));
                    // A lost answer is worse than a lost request: the server did it.
                    let honest = fake.answer(seen);
                    if hit {
                        *victim = Some(me);
                        return broken(kind, honest);
                    }
                    honest
                }
            };
            let source = Server::start(start(&world.fake)).await;
            let target = Server::start(start(&destination)).await;
            let asked = request(&source, &target, &world);
            let result = registry.copy(&asked, None).await;
            if victim.lock().expect("not poisoned").is_none() {
                result.expect("nothing was broken");
                break;
            }
            let partial = !result.as_ref().is_ok_and(|report| report.missing.is_empty());
            let tag = destination
                .content()
                .get(TO)
                .and_then(|content| content.tags.get("v1").copied());
            if tag.is_some() {
                assert_complete(&world, &destination);
            }
            match result {
                Ok(report) if report.missing.is_empty() => {
                    finished += 1;
                    assert_complete(&world, &destination);
                }
                Ok(_) => assert_eq!(tag, None),
                Err(_) => failed += 1,
            }
            for (digest, bytes) in destination.content().values().flat_map(|content| &content.blobs) {
                assert_eq!(Digest::of(bytes), *digest);
            }
            if partial {
                // Then everything works again.
                *victim.lock().expect("not poisoned") = None;
                counter.store(usize::MAX / 2, Ordering::SeqCst);
                // A client of its own: the breaker of the first may still be open.
                let report = plain().copy(&asked, None).await.expect("finished");
                assert_eq!((report.missing, report.tagged), (Vec::new(), true), "{kind} at {nth}");
                assert_complete(&world, &destination);
            }
        }
    }
    println!("{finished} finished, {failed} failed cleanly");
    assert!(finished > 0 && failed > 0);
}

#[tokio::test]
async fn one_fault_at_any_request_leaves_nothing_half_tagged() {
    break_each_request(true).await;
}

#[tokio::test]
async fn a_lasting_fault_at_any_request_leaves_nothing_half_tagged() {
    break_each_request(false).await;
}

/// The bytes of layers and configurations that a destination has been sent.
fn sent(destination: &Server) -> usize {
    let seen = destination.seen();
    let uploads = seen.iter().filter(|seen| seen.path.contains("/blobs/uploads/"));
    uploads.map(|seen| seen.body.len()).sum()
}

/// A connection is cut in the midst of a large blob: of a registry that tells what has arrived only the rest is asked, of
/// any other the whole blob again, and of none anything that had arrived whole.
#[tokio::test]
async fn after_a_cut_only_what_is_missing_is_sent_again() {
    const CUT: usize = 30_000;
    for (ranges, again) in [(true, 0), (false, CUT)] {
        let ways = Ways {
            ranges,
            ..Ways::default()
        };
        let (world, destination) = (world(Ways::default()), Fake::new(ways));
        let (source, target) = (serve(&world.fake).await, serve(&destination).await);
        target.cut_after(CUT);
        let report = plain().copy(&request(&source, &target, &world), None).await;
        assert!(report.expect("a whole copy").missing.is_empty());
        assert_complete(&world, &destination);
        let blobs: usize = destination.content()[TO].blobs.values().map(Vec::len).sum();
        assert_eq!(sent(&target), blobs + again, "{ranges}");
    }
}

/// A registry that tells more than is true is sent the blob from its beginning: what does not hash is refused.
#[tokio::test]
async fn a_registry_that_lies_about_what_has_arrived_gets_it_all() {
    for claimed in [
        "0-69999",
        "0-68000",
        "0-70000",
        "0-0",
        "nonsense",
        "0-18446744073709551615",
    ] {
        let (world, destination) = (world(Ways::default()), Fake::new(Ways::default()));
        let source = serve(&world.fake).await;
        let served = destination.clone();
        let target = Server::start(move |seen| {
            let is_asked = seen.method == "GET" && seen.path.contains("/blobs/uploads/");
            let mut seen = seen.clone();
            // What it has forgotten is what it claims to have.
            seen.headers.remove("content-range");
            match is_asked {
                true => Reply::new(204, "").with("Range", claimed),
                false => served.answer(&seen),
            }
        })
        .await;
        target.cut_after(30_000);
        let report = plain().copy(&request(&source, &target, &world), None).await;
        assert!(report.expect("a whole copy").missing.is_empty(), "{claimed}");
        assert_complete(&world, &destination);
    }
}

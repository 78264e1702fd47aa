//! The promotion copy when one request breaks: nothing half tagged, and a repeat finishes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pindeck::domain::Digest;

use super::client::plain;
use super::copy::{TO, assert_complete, request, world};
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

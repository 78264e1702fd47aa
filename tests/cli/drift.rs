//! `pindeck drift`.

use serde_json::Value;

use super::home::Home;
use super::served::{Served, drift, each, has};
use crate::support::fake::{Fake, Ways};
use crate::support::server::{Reply, Server};
use crate::support::signed_world::{API, Clone, Key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watching_says_what_is_there_first_and_ends_with_the_signal() {
    use std::io::BufRead as _;

    let served = Served::start().await;
    let expected = served.json("pindeck/drift/v1", &["drift", "--json"]).await;
    let expected = each(&expected, "drift").len();
    let mut command = served.home.command(
        &served.world.clone_dir(),
        &["drift", "--watch", "--json", "--interval", "1h"],
    );
    let (lines, status) = tokio::task::spawn_blocking(move || {
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("started");
        let out = std::io::BufReader::new(child.stdout.take().expect("piped"));
        let lines: Vec<String> = out.lines().map_while(Result::ok).take(expected).collect();
        let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("an id"), rustix::process::Signal::TERM).expect("told");
        (lines, child.wait().expect("ended").code())
    })
    .await
    .expect("finished");
    assert_eq!((lines.len(), status), (expected, Some(143)));
    for line in lines {
        let event: Value = serde_json::from_str(&line).expect("one document a line");
        has(&event, "schema at evidence_as_of event drift");
        assert_eq!(
            (&event["schema"], &event["event"]),
            (&"pindeck/drift-event/v1".into(), &"appeared".into())
        );
        drift(&event["drift"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_says_when_it_sees_less_and_when_it_sees_everything_again() {
    use std::io::BufRead as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let key = Key::new();
    let fake = Fake::new(Ways::default());
    let image = fake.image(API, "one", None);
    key.sign(&fake, API, image);
    let fails = Arc::new(AtomicBool::new(true));
    let failing = Arc::clone(&fails);
    let server = Server::start(move |seen| match failing.load(Ordering::SeqCst) {
        true => Reply::error(503, "UNAVAILABLE"),
        false => fake.answer(seen),
    })
    .await;
    let clone = Clone::new(&key, &[("production", &server.address.to_string(), image)], "");
    let home = Home::new();
    let mut command = home.command(&clone.folder, &["drift", "--watch", "--interval", "1s"]);
    let said = tokio::task::spawn_blocking(move || {
        command.stdout(std::process::Stdio::null());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("started");
        let mut lines = std::io::BufReader::new(child.stderr.take().expect("piped"))
            .lines()
            .map_while(Result::ok);
        let first = lines.next().expect("a line");
        fails.store(false, Ordering::SeqCst);
        // However many passes fail in between, it is said once.
        let second = lines.next().expect("a line");
        let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("an id"), rustix::process::Signal::TERM).expect("told");
        child.wait().expect("ended");
        [first, second]
    });
    let [first, second] = said.await.expect("finished");
    assert!(
        first.starts_with("pindeck: not everything could be asked: ") && first.contains("503"),
        "{first}"
    );
    assert_eq!(second, "pindeck: everything could be asked again");
}

//! `pindeck drift`.

use serde_json::Value;

use super::served::{Served, drift, each, has};

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
        has(&event, "schema at event drift");
        assert_eq!(
            (&event["schema"], &event["event"]),
            (&"pindeck/drift-event/v1".into(), &"appeared".into())
        );
        drift(&event["drift"]);
    }
}

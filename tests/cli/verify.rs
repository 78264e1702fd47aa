//! `pindeck verify`.

use super::served::{Served, each, evidence, has, pinned_with, verdict};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_has_the_verdict_of_the_board_and_its_status() {
    let served = Served::start().await;
    let status = served.json("pindeck/status/v1", &["status", "--json"]).await;
    for (result, plain, acknowledged) in [("verified", 0, 0), ("warned", 4, 0), ("rejected", 4, 4)] {
        let (reference, environment) = pinned_with(&status, result);
        let verify = ["verify", &reference, "--env", &environment, "--json"];
        let said = served.run(&verify).await;
        assert_eq!(said.status, plain, "{result}: {said:?}");
        let document = said.json();
        assert_eq!(document["schema"], "pindeck/verify/v1");
        has(&document, "image digest verdict evidence");
        verdict(&document["verdict"]);
        each(&document, "evidence").iter().for_each(evidence);
        let mut pins = each(&status, "services").iter().flat_map(|s| each(s, "pins"));
        let pin = pins.find(|pin| pin["environment"] == environment.as_str() && pin["digest"] == document["digest"]);
        let pin = pin.expect("the same pin");
        assert_eq!(document["verdict"]["causes"], pin["verdict"]["causes"], "{result}");
        let said = served.run(&[&verify[..], &["--acknowledge-warned"]].concat()).await;
        assert_eq!(said.status, acknowledged, "{result}");
        let said = served.run(&["verify", &reference, "--env", &environment]).await;
        assert!(said.out.contains(result), "{said:?}");
    }
}

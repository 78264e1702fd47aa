//! `pindeck pin`.

use super::served::{Served, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_by_tag_gets_the_digest_of_its_tag() {
    let served = Served::start().await;
    let args = ["pin", "notifier", "--env", "dev", "--dry-run", "--json"];
    let planned = served.json("pindeck/pin/v1", &args).await;
    write(&planned);
    let plan = &planned["plans"][0];
    assert_eq!(plan["from"], serde_json::Value::Null);
    let digest = plan["to"].as_str().expect("a digest");
    assert!(
        plan["edits"][0]["diff"].as_str().expect("a diff").contains(digest),
        "{plan}"
    );
}

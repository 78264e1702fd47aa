//! What is attached to a digest is listed once, however many policies judge it.

use std::process::Command;

use crate::support::fake::{Fake, Ways};
use crate::support::server::Server;
use crate::support::signed_world::{API, Clone, Key};
use crate::support::stage::path;

/// Three environments pin one digest, judged by so many policies; what a status with an empty cache asks, sorted.
async fn asked(policies: usize, ways: Ways) -> Vec<String> {
    let (key, fake) = (Key::new(), Fake::new(ways));
    let image = fake.image(API, "linux", None);
    fake.tag(API, "keep", fake.image(API, "another", None));
    key.sign(&fake, API, image);
    let served = fake.clone();
    let server = Server::start(move |seen| served.answer(seen)).await;
    let host = server.address.to_string();
    let pins = ["dev", "staging", "production"].map(|name| (name, host.as_str(), image));
    let clone = Clone::new(&key, &pins, "");
    let file = clone.folder.join("pindeck.toml");
    let mut text = std::fs::read_to_string(&file).expect("a policy");
    for n in 1..policies {
        let one = format!("policy = \"release-{n}\"");
        text = text.replacen("policy = \"release\"", &one, 1);
        // Another age limit, which decides nothing here, makes it another policy.
        text.push_str(&format!(
            "[policies.release-{n}]\nrequire = [\"signature\"]\nsigner = \"ci\"\nmax_age = {{ vulnerability-scan = \"{n}d\" }}\n"
        ));
    }
    std::fs::write(&file, text).expect("written");
    let committed = Command::new("git")
        .args([
            "-C",
            path(&clone.folder),
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.com",
        ])
        .args(["commit", "-q", "-am", "policies"])
        .status();
    assert!(policies == 1 || committed.expect("git runs").success());
    let board = clone.engine("cache").board().await.expect("a status");
    let cells: Vec<_> = board.services.iter().flat_map(|row| &row.cells).collect();
    assert_eq!(cells.len(), 3);
    let mut digests: Vec<_> = cells
        .iter()
        .map(|cell| cell.verdict().expect("judged").policy_digest)
        .collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), policies);
    let image = image.to_string();
    let (short, signed) = (image.replace(':', "-"), format!("{}.sig", image.replace(':', "-")));
    let mut asked: Vec<String> = server
        .seen()
        .iter()
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .map(|line| {
            line.replace(&signed, "SIGNATURE")
                .replace(&image, "IMAGE")
                .replace(&short, "IMAGE-TAG")
        })
        .map(|line| match line.rsplit_once("sha256:") {
            Some((before, _)) => format!("{before}OTHER"),
            None => line,
        })
        .collect();
    asked.sort_unstable();
    asked
}

/// All that a status of one signed image asks: the digest it is pinned by, what is listed for it, and its
/// signature. The registry has been asked for the image itself, so no HEAD is needed on top.
const ASKED: [&str; 6] = [
    "GET /v2/shop/api/blobs/OTHER",
    "GET /v2/shop/api/blobs/OTHER",
    "GET /v2/shop/api/manifests/IMAGE",
    "GET /v2/shop/api/manifests/SIGNATURE",
    "GET /v2/shop/api/referrers/IMAGE",
    "GET /v2/shop/api/tags/list",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_listing_per_subject_whatever_the_number_of_policies() {
    for referrers in [true, false] {
        let ways = Ways {
            referrers,
            ..Ways::default()
        };
        for policies in 1..=3 {
            let asked = asked(policies, ways).await;
            assert_eq!(asked, ASKED, "{policies} policies, referrers: {referrers}");
        }
    }
}

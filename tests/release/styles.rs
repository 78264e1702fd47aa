//! Every manifest style of the world: a promotion changes the pin's bytes and nothing else, its revert
//! gives the file back byte for byte.

use pindeck::domain::Digest;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::write::{Ask, Request, WriteState};

use crate::support::stage::{Stage, promote, promote_digest, revert, write};

/// Lines that differ between two texts of as many lines, by number from 1.
fn changed(before: &str, after: &str) -> Vec<usize> {
    assert_eq!(
        before.matches('\n').count(),
        after.matches('\n').count(),
        "no line comes or goes"
    );
    let pairs = before.split('\n').zip(after.split('\n'));
    pairs
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(at, _)| at + 1)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_style_is_promoted_and_given_back() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    // Service, environment, its file, how many lines change.
    let cases = [
        (
            "payments",
            "production",
            "apps/payments/overlays/production/kustomization.yaml",
            2,
        ),
        ("checkout", "staging", "apps/checkout/staging/checkout.yaml", 1),
        ("frontend", "staging", "charts/frontend/values-staging.yaml", 1),
        ("search", "dev", "clusters/dev/search.yaml", 2),
        ("ledger", "dev", "compose/dev/docker-compose.yml", 2),
        ("notifier", "integration", "argocd/notifier-integration.yaml", 2),
    ];
    for (service, env, file, lines) in cases {
        let before = stage.file(file);
        let mut request = match service {
            "search" => promote_digest(service, env, pinned(&stage.file("clusters/production/search.yaml"))),
            "notifier" => promote_digest(service, env, pinned(&stage.file("argocd/notifier-production.yaml"))),
            "ledger" => promote_digest(
                service,
                env,
                "sha256:8e5d5166ec36df40eaf25e5f62e457b0b9497abe59b40a7a1923f9a09df88e1e"
                    .parse()
                    .expect("a digest"),
            ),
            _ => promote(&[service], env),
        };
        // The digest named outright has not been in the environment before.
        request.break_glass = (service == "notifier").then(|| "brought over from production".to_owned());
        let done = write(&engine, request)
            .await
            .unwrap_or_else(|e| panic!("{service}: {e:?}"));
        assert_eq!(done.state, WriteState::Pushed, "{service}");
        let after = stage.file(file);
        assert_eq!(stage.at_remote(["diff", "--name-only", "main^", "main"]), file);
        assert_eq!(changed(&before, &after).len(), lines, "{service}: {before}\n{after}");
        assert!(after.contains(&done.plans[0].to.hex()), "{service}");

        let mut back = revert(service, env, None);
        // What was pinned there before does not verify any more in some of these.
        back.break_glass = Some("the world is broken on purpose".to_owned());
        match write(&engine, back).await {
            Ok(_) => assert_eq!(stage.file(file), before, "{service}: byte for byte as before"),
            // A digest with corrupt evidence comes back for no reason in the world.
            Err(failure) => assert_eq!(
                (service, failure.kind()),
                ("frontend", FailureKind::Refused),
                "{failure:?}"
            ),
        }
    }
}

fn pinned(text: &str) -> Digest {
    text[text.find("sha256:").expect("a digest")..][..71]
        .parse()
        .expect("a digest")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_by_tag_gets_the_digest_of_its_tag() {
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let file = "argocd/notifier-dev.yaml";
    let before = stage.file(file);
    let request = Request::new(Ask::Pin {
        services: vec!["notifier".into()],
        environment: Some("dev".into()),
    });
    let done = write(&engine, request.clone()).await.expect("pinned");
    assert_eq!(done.state, WriteState::Pushed);
    let after = stage.file(file);
    assert_eq!(changed(&before, &after).len(), 1, "{after}");
    assert!(after.contains(&done.plans[0].to.to_string()), "{after}");
    let message = stage.at_remote(["log", "-1", "--format=%B", "main"]);
    assert!(
        message.starts_with("Pin notifier in dev\n") && message.contains("\nPindeck-Action: pin\n"),
        "{message}"
    );
    assert_eq!(
        write(&engine, request).await.expect("nothing to do").state,
        WriteState::Already
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_the_registry_does_not_have_cannot_be_pinned() {
    let Some(stage) = Stage::start().await else { return };
    let file = "argocd/notifier-dev.yaml";
    stage.somebody_changes(file, |text| text.replace("/notifier:1.4.0", "/notifier:never-built"));
    let head = stage.head();
    let request = Request::new(Ask::Pin {
        services: vec!["notifier".into()],
        environment: Some("dev".into()),
    });
    let failure = write(&stage.engine(), request).await.expect_err("no such tag");
    assert_eq!(failure.kind(), FailureKind::Refused, "{failure:?}");
    assert!(failure.what().raw().contains("has no tag never-built"), "{failure:?}");
    assert_eq!(stage.head(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_updated_dropped_or_kept_as_asked() {
    use pindeck::domain::write::TagRule;
    let Some(stage) = Stage::start().await else { return };
    let engine = stage.engine();
    let diff = |rule: Option<TagRule>| {
        let engine = engine.clone();
        async move {
            let mut request = promote(&["payments"], "production");
            request.tag = rule;
            let plan = engine.plan(request).await.expect("a plan").plans.remove(0);
            (plan.edits[0].diff.clone(), plan.warnings)
        }
    };
    let (text, _) = diff(None).await;
    assert!(text.contains("+  newTag: \"1.4.0\" # informative"), "{text}");
    let (text, warnings) = diff(Some(TagRule::Keep)).await;
    assert!(!text.contains("+  newTag"), "{text}");
    assert!(
        warnings.iter().any(|w| w.raw().contains("1.3.0")),
        "a tag that lies is named: {warnings:?}"
    );
    let (text, _) = diff(Some(TagRule::Drop)).await;
    assert!(text.contains("-  newTag") && !text.contains("+  newTag"), "{text}");
}

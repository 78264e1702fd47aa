//! Loose copies of a pinned image: named where they stay behind, taken along with the pin or not at all, and brought
//! back by a revert.

use std::collections::BTreeSet;

use pindeck::domain::failure::FailureKind;
use pindeck::domain::loose_copy::LooseCopy;
use pindeck::domain::policy::Environment;
use pindeck::domain::write::{Request, WriteState};

use super::rendered_trees::{Files, Place, Registry};
use crate::support::stage::{promote_digest, revert, write};
use crate::support::trees;

const IMAGE: &str = "r.example/shop/api";

fn environments() -> Vec<Environment> {
    ["dev", "prod"]
        .map(|name| Environment::new(name, vec![format!("envs/{name}/**")]))
        .to_vec()
}

/// A tree with a pin, three copies of its digest and one of its tag in prod, and the same in dev.
fn tree(registry: &Registry) -> Files {
    let pin = format!("{IMAGE}:v1@{}", trees::digest('A'));
    let copy = format!("{IMAGE}@{}", trees::digest('A'));
    let app = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: api\n        image: {pin}\n        args: [--sidecar={copy}] # {copy}\n        env:\n        - name: RELATED_IMAGE_API\n          value: \"{copy}\"\n"
    );
    let config = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: api}}\ndata:\n  images: |\n    api={pin}\n    other={IMAGE}@{}\n  plain: {IMAGE}:v1\n",
        trees::digest('B')
    );
    let mut files = Files::new();
    for env in ["dev", "prod"] {
        files.insert(format!("envs/{env}/app.yaml"), registry.real(&app));
        files.insert(format!("envs/{env}/config.yaml"), registry.real(&config));
    }
    files
}

fn place(registry: &Registry, files: &Files) -> Place {
    registry.stock("shop/api", ["v1"].into_iter());
    Place::new(
        files,
        &environments(),
        &BTreeSet::from(["r.example".to_owned()]),
        registry,
    )
}

fn request(registry: &Registry, take_copies: bool) -> Request {
    let mut request = promote_digest("api", "prod", registry.new_digest());
    request.tag = Some(pindeck::domain::write::TagRule::Keep);
    request.take_copies = take_copies;
    request
}

/// The copies of a plan: file, line, whether it has the digest, whether it is taken.
fn told(copies: &[LooseCopy]) -> Vec<(&str, u32, bool, bool)> {
    let each = copies.iter();
    each.map(|copy| (copy.file.as_str(), copy.line, copy.has_digest, copy.taken))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_stay_behind_and_are_named_unless_they_are_taken_along() {
    let registry = Registry::start().await;
    let files = tree(&registry);
    let place = place(&registry, &files);
    let proposal = place.engine.plan(request(&registry, false)).await.unwrap();
    let plan = &proposal.plans[0];
    let expected = |taken| {
        [
            ("envs/prod/app.yaml", 10, true, taken),
            ("envs/prod/app.yaml", 13, true, taken),
            ("envs/prod/config.yaml", 6, true, taken),
            ("envs/prod/config.yaml", 8, false, false),
        ]
    };
    assert_eq!(told(&plan.loose_copies), expected(false));
    let warnings: Vec<String> = plan.warnings.iter().map(|w| w.clean().into_string()).collect();
    for (file, line, ..) in expected(false) {
        let place = format!("{file}:{line} names");
        assert!(
            warnings
                .iter()
                .any(|w| w.starts_with(&place) && w.contains("stays behind")),
            "{place}: {warnings:?}"
        );
    }
    assert!(!warnings.iter().any(|w| w.contains("envs/dev")), "{warnings:?}");
    let done = write(&place.engine, request(&registry, false)).await.unwrap();
    assert_eq!(done.state, WriteState::Pushed);
    let old = registry.real(&trees::digest('A'));
    let new = registry.new_digest().to_string();
    let mut alone = files.clone();
    let app = alone.get_mut("envs/prod/app.yaml").unwrap();
    *app = app.replacen(&old, &new, 1);
    assert_eq!(place.files(&files), alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_takes_copies_along_and_a_revert_brings_them_back() {
    let registry = Registry::start().await;
    let files = tree(&registry);
    let place = place(&registry, &files);
    let done = write(&place.engine, request(&registry, true)).await.unwrap();
    assert_eq!(done.commits.len(), 1);
    let plan = &done.plans[0];
    assert_eq!(plan.edits.len(), 2, "{:?}", plan.edits);
    assert_eq!(told(&plan.loose_copies).iter().filter(|copy| copy.3).count(), 3);
    let old = registry.real(&trees::digest('A'));
    let new = registry.new_digest().to_string();
    let mut taken = files.clone();
    for file in ["envs/prod/app.yaml", "envs/prod/config.yaml"] {
        let text = taken.get_mut(file).unwrap();
        // What a comment says stays as it is.
        *text = text
            .replace(&old, &new)
            .replace(&format!("# {IMAGE}@{new}"), &format!("# {IMAGE}@{old}"));
    }
    assert_eq!(place.files(&files), taken);
    let mut back = revert("api", "prod", None);
    back.take_copies = true;
    let done = write(&place.engine, back).await.unwrap();
    assert_eq!(place.files(&files), files);
    assert!(
        done.plans[0].message.contains("This reverts commit"),
        "{}",
        done.plans[0].message
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_copy_that_cannot_be_edited_refuses_all() {
    let registry = Registry::start().await;
    let config = "envs/prod/config.yaml";
    let whole = tree(&registry);
    let sops = format!("{}sops: {{mac: x}}\n", whole[config]);
    let generated = format!("# Code generated by a tool. DO NOT EDIT.\n{}", whole[config]);
    let copy = registry.real(&format!("api={IMAGE}@{}\n", trees::digest('A')));
    let shared = "resources: [../../shared/config.yaml]\n".to_owned();
    for (name, more, word) in [
        ("sealed", vec![(config, sops)], "SOPS"),
        ("generated", vec![(config, generated)], "a program writes this file"),
        ("no manifest", vec![("envs/prod/params.env", copy)], "no manifest"),
        (
            "another environment",
            vec![
                ("envs/dev/kustomization.yaml", shared.clone()),
                ("envs/prod/kustomization.yaml", shared),
                ("shared/config.yaml", whole[config].clone()),
            ],
            "also reaches dev",
        ),
    ] {
        let mut files = whole.clone();
        files.extend(more.into_iter().map(|(file, text)| (file.to_owned(), text)));
        let place = place(&registry, &files);
        let head = place.head();
        let failure = write(&place.engine, request(&registry, true)).await.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Refused, "{name}: {failure:?}");
        let what = failure.what().clean().into_string();
        assert!(
            what.contains("cannot be taken along") && what.contains(word),
            "{name}: {what}"
        );
        assert_eq!(place.head(), head, "{name}");
        // The pin alone can change, and the copy is named with the reason.
        let plan = place
            .engine
            .plan(request(&registry, false))
            .await
            .unwrap()
            .plans
            .remove(0);
        assert!(plan.closed_gate().is_none(), "{name}: {:?}", plan.gates);
        let why = plan
            .loose_copies
            .iter()
            .filter(|copy| copy.has_digest)
            .find_map(|copy| copy.why.clone());
        assert!(
            why.is_some_and(|why| why.raw().contains(word)),
            "{name}: {:?}",
            plan.loose_copies
        );
    }
}

//! A digest changes and a tag stands beside it: it changes along, or the plan says that it stays.

use std::collections::BTreeSet;

use pindeck::domain::plan::Plan;
use pindeck::domain::write::TagRule;

use super::rendered_trees::{Files, Place, Registry};
use crate::support::stage::promote_digest;
use crate::support::trees;

/// The plan for the only pin of a tree.
async fn plan(name: &str, tag: Option<TagRule>) -> Plan {
    let registry = Registry::start().await;
    let tree = trees::all().into_iter().find(|tree| tree.name == name).expect("a tree");
    let files: Files = tree
        .files
        .iter()
        .map(|(name, text)| (name.clone(), registry.real(text)))
        .collect();
    let pins = trees::pins_of(&trees::grouped(&trees::commit(&files), &tree.environments));
    assert_eq!(pins.len(), 1, "{name}");
    let pin = &pins[0];
    registry.stock(pin.image.path(), ["9.9.9"].into_iter());
    let hosts = BTreeSet::from([pin.image.registry().to_owned()]);
    let place = Place::new(&files, &tree.environments, &hosts, &registry);
    let (service, env) = (pin.target.service.as_str(), pin.target.environment.as_str());
    let mut request = promote_digest(service, env, registry.new_digest());
    request.tag = tag;
    let mut plans = place.engine.plan(request).await.expect("a plan").plans;
    plans.remove(0)
}

/// The line of the diffs that come.
fn added(plan: &Plan) -> Vec<&str> {
    let lines = plan.edits.iter().flat_map(|edit| edit.diff.lines());
    lines
        .filter(|line| line.starts_with('+') && !line.starts_with("+++"))
        .collect()
}

fn says_that_a_tag_stays(plan: &Plan) -> bool {
    let mut all = plan.warnings.iter();
    all.any(|warning| warning.raw().contains("stays beside a digest that it may not name"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_in_a_parameter_that_is_kept_is_said() {
    let plan = plan("named: a digest and a tag in parameters", Some(TagRule::Keep)).await;
    assert_eq!(added(&plan).len(), 1, "{plan:?}");
    assert!(says_that_a_tag_stays(&plan), "{:?}", plan.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_in_another_file_stays_and_is_said() {
    for (name, place) in [
        (
            "named: a digest in parameters over a tag in values",
            "charts/app/values.yaml:3",
        ),
        (
            "controllers: a JSON patch gives a Flux Kustomization another digest",
            "elsewhere",
        ),
    ] {
        for tag in [Some(TagRule::Keep), Some(TagRule::Drop), None] {
            let plan = plan(name, tag).await;
            assert_eq!(added(&plan).len(), 1, "{name} {plan:?}");
            assert!(says_that_a_tag_stays(&plan), "{name} {tag:?}: {:?}", plan.warnings);
            let words = |warning: &pindeck::domain::text::Untrusted| warning.raw().contains(place);
            assert!(plan.warnings.iter().any(words), "{name} {tag:?}: {:?}", plan.warnings);
        }
    }
}

//! History, `pinned` and what a revert goes back to are one computation: shapes that once told them apart.

use pindeck::domain::id::Target;

use super::pin_story::{CONFIG, Files, Story, Told, digest, pod, tagged};

#[tokio::test]
async fn a_file_that_is_copied_and_deleted_later_keeps_its_past() {
    let mut story = Story::default();
    story.then("one", &[("production/api.yaml", pod(&[1]))]);
    story.then("two", &[("production/api.yaml", pod(&[2]))]);
    story.then("three", &[("production/api.yaml", pod(&[3]))]);
    story.then("copy", &[("production/deep/api.yaml", pod(&[3]))]);
    story.then("tidy", &[("production/api.yaml", None)]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["three", "two", "one"]);
    assert_eq!(told.pinned("production"), ["three"]);
    assert_eq!(told.earlier("production").await, [2, 1]);
}

#[tokio::test]
async fn a_second_file_that_takes_a_pinned_digest_is_no_change() {
    let mut story = Story::default();
    story.then("one", &[("production/a.yaml", pod(&[1]))]);
    story.then("two", &[("production/a.yaml", pod(&[2]))]);
    story.then("again", &[("production/b.yaml", pod(&[2]))]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["two", "one"]);
    assert_eq!(told.pinned("production"), ["two"]);
}

#[tokio::test]
async fn a_tag_of_another_repository_is_another_pin() {
    let listed = format!(
        "{CONFIG}[[services]]\nname = \"api\"\nimage = \"new.example/shop/api\"\nalso = [\"old.example/shop/api\"]\n"
    );
    for config in [CONFIG, &listed] {
        let mut story = Story::default();
        story.then("start", &[("production/a.yaml", tagged("old.example/shop/api:v0"))]);
        story.then("first", &[("production/a.yaml", tagged("old.example/shop/api:v1"))]);
        story.then("switch", &[("production/a.yaml", tagged("new.example/shop/api:v1"))]);
        let told = Told::configured(&story, config);
        assert_eq!(told.lines("production").await, ["switch", "first", "start"]);
        assert_eq!(told.pinned("production"), ["switch"]);
        let history = told.history(&Target::new("api", "production")).await;
        let images: Vec<String> = history
            .iter()
            .filter_map(|r| r.image.as_ref())
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            images,
            ["new.example/shop/api", "old.example/shop/api", "old.example/shop/api"]
        );
    }
}

/// The same bytes in another repository are the same release.
#[tokio::test]
async fn a_digest_in_another_repository_is_the_same_pin() {
    let at = |repository: &str, n: u8| tagged(&format!("{repository}/shop/api@{}", digest(n)));
    let mut story = Story::default();
    story.then("one", &[("production/a.yaml", at("old.example", 1))]);
    story.then("two", &[("production/a.yaml", at("old.example", 2))]);
    story.then("moved", &[("production/a.yaml", at("new.example", 2))]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["two", "one"]);
    assert_eq!(told.pinned("production"), ["two"]);
    assert_eq!(told.earlier("production").await, [1]);
}

#[tokio::test]
async fn what_a_merge_dropped_is_marked() {
    let file = |n: u8| Files::from([("production/a.yaml".to_owned(), pod(&[n]).expect("a pod"))]);
    let mut story = Story::default();
    let one = story.add(&[], "one", file(1));
    let two = story.add(&[one], "two", file(2));
    let side = story.add(&[two], "on the side", file(3));
    let other = story.add(&[two], "elsewhere", file(2));
    story.add(&[other, side], "merge, ours", file(2));
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["two", "on the side (Dropped)", "one"]);
    assert_eq!(told.pinned("production"), ["two"]);
    assert_eq!(
        told.earlier("production").await,
        [1],
        "what the branch never had is no target"
    );
    let merge = told.subjects.iter().find(|(_, subject)| *subject == "merge, ours");
    let history = told.history(&Target::new("api", "production")).await;
    assert_eq!(Some(&history[1].entry.landed), merge.map(|(id, _)| id));
}

/// A kustomization that was laid over a manifest later: before it, the manifest decided.
#[tokio::test]
async fn what_was_deployed_before_a_layer_came_is_the_past_of_the_pin() {
    let deployment = |n: u8| {
        Some(format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      \
             containers:\n      - name: api\n        image: r.example/shop/api@{}\n",
            digest(n)
        ))
    };
    let kustomization = |n: Option<u8>| {
        let images = n.map(|n| format!("images:\n- name: r.example/shop/api\n  digest: {}\n", digest(n)));
        Some(format!("resources:\n- api.yaml\n{}", images.unwrap_or_default()))
    };
    let (manifest, layer) = ("production/api.yaml", "production/kustomization.yaml");
    let mut story = Story::default();
    story.then("one", &[(manifest, deployment(1)), (layer, kustomization(None))]);
    story.then("two", &[(manifest, deployment(2))]);
    story.then("layer", &[(layer, kustomization(Some(3)))]);
    story.then("below the layer", &[(manifest, deployment(4))]);
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["layer", "two", "one"]);
    assert_eq!(told.pinned("production"), ["layer"]);
    assert_eq!(told.earlier("production").await, [2, 1]);
}

/// Variants of one image keep apart, in the past too.
#[tokio::test]
async fn components_have_a_history_each() {
    let both = |fpm: u8, nginx: u8| {
        let image = |n: u8, variant: &str| format!("  - image: r.example/shop/api:v{n}-{variant}@{}\n", digest(n));
        let images = image(fpm, "fpm") + &image(nginx, "nginx");
        Some(format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{images}"))
    };
    let mut story = Story::default();
    story.then("both", &[("production/a.yaml", both(1, 2))]);
    story.then("fpm", &[("production/a.yaml", both(3, 2))]);
    story.then("nginx", &[("production/a.yaml", both(3, 4))]);
    let told = Told::of(&story);
    let history = told.history(&Target::new("api", "production")).await;
    let lines: Vec<String> = history
        .iter()
        .map(|r| format!("{} {:?}", told.subjects[&r.entry.commit], r.entry.component.as_deref()))
        .collect();
    assert_eq!(lines[..2], ["nginx Some(\"nginx\")", "fpm Some(\"fpm\")"]);
    assert_eq!(lines.len(), 4);
    assert_eq!(told.pinned("production"), ["fpm", "nginx"]);
}

/// A pin that comes after two environments skipped one if it was not in both.
#[test]
fn skipped_follows_after() {
    let env =
        |name: &str, after: &str| format!("[[environments]]\nname = \"{name}\"\npaths = [\"{name}/**\"]\n{after}\n");
    let config = format!(
        "version = 1\n{}{}{}{}",
        env("dev", ""),
        env("eu", "after = [\"dev\"]"),
        env("us", "after = [\"dev\"]"),
        env("production", "after = [\"eu\", \"us\"]"),
    );
    let mut story = Story::default();
    story.then("all", &[("dev/a.yaml", pod(&[1])), ("eu/a.yaml", pod(&[1]))]);
    story.then("on", &[("production/a.yaml", pod(&[1])), ("us/a.yaml", pod(&[2]))]);
    let told = Told::configured(&story, &config);
    let skipped: Vec<(&str, Option<bool>)> = told
        .lineage
        .skipped
        .iter()
        .map(|(key, skipped)| (key.target.environment.as_str(), *skipped))
        .collect();
    assert_eq!(
        skipped,
        [
            ("dev", None),
            ("eu", Some(false)),
            ("production", Some(true)),
            ("us", Some(true))
        ]
    );
    let us = told
        .lineage
        .earlier
        .iter()
        .find(|(key, _)| key.target.environment.as_str() == "production");
    let before: Vec<(&str, Vec<u8>)> = us
        .into_iter()
        .flat_map(|(_, before)| before)
        .map(|(env, all)| (env.as_str(), all.iter().map(|d| d.as_bytes()[0]).collect()))
        .collect();
    assert_eq!(before, [("us", vec![2])]);
}

/// A repository is restructured: what lay outside of every environment lies in one now, and keeps its past.
#[tokio::test]
async fn a_file_that_is_moved_in_from_outside_keeps_its_past() {
    for with_edit in [false, true] {
        let mut story = Story::default();
        story.then("one", &[("k8s/api.yaml", pod(&[1]))]);
        story.then("two", &[("k8s/api.yaml", pod(&[2]))]);
        let moved = if with_edit { 3 } else { 2 };
        story.then(
            "restructured",
            &[("k8s/api.yaml", None), ("production/shop/api.yaml", pod(&[moved]))],
        );
        story.then("four", &[("production/shop/api.yaml", pod(&[4]))]);
        let told = Told::of(&story);
        let lines = told.lines("production").await;
        if with_edit {
            assert_eq!(lines, ["four", "restructured", "two", "one"]);
            assert_eq!(told.earlier("production").await, [3, 2, 1]);
        } else {
            assert_eq!(lines, ["four", "two", "one"]);
            assert_eq!(told.earlier("production").await, [2, 1]);
        }
        assert_eq!(told.pinned("production"), ["four"]);
    }
}

/// It was moved twice, on a branch that was merged, and into two environments.
#[tokio::test]
async fn moves_are_followed_through_merges_and_from_move_to_move() {
    let file = |path: &str, n: u8| (path.to_owned(), pod(&[n]).expect("a pod"));
    let other = file("other.yaml", 9);
    let with = |files: &[(String, String)]| Files::from_iter(files.iter().cloned().chain([other.clone()]));
    let mut story = Story::default();
    let one = story.add(&[], "one", with(&[file("app/api.yaml", 1)]));
    let two = story.add(&[one], "two", with(&[file("app/api.yaml", 2)]));
    let first = story.add(&[two], "moved", with(&[file("k8s/app/api.yaml", 2)]));
    let three = story.add(&[first], "three", with(&[file("k8s/app/api.yaml", 3)]));
    let both = with(&[file("staging/api.yaml", 3), file("production/api.yaml", 3)]);
    let side = story.add(&[three], "moved in", both.clone());
    let main = story.add(
        &[three],
        "meanwhile",
        with(&[file("k8s/app/api.yaml", 3), file("k8s/more.yaml", 8)]),
    );
    let mut merged = both;
    merged.extend([file("k8s/more.yaml", 8)]);
    story.add(&[main, side], "merge", merged);
    let told = Told::of(&story);
    for environment in ["staging", "production"] {
        assert_eq!(told.lines(environment).await, ["three", "two", "one"], "{environment}");
        assert_eq!(told.pinned(environment), ["three"]);
        assert_eq!(told.earlier(environment).await, [2, 1]);
    }
}

/// What stays where it was, what is an example, and what has other images is no past of the file that comes.
#[tokio::test]
async fn only_a_deployment_that_goes_is_the_past_of_what_comes() {
    let elsewhere = |old: &'static str, stays: bool, text: Option<String>| {
        let mut story = Story::default();
        story.then("one", &[(old, text.clone())]);
        let left = text.filter(|_| stays);
        story.then("comes", &[(old, left), ("production/api.yaml", pod(&[2]))]);
        story
    };
    for story in [
        elsewhere("k8s/api.yaml", true, pod(&[2])),
        elsewhere("examples/api.yaml", false, pod(&[2])),
        elsewhere("k8s/api.yaml", false, tagged("r.example/shop/web:v1")),
        // From another environment it is a promotion, not a move in.
        elsewhere("staging/api.yaml", false, pod(&[2])),
    ] {
        let told = Told::of(&story);
        assert_eq!(told.lines("production").await, ["comes"]);
        assert_eq!(told.pinned("production"), ["comes"]);
    }
}

/// The version that a Compose file takes from the variables beside it has a history, also from before there were any.
#[tokio::test]
async fn a_variable_of_a_compose_file_is_a_line_of_its_history() {
    let compose = |image: &str| Some(format!("services:\n  api:\n    image: {image}\n"));
    let (file, env) = ("production/compose.yaml", "production/.env");
    let literal = format!("r.example/shop/api@{}", digest(1));
    let version = |n: u8| Some(format!("# ours\nOTHER=1\nVERSION={}\n", digest(n)));
    let mut story = Story::default();
    story.then("literal", &[(file, compose(&literal))]);
    story.then(
        "to a variable",
        &[(file, compose("r.example/shop/api@${VERSION}")), (env, version(1))],
    );
    story.then("two", &[(env, version(2))]);
    story.then(
        "other",
        &[(env, version(2).map(|text| text.replace("OTHER=1", "OTHER=2")))],
    );
    story.then(
        "three",
        &[(env, version(3).map(|text| text.replace("OTHER=1", "OTHER=2")))],
    );
    let told = Told::of(&story);
    assert_eq!(told.lines("production").await, ["three", "two", "literal"]);
    assert_eq!(told.pinned("production"), ["three"]);
    assert_eq!(told.earlier("production").await, [2, 1]);
}

/// The same of a version by tag with more around it, over a default, and in a file that is one variable's whole value.
#[tokio::test]
async fn every_form_of_a_variable_has_a_history() {
    let compose = |image: &str| Some(format!("services:\n  api:\n    image: {image}\n"));
    let (file, env) = ("production/compose.yaml", "production/.env");
    for (image, value) in [
        ("r.example/shop/api:${V}-alpine", "1.{n}"),
        ("r.example/shop/api:${V:-0.9}", "1.{n}"),
        ("${V}", "r.example/shop/api:1.{n}"),
        ("${R:-r.example}/shop/api:${V}", "\"1.{n}\" # quoted"),
    ] {
        let set = |n: u8| Some(format!("V={}\n", value.replace("{n}", &n.to_string())));
        let mut story = Story::default();
        story.then("one", &[(file, compose(image)), (env, set(1))]);
        story.then("two", &[(env, set(2))]);
        let told = Told::of(&story);
        assert_eq!(told.lines("production").await, ["two", "one"], "{image}");
        assert_eq!(told.pinned("production"), ["two"], "{image}");
    }
}

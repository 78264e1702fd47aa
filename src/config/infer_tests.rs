use super::*;

fn names(paths: &[&str]) -> Vec<(String, Vec<String>)> {
    let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
    environments(&paths)
        .into_iter()
        .map(|e| (e.name.to_string(), e.paths))
        .collect()
}

fn only_names(paths: &[&str]) -> Vec<String> {
    names(paths).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn folders_and_file_names_speak() {
    let found = names(&[
        "apps/api/overlays/production/kustomization.yaml",
        "apps/api/overlays/dev/kustomization.yaml",
        "charts/web/values-staging.yaml",
        "argocd/web-dev.yaml",
        "base/deployment.yaml",
    ]);
    assert_eq!(
        found,
        [
            (
                "dev".to_owned(),
                vec!["apps/api/overlays/dev/**".to_owned(), "argocd/web-dev.yaml".to_owned()]
            ),
            ("staging".to_owned(), vec!["charts/web/values-staging.yaml".to_owned()]),
            (
                "production".to_owned(),
                vec!["apps/api/overlays/production/**".to_owned()]
            ),
        ]
    );
}

#[test]
fn children_of_holders_count_whatever_they_are_called() {
    let found = only_names(&[
        "clusters/frankfurt/a.yaml",
        "clusters/dublin/a.yaml",
        "overlays/base/x.yaml",
    ]);
    assert_eq!(found, ["dublin", "frankfurt"]);
}

#[test]
fn a_cluster_of_an_environment_keeps_its_whole_name_and_its_place() {
    let found = only_names(&[
        "clusters/prod-eu-1/apps/test/web.yaml",
        "clusters/us.staging/apps/web.yaml",
        "clusters/dev2/apps/web.yaml",
        "clusters/pre-prod-eu/apps/web.yaml",
    ]);
    assert_eq!(found, ["dev2", "us.staging", "pre-prod-eu", "prod-eu-1"]);
}

#[test]
fn everything_is_one_environment_where_nothing_speaks() {
    for paths in [
        &["deploy/app.yaml"][..],
        // Tests are no environment, and a pipeline is none.
        &["test/fixtures/pod.yaml", "ci/pipeline.yaml", "deploy/live-api.yaml"][..],
    ] {
        assert_eq!(names(paths), [("default".to_owned(), vec!["**".to_owned()])]);
    }
}

#[test]
fn an_ambiguous_name_counts_beside_another_environment() {
    assert_eq!(
        only_names(&["apps/web/test/a.yaml", "apps/web/prod/a.yaml"]),
        ["test", "prod"]
    );
    assert_eq!(only_names(&["test/a.yaml", "envs/prod/a.yaml"]), ["prod"]);
    assert_eq!(
        only_names(&["web/values-test.yaml", "web/values-live.yaml"]),
        ["test", "live"]
    );
}

#[test]
fn names_at_the_end_or_the_beginning_of_a_folder_or_file_need_their_like() {
    assert_eq!(
        only_names(&["apps/web-dev/a.yaml", "apps/web-prod/a.yaml"]),
        ["dev", "prod"]
    );
    assert_eq!(only_names(&["apps/dev-tools/a.yaml"]), ["default"]);
    assert_eq!(
        only_names(&["web/dev-values.yaml", "web/prod-values.yaml"]),
        ["dev", "prod"]
    );
    assert_eq!(only_names(&["web/prod-ready.yaml"]), ["default"]);
    assert_eq!(
        only_names(&["compose.staging.yaml", "docker-compose.prod.yml"]),
        ["staging", "prod"]
    );
}

#[test]
fn spellings_of_one_environment_are_one() {
    let found = names(&[
        "apps/a/production/x.yaml",
        "apps/b/production/x.yaml",
        "charts/c/values-prod.yaml",
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "production");
    assert_eq!(found[0].1.len(), 3);
}

#[test]
fn promotion_order_is_that_of_the_words() {
    let found = only_names(&[
        "envs/production/a.yaml",
        "envs/staging/a.yaml",
        "envs/qa/a.yaml",
        "envs/test/a.yaml",
        "envs/dev/a.yaml",
        "envs/preprod/a.yaml",
        "envs/integration/a.yaml",
    ]);
    assert_eq!(
        found,
        ["dev", "test", "integration", "qa", "staging", "preprod", "production"]
    );
}

#[test]
fn names_are_the_shortest_unique_suffix() {
    let repositories: Vec<Repository> = [
        "r.example/team-a/api",
        "r.example/team-b/api",
        "r.example/x/web",
        "q.example/x/y",
        "r.example/x/y",
    ]
    .iter()
    .map(|r| Repository::parse(r).expect("valid"))
    .collect();
    let names: Vec<String> = service_names(&repositories).values().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["q.example/x/y", "team-a/api", "team-b/api", "web", "r.example/x/y"]
    );
}

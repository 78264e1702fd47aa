use super::*;

fn names(paths: &[&str]) -> Vec<(String, Vec<String>)> {
    let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
    environments(&paths, &paths)
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
fn words_in_the_middle_of_names_need_their_like() {
    assert_eq!(
        names(&["argocd/app-dev-web.yaml", "argocd/app-prod-web.yaml"]),
        [
            ("dev".to_owned(), vec!["argocd/app-dev-web.yaml".to_owned()]),
            ("prod".to_owned(), vec!["argocd/app-prod-web.yaml".to_owned()]),
        ]
    );
    // The longest name counts, and folders are read in the same way.
    assert_eq!(
        only_names(&["apps/shop-dev-eu-1-api.yaml", "apps/shop-prod-eu-1-api.yaml"]),
        ["dev-eu-1", "prod-eu-1"]
    );
    assert_eq!(
        only_names(&["shop-pre-prod-api/a.yaml", "shop-prod-api/a.yaml"]),
        ["pre-prod", "prod"]
    );
    assert_eq!(
        only_names(&["charts/values_qa_api.yaml", "charts/values_stage_api.yaml"]),
        ["qa", "stage"]
    );
    for paths in [
        // One alone, other neighbours, two of one place, and words that often mean something else.
        &["argocd/app-dev-web.yaml", "argocd/other.yaml"][..],
        &["argocd/app-dev-web.yaml", "argocd/app-prod-jobs.yaml"],
        &["argocd/app-prod-web.yaml", "argocd/app-production-web.yaml"],
        &["argocd/app-live-web.yaml", "argocd/app-test-web.yaml"],
    ] {
        assert_eq!(only_names(paths), ["default"], "{paths:?}");
    }
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
    assert_eq!(found[0].1, ["apps/*/production/**", "charts/c/values-prod.yaml"]);
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
    let names = |taken: &[&str]| -> Vec<String> {
        let repositories: BTreeSet<Repository> = [
            "r.example/team-a/api",
            "r.example/team-b/api",
            "r.example/x/web",
            "q.example/x/y",
            "r.example/x/y",
            "r.example/org/shop/cart",
        ]
        .iter()
        .map(|r| Repository::parse(r).expect("valid"))
        .collect();
        let taken: Vec<ServiceId> = taken.iter().copied().map(ServiceId::new).collect();
        let named = service_names(&repositories, &taken.iter().collect());
        named.values().map(ToString::to_string).collect()
    };
    assert_eq!(
        names(&[]),
        [
            "q.example/x/y",
            "cart",
            "team-a/api",
            "team-b/api",
            "web",
            "r.example/x/y"
        ]
    );
    // A configured name is nobody else's: the next longer suffix is taken.
    assert_eq!(
        names(&["cart", "web", "x/web", "team-a/api"]),
        [
            "q.example/x/y",
            "shop/cart",
            "r.example/team-a/api",
            "team-b/api",
            "r.example/x/web",
            "r.example/x/y"
        ]
    );
}

#[test]
fn a_namespace_that_happens_to_be_called_dev_is_no_environment() {
    let mut paths = vec!["kubernetes/apps/dev/gitea/app.yaml".to_owned()];
    for namespace in ["media", "network", "database", "monitoring", "kube-system"] {
        for app in ["a", "b", "c"] {
            paths.push(format!("kubernetes/apps/{namespace}/{app}/helmrelease.yaml"));
        }
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(names(&paths), [("default".to_owned(), vec!["**".to_owned()])]);
}

#[test]
fn few_files_of_one_known_name_do_not_hide_the_others() {
    let mut paths = vec!["configs/staging/a.yaml".to_owned()];
    paths.extend((0..9).map(|n| format!("services/s{n}/deployment.yaml")));
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(only_names(&paths), ["default"]);
}

#[test]
fn known_neighbours_are_believed_whatever_else_there_is() {
    let mut paths = vec!["deploy/dev/a.yaml".to_owned(), "deploy/prod/a.yaml".to_owned()];
    paths.extend((0..9).map(|n| format!("tools/t{n}/deployment.yaml")));
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(only_names(&paths), ["dev", "prod"]);
}

#[test]
fn what_deploys_nothing_makes_no_environment() {
    let paths = [
        ".github/workflows/staging/deploy.yaml",
        "pkg/testdata/envs/prod/a.yaml",
        "pkg/testdata/envs/dev/a.yaml",
        "examples/overlays/production/a.yaml",
        "examples/overlays/staging/a.yaml",
        "manifests/install.yaml",
    ];
    assert_eq!(names(&paths), [("default".to_owned(), vec!["**".to_owned()])]);
}

#[test]
fn rings_come_one_after_the_other() {
    let found = environments_of(&["rings/ring-10/a.yaml", "rings/ring-0/a.yaml", "rings/ring-1/a.yaml"]);
    assert_eq!(
        found,
        [
            ("ring-0".to_owned(), vec![]),
            ("ring-1".to_owned(), vec!["ring-0".to_owned()]),
            ("ring-10".to_owned(), vec!["ring-1".to_owned()]),
        ]
    );
}

#[test]
fn regions_stand_beside_each_other() {
    let found = environments_of(&["regions/eu-west-1/a.yaml", "regions/us-east-1/a.yaml"]);
    assert_eq!(
        found,
        [("eu-west-1".to_owned(), vec![]), ("us-east-1".to_owned(), vec![])]
    );
}

#[test]
fn a_region_is_part_of_the_name_of_its_environment() {
    for paths in [
        ["values.us-prod.yaml", "values.eu-prod.yaml", "values.dev.yaml"],
        [
            "web/values-us-prod.yaml",
            "web/values-eu-prod.yaml",
            "web/values-dev.yaml",
        ],
        ["us-prod/a.yaml", "eu-prod/a.yaml", "dev/a.yaml"],
        ["config/us-prod.yaml", "config/eu-prod.yaml", "config/dev.yaml"],
    ] {
        assert_eq!(only_names(&paths), ["dev", "eu-prod", "us-prod"], "{paths:?}");
    }
    assert_eq!(
        only_names(&["app/values.eu.yaml", "app/values.us.yaml", "app/values.yaml"]),
        ["eu", "us"]
    );
}

#[test]
fn a_service_is_no_part_of_the_name_of_its_environment() {
    let found = only_names(&[
        "values-web-dev.yaml",
        "values-web-prod.yaml",
        "values-api-dev.yaml",
        "values-api-prod.yaml",
    ]);
    assert_eq!(found, ["dev", "prod"]);
}

#[test]
fn variants_beside_environments_are_not_environments() {
    let found = only_names(&[
        "apps/web/overlays/dev/kustomization.yaml",
        "apps/web/overlays/prod/kustomization.yaml",
        "apps/db/overlays/with-tls/kustomization.yaml",
        "apps/db/base/db.yaml",
    ]);
    assert_eq!(found, ["dev", "prod"]);
}

#[test]
fn a_pattern_takes_in_the_app_that_comes_tomorrow_and_no_deployment_that_is_in_no_environment() {
    let found = names(&[
        "apps/web/overlays/dev/a.yaml",
        "apps/web/overlays/prod/a.yaml",
        "apps/api/overlays/dev/a.yaml",
        "apps/api/overlays/prod/a.yaml",
    ]);
    assert_eq!(found[0].1, ["apps/*/overlays/dev/**"]);
    let found = names(&[
        "one/prod/a.yaml",
        "two/production/a.yaml",
        "one/dev/a.yaml",
        "one/cron/a.yaml",
    ]);
    assert_eq!(found[1].1, ["one/prod/**", "two/production/**"]);
}

/// Each environment with those that its digests come from.
fn environments_of(paths: &[&str]) -> Vec<(String, Vec<String>)> {
    let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
    environments(&paths, &paths)
        .into_iter()
        .map(|e| (e.name.to_string(), e.after.iter().map(ToString::to_string).collect()))
        .collect()
}

#[test]
fn neighbours_in_a_crowd_need_production_and_a_clear_name() {
    let crowd = |names: &[&str]| -> Vec<String> {
        let others = ["media", "network", "database", "monitoring", "argocd"];
        let paths: Vec<String> = names
            .iter()
            .chain(&others)
            .map(|name| format!("apps/{name}/app.yaml"))
            .collect();
        only_names(&paths.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(crowd(&["dev", "test"]), ["default"]);
    assert_eq!(crowd(&["integration", "disaster-recovery"]), ["default"]);
    assert_eq!(crowd(&["dev", "prod"]), ["dev", "prod"]);
}

#[test]
fn overlays_of_unknown_names_are_environments_where_they_recur() {
    let recurring = only_names(&[
        "a/overlays/acme/x.yaml",
        "a/overlays/globex/x.yaml",
        "b/overlays/acme/x.yaml",
        "b/overlays/globex/x.yaml",
    ]);
    assert_eq!(recurring, ["acme", "globex"]);
    let variants = only_names(&[
        "a/overlays/with-tls/x.yaml",
        "b/overlays/istio/x.yaml",
        "c/overlays/standalone/x.yaml",
    ]);
    assert_eq!(variants, ["default"]);
    let bases = only_names(&[
        "a/overlays/base-prod/x.yaml",
        "a/overlays/dev/x.yaml",
        "a/overlays/prod/x.yaml",
    ]);
    assert_eq!(bases, ["dev", "prod"]);
}

#[test]
fn rings_of_some_and_environments_of_others_say_nothing_about_each_other() {
    let found = environments_of(&[
        "a/staging/x.yaml",
        "a/production/x.yaml",
        "b/rings/ring-0/x.yaml",
        "b/rings/ring-1/x.yaml",
        "c/clusters/frankfurt/x.yaml",
    ]);
    let after: Vec<(&str, &[String])> = found
        .iter()
        .map(|(name, after)| (name.as_str(), after.as_slice()))
        .collect();
    let (staging, ring) = (["staging".to_owned()], ["ring-0".to_owned()]);
    assert_eq!(
        after,
        [
            ("frankfurt", &[][..]),
            ("staging", &[]),
            ("ring-0", &[]),
            ("ring-1", &ring),
            ("production", &staging),
        ]
    );
}

#[test]
fn documentation_and_tools_at_the_top_make_no_environment() {
    let found = only_names(&[
        "docs/dev/x.yaml",
        "docs/prod/x.yaml",
        "hack/dev/x.yaml",
        "hack/prod/x.yaml",
        "manifests/install.yaml",
    ]);
    assert_eq!(found, ["default"]);
}

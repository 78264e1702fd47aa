use super::*;
use crate::domain::policy::Environment;
use crate::sources::git::manifest::scan;

fn paths(all: &[(&str, &[&str])]) -> EnvironmentPaths {
    let one =
        |(name, paths): &(&str, &[&str])| Environment::new(*name, paths.iter().map(|p| (*p).to_owned()).collect());
    EnvironmentPaths::new(&all.iter().map(one).collect::<Vec<_>>())
}

const APPS: &[(&str, &[&str])] = &[
    ("staging", &["apps/staging/**", "clusters/staging/**"]),
    ("production", &["apps/production/**", "clusters/production/**"]),
];

/// The environments that a file reaches in a repository of these files.
fn reached(environments: &[(&str, &[&str])], files: &[(&str, &str)], file: &str) -> Vec<String> {
    let paths = paths(environments);
    let mut graph = IncludeGraph::default();
    for (path, text) in files {
        let scan = scan(path, text.as_bytes());
        assert_eq!(scan.problem, None, "{path}");
        graph.add(path, &scan.includes);
    }
    let tree: Vec<TreeFile> = files
        .iter()
        .map(|(path, _)| TreeFile {
            path: (*path).to_owned(),
            oid: String::new(),
        })
        .collect();
    graph.resolve(&tree, &paths);
    let found = graph.environments(file, &paths);
    let shown = |(env, through): (&EnvId, &Option<String>)| match through {
        Some(through) => format!("{env} through {through}"),
        None => env.to_string(),
    };
    found.iter().map(shown).collect()
}

#[test]
fn every_way_a_kustomization_takes_in_a_file() {
    for fields in [
        "resources: [../production/x.yaml]",
        "bases: [../production/x.yaml]",
        "components: [../production/x.yaml]",
        "patches: [{path: ../production/x.yaml}]",
        "patchesStrategicMerge:\n- ../production/x.yaml\n- |\n  apiVersion: v1\n  kind: Pod",
        "patchesJson6902: [{target: {kind: Pod}, path: ../production/x.yaml}]",
        "replacements: [{path: ../production/x.yaml}]",
        "helmCharts: [{name: x, valuesFile: ../production/x.yaml}]",
        "helmCharts: [{name: x, additionalValuesFiles: [own.yaml, ../production/x.yaml]}]",
        "configMapGenerator: [{name: x, files: [values.yaml=../production/x.yaml]}]",
        "secretGenerator: [{name: x, files: [../production/x.yaml]}]",
    ] {
        let files = [
            ("apps/staging/kustomization.yaml", fields),
            ("apps/production/x.yaml", "a: 1"),
        ];
        assert_eq!(
            reached(APPS, &files, "apps/production/x.yaml"),
            ["production", "staging through apps/staging/kustomization.yaml"],
            "{fields}"
        );
    }
}

#[test]
fn a_folder_is_taken_in_through_its_kustomization_and_loops_end() {
    let files = [
        (
            "apps/staging/kustomization.yaml",
            "resources: [../../base, 'https://x.example/y?ref=1']",
        ),
        ("apps/production/kustomization.yml", "resources: [../../base/]"),
        (
            "base/kustomization.yaml",
            "resources: [deployment.yaml, ../apps/staging]",
        ),
        ("base/deployment.yaml", "a: 1"),
        ("base/other.yaml", "a: 1"),
    ];
    assert_eq!(
        reached(APPS, &files, "base/deployment.yaml"),
        [
            "production through apps/production/kustomization.yml",
            "staging through apps/staging/kustomization.yaml"
        ]
    );
    assert_eq!(reached(APPS, &files, "base/other.yaml"), [] as [&str; 0]);
}

fn application(destination: &str, source: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: api}}\nspec:\n  destination: {{{destination}}}\n  {source}\n"
    )
}

#[test]
fn argo_cd_takes_folders_and_value_files() {
    let here = "server: https://kubernetes.default.svc";
    for source in [
        "source: {path: apps/production}",
        "source: {path: charts/api, helm: {valueFiles: [../../apps/production/x.yaml]}}",
        "source: {path: charts/api, helm: {valueFiles: [/apps/production/x.yaml]}}",
        "sources: [{chart: api, helm: {valueFiles: [$values/apps/production/x.yaml]}}, {ref: values}]",
        "source: {path: ., directory: {recurse: true}}",
    ] {
        let app = application(here, source);
        let files = [
            ("clusters/staging/api.yaml", app.as_str()),
            ("apps/production/x.yaml", "a: 1"),
        ];
        assert_eq!(
            reached(APPS, &files, "apps/production/x.yaml"),
            ["production", "staging through clusters/staging/api.yaml"],
            "{source}"
        );
    }
    // Folders below are left alone unless asked for, another chart's files are not ours.
    for source in [
        "source: {path: apps}",
        "source: {chart: api, helm: {valueFiles: [apps/production/x.yaml]}}",
        "sources: [{chart: api, helm: {valueFiles: [$other/apps/production/x.yaml]}}, {ref: values}]",
        "source: {path: 'apps/{{env}}'}",
    ] {
        let app = application(here, source);
        let files = [
            ("clusters/staging/api.yaml", app.as_str()),
            ("apps/production/x.yaml", "a: 1"),
        ];
        assert_eq!(
            reached(APPS, &files, "apps/production/x.yaml"),
            ["production"],
            "{source}"
        );
    }
}

#[test]
fn a_chart_shares_its_own_values_only() {
    let app = application(
        "name: in-cluster",
        "source: {path: charts/api, helm: {valueFiles: [staging.yaml]}}",
    );
    let environments: &[(&str, &[&str])] = &[
        ("staging", &["argocd/staging.yaml", "charts/api/staging.yaml"]),
        ("production", &["charts/api/values.yaml", "charts/api/production.yaml"]),
    ];
    let files = [
        ("argocd/staging.yaml", app.as_str()),
        ("charts/api/Chart.yaml", "name: api"),
        ("charts/api/values.yaml", "a: 1"),
        ("charts/api/production.yaml", "a: 1"),
        ("charts/api/staging.yaml", "a: 1"),
    ];
    assert_eq!(
        reached(environments, &files, "charts/api/production.yaml"),
        ["production"]
    );
    assert_eq!(reached(environments, &files, "charts/api/staging.yaml"), ["staging"]);
    assert_eq!(
        reached(environments, &files, "charts/api/values.yaml"),
        ["production", "staging through argocd/staging.yaml"]
    );
}

/// A cluster that manages others has their objects and runs none of what they name.
#[test]
fn an_object_for_another_cluster_speaks_for_that_one() {
    let environments: &[(&str, &[&str])] = &[
        ("management", &["clusters/management/**"]),
        ("production", &["apps/production/**"]),
    ];
    let flux = |cluster: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: apps}}\nspec:\n  path: ./apps/production\n{cluster}"
        )
    };
    for (object, others) in [
        (
            application("name: production", "source: {path: apps/production}"),
            false,
        ),
        (application("name: management", "source: {path: apps/production}"), true),
        (flux("  kubeConfig: {secretRef: {name: production}}\n"), false),
        (flux(""), true),
    ] {
        let files = [
            ("clusters/management/apps.yaml", object.as_str()),
            ("apps/production/x.yaml", "a: 1"),
        ];
        let found = reached(environments, &files, "apps/production/x.yaml");
        assert_eq!(found.len() > 1, others, "{object}\n{found:?}");
    }
}

#[test]
fn flux_takes_whole_trees() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\nspec: {path: ./apps/production}\n";
    let through = ["production", "staging through clusters/staging/apps.yaml"];
    let mut files = vec![
        ("clusters/staging/apps.yaml", flux),
        ("apps/production/deep/x.yaml", "a: 1"),
    ];
    assert_eq!(reached(APPS, &files, "apps/production/deep/x.yaml"), through);
    // A kustomization decides what of its folder counts.
    files.push(("apps/production/kustomization.yaml", "resources: [y.yaml]"));
    assert_eq!(reached(APPS, &files, "apps/production/deep/x.yaml"), ["production"]);
    assert_eq!(reached(APPS, &files, "apps/production/y.yaml"), through);
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  chart:\n    spec: {chart: ./charts/api, sourceRef: {kind: GitRepository}, valuesFiles: [./apps/production/y.yaml]}\n";
    let files = [
        ("apps/staging/release.yaml", release),
        ("apps/production/y.yaml", "a: 1"),
    ];
    assert_eq!(
        reached(APPS, &files, "apps/production/y.yaml"),
        ["production", "staging through apps/staging/release.yaml"]
    );
}

#[test]
fn helmfile_names_its_environments_itself() {
    let helmfile = "environments:\n  staging:\n    values: [apps/shared.yaml, apps/production/values.yaml]\n  production:\n    values: [apps/shared.yaml]\n  elsewhere:\n    values: [apps/elsewhere.yaml]\n---\nreleases:\n- name: api\n  chart: shop/api\n  values:\n  - apps/common.yaml\n  - apps/{{ .Environment.Name }}.yaml\n  - image: {tag: v1}\n";
    let files = [("helmfile.yaml", helmfile), ("apps/shared.yaml", "a: 1")];
    let all = ["production through helmfile.yaml", "staging through helmfile.yaml"];
    assert_eq!(reached(APPS, &files, "apps/shared.yaml"), all);
    assert_eq!(reached(APPS, &files, "apps/common.yaml"), all);
    assert_eq!(
        reached(APPS, &files, "apps/production/values.yaml"),
        ["production", "staging through helmfile.yaml"]
    );
    assert_eq!(reached(APPS, &files, "apps/elsewhere.yaml"), [] as [&str; 0]);
}

#[test]
fn compose_includes_and_extends() {
    for text in [
        "include: [../production/compose.yaml]\nservices: {a: {image: b:1}}",
        "include: [{path: [../production/compose.yaml]}]\nservices: {a: {image: b:1}}",
        "services: {a: {image: b:1, extends: {file: ../production/compose.yaml, service: a}}}",
    ] {
        let files = [("apps/staging/compose.yaml", text)];
        assert_eq!(
            reached(APPS, &files, "apps/production/compose.yaml"),
            ["production", "staging through apps/staging/compose.yaml"],
            "{text}"
        );
    }
}

#[test]
fn what_leaves_the_repository_reaches_nothing() {
    let path = |path: &str| Include {
        path: path.to_owned(),
        from: Origin::Beside,
        what: IncludedFiles::Named,
        environments: Vec::new(),
        cluster: None,
    };
    assert_eq!(path_of("a/kustomization.yaml", &path("../../x")), None);
    assert_eq!(path_of("kustomization.yaml", &path("./x/../y")).as_deref(), Some("y"));
}

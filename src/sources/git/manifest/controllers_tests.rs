use std::collections::BTreeSet;

use super::*;
use crate::domain::reference::Repository;
use crate::sources::git::manifest::scan;

fn controllers(text: &str) -> Vec<PlacedObject<Controller>> {
    let all = scan("x.yaml", text.as_bytes()).controllers.into_iter();
    all.map(|object| PlacedObject {
        file: "x.yaml".to_owned(),
        object,
    })
    .collect()
}

fn said(file: &str, remote: Option<&str>, all: &[PlacedObject<Controller>]) -> Vec<String> {
    let image = Repository::parse("example.com/shop/api").expect("a repository");
    let edit = PlannedEdit {
        file,
        applied: BTreeSet::from([file.to_owned()]),
        lines: BTreeSet::from([1]),
        images: BTreeSet::from([&image]),
        policies: BTreeSet::new(),
    };
    disregards_edit(&edit, &WrittenBranch { branch: "main", remote }, all)
}

#[test]
fn an_application_at_a_fixed_revision() {
    let app = |revision: &str| {
        controllers(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop}}\nspec:\n  source:\n    repoURL: git@git.example.com:team/shop.git\n    path: ./envs/prod\n    targetRevision: {revision}\n"
        ))
    };
    let remote = Some("https://git.example.com/team/shop");
    let say = |revision: &str, file: &str| said(file, remote, &app(revision));
    assert_eq!(
        say("7f2c1d0", "envs/prod/a.yaml"),
        [
            "x.yaml:1: Application shop reads this repository at the fixed revision 7f2c1d0: the edit does not reach it until its revision is moved"
        ]
    );
    assert!(say("release", "envs/prod/a.yaml")[0].contains("reads release, not main"));
    for quiet in ["main", "HEAD", "refs/heads/main"] {
        assert_eq!(say(quiet, "envs/prod/a.yaml"), [""; 0]);
    }
    assert_eq!(say("7f2c1d0", "envs/production/a.yaml"), [""; 0]);
    let elsewhere = said(
        "envs/prod/a.yaml",
        Some("https://git.example.com/team/other"),
        &app("7f2c1d0"),
    );
    assert_eq!(elsewhere, [""; 0]);
}

#[test]
fn a_value_file_is_read_at_the_revision_of_its_own_source() {
    let all = controllers(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  sources:\n  - {repoURL: 'https://charts.example.com', chart: shop, targetRevision: 1.2.3, helm: {valueFiles: [$here/envs/prod/values.yaml]}}\n  - {repoURL: 'https://git.example.com/team/shop', ref: here, targetRevision: release}\n",
    );
    let remote = Some("https://git.example.com/team/shop");
    let of = |file: &str| said(file, remote, &all);
    assert_eq!(of("envs/prod/values.yaml").len(), 1);
    assert!(of("envs/prod/values.yaml")[0].contains("reads release, not main"));
    assert_eq!(of("envs/prod/other.yaml"), [""; 0]);
}

#[test]
fn an_application_set_is_each_of_its_applications() {
    let set = |generators: &str, path: &str| {
        controllers(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: set}}\nspec:\n  generators:\n{generators}\n  template:\n    metadata: {{name: 'shop-{{{{env}}}}'}}\n    spec:\n      source: {{repoURL: 'https://git.example.com/team/shop', path: '{path}', targetRevision: release}}\n"
        ))
    };
    let remote = Some("https://git.example.com/team/shop");
    let hits = |generators: &str, path: &str, file: &str| said(file, remote, &set(generators, path)).len();
    let list = "  - list: {elements: [{env: dev}, {env: staging}]}";
    assert_eq!(hits(list, "envs/{{env}}", "envs/dev/a.yaml"), 1);
    assert_eq!(hits(list, "envs/{{ .env }}", "envs/staging/a.yaml"), 1);
    assert_eq!(hits(list, "envs/{{env}}", "envs/prod/a.yaml"), 0);
    let folders = "  - git: {directories: [{path: apps/*}, {path: apps/old, exclude: true}]}";
    assert_eq!(hits(folders, "{{path}}", "apps/shop/a.yaml"), 1);
    assert_eq!(hits(folders, "{{.path.path}}", "infra/shop/a.yaml"), 0);
    let both =
        "  - matrix: {generators: [{list: {elements: [{env: dev}]}}, {list: {elements: [{app: api}, {app: web}]}}]}";
    assert_eq!(hits(both, "{{env}}/{{app}}", "dev/web/a.yaml"), 1);
    assert_eq!(hits(both, "{{env}}/{{app}}", "prod/web/a.yaml"), 0);
    // Nobody here knows the clusters: any could be meant.
    assert_eq!(hits("  - clusters: {}", "envs/{{name}}", "envs/prod/a.yaml"), 1);
}

#[test]
fn flux_sources_and_suspension() {
    let all = controllers(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system}\nspec: {url: 'ssh://git@git.example.com:22/team/shop', ref: {tag: v1}}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\nspec: {path: ./apps, suspend: true, sourceRef: {kind: GitRepository, name: flux-system}}\n",
    );
    let of = |file: &str, remote| said(file, remote, &all);
    let told = of("apps/a.yaml", Some("https://git.example.com/team/shop.git"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .any(|s| s.starts_with("x.yaml:6: ") && s.contains("apps") && s.contains("suspended")),
        "{told:?}"
    );
    assert!(told.iter().any(|s| s.contains("fixed revision v1")));
    assert_eq!(of("other/a.yaml", None), [""; 0]);
}

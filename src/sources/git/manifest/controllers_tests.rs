use super::*;
use crate::sources::git::manifest::scan;

fn controllers(text: &str) -> Vec<Controller> {
    scan("x.yaml", text.as_bytes()).controllers
}

#[test]
fn an_application_at_a_fixed_revision() {
    let app = |revision: &str| {
        controllers(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop}}\nspec:\n  source:\n    repoURL: git@git.example.com:team/shop.git\n    path: ./envs/prod\n    targetRevision: {revision}\n"
        ))
    };
    let remote = Some("https://git.example.com/team/shop");
    let say = |revision: &str, file: &str| disregards_edit(file, "main", remote, &app(revision));
    assert!(say("7f2c1d0", "envs/prod/a.yaml")[0].contains("fixed revision 7f2c1d0"));
    assert!(say("release", "envs/prod/a.yaml")[0].contains("reads release, not main"));
    for quiet in ["main", "HEAD"] {
        assert_eq!(say(quiet, "envs/prod/a.yaml"), [""; 0]);
    }
    assert_eq!(say("7f2c1d0", "envs/production/a.yaml"), [""; 0]);
    let elsewhere = disregards_edit(
        "envs/prod/a.yaml",
        "main",
        Some("https://git.example.com/team/other"),
        &app("7f2c1d0"),
    );
    assert_eq!(elsewhere, [""; 0]);
}

#[test]
fn flux_sources_and_suspension() {
    let all = controllers(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system}\nspec: {url: 'ssh://git@git.example.com:22/team/shop', ref: {tag: v1}}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\nspec: {path: ./apps, suspend: true, sourceRef: {kind: GitRepository, name: flux-system}}\n",
    );
    let said = disregards_edit(
        "apps/a.yaml",
        "main",
        Some("https://git.example.com/team/shop.git"),
        &all,
    );
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|s| s.contains("apps") && s.contains("suspended")));
    assert!(said.iter().any(|s| s.contains("fixed revision v1")));
    assert_eq!(disregards_edit("other/a.yaml", "main", None, &all), [""; 0]);
}

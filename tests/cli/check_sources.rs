//! Changes of where controllers apply things from.

use super::check_cases::{after, all_hold, case, quiet};
use super::gated::{Case, Gate, PRODUCTION};
use super::home::deployment;
use crate::support::signed_world::API;

const APPLICATION: &str = "envs/production/app.yaml";
pub const RELEASE: &str = "envs/production/release.yaml";

pub fn release(gate: &Gate) {
    gate.remove(PRODUCTION);
    let block = |name: &str| {
        format!(
            "    {name}:\n      image:\n        repository: {}/{API}\n        digest: {}\n",
            gate.server.address,
            gate.digest("1.0.0")
        )
    };
    gate.write(
        RELEASE,
        &format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: api}}\nspec:\n  chart: {{spec: {{chart: shop, version: \"1.0.0\", sourceRef: {{kind: HelmRepository, name: shop}}}}}}\n  values:\n{}{}",
            block("web"),
            block("job")
        ),
    );
}

fn application(gate: &Gate) {
    gate.remove(PRODUCTION);
    gate.write(
        APPLICATION,
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  project: default\n  source:\n    repoURL: https://github.com/good/repo\n    targetRevision: main\n    path: apps\n",
    );
    gate.write("apps/kustomization.yaml", "resources: [a.yaml]\n");
    gate.write("apps/a.yaml", &deployment(&gate.image("1.0.0")));
}

/// An Application of a chart of this repository.
pub fn chart(gate: &Gate) {
    application(gate);
    gate.remove("apps/kustomization.yaml");
    gate.remove("apps/a.yaml");
    gate.write("apps/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    gate.write(
        "apps/values.yaml",
        &format!(
            "image:\n  repository: {}/{API}\n  digest: {}\n",
            gate.server.address,
            gate.digest("1.0.0")
        ),
    );
    gate.write(
        "apps/templates/a.yaml",
        &deployment("\"{{ .Values.image.repository }}\""),
    );
}

/// A Kustomization of Flux with its source.
fn flux(gate: &Gate) {
    application(gate);
    gate.write(
        APPLICATION,
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./apps\n  sourceRef: {kind: GitRepository, name: flux-system}\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system, namespace: flux-system}\nspec: {url: \"https://github.com/good/repo\", ref: {branch: main}}\n",
    );
}

pub fn replace(gate: &Gate, file: &str, from: &str, to: &str) {
    let text = gate.read(file);
    assert!(text.contains(from), "{text}");
    gate.write(file, &text.replacen(from, to, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_something_is_applied_from_is_a_part_of_what_runs() {
    const UNREADABLE: &[&str] = &["unreadable"];
    let cases: [Case; 15] = [
        after(
            application,
            quiet(
                "another repository",
                |g| replace(g, APPLICATION, "good/", "evil/"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            application,
            quiet(
                "another revision",
                |g| replace(g, APPLICATION, "targetRevision: main", "targetRevision: other"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            application,
            quiet(
                "one source more",
                |g| {
                    let more = "  sources: [{repoURL: \"https://github.com/evil/repo\", path: apps}]\n";
                    g.write(APPLICATION, &format!("{}{more}", g.read(APPLICATION)));
                },
                4,
                UNREADABLE,
            ),
        ),
        after(
            application,
            quiet(
                "an object more with a source of its own",
                |g| {
                    let text = g
                        .read(APPLICATION)
                        .replace("name: a,", "name: b,")
                        .replace("good/", "evil/");
                    g.write("envs/production/b.yaml", &text);
                },
                4,
                UNREADABLE,
            ),
        ),
        after(
            application,
            quiet(
                "another way to synchronise",
                |g| {
                    g.write(
                        APPLICATION,
                        &format!("{}  syncPolicy: {{automated: {{}}}}\n", g.read(APPLICATION)),
                    )
                },
                0,
                &[],
            ),
        ),
        after(
            flux,
            quiet(
                "the source is another",
                |g| replace(g, APPLICATION, "good/", "evil/"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            flux,
            quiet(
                "the source has another branch",
                |g| replace(g, APPLICATION, "branch: main", "branch: other"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            flux,
            quiet(
                "another source is named",
                |g| replace(g, APPLICATION, "name: flux-system}\n---", "name: other}\n---"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            release,
            quiet(
                "another chart",
                |g| replace(g, RELEASE, "chart: shop", "chart: evil"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            release,
            quiet(
                "another version of the chart",
                |g| replace(g, RELEASE, "version: \"1.0.0\"", "version: \"1.0.1\""),
                0,
                &[],
            ),
        ),
        after(
            chart,
            quiet(
                "a template of a chart",
                |g| g.write("apps/templates/a.yaml", &deployment("docker.io/evil/x:1")),
                4,
                UNREADABLE,
            ),
        ),
        after(
            chart,
            quiet(
                "a helper",
                |g| g.write("apps/templates/_helpers.tpl", "evil\n"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            chart,
            quiet(
                "a chart that it depends on",
                |g| {
                    let text = g.read("apps/Chart.yaml");
                    let more = "dependencies: [{name: evil, version: \"1\", repository: \"https://evil.example\"}]\n";
                    g.write("apps/Chart.yaml", &format!("{text}{more}"));
                },
                4,
                UNREADABLE,
            ),
        ),
        after(
            chart,
            quiet("an archive", |g| g.write("apps/charts/evil-1.tgz", "x"), 4, UNREADABLE),
        ),
        after(
            chart,
            case(
                "the values of a chart",
                |g| {
                    replace(
                        g,
                        "apps/values.yaml",
                        &g.digest("1.0.0").to_string(),
                        &g.digest("1.1.0").to_string(),
                    )
                },
                0,
                &[],
            ),
        ),
    ];
    all_hold(&cases).await;
}

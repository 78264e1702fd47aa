//! Changes behind what a manifest says: the data of its variables, the chart of its release, the build of its image, and
//! files that nobody could read before.

use super::check_cases::{after, all_hold, quiet};
use super::check_sources::{RELEASE, release, replace};
use super::gated::{Case, Gate, PRODUCTION};
use super::home::deployment;

const UNREADABLE: &[&str] = &["unreadable"];
const VARIABLES: &str = "shared/variables.yaml";
const COMPOSE: &str = "envs/production/compose.yaml";

/// A Kustomization of Flux whose images have a variable in them, with the data that it is taken from.
fn substituted(gate: &Gate) {
    gate.remove(PRODUCTION);
    gate.write(
        "envs/production/apps.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./apps\n  sourceRef: {kind: GitRepository, name: flux-system}\n  postBuild:\n    substituteFrom:\n    - {kind: ConfigMap, name: variables}\n    - {kind: Secret, name: hidden}\n",
    );
    gate.write("apps/kustomization.yaml", "resources: [a.yaml, b.yaml]\n");
    gate.write("apps/a.yaml", &deployment(&gate.image("1.0.0")));
    gate.write(
        "apps/b.yaml",
        &deployment("\"docker.io/shop/x:${TAG}\"").replace("name: api", "name: b"),
    );
    gate.write(
        VARIABLES,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: variables, namespace: flux-system}\ndata:\n  TAG: \"1\"\n  REPLICAS: \"1\"\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: hidden, namespace: flux-system}\nstringData:\n  OTHER: \"1\"\n",
    );
}

/// A release of a chart that lies in this repository.
fn own_chart(gate: &Gate) {
    release(gate);
    replace(
        gate,
        RELEASE,
        "chart: shop, version: \"1.0.0\", sourceRef: {kind: HelmRepository, name: shop}",
        "chart: ./charts/shop, sourceRef: {kind: GitRepository, name: flux-system}",
    );
    gate.write("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    gate.write("charts/shop/values.yaml", "replicas: 1\n");
    gate.write(
        "charts/shop/templates/a.yaml",
        &deployment("\"{{ .Values.web.image }}\""),
    );
}

/// A release that takes values from a secret, and one value of a `ConfigMap` into an image.
fn valued(gate: &Gate) {
    release(gate);
    replace(
        gate,
        RELEASE,
        "  values:\n",
        "  valuesFrom:\n  - {kind: Secret, name: hidden}\n  - {kind: ConfigMap, name: single, valuesKey: tag, targetPath: side.image.tag}\n  - {kind: ConfigMap, name: single, valuesKey: replicas, targetPath: replicas}\n  values:\n",
    );
    gate.write(
        VARIABLES,
        "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\nstringData:\n  values.yaml: \"a: 1\"\n  other: \"1\"\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: single}\ndata:\n  tag: \"1\"\n  replicas: \"1\"\n",
    );
}

fn composed(gate: &Gate) {
    gate.remove(PRODUCTION);
    gate.write(
        COMPOSE,
        &format!(
            "services:\n  api:\n    image: {}\n  tool:\n    build: ./tool\n",
            gate.image("1.0.0")
        ),
    );
    gate.write("envs/production/api/Dockerfile", "FROM scratch\n");
}

fn built(gate: &Gate) {
    composed(gate);
    replace(gate, COMPOSE, "  tool:", "    build: {context: ./api}\n  tool:");
}

fn unread(gate: &Gate) {
    gate.write("envs/production/odd.yaml", "a: [\n{{ 1 }}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_behind_a_manifest_is_a_part_of_what_runs() {
    let cases: [Case; 18] = [
        after(
            substituted,
            quiet(
                "a variable of an image has another value",
                |g| replace(g, VARIABLES, "TAG: \"1\"", "TAG: \"2\""),
                4,
                UNREADABLE,
            ),
        ),
        after(
            substituted,
            quiet(
                "a variable of an image comes to stand in a secret, too",
                |g| replace(g, VARIABLES, "OTHER:", "TAG:"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            substituted,
            quiet("the data goes", |g| g.remove(VARIABLES), 4, UNREADABLE),
        ),
        after(
            substituted,
            quiet(
                "another variable has another value",
                |g| replace(g, VARIABLES, "REPLICAS: \"1\"", "REPLICAS: \"2\""),
                0,
                &[],
            ),
        ),
        after(
            valued,
            quiet(
                "values in a secret",
                |g| replace(g, VARIABLES, "a: 1", "a: 2"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            valued,
            quiet(
                "another key of the secret",
                |g| replace(g, VARIABLES, "other: \"1\"", "other: \"2\""),
                0,
                &[],
            ),
        ),
        after(
            valued,
            quiet(
                "one value of an image",
                |g| replace(g, VARIABLES, "tag: \"1\"", "tag: \"2\""),
                4,
                UNREADABLE,
            ),
        ),
        after(
            valued,
            quiet(
                "one value of something else",
                |g| replace(g, VARIABLES, "replicas: \"1\"", "replicas: \"2\""),
                0,
                &[],
            ),
        ),
        after(
            own_chart,
            quiet(
                "a template of a chart of this repository",
                |g| g.write("charts/shop/templates/a.yaml", &deployment("docker.io/evil/x:1")),
                4,
                UNREADABLE,
            ),
        ),
        after(
            own_chart,
            quiet(
                "an archive that such a chart takes in",
                |g| g.write("charts/shop/charts/evil-1.tgz", "x"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            own_chart,
            quiet(
                "its values",
                |g| g.write("charts/shop/values.yaml", "replicas: 2\n"),
                0,
                &[],
            ),
        ),
        after(
            own_chart,
            quiet(
                "a chart that nothing applies",
                |g| g.write("charts/other/templates/a.yaml", &deployment("docker.io/evil/x:1")),
                0,
                &[],
            ),
        ),
        after(
            composed,
            quiet(
                "a build beside an image that stays",
                |g| replace(g, COMPOSE, "  tool:", "    build: ./api\n  tool:"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            composed,
            quiet(
                "a build of the folder itself beside it",
                |g| replace(g, COMPOSE, "  tool:", "    build: {context: .}\n  tool:"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            built,
            quiet(
                "what is built changes",
                |g| g.write("envs/production/api/Dockerfile", "FROM docker.io/evil/x\n"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            built,
            quiet(
                "it is built otherwise",
                |g| {
                    replace(
                        g,
                        COMPOSE,
                        "{context: ./api}",
                        "{context: ./api, dockerfile_inline: \"FROM docker.io/evil/x\"}",
                    )
                },
                4,
                UNREADABLE,
            ),
        ),
        after(
            composed,
            quiet(
                "a service that is only built",
                |g| replace(g, COMPOSE, "build: ./tool", "build: ./tool2"),
                0,
                &[],
            ),
        ),
        after(
            unread,
            quiet(
                "a file that could not be read before, either",
                |g| g.write("envs/production/odd.yaml", "a: [\n{{ 2 }}\n"),
                0,
                &["unmanaged-image"],
            ),
        ),
    ];
    all_hold(&cases).await;
}

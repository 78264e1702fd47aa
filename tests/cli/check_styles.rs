//! What goes and what is hidden, in charts, Compose files, kustomizations and variants.

use super::check_cases::{after, all_hold, case, quiet};
use super::gated::{Gate, PRODUCTION};
use super::home::deployment;
use crate::support::signed_world::API;

const VALUES: &str = "envs/production/values.yaml";
const COMPOSE: &str = "envs/production/compose.yaml";
const KUSTOMIZATION: &str = "envs/production/kustomization.yaml";

/// Production is a chart with values of its own.
fn chart(gate: &Gate) {
    gate.remove(PRODUCTION);
    let values = format!(
        "image:\n  repository: {}/{API}\n  tag: 1.0.0\n  digest: {}\n",
        gate.server.address,
        gate.digest("1.0.0")
    );
    gate.write(VALUES, &values);
}

/// The same, and a kustomization takes the values in.
fn chart_taken_in(gate: &Gate) {
    chart(gate);
    gate.write(
        KUSTOMIZATION,
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nhelmCharts:\n- name: api\n  repo: https://charts.example\n  valuesFile: values.yaml\n",
    );
}

/// Production is a Compose file with two services of one image.
fn compose(gate: &Gate) {
    gate.remove(PRODUCTION);
    let image = gate.image("1.0.0");
    gate.write(
        COMPOSE,
        &format!("services:\n  web:\n    image: {image}\n  worker:\n    image: {image}\n"),
    );
}

/// Production is a kustomization over a base.
fn kustomized(gate: &Gate) {
    gate.remove(PRODUCTION);
    gate.write("base/api.yaml", &deployment("api"));
    let text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- ../../base/api.yaml\nimages:\n- name: api\n  newName: {}/{API}\n  newTag: 1.0.0\n  digest: {}\n",
        gate.server.address,
        gate.digest("1.0.0")
    );
    gate.write(KUSTOMIZATION, &text);
}

/// Production runs two variants of the image.
fn variants(gate: &Gate) {
    gate.pin("production", &gate.tagged("1.0-fpm", "1.0.0"));
    let other = deployment(&gate.tagged("1.0-nginx", "1.1.0")).replace("name: api\nspec", "name: nginx\nspec");
    gate.write("envs/production/nginx.yaml", &other);
}

fn replace(gate: &Gate, file: &str, from: &str, to: &str) {
    let text = gate.read(file);
    assert!(text.contains(from), "{text}");
    gate.write(file, &text.replacen(from, to, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_is_told_from_what_is_hidden_in_every_style() {
    let cases = [
        after(
            chart_taken_in,
            quiet(
                "values go that something still takes in",
                |g| g.remove(VALUES),
                4,
                &["unreadable"],
            ),
        ),
        after(
            chart,
            quiet("values go that nothing takes in", |g| g.remove(VALUES), 0, &["removed"]),
        ),
        after(
            chart,
            quiet(
                "another repository in values",
                |g| g.write(VALUES, "image:\n  repository: docker.io/evil/x\n  tag: \"1\"\n"),
                4,
                &["image-replaced"],
            ),
        ),
        after(
            chart,
            quiet(
                "values without an image",
                |g| g.write(VALUES, "replicas: 2\n"),
                4,
                &["image-replaced"],
            ),
        ),
        after(
            chart,
            case(
                "another digest in values",
                |g| {
                    replace(
                        g,
                        VALUES,
                        &g.digest("1.0.0").to_string(),
                        &g.digest("1.2.0").to_string(),
                    )
                },
                4,
                &["order-skipped", "tag-digest-mismatch"],
            ),
        ),
        after(
            compose,
            quiet(
                "one service of a Compose file runs something else",
                |g| replace(g, COMPOSE, &g.image("1.0.0"), "docker.io/evil/x:1"),
                4,
                &["image-replaced"],
            ),
        ),
        after(
            compose,
            quiet(
                "one service of a Compose file goes",
                |g| {
                    let text = g.read(COMPOSE);
                    let (head, _) = text.split_once("  worker:").expect("two services");
                    g.write(COMPOSE, head);
                },
                0,
                &[],
            ),
        ),
        after(
            compose,
            case(
                "one service of a Compose file steps forward alone",
                |g| replace(g, COMPOSE, &g.image("1.0.0"), &g.image("1.1.0")),
                4,
                &["split"],
            ),
        ),
        after(
            kustomized,
            quiet(
                "a base that runs something ignored",
                |g| g.write("base/api.yaml", &deployment("docker.io/evil/x:1")),
                4,
                &["image-replaced", "unmanaged-image"],
            ),
        ),
        after(
            kustomized,
            case(
                "a base that runs an image of nobody",
                |g| g.write("base/api.yaml", &deployment(&g.image("1.3.0").replace(API, "evil/x"))),
                4,
                &["image-replaced", "order-skipped", "pin-rejected", "unmanaged-image"],
            ),
        ),
        after(
            kustomized,
            case(
                "the digest of a kustomization",
                |g| {
                    replace(
                        g,
                        KUSTOMIZATION,
                        &g.digest("1.0.0").to_string(),
                        &g.digest("1.1.0").to_string(),
                    );
                    replace(g, KUSTOMIZATION, "newTag: 1.0.0", "newTag: 1.1.0");
                },
                0,
                &[],
            ),
        ),
        after(
            variants,
            case(
                "one variant runs the other",
                |g| {
                    replace(
                        g,
                        PRODUCTION,
                        &g.tagged("1.0-fpm", "1.0.0"),
                        &g.tagged("1.0-nginx", "1.1.0"),
                    )
                },
                4,
                &["image-replaced"],
            ),
        ),
        after(
            variants,
            quiet(
                "one variant goes",
                |g| g.remove("envs/production/nginx.yaml"),
                0,
                &["removed"],
            ),
        ),
        after(
            variants,
            quiet(
                "another document first",
                |g| {
                    let text = g.read(PRODUCTION);
                    g.write(
                        PRODUCTION,
                        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n---\n{text}"),
                    );
                },
                0,
                &[],
            ),
        ),
    ];
    all_hold(&cases).await;
}

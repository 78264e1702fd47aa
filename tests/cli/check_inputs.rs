//! Changes that pin nothing new by their text and still change what runs: one of several containers, what is taken in
//! and cannot be read, and where things are applied from.

use super::check_cases::{after, all_hold, case, link, quiet};
use super::check_sources::{RELEASE, chart, release, replace};
use super::gated::{Case, Gate, PRODUCTION};
use super::home::deployment;
use crate::support::signed_world::API;

const KUSTOMIZATION: &str = "envs/production/kustomization.yaml";
const COMPOSE: &str = "envs/production/compose.yaml";

/// A Deployment with a second container that runs the same.
fn two(first: &str, second: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      containers:\n\
         \x20     - name: main\n        image: {first}\n      - name: side\n        image: {second}\n"
    )
}

fn two_containers(gate: &Gate) {
    let image = gate.image("1.0.0");
    gate.write(PRODUCTION, &two(&image, &image));
    web(gate);
}

/// Another service is pinned beside.
fn web(gate: &Gate) {
    let web = gate.image("1.3.0").replace(API, "shop/web");
    gate.write(
        "envs/production/web.yaml",
        &deployment(&web).replace("name: api", "name: web"),
    );
}

fn listed(gate: &Gate) {
    gate.write(KUSTOMIZATION, "resources: [api.yaml]\n");
}

fn takes_in(gate: &Gate, more: &str) {
    gate.write(KUSTOMIZATION, &format!("resources: [api.yaml, {more}]\n"));
}

fn patched(gate: &Gate, operation: &str) {
    gate.write(
        KUSTOMIZATION,
        &format!("resources: [api.yaml]\npatches:\n- target: {{kind: Deployment}}\n  patch: |\n    - {operation}\n"),
    );
}

fn compose(gate: &Gate) {
    gate.remove(PRODUCTION);
    gate.write(
        COMPOSE,
        &format!("services:\n  api:\n    image: {}\n", gate.image("1.0.0")),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_lost_by_containers_and_fields() {
    const REPLACED: &[&str] = &["image-replaced"];
    let cases: [Case; 17] = [
        after(
            two_containers,
            quiet(
                "one of two containers runs something ignored",
                |g| g.write(PRODUCTION, &two(&g.image("1.0.0"), "docker.io/evil/x:1")),
                4,
                REPLACED,
            ),
        ),
        after(
            two_containers,
            case(
                "one of two containers runs what another service has",
                |g| {
                    let web = g.image("1.3.0").replace(API, "shop/web");
                    g.write(PRODUCTION, &two(&web, &g.image("1.0.0")));
                },
                4,
                REPLACED,
            ),
        ),
        after(
            two_containers,
            quiet(
                "one of two containers says no image",
                |g| {
                    let line = format!("      - name: side\n        image: {}\n", g.image("1.0.0"));
                    replace(g, PRODUCTION, &line, "      - name: side\n");
                },
                4,
                &["unreadable"],
            ),
        ),
        after(
            two_containers,
            quiet(
                "one of two containers goes",
                |g| g.pin("production", &g.image("1.0.0")),
                0,
                &[],
            ),
        ),
        after(
            two_containers,
            quiet(
                "they change places",
                |g| {
                    let image = g.image("1.0.0");
                    let text = two(&image, &image).replace("side", "x").replace("main", "side");
                    g.write(PRODUCTION, &text.replace("name: x", "name: main"));
                },
                0,
                &[],
            ),
        ),
        after(
            two_containers,
            quiet(
                "one has another name and runs something else",
                |g| {
                    let text = two(&g.image("1.0.0"), "docker.io/evil/x:1");
                    g.write(PRODUCTION, &text.replace("side", "other"));
                },
                4,
                REPLACED,
            ),
        ),
        after(
            two_containers,
            quiet(
                "a third container runs the pin, and one of the two something else",
                |g| {
                    let text = two(&g.image("1.0.0"), "docker.io/evil/x:1");
                    let more = format!("{text}      - name: third\n        image: {}\n", g.image("1.0.0"));
                    g.write(PRODUCTION, &more);
                },
                4,
                REPLACED,
            ),
        ),
        after(
            release,
            quiet(
                "one of two blocks of values runs something ignored",
                |g| {
                    let was = format!(
                        "repository: {}/{API}\n        digest: {}",
                        g.server.address,
                        g.digest("1.0.0")
                    );
                    replace(g, RELEASE, &was, "repository: docker.io/evil/x\n        tag: \"1\"");
                },
                4,
                REPLACED,
            ),
        ),
        after(
            release,
            quiet(
                "one of two blocks of values goes",
                |g| {
                    let text = g.read(RELEASE);
                    let (head, _) = text.split_once("    job:").expect("two");
                    g.write(RELEASE, head);
                },
                4,
                &["unreadable"],
            ),
        ),
        after(
            chart,
            case(
                "a file of values has nothing of it, and the pin stands elsewhere",
                |g| {
                    g.pin("production", &g.image("1.0.0"));
                    g.write(
                        "apps/values.yaml",
                        "image:\n  repository: docker.io/evil/x\n  tag: \"1\"\n",
                    );
                },
                4,
                REPLACED,
            ),
        ),
        after(
            listed,
            quiet(
                "a copy that nothing takes in",
                |g| {
                    g.write("envs/production/api2.yaml", &g.read(PRODUCTION));
                    g.pin("production", "docker.io/evil/x:1");
                },
                4,
                REPLACED,
            ),
        ),
        after(
            listed,
            quiet(
                "the same with another name of the file",
                |g| {
                    g.write("envs/production/old.yaml", &g.read(PRODUCTION));
                    g.remove(PRODUCTION);
                    g.write("envs/production/new.yaml", &deployment("docker.io/evil/x:1"));
                    g.write(KUSTOMIZATION, "resources: [new.yaml]\n");
                },
                4,
                REPLACED,
            ),
        ),
        after(
            listed,
            quiet(
                "it moves to where nothing takes it in",
                |g| {
                    g.write("envs/production/old.yaml", &g.read(PRODUCTION));
                    g.remove(PRODUCTION);
                    g.write(KUSTOMIZATION, "resources: []\n");
                },
                0,
                &["removed"],
            ),
        ),
        after(
            compose,
            quiet(
                "an override of something ignored",
                |g| {
                    g.write(
                        "envs/production/compose.override.yaml",
                        "services: {api: {image: docker.io/evil/x}}\n",
                    )
                },
                4,
                &["unreadable"],
            ),
        ),
        after(
            compose,
            quiet(
                "variables that name another file",
                |g| {
                    g.write("envs/production/.env", "COMPOSE_FILE=../../x.yaml\n");
                    g.write("x.yaml", "services: {api: {image: docker.io/evil/x}}\n");
                },
                4,
                &["unreadable"],
            ),
        ),
        after(
            compose,
            quiet(
                "a file that another one includes",
                |g| {
                    g.write(COMPOSE, &format!("include: [../../x/c.yaml]\n{}", g.read(COMPOSE)));
                    g.write("x/c.yaml", "services: {evil: {image: docker.io/evil/x}}\n");
                },
                4,
                &["unmanaged-image", "unreadable"],
            ),
        ),
        after(
            compose,
            quiet(
                "an override without an image",
                |g| {
                    g.write(
                        "envs/production/compose.override.yaml",
                        "services: {api: {restart: always}}\n",
                    )
                },
                0,
                &[],
            ),
        ),
    ];
    all_hold(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_in_and_cannot_be_read_is_told() {
    const UNREADABLE: &[&str] = &["unreadable"];
    let deep = |g: &Gate| {
        for at in 0..80 {
            g.write(
                &format!("k{at}/kustomization.yaml"),
                &format!("resources: [../k{}]\n", at + 1),
            );
        }
        g.write("k80/kustomization.yaml", "resources: [d.yaml]\n");
        g.write("k80/d.yaml", &deployment("docker.io/evil/x:1"));
        takes_in(g, "../../k0");
    };
    let cases: [Case; 14] = [
        quiet(
            "a text",
            |g| {
                g.write("envs/production/z.txt", "a: [\n{{ if }}\n");
                takes_in(g, "z.txt");
            },
            4,
            UNREADABLE,
        ),
        quiet(
            "the pin goes, and a text comes",
            |g| {
                g.remove(PRODUCTION);
                g.write("shared/z", "a: [\n{{ if }}\n");
                g.write(KUSTOMIZATION, "resources: [../../shared/z]\n");
            },
            4,
            UNREADABLE,
        ),
        quiet(
            "a link",
            |g| {
                link(g, "z.yaml", "README.md");
                takes_in(g, "../../z.yaml");
            },
            4,
            UNREADABLE,
        ),
        quiet(
            "a file behind a link",
            |g| {
                g.write("real/z.yaml", &deployment("docker.io/evil/x:1"));
                link(g, "other", "real");
                takes_in(g, "../../other/z.yaml");
            },
            4,
            UNREADABLE,
        ),
        quiet(
            "another repository",
            |g| takes_in(g, "\"https://evil.example/x?ref=main\""),
            4,
            UNREADABLE,
        ),
        quiet(
            "a chart of another repository",
            |g| {
                g.write(
                    KUSTOMIZATION,
                    "resources: [api.yaml]\nhelmCharts: [{name: evil, repo: \"https://evil.example\", version: \"1\"}]\n",
                );
            },
            4,
            UNREADABLE,
        ),
        quiet(
            "a file that is too large",
            |g| {
                g.write("z.yaml", &format!("# {}\n", "x".repeat(17 << 20)));
                takes_in(g, "../../z.yaml");
            },
            4,
            UNREADABLE,
        ),
        quiet(
            "a file that is no YAML",
            |g| {
                g.write("z.yaml", "a: [\n{{ if }}\n");
                takes_in(g, "../../z.yaml");
            },
            4,
            UNREADABLE,
        ),
        after(
            |g| {
                g.write("z.txt", "a: [\n{{ 1 }}\n");
                takes_in(g, "../../z.txt");
            },
            quiet(
                "one that is taken in already changes",
                |g| g.write("z.txt", "a: [\n{{ 2 }}\n"),
                4,
                UNREADABLE,
            ),
        ),
        after(
            |g| {
                g.write("z.txt", "a: [\n{{ 1 }}\n");
                takes_in(g, "../../z.txt");
            },
            quiet(
                "one that is taken in already stays",
                |g| g.write("README.md", "b\n"),
                0,
                &[],
            ),
        ),
        quiet("more than is followed", deep, 4, &["unmanaged-image", "unreadable"]),
        case(
            "an annotation that becomes an image",
            |g| {
                patched(
                    g,
                    "{op: copy, from: /metadata/annotations/x, path: /spec/template/spec/containers/0/image}",
                )
            },
            4,
            UNREADABLE,
        ),
        case(
            "something that becomes the template",
            |g| patched(g, "{op: move, from: /spec/x, path: /spec/template}"),
            4,
            UNREADABLE,
        ),
        quiet(
            "something that becomes an annotation",
            |g| patched(g, "{op: copy, from: /metadata/labels/x, path: /metadata/annotations/y}"),
            0,
            &[],
        ),
    ];
    all_hold(&cases).await;
}

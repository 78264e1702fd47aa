//! Changes whose head wants to decide itself, or hides what it pins.

use super::check_cases::{after, all_hold, case, cron, forward, link, on, quiet, sidecar, with, with_policy};
use super::gated::PRODUCTION;
use super::home::deployment;
use crate::support::signed_world::{API, Key};

#[tokio::test(flavor = "multi_thread")]
async fn the_head_decides_nothing() {
    let cases = [
        on(
            |g| g.hold("production", "1.1.0"),
            case(
                "a hold comes in the change, too",
                |g| {
                    g.hold("production", "1.2.0");
                    forward(g);
                },
                4,
                &["hold-violated"],
            ),
        ),
        case(
            "a hold that comes is no finding",
            |g| {
                g.hold("production", "1.2.0");
                forward(g);
            },
            0,
            &[],
        ),
        after(
            |g| g.hold("production", "1.1.0"),
            case(
                "a hold goes with a pin",
                |g| {
                    g.remove("pindeck-holds.toml");
                    forward(g);
                },
                4,
                &["hold-violated", "hold-released"],
            ),
        ),
        after(
            |g| g.hold("production", "1.1.0"),
            quiet("a hold goes alone", |g| g.remove("pindeck-holds.toml"), 0, &[]),
        ),
        after(
            |g| g.hold("staging", "1.1.0"),
            case(
                "a hold gets weaker",
                |g| {
                    g.hold("production", "1.1.0");
                    g.pin("staging", &g.image("1.2.0"));
                },
                4,
                &["hold-released"],
            ),
        ),
        after(
            |g| g.hold("production", "1.2.0"),
            case(
                "holds get unreadable",
                |g| {
                    g.write("pindeck-holds.toml", "version = 1\n[[hold]]\n");
                    forward(g);
                },
                4,
                &["hold-released"],
            ),
        ),
        after(
            |g| g.hold("production", "1.2.0"),
            case(
                "holds become a link",
                |g| {
                    link(g, "pindeck-holds.toml", "README.md");
                    forward(g);
                },
                4,
                &["hold-released"],
            ),
        ),
        case(
            "a policy that wants nothing",
            |g| {
                g.write(
                    "pindeck.toml",
                    &g.policy("").replace("require = [\"signature\"]", "require = []"),
                );
                g.pin("staging", &g.image("1.3.0"));
            },
            4,
            &["pin-rejected", "policy-changed"],
        ),
        case(
            "a key of the attacker",
            |g| {
                let key = Key::new();
                key.sign(&g.fake, API, g.digest("1.3.0"));
                g.write("keys/ci.pub", &key.pem());
                g.pin("staging", &g.image("1.3.0"));
            },
            4,
            &["pin-rejected", "policy-changed"],
        ),
        case(
            "a policy that sends the question elsewhere",
            |g| {
                let more = format!(
                    "[registries.\"{}\"]\nendpoint = \"http://127.0.0.1:1\"\n",
                    g.server.address
                );
                g.write("pindeck.toml", &(g.policy("") + &more));
                forward(g);
            },
            4,
            &["policy-changed"],
        ),
        case(
            "the policy alone",
            |g| with_policy(g, "soak = \"1h\""),
            0,
            &["policy-changed-only"],
        ),
        with(
            &["--exit-code"],
            case(
                "the same as a status",
                |g| with_policy(g, "soak = \"1h\""),
                3,
                &["policy-changed-only"],
            ),
        ),
        case(
            "a key alone",
            |g| g.write("keys/ci.pub", &Key::new().pem()),
            0,
            &["policy-changed-only"],
        ),
        quiet(
            "a policy that nobody can read",
            |g| g.write("pindeck.toml", "version = 7"),
            0,
            &["policy-changed-only"],
        ),
        quiet(
            "a policy that is too large",
            |g| g.write("pindeck.toml", &format!("{}# {}\n", g.policy(""), "x".repeat(90 << 20))),
            0,
            &["policy-changed-only"],
        ),
        quiet(
            "a key that is too large",
            |g| g.write("keys/ci.pub", &"x".repeat(90 << 20)),
            0,
            &["policy-changed-only"],
        ),
        case(
            "the policy goes",
            |g| g.remove("pindeck.toml"),
            0,
            &["policy-changed-only"],
        ),
        quiet(
            "an environment of its own",
            |g| {
                let more = "[[environments]]\nname = \"more\"\npaths = [\"more/**\"]\npolicy = \"release\"\n";
                g.write("pindeck.toml", &(g.policy("") + more));
                g.write("more/api.yaml", &deployment(&g.image("1.3.0")));
            },
            4,
            &["policy-changed"],
        ),
        after(
            |g| g.remove("pindeck.toml"),
            quiet("no policy", |g| g.write("README.md", "x"), 2, &[]),
        ),
        after(
            |g| g.remove("pindeck.toml"),
            quiet("the first policy", |g| with_policy(g, ""), 0, &["no-policy"]),
        ),
        after(
            |g| g.remove("pindeck.toml"),
            quiet(
                "the first policy with a pin",
                |g| {
                    with_policy(g, "");
                    forward(g);
                },
                2,
                &[],
            ),
        ),
        after(
            |g| g.write("more/api.yaml", &deployment(&g.image("1.3.0"))),
            quiet(
                "a path more, which makes a pin of what is there",
                |g| {
                    let more = g
                        .policy("")
                        .replace("[\"envs/production/**\"]", "[\"envs/production/**\", \"more/**\"]");
                    g.write("pindeck.toml", &more);
                },
                4,
                &["policy-changed"],
            ),
        ),
        on(
            |g| g.write("pindeck.toml", "version = 7"),
            quiet("a base whose policy cannot be read", forward, 2, &[]),
        ),
    ];
    all_hold(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_is_told_from_what_is_hidden() {
    let cases = [
        quiet("nothing", |g| g.write("README.md", "more\n"), 0, &[]),
        quiet(
            "a comment and other lines",
            |g| g.write(PRODUCTION, &format!("# a\n# b\n{}", g.read(PRODUCTION))),
            0,
            &[],
        ),
        quiet("a container above", |g| sidecar(g, PRODUCTION), 0, &[]),
        quiet(
            "another file name",
            |g| {
                g.write("envs/production/other.yaml", &g.read(PRODUCTION));
                g.remove(PRODUCTION);
            },
            0,
            &[],
        ),
        quiet(
            "another name of the workload",
            |g| g.write(PRODUCTION, &g.read(PRODUCTION).replacen("name: api", "name: api2", 1)),
            0,
            &[],
        ),
        quiet("the workload goes", |g| g.remove(PRODUCTION), 0, &["removed"]),
        after(
            |g| cron(g, "1.0.0"),
            quiet("one of two workloads goes", |g| g.remove(PRODUCTION), 0, &[]),
        ),
        quiet(
            "an ignored image in its place",
            |g| g.pin("production", "docker.io/evil/x:1"),
            4,
            &["image-replaced"],
        ),
        case(
            "an image of nobody in its place",
            |g| g.pin("production", &g.image("1.3.0").replace(API, "evil/x")),
            4,
            &["image-replaced", "pin-rejected", "order-skipped"],
        ),
        quiet(
            "its container goes, the workload stays",
            |g| g.pin("production", "docker.io/fluent/bit:3"),
            4,
            &["image-replaced"],
        ),
        after(
            |g| cron(g, "1.0.0"),
            quiet(
                "one of two workloads runs something else",
                |g| g.pin("production", "docker.io/evil/x:1"),
                4,
                &["image-replaced"],
            ),
        ),
        quiet(
            "the pin moves aside and something else takes its place",
            |g| {
                g.write(
                    "envs/production/aside.yaml",
                    &g.read(PRODUCTION).replace("name: api\nspec", "name: aside\nspec"),
                );
                g.pin("production", "docker.io/evil/x:1");
            },
            4,
            &["image-replaced"],
        ),
        quiet(
            "a template in its place",
            |g| g.pin("production", "{{ .Values.image }}"),
            4,
            &["unreadable"],
        ),
        quiet(
            "a file that is no YAML any more",
            |g| g.write(PRODUCTION, "a: [\n{{ if }}\n"),
            4,
            &["unreadable"],
        ),
        quiet(
            "a link in its place",
            |g| link(g, PRODUCTION, "../staging/api.yaml"),
            4,
            &["unreadable"],
        ),
        quiet(
            "a link in place of its folder",
            |g| {
                std::fs::remove_dir_all(g.folder.join("envs/production")).expect("removed");
                link(g, "envs/production", "staging");
            },
            4,
            &["unreadable"],
        ),
        quiet(
            "a submodule in place of its folder",
            |g| {
                std::fs::remove_dir_all(g.folder.join("envs/production")).expect("removed");
                let info = format!("160000,{},envs/production", g.commit_of("HEAD"));
                g.git(&["rm", "-q", "-r", "--cached", "envs/production"]);
                g.git(&["update-index", "--add", "--cacheinfo", &info]);
                // What is added later leaves it alone.
                std::fs::create_dir_all(g.folder.join("envs/production")).expect("made");
            },
            4,
            &["unreadable"],
        ),
        quiet(
            "a file that is too large",
            |g| {
                let text = format!("{}# {}\n", g.read(PRODUCTION), "x".repeat(17 << 20));
                g.write(PRODUCTION, &text);
            },
            4,
            &["unreadable"],
        ),
        quiet(
            "a link among the files of an environment",
            |g| link(g, "envs/production/more.yaml", "../../README.md"),
            0,
            &["unmanaged-image"],
        ),
        quiet(
            "a language that is not read",
            |g| g.write("envs/production/more.jsonnet", "{}"),
            0,
            &["unmanaged-image"],
        ),
        quiet(
            "the same outside of every environment",
            |g| g.write("lib/more.jsonnet", "{}"),
            0,
            &[],
        ),
        quiet(
            "an ignored image more",
            |g| g.write("envs/production/db.yaml", &deployment("postgres:17")),
            0,
            &[],
        ),
        with(
            &["--exit-code"],
            quiet(
                "a template that is new",
                |g| g.write("envs/production/t.yaml", &deployment("\"{{ .Values.image }}\"")),
                3,
                &["unmanaged-image"],
            ),
        ),
    ];
    all_hold(&cases).await;
}

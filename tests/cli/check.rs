//! `pindeck check`: a table of changes, each a real history of its own, and what is said of the digests and tags that they
//! bring.

use super::check_cases::{after, all_hold, case, cron, forward, on, quiet, with, with_policy};
use super::home::{deployment, digest};
use crate::support::signed_world::API;

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_passes_the_gates_of_a_promotion_or_of_a_revert() {
    let cases = [
        case("one step forward", forward, 0, &[]),
        case("the first environment", |g| g.pin("staging", &g.image("1.2.0")), 0, &[]),
        case(
            "a step left out",
            |g| g.pin("production", &g.image("1.2.0")),
            4,
            &["order-skipped"],
        ),
        case(
            "unsigned",
            |g| g.pin("staging", &g.image("1.3.0")),
            4,
            &["pin-rejected"],
        ),
        case(
            "unsigned, and a step left out",
            |g| g.pin("production", &g.image("1.3.0")),
            4,
            &["pin-rejected", "order-skipped"],
        ),
        case(
            "two environments at once",
            |g| {
                ["staging", "production"]
                    .iter()
                    .for_each(|env| g.pin(env, &g.image("1.2.0")))
            },
            4,
            &["order-skipped"],
        ),
        case(
            "a digest that is nowhere",
            |g| g.pin("staging", &format!("{}/{API}:1.2.0@{}", g.server.address, digest('9'))),
            4,
            &["pin-rejected", "tag-digest-mismatch"],
        ),
        case(
            "an earlier one that was good",
            |g| g.pin("production", &g.image("0.9.0")),
            0,
            &[],
        ),
        case(
            "an earlier one that does not verify today",
            |g| g.pin("production", &g.image("0.7.0")),
            4,
            &["pin-rejected"],
        ),
        case(
            "one that a git revert took out",
            |g| g.pin("production", &g.image("0.8.0")),
            4,
            &["order-skipped", "reverted-digest"],
        ),
        on(
            |g| g.hold("production", "0.9.0"),
            case(
                "an earlier one that is on hold",
                |g| g.pin("production", &g.image("0.9.0")),
                4,
                &["hold-violated", "order-skipped"],
            ),
        ),
        on(
            |g| g.hold("production", "1.1.0"),
            case("on hold there", forward, 4, &["hold-violated"]),
        ),
        on(
            |g| g.hold("staging", "1.1.0"),
            case("on hold earlier", forward, 4, &["hold-violated"]),
        ),
        on(
            |g| g.hold("production", "1.2.0"),
            case("on hold only later", |g| g.pin("staging", &g.image("1.2.0")), 0, &[]),
        ),
        on(
            |g| g.write("pindeck-holds.toml", "version = 9"),
            case("holds that nobody can read", forward, 4, &["hold-violated"]),
        ),
        after(
            |g| with_policy(g, "soak = \"24h\""),
            case("not long enough before", forward, 4, &["soak"]),
        ),
        after(
            |g| with_policy(g, "soak = \"24h\""),
            case(
                "soak says nothing where the step is left out",
                |g| g.pin("production", &g.image("1.2.0")),
                4,
                &["order-skipped"],
            ),
        ),
        after(
            |g| {
                with_policy(
                    g,
                    "soak = \"24h\"\nfreeze = [{ from = \"Mon 00:00\", to = \"Sun 23:59\", zone = \"UTC\" }, { from = \"Sun 23:00\", to = \"Mon 01:00\", zone = \"UTC\" }]",
                )
            },
            case(
                "soak and freeze do not stop a revert",
                |g| g.pin("production", &g.image("0.9.0")),
                0,
                &[],
            ),
        ),
        after(
            |g| {
                with_policy(
                    g,
                    "freeze = [{ from = \"Mon 00:00\", to = \"Sun 23:59\", zone = \"UTC\" }, { from = \"Sun 23:00\", to = \"Mon 01:00\", zone = \"UTC\" }]",
                )
            },
            case("frozen", forward, 4, &["freeze"]),
        ),
        // The base's policy is the tip's, not that of the commit where the change was begun.
        on(
            |g| {
                with_policy(
                    g,
                    "freeze = [{ from = \"Mon 00:00\", to = \"Sun 23:59\", zone = \"UTC\" }, { from = \"Sun 23:00\", to = \"Mon 01:00\", zone = \"UTC\" }]",
                )
            },
            case("frozen since the change was begun", forward, 4, &["freeze"]),
        ),
        on(forward, quiet("what the base has already", forward, 0, &[])),
        on(
            forward,
            quiet("what only the base changed", |g| g.write("README.md", "more\n"), 0, &[]),
        ),
        case(
            "a new service, unsigned",
            |g| {
                g.write(
                    "envs/production/web.yaml",
                    &deployment(&g.image("1.3.0").replace(API, "shop/web")),
                )
            },
            4,
            &["pin-rejected", "order-skipped"],
        ),
    ];
    all_hold(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_digests_say_the_same() {
    let cases = [
        quiet(
            "a digest becomes a tag",
            |g| g.pin("production", &format!("{}/{API}:1.1.0", g.server.address)),
            4,
            &["pin-by-tag"],
        ),
        quiet(
            "a new pin by tag",
            |g| {
                g.write(
                    "envs/production/web.yaml",
                    &deployment(&format!("{}/shop/web:1", g.server.address)),
                )
            },
            4,
            &["pin-by-tag"],
        ),
        case(
            "a tag that names another digest",
            |g| g.pin("production", &g.tagged("1.1.0", "1.0.0")),
            4,
            &["tag-digest-mismatch"],
        ),
        case(
            "a moving tag that names another digest",
            |g| g.pin("production", &g.tagged("main", "1.0.0")),
            0,
            &["tag-digest-mismatch"],
        ),
        with(
            &["--exit-code"],
            case(
                "the same as a status",
                |g| g.pin("production", &g.tagged("main", "1.0.0")),
                3,
                &["tag-digest-mismatch"],
            ),
        ),
        case(
            "a moving tag that names it",
            |g| g.pin("production", &g.tagged("main", "1.1.0")),
            0,
            &[],
        ),
        case(
            "a tag that is not there",
            |g| g.pin("production", &g.tagged("gone", "1.1.0")),
            0,
            &[],
        ),
        quiet(
            "the tag goes, the digest stays",
            |g| g.pin("production", &g.image("1.0.0").replace(":1.0.0", "")),
            0,
            &[],
        ),
        case(
            "one place of two",
            |g| {
                cron(g, "1.0.0");
                forward(g);
            },
            4,
            &["split"],
        ),
        after(
            |g| cron(g, "1.0.0"),
            case("one of two places changes", forward, 4, &["split"]),
        ),
        after(
            |g| cron(g, "1.0.0"),
            case(
                "both places change",
                |g| {
                    cron(g, "1.1.0");
                    forward(g);
                },
                0,
                &[],
            ),
        ),
        after(
            |g| cron(g, "0.9.0"),
            quiet("a split pin is mended", |g| cron(g, "1.0.0"), 0, &[]),
        ),
        quiet("one place more", |g| cron(g, "1.0.0"), 0, &[]),
        on(
            |g| g.hold("production", "1.0.0"),
            quiet(
                "one place more of what is on hold",
                |g| cron(g, "1.0.0"),
                4,
                &["hold-violated"],
            ),
        ),
    ];
    // One more place asks its tag.
    let cases = cases.map(|mut case| {
        case.asks |= matches!(
            case.name,
            "a split pin is mended" | "one place more" | "one place more of what is on hold"
        );
        case
    });
    all_hold(&cases).await;
}

//! `pindeck check`: a table of changes, each a real history of its own, and what is said of it.

use super::gated::{Act, Case, Gate, PRODUCTION, STAGING, kinds};
use super::home::{deployment, digest};
use crate::support::signed_world::{API, Key};

const NOTHING: Act = |_| {};

const fn case(name: &'static str, head: Act, exit: i32, kinds: &'static [&'static str]) -> Case {
    Case {
        name,
        before: NOTHING,
        base: NOTHING,
        head,
        args: &[],
        exit,
        kinds,
        asks: true,
    }
}

/// The same without a question to a registry.
const fn quiet(name: &'static str, head: Act, exit: i32, kinds: &'static [&'static str]) -> Case {
    let mut case = case(name, head, exit, kinds);
    case.asks = false;
    case
}

const fn on(base: Act, mut case: Case) -> Case {
    case.base = base;
    case
}

const fn after(before: Act, mut case: Case) -> Case {
    case.before = before;
    case
}

const fn with(args: &'static [&'static str], mut case: Case) -> Case {
    case.args = args;
    case
}

fn forward(gate: &Gate) {
    gate.pin("production", &gate.image("1.1.0"));
}

fn cron(gate: &Gate, name: &str) {
    let text = deployment(&gate.image(name))
        .replace("kind: Deployment", "kind: CronJob")
        .replace("name: api\nspec", "name: cron\nspec");
    gate.write("envs/production/cron.yaml", &text);
}

fn sidecar(gate: &Gate, path: &str) {
    let text = gate.read(path).replace(
        "      containers:\n",
        "      containers:\n        - name: log\n          image: docker.io/fluent/bit:3\n",
    );
    gate.write(path, &text);
}

fn link(gate: &Gate, path: &str, to: &str) {
    let _ = std::fs::remove_file(gate.folder.join(path));
    std::os::unix::fs::symlink(to, gate.folder.join(path)).expect("a link");
}

fn with_policy(gate: &Gate, more: &str) {
    gate.write("pindeck.toml", &gate.policy(more));
}

async fn all_hold(cases: &[Case]) {
    let gate = Gate::start().await;
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(gate.wrong(case).await);
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

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

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_what_is_promised() {
    let gate = Gate::start().await;
    gate.set_up(
        NOTHING,
        |g| g.write("README.md", "on\n"),
        |g| {
            g.pin("production", &g.image("1.3.0"));
            g.remove(STAGING);
        },
    );
    let said = gate.check(&["--json"]).await;
    assert_eq!(said.status, 4, "{said:?}");
    let document = said.json();
    assert_eq!(document["base"]["ref"], "main");
    assert_eq!(document["base"]["commit"], gate.commit_of("main"));
    assert_eq!(document["base"]["merge_base"], gate.commit_of("main^"));
    assert_eq!(document["head"]["commit"], gate.commit_of("change"));
    assert_eq!(document["policy"]["name"], "release");
    assert_eq!(document["policy"]["source"], gate.commit_of("main"));
    assert_eq!(document["result"], "refused");
    let all = document["findings"].as_array().expect("a list");
    let of = |kind: &str| {
        all.iter()
            .find(|one| one["kind"] == kind)
            .unwrap_or_else(|| panic!("{kind}: {document:#}"))
    };
    let rejected = of("pin-rejected");
    assert_eq!(
        (rejected["file"].as_str(), rejected["line"].as_u64()),
        (Some(PRODUCTION), Some(10)),
        "{rejected}"
    );
    assert_eq!(rejected["from"]["tag"], "1.0.0");
    assert_eq!(rejected["to"]["digest"], gate.digest("1.3.0").to_string());
    assert_eq!(rejected["verdict"]["result"], "rejected");
    assert_eq!(rejected["verdict"]["causes"][0]["cause"], "absent");
    assert_eq!(
        (rejected["service"].as_str(), rejected["environment"].as_str()),
        (Some("api"), Some("production"))
    );
    let removed = of("removed");
    assert_eq!(
        (
            removed["file"].as_str(),
            removed["line"].is_null(),
            removed["level"].as_str()
        ),
        (Some(STAGING), true, Some("note"))
    );
    assert_eq!(document["pins"][0]["way"], "forward");

    gate.set_up(NOTHING, NOTHING, |g| g.pin("production", &g.image("0.9.0")));
    let document = gate.check(&["--json"]).await.json();
    assert_eq!(
        (document["result"].as_str(), document["pins"][0]["way"].as_str()),
        (Some("passed"), Some("back")),
        "{document:#}"
    );
    assert!(kinds(&document).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_is_never_nothing_changed() {
    let gate = Gate::start().await;
    gate.set_up(NOTHING, |g| g.write("README.md", "on\n"), forward);
    let run = |dir: &std::path::Path, args: &[&str], set: &[(&str, &str)]| {
        let mut command = gate.home.command(dir, args);
        command.envs(set.iter().copied());
        super::home::finish(command)
    };
    for args in [
        &["check"][..],
        &["check", "--head", "change"],
        &["check", "--base", "gone"],
        &["check", "--base", "main", "--head", "gone"],
    ] {
        let said = run(&gate.folder, args, &[]);
        assert_eq!(said.status, 2, "{args:?} {said:?}");
        assert!(said.err.contains("next: "), "{said:?}");
    }
    // A deleted or new ref is no commit.
    let zeros = "0".repeat(40);
    let said = run(&gate.folder, &["check", "--base", &zeros, "--head", "change"], &[]);
    assert_eq!(said.status, 2, "{said:?}");
    let said = run(&gate.folder, &["check", "--base=--help", "--head", "change"], &[]);
    assert_eq!(said.status, 2, "{said:?}");

    // A shallow clone that does not reach back to where the change was begun.
    let url = format!("file://{}", gate.folder.display());
    gate.git(&["clone", "-q", "--depth", "1", "--no-single-branch", &url, "../shallow"]);
    let shallow = gate.home.path("shallow");
    let said = run(
        &shallow,
        &["check", "--base", "origin/main", "--head", "origin/change"],
        &[],
    );
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("git fetch --unshallow origin"), "{said:?}");
    // Without the base it says how to get it.
    gate.git(&["clone", "-q", "--depth", "1", "--branch", "change", &url, "../single"]);
    let single = gate.home.path("single");
    let set = [("GITHUB_BASE_REF", "main"), ("GITHUB_SHA", "HEAD")];
    let said = run(&single, &["check"], &set);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("git fetch origin main"), "{said:?}");

    // The refs of a job, printed; the branch of the remote, not a stale one of the same name here.
    gate.git(&["clone", "-q", &url, "../whole"]);
    let whole = gate.home.path("whole");
    super::home::git(&whole, &["branch", "-q", "main", "origin/change"]);
    let head = gate.commit_of("change");
    let set = [("GITHUB_BASE_REF", "main"), ("GITHUB_SHA", head.as_str())];
    let said = tokio::task::block_in_place(|| run(&whole, &["check"], &set));
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.err.contains("GITHUB_BASE_REF") && said.out.contains("base    origin/main"),
        "{said:?}"
    );
    let parted = gate.commit_of("main^");
    let set = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", parted.as_str()),
        ("CI_COMMIT_SHA", head.as_str()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ];
    let said = tokio::task::block_in_place(|| run(&whole, &["check"], &set));
    assert!(said.status == 0 && said.out.contains("base    origin/main"), "{said:?}");
    let said = tokio::task::block_in_place(|| run(&whole, &["check"], &set[..2]));
    assert!(
        said.status == 0 && said.out.contains(&format!("base    {parted}")),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_counts_only_from_outside_of_the_repository() {
    let gate = Gate::start().await;
    gate.set_up(NOTHING, NOTHING, |g| g.pin("staging", &g.image("1.3.0")));
    let inside = gate.check(&["--config", "pindeck.toml"]).await;
    assert_eq!(inside.status, 2, "{inside:?}");
    let key = Key::new();
    key.sign(&gate.fake, API, gate.digest("1.3.0"));
    gate.home.write("own/keys/ci.pub", &key.pem());
    let own = gate.home.write("own/pindeck.toml", &gate.policy(""));
    let outside = gate.check(&["--json", "--config", own.to_str().expect("UTF-8")]).await;
    assert_eq!(outside.status, 0, "{outside:?}");
    assert_eq!(outside.json()["policy"]["source"].as_str(), own.to_str());
}

//! What the tables of changes are made of.

use super::gated::{Act, Case, Gate};
use super::home::deployment;

pub const NOTHING: Act = |_| {};

pub const fn case(name: &'static str, head: Act, exit: i32, kinds: &'static [&'static str]) -> Case {
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
pub const fn quiet(name: &'static str, head: Act, exit: i32, kinds: &'static [&'static str]) -> Case {
    let mut case = case(name, head, exit, kinds);
    case.asks = false;
    case
}

pub const fn on(base: Act, mut case: Case) -> Case {
    case.base = base;
    case
}

pub const fn after(before: Act, mut case: Case) -> Case {
    case.before = before;
    case
}

pub const fn with(args: &'static [&'static str], mut case: Case) -> Case {
    case.args = args;
    case
}

pub fn forward(gate: &Gate) {
    gate.pin("production", &gate.image("1.1.0"));
}

pub fn cron(gate: &Gate, name: &str) {
    let text = deployment(&gate.image(name))
        .replace("kind: Deployment", "kind: CronJob")
        .replace("name: api\nspec", "name: cron\nspec");
    gate.write("envs/production/cron.yaml", &text);
}

pub fn sidecar(gate: &Gate, path: &str) {
    let text = gate.read(path).replace(
        "      containers:\n",
        "      containers:\n        - name: log\n          image: docker.io/fluent/bit:3\n",
    );
    gate.write(path, &text);
}

pub fn link(gate: &Gate, path: &str, to: &str) {
    let _ = std::fs::remove_file(gate.folder.join(path));
    std::os::unix::fs::symlink(to, gate.folder.join(path)).expect("a link");
}

pub fn with_policy(gate: &Gate, more: &str) {
    gate.write("pindeck.toml", &gate.policy(more));
}

pub async fn all_hold(cases: &[Case]) {
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

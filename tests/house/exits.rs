//! The numbers of exit statuses are known in one file of `cli`. Everything else names kinds of failures.

use super::tree::{sources, verdict};

/// The file that knows the numbers.
const THE_FILE: &str = "cli/exit.rs";
/// Names of exit statuses that may stand elsewhere: the field that `--exit-code` has in the command line, and
/// the last step of the program.
const ALLOWED: &[(&str, &str)] = &[
    ("cli/args.rs", "exit_code"),
    ("cli/args_check.rs", "exit_code"),
    ("cli/args_policy.rs", "exit_code"),
    ("cli/policy/compare.rs", "exit_code"),
    ("cli/check/mod.rs", "exit_code"),
    ("cli/status.rs", "exit_code"),
    ("cli/drift.rs", "exit_code"),
    ("cli/diff.rs", "exit_code"),
    ("main.rs", "ExitCode"),
];

#[test]
fn exit_numbers_stay_in_one_file_of_cli() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.path != THE_FILE) {
        let all = source.product_tokens();
        for (at, token) in all.iter().enumerate() {
            let name = token.text.as_str();
            let allowed = ALLOWED
                .iter()
                .any(|(path, known)| source.path == *path && name == *known);
            let named = matches!(name, "exit_code" | "ExitCode" | "exit_status") && !allowed;
            let ends = name == "process" && all.get(at + 2).is_some_and(|next| next.is("exit"));
            if named || ends {
                wrong.push(format!("src/{}:{}: {name}", source.path, token.line));
            }
        }
    }
    verdict("exit statuses outside cli/exit.rs", &wrong);
}

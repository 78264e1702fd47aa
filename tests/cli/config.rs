//! `pindeck config`.

use super::home::{Home, shop};

#[test]
fn a_wrong_draft_and_a_wrong_policy_are_named_with_file_and_line() {
    let home = Home::new();
    let repository = shop(&home);
    let wrong = "version = 1\n[[environments]]\nname = \"staging\"\npaths = [\"envs/stagin/**\"]\n";
    home.write("gitops/pindeck.toml", wrong);
    for _ in ["as a draft", "in force"] {
        let said = home.run(&repository, &["config", "check", "--json"]);
        assert_eq!(said.status, 2, "{said:?}");
        let message = said.error()["message"].to_string() + &said.error()["next"].to_string();
        assert!(
            message.contains("pindeck.toml:4:") && message.contains("envs/staging"),
            "{message}"
        );
        git_add(&repository);
    }
    // A draft is no policy: everything else goes by what is committed.
    home.write("gitops/pindeck.toml", "nonsense");
    assert_eq!(home.run(&repository, &["config", "check"]).status, 2);
    assert_eq!(home.run(&repository, &["config", "show"]).status, 0);
}

fn git_add(repository: &std::path::Path) {
    super::home::git(repository, &["add", "-A"]);
    super::home::git(repository, &["commit", "-q", "--allow-empty", "-m", "policy"]);
}

#[test]
fn a_users_preferences_are_checked_by_name() {
    let home = Home::new();
    let repository = shop(&home);
    for (text, named) in [
        ("them = \"dark\"", "did you mean \"theme\"?"),
        ("theme = \"darc\"", "darc"),
        ("glyphs = \"runes\"", "unicode, ascii"),
        ("[keys]\nrefesh = [\"x\"]", "did you mean \"refresh\"?"),
    ] {
        let file = home.write("mine.toml", text);
        let mut command = home.command(&repository, &["config", "check"]);
        command.env("PINDECK_CONFIG", file);
        let said = super::home::finish(command);
        assert_eq!(said.status, 2, "{text}: {said:?}");
        assert!(said.err.contains(named), "{text}: {said:?}");
    }
}

#[test]
fn the_policy_in_the_readme_is_valid() {
    let home = Home::new();
    let repository = shop(&home);
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    let (_, rest) = readme.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let file = home.write("example.toml", example).display().to_string();
    let said = home.run(&repository, &["config", "check", "--config", &file]);
    assert_eq!(said.status, 0, "{said:?}");
}

//! `config`, `init` and `cache`.

use super::home::{Home, commit, deployment, digest};

fn shop(home: &Home) -> std::path::PathBuf {
    let image = |tag: &str, d| deployment(&format!("registry.example.com/shop/api:{tag}@{}", digest(d)));
    home.repository(
        "gitops",
        &[
            ("envs/staging/api.yaml", &image("1.1.0", 'b')),
            ("envs/production/api.yaml", &image("1.0.0", 'a')),
        ],
    )
}

#[test]
fn what_init_writes_is_valid_before_and_after_it_is_committed() {
    let home = Home::new();
    let repository = shop(&home);
    let printed = home.run(&repository, &["init", "--print"]);
    assert_eq!((printed.status, printed.err.as_str()), (0, ""));
    let proposed = home.write("proposed.toml", &printed.out).display().to_string();
    let said = home.run(&repository, &["config", "check", "--config", &proposed]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(!repository.join("pindeck.toml").exists(), "--print writes nothing");
    assert_eq!(home.run(&repository, &["--read-only", "init"]).status, 2);
    assert!(!repository.join("pindeck.toml").exists());

    assert_eq!(home.run(&repository, &["init"]).status, 0);
    let written = std::fs::read_to_string(repository.join("pindeck.toml")).expect("written");
    assert_eq!(written.trim_end(), printed.out.trim_end());
    assert_eq!(home.run(&repository, &["config", "check"]).status, 0);
    commit(&repository, "policy");
    let said = home.run(&repository, &["config", "check", "--json"]);
    assert_eq!(said.status, 0, "{said:?}");
    let document = said.json();
    assert_eq!(
        (&document["schema"], &document["valid"]),
        (&"pindeck/config/v1".into(), &true.into())
    );
    let shown = home.run(&repository, &["config", "show", "--json"]).json();
    let names: Vec<&str> = shown["environments"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|e| e["name"].as_str())
        .collect();
    assert_eq!(names, ["staging", "production"]);
    let again = home.run(&repository, &["init", "--json"]);
    assert_eq!(again.status, 2);
    again.error();
    assert_eq!(
        std::fs::read_to_string(repository.join("pindeck.toml")).expect("kept"),
        written
    );
}

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
fn the_cache_is_where_it_is_said_to_be_and_only_ours_goes() {
    let home = Home::new();
    let mine = home.write("cache/thesis.txt", "mine");
    home.write(&format!("cache/verdicts/{}", "a".repeat(64)), "x");
    let run = |args: &[&str]| {
        let mut command = home.command(home.root.path(), args);
        command.env("PINDECK_CACHE_DIR", home.path("cache"));
        super::home::finish(command)
    };
    let info = run(&["cache", "info", "--json"]).json();
    assert_eq!(info["schema"], "pindeck/cache/v1");
    assert_eq!(info["path"], home.path("cache").display().to_string());
    assert_eq!(info["verdicts"], 1);
    assert_eq!(run(&["cache", "clear"]).status, 0);
    assert_eq!(run(&["cache", "info", "--json"]).json()["verdicts"], 0);
    assert!(mine.exists());
}

#[test]
fn a_cache_that_cannot_be_used_is_a_warning_and_costs_only_requests() {
    let home = Home::new();
    let repository = shop(&home);
    let file = home.write("no-folder", "x");
    let mut command = home.command(&repository, &["status", "--json", "--offline"]);
    command.env("PINDECK_CACHE_DIR", file);
    let said = super::home::finish(command);
    assert_eq!(said.status, 6, "{said:?}");
    assert!(said.err.contains("PINDECK_CACHE_DIR"), "{said:?}");
    said.json();
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

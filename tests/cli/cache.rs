//! `pindeck cache`, and a cache that cannot be used.

use super::home::{Home, shop};

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
    // Without a network nothing was asked, and what was not asked is no failure.
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains("PINDECK_CACHE_DIR"), "{said:?}");
    said.json();
}

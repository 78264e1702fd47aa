//! `pindeck init`.

use super::home::{Home, commit, shop};

#[test]
fn what_init_writes_is_valid_before_and_after_it_is_committed() {
    let home = Home::new();
    let repository = shop(&home);
    let printed = home.run(&repository, &["--offline", "init", "--print"]);
    assert_eq!((printed.status, printed.err.as_str()), (0, ""));
    let proposed = home.write("proposed.toml", &printed.out).display().to_string();
    let said = home.run(&repository, &["config", "check", "--config", &proposed]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(!repository.join("pindeck.toml").exists(), "--print writes nothing");
    assert_eq!(home.run(&repository, &["--offline", "--read-only", "init"]).status, 2);
    assert!(!repository.join("pindeck.toml").exists());

    assert_eq!(home.run(&repository, &["--offline", "init"]).status, 0);
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

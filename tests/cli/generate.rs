//! `pindeck generate` and `--help`: help, manual, key table and completions, as packagers and people get them.

use super::home::Home;

fn said(args: &[&str]) -> String {
    let home = Home::new();
    let said = home.run(home.root.path(), args);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{args:?}");
    said.out
}

#[test]
fn help() {
    insta::assert_snapshot!("help", said(&["--help"]));
    let mut all = String::new();
    for command in [
        &["demo"][..],
        &["init"],
        &["status"],
        &["evidence"],
        &["verify"],
        &["diff"],
        &["history"],
        &["drift"],
        &["running"],
        &["check"],
        &["policy", "compare"],
        &["policy", "import"],
        &["pin"],
        &["promote"],
        &["revert"],
        &["hold", "list"],
        &["hold", "add"],
        &["hold", "release"],
        &["resume"],
        &["config", "check"],
        &["config", "show"],
        &["config", "rbac"],
        &["trust", "show"],
        &["trust", "update"],
        &["cache", "info"],
        &["cache", "clear"],
        &["generate", "completions"],
        &["generate", "man"],
        &["generate", "keys"],
    ] {
        let text = said(&[command, &["--help"]].concat());
        assert!(
            text.contains("--read-only"),
            "global options stand after {command:?} too"
        );
        all.push_str(&said(&[command, &["-h"]].concat()));
        all.push_str("\n---\n");
    }
    insta::assert_snapshot!("help_of_subcommands", all);
}

#[test]
fn manual() {
    let text = said(&["generate", "man"]);
    assert!(
        text.starts_with(".ie") || text.starts_with(".TH"),
        "a manual page in roff"
    );
    insta::assert_snapshot!("manual", text);
}

#[test]
fn keys_are_those_of_the_guide() {
    let text = said(&["generate", "keys"]);
    for word in ["| key | action | what it does |", "`q`", "`?`"] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn completions_name_every_subcommand() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = said(&["generate", "completions", shell]);
        for command in ["status", "promote", "completions", "acknowledge-warned"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

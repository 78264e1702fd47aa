//! `pindeck trust`: which roots count, and refreshing them from a repository of the test's own keys.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::server::Reply;
use crate::support::tuf_site::{Edition, Files, Signer, Site, states, trusted_root};

use super::home::{Home, Said, deployment, digest};

/// The time until which the test's metadata is valid: it must outlive the test.
const FAR: &str = "2999-01-01T00:00:00Z";

struct Team {
    home: Home,
    dir: PathBuf,
}

impl Team {
    fn new(profiles: &str, tuf: &str, start: &[u8]) -> Self {
        let home = Home::new();
        let image = format!("registry.example.com/shop/api:1.0.0@{}", digest('a'));
        let policy = format!(
            "version = 1\n{profiles}\n{tuf}\n[policies.release]\nrequire = [\"signature\"]\nsigner = \"ci\"\n\
             [[environments]]\nname = \"production\"\npaths = [\"envs/production/**\"]\npolicy = \"release\"\n"
        );
        let files = [
            ("envs/production/api.yaml", deployment(&image)),
            ("pindeck.toml", policy),
            ("tuf/root.json", String::from_utf8(start.to_vec()).expect("text")),
            ("roots/own.json", trusted_root(&states()[0])),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let dir = home.repository("gitops", &files);
        Self { home, dir }
    }

    fn run(&self, args: &[&str]) -> Said {
        self.home.run(&self.dir, args)
    }
}

fn profile(name: &str, root: &str) -> String {
    format!(
        "[trust.{name}]\nroot = \"{root}\"\n\
         identities = [{{ san = \"https://ci.example/{name}\", issuer = \"https://issuer.example\" }}]\n"
    )
}

fn edition<'a>(version: u64, key: &'a [&'a Signer], json: &'a str) -> Edition<'a> {
    Edition {
        root: 1,
        timestamp: version,
        snapshot: version,
        targets: version,
        expires: FAR,
        trusted_root: json,
        roots: (key, 1),
        online: key[0],
    }
}

fn with_root(mut files: Files, root: &[u8]) -> Files {
    files.insert("1.root.json".to_owned(), root.to_vec());
    files
}

fn root<'a>(document: &'a Value, name: &str) -> &'a Value {
    let roots = document["roots"].as_array().expect("roots");
    roots
        .iter()
        .find(|root| root["name"] == name)
        .unwrap_or_else(|| panic!("{name}: {document}"))
}

#[test]
fn every_root_that_a_profile_names_is_shown() {
    let profiles = [
        profile("ci", "public-good"),
        profile("scan", "github"),
        profile("own", "roots/own.json"),
    ]
    .concat();
    let team = Team::new(&(profiles + &profile("more", "public-good")), "", b"{}");
    let said = team.run(&["trust", "show", "--json"]);
    let document = said.json();
    assert_eq!(
        (said.status, &document["schema"]),
        (0, &"pindeck/trust/v1".into()),
        "{said:?}"
    );
    assert_eq!(document["roots"].as_array().map(Vec::len), Some(3));
    for (name, source) in [
        ("public-good", "embedded"),
        ("github", "embedded"),
        ("roots/own.json", "file"),
    ] {
        let root = root(&document, name);
        assert_eq!(root["source"], source, "{root}");
        assert!(
            root["digest"].as_str().is_some_and(|digest| digest.len() == 71),
            "{root}"
        );
        assert!(root["version"].is_null() && root["expires"].is_null(), "{root}");
        assert_eq!(root["fetched_at"].is_null(), source == "file", "{root}");
    }
    assert_eq!(
        root(&document, "public-good")["profiles"],
        serde_json::json!(["ci", "more"])
    );
    let text = team.run(&["trust", "show"]).out;
    assert!(
        text.contains("with this build") && text.contains(" ago") && text.contains("ci, more"),
        "{text}"
    );
}

#[test]
fn profiles_of_keys_alone_name_no_root_and_nothing_is_asked() {
    let home = Home::new();
    let dir = home.repository("gitops", &[("api.yaml", "a: b\n")]);
    for args in [&["trust", "show", "--json"][..], &["trust", "update", "--json"]] {
        let said = home.run(&dir, args);
        assert_eq!(
            (said.status, said.json()["roots"].as_array().map(Vec::len)),
            (0, Some(0)),
            "{said:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_counts_from_then_on_and_is_never_taken_back() {
    let states = states();
    let (old, new) = (trusted_root(&states[0]), trusted_root(&states[2]));
    let key = Signer::new(3);
    let keys = [&key];
    let (first, second) = (edition(1, &keys, &old), edition(2, &keys, &new));
    let start = first.root_by(&keys);
    let site = Site::start(with_root(first.files(), &start)).await;
    let tuf = format!("[tuf]\nmirror = \"{}\"\nroot = \"tuf/root.json\"\n", site.mirror);
    let profiles = profile("ci", "public-good") + &profile("own", "roots/own.json");
    let team = Team::new(&profiles, &tuf, &start);
    let status = |args: &[&str]| (team.run(args).status, team.run(&["trust", "show", "--json"]).json());
    let digest_of = |text: &str| pindeck::domain::Digest::of(text.as_bytes()).to_string();

    // Nobody asks by itself: not a look, not a board, not a verdict.
    for args in [&["trust", "show"][..], &["status", "--offline"], &["config", "show"]] {
        team.run(args);
    }
    let offline = team.run(&["trust", "update", "--offline", "--json"]);
    assert_eq!((offline.status, offline.error()["code"].as_i64()), (2, Some(2)));
    assert_eq!(site.asked(), Vec::<String>::new());

    let said = team.run(&["trust", "update", "--json"]);
    let document = said.json();
    assert_eq!(said.status, 0, "{said:?}");
    let updated = root(&document, "public-good");
    assert_eq!(
        (&updated["state"], &updated["source"]),
        (&"updated".into(), &"tuf".into()),
        "{updated}"
    );
    assert_eq!(
        (&updated["version"], &updated["expires"]),
        (&1.into(), &FAR.into()),
        "{updated}"
    );
    assert_eq!(updated["digest"], digest_of(&old));
    assert_eq!(root(&document, "roots/own.json")["state"], "not-refreshed");
    let (_, shown) = status(&["trust", "update"]);
    assert_eq!(root(&shown, "public-good")["digest"], digest_of(&old));
    assert_eq!(
        root(&team.run(&["trust", "update", "--json"]).json(), "public-good")["state"],
        "current"
    );

    site.serve(with_root(second.files(), &start));
    let (code, shown) = status(&["trust", "update"]);
    assert_eq!((code, &root(&shown, "public-good")["version"]), (0, &2.into()));
    assert_eq!(root(&shown, "public-good")["digest"], digest_of(&new));

    // Back, gone, broken: the newest one stays, and the status says which it was.
    site.serve(with_root(first.files(), &start));
    let back = team.run(&["trust", "update", "--json"]);
    assert_eq!(
        (back.status, &root(&back.json(), "public-good")["state"]),
        (1, &"failed".into()),
        "{back:?}"
    );
    assert!(
        back.err.contains("stays as it was") && back.err.contains("next") | back.err.contains("rollback"),
        "{back:?}"
    );
    site.lie("timestamp.json", || Reply::new(500, ""));
    let (code, shown) = status(&["trust", "update"]);
    assert_eq!(
        (code, &root(&shown, "public-good")["digest"]),
        (6, &digest_of(&new).into())
    );
    // What was damaged on disk does not count, is told, and comes back.
    let file = kept_file(&team.home.root.path().join(".local/share/pindeck/roots"));
    std::fs::write(&file, "{}").expect("written");
    let damaged = team.run(&["trust", "show", "--json"]);
    assert_eq!(root(&damaged.json(), "public-good")["source"], "embedded");
    assert!(damaged.err.contains("does not count"), "{damaged:?}");
    site.serve(with_root(second.files(), &start));
    let (code, shown) = status(&["trust", "update"]);
    assert_eq!(
        (code, &root(&shown, "public-good")["digest"]),
        (0, &digest_of(&new).into())
    );
}

fn kept_file(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder)
        .expect("kept")
        .map(|entry| entry.expect("an entry").path());
    files
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "json"))
        .expect("a root")
}

#[test]
fn a_repository_that_is_none_is_a_mistake_with_its_line() {
    for (tuf, words) in [
        ("[tuf]\nmirror = \"nonsense\"\n", "no address"),
        ("[tuf]\nmirror = \"https://user:word@tuf.example\"\n", "no address"),
        (
            "[tuf]\nmirror = \"https://tuf.example\"\nroot = \"roots/own.json\"\n",
            "no root metadata",
        ),
        (
            "[tuf]\nmirror = \"https://tuf.example\"\nroot = \"missing.json\"\n",
            "cannot be read",
        ),
        ("[tuf]\nmirrors = \"https://tuf.example\"\n", "mirror"),
    ] {
        let team = Team::new(&profile("ci", "public-good"), tuf, b"{}");
        let said = team.run(&["trust", "show"]);
        assert_eq!(said.status, 2, "{tuf}: {said:?}");
        assert!(
            said.err.contains(words) && said.err.contains("pindeck.toml"),
            "{tuf}: {said:?}"
        );
    }
}

use super::*;

fn file(text: &str) -> (tempfile::TempDir, Credentials) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    std::fs::write(&path, text).expect("written");
    (
        folder,
        Credentials::from_files(vec![PathBuf::from("/nonexistent/auth.json"), path]),
    )
}

fn basic_of(user: &str, password: &str) -> Option<Credential> {
    Some(Credential::Basic {
        user: user.to_owned(),
        password: Secret(password.to_owned()),
    })
}

#[tokio::test]
async fn namespaced_keys_go_from_special_to_general() {
    let encode = |text: &str| STANDARD.encode(text);
    let (_folder, credentials) = file(&format!(
        r#"{{"auths":{{
            "https://index.docker.io/v1/":{{"auth":"{}"}},
            "r.example.com":{{"auth":"{}"}},
            "r.example.com/team":{{"auth":"{}"}},
            "https://other.example.com/v2/":{{"username":"o","password":"p:q"}},
            "empty.example.com":{{}},
            "id.example.com":{{"auth":"{}","identitytoken":"idt"}},
            "raw.example.com":{{"registrytoken":"raw"}}
        }}}}"#,
        encode("hub:h"),
        encode("general:g"),
        encode("team:t:with:colons"),
        encode("00000000-0000-0000-0000-000000000000:"),
    ));
    for (registry, path, expected) in [
        ("docker.io", "library/postgres", basic_of("hub", "h")),
        ("r.example.com", "app", basic_of("general", "g")),
        ("r.example.com", "team/app", basic_of("team", "t:with:colons")),
        ("r.example.com", "teamwork/app", basic_of("general", "g")),
        ("other.example.com", "x", basic_of("o", "p:q")),
        ("empty.example.com", "x", None),
        ("unknown.example.com", "x", None),
        (
            "id.example.com",
            "x",
            Some(Credential::Identity(Secret("idt".to_owned()))),
        ),
        (
            "raw.example.com",
            "x",
            Some(Credential::Bearer(Secret("raw".to_owned()))),
        ),
    ] {
        assert_eq!(
            credentials.lookup(registry, path).await,
            Ok(expected),
            "{registry}/{path}"
        );
    }
}

#[tokio::test]
async fn a_broken_file_is_an_error_that_quotes_no_secret() {
    let (_folder, credentials) = file(r#"{"auths":{"r":{"auth": hunter2 }}}"#);
    let error = credentials.lookup("r", "x").await.expect_err("broken");
    assert!(
        error.to_string().contains("config.json") && !error.to_string().contains("hunter2"),
        "{error:?}"
    );
    let (_folder, credentials) = file(r#"{"auths":{"r":{"auth":"!!!"}}}"#);
    assert!(credentials.lookup("r", "x").await.is_err());
    assert_eq!(credentials.lookup("elsewhere", "x").await, Ok(None));
}

#[tokio::test]
async fn helpers_that_cannot_run_are_errors() {
    let (_folder, credentials) =
        file(r#"{"credHelpers":{"r.example.com":"pindeck-test-missing","e.example.com":"../x"}}"#);
    for registry in ["r.example.com", "e.example.com"] {
        assert!(credentials.lookup(registry, "x").await.is_err(), "{registry}");
    }
    assert_eq!(credentials.lookup("elsewhere", "x").await, Ok(None));
}

#[test]
fn secrets_are_not_printed() {
    let credential = basic("user".to_owned(), "hunter2".to_owned());
    assert!(!format!("{credential:?}").contains("hunter2"));
    let wire: WireAuth = serde_json::from_str(r#"{"auth":"aHVudGVyMg=="}"#).expect("valid");
    assert!(!format!("{wire:?}").contains("aHV"));
}

//! Whom a repository may send the user's credentials to: nobody, until the user says so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::home::{Home, digest};

/// A registry that asks everybody who they are, and notes whether they said it.
struct Curious {
    port: u16,
    told: Arc<Mutex<Vec<bool>>>,
}

impl Curious {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let told: Arc<Mutex<Vec<bool>>> = Arc::default();
        let noted = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut credentials = false;
                let reader = BufReader::new(stream.try_clone().expect("cloned"));
                for line in reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
                    credentials |= line.to_ascii_lowercase().starts_with("authorization:");
                }
                noted.lock().expect("not poisoned").push(credentials);
                let _ = stream.write_all(
                    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
        });
        Self { port, told }
    }

    /// Whether credentials came since the last time.
    fn was_told(&self) -> bool {
        let told = std::mem::take(&mut *self.told.lock().expect("not poisoned"));
        assert!(!told.is_empty(), "nobody asked the registry");
        told.contains(&true)
    }
}

#[test]
fn a_repositorys_own_registry_settings_get_no_credentials_until_approved() {
    let home = Home::new();
    let registry = Curious::start();
    let policy = format!(
        "version = 1\n[policies.p]\nrequire = [\"signature\"]\nsigner = \"ci\"\n\
         [trust.ci]\nkeys = [\"ci.pub\"]\ntransparency_log = \"not-required\"\n\
         [registries.\"registry.example.com\"]\nendpoint = \"http://127.0.0.1:{}\"\n",
        registry.port
    );
    let key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhyQCx0E9wQWSFI9ULGwy3BuRklnt\nIqozONbbdbqz11hlRJy9c7SG+hdcFl9jE9uE/dwtuwU2MqU9T/cN0YkWww==\n-----END PUBLIC KEY-----\n";
    let repository = home.repository("gitops", &[("pindeck.toml", &policy), ("ci.pub", key)]);
    home.write("outside.toml", &policy);
    home.write("ci.pub", key);
    // user:secret
    home.write(
        "docker/config.json",
        r#"{"auths": {"registry.example.com": {"auth": "dXNlcjpzZWNyZXQ="}}}"#,
    );
    let approving = home.write("approving.toml", "approved_registries = [\"registry.example.com\"]\n");
    let other = home.write("other.toml", "approved_registries = [\"registry.example.org\"]\n");
    std::os::unix::fs::symlink(repository.join("pindeck.toml"), home.path("link.toml")).expect("linked");
    let reference = format!("registry.example.com/shop/api@{}", digest('a'));
    let outside = home.path("outside.toml").display().to_string();
    let link = home.path("link.toml").display().to_string();
    let elsewhere = home.path("elsewhere");
    std::fs::create_dir_all(&elsewhere).expect("made");
    let none: Option<&std::path::Path> = None;
    for (what, dir, config, user, told) in [
        ("the repository's own file", &repository, None, none, false),
        ("the same, approved", &repository, None, Some(approving.as_path()), true),
        (
            "the same, another one approved",
            &repository,
            None,
            Some(other.as_path()),
            false,
        ),
        (
            "--config inside the repository",
            &repository,
            Some("pindeck.toml"),
            none,
            false,
        ),
        (
            "--config inside, approved",
            &repository,
            Some("pindeck.toml"),
            Some(approving.as_path()),
            true,
        ),
        (
            "--config by a link into the repository",
            &repository,
            Some(link.as_str()),
            none,
            false,
        ),
        ("--config outside", &repository, Some(outside.as_str()), none, true),
        (
            "--config and no repository at all",
            &elsewhere,
            Some(outside.as_str()),
            none,
            true,
        ),
    ] {
        let mut args = vec!["verify", &reference, "--policy", "p"];
        if let Some(config) = config {
            args.extend(["--config", config]);
        }
        let mut command = home.command(dir, &args);
        command.env("DOCKER_CONFIG", home.path("docker"));
        if let Some(user) = user {
            command.env("PINDECK_CONFIG", user);
        }
        let said = super::home::finish(command);
        assert_eq!(
            said.status, 6,
            "{what}: a closed door says nothing about evidence: {said:?}"
        );
        assert_eq!(registry.was_told(), told, "{what}");
        assert!(
            !said.out.contains("secret") && !said.err.contains("secret"),
            "{what}: {said:?}"
        );
    }
    let mut command = home.command(&repository, &["config", "check"]);
    command.env("DOCKER_CONFIG", home.path("docker"));
    let said = super::home::finish(command);
    assert!(
        said.err.contains("approved_registries"),
        "it says how to approve: {said:?}"
    );
}

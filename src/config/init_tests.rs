use super::*;
use crate::config::{check, team};
use crate::domain::id::{Digest, Target};
use crate::domain::pin::{Location, Style};
use crate::domain::policy::{Confirm, PolicySource, TeamPolicy};

fn pin(environment: &str, image: &str, digest: Option<&str>, file: &str) -> Pin {
    Pin {
        target: Target {
            service: ServiceId::new("x"),
            environment: EnvId::new(environment),
        },
        image: Repository::parse(image).expect("valid"),
        tag: Some("1.0.0".to_owned()),
        digest: digest.map(|d| Digest::of(d.as_bytes())),
        component: None,
        locations: vec![Location {
            file: file.to_owned(),
            line: 1,
            style: Style::Kubernetes,
            image: Repository::parse(image).expect("valid"),
            read_only: None,
            reason: None,
            role: Default::default(),
            yaml_path: String::new(),
        }],
        uncertain: None,
    }
}

/// Renders, parses and validates; tells the text, the policy, and path patterns that match nothing.
fn rendered(files: &[&str], pins: &[Pin], seen: &[Unmanaged]) -> (String, TeamPolicy) {
    let files: Vec<String> = files.iter().map(|f| (*f).to_owned()).collect();
    let environments = infer::environments(&files, &files);
    let mut services: Vec<(ServiceId, Option<Repository>, Vec<Pin>)> = Vec::new();
    let images: BTreeSet<Repository> = pins.iter().map(|pin| pin.image.clone()).collect();
    let named = infer::service_names(&images, &BTreeSet::new());
    for pin in pins {
        match services
            .iter_mut()
            .find(|(_, image, _)| image.as_ref() == Some(&pin.image))
        {
            Some((.., list)) => list.push(pin.clone()),
            None => services.push((named[&pin.image].clone(), Some(pin.image.clone()), vec![pin.clone()])),
        }
    }
    let text = render(&Survey {
        environments: &environments,
        services: &services,
        unmanaged: seen,
        learned: None,
    });
    let none = |path: &str| Err(std::io::Error::new(std::io::ErrorKind::NotFound, path.to_owned()));
    let team = team::load(&text, "pindeck.toml", &none, PolicySource::None).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let unmatched = check::unmatched_paths(&team.environments, &text, "pindeck.toml", &files);
    assert!(unmatched.is_empty(), "{unmatched:?}\n{text}");
    (text, team)
}

#[test]
fn a_world_of_styles_gets_the_patterns_a_person_would_write() {
    let mut files = vec!["apps/web/base/deployment.yaml".to_owned(), "README.md".to_owned()];
    for env in ["dev", "staging", "production"] {
        files.push(format!("apps/web/overlays/{env}/kustomization.yaml"));
        files.push(format!("apps/api/{env}/api.yaml"));
        files.push(format!("apps/cron/{env}/cron.yaml"));
        files.push(format!("charts/a/values-{env}.yaml"));
        files.push(format!("charts/b/values-{env}.yaml"));
        files.push(format!("argocd/notifier-{env}.yaml"));
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let pins = [
        pin(
            "dev",
            "r.example/shop/web",
            Some("1"),
            "apps/web/overlays/dev/kustomization.yaml",
        ),
        pin(
            "production",
            "q.example/shop/web",
            Some("1"),
            "apps/web/overlays/production/kustomization.yaml",
        ),
        pin("dev", "postgres", None, "apps/api/dev/api.yaml"),
    ];
    let (text, team) = rendered(&files, &pins, &[]);
    let names: Vec<&str> = team.environments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["dev", "staging", "production"]);
    assert_eq!(
        team.environments[1].paths,
        [
            "apps/*/staging/**",
            "apps/web/overlays/staging/**",
            "argocd/notifier-staging.yaml",
            "charts/*/values-staging.yaml"
        ]
    );
    assert_eq!(team.environments[2].confirm, Confirm::TypeName);
    assert_eq!(team.environments[2].after, [EnvId::new("staging")]);
    let services: Vec<(&str, String, usize)> = team
        .services
        .iter()
        .map(|s| (s.name.as_str(), s.image.to_string(), s.also.len()))
        .collect();
    // Two repositories are two services until somebody says that they are one: so it is without this file.
    let (q, r) = ("q.example/shop/web", "r.example/shop/web");
    assert_eq!(services, [(q, q.to_owned(), 0), (r, r.to_owned(), 0)]);
    assert!(text.contains("# also = [\"r.example/shop/web\"]"), "{text}");
    assert!(text.contains("#   \"docker.io/library/postgres\","), "{text}");
}

#[test]
fn a_star_never_takes_in_a_file_of_another_environment() {
    // `*/dev/**` would contain prod's own `dev` folder.
    let files = [
        "a/dev/x.yaml",
        "b/dev/x.yaml",
        "envs/prod/dev/x.yaml",
        "c/dev/x/prod/y.yaml",
    ];
    let (_, team) = rendered(&files, &[], &[]);
    let dev = team
        .environments
        .iter()
        .find(|e| e.name.as_str() == "dev")
        .expect("dev");
    let compile = |p: &String| {
        globset::GlobBuilder::new(p)
            .literal_separator(true)
            .build()
            .expect("a glob")
            .compile_matcher()
    };
    let globs: Vec<_> = dev.paths.iter().map(compile).collect();
    assert!(globs.iter().any(|g| g.is_match("a/dev/x.yaml")));
    assert!(
        !globs.iter().any(|g| g.is_match("envs/prod/dev/x.yaml")),
        "{:?}",
        dev.paths
    );
    assert!(
        !globs.iter().any(|g| g.is_match("c/dev/x/prod/y.yaml")),
        "{:?}",
        dev.paths
    );
}

#[test]
fn environments_side_by_side_come_after_the_same_ones() {
    let files = [
        "clusters/dev/a.yaml",
        "clusters/prod-eu/a.yaml",
        "clusters/prod-us/a.yaml",
    ];
    let (_, team) = rendered(&files, &[], &[]);
    let after: Vec<Vec<&str>> = team
        .environments
        .iter()
        .map(|e| e.after.iter().map(EnvId::as_str).collect())
        .collect();
    assert_eq!(after, [vec![], vec!["dev"], vec!["dev"]]);
}

#[test]
fn nothing_found_still_makes_a_valid_file() {
    let (text, team) = rendered(&["README.md"], &[], &[]);
    assert_eq!(team.environments.len(), 1);
    assert!(text.contains("# [[services]]"), "{text}");
}

#[test]
fn hostile_names_stay_inside_their_quotes_and_comments() {
    let seen = [Unmanaged {
        file: "a\n[policies.x]\nb.yaml".to_owned(),
        line: 1,
        text: "x\n[[services]]\u{1b}[2J".into(),
        reason: "why\nnot".to_owned(),
    }];
    let files = ["envs/pr\"od\n]/x.yaml", "envs/dev{a,b}/x.yaml", "envs/[x]/y.yaml"];
    let (text, team) = rendered(&files, &[], &seen);
    assert!(team.policies.is_empty() && team.services.is_empty(), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(team.environments.len(), 3);
}

#[test]
fn every_proposal_is_valid_once_its_comment_signs_are_gone() {
    let files = ["envs/dev/x.yaml", "envs/prod/x.yaml"];
    let pins = [pin("dev", "r.example/shop/web", Some("1"), "envs/dev/x.yaml")];
    let (text, _) = rendered(&files, &pins, &[]);
    let mut opened = String::new();
    for line in text.lines() {
        let is_key = |key: &str| key.chars().all(|c| c.is_ascii_lowercase() || "_-".contains(c));
        let proposal = line
            .strip_prefix("# ")
            .filter(|l| l.starts_with('[') || l.split_once(" = ").is_some_and(|(key, _)| is_key(key)));
        opened.push_str(proposal.unwrap_or(line));
        opened.push('\n');
    }
    let key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQ6zXDUQ5h5NG1rBYXu8c9rMZl7gX\nHK0cFZ0yvZqg0kY9t8d3O1z0ZkJwQXo8Hq4b0Q9l1s8S2o6c0e5k0g==\n-----END PUBLIC KEY-----\n";
    let read = |path: &str| match path {
        "keys/ci.pub" => Ok(key.as_bytes().to_vec()),
        other => Err(std::io::Error::new(std::io::ErrorKind::NotFound, other.to_owned())),
    };
    let team =
        team::load(&opened, "pindeck.toml", &read, PolicySource::None).unwrap_or_else(|e| panic!("{e}\n{opened}"));
    assert!(team.policies.contains_key("release"), "{opened}");
    assert!(team.environments.iter().all(|e| e.policy.as_deref() == Some("release")));
    assert!(team.services[0].candidate.is_some());
}

#[test]
fn no_text_that_was_learned_gets_out_of_its_comment() {
    use crate::config::init_policy::LearnedChoices;
    use crate::domain::evidence::EvidenceKind;
    use crate::domain::learned::{LearnedChoice, LearnedPolicy, SeenSigner};
    let evil = "x\n[policies.evil]\nrequire = []\n\"\"\"\n'''\r\u{1b}[2J\u{202e}\\";
    fn once<T>(value: T) -> LearnedChoice<T> {
        LearnedChoice { value, count: 1, of: 1 }
    }
    let certificate = SeenSigner::Certificate {
        root: evil.to_owned(),
        san: evil.to_owned(),
        issuer: Some(evil.to_owned()),
    };
    let policy = LearnedPolicy {
        digests: 1,
        signers: BTreeMap::from([
            (ServiceId::new("api"), once(certificate)),
            (ServiceId::new(evil), once(SeenSigner::Key(evil.to_owned()))),
        ]),
        kinds: vec![once(EvidenceKind::Signature)],
        builders: vec![once(evil.to_owned())],
        sources: BTreeMap::from([(ServiceId::new("api"), once(evil.to_owned()))]),
        asks_source: true,
        warned: true,
        seen: vec![evil.to_owned()],
    };
    let mut choices = LearnedChoices {
        policy,
        rejected: vec![evil.to_owned()],
        unread: BTreeMap::from([(evil.to_owned(), 1)]),
        ..LearnedChoices::default()
    };
    let mut text = choices.service("api");
    choices.section(&mut text);
    let is_comment = |line: &str| line.is_empty() || line.starts_with('#');
    assert!(text.lines().all(is_comment), "{text}");
    assert!(!text.contains(['\r', '\u{1b}', '\u{202e}']), "{text:?}");
    // Without the comment signs it says exactly what was seen.
    choices.is_active = true;
    let mut text = String::new();
    choices.section(&mut text);
    let table: toml::Table = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(table["policies"]["release"]["builder"][0].as_str(), Some(evil));
    assert_eq!(table["policies"].as_table().map(toml::Table::len), Some(1));
}

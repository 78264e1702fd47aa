use super::*;
use crate::domain::policy::Service;
use crate::sources::git::manifest::DetectionRule;

const FIELD: DetectionRule = DetectionRule::KubernetesObject;
const LOOSE: DetectionRule = DetectionRule::LooseText;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn env(name: &str, paths: &[&str]) -> Environment {
    Environment {
        name: name.into(),
        paths: paths.iter().map(|p| (*p).to_owned()).collect(),
        branch: None,
        repository: None,
        policy: None,
        after: Vec::new(),
        registry: None,
        write: Default::default(),
        confirm: Default::default(),
        read_only: false,
        platforms: crate::domain::platform::PlatformFilter::All,
        running: Default::default(),
    }
}

fn service(name: &str, image: &str) -> Service {
    Service {
        name: name.into(),
        image: Repository::parse(image).expect("valid"),
        also: Vec::new(),
        evidence: Vec::new(),
        component: None,
        signer: None,
        candidate: None,
        immutable_tags: None,
        source: None,
    }
}

fn sight(
    file: &str,
    line: u32,
    image: &str,
    tag: Option<&str>,
    digest: Option<&str>,
    rule: DetectionRule,
) -> Vec<EffectiveReference> {
    let tag = tag.map(|t| format!(":{t}")).unwrap_or_default();
    let digest = digest.map(|d| format!("@{d}")).unwrap_or_default();
    let yaml = format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {image}{tag}{digest}\n");
    let mut found = crate::sources::git::manifest::scan("pod.yaml", yaml.as_bytes())
        .found
        .remove(0);
    (found.line, found.rule) = (line, rule);
    deployed(file, found)
}

/// A reference that every environment of its file deploys as it is.
fn deployed(file: &str, found: Found) -> Vec<EffectiveReference> {
    let paths = EnvironmentPaths::new(&envs());
    let each = paths.of(file).map(|env| EffectiveReference {
        environment: env.clone(),
        file: file.to_owned(),
        found: found.clone(),
        others: BTreeSet::new(),
        uncertain: None,
    });
    each.collect()
}

fn run(seen: &[Vec<EffectiveReference>], team: &TeamPolicy, envs: &[Environment]) -> Grouped {
    let references: Vec<EffectiveReference> = seen.iter().flatten().cloned().collect();
    group(&references, &naming(&references, team, envs), team, envs)
}

fn envs() -> Vec<Environment> {
    vec![env("dev", &["envs/dev/**"]), env("production", &["envs/production/**"])]
}

#[test]
fn one_pin_per_digest_with_all_its_places() {
    let team = TeamPolicy {
        services: vec![service("api", "r.example/shop/api")],
        ..TeamPolicy::default()
    };
    let seen = [
        sight("envs/dev/a.yaml", 3, "r.example/shop/api", None, Some(A), FIELD),
        sight(
            "envs/dev/a.yaml",
            9,
            "r.example/shop/api",
            Some("1.0.0"),
            Some(A),
            FIELD,
        ),
        sight("envs/production/a.yaml", 3, "r.example/shop/api", None, Some(B), FIELD),
        sight("base/a.yaml", 3, "r.example/shop/api", None, Some(B), FIELD),
    ];
    let grouped = run(&seen, &team, &envs());
    let (name, _, pins) = &grouped.services[0];
    assert_eq!((name.as_str(), pins.len()), ("api", 2));
    assert_eq!((pins[0].locations.len(), pins[0].tag.as_deref()), (2, Some("1.0.0")));
    assert_eq!(pins[1].target.environment.as_str(), "production");
}

#[test]
fn a_service_without_pins_is_still_a_row() {
    let team = TeamPolicy {
        services: vec![service("api", "r.example/shop/api")],
        ..TeamPolicy::default()
    };
    assert_eq!(run(&[], &team, &envs()).services.len(), 1);
}

#[test]
fn ignored_images_are_nobodys_service() {
    let team = TeamPolicy {
        ignore: vec!["docker.io/**".into()],
        ..TeamPolicy::default()
    };
    let seen = [sight("envs/dev/a.yaml", 1, "postgres", Some("17"), None, FIELD)];
    let grouped = run(&seen, &team, &envs());
    assert!(grouped.services.is_empty());
    let said: Vec<(&str, u32, &str)> = grouped
        .unmanaged
        .iter()
        .map(|one| (one.file.as_str(), one.line, one.reason.as_str()))
        .collect();
    assert_eq!(said, [("envs/dev/a.yaml", 1, NotAPin::Ignored.reason())]);
}

#[test]
fn loose_references_need_a_service_that_names_them() {
    let seen = [sight("envs/dev/a.yaml", 1, "r.example/shop/api", None, Some(A), LOOSE)];
    let nobody = run(&seen, &TeamPolicy::default(), &envs());
    assert_eq!((nobody.services.len(), nobody.unmanaged.len()), (0, 1));
    let team = TeamPolicy {
        services: vec![service("api", "r.example/shop/api")],
        ..TeamPolicy::default()
    };
    assert_eq!(run(&seen, &team, &envs()).services[0].2.len(), 1);
}

#[test]
fn other_repositories_merge_only_through_also_or_an_environments_registry() {
    let mut own = service("api", "r.example/shop/api");
    own.also = vec![Repository::parse("old.example/api").expect("valid")];
    let team = TeamPolicy {
        services: vec![own],
        ..TeamPolicy::default()
    };
    let mut environments = envs();
    environments[1].registry = Some("prod.example/mirror".to_owned());
    let seen = [
        sight("envs/dev/a.yaml", 1, "old.example/api", None, Some(A), FIELD),
        sight(
            "envs/production/a.yaml",
            1,
            "prod.example/mirror/api",
            None,
            Some(A),
            FIELD,
        ),
        sight("envs/dev/b.yaml", 1, "stranger.example/x/api", None, Some(B), FIELD),
    ];
    let grouped = run(&seen, &team, &environments);
    assert_eq!(
        grouped
            .services
            .iter()
            .map(|(n, _, p)| (n.as_str(), p.len()))
            .collect::<Vec<_>>(),
        [("api", 2), ("x/api", 1)]
    );
}

#[test]
fn globs_do_not_cross_folders_unless_they_say_so() {
    let paths = EnvironmentPaths::new(&[env("dev", &["apps/*/dev/**", "argocd/*-dev.yaml"])]);
    let has = |file: &str| paths.of(file).next().is_some();
    assert!(has("apps/x/dev/a.yaml") && has("apps/x/dev/b/c.yaml") && has("argocd/x-dev.yaml"));
    assert!(!has("apps/x/y/dev/a.yaml") && !has("argocd/sub/x-dev.yaml"));
}

#[test]
fn repositories_that_nobody_listed_never_share_a_name() {
    let team = TeamPolicy {
        services: vec![service("api", "r.example/api")],
        ..TeamPolicy::default()
    };
    let seen: BTreeSet<Repository> = ["a.example/api", "b.example/api", "c.example/team/api"]
        .map(|r| Repository::parse(r).expect("valid"))
        .into();
    let naming = Naming::new(&team, &envs(), &seen);
    let names: BTreeSet<String> = seen
        .iter()
        .map(|r| naming.service(r).expect("a name").to_string())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!names.contains("api"), "{names:?}");
}

#[test]
fn one_pin_even_where_a_service_lives_in_two_repositories() {
    let mut own = service("api", "r.example/shop/api");
    own.also = vec![Repository::parse("old.example/api").expect("valid")];
    let team = TeamPolicy {
        services: vec![own],
        ..TeamPolicy::default()
    };
    let seen = [
        sight("envs/dev/a.yaml", 3, "r.example/shop/api", None, Some(A), FIELD),
        sight("envs/dev/b.yaml", 4, "old.example/api", Some("1.0.0"), Some(A), FIELD),
        sight("envs/dev/c.yaml", 5, "old.example/api", Some("1.0.0"), None, FIELD),
        sight("envs/dev/c.yaml", 6, "r.example/shop/api", Some("1.0.0"), None, FIELD),
    ];
    let grouped = run(&seen, &team, &envs());
    let pins = &grouped.services[0].2;
    let facts: Vec<_> = pins
        .iter()
        .map(|pin| {
            let images: Vec<String> = pin.locations.iter().map(|l| l.image.to_string()).collect();
            (pin.digest.is_some(), pin.tag.as_deref(), pin.image.to_string(), images)
        })
        .collect();
    let (new, old) = ("r.example/shop/api".to_owned(), "old.example/api".to_owned());
    assert_eq!(
        facts,
        [
            (false, Some("1.0.0"), old.clone(), vec![old.clone(), new.clone()]),
            (true, Some("1.0.0"), new.clone(), vec![new, old]),
        ]
    );
}

#[test]
fn places_that_an_alias_feeds_are_locations() {
    let yaml = format!(
        "image: &i r.example/shop/api:1@{A}\nx: {{image: *i}}\ny: &y\n  image: *i\nz:\n  <<: *y\n  image: r.example/shop/b:1\n"
    );
    let found = crate::sources::git::manifest::scan("values.yaml", yaml.as_bytes()).found;
    let seen: Vec<Vec<EffectiveReference>> = found
        .into_iter()
        .map(|found| deployed("envs/dev/values.yaml", found))
        .collect();
    let grouped = run(&seen, &TeamPolicy::default(), &envs());
    let lines: Vec<(&str, Vec<u32>)> = grouped
        .services
        .iter()
        .map(|(name, _, pins)| (name.as_str(), pins[0].locations.iter().map(|l| l.line).collect()))
        .collect();
    assert_eq!(lines, [("api", vec![1, 2, 4]), ("b", vec![7])]);
}

/// Component and tag of each pin of a service, in order.
fn components(grouped: &Grouped, service: &str) -> Vec<(Option<String>, Option<String>)> {
    let found = grouped.services.iter().find(|(name, ..)| name.as_str() == service);
    let pins = found.map_or(&[][..], |(_, _, pins)| pins);
    pins.iter()
        .map(|pin| (pin.component.clone(), pin.tag.clone()))
        .collect()
}

#[test]
fn components_are_told_only_where_one_environment_has_several() {
    let image = "r.example/shop/app";
    let seen = [
        sight("envs/dev/a.yaml", 1, image, Some("v1-fpm"), Some(A), FIELD),
        sight("envs/dev/b.yaml", 1, image, Some("v1-nginx"), Some(A), FIELD),
        sight("envs/dev/c.yaml", 1, image, Some("v1"), Some(A), FIELD),
        // The same digest, and yet not the same pin.
        sight("envs/production/a.yaml", 1, image, Some("v1-fpm"), Some(A), FIELD),
        sight("envs/production/b.yaml", 1, image, Some("v2-fpm"), Some(B), FIELD),
    ];
    let grouped = run(&seen, &TeamPolicy::default(), &envs());
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        components(&grouped, "app"),
        [
            (None, some("v1")),
            (some("fpm"), some("v1-fpm")),
            (some("nginx"), some("v1-nginx")),
            // One variant alone is none: two digests of it are a split pin.
            (None, some("v1-fpm")),
            (None, some("v2-fpm")),
        ]
    );
}

#[test]
fn two_services_of_one_image_are_told_apart_by_their_variant() {
    let image = "r.example/shop/app";
    let of = |name: &str, component: &str| Service {
        component: Some(component.to_owned()),
        ..service(name, image)
    };
    let team = TeamPolicy {
        services: vec![of("app-fpm", "fpm"), of("app-web", "nginx")],
        ..TeamPolicy::default()
    };
    let seen = [
        sight("envs/dev/a.yaml", 1, image, Some("v1-fpm"), Some(A), FIELD),
        sight("envs/dev/b.yaml", 1, image, Some("v1-nginx"), Some(B), FIELD),
        sight("envs/dev/c.yaml", 1, image, None, Some(A), FIELD),
    ];
    let grouped = run(&seen, &team, &envs());
    assert_eq!(
        components(&grouped, "app-fpm"),
        [(Some("fpm".into()), Some("v1-fpm".into()))]
    );
    assert_eq!(
        components(&grouped, "app-web"),
        [(Some("nginx".into()), Some("v1-nginx".into()))]
    );
    assert_eq!(grouped.unmanaged.len(), 1, "{:?}", grouped.unmanaged);
}

#[test]
fn a_template_expression_is_no_tag() {
    let yaml = "services:\n  app:\n    image: r.example/app:${TAG}\n";
    let found = crate::sources::git::manifest::scan("compose.yaml", yaml.as_bytes()).found;
    let seen: Vec<Vec<EffectiveReference>> = found
        .into_iter()
        .map(|found| deployed("envs/dev/compose.yaml", found))
        .collect();
    let grouped = run(&seen, &TeamPolicy::default(), &envs());
    assert!(
        grouped.services.iter().all(|(_, _, pins)| pins.is_empty()),
        "{grouped:?}"
    );
    assert_eq!(grouped.unmanaged.len(), 1);
}

#[test]
fn a_listed_repository_counts_for_the_names_of_the_others() {
    let named = |team: &TeamPolicy, images: &[&str]| -> Vec<String> {
        let seen: Vec<_> = images
            .iter()
            .map(|image| sight("envs/dev/a.yaml", 1, image, Some("v1"), None, FIELD))
            .collect();
        let grouped = run(&seen, team, &envs());
        grouped.services.iter().map(|(name, ..)| name.to_string()).collect()
    };
    let team = TeamPolicy {
        services: vec![service("backend", "r.example/team-a/api")],
        ..TeamPolicy::default()
    };
    let both = ["r.example/team-a/api", "r.example/team-b/api"];
    assert_eq!(named(&team, &both), ["backend", "team-b/api"]);
    // With and without the entry the other repository is called the same.
    assert_eq!(named(&TeamPolicy::default(), &both), ["team-a/api", "team-b/api"]);
    // What `ignore` takes out is nobody's service and takes no name.
    let ignoring = TeamPolicy {
        ignore: vec!["r.example/team-a/**".into()],
        ..TeamPolicy::default()
    };
    assert_eq!(named(&ignoring, &both), ["api"]);
    // A listed name is never taken, whatever its image is called.
    let team = TeamPolicy {
        services: vec![service("api", "r.example/team-a/gateway")],
        ..TeamPolicy::default()
    };
    assert_eq!(
        named(&team, &["r.example/team-a/gateway", "r.example/x/team-b/api"]),
        ["api", "team-b/api"]
    );
}

//! Evidence that does not lie beside the image: in another repository, and in GitHub's attestation API.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pindeck::domain::Digest;
use serde_json::{Value, json};

use crate::support::fake::{Fake, Ways};
use crate::support::forge::{self, Pair};
use crate::support::server::{Reply, Seen, Server};
use crate::support::signed_world::Key;

use super::home::{Home, Said};

/// The repository of the image.
const IMAGE: &str = "shop/api";
/// The one in which evidence lies.
const ELSEWHERE: &str = "ops/signatures";

type Lie = Arc<Mutex<Option<Box<dyn Fn(&Seen) -> Option<Reply> + Send>>>>;

/// A registry that is honest but for what it is told.
struct Registry {
    fake: Fake,
    server: Server,
    lie: Lie,
}

impl Registry {
    async fn start(ways: Ways) -> Self {
        let fake = Fake::new(ways);
        let lie: Lie = Arc::default();
        let (answering, told) = (fake.clone(), Arc::clone(&lie));
        let server = Server::start(move |seen| {
            let told = told.lock().unwrap().as_ref().and_then(|lie| lie(seen));
            told.unwrap_or_else(|| answering.answer(seen))
        })
        .await;
        Self { fake, server, lie }
    }

    fn lie(&self, lie: impl Fn(&Seen) -> Option<Reply> + Send + 'static) {
        *self.lie.lock().unwrap() = Some(Box::new(lie));
    }

    fn host(&self) -> String {
        self.server.address.to_string()
    }
}

/// A policy file of a repository, and the image that it is about.
struct Team {
    home: Home,
    dir: PathBuf,
    reference: String,
}

impl Team {
    fn new(host: &str, image: Digest, key: &str, require: &str, service: &str, more: &str) -> Self {
        let home = Home::new();
        let policy = format!(
            "version = 1\n[policies.release]\nrequire = [\"{require}\"]\nsigner = \"ci\"\n\
             [trust.ci]\nkeys = [\"ci.pub\"]\ntransparency_log = \"not-required\"\n\
             [[services]]\nname = \"api\"\nimage = \"{host}/{IMAGE}\"\n{service}\n{more}\n"
        );
        let dir = home.repository("gitops", &[("pindeck.toml", &policy), ("ci.pub", key)]);
        let reference = format!("{host}/{IMAGE}@{image}");
        Self { home, dir, reference }
    }

    fn verify(&self, more: &[&str], environment: &[(&str, &str)]) -> Said {
        let args = [&["verify", &self.reference, "--policy", "release", "--json"], more].concat();
        let mut command = self.home.command(&self.dir, &args);
        command.envs(environment.iter().copied());
        tokio::task::block_in_place(|| super::home::finish(command))
    }

    /// The status, the result, and the cause of the only check that has one.
    fn verdict(&self, more: &[&str]) -> (i32, String, Option<String>) {
        verdict(&self.verify(more, &[]))
    }
}

fn verdict(said: &Said) -> (i32, String, Option<String>) {
    let document = said.json();
    let verdict = &document["verdict"];
    let cause = verdict["causes"].as_array().and_then(|causes| causes.first());
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let result = word(&verdict["result"]).unwrap_or_else(|| panic!("{said:?}"));
    (said.status, result, cause.and_then(|cause| word(&cause["cause"])))
}

fn answer(status: i32, result: &str, cause: Option<&str>) -> (i32, String, Option<String>) {
    (status, result.to_owned(), cause.map(str::to_owned))
}

/// What a server says to every request.
type Answering = Box<dyn Fn() -> Reply + Send>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_in_another_repository_count_where_they_are_named() {
    for referrers in [true, false] {
        let ways = Ways {
            referrers,
            ..Ways::default()
        };
        let registry = Registry::start(ways).await;
        let (host, key) = (registry.host(), Key::new());
        let image = registry.fake.image(IMAGE, "one", None);
        let other = registry.fake.image(IMAGE, "two", None);
        let named = format!("evidence = [\"{host}/{ELSEWHERE}\"]");
        let team = |service: &str| Team::new(&host, image, &key.pem(), "signature", service, "");
        // Where nothing at all can be read, nobody knows what is hidden from these credentials.
        assert_eq!(
            team(&named).verdict(&[]),
            answer(6, "unknown", Some("unreachable")),
            "{referrers}"
        );
        key.sign(&registry.fake, ELSEWHERE, other);
        assert_eq!(team(&named).verdict(&[]), answer(4, "rejected", Some("absent")));
        // A signature of another digest under this one's tag is about another digest.
        let about_other = key.signature(&registry.fake, ELSEWHERE, other);
        registry
            .fake
            .tag(ELSEWHERE, &format!("sha256-{}.sig", image.hex()), about_other);
        assert_eq!(team(&named).verdict(&[]), answer(4, "rejected", Some("wrong-subject")));
        key.sign(&registry.fake, ELSEWHERE, image);
        let said = team(&named).verify(&[], &[]);
        assert_eq!(verdict(&said), answer(0, "verified", None), "{said:?}");
        assert_eq!(said.json()["evidence"][0]["found_in"], format!("{host}/{ELSEWHERE}"));
        // Whom nobody named is not asked.
        registry.server.forget();
        assert_eq!(team("").verdict(&[]), answer(4, "rejected", Some("absent")));
        assert!(registry.server.seen().iter().all(|seen| !seen.path.contains(ELSEWHERE)));
        // Somebody else's signature there is not the team's.
        let stranger = Team::new(&host, image, &Key::new().pem(), "signature", &named, "");
        assert_eq!(stranger.verdict(&[]).1, "rejected");
        assert_eq!(team(&named).verdict(&["--offline"]).0, 6);
        // Trouble there is not "there is none".
        for status in [401, 403, 429, 500, 503] {
            registry.lie(move |seen| {
                let there = seen.path.contains(ELSEWHERE);
                there.then(|| Reply::error(status, "X").with("Retry-After", "900"))
            });
            let said = team(&named).verify(&[], &[]);
            assert_eq!(
                verdict(&said),
                answer(6, "unknown", Some("unreachable")),
                "{status}: {said:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_elsewhere_does_not_hide_what_is_beside_the_image() {
    let registry = Registry::start(Ways::default()).await;
    let (host, key) = (registry.host(), Key::new());
    let image = registry.fake.image(IMAGE, "one", None);
    key.sign(&registry.fake, IMAGE, image);
    registry.lie(|seen| seen.path.contains(ELSEWHERE).then(|| Reply::error(500, "X")));
    let team = Team::new(
        &host,
        image,
        &key.pem(),
        "signature",
        &format!("evidence = [\"{host}/{ELSEWHERE}\"]"),
        "",
    );
    assert_eq!(team.verdict(&[]), answer(0, "verified", None));
}

/// The API, a registry with an image, and who signs.
struct Attested {
    registry: Registry,
    api: Registry,
    pair: Pair,
    image: Digest,
}

impl Attested {
    async fn start() -> Self {
        let registry = Registry::start(Ways::default()).await;
        let image = registry.fake.image(IMAGE, "one", None);
        Self {
            api: Registry::start(Ways::default()).await,
            pair: Pair::p256(),
            registry,
            image,
        }
    }

    fn bundle(&self, about: Digest) -> Value {
        let payload = forge::statement(about, forge::PROVENANCE, forge::provenance());
        forge::bundle(&self.pair.hint(), &forge::envelope(&self.pair, &payload, &payload))
    }

    fn team(&self) -> Team {
        let more = format!(
            "[sources.github]\nhost = \"{}\"\nrepository = \"example/api\"\n",
            self.api.host()
        );
        Team::new(
            &self.registry.host(),
            self.image,
            &self.pair.pem(),
            "provenance",
            "",
            &more,
        )
    }

    fn path(&self) -> String {
        format!("/repos/example/api/attestations/{}", self.image)
    }

    /// The API answers every question so.
    fn says(&self, reply: impl Fn(&Seen) -> Reply + Send + 'static) {
        let path = self.path();
        self.api.lie(move |seen| {
            Some(match seen.path.split('?').next() {
                Some(asked) if asked == path => reply(seen),
                _ => Reply::new(404, "{\"message\":\"Not Found\"}"),
            })
        });
    }

    fn lists(&self, bundles: &[Value]) {
        let all: Vec<Value> = bundles
            .iter()
            .map(|bundle| json!({ "bundle": bundle, "repository_id": 1 }))
            .collect();
        let body = json!({ "attestations": all }).to_string();
        self.says(move |_| Reply::new(200, body.clone()));
    }
}

/// Snappy's block format, of literals alone.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut length = bytes.len();
    while length >= 128 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    for chunk in bytes.chunks(60) {
        out.push(((chunk.len() - 1) << 2) as u8);
        out.extend_from_slice(chunk);
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attestation_of_the_api_counts_like_one_of_the_registry() {
    let world = Attested::start().await;
    let team = world.team();
    let good = world.bundle(world.image);
    world.lists(std::slice::from_ref(&good));
    let said = team.verify(&[], &[]);
    assert_eq!(verdict(&said), answer(0, "verified", None), "{said:?}");
    let evidence = &said.json()["evidence"][0];
    assert_eq!(evidence["format"], "github");
    assert!(
        evidence["found_in"]
            .as_str()
            .is_some_and(|place| place.ends_with("/repos/example/api/attestations"))
    );
    // What is there and proves nothing has its own cause.
    world.lists(&[world.bundle(Digest::of(b"another"))]);
    assert_eq!(team.verdict(&[]), answer(4, "rejected", Some("wrong-subject")));
    let mut broken = good.clone();
    broken["dsseEnvelope"]["payload"] = world.bundle(Digest::of(b"x"))["dsseEnvelope"]["payload"].clone();
    world.lists(&[broken.clone()]);
    assert_eq!(team.verdict(&[]), answer(4, "rejected", Some("bad-signature")));
    // A bad one beside it does not hide the good one.
    world.lists(&[broken, good.clone()]);
    assert_eq!(team.verdict(&[]), answer(0, "verified", None));
    // On the second page.
    let (first, second) = (
        json!({ "attestations": [] }).to_string(),
        json!({ "attestations": [{ "bundle": good }] }),
    );
    let address = world.api.host();
    let path = world.path();
    world.says(move |seen| match seen.path.contains("after=2") {
        true => Reply::new(200, second.to_string()),
        false => Reply::new(200, first.clone()).with(
            "Link",
            format!("<http://{address}{path}?per_page=100&after=2>; rel=\"next\""),
        ),
    });
    assert_eq!(team.verdict(&[]), answer(0, "verified", None));
    // And found elsewhere by the command that shows all of it.
    let text = team.home.command(&team.dir, &["evidence", &team.reference]);
    let text = tokio::task::block_in_place(|| super::home::finish(text));
    assert!(text.out.contains("found in \"http://"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_is_absent_and_every_trouble_is_unreachable() {
    let world = Attested::start().await;
    let team = world.team();
    world.says(|_| Reply::new(404, "{\"message\":\"Not Found\"}"));
    assert_eq!(team.verdict(&[]), answer(4, "rejected", Some("absent")));
    world.lists(&[]);
    assert_eq!(team.verdict(&[]), answer(4, "rejected", Some("absent")));
    let trouble: Vec<(&str, Answering)> = vec![
        (
            "limit",
            Box::new(|| Reply::new(403, "{}").with("X-RateLimit-Remaining", "0")),
        ),
        ("refused", Box::new(|| Reply::new(403, "{}"))),
        ("denied", Box::new(|| Reply::new(401, "{}"))),
        (
            "too many",
            Box::new(|| Reply::new(429, "{}").with("Retry-After", "900")),
        ),
        ("broken", Box::new(|| Reply::new(500, "{}"))),
        ("busy", Box::new(|| Reply::new(503, "{}").with("Retry-After", "900"))),
        (
            "page",
            Box::new(|| Reply::new(200, "<html>").with("Content-Type", "text/html")),
        ),
        ("other JSON", Box::new(|| Reply::new(200, "{}"))),
        (
            "no bundle",
            Box::new(|| Reply::new(200, "{\"attestations\":[{\"bundle\":null}]}")),
        ),
        (
            "elsewhere",
            Box::new(|| Reply::new(302, "").with("Location", "https://elsewhere.example/")),
        ),
        (
            "another host's page",
            Box::new(|| {
                Reply::new(200, "{\"attestations\":[]}").with("Link", "<https://elsewhere.example/>; rel=\"next\"")
            }),
        ),
        ("reset", Box::new(|| Reply::Reset)),
    ];
    for (name, reply) in trouble {
        world.says(move |_| reply());
        let said = team.verify(&[], &[]);
        assert_eq!(
            verdict(&said),
            answer(6, "unknown", Some("unreachable")),
            "{name}: {said:?}"
        );
    }
    // The second page is missing: what is on it is not known.
    let (address, path) = (world.api.host(), world.path());
    world.says(move |seen| match seen.path.contains("after=2") {
        true => Reply::new(404, "{}"),
        false => Reply::new(200, "{\"attestations\":[]}")
            .with("Link", format!("<http://{address}{path}?after=2>; rel=\"next\"")),
    });
    assert_eq!(team.verdict(&[]), answer(6, "unknown", Some("unreachable")));
    assert_eq!(team.verdict(&["--offline"]).0, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_goes_to_its_own_host_and_only_once_it_is_approved() {
    let world = Attested::start().await;
    let team = world.team();
    let storage = Registry::start(Ways::default()).await;
    let block = packed(world.bundle(world.image).to_string().as_bytes());
    storage.lie(move |_| Some(Reply::new(200, block.clone()).with("Content-Type", "application/x-snappy")));
    let body = json!({ "attestations": [
        { "bundle": null, "bundle_url": format!("http://{}/bundle.json.sn?sig=abc", storage.host()) },
    ] });
    world.says(move |_| Reply::new(200, body.to_string()));
    let told = |registry: &Registry| {
        let seen = registry.server.seen();
        registry.server.forget();
        let asked = seen.iter().filter(|seen| !seen.path.starts_with("/v2/")).count();
        assert!(
            asked > 0 || seen.iter().any(|seen| seen.path.starts_with("/v2/")),
            "nobody asked"
        );
        seen.iter().any(|seen| {
            seen.headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case("authorization"))
        })
    };
    let approving = team.home.write(
        "approving.toml",
        &format!("approved_registries = [\"{}\"]\n", world.api.host()),
    );
    let other = team
        .home
        .write("other.toml", "approved_registries = [\"git.example\"]\n");
    let outside = team.home.write(
        "outside/pindeck.toml",
        &std::fs::read_to_string(team.dir.join("pindeck.toml")).expect("text"),
    );
    std::fs::copy(team.dir.join("ci.pub"), team.home.path("outside/ci.pub")).expect("copied");
    let outside = outside.display().to_string();
    for (user, args, expected) in [
        (None, &[][..], false),
        (Some(&other), &[], false),
        (Some(&approving), &[], true),
        (None, &["--config", &outside], true),
    ] {
        let mut environment = vec![("GH_ENTERPRISE_TOKEN", "secret-token"), ("GH_TOKEN", "cloud-token")];
        let user = user.map(|user| user.display().to_string());
        if let Some(user) = &user {
            environment.push(("PINDECK_CONFIG", user));
        }
        let said = team.verify(args, &environment);
        assert_eq!(verdict(&said), answer(0, "verified", None), "{said:?}");
        assert_eq!(told(&world.api), expected, "{user:?} {args:?}");
        assert!(!told(&storage), "a token left its host");
        assert!(!told(&world.registry), "a token left its host");
        assert!(!said.out.contains("secret-token") && !said.err.contains("secret-token"));
    }
    let check = team.home.run(&team.dir, &["config", "check"]);
    assert!(
        check.err.contains("approved_registries"),
        "it says how to approve: {check:?}"
    );
    // A bundle that cannot be unpacked, or is not there, was not read.
    for reply in [(200, &b"\xff\xff\xff"[..]), (404, b""), (500, b"")] {
        storage.lie(move |_| Some(Reply::new(reply.0, reply.1).with("Content-Type", "application/x-snappy")));
        let said = team.verify(&[], &[]);
        assert_eq!(verdict(&said).1, "unknown", "{said:?}");
    }
}

#[test]
fn a_source_that_is_none_is_a_mistake_with_its_line() {
    for (service, more, words) in [
        ("evidence = [\"not a repository\"]", "", "evidence"),
        ("evidence = [\"host.example/a@sha256:00\"]", "", "HOST/PATH"),
        ("", "[sources.github]\nrepository = \"only-a-name\"\n", "OWNER/NAME"),
        ("", "[sources.github]\nrepository = \"a/../b\"\n", "OWNER/NAME"),
        ("", "[sources.github]\nhost = \"user@git.example\"\n", "no host"),
        ("", "[sources.gitlab]\nhost = \"git.example\"\n", "github"),
    ] {
        let team = Team::new(
            "registry.example",
            Digest::of(b"x"),
            &Key::new().pem(),
            "signature",
            service,
            more,
        );
        let said = team.home.run(&team.dir, &["config", "check"]);
        assert_eq!(said.status, 2, "{service}{more}: {said:?}");
        assert!(said.err.contains("pindeck.toml:"), "{service}{more}: {said:?}");
        assert!(
            words == "evidence" || said.err.contains(words),
            "{service}{more}: {said:?}"
        );
    }
}

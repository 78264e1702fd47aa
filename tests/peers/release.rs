//! Promote and revert by the command line on real registries: the bytes compared by crane, the evidence at
//! the destination verified by cosign, both in stores that pindeck has never seen the inside of.

use crate::support::cosign::{Cosign, Layout, STATEMENTS};
use crate::support::live_world::LiveWorld;
use crate::support::peer::{Answer, find, git, pindeck, run};
use serde_json::Value;

/// Production's own registry, as manifests name it.
const OWN: &str = "127.0.0.1:5811/prod";

struct Place {
    world: LiveWorld,
    remote: std::path::PathBuf,
}

impl Place {
    /// A bare remote beside the live world; production has a registry of its own.
    fn start() -> Option<Self> {
        let world = LiveWorld::start()?;
        let home = world.home.path();
        let remote = home.join("remote.git");
        git(home, ["clone", "-q", "--bare", text(&world.clone), text(&remote)]);
        git(
            home,
            ["-C", text(&world.clone), "remote", "set-url", "origin", text(&remote)],
        );
        for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.com")] {
            git(home, ["-C", text(&world.clone), "config", key, value]);
        }
        let policy = std::fs::read_to_string(&world.policy).unwrap();
        let at = policy.find("name = \"production\"").expect("production");
        let (head, tail) = policy.split_at(at);
        let own = tail.replacen("policy = ", &format!("registry = \"{OWN}\"\npolicy = "), 1);
        std::fs::write(&world.policy, format!("{head}{own}")).unwrap();
        Some(Self { world, remote })
    }

    /// Somebody moves a service of production to the environment's own registry.
    fn moves_to_own(&self, file: &str, from: &str, to: &str) {
        let clone = &self.world.clone;
        let home = self.world.home.path();
        git(home, ["-C", text(clone), "pull", "-q", "--ff-only"]);
        let path = clone.join(file);
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, before.replace(from, to)).unwrap();
        git(
            home,
            ["-C", text(clone), "commit", "-qam", "production has its own registry"],
        );
        git(home, ["-C", text(clone), "push", "-q", "origin", "main"]);
    }

    fn pindeck(&self, args: &[&str]) -> Answer {
        let place = ["-C", text(&self.world.clone), "--config", text(&self.world.policy)];
        pindeck(self.world.home.path(), place.iter().chain(args))
    }

    fn at_remote(&self, args: &[&str]) -> String {
        let all = ["-C", text(&self.remote)].into_iter().chain(args.iter().copied());
        git(self.world.home.path(), all).trim_end().to_owned()
    }
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn document(answer: Answer, code: i32) -> Value {
    assert_eq!(answer.code, code, "{}\n{}", answer.stdout, answer.stderr);
    serde_json::from_str(&answer.stdout).expect("one JSON document")
}

#[test]
fn what_arrives_is_the_same_to_crane_and_to_cosign() {
    let Some(place) = Place::start() else { return };
    let (Some(crane), Some(cosign)) = (find("crane"), find("cosign3")) else {
        return;
    };
    let legacy = find("cosign2");
    let policy: toml::Table = std::fs::read_to_string(&place.world.policy).unwrap().parse().unwrap();
    let folder = place.world.policy.parent().unwrap();
    // Keyless bundles, and cosign's older tags signed by a key.
    let cases = [
        (
            "payments",
            "127.0.0.1:5812",
            "apps/payments/overlays/production/kustomization.yaml",
            None,
        ),
        (
            "frontend",
            "127.0.0.1:5811",
            "charts/frontend/values-production.yaml",
            Some("production runs what nobody can pull"),
        ),
    ];
    for (service, host, file, reason) in cases {
        let source = format!("{host}/shop/{service}");
        let own = format!("{OWN}/{service}");
        place.moves_to_own(file, &source, &own);
        let before = place.at_remote(&["show", &format!("main:{file}")]);
        let mut args = vec!["promote", service, "--to", "production", "--yes", "--json"];
        if let Some(reason) = reason {
            // It was never in staging: order is what the reason waives.
            args.extend(["--from", "integration", "--break-glass", reason]);
        }
        let mut planned = args.clone();
        planned.retain(|a| *a != "--yes");
        planned.push("--dry-run");
        assert_eq!(document(place.pindeck(&planned), 0)["state"], "planned");
        let done = document(place.pindeck(&args), 0);
        assert_eq!(done["state"], "pushed", "{done:#}");
        assert_eq!(
            done["missing_at_destination"].as_array().map(Vec::len),
            Some(0),
            "{done:#}"
        );
        assert_eq!(done["commits"][0], place.at_remote(&["rev-parse", "main"]).as_str());
        assert_eq!(place.at_remote(&["diff", "--name-only", "main^", "main"]), file);

        let digest = done["plans"][0]["to"].as_str().expect("a digest");
        let (from, to) = (
            place.world.reachable(&source, digest),
            place.world.reachable(&own, digest),
        );
        let bytes = |reference: &str| {
            run(&crane, place.world.home.path(), ["manifest", "--insecure", reference])
                .expect("crane manifest")
                .stdout
        };
        assert_eq!(bytes(&from), bytes(&to), "{service}: the same bytes");
        run(
            &crane,
            place.world.home.path(),
            ["pull", "--insecure", "--format=oci", &to, &format!("pulled-{service}")],
        )
        .expect("every platform and layer is there");
        let (program, layout) = match (&legacy, reason) {
            (Some(legacy), Some(_)) => (legacy.clone(), Layout::Legacy),
            _ => (cosign.clone(), Layout::Bundle),
        };
        let judge = Cosign { program, layout };
        let trust = crate::support::cosign::trust(&policy, service, folder);
        let home = place.world.home.path();
        judge.ask(home, None, &trust, &to).expect("the signature arrived");
        for (kind, _) in STATEMENTS {
            judge.ask(home, Some(kind), &trust, &to).expect(kind);
        }

        let back = place.pindeck(&["revert", service, "--env", "production", "--yes", "--json"]);
        // What was pinned before was never copied to production's own registry: a revert says so.
        let refused = document(back, 4);
        assert_eq!(
            refused["plans"][0]["verdict"]["causes"][0]["check"], "digest",
            "{refused:#}"
        );
        assert_ne!(place.at_remote(&["show", &format!("main:{file}")]), before);
        assert_eq!(document(place.pindeck(&args), 0)["state"], "already");
    }
}

//! What happens while one watches: CI pushes a new build, a tag moves, a colleague promotes.

use jiff::Timestamp;

use super::error::DemoError;
use super::history::Commit;
use super::plot::{ENVIRONMENTS, PEOPLE, SERVICES};
use super::release::{Build, Proof, Release};
use super::world::World;

/// Something that happened in the demo's world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DemoEvent {
    /// CI pushed a build nobody had seen before.
    Built(String),
    /// Somebody pushed a tag again that production's digest came from.
    TagMoved(String),
    /// A colleague promoted something.
    Promoted(String),
}

/// The steps, in order; after the last one CI goes on building.
#[derive(Debug, Default)]
pub struct Script {
    step: usize,
}

impl Script {
    /// The next thing happens.
    ///
    /// # Errors
    /// If git refuses the colleague's commit.
    pub fn step(&mut self, world: &World) -> Result<DemoEvent, DemoError> {
        let step = self.step;
        self.step += 1;
        match step {
            0 => build(world, "checkout", "1.5.1").map(|_| DemoEvent::Built("checkout 1.5.1".to_owned())),
            1 => move_tag(world),
            2 => promote(world),
            more => {
                // Names are few and the demo may run for long: builds of the same service go on.
                let version: &'static str = ["3.1.2", "3.1.3", "3.2.0"][(more - 3).min(2)];
                build(world, "accounts", version).map(|_| DemoEvent::Built(format!("accounts {version}")))
            }
        }
    }
}

fn place(service: &str) -> usize {
    SERVICES.iter().position(|s| s.name == service).unwrap_or(0)
}

fn build(world: &World, service: &'static str, version: &'static str) -> Result<Release, DemoError> {
    let build = Build {
        service,
        version,
        take: 0,
        at: Timestamp::now(),
    };
    let release = world
        .keys
        .build(build, Proof::Whole("PASSED"), SERVICES[place(service)].legacy)?;
    release.publish(&world.ci, &format!("shop/{service}"), true);
    Ok(release)
}

/// `search` 4.2.0 is built again, with another dependency, and its tag pushed over the old one: in both
/// registries, as a mirror would. Staging and production go on pinning the old bytes.
fn move_tag(world: &World) -> Result<DemoEvent, DemoError> {
    let build = Build {
        service: "search",
        version: "4.2.0",
        take: 1,
        at: Timestamp::now(),
    };
    let release = world.keys.build(build, Proof::Rebuilt, false)?;
    for registry in [&world.ci, &world.production] {
        release.publish(registry, "shop/search", true);
    }
    Ok(DemoEvent::TagMoved("search 4.2.0".to_owned()))
}

/// The newest notifier goes on to staging.
fn promote(world: &World) -> Result<DemoEvent, DemoError> {
    let service = place("notifier");
    let plan = &SERVICES[service];
    let (newest, environment) = (plan.versions.len() - 1, 2);
    let release = &world.releases[&(service, newest)];
    let (name, env, to) = (plan.name, ENVIRONMENTS[environment], release.digest);
    let commit = Commit {
        author: PEOPLE[2],
        at: Timestamp::now(),
        message: format!(
            "Promote {name} to {env}\n\n-> {to}\n\nPindeck-Action: promote\nPindeck-Service: {name}\n\
             Pindeck-Environment: {env}\nPindeck-To: {to}\n"
        ),
        files: vec![world.file_of(plan, environment, release)],
    };
    world.remote.add(&[commit])?;
    Ok(DemoEvent::Promoted(format!("{name} to {env}")))
}

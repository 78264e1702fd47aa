//! Properties of the comparison, against worlds in which the truth is known: which image a container really runs.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::closure::{ImageClosure, PlatformImage};
use super::comparison::{ImageComparison, compare, wanted};
use super::image_id::ContainerImage;
use super::observation::{NamespaceSeen, RunningQuestion, RunningState};
use super::pods::{ContainerKind, ContainerSeen, ContainerState, PodOwner, PodPhase, PodSeen, ServiceImages};
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::reference::Repository;

/// Images that share manifests and configurations in any way that registries allow.
#[derive(Debug, Clone)]
struct World {
    /// The configuration of each manifest.
    manifests: Vec<u8>,
    /// The manifest for each of two platforms, of each index.
    indexes: Vec<(Option<usize>, Option<usize>)>,
}

/// What can be pinned, asked for and reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Manifest(usize),
    Index(usize),
}

/// A container on a node of one platform.
#[derive(Debug, Clone)]
struct Container {
    platform: bool,
    /// Picks a name among those that the node has for what it runs.
    reported: prop::sample::Index,
    asked: Option<prop::sample::Index>,
    runs: prop::sample::Index,
    form: u8,
    says_config: bool,
}

/// What is not known of a world.
#[derive(Debug, Clone)]
struct Ignorance {
    manifests: Vec<bool>,
    indexes: Vec<bool>,
    pin: bool,
    asked: bool,
    bare: bool,
    reported: bool,
}

impl Ignorance {
    fn none() -> Self {
        Self {
            manifests: vec![false; MANIFESTS],
            indexes: vec![false; INDEXES],
            pin: false,
            asked: false,
            bare: false,
            reported: false,
        }
    }
}

const MANIFESTS: usize = 6;
const INDEXES: usize = 5;

fn config(name: u8) -> Digest {
    Digest::from_bytes([0xc0 + name; 32])
}

impl World {
    fn digest(name: Name) -> Digest {
        match name {
            Name::Manifest(at) => Digest::from_bytes([0xa0 + u8::try_from(at).expect("few"); 32]),
            Name::Index(at) => Digest::from_bytes([0xb0 + u8::try_from(at).expect("few"); 32]),
        }
    }

    fn listed(&self, name: Name) -> Vec<usize> {
        match name {
            Name::Manifest(at) => vec![at],
            Name::Index(at) => [self.indexes[at].0, self.indexes[at].1].into_iter().flatten().collect(),
        }
    }

    fn configs(&self, name: Name) -> BTreeSet<u8> {
        self.listed(name).into_iter().map(|at| self.manifests[at]).collect()
    }

    fn names(&self) -> Vec<Name> {
        let manifests = (0..self.manifests.len()).map(Name::Manifest);
        manifests.chain((0..self.indexes.len()).map(Name::Index)).collect()
    }

    /// The names by which a node of a platform knows an image.
    fn names_of(&self, wanted: u8, platform: bool) -> Vec<Name> {
        let resolves = |name: &Name| {
            let manifest = match *name {
                Name::Manifest(at) => Some(at),
                Name::Index(at) if platform => self.indexes[at].0,
                Name::Index(at) => self.indexes[at].1,
            };
            manifest.is_some_and(|at| self.manifests[at] == wanted)
        };
        self.names().into_iter().filter(resolves).collect()
    }

    fn closure(&self, name: Name, not: &Ignorance) -> ImageClosure {
        let image = |at: usize| PlatformImage {
            manifest: Self::digest(Name::Manifest(at)),
            config: (!not.manifests[at]).then(|| config(self.manifests[at])),
        };
        match name {
            Name::Manifest(at) => ImageClosure::of_manifest(image(at)),
            Name::Index(at) if not.indexes[at] => ImageClosure::unread(Self::digest(name)),
            Name::Index(_) => {
                let images = self.listed(name).into_iter().map(image).collect();
                ImageClosure::of_index(Self::digest(name), images, BTreeSet::new(), true)
            }
        }
    }

    /// What a container reports, and the configuration that it really runs.
    fn report(&self, container: &Container) -> (ContainerImage, u8) {
        let truth = self.manifests[container.runs.index(self.manifests.len())];
        let names = self.names_of(truth, container.platform);
        let named = |index: &prop::sample::Index| Self::digest(*index.get(&names));
        let digest = named(&container.reported);
        let (image_id, runtime) = match container.form % 8 {
            0 | 1 => (format!("reg.example/a@{digest}"), "containerd://1"),
            2 => (config(truth).to_string(), "containerd://1"),
            3 => (format!("reg.example/a@{digest}"), "cri-o://1"),
            4 => (config(truth).hex(), "cri-o://1"),
            5 => (Digest::of(b"made up on the node").hex(), "cri-o://1"),
            6 => (format!("docker-pullable://reg.example/a@{digest}"), "docker://1"),
            _ => (format!("docker://{digest}"), "docker://1"),
        };
        let image = match container.says_config && runtime == "containerd://1" {
            true => config(truth).to_string(),
            false => "reg.example/a:v1".to_owned(),
        };
        let asked = container.asked.as_ref().map(named);
        (ContainerImage::read(&image_id, &image, runtime, asked), truth)
    }

    fn compare(&self, pin: Name, image: &ContainerImage, not: &Ignorance) -> ImageComparison {
        let mut image = image.clone();
        image.asked = image.asked.filter(|_| !not.asked);
        image.bare = image.bare.filter(|_| !not.bare);
        image.reported = image.reported.filter(|_| !not.reported);
        let closure = match not.pin {
            true => ImageClosure::unread(Self::digest(pin)),
            false => self.closure(pin, not),
        };
        let all: Vec<ImageClosure> = self.names().into_iter().map(|name| self.closure(name, not)).collect();
        let fetched = wanted(&closure, &image);
        assert!(fetched.len() <= 2);
        compare(&closure, &image, |digest| {
            all.iter()
                .find(|one| one.digest() == digest && fetched.contains(&digest))
        })
    }
}

fn world() -> impl Strategy<Value = World> {
    let slot = || option::weighted(0.8, 0..MANIFESTS);
    (vec(0..5u8, MANIFESTS), vec((slot(), slot()), INDEXES))
        .prop_map(|(manifests, indexes)| World { manifests, indexes })
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        (0..MANIFESTS).prop_map(Name::Manifest),
        (0..INDEXES).prop_map(Name::Index)
    ]
}

fn container() -> impl Strategy<Value = Container> {
    let index = any::<prop::sample::Index>;
    (
        any::<bool>(),
        index(),
        option::of(index()),
        index(),
        any::<u8>(),
        any::<bool>(),
    )
        .prop_map(|(platform, reported, asked, runs, form, says_config)| Container {
            platform,
            reported,
            asked,
            runs,
            form,
            says_config,
        })
}

fn ignorance() -> impl Strategy<Value = Ignorance> {
    let rarely = || prop::bool::weighted(0.3);
    (
        vec(rarely(), MANIFESTS),
        vec(rarely(), INDEXES),
        rarely(),
        rarely(),
        rarely(),
        rarely(),
    )
        .prop_map(|(manifests, indexes, pin, asked, bare, reported)| Ignorance {
            manifests,
            indexes,
            pin,
            asked,
            bare,
            reported,
        })
}

fn word(comparison: ImageComparison) -> &'static str {
    match comparison {
        ImageComparison::Same(_) => "same",
        ImageComparison::Differs => "differs",
        ImageComparison::Unknown(_) => "unknown",
    }
}

fn pod(at: usize, image: ContainerImage) -> PodSeen {
    let asked = image.asked.map_or("reg.example/a:v1".to_owned(), |digest| {
        format!("reg.example/a@{digest}")
    });
    PodSeen {
        name: format!("a-{at}").into(),
        owner: PodOwner::Other,
        phase: PodPhase::Running,
        is_leaving: false,
        started_at: None,
        containers: vec![ContainerSeen {
            name: "a".into(),
            kind: ContainerKind::Main,
            asked: asked.into(),
            image,
            state: ContainerState::Running { since: None },
            ready: true,
        }],
    }
}

fn namespace(pods: Vec<PodSeen>) -> NamespaceSeen {
    NamespaceSeen {
        cluster: "eu".to_owned(),
        namespace: "shop".to_owned(),
        pods,
        unfinished: None,
        refusals: Vec::new(),
        workloads: Vec::new(),
        missing: Vec::new(),
    }
}

fn images() -> ServiceImages {
    ServiceImages {
        repositories: vec![Repository::parse("reg.example/a").expect("a repository")],
        pull_through: Vec::new(),
    }
}

/// The state of each pin, with what is not known.
fn states(world: &World, pins: &[Name], seen: &NamespaceSeen, not: &Ignorance) -> Vec<RunningState> {
    let closures: Vec<ImageClosure> = pins.iter().map(|pin| world.closure(*pin, not)).collect();
    let images = images();
    let all: Vec<ImageClosure> = world.names().into_iter().map(|name| world.closure(name, not)).collect();
    let question = RunningQuestion {
        pins: &closures,
        images: &images,
    };
    let fetched = question.wanted(seen);
    let read = |digest: Digest| {
        all.iter()
            .find(|one| one.digest() == digest && fetched.contains(&digest))
    };
    (0..pins.len())
        .map(|which| question.answer(which, seen, &read).state)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    /// Whatever is known and whatever is not: *same* is true where it is said, and so is *differs*.
    #[test]
    fn neither_same_nor_differs_is_ever_wrong(
        world in world(), pin in name(), container in container(), not in ignorance(),
    ) {
        let (image, truth) = world.report(&container);
        let runs_pin = world.configs(pin).contains(&truth);
        match world.compare(pin, &image, &not) {
            ImageComparison::Same(how) => prop_assert!(runs_pin, "same {how:?}"),
            ImageComparison::Differs => prop_assert!(!runs_pin, "differs"),
            ImageComparison::Unknown(_) => {}
        }
    }

    #[test]
    fn the_names_of_a_pin_are_always_the_same(world in world(), pin in name(), form in 0..8u8, pick in any::<prop::sample::Index>()) {
        let closure = world.closure(pin, &Ignorance::none());
        let listed = world.listed(pin);
        let manifests = listed.iter().map(|at| World::digest(Name::Manifest(*at)));
        let configs = listed.iter().map(|at| config(world.manifests[*at]));
        let names: Vec<Digest> = manifests.chain(configs).chain([World::digest(pin)]).collect();
        let digest = pick.get(&names);
        let (image_id, runtime) = match form {
            0 => (format!("other.example/x@{digest}"), "containerd://1"),
            1 => (digest.to_string(), "containerd://1"),
            2 => (format!("other.example/x@{digest}"), "cri-o://1"),
            3 => (digest.hex(), "cri-o://1"),
            4 => (format!("docker-pullable://x@{digest}"), "docker://1"),
            5 => (format!("docker://{digest}"), "docker://1"),
            6 => (digest.hex(), ""),
            _ => (format!("other.example/x:v9@{digest}"), ""),
        };
        let image = ContainerImage::read(&image_id, "x:v1", runtime, None);
        prop_assert!(wanted(&closure, &image).is_empty());
        prop_assert!(compare(&closure, &image, |_| None).is_same());
    }

    #[test]
    fn disjoint_configurations_always_differ(world in world(), pin in name(), reported in name(), form in 0..4u8) {
        let (of_pin, there) = (world.configs(pin), world.configs(reported));
        prop_assume!(!of_pin.is_empty() && !there.is_empty() && of_pin.is_disjoint(&there));
        let digest = World::digest(reported);
        let one = config(*there.first().expect("not empty"));
        let (image_id, runtime) = match form {
            0 => (format!("reg.example/a@{digest}"), "containerd://1"),
            1 => (format!("reg.example/a@{digest}"), "cri-o://1"),
            2 => (format!("docker-pullable://reg.example/a@{digest}"), "docker://1"),
            _ => (one.to_string(), "containerd://1"),
        };
        let image = ContainerImage::read(&image_id, "reg.example/a:v1", runtime, None);
        prop_assert_eq!(world.compare(pin, &image, &Ignorance::none()), ImageComparison::Differs);
    }

    #[test]
    fn to_know_less_is_to_say_the_same_or_unknown(
        world in world(), pin in name(), container in container(), not in ignorance(), more in ignorance(),
    ) {
        let (image, _) = world.report(&container);
        let or = |a: &[bool], b: &[bool]| a.iter().zip(b).map(|(a, b)| *a || *b).collect::<Vec<_>>();
        let less = Ignorance {
            manifests: or(&not.manifests, &more.manifests),
            indexes: or(&not.indexes, &more.indexes),
            pin: not.pin || more.pin,
            asked: not.asked || more.asked,
            bare: not.bare || more.bare,
            reported: not.reported || more.reported,
        };
        let before = word(world.compare(pin, &image, &not));
        let after = word(world.compare(pin, &image, &less));
        prop_assert!(after == before || after == "unknown", "{before} became {after}");
    }

    #[test]
    fn a_namespace_of_which_less_is_known_is_the_same_or_unknown(
        world in world(), pins in vec(name(), 1..3), containers in vec(container(), 0..4), not in ignorance(),
    ) {
        let pods = containers.iter().enumerate().map(|(at, container)| pod(at, world.report(container).0)).collect();
        let mut seen = namespace(pods);
        let before = states(&world, &pins, &seen, &Ignorance::none());
        let after = states(&world, &pins, &seen, &not);
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(after == before || *after == RunningState::Unknown, "{before:?} became {after:?}");
        }
        seen.unfinished = Some(Failure::unreachable("cut"));
        for state in states(&world, &pins, &seen, &not) {
            prop_assert_eq!(state, RunningState::Unknown);
        }
    }
}

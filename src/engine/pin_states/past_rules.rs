//! The rules by which the past is read, part by part, and the parts that a reading asked for: while none of these changes,
//! what was read stays what would be read. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::domain::id::{Digest, EnvId, Target};
use crate::domain::reference::Repository;
use crate::sources::git::manifest::is_manifest;

/// What a part of the rules is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RulesAbout<'a> {
    /// A file: whether it counts, and how its places do.
    File(&'a str),
    /// A folder that was not looked into.
    Folder(&'a str),
    /// An image: whose it is.
    Image(&'a Repository),
    /// An image in an environment: whether it has several variants there.
    ImageIn(&'a EnvId, &'a Repository),
    /// The same of a service.
    Target(&'a Target),
}

impl RulesAbout<'_> {
    /// A short name for it. Two that have the same one are taken for one: more seems changed, and more asked for, never less.
    fn key(self) -> PartKey {
        let digest = Digest::of(format!("{self:?}").as_bytes());
        let mut key = [0; size_of::<PartKey>()];
        key.copy_from_slice(&digest.as_bytes()[..size_of::<PartKey>()]);
        PartKey::from_le_bytes(key)
    }
}

type PartKey = u64;

/// Rules as they are kept: those that are not the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRules {
    /// Those that everything depends on.
    all: Digest,
    parts: BTreeMap<PartKey, PartSays>,
}

/// The beginning of the digest of what a part says.
type PartSays = [u8; 16];

/// The rules of today, with the files that they are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodaysRules {
    rules: PastRules,
    files: BTreeMap<PartKey, BTreeSet<String>>,
}

/// The parts of the rules that a reading asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AskedRules(BTreeSet<PartKey>);

/// Collects rules.
pub(super) struct RulesOfToday {
    all: Digest,
    parts: BTreeMap<PartKey, BTreeSet<String>>,
    files: BTreeMap<PartKey, BTreeSet<String>>,
}

impl RulesOfToday {
    /// Begins with what everything depends on.
    pub(super) fn new(all: &dyn Debug) -> Self {
        Self {
            all: Digest::of(format!("{all:?}").as_bytes()),
            parts: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// Adds what is not as usual.
    pub(super) fn part(&mut self, about: RulesAbout<'_>, says: &dyn Debug) {
        let key = about.key();
        self.parts
            .entry(key)
            .or_default()
            .insert(format!("{about:?}: {says:?}"));
        if let RulesAbout::File(path) = about {
            self.files.entry(key).or_default().insert(path.to_owned());
        }
    }

    pub(super) fn end(self) -> TodaysRules {
        let says = |all: BTreeSet<String>| {
            let digest = Digest::of(format!("{all:?}").as_bytes());
            let mut says = PartSays::default();
            says.copy_from_slice(&digest.as_bytes()[..size_of::<PartSays>()]);
            says
        };
        let parts = self.parts.into_iter().map(|(key, all)| (key, says(all)));
        TodaysRules {
            rules: PastRules {
                all: self.all,
                parts: parts.collect(),
            },
            files: self.files,
        }
    }
}

impl TodaysRules {
    /// The same to be kept.
    pub(crate) fn to_keep(&self) -> &PastRules {
        &self.rules
    }

    /// Whether a past reads today as it did under other rules: nothing has changed that its reading asked for.
    pub(crate) fn read_the_same(&self, known: &PastRules, asked: &AskedRules) -> bool {
        let (today, before) = (&self.rules.parts, &known.parts);
        let is_new = |(key, says): &(&PartKey, &PartSays)| before.get(key) != Some(says);
        let is_gone = |key: &&PartKey| !today.contains_key(key);
        let stays = |key: &PartKey| !asked.0.contains(key);
        // What was not looked into may contain such a file, and what is no manifest by its name was not looked for.
        let was_in_view = |key: &PartKey| {
            let mut files = self.files.get(key).into_iter().flatten();
            files.all(|path| {
                is_manifest(path) && folders_of(path).all(|folder| stays(&RulesAbout::Folder(folder).key()))
            })
        };
        self.rules.all == known.all
            && before.keys().filter(is_gone).all(stays)
            && today
                .iter()
                .filter(is_new)
                .all(|(key, _)| stays(key) && was_in_view(key))
    }
}

/// Every folder that a file lies in.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

impl AskedRules {
    pub(super) fn of<'a>(all: impl Iterator<Item = RulesAbout<'a>>) -> Self {
        Self(all.map(RulesAbout::key).collect())
    }

    /// With more of them.
    pub(super) fn and<'a>(mut self, more: impl Iterator<Item = RulesAbout<'a>>) -> Self {
        self.0.extend(more.map(RulesAbout::key));
        self
    }

    /// Adds what an older part of the same reading asked for.
    pub(crate) fn extend(&mut self, older: &Self) {
        self.0.extend(&older.0);
    }
}

/// The names that were asked for, where everything is read.
#[derive(Debug, Default)]
pub(super) struct AskedNames {
    images: HashSet<Repository>,
    /// Images, with the environments in which they were asked for.
    places: HashMap<Repository, BTreeSet<EnvId>>,
    targets: BTreeSet<Target>,
}

impl AskedNames {
    /// Whose an image is.
    pub(super) fn image(&mut self, image: &Repository) {
        if !self.images.contains(image) {
            self.images.insert(image.clone());
        }
    }

    /// Whether an image has several variants in the environment of a service.
    pub(super) fn variants(&mut self, target: &Target, image: &Repository) {
        let environment = &target.environment;
        match self.places.get_mut(image) {
            Some(all) if all.contains(environment) => {}
            Some(all) => {
                all.insert(environment.clone());
            }
            None => {
                self.places.insert(image.clone(), BTreeSet::from([environment.clone()]));
            }
        }
        self.target(target);
    }

    /// Whether a service has several variants in an environment.
    pub(super) fn target(&mut self, target: &Target) {
        if !self.targets.contains(target) {
            self.targets.insert(target.clone());
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = RulesAbout<'_>> {
        let images = self.images.iter().map(RulesAbout::Image);
        let targets = self.targets.iter().map(RulesAbout::Target);
        let places = self.places.iter();
        let places = places.flat_map(|(image, all)| all.iter().map(move |env| RulesAbout::ImageIn(env, image)));
        images.chain(targets).chain(places)
    }
}

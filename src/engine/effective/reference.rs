//! The references of one commit as they are deployed: what the renderers come to.

use std::collections::BTreeSet;

use crate::domain::id::{Digest, EnvId};
use crate::domain::pin::{Pin, Style, Unmanaged};
use crate::sources::git::manifest::Found;

/// The references of one commit as they are deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    /// One for each environment, place that decides, and image.
    pub references: Vec<EffectiveReference>,
    /// What is written and deployed nowhere, with the reason.
    pub unmanaged: Vec<Unmanaged>,
    /// What environments take in and nobody reads here.
    pub unread: BTreeSet<UnreadInput>,
    /// Lines that the renders have accounted for: what is seen there is a part of a reference, or something else
    /// takes its place.
    pub settled: BTreeSet<(String, u32)>,
}

/// Something that an environment takes in and that is not read here: it may deploy anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadInput {
    /// Name of the environment.
    pub environment: EnvId,
    /// What is taken in, as it is written.
    pub name: String,
    /// Where it lies in the repository, where it does.
    pub path: Option<String>,
    /// It is a chart: its values are read.
    pub is_chart: bool,
    /// The file that takes it in.
    pub by: String,
}

/// An image that one environment deploys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveReference {
    /// Name of the environment, as configured or inferred.
    pub environment: EnvId,
    /// The file of the place that decides.
    pub file: String,
    /// That place, with the repository, the tag and the digest that come out in the end.
    pub found: Found,
    /// Other places that have to do with it.
    pub others: BTreeSet<RelatedPlace>,
    /// Why it cannot be decided what comes out, if so.
    pub uncertain: Option<String>,
}

/// What is compared of a reference before and after an edit.
type DeployedFact = (EnvId, String, String, String, Option<String>);

impl Effective {
    /// What edits change besides what they are meant to, if anything: the last proof that nothing else moves. `after` is
    /// the render with all of them made.
    pub fn changes_more(&self, after: &Self, meant: &[MeantEdit]) -> Option<String> {
        let (before, after) = (self.facts(), after.facts());
        let is_meant = |fact: &&DeployedFact, comes: bool| meant.iter().any(|edit| edit.is_meant(fact, comes));
        let came = after.difference(&before).find(|fact| !is_meant(fact, true));
        let went = || before.difference(&after).find(|fact| !is_meant(fact, false));
        let (env, file, _, reference, _) = came.or_else(went)?;
        Some(format!(
            "the edit would also change what {env} deploys: {reference} of {file}; change it by hand"
        ))
    }

    fn facts(&self) -> BTreeSet<DeployedFact> {
        let fact = |one: &EffectiveReference| {
            let found = &one.found;
            let image = found
                .repository
                .as_ref()
                .map_or_else(|| found.written.clone(), ToString::to_string);
            let tag = found.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = found.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
            (
                one.environment.clone(),
                one.file.clone(),
                found.yaml_path.clone(),
                format!("{image}{tag}{digest}"),
                one.uncertain.clone(),
            )
        };
        self.references.iter().map(fact).collect()
    }
}

/// What the edits of one plan are meant to change: the pins of one target, and the loose copies that go along.
#[derive(Debug, Clone)]
pub struct MeantEdit {
    environment: EnvId,
    /// The places that decide the pins: file and path in the YAML stream.
    places: BTreeSet<(String, String)>,
    /// Loose copies that are changed with them, named in the same way.
    copies: BTreeSet<(String, String)>,
    /// The repositories of the pins.
    images: BTreeSet<String>,
    /// What they all name afterwards.
    digest: String,
}

impl MeantEdit {
    /// An edit of these pins (all of one target) and loose copies to a digest; `None` where there is no pin.
    pub fn new(pins: &[&Pin], copies: BTreeSet<(String, String)>, digest: Digest) -> Option<Self> {
        let deciding = || pins.iter().flat_map(|pin| pin.deciding());
        Some(Self {
            environment: pins.first()?.target.environment.clone(),
            places: deciding()
                .map(|location| (location.file.clone(), location.yaml_path.clone()))
                .collect(),
            copies,
            images: deciding().map(|location| location.image.to_string()).collect(),
            digest: digest.to_string(),
        })
    }

    /// Whether this edit is what makes a fact come or go.
    fn is_meant(&self, (environment, file, path, reference, _): &DeployedFact, comes: bool) -> bool {
        let is_place = || {
            let mut places = self.places.iter();
            places.any(|(own, at)| own == file && same_entry(at, path))
        };
        *environment == self.environment
            && (self.copies.contains(&(file.clone(), path.clone())) || is_place())
            && self.images.iter().any(|image| reference.starts_with(image.as_str()))
            && (!comes || reference.ends_with(&self.digest))
    }
}

/// The mapping that a reference stands in: a digest that gets a field of its own moves the pin to that field.
pub(crate) fn entry(path: &str) -> String {
    path.rsplit_once('.').map_or(path, |(entry, _)| entry).to_owned()
}

/// Whether two paths are of one entry.
fn same_entry(a: &str, b: &str) -> bool {
    a == b || entry(a) == entry(b)
}

/// A place that has to do with a reference and does not decide it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelatedPlace {
    /// Path in the repository, `/`-separated.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// How it is written.
    pub style: Style,
    /// What is written there; empty where it is no reference by itself.
    pub reference: String,
    /// Something else was laid over it; else it decides the name.
    pub overridden: bool,
}

//! The references of one commit as they are deployed: what the renderers come to.

use std::collections::BTreeSet;

use crate::domain::id::{Digest, EnvId};
use crate::domain::pin::{Location, Pin, Style, Unmanaged};
use crate::sources::git::manifest::Found;

/// The references of one commit as they are deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    /// One for each environment, place that decides, and image.
    pub references: Vec<EffectiveReference>,
    /// What is written and deployed nowhere, with the reason.
    pub unmanaged: Vec<Unmanaged>,
    /// Lines that the renders have accounted for: what is seen there is a part of a reference, or something else
    /// takes its place.
    pub settled: BTreeSet<(String, u32)>,
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
    /// What an edit of these pins to `digest` changes besides them, if anything: the last proof that nothing else
    /// moves. `after` is the render with the edit made; `copies` are places that were meant too, each by file and path
    /// in the YAML stream.
    pub fn changes_more(&self, after: &Self, pins: &[&Pin], copies: &[(&str, &str)], digest: Digest) -> Option<String> {
        let (before, after) = (self.facts(), after.facts());
        let is_meant = |(env, file, path, ..): &DeployedFact| {
            let is_place = |location: &Location| location.file == *file && same_entry(&location.yaml_path, path);
            let in_env = pins.iter().filter(|pin| pin.target.environment == *env);
            let mut in_env = in_env.peekable();
            let is_copy = in_env.peek().is_some() && copies.contains(&(file.as_str(), path.as_str()));
            is_copy || in_env.flat_map(|pin| pin.deciding()).any(is_place)
        };
        let images: BTreeSet<String> = pins
            .iter()
            .flat_map(|pin| pin.deciding())
            .map(|location| location.image.to_string())
            .collect();
        let is_of_them = |fact: &DeployedFact| images.iter().any(|image| fact.3.starts_with(image.as_str()));
        let text = digest.to_string();
        let came = after
            .difference(&before)
            .find(|fact| !is_meant(fact) || !is_of_them(fact) || !fact.3.ends_with(&text));
        let went = || {
            before
                .difference(&after)
                .find(|fact| !is_meant(fact) || !is_of_them(fact))
        };
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

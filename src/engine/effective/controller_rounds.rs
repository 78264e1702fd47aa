//! What controllers apply: their objects as the kustomizations and controllers around them make them.
//!
//! An object that applies a folder may itself be taken in by kustomizations, which patch it, each in its own way, or be
//! applied by another object. What is rendered tells the objects, and the objects tell what is rendered: both are
//! worked out in rounds, until nothing changes any more.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::sources::git::manifest::{Application, DocumentPart, Kustomization};

use super::files::Files;
use super::generated;
use super::node::SourceSite;
use super::objects::RenderedObject;
use super::patched_controllers;
use super::render::{Rendered, Renderer};
use super::unit_render;
use super::units::{EnvironmentFiles, PlacedApplication, PlacedObjects, RenderSource, RenderUnit};

/// Objects that apply objects, one below the other, are followed so deep.
const ROUNDS: usize = 8;

/// One object of a controller: its file, and which of that file's parts it is.
type ObjectOrigin = (u32, usize);

/// An object as one render makes it.
struct RenderedVersion {
    /// The environments that it is rendered for; `None` = those of its own file.
    environments: Option<BTreeSet<usize>>,
    /// What it applies; `None` = what is written.
    applications: Option<Vec<Application>>,
    /// A patch takes the object away in this render.
    is_removed: bool,
}

impl RenderedVersion {
    /// Whether an object that is taken away here is of no account beside renders that keep it: nobody knows which
    /// environment has the render without it, and what it applies is the same whoever applies it.
    fn is_of_no_account(&self, files: &Files<'_>) -> bool {
        let all = || self.applications.iter().flatten();
        self.is_removed && self.environments.is_none() && !all().any(|one| lays_something(files, one))
    }
}

/// What the renders of one round make of the objects.
#[derive(Default)]
struct RenderedVersions {
    all: BTreeMap<ObjectOrigin, Vec<RenderedVersion>>,
    /// Places that patches laid something over, by what was laid over them.
    beneath: BTreeMap<SourceSite, BTreeSet<SourceSite>>,
}

impl RenderedVersions {
    fn note_beneath(&mut self, object: &RenderedObject) {
        if !object.is_changed {
            return;
        }
        object.body.texts(&mut |_, text| {
            let under: Vec<SourceSite> = text
                .overridden
                .iter()
                .copied()
                .filter(|site| site.found.is_some())
                .collect();
            if !under.is_empty() {
                self.beneath.entry(text.version).or_default().extend(under);
            }
        });
    }
}

/// What the rounds start from.
pub(super) struct ControllerRounds<'a> {
    pub files: &'a Files<'a>,
    /// The environments of a file by its own path.
    pub own: &'a [BTreeSet<usize>],
    /// Names of the environments.
    pub names: &'a [&'a str],
    /// Whether a URL may be this repository's.
    pub is_ours: &'a dyn Fn(&str) -> bool,
}

impl ControllerRounds<'_> {
    /// What is rendered for which environment, once it is known what controllers apply.
    pub(crate) fn environment_files<'p>(&'p self, placed: &'p PlacedObjects) -> EnvironmentFiles<'p> {
        EnvironmentFiles {
            files: self.files,
            own: self.own,
            names: self.names,
            placed,
            is_ours: self.is_ours,
        }
    }

    /// Everything that controllers apply.
    pub(crate) fn all(&self) -> PlacedObjects {
        let written = written(self.files);
        let expanded: BTreeMap<ObjectOrigin, Vec<Rc<Application>>> = written
            .iter()
            .map(|(origin, all)| (*origin, all.iter().flat_map(|one| self.expand(one)).collect()))
            .collect();
        let mut placed = self.place(&written, &expanded, &RenderedVersions::default());
        if written.is_empty() {
            return placed;
        }
        let renderer = Renderer::of_controllers(self.files);
        let mut is_settled = false;
        for _ in 0..ROUNDS {
            let versions = versions(&self.environment_files(&placed), &renderer, &written);
            let next = self.place(&written, &expanded, &versions);
            is_settled = next == placed;
            if is_settled {
                break;
            }
            placed = next;
        }
        if !is_settled {
            doubt_all(&mut placed, "objects apply one another deeper than is followed");
        }
        if renderer.is_exhausted() {
            doubt_all(
                &mut placed,
                "kustomizations take in more objects of controllers than are followed",
            );
        }
        placed
    }

    /// The Applications that one makes: a set makes many.
    fn expand(&self, application: &Application) -> Vec<Rc<Application>> {
        let made = generated::of_set(self.files, application, self.is_ours);
        let all = made.unwrap_or_else(|| vec![application.clone()]);
        all.into_iter().map(Rc::new).collect()
    }

    fn place(
        &self,
        written: &BTreeMap<ObjectOrigin, Vec<&Application>>,
        expanded: &BTreeMap<ObjectOrigin, Vec<Rc<Application>>>,
        versions: &RenderedVersions,
    ) -> PlacedObjects {
        let patches = self.files.only_patches();
        let mut out = PlacedObjects {
            beneath: versions.beneath.clone(),
            ..PlacedObjects::default()
        };
        for (origin, all) in expanded {
            let mut known: Vec<&RenderedVersion> = versions.all.get(origin).into_iter().flatten().collect();
            if known.iter().any(|version| !version.is_removed) {
                known.retain(|version| !version.is_of_no_account(self.files));
            }
            let mut of_object: Vec<PlacedApplication> = Vec::new();
            let mut add = |environments: &Option<BTreeSet<usize>>, application: &Rc<Application>| {
                let one = PlacedApplication {
                    file: origin.0,
                    environments: environments.clone(),
                    application: Rc::clone(application),
                };
                if !of_object.contains(&one) {
                    of_object.push(one);
                }
            };
            if known.iter().all(|version| version.applications.is_none()) {
                // Where nothing changes it, it counts for the environments of its own file.
                if !known.is_empty() || !patches.contains(&origin.0) {
                    all.iter().for_each(|application| add(&None, application));
                }
            } else {
                for version in known {
                    let Some(patched) = &version.applications else {
                        all.iter().for_each(|one| add(&version.environments, one));
                        continue;
                    };
                    let each = patched.iter().flat_map(|one| self.expand(one));
                    each.for_each(|one| add(&version.environments, &one));
                    let before = sites(origin.0, written.get(origin).into_iter().flatten().copied());
                    let after = sites(origin.0, patched.iter());
                    let gone = before.difference(&after);
                    out.gone.extend(gone.map(|site| (*site, version.environments.clone())));
                }
            }
            out.applications.extend(of_object);
        }
        out
    }
}

/// Says of everything that it cannot be decided what is applied.
fn doubt_all(placed: &mut PlacedObjects, why: &str) {
    for one in &mut placed.applications {
        patched_controllers::doubt(Rc::make_mut(&mut one.application), why);
    }
}

/// The places of references in what an object of a file applies.
fn sites<'x>(file: u32, all: impl Iterator<Item = &'x Application>) -> BTreeSet<SourceSite> {
    let mut out = BTreeSet::new();
    for one in all {
        one.clone().each_place(&mut |at| {
            if at.found.is_some() {
                out.insert(SourceSite::new(file, *at));
            }
        });
    }
    out
}

/// The objects of controllers in all files, with what each applies as it is written.
fn written<'f>(files: &Files<'f>) -> BTreeMap<ObjectOrigin, Vec<&'f Application>> {
    let mut out: BTreeMap<ObjectOrigin, Vec<&Application>> = BTreeMap::new();
    for file in 0..files.len() {
        let mut last = 0;
        for (at, part) in files.parts(file).iter().enumerate() {
            match part {
                DocumentPart::Controller(_) => {
                    last = at;
                    out.entry((file, at)).or_default();
                }
                DocumentPart::Application(one) => out.entry((file, last)).or_default().push(one),
                _ => {}
            }
        }
    }
    out
}

/// What every render makes of the objects.
fn versions(
    places: &EnvironmentFiles<'_>,
    renderer: &Renderer<'_>,
    written: &BTreeMap<ObjectOrigin, Vec<&Application>>,
) -> RenderedVersions {
    let mut out = RenderedVersions::default();
    let mut made_of: BTreeSet<u32> = BTreeSet::new();
    let mut take = |rendered: &Rendered, through: Option<u32>, environments: Option<&BTreeSet<usize>>| {
        let objects = rendered.objects.iter().map(|object| (object, false));
        let removed = rendered.removed.iter().map(|object| (object, true));
        for (object, is_removed) in objects.chain(removed) {
            let Some(origin) = object.origin else { continue };
            if !is_removed && through.is_some_and(|file| !object.through.contains(&file)) {
                continue;
            }
            let Some(all) = written.get(&origin) else { continue };
            out.note_beneath(object);
            out.all.entry(origin).or_default().push(RenderedVersion {
                environments: environments.cloned(),
                applications: of(places.files, object, origin.0, all, is_removed),
                is_removed,
            });
        }
    };
    for unit in places.units() {
        match unit.what {
            RenderSource::Chart(_) | RenderSource::Elsewhere(_) => continue,
            RenderSource::Kustomization(file) => made_of.extend(&renderer.kustomization(file).made_of),
            RenderSource::Folder(..) => {}
        }
        if !may_have_objects(places, renderer, &unit) {
            continue;
        }
        let rendered = unit_render::rendered(places, renderer, &unit);
        made_of.extend(&rendered.made_of);
        let environments = (!unit.is_floating).then_some(&unit.environments);
        take(&rendered, unit.through, environments);
    }
    for top in places.outermost().into_iter().filter(|file| !made_of.contains(file)) {
        let rendered = renderer.kustomization(top);
        take(&rendered, None, None);
    }
    out
}

/// Whether a unit may have an object of a controller in it. Most have none, and rendering costs more than looking.
fn may_have_objects(places: &EnvironmentFiles<'_>, renderer: &Renderer<'_>, unit: &RenderUnit<'_>) -> bool {
    let has_one = |file: u32| {
        let rendered = renderer.kustomization(file);
        rendered.objects.iter().any(|object| object.origin.is_some()) || !rendered.removed.is_empty()
    };
    let of_file = |file: &u32| {
        let parts = places.files.parts(*file);
        parts.iter().any(|part| matches!(part, DocumentPart::Controller(_)))
    };
    match &unit.what {
        RenderSource::Chart(_) | RenderSource::Elsewhere(_) => false,
        RenderSource::Kustomization(file) => {
            let brings = |(_, one): (u32, &Application)| !one.overlay.components.is_empty();
            has_one(*file) || unit.by.is_some_and(brings)
        }
        RenderSource::Folder(files, kustomizations) => {
            files.iter().any(of_file) || kustomizations.iter().any(|file| has_one(*file))
        }
    }
}

/// Whether an object lays anything over what it applies, in itself or in a file beside that.
fn lays_something(files: &Files<'_>, application: &Application) -> bool {
    application.overlay != Kustomization::default()
        || !application.values.is_empty()
        || application.path.is_none() && application.pattern.is_none()
        || files.have_source_overrides()
}

/// What an object applies after everything that changed it; `None` where that is what is written.
fn of(
    files: &Files<'_>,
    object: &RenderedObject,
    file: u32,
    written: &[&Application],
    is_removed: bool,
) -> Option<Vec<Application>> {
    if is_removed {
        let mut all: Vec<Application> = written.iter().map(|one| (*one).clone()).collect();
        for one in &mut all {
            patched_controllers::doubt(one, "a patch takes the object away");
            if !lays_something(files, one) {
                // Of a folder that is not known, nothing is different without it.
                one.pattern = None;
            }
        }
        return Some(all);
    }
    if !object.is_changed {
        return None;
    }
    let mut all = patched_controllers::applications(files, object, file);
    for (at, one) in all.iter_mut().enumerate() {
        one.line = written.get(at).or(written.first()).map_or(1, |written| written.line);
    }
    let is_same = |(one, written): (&Application, &&Application)| {
        let renamed = Application {
            name: written.name.clone(),
            ..one.clone()
        };
        renamed == **written
    };
    let is_as_written = all.len() == written.len() && all.iter().zip(written).all(is_same);
    (!is_as_written).then_some(all)
}

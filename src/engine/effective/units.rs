//! What is rendered for which environment: kustomizations that nobody of the same environment takes in, and the folders
//! that controllers apply.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use regex::Regex;

use crate::sources::git::manifest::{
    Application, ApplicationKind, DocumentPart, IncludedFiles, MissingFile, SourceOverride, ValuesLayer,
};

use super::files::{Files, KustomizationUsers, folder_of, join, relative};
use super::node::SourceSite;

/// One thing that is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RenderUnit<'a> {
    /// Indices of the environments.
    pub environments: BTreeSet<usize>,
    pub what: RenderSource,
    /// The object that applies it, with the file that it stands in.
    pub by: Option<(u32, &'a Application)>,
    /// Only what passed through this kustomization belongs to the environments.
    pub through: Option<u32>,
    /// The object may apply it or not: its folder is put in when it is rendered.
    pub is_guess: bool,
    /// The environments are told by what is applied, for the object itself is in none.
    pub is_floating: bool,
}

/// What is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RenderSource {
    Kustomization(u32),
    /// Files, and kustomizations of folders below.
    Folder(Vec<u32>, Vec<u32>),
    /// A chart with these values, lowest first; each names its layer's place.
    Chart(Vec<ValuesSource>),
    Elsewhere(String),
}

/// One layer of values: a file, or values in the object that applies them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValuesSource {
    File(u32),
    Inline(u32, crate::sources::git::manifest::Shape),
    /// Values that are not read here, and why: what lies below them may be another.
    Unread(String),
    /// Values that are not there, and without which nothing is rendered.
    Missing(String),
}

impl ValuesSource {
    /// Why nothing is rendered, if so.
    pub(crate) fn missing(&self) -> Option<&str> {
        match self {
            Self::Missing(why) => Some(why),
            Self::File(_) | Self::Inline(..) | Self::Unread(_) => None,
        }
    }
}

/// A folder or chart that a controller applies, as the kustomizations around its object make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlacedApplication {
    /// The file that its object is written in.
    pub file: u32,
    /// The environments that it is rendered for, where patches make it another than the one that is written; else those
    /// of the file count.
    pub environments: Option<BTreeSet<usize>>,
    pub application: Rc<Application>,
}

/// What is known of the objects of controllers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PlacedObjects {
    /// What they apply.
    pub applications: Vec<PlacedApplication>,
    /// Places in them that patches laid something over, by what was laid over them.
    pub beneath: BTreeMap<SourceSite, BTreeSet<SourceSite>>,
    /// Places in them that patches took away, each with the environments, where those are known.
    pub gone: Vec<(SourceSite, Option<BTreeSet<usize>>)>,
}

/// Whose environments files are.
pub(super) struct EnvironmentFiles<'a> {
    pub files: &'a Files<'a>,
    /// The environments of a file by its own path.
    pub own: &'a [BTreeSet<usize>],
    /// Names of the environments.
    pub names: &'a [&'a str],
    /// What controllers apply.
    pub placed: &'a PlacedObjects,
    /// Whether a URL may be this repository's.
    pub is_ours: &'a dyn Fn(&str) -> bool,
}

impl<'a> EnvironmentFiles<'a> {
    pub(crate) fn of(&self, file: u32) -> &'a BTreeSet<usize> {
        &self.own[file as usize]
    }

    /// Everything that is rendered.
    pub(crate) fn units(&self) -> Vec<RenderUnit<'a>> {
        let mut out = Vec::new();
        let (mut covered, mut doubted) = (BTreeSet::new(), BTreeSet::new());
        for placed in &self.placed.applications {
            self.application(placed, &mut out, (&mut covered, &mut doubted));
        }
        self.roots(&covered, &mut out);
        out
    }

    /// Environments that an object speaks for: one that deploys to another cluster speaks for an environment only if
    /// that cluster's names contain the environment's.
    fn spoken_for(&self, own: &BTreeSet<usize>, application: &Application) -> BTreeSet<usize> {
        let own = own.iter().copied();
        match &application.cluster {
            None => own.collect(),
            Some(words) => own.filter(|env| words.contains(self.names[*env])).collect(),
        }
    }

    fn application(
        &self,
        placed: &'a PlacedApplication,
        out: &mut Vec<RenderUnit<'a>>,
        (covered, doubted): (&mut BTreeSet<(u32, usize)>, &mut BTreeSet<u32>),
    ) {
        let (file, application) = (placed.file, placed.application.as_ref());
        if let Some(pattern) = &application.pattern {
            self.spread(file, application, pattern, out, (covered, doubted));
            self.spread_plain(file, application, pattern, out);
        }
        let elsewhere = application.url.as_deref().filter(|url| !(self.is_ours)(url));
        let own = placed.environments.as_ref().unwrap_or(self.of(file));
        let is_floating = own.is_empty();
        let spoken_for = self.spoken_for(own, application);
        let of = |files: &[u32]| -> BTreeSet<usize> {
            let below = || files.iter().flat_map(|file| self.of(*file)).copied();
            if is_floating {
                below().collect()
            } else if !spoken_for.is_empty() {
                spoken_for.clone()
            } else if placed.environments.is_some() && below().next().is_none() {
                // What it applies is in no environment by itself.
                own.clone()
            } else if placed.environments.is_some() {
                below().collect()
            } else {
                // No name tells, but the object and what it applies lie in one environment.
                below().filter(|env| own.contains(env)).collect()
            }
        };
        let written = application.path.as_deref().filter(|_| elsewhere.is_none());
        let folder = written.and_then(|path| relative("", path));
        let mut add = |environments: BTreeSet<usize>, what| {
            if !environments.is_empty() {
                out.push(RenderUnit {
                    environments,
                    what,
                    by: Some((file, application)),
                    through: None,
                    is_guess: false,
                    is_floating,
                });
            }
        };
        if let Some(url) = elsewhere.filter(|_| application.values.is_empty()) {
            let Some(path) = &application.path else { return };
            return add(spoken_for.clone(), RenderSource::Elsewhere(format!("{path} of {url}")));
        }
        if let Some(kustomization) = folder.as_deref().and_then(|folder| self.files.kustomization_in(folder)) {
            let environments = of(&[kustomization]);
            if self.lays_something_over(folder.as_deref().unwrap_or_default(), application) {
                covered.extend(environments.iter().map(|env| (kustomization, *env)));
            }
            return add(environments, RenderSource::Kustomization(kustomization));
        }
        let chart = folder
            .as_deref()
            .is_some_and(|folder| self.files.exists(&join(folder, "Chart.yaml")));
        if chart || application.path.is_none() || !application.values.is_empty() {
            let layers = self.chart_layers(file, folder.as_deref(), chart, application);
            let files: Vec<u32> = layers
                .iter()
                .filter_map(|layer| match layer {
                    ValuesSource::File(file) => Some(*file),
                    ValuesSource::Inline(..) | ValuesSource::Unread(_) | ValuesSource::Missing(_) => None,
                })
                .collect();
            // Of an object in no environment, the highest file that is in one tells for which the values are.
            let last = files.iter().rev().find(|file| !self.of(**file).is_empty());
            // Values in the object itself are of its own environment.
            let environments = of(last.map_or(&[file][..], std::slice::from_ref));
            return add(environments, RenderSource::Chart(layers));
        }
        let Some(folder) = folder else { return };
        let below = application.what == IncludedFiles::Tree;
        let inside = self.files.in_folder(&folder, below);
        let kustomizations: Vec<u32> = inside
            .iter()
            .copied()
            .filter(|file| application.kind == ApplicationKind::Flux && self.files.kustomization(*file).is_some())
            .collect();
        let is_inside_one = |file: &u32| {
            kustomizations.iter().any(|one| {
                let folder = folder_of(self.files.path(*one));
                self.files
                    .path(*file)
                    .strip_prefix(folder)
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let files: Vec<u32> = inside.into_iter().filter(|file| !is_inside_one(file)).collect();
        let outermost: Vec<u32> = kustomizations
            .iter()
            .copied()
            .filter(|one| {
                !kustomizations.iter().any(|other| {
                    other != one && {
                        let folder = format!("{}/", folder_of(self.files.path(*other)));
                        folder_of(self.files.path(*one)).starts_with(&folder)
                    }
                })
            })
            .collect();
        let environments = of(&files);
        if has_overlay(application) {
            let each = outermost
                .iter()
                .flat_map(|one| environments.iter().map(|env| (*one, *env)));
            covered.extend(each);
        }
        add(environments, RenderSource::Folder(files, outermost));
    }

    /// What an object may lay over every kustomization whose folder its pattern fits.
    fn spread(
        &self,
        file: u32,
        application: &'a Application,
        pattern: &str,
        out: &mut Vec<RenderUnit<'a>>,
        (covered, doubted): (&mut BTreeSet<(u32, usize)>, &mut BTreeSet<u32>),
    ) {
        let may_override = application.kind == ApplicationKind::ArgoCd && self.files.have_source_overrides();
        if !(may_override || has_overlay(application) || application.unread.is_some()) {
            return;
        }
        let Some(fits) = pattern_of(pattern) else { return };
        for (kustomization, _) in self.files.kustomizations() {
            let folder = folder_of(self.files.path(kustomization));
            if !fits.is_match(folder) {
                continue;
            }
            // One doubt is as good as many: objects that cannot be read may fit every folder.
            let lays_something = self.lays_something_over(folder, application);
            if !lays_something && (application.unread.is_none() || !doubted.insert(kustomization)) {
                continue;
            }
            let environments = self.of(kustomization).clone();
            covered.extend(environments.iter().map(|env| (kustomization, *env)));
            if !environments.is_empty() {
                out.push(RenderUnit {
                    environments,
                    what: RenderSource::Kustomization(kustomization),
                    by: Some((file, application)),
                    through: None,
                    is_guess: true,
                    is_floating: false,
                });
            }
        }
    }

    /// The same for plain folders, which Flux applies as they are.
    fn spread_plain(&self, file: u32, application: &'a Application, pattern: &str, out: &mut Vec<RenderUnit<'a>>) {
        if application.kind != ApplicationKind::Flux || !has_overlay(application) {
            return;
        }
        let Some(fits) = pattern_of(pattern) else { return };
        let in_environment = (0..self.files.len()).filter(|file| !self.of(*file).is_empty());
        let folders: BTreeSet<&str> = in_environment.map(|file| folder_of(self.files.path(file))).collect();
        for folder in folders.into_iter().filter(|folder| fits.is_match(folder)) {
            if self.files.kustomization_in(folder).is_some() {
                continue;
            }
            let inside = self.files.in_folder(folder, false);
            let environments = inside.iter().flat_map(|file| self.of(*file)).copied().collect();
            out.push(RenderUnit {
                environments,
                what: RenderSource::Folder(inside, Vec::new()),
                by: Some((file, application)),
                through: None,
                is_guess: true,
                is_floating: false,
            });
        }
    }

    fn chart_layers(
        &self,
        file: u32,
        folder: Option<&str>,
        is_chart: bool,
        application: &Application,
    ) -> Vec<ValuesSource> {
        let chart = folder.filter(|_| is_chart);
        let own = chart.and_then(|folder| self.files.find(&join(folder, "values.yaml")));
        let mut out: Vec<ValuesSource> = own.map(ValuesSource::File).into_iter().collect();
        let over = folder
            .map(|folder| self.overrides(folder, application))
            .unwrap_or_default();
        // A list or text in an overriding file takes the place of the Application's own.
        let own_parameters = over.iter().all(|(_, one)| one.parameters.is_none());
        let last = application.values.len();
        for (at, layer) in application.values.iter().enumerate() {
            let is_parameters = at + 1 == last && matches!(layer, ValuesLayer::Values(_));
            if is_parameters && !own_parameters {
                continue;
            }
            out.extend(self.values(file, layer));
        }
        for (file, one) in over {
            let layers = one.values.iter().chain(&one.parameters);
            out.extend(layers.map(|shape| ValuesSource::Inline(file, shape.clone())));
        }
        out
    }

    /// The layer that a file names.
    pub(crate) fn values(&self, file: u32, layer: &ValuesLayer) -> Option<ValuesSource> {
        match layer {
            ValuesLayer::Unread(why) => Some(ValuesSource::Unread(why.clone())),
            ValuesLayer::File {
                path,
                from,
                url,
                missing,
            } => {
                let said = |what: &str| {
                    Some(ValuesSource::Unread(format!(
                        "the values file {path} may change it: {what}"
                    )))
                };
                if url.as_deref().is_some_and(|url| !(self.is_ours)(url)) {
                    return said("it lies in another repository");
                }
                let Some(at) = self.files.layer_path(file, path, *from) else {
                    return said("it lies outside this repository");
                };
                if let Some(found) = self.files.find(&at) {
                    return Some(ValuesSource::File(found));
                }
                if self.files.is_unread(&at) {
                    return said("it is a link, or too large, and is not read here");
                }
                match missing {
                    MissingFile::Skipped => None,
                    MissingFile::MayBeElsewhere if !self.files.has_folder(folder_of(&at)) => {
                        said("it is not in this repository")
                    }
                    MissingFile::Fails | MissingFile::MayBeElsewhere => Some(ValuesSource::Missing(format!(
                        "the values file {at} is not there, and without it nothing is rendered"
                    ))),
                }
            }
            ValuesLayer::Values(shape) => Some(ValuesSource::Inline(file, shape.clone())),
        }
    }

    /// The files that override an Application's source: for all that use the folder, then for this one.
    pub(crate) fn overrides(&self, folder: &str, application: &Application) -> Vec<(u32, &'a SourceOverride)> {
        if application.kind != ApplicationKind::ArgoCd || !self.files.has_source_override(folder) {
            return Vec::new();
        }
        let names = [
            ".argocd-source.yaml".to_owned(),
            format!(".argocd-source-{}.yaml", application.name),
        ];
        let found = names.iter().filter_map(|name| {
            let file = self.files.find(&join(folder, name))?;
            self.files.parts(file).iter().find_map(|part| match part {
                DocumentPart::SourceOverride(one) => Some((file, one.as_ref())),
                _ => None,
            })
        });
        found.collect()
    }

    fn lays_something_over(&self, folder: &str, application: &Application) -> bool {
        has_overlay(application)
            || self
                .overrides(folder, application)
                .iter()
                .any(|(_, one)| one.images.is_some())
    }

    /// Kustomizations that no other one of the environment takes in.
    fn roots(&self, covered: &BTreeSet<(u32, usize)>, out: &mut Vec<RenderUnit<'a>>) {
        let users = self.files.users();
        let nobody = BTreeSet::new();
        for (file, kustomization) in self.files.kustomizations() {
            if kustomization.component {
                continue;
            }
            let users_of = |file: u32| users.get(&file).unwrap_or(&nobody);
            for env in self.of(file).iter().copied() {
                let taken = users_of(file).iter().any(|user| self.of(*user).contains(&env));
                if taken || covered.contains(&(file, env)) {
                    continue;
                }
                // Kustomizations of no environment that take it in change what comes out.
                let mut tops = BTreeSet::new();
                self.climb(file, users, &mut BTreeSet::new(), &mut tops);
                for top in tops {
                    out.push(RenderUnit {
                        environments: BTreeSet::from([env]),
                        what: RenderSource::Kustomization(top),
                        by: None,
                        through: (top != file).then_some(file),
                        is_guess: false,
                        is_floating: false,
                    });
                }
            }
        }
    }

    fn climb(&self, file: u32, users: &KustomizationUsers, seen: &mut BTreeSet<u32>, tops: &mut BTreeSet<u32>) {
        if !seen.insert(file) {
            return;
        }
        let above = users.get(&file).into_iter().flatten();
        let free: Vec<u32> = above.copied().filter(|user| self.of(*user).is_empty()).collect();
        if free.is_empty() {
            tops.insert(file);
        }
        for user in free {
            self.climb(user, users, seen, tops);
        }
    }

    /// Kustomizations of no environment that no other one takes in.
    pub(crate) fn outermost(&self) -> Vec<u32> {
        let users = self.files.users();
        let all = self.files.kustomizations().filter(|(_, one)| !one.component);
        all.map(|(file, _)| file)
            .filter(|file| self.of(*file).is_empty() && !users.contains_key(file))
            .collect()
    }
}

/// Whether an object lays anything over the kustomization that it applies, wherever that lies.
fn has_overlay(application: &Application) -> bool {
    let overlay = &application.overlay;
    !overlay.images.is_empty() || !overlay.patches.is_empty() || !overlay.components.is_empty()
}

/// The folders that a path fits in which parts are put in when it is rendered.
fn pattern_of(path: &str) -> Option<Regex> {
    let mut out = String::from("^");
    let mut rest = path.trim_start_matches("./").trim_end_matches('/');
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("${")).min() {
        let end = if rest[at..].starts_with("{{") { "}}" } else { "}" };
        out.push_str(&regex::escape(&rest[..at]));
        out.push_str(".*");
        rest = rest[at..]
            .find(end)
            .map_or("", |length| &rest[at + length + end.len()..]);
    }
    out.push_str(&regex::escape(rest));
    out.push('$');
    Regex::new(&out).ok()
}

//! References that no environment deploys, each with its reason: what is written somewhere is never passed over in silence.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use crate::config::left_out::perhaps_left_out;
use crate::domain::pin::Unmanaged;
use crate::sources::git::manifest::{Found, Handle};

use super::files::Files;
use super::node::SourceSite;
use super::render::Renderer;
use super::rendered_environment::RenderedEnvironment;
use super::units::EnvironmentFiles;

const DEAD: &str = "no image that this kustomization deploys has this name, so the entry changes nothing";
pub(super) const GONE: &str = "a patch takes this away before it is deployed";
const SUPERSEDED: &str = "an .argocd-source file beside the manifests takes the place of this list";
const UNKNOWN_OBJECT: &str =
    "a patch or a part of values: what it changes is not in this repository, or cannot be told, or nothing takes it in";
const LOOSE_ELSEWHERE: &str = "in no environment by its own path, and what takes the file in reads no image here";
const IN_NO_ENVIRONMENT: &str =
    "in no environment: the paths of none match this file, and nothing of an environment takes it in";

/// Everything that took part in no render and lies in no environment. Files in `copied` are told elsewhere.
pub(super) fn all(
    places: &EnvironmentFiles<'_>,
    renderer: &Renderer<'_>,
    environments: &[RenderedEnvironment],
    copied: &BTreeSet<String>,
) -> Vec<Unmanaged> {
    let files = places.files;
    let mut out = Vec::new();
    for file in 0..files.len() {
        let path = files.path(file);
        let Some(scan) = files.scan(file).filter(|_| !copied.contains(path)) else {
            continue;
        };
        let is_placed = !places.own[file as usize].is_empty();
        let took_part = |handle: Handle| {
            let mut seen = environments.iter().filter_map(|env| env.seen.get(&file));
            seen.any(|seen| seen.contains(&handle))
        };
        // In a file of an environment, what was found by itself is told by itself.
        let spans: HashSet<&Range<usize>> = match is_placed {
            true => scan
                .found
                .iter()
                .filter_map(|found| found.digest_span.as_ref())
                .collect(),
            false => HashSet::new(),
        };
        let is_told = |handle: Handle, found: &Found| {
            let is_same = || found.digest_span.as_ref().is_some_and(|span| spans.contains(span));
            is_placed && (matches!(handle, Handle::Found(_)) || is_same())
        };
        let rest: Vec<(Handle, &Found)> = scan
            .handles()
            .filter(|(handle, found)| found.names_image() && !took_part(*handle) && !is_told(*handle, found))
            .collect();
        if rest.is_empty() {
            continue;
        }
        let by: Vec<&RenderedEnvironment> = environments.iter().filter(|env| env.rendered.contains(&file)).collect();
        let left_out = perhaps_left_out(path).map(|found| found.reason);
        let without_effect: Vec<WithoutEffect> = by
            .iter()
            .map(|env| WithoutEffect::new(files, renderer, env, file))
            .collect();
        out.extend(rest.into_iter().map(|(handle, found)| {
            let reason = match without_effect.iter().find_map(|env| env.why(handle)) {
                Some(reason) => reason,
                None if is_placed => UNKNOWN_OBJECT,
                None if !by.is_empty() && matches!(handle, Handle::Layered(_)) => UNKNOWN_OBJECT,
                None if !by.is_empty() => LOOSE_ELSEWHERE,
                None => left_out.unwrap_or(IN_NO_ENVIRONMENT),
            };
            unmanaged(path, found, reason)
        }));
    }
    out
}

/// Resources of kustomizations that are not read: which images they name is not known.
pub(super) fn unread_resources(files: &Files<'_>, copied: &BTreeSet<String>) -> Vec<Unmanaged> {
    let mut out = Vec::new();
    for file in 0..files.len() {
        let path = files.path(file);
        let Some(kustomization) = files.kustomization(file).filter(|_| !copied.contains(path)) else {
            continue;
        };
        if perhaps_left_out(path).is_some() {
            continue;
        }
        for written in &kustomization.resources {
            let Some(resource) = files.resolve(file, written) else {
                continue;
            };
            if files.find(&resource).is_some() || files.has_folder(&resource) {
                continue;
            }
            let why = if files.is_unread(&resource) {
                "is not read here (a link, or too large)"
            } else {
                "is not in this commit"
            };
            out.push(Unmanaged {
                file: path.to_owned(),
                line: 1,
                text: written.as_str().into(),
                reason: format!(
                    "the kustomization takes in {resource}, which {why}: the images that it names are not known"
                ),
            });
        }
    }
    out
}

/// The references of a file among places.
pub(super) fn of_file(sites: &BTreeSet<SourceSite>, file: u32) -> impl Iterator<Item = Handle> {
    let first = |file: u32| SourceSite {
        file,
        line: 0,
        found: None,
    };
    let own = sites.range(first(file)..first(file.saturating_add(1)));
    own.filter_map(|site| site.found)
}

/// The references of a file that come out nowhere in one environment, because something takes them away.
pub(super) struct WithoutEffect(HashMap<Handle, &'static str>);

impl WithoutEffect {
    pub(super) fn new(files: &Files<'_>, renderer: &Renderer<'_>, env: &RenderedEnvironment, file: u32) -> Self {
        let mut reasons: HashMap<Handle, &'static str> = HashMap::new();
        for handle in of_file(&env.superseded, file) {
            reasons.insert(handle, SUPERSEDED);
        }
        let mut rules: HashSet<Handle> = HashSet::new();
        let kustomization = files.kustomization(file).filter(|_| env.rendered.contains(&file));
        for rule in kustomization.iter().flat_map(|one| &one.images) {
            let Some(handle) = rule.at.found else { continue };
            // The first entry of a reference decides.
            if rules.insert(handle) && !renderer.is_used(SourceSite::new(file, rule.at)) {
                reasons.entry(handle).or_insert(DEAD);
            }
        }
        for handle in of_file(&env.gone, file) {
            reasons.entry(handle).or_insert(GONE);
        }
        Self(reasons)
    }

    /// Why a reference comes out nowhere, if something takes it away.
    pub(super) fn why(&self, handle: Handle) -> Option<&'static str> {
        self.0.get(&handle).copied()
    }
}

/// A reference that is no pin.
pub(super) fn unmanaged(file: &str, found: &Found, reason: &str) -> Unmanaged {
    Unmanaged {
        file: file.to_owned(),
        line: found.line,
        text: found.reference().into(),
        reason: reason.to_owned(),
    }
}

//! References that no environment deploys, each with its reason: what is written somewhere is never passed over in silence.

use std::collections::BTreeSet;

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
        let is_told = |handle: Handle, found: &Found| {
            let is_same = |other: &Found| other.digest_span.is_some() && other.digest_span == found.digest_span;
            is_placed && (matches!(handle, Handle::Found(_)) || scan.found.iter().any(is_same))
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
        out.extend(rest.into_iter().map(|(handle, found)| {
            let mut changed_nothing = by
                .iter()
                .map(|env| why_changed_nothing(files, renderer, env, file, handle));
            let reason = match changed_nothing.find_map(|reason| reason) {
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

/// Why a reference of a file that is rendered comes out nowhere, where something takes it away.
pub(super) fn why_changed_nothing(
    files: &Files<'_>,
    renderer: &Renderer<'_>,
    env: &RenderedEnvironment,
    file: u32,
    handle: Handle,
) -> Option<&'static str> {
    let is_site = |site: &SourceSite| site.file == file && site.found == Some(handle);
    if env.superseded.iter().any(is_site) {
        return Some(SUPERSEDED);
    }
    let rules = files.kustomization(file).filter(|_| env.rendered.contains(&file));
    let rule = rules.and_then(|one| one.images.iter().find(|rule| rule.at.found == Some(handle)));
    if rule.is_some_and(|rule| !renderer.is_used(SourceSite::new(file, rule.at))) {
        return Some(DEAD);
    }
    env.gone.iter().any(is_site).then_some(GONE)
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

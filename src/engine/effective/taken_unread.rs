//! What an environment takes in and nobody reads here, besides what kustomizations do: folders of other repositories,
//! the templates of charts, and Compose files that others name.

use std::collections::BTreeSet;

use crate::domain::id::EnvId;
use crate::sources::git::manifest::AppliedSourceKind;

use super::compose;
use super::files::{Files, join, relative};
use super::reference::UnreadInput;
use super::render::UnreadPart;
use super::rendered_environment::RenderedEnvironment;
use super::units::{RenderSource, RenderUnit};

/// Everything that an environment takes in and nobody reads here.
pub(super) fn all(files: &Files<'_>, env: &RenderedEnvironment, name: &EnvId) -> Vec<UnreadInput> {
    let each = env.taken_unread.iter().map(|(part, is_chart)| UnreadInput {
        environment: name.clone(),
        name: part.name.clone(),
        path: part.path.clone(),
        is_chart: *is_chart,
        by: files.path(part.by).to_owned(),
    });
    each.collect()
}

/// Notes what a unit applies and nobody reads here.
pub(super) fn of_unit(files: &Files<'_>, unit: &RenderUnit<'_>, environments: &mut [RenderedEnvironment]) {
    if let Some(part) = applied(files, unit) {
        for env in &unit.environments {
            environments[*env].taken_unread.insert(part.clone());
        }
    }
}

/// The same of the files of each environment: `own` are the environments of each file.
pub(super) fn of_files(files: &Files<'_>, own: &[BTreeSet<usize>], environments: &mut [RenderedEnvironment]) {
    for file in 0..files.len() {
        for env in &own[file as usize] {
            environments[*env].taken_unread.extend(of_file(files, file));
        }
    }
}

/// What a unit applies; the last part says whether it is a chart, of which the values are read.
fn applied(files: &Files<'_>, unit: &RenderUnit<'_>) -> Option<(UnreadPart, bool)> {
    let (by, application) = unit.by?;
    match &unit.what {
        RenderSource::Elsewhere(what) => {
            let part = UnreadPart {
                by,
                name: what.clone(),
                path: None,
            };
            Some((part, false))
        }
        RenderSource::Chart(_) => {
            let folder = application.path.as_deref().and_then(|path| relative("", path))?;
            if !files.exists(&join(&folder, "Chart.yaml")) {
                return None;
            }
            let part = UnreadPart {
                by,
                name: folder.clone(),
                path: Some(folder),
            };
            Some((part, true))
        }
        RenderSource::Kustomization(_) | RenderSource::Folder(..) => None,
    }
}

/// What a Compose file takes in from other files, and what a file of variables says about which files are read at all.
fn of_file(files: &Files<'_>, file: u32) -> Vec<(UnreadPart, bool)> {
    let part = |name: String, path| (UnreadPart { by: file, name, path }, false);
    let applied = files.scan(file).map_or(&[][..], |scan| scan.applied.as_slice());
    let all = applied.iter().filter(|one| one.kind == AppliedSourceKind::Compose);
    let mut out: Vec<_> = all
        .flat_map(|one| one.fields.values())
        .map(|written| part(written.clone(), files.resolve(file, written)))
        .collect();
    out.extend(compose::named_files(files, file).map(|written| part(written, None)));
    out
}

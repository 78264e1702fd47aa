//! Renders one unit: a kustomization or a folder, with what its controller lays over it.

use std::rc::Rc;

use crate::sources::git::manifest::{ApplicationKind, Kustomization};

use super::files::folder_of;
use super::render::{RenderOverlay, Rendered, Renderer};
use super::rendered_images::doubt;
use super::units::{EnvironmentFiles, RenderSource, RenderUnit};

/// The objects of a unit; none of a chart, whose objects nobody here knows.
pub(super) fn rendered(places: &EnvironmentFiles<'_>, renderer: &Renderer<'_>, unit: &RenderUnit<'_>) -> Rc<Rendered> {
    let mut rendered = match &unit.what {
        RenderSource::Chart(_) | RenderSource::Elsewhere(_) => return Rc::default(),
        RenderSource::Kustomization(file) => match overlay(places, unit, *file) {
            Some(overlay) => Rc::new(renderer.overlaid(*file, &overlay)),
            None => renderer.kustomization(*file),
        },
        RenderSource::Folder(files, kustomizations) => {
            let overlay = unit.by.map(|(file, application)| RenderOverlay {
                file,
                kustomization: &application.overlay,
                images: None,
                sorts: false,
            });
            Rc::new(renderer.folder(files, kustomizations, overlay.as_ref()))
        }
    };
    if let Some((file, application)) = unit.by.filter(|(_, one)| unit.is_guess || one.unread.is_some()) {
        doubt(Rc::make_mut(&mut rendered), file, application, unit.is_guess);
    }
    rendered
}

/// What the controller lays over a kustomization, if it lays anything over it: what is rendered without it is the same for
/// all who apply it, and rendered once.
fn overlay<'u>(places: &EnvironmentFiles<'u>, unit: &RenderUnit<'u>, kustomization: u32) -> Option<RenderOverlay<'u>> {
    let (file, application) = unit.by?;
    let folder = folder_of(places.files.path(kustomization));
    let over = places.overrides(folder, application);
    let images = over
        .iter()
        .rev()
        .find_map(|(file, one)| Some((*file, one.images.as_deref()?)));
    Some(RenderOverlay {
        file,
        kustomization: &application.overlay,
        images,
        sorts: application.kind == ApplicationKind::ArgoCd,
    })
    .filter(|overlay| overlay.images.is_some() || *overlay.kustomization != Kustomization::default())
}

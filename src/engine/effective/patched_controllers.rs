//! What objects of controllers say after the patches of the kustomizations around them.

use crate::sources::git::manifest::{Application, EmbeddedText, PatchedObject, TextPlace, reread};

use super::files::Files;
use super::objects::RenderedObject;

fn read(files: &Files<'_>, object: &RenderedObject) -> PatchedObject {
    let embedded = |file: u32, number: u32| -> Option<EmbeddedText> {
        let scan = files.scan(file)?;
        scan.embedded.get(number as usize).cloned()
    };
    reread(&object.body.shape(), &embedded)
}

/// A release of Flux as patches make it, if anything changed it.
pub(super) fn release(files: &Files<'_>, object: &RenderedObject) -> Option<RenderedObject> {
    if !(object.is_changed && object.is_whole) {
        return None;
    }
    let read = read(files, object).object;
    let file = object.post_images.0;
    Some(RenderedObject {
        chart: read.chart,
        values_from: read.values_from,
        post_images: (file, read.post_images),
        post_patched: read.post_patched,
        ..object.clone()
    })
}

/// What an object of `file` applies, as patches make it.
pub(super) fn applications(files: &Files<'_>, object: &RenderedObject, file: u32) -> Vec<Application> {
    let mut out = read(files, object).applications;
    let own = |at: &mut TextPlace| at.file = at.file.filter(|other| *other != file);
    for one in &mut out {
        one.each_place(&mut |at| own(at));
        one.name = object.name().to_owned();
        if let Some(why) = &object.unclear {
            doubt(one, why);
        }
    }
    out
}

/// Says of an application that it cannot be decided what it makes of its folder.
pub(super) fn doubt(application: &mut Application, why: &str) {
    let name = &application.name;
    let said = format!("what {name}, which applies it, says cannot be decided: {why}");
    application.unread.get_or_insert(said);
}

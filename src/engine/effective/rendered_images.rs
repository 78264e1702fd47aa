//! What becomes of the images in rendered objects and in the values of charts.

use crate::domain::reference::ImageRef;
use crate::sources::git::manifest::{Application, Found};

use super::files::Files;
use super::images::Rule;
use super::node::RenderedText;
use super::objects::{RenderedObject, is_helm_release};
use super::render::Rendered;
use super::values::ValuesImage;

/// An image that values name, after the entries of `images` that are laid over the chart: its places, and the whole
/// reference where that is not just what is written. `unread` says why what else is laid over the chart cannot be told.
pub(super) fn of_values(
    files: &Files<'_>,
    image: ValuesImage,
    rules: &[Rule],
    unread: Option<&str>,
) -> (RenderedText, Option<String>) {
    let (mut text, mut value) = (image.text, image.value);
    // What stands there may have been taken away in part.
    let digest = |reference: &str| ImageRef::parse(reference).ok().and_then(|image| image.digest);
    if value.is_none()
        && let Some(whole) = image.whole
        && files.found(text.version).is_some_and(|found| found.digest.is_some())
        && digest(&whole).is_none()
    {
        text.read_only
            .get_or_insert_with(|| "a part of it is taken away before it is deployed".to_owned());
        value = Some(whole);
    }
    if let Some(why) = unread {
        text.uncertain.get_or_insert_with(|| why.to_owned());
    }
    let before = value
        .clone()
        .or_else(|| files.found(text.version).map(Found::reference));
    if let Some(before) = before {
        text.value = before;
        let mut changed = false;
        for rule in rules {
            changed |= rule.change(&mut text);
        }
        if changed {
            value = Some(text.value.clone());
        }
    }
    (text, value)
}

/// Says of images that an object changes in a way that is not followed, or perhaps, that they cannot be decided.
pub(super) fn doubt(rendered: &mut Rendered, file: u32, application: &Application, is_guess: bool) {
    let guess = format!(
        "{} may lay something over it: its folder is put in when it is rendered",
        application.name
    );
    for object in &mut rendered.objects {
        object.body.texts_mut(&mut |text| {
            let mut sites = std::iter::once(&text.version)
                .chain(&text.names)
                .chain(&text.overridden);
            let is_changed = sites.any(|site| site.file == file);
            let why = match &application.unread {
                Some(why) => Some(why),
                None if is_guess && is_changed => Some(&guess),
                None => None,
            };
            if let Some(why) = why {
                text.uncertain.get_or_insert_with(|| why.clone());
            }
        });
        if let Some(why) = &application.unread {
            object.is_changed = true;
            object.unclear.get_or_insert_with(|| why.clone());
        }
    }
}

/// The images of rendered objects, without what charts make of their values; `None` where one is uncertain.
pub(super) fn image_texts(rendered: &Rendered) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut is_certain = true;
    let is_written_out =
        |object: &&RenderedObject| !object.kind.is_empty() && !is_helm_release(object) && object.origin.is_none();
    for object in rendered.objects.iter().filter(is_written_out) {
        object.body.texts(&mut |key, text| {
            if is_image(key, text) && (key != "value" || text.version.found.is_some()) {
                out.push(text.value.clone());
                is_certain &= text.uncertain.is_none();
            }
        });
    }
    is_certain.then_some(out)
}

/// Whether a text names an image: one was found there, or something was laid over it.
pub(super) fn is_image(key: &str, text: &RenderedText) -> bool {
    let was_changed = !text.names.is_empty() || !text.overridden.is_empty();
    text.version.found.is_some() || was_changed && !matches!(key, "name" | "$patch")
}

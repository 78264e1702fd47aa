//! Which texts of rendered objects name images.

use super::node::RenderedText;
use super::objects::RenderedObject;
use super::render::Rendered;

/// The images of rendered objects, without what charts make of their values; `None` where one is uncertain.
pub(super) fn image_texts(rendered: &Rendered) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut is_certain = true;
    let is_written_out = |object: &&RenderedObject| !object.kind.is_empty() && !is_helm_release(object);
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

/// Whether an object is one of Flux that deploys a chart.
pub(super) fn is_helm_release(object: &RenderedObject) -> bool {
    object.kind == "HelmRelease" && object.group == "helm.toolkit.fluxcd.io"
}

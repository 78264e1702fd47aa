//! Layers of a chart's values, merged as Helm merges them, and the images that they name.

use crate::domain::reference::{ImageRef, Repository};

use super::node::{RenderNode, RenderedText, SourceSite};

/// Lays values over others: mappings are merged, everything else is replaced, null takes away.
pub(super) fn lay_over(into: &mut RenderNode, over: &RenderNode, gone: &mut Vec<SourceSite>) {
    match over {
        RenderNode::Other => {}
        RenderNode::Map(entries) => {
            if !matches!(into, RenderNode::Map(_)) {
                gone.extend(into.sites());
                *into = RenderNode::Map(Vec::new());
            }
            let RenderNode::Map(known) = into else { return };
            for (key, value) in entries {
                match known.iter().position(|(name, _)| name == key) {
                    Some(at) if *value == RenderNode::Null => gone.extend(known.remove(at).1.sites()),
                    Some(at) => lay_over(&mut known[at].1, value, gone),
                    None if *value == RenderNode::Null => {}
                    None => known.push((key.clone(), value.clone())),
                }
            }
        }
        RenderNode::Text(new) => match into {
            RenderNode::Text(old) => old.replace(new),
            into => {
                gone.extend(into.sites());
                *into = over.clone();
            }
        },
        RenderNode::List(_) | RenderNode::Null => {
            gone.extend(into.sites());
            *into = over.clone();
        }
    }
}

/// An image that values name.
pub(super) struct ValuesImage {
    /// The reference; `None` = as the place that decides says by itself.
    pub value: Option<String>,
    /// The reference that the fields make together, if they make one.
    pub whole: Option<String>,
    pub text: RenderedText,
}

/// The images of merged values.
pub(super) fn images(values: &RenderNode) -> Vec<ValuesImage> {
    let mut out = Vec::new();
    walk(values, &mut out);
    let global = values.get("global");
    let registry = global.and_then(|global| {
        let own = global.text("imageRegistry");
        own.or_else(|| global.get("image")?.text("registry"))
    });
    if let Some(registry) = registry
        .map(|text| text.value.trim_end_matches('/'))
        .filter(|text| !text.is_empty())
    {
        for image in &mut out {
            let inside = |value: &String| value.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'));
            if image.value.as_ref().is_some_and(|value| !inside(value)) {
                image.value = None;
            }
        }
    }
    out
}

fn walk(node: &RenderNode, out: &mut Vec<ValuesImage>) {
    match node {
        RenderNode::Map(entries) => {
            let used = image(node, out);
            for (key, value) in entries {
                match value {
                    RenderNode::Text(text) => {
                        let own = text.version.found.is_some() && key.to_ascii_lowercase().contains("image");
                        if own && used != Some(text.version) {
                            out.push(ValuesImage {
                                value: ImageRef::parse(&text.value).is_ok().then(|| text.value.clone()),
                                whole: None,
                                text: (**text).clone(),
                            });
                        }
                    }
                    value => walk(value, out),
                }
            }
        }
        RenderNode::List(items) => items.iter().for_each(|item| walk(item, out)),
        RenderNode::Text(_) | RenderNode::Null | RenderNode::Other => {}
    }
}

/// A mapping that names an image in several fields. Returns the scalar `image` that it used.
fn image(map: &RenderNode, out: &mut Vec<ValuesImage>) -> Option<SourceSite> {
    let filled = |key: &str| map.text(key).filter(|text| !text.value.trim().is_empty());
    let is_name = |text: &&RenderedText| Repository::parse(&text.value).is_ok();
    let prefixed = filled("imageName")
        .or_else(|| filled("imageRepository"))
        .filter(is_name);
    let is_prefixed = prefixed.is_some() && (filled("imageTag").is_some() || filled("imageDigest").is_some());
    let (digest, tag) = if is_prefixed {
        (filled("imageDigest"), filled("imageTag"))
    } else {
        (
            filled("digest").or_else(|| filled("sha")),
            filled("tag").or_else(|| filled("version")),
        )
    };
    let (name, used) = match prefixed
        .filter(|_| is_prefixed)
        .or_else(|| filled("repository").filter(is_name))
    {
        Some(name) => (name, None),
        None => {
            let name = filled("image").filter(is_name)?;
            (name, Some(name.version))
        }
    };
    let decides = digest.or(tag)?;
    let mut text = decides.clone();
    let registry = map.text("registry").filter(|_| used.is_none());
    let parts: Vec<&RenderedText> = [Some(name), tag, digest, registry].into_iter().flatten().collect();
    // Everything stands in the file that decides: it is what was found there.
    let is_whole = parts.iter().all(|part| part.version.file == text.version.file) && is_whole_there(&parts);
    for part in &parts {
        text.overridden.extend(&part.overridden);
        if part.version.found != text.version.found || part.version.file != text.version.file {
            text.names.push(part.version);
        }
        text.uncertain = text.uncertain.take().or_else(|| part.uncertain.clone());
    }
    // What is empty in a later layer took something away.
    for key in ["tag", "version", "digest", "sha"] {
        if let Some(empty) = map.text(key).filter(|text| text.value.trim().is_empty()) {
            text.overridden.extend(&empty.overridden);
        }
    }
    let mine = (text.version, text.names.clone());
    text.overridden.retain(|site| *site != mine.0 && !mine.1.contains(site));
    let whole = whole(registry, name, tag, digest);
    let value = whole.clone().filter(|_| !is_whole);
    if value.is_some() || is_whole {
        out.push(ValuesImage { value, whole, text });
    }
    used
}

/// Whether the parts of an image are one reference of one file.
fn is_whole_there(parts: &[&RenderedText]) -> bool {
    let found: Vec<_> = parts.iter().filter_map(|part| part.version.found).collect();
    found.windows(2).all(|pair| pair[0] == pair[1]) && !found.is_empty()
}

/// The reference that the fields make together.
fn whole(
    registry: Option<&RenderedText>,
    name: &RenderedText,
    tag: Option<&RenderedText>,
    digest: Option<&RenderedText>,
) -> Option<String> {
    let registry = registry
        .map(|text| text.value.trim_end_matches('/'))
        .filter(|text| !text.is_empty());
    let mut out = match registry {
        Some(registry) => format!("{registry}/{}", name.value),
        None => name.value.clone(),
    };
    let (mut tag, mut digest) = (
        tag.map(|text| text.value.as_str()),
        digest.map(|text| text.value.trim().to_owned()),
    );
    if let Some((label, bytes)) = tag.and_then(|text| text.split_once('@')) {
        tag = Some(label).filter(|label| !label.is_empty());
        digest = digest.or_else(|| Some(bytes.to_owned()));
    } else if tag.is_some_and(|text| text.starts_with("sha256:")) {
        digest = digest.or_else(|| tag.map(str::to_owned));
        tag = None;
    }
    if let Some(tag) = tag {
        out.push(':');
        out.push_str(tag);
    }
    if let Some(digest) = digest {
        out.push('@');
        if digest.len() == 64 {
            out.push_str("sha256:");
        }
        out.push_str(&digest);
    }
    ImageRef::parse(&out).is_ok().then_some(out)
}

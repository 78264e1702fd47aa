//! Image-promoter lists: `{name, dmap: {digest: [tags]}}`; digests are mapping keys.

use super::found::DetectionRule;
use super::output::{Fields, FoundBy, Output};
use super::tree::{Id, Kind, Tree};
use crate::domain::pin::Style;

const HOW: FoundBy = FoundBy {
    style: Style::Promoter,
    kind: "promoter/dmap",
    rule: DetectionRule::PromoterList,
};

fn list(tree: &Tree<'_>, root: Id) -> Id {
    tree.get(root, "images").unwrap_or(root)
}

/// Whether a document is such a list.
pub(super) fn matches(tree: &Tree<'_>, root: Id) -> bool {
    let items = tree.items(list(tree, root));
    !items.is_empty()
        && items.iter().all(|item| {
            let dmap = tree.get(*item, "dmap").map(|id| tree.resolve(id));
            tree.get(*item, "name").is_some() && dmap.is_some_and(|id| matches!(tree.node(id).kind, Kind::Map(..)))
        })
}

/// Reads a list of an image promoter: `{name, dmap}`.
pub(super) fn read(tree: &Tree<'_>, root: Id, out: &mut Output) {
    let registry = source(tree, root);
    for item in tree.items(list(tree, root)) {
        let (Some(name), Some(dmap)) = (tree.get(*item, "name"), tree.get(*item, "dmap")) else {
            continue;
        };
        if !out.first_time(tree, dmap) {
            continue;
        }
        let written = tree.text_of(name).unwrap_or("").to_owned();
        // Without its registries, a bare name says nothing about where the image lives.
        let image = registry.map_or_else(String::new, |r| format!("{r}/{written}"));
        for (digest, tags) in tree.entries(dmap) {
            out.fields(
                tree,
                HOW,
                Fields {
                    written: written.clone(),
                    image: Some(image.clone()),
                    name: Some(name),
                    tag: tree.items(*tags).first().copied(),
                    digest: Some(*digest),
                    ..Fields::default()
                },
            );
        }
    }
}

fn source<'t>(tree: &'t Tree<'_>, root: Id) -> Option<&'t str> {
    let registries = tree.items(tree.get(root, "registries")?);
    let source = registries
        .iter()
        .find(|r| tree.text_at(**r, &["src"]) == Some("true"))?;
    tree.text_at(*source, &["name"])
}

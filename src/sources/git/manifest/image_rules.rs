//! Entries of Kustomize's `images` lists, wherever they stand.

use serde::{Deserialize, Serialize};

use super::shape::{Handle, TextPlace};
use super::tree::{Id, Tree};

/// An entry of an `images` list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRule {
    /// Which images it changes: a regular expression for the whole name.
    pub name: String,
    /// `newName`; empty where there is none.
    pub new_name: String,
    /// `newTag`; empty where there is none.
    pub new_tag: String,
    /// `digest`; empty where there is none.
    pub digest: String,
    /// `tagSuffix`; empty where there is none.
    pub tag_suffix: String,
    /// Where it stands.
    pub at: TextPlace,
}

/// Tells the reference that an entry of an `images` list is.
pub(super) type RuleReader<'a> = dyn Fn(Id) -> Option<Handle> + 'a;

/// Reads an `images` list.
pub(super) fn read(tree: &Tree<'_>, list: Option<Id>, rule: &RuleReader<'_>) -> Vec<ImageRule> {
    let items = list.map_or(&[][..], |id| tree.items(id));
    let each = items.iter().filter_map(|item| {
        let text = |key| {
            let value = tree.get(*item, key).and_then(|id| tree.filled(id));
            value.unwrap_or_default().to_owned()
        };
        let parts = ["digest", "newTag", "newName", "name"];
        let scalar = parts.iter().find_map(|key| tree.get(*item, key));
        let found = parts.iter().find_map(|key| rule(tree.resolve(tree.get(*item, key)?)));
        Some(ImageRule {
            name: Some(text("name")).filter(|name| !name.is_empty())?,
            new_name: text("newName"),
            new_tag: text("newTag"),
            digest: text("digest"),
            tag_suffix: text("tagSuffix"),
            at: TextPlace {
                line: scalar.map_or(tree.node(*item).line, |id| tree.node(id).line),
                found,
                file: None,
            },
        })
    });
    each.collect()
}

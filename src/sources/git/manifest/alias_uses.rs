//! Where an anchored scalar turns up again: every alias of it, of what contains it, and of what contains
//! those aliases in turn.

use std::collections::{HashSet, VecDeque};

use super::found::AliasUse;
use super::tree::{Id, Tree};

/// Lists them, nearest first, at most `room`; `None` if there are more. `parts` are the entries of one
/// mapping that a pin is made of: where one of them has another value, it is not this pin that arrives.
pub(super) fn list(tree: &Tree<'_>, holder: Id, parts: &[Id], room: usize) -> Option<Vec<AliasUse>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    // A node that turns up elsewhere, and the path from it down to the scalar.
    let mut open = VecDeque::from([(holder, String::new())]);
    while let Some((node, tail)) = open.pop_front() {
        let mut from = Some(node);
        let mut child = node;
        while let Some(id) = from {
            for &alias in tree.aliases(id) {
                if !seen.insert(alias) {
                    continue;
                }
                if found.len() == room {
                    return None;
                }
                let below = format!("{}{tail}", tree.below(id, node));
                let overridden = !arrives(tree, alias, id, child, parts);
                found.push(AliasUse {
                    line: tree.node(alias).line,
                    yaml_path: format!("{}{below}", tree.path(alias)),
                    overridden,
                });
                if !overridden {
                    open.push_back((alias, below));
                }
            }
            child = id;
            from = tree.parent(id);
        }
    }
    Some(found)
}

/// Whether the pin is there as it is, where `alias` brings `from`, which contains it (or is its scalar).
fn arrives(tree: &Tree<'_>, alias: Id, from: Id, child: Id, parts: &[Id]) -> bool {
    let into = tree.merged_into(alias);
    if let Some(into) = into
        && let Some(key) = tree.key_of(child)
        && tree.get(into, key) != Some(child)
    {
        return false;
    }
    let image = if from == child {
        tree.parent(alias)
    } else if parts.iter().any(|part| tree.parent(*part) == Some(from)) {
        into.or(Some(from))
    } else {
        None
    };
    image.is_none_or(|image| {
        parts.iter().all(|part| {
            let there = tree.key_of(*part).and_then(|key| tree.get(image, key));
            there.and_then(|value| tree.text_of(value)) == tree.text_of(*part)
        })
    })
}

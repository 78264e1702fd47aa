//! Helmfile: inline values and `set` of releases.

use super::found::DetectionRule;
use super::helm_values::{self, ImageStrings};
use super::output::{FoundBy, Output};
use super::parameters;
use super::tree::{Id, Tree};
use crate::domain::pin::Style;

const fn how(kind: &'static str) -> FoundBy {
    FoundBy {
        style: Style::Helmfile,
        kind,
        rule: DetectionRule::HelmfileOrCompose,
    }
}

/// Reads a Helmfile: the values and `set` entries of its releases.
pub(super) fn read(tree: &Tree<'_>, root: Id, out: &mut Output) {
    let releases = tree.get(root, "releases").map_or(&[][..], |id| tree.items(id));
    for release in releases {
        if !out.first_time(tree, *release) {
            continue;
        }
        for key in ["values", "valuesTemplate"] {
            let list = tree.get(*release, key).filter(|id| out.first_time(tree, *id));
            for item in list.map_or(&[][..], |id| tree.items(id)) {
                helm_values::values(
                    tree,
                    *item,
                    out,
                    how("helmfile/values/split"),
                    how("helmfile/values/string"),
                    ImageStrings::Any,
                );
            }
        }
        for key in ["set", "setString", "setTemplate"] {
            if let Some(list) = tree.get(*release, key) {
                parameters::read(tree, list, out, how("helmfile/set"), false);
            }
        }
    }
}

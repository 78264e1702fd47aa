//! What would undo or void an edit: automation that writes the same field, and controllers that
//! would not act on it.

use super::found::Warning;
use super::tree::{Id, Tree};

/// Warnings kept of one file.
const MAX_WARNINGS: usize = 5_000;

/// Files that configure robots which rewrite images in the whole repository.
///
/// Returns who, for a path `/`-separated from the repository's root.
pub(crate) fn repository_updater(path: &str) -> Option<&'static str> {
    match path {
        "renovate.json"
        | "renovate.json5"
        | ".github/renovate.json"
        | ".github/renovate.json5"
        | ".gitlab/renovate.json"
        | ".gitlab/renovate.json5"
        | ".renovaterc"
        | ".renovaterc.json"
        | ".renovaterc.json5" => Some("Renovate"),
        ".github/dependabot.yml" | ".github/dependabot.yaml" => Some("Dependabot"),
        _ => None,
    }
}

/// Flux's markers: image automation writes the field on that line, or the one below.
pub(super) fn markers(text: &str, tree: &Tree<'_>, out: &mut Vec<Warning>) {
    if !text.contains("$imagepolicy") {
        return;
    }
    let room = MAX_WARNINGS.saturating_sub(out.len());
    let starts: Vec<u32> = tree.roots.iter().map(|root| tree.node(*root).line).collect();
    let marked = |line: &'_ str| line.contains("$imagepolicy") && line.contains('#');
    for (number, line) in (1u32..).zip(text.lines()).filter(|(_, line)| marked(line)).take(room) {
        let Some((before, marker)) = line.split_once('#').filter(|(_, rest)| rest.contains("$imagepolicy")) else {
            continue;
        };
        let policy = marker
            .split('"')
            .nth(3)
            .map(|p| p.split(':').take(2).collect::<Vec<_>>().join(":"))
            .unwrap_or_default();
        let document = starts.partition_point(|start| *start <= number).saturating_sub(1);
        let alone = before.trim().is_empty();
        out.push(Warning {
            line: number,
            text: format!(
                "Flux image automation (policy {}) writes this field and would undo the edit",
                policy.replace(':', "/")
            ),
            document: u32::try_from(document).ok(),
            field: Some(number + u32::from(alone)),
            policy: Some(policy),
        });
    }
}

/// Annotations, suspension and switched-off sync of one document.
pub(super) fn document(tree: &Tree<'_>, root: Id, index: u32, out: &mut Vec<Warning>) {
    let mut warn = |line: u32, text: String| {
        out.push(Warning {
            line,
            text,
            document: Some(index),
            field: None,
            policy: None,
        });
    };
    let text = |path: &[&str]| tree.text_at(root, path);
    let (Some(api), Some(kind)) = (text(&["apiVersion"]), text(&["kind"])) else {
        return;
    };
    let name = text(&["metadata", "name"]).unwrap_or("?");
    if let Some(annotations) = tree.at(root, &["metadata", "annotations"]) {
        let list = tree.entries(annotations).iter().find(|(key, _)| {
            tree.text_of(*key)
                .is_some_and(|k| k.starts_with("argocd-image-updater.argoproj.io/"))
        });
        if let Some((key, _)) = list {
            warn(
                tree.node(*key).line,
                format!("Argo CD Image Updater is switched on for {kind} {name} and may overrule or undo the edit"),
            );
        }
    }
    let suspended = tree
        .at(root, &["spec", "suspend"])
        .filter(|id| tree.text_of(*id) == Some("true"));
    if let Some(id) =
        suspended.filter(|_| api.contains(".fluxcd.io/") && kind != "ImageUpdateAutomation" || kind == "CronJob")
    {
        warn(
            tree.node(id).line,
            format!("{kind} {name} is suspended: the edit does nothing until it is resumed"),
        );
    }
    if api.starts_with("argoproj.io/") && kind == "Application" {
        let policy = tree.at(root, &["spec", "syncPolicy", "automated"]);
        let off = policy.is_none_or(|p| tree.text_at(p, &["enabled"]) == Some("false"));
        if off {
            let at = tree
                .at(root, &["spec", "syncPolicy"])
                .or_else(|| tree.get(root, "spec"))
                .unwrap_or(root);
            warn(
                tree.node(at).line,
                format!("Application {name} does not sync by itself: somebody must sync it after the edit"),
            );
        }
    }
}

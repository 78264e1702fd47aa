//! Lists of `{name: image.tag, value: v1}` as Argo CD and Helmfile have them.

use std::collections::HashMap;

use super::output::{Fields, FoundBy, Output};
use super::reference_text;
use super::tree::{Id, Tree};
use super::typed_scalars;
use crate::domain::pin::Style;

#[derive(Default)]
struct ParameterGroup {
    registry: Option<Id>,
    repository: Option<Id>,
    tag: Option<Id>,
    digest: Option<Id>,
}

/// Reads such a list. With `parts`, what names only a tag or digest is a part of an image that other values name.
pub(super) fn read(tree: &Tree<'_>, list: Id, out: &mut Output, how: FoundBy, parts: bool) {
    if !out.first_time(tree, list) {
        return;
    }
    let mut groups: Vec<(&str, ParameterGroup)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for item in tree.items(list) {
        let (Some(name), Some(value)) = (tree.text_at(*item, &["name"]), tree.get(*item, "value")) else {
            continue;
        };
        let (prefix, last) = name.rsplit_once('.').unwrap_or(("", name));
        if last == "image" {
            let versioned = tree
                .filled(value)
                .and_then(reference_text::parse)
                .is_some_and(|p| p.tag.is_some() || p.digest.is_some());
            if versioned {
                out.reference(tree, value, how);
                continue;
            }
        }
        let (prefix, slot): (&str, fn(&mut ParameterGroup) -> &mut Option<Id>) = match last {
            "registry" => (prefix, |g| &mut g.registry),
            "repository" => (prefix, |g| &mut g.repository),
            "tag" => (prefix, |g| &mut g.tag),
            "digest" => (prefix, |g| &mut g.digest),
            _ => continue,
        };
        let place = *places.entry(prefix).or_insert_with(|| {
            groups.push((prefix, ParameterGroup::default()));
            groups.len() - 1
        });
        *slot(&mut groups[place].1) = Some(value);
    }
    for (prefix, group) in &groups {
        emit(tree, prefix, group, out, how, parts);
    }
}

/// Why the version is not what is written, if so: Argo CD refuses what is no text, Helmfile hands on what it reads.
fn uncertain(tree: &Tree<'_>, group: &ParameterGroup, style: Style) -> Option<String> {
    let decides = group.digest.filter(|id| tree.filled(*id).is_some()).or(group.tag)?;
    match style {
        Style::Argocd if typed_scalars::is_typed(tree, decides) => {
            Some("Argo CD refuses a parameter whose value is no text: quote it".to_owned())
        }
        Style::Argocd => None,
        _ => typed_scalars::changed_by_helm(tree, decides),
    }
}

fn emit(tree: &Tree<'_>, prefix: &str, group: &ParameterGroup, out: &mut Output, how: FoundBy, parts: bool) {
    let text = |id: Option<Id>| id.and_then(|id| tree.filled(id));
    if text(group.tag).is_none() && text(group.digest).is_none() {
        return;
    }
    let last = prefix.rsplit('.').next().unwrap_or("");
    if group.repository.is_none() && !parts && !last.to_ascii_lowercase().ends_with("image") {
        return;
    }
    let written = text(group.repository).unwrap_or("").to_owned();
    let image = match (text(group.registry), written.as_str()) {
        (_, "") => String::new(),
        (Some(registry), repository) => format!("{}/{repository}", registry.trim_end_matches('/')),
        (None, repository) => repository.to_owned(),
    };
    let templated = [group.repository, group.tag, group.digest]
        .into_iter()
        .filter_map(text)
        .any(|text| text.contains("{{"));
    let read_only = if templated {
        Some("part of it is put in when the manifest is rendered")
    } else if written.is_empty() && !parts {
        Some("the image itself is named in the chart, not here")
    } else {
        None
    };
    out.fields(
        tree,
        how,
        Fields {
            written,
            image: Some(image),
            name: group.repository,
            tag: group.tag,
            digest: group.digest,
            uncertain: uncertain(tree, group, how.style),
            // Parameters are text for the chart: a digest rides in the tag.
            embed: true,
            read_only: read_only.map(str::to_owned),
            ..Fields::default()
        },
    );
}

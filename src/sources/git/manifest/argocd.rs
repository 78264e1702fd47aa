//! Argo CD Application and ApplicationSet: what a source overrides in its chart or kustomization.

use super::found::DetectionRule;
use super::helm_values::{self, ImageStrings};
use super::nested::Mapping;
use super::output::{FoundBy, Output};
use super::parameters;
use super::reference_text::{self, Parts};
use super::tree::{Id, Kind, Tree};
use crate::domain::pin::Style;

const fn how(kind: &'static str) -> FoundBy {
    FoundBy {
        style: Style::Argocd,
        kind,
        rule: DetectionRule::ArgoCd,
    }
}

/// Reads one. Sources are looked for at any depth: ApplicationSets contain templates in templates.
pub(super) fn read(tree: &Tree<'_>, id: Id, out: &mut Output) {
    match &tree.node(id).kind {
        Kind::Map(entries, _) => {
            for (key, value) in entries {
                match tree.text_of(*key) {
                    Some("source") => source(tree, *value, out),
                    Some("sources") => {
                        for item in tree.items(*value) {
                            source(tree, *item, out);
                        }
                    }
                    Some("status" | "operation") => {}
                    _ => read(tree, *value, out),
                }
            }
        }
        Kind::Seq(items) => {
            for item in items {
                read(tree, *item, out);
            }
        }
        Kind::Scalar(..) | Kind::Alias(_) => {}
    }
}

/// Reads what one source overrides.
pub(super) fn source(tree: &Tree<'_>, source: Id, out: &mut Output) {
    if !out.first_time(tree, source) {
        return;
    }
    let list = |path: &[&str]| tree.at(source, path).map_or(&[][..], |id| tree.items(id));
    for item in list(&["kustomize", "images"]) {
        image(tree, *item, out);
    }
    if let Some(parameters) = tree.at(source, &["helm", "parameters"]) {
        parameters::read(tree, parameters, out, how("argocd/helm.parameters"), false);
    }
    if let Some(values) = tree.at(source, &["helm", "valuesObject"]) {
        helm_values::values(
            tree,
            values,
            out,
            how("argocd/helm.valuesObject/split"),
            how("argocd/helm.valuesObject/string"),
            ImageStrings::Any,
        );
    }
    if let Some(values) = tree.at(source, &["helm", "values"]) {
        block(tree, values, out);
    }
}

/// `[old=]new[:tag][@digest]`; `*` keeps the old name. Argo CD hands it to `kustomize edit set image`.
pub(super) fn image(tree: &Tree<'_>, item: Id, out: &mut Output) {
    let Some(text) = tree.filled(item) else { return };
    let (old, start) = text
        .split_once('=')
        .map_or((None, 0), |(old, _)| (Some(old), old.len() + 1));
    let base = tree.verbatim(tree.resolve(item)).map(|v| v.start + start);
    let rest = &text[start..];
    let templated = rest
        .contains("{{")
        .then(|| "part of it is put in when the set is rendered".to_owned());
    let parts = match reference_text::parse(rest) {
        Some(parts) => parts,
        None => match reference_text::split(rest).filter(|p| &rest[p.name.clone()] == "*" || templated.is_some()) {
            Some(parts) => parts,
            None => match loosely(rest).filter(|_| templated.is_some()) {
                Some(parts) => parts,
                None => return out.unmanaged(tree.node(item).line, text, "this is not an image override"),
            },
        },
    };
    let kept = (&rest[parts.name.clone()] == "*").then(|| old.unwrap_or("").to_owned());
    out.within(
        tree,
        item,
        how("argocd/kustomize.images"),
        rest,
        &parts,
        base,
        |offset| offset,
        kept,
        templated,
    );
}

/// Name and tag of a text that contains template expressions.
fn loosely(text: &str) -> Option<Parts> {
    let last = text.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match text[last..].split_once(':') {
        Some((name, _)) => (0..last + name.len(), Some(last + name.len() + 1..text.len())),
        None => (0..text.len(), None),
    };
    (!name.is_empty() && tag.as_ref().is_none_or(|t| !t.is_empty())).then_some(Parts {
        name,
        tag,
        digest: None,
    })
}

/// `helm.values: |`: a values file as a text.
fn block(tree: &Tree<'_>, values: Id, out: &mut Output) {
    let Some((text, mapping)) = Mapping::of(tree, values) else {
        return;
    };
    let inner = Tree::read(text);
    if inner.stopped.is_some() {
        return;
    }
    out.claim(tree.resolve(values));
    out.within_text(mapping, |out| {
        for &root in &inner.roots {
            helm_values::values(
                &inner,
                root,
                out,
                how("argocd/helm.values/split"),
                how("argocd/helm.values/string"),
                ImageStrings::Any,
            );
            super::loose::document(&inner, root, out, false);
        }
    });
}

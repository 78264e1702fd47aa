//! Flux: Kustomization, HelmRelease, OCIRepository.

use super::file_scan::{OCI_REPOSITORY, ObjectName, OciSource};
use super::found::DetectionRule;
use super::helm_values::{self, ImageStrings};
use super::kustomize;
use super::output::{Fields, FoundBy, Output};
use super::tree::{Id, Tree};
use crate::domain::pin::Style;

const fn how(kind: &'static str, rule: DetectionRule) -> FoundBy {
    FoundBy {
        style: Style::Flux,
        kind,
        rule,
    }
}

/// A Flux `Kustomization`: `spec.images` is Kustomize's list.
pub(super) fn kustomization(tree: &Tree<'_>, root: Id, out: &mut Output) {
    if let Some(images) = tree.at(root, &["spec", "images"]) {
        kustomize::list(
            tree,
            images,
            out,
            how("flux/kustomization.images", DetectionRule::FluxImages),
        );
    }
    post_renderers(tree, root, out);
}

/// A `HelmRelease`: inline values and post renderers.
pub(super) fn helm_release(tree: &Tree<'_>, root: Id, out: &mut Output) {
    post_renderers(tree, root, out);
    if let Some(values) = tree.at(root, &["spec", "values"]) {
        helm_values::values(
            tree,
            values,
            out,
            how("flux/helmrelease.values/split", DetectionRule::FluxSource),
            how("flux/helmrelease.values/string", DetectionRule::FluxSource),
            ImageStrings::Any,
        );
    }
}

fn post_renderers(tree: &Tree<'_>, root: Id, out: &mut Output) {
    let Some(list) = tree.at(root, &["spec", "postRenderers"]) else {
        return;
    };
    for item in tree.items(list) {
        if let Some(images) = tree.at(*item, &["kustomize", "images"]) {
            kustomize::list(
                tree,
                images,
                out,
                how("flux/post-renderer.images", DetectionRule::FluxImages),
            );
        }
    }
}

/// An `OCIRepository`: `ref.digest` wins over `ref.semver`, which wins over `ref.tag`.
pub(super) fn oci_repository(tree: &Tree<'_>, root: Id, out: &mut Output) {
    let Some(url) = tree.at(root, &["spec", "url"]) else {
        return;
    };
    let Some(written) = tree.filled(url).and_then(|text| text.strip_prefix("oci://")) else {
        return;
    };
    let reference = |key| tree.at(root, &["spec", "ref", key]);
    let filled = |key| reference(key).filter(|id| tree.filled(*id).is_some());
    let semver = filled("semver");
    let has_digest = filled("digest").is_some();
    let reason = if has_digest && (semver.is_some() || filled("tag").is_some()) {
        Some("`digest` wins over the tag and the version range beside it".to_owned())
    } else if let (Some(id), false) = (semver, has_digest) {
        Some(format!(
            "the version range {:?} decides",
            tree.text_of(id).unwrap_or("")
        ))
    } else if filled("tag").is_none() && !has_digest {
        Some("without `ref`, Flux takes the tag `latest`".to_owned())
    } else {
        None
    };
    out.fields(
        tree,
        how(OCI_REPOSITORY, DetectionRule::FluxSource),
        Fields {
            written: written.to_owned(),
            name: Some(url),
            // A range decides over a tag, so that tag is not what is pinned.
            tag: filled("tag").filter(|_| semver.is_none() || has_digest),
            beside: semver,
            digest: reference("digest"),
            key: (semver.is_some() || filled("tag").is_some()).then_some("digest"),
            tag_removable: true,
            reason,
            ..Fields::default()
        },
    );
}

/// The names of an `OCIRepository`, and whether it says that the artifact is a chart.
pub(super) fn oci_source(tree: &Tree<'_>, root: Id) -> OciSource {
    let media_type = tree.text_at(root, &["spec", "layerSelector", "mediaType"]);
    OciSource {
        document: tree.document_of(root),
        name: object_name(tree, root, &["metadata"]),
        is_chart: media_type.is_some_and(|kind| kind.starts_with("application/vnd.cncf.helm.chart")),
    }
}

/// The `OCIRepository` that a `HelmRelease` takes its chart from.
pub(super) fn chart_source(tree: &Tree<'_>, root: Id) -> Option<ObjectName> {
    let is_oci = tree.text_at(root, &["spec", "chartRef", "kind"]) == Some("OCIRepository");
    let mut name = is_oci.then(|| object_name(tree, root, &["spec", "chartRef"]))?;
    if name.namespace.is_empty() {
        name.namespace = object_name(tree, root, &["metadata"]).namespace;
    }
    Some(name)
}

fn object_name(tree: &Tree<'_>, root: Id, path: &[&str]) -> ObjectName {
    let text = |key| {
        let at = tree.at(root, path)?;
        Some(tree.text_at(at, &[key])?.to_owned())
    };
    ObjectName {
        namespace: text("namespace").unwrap_or_default(),
        name: text("name").unwrap_or_default(),
    }
}

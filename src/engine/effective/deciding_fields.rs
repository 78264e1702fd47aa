//! Which fields of a controller's object have to do with what it deploys.

use crate::sources::git::manifest::Replacement;

use super::config_maps::may_be_of_image;
use super::objects::RenderedObject;

/// Fields of `spec` that decide when, as whom and into which namespace something is applied, not what.
const OTHER: [&str; 37] = [
    "commonMetadata",
    "decryption",
    "deletionPolicy",
    "dependsOn",
    "driftDetection",
    "force",
    "goTemplate",
    "goTemplateOptions",
    "healthCheckExprs",
    "healthChecks",
    "ignoreDifferences",
    "info",
    "install",
    "interval",
    "maxHistory",
    "persistentClient",
    "preservedFields",
    "project",
    "prune",
    "releaseName",
    "retryInterval",
    "revisionHistoryLimit",
    "rollback",
    "serviceAccountName",
    "storageNamespace",
    "strategy",
    "suspend",
    "syncPolicy",
    "syncWindows",
    "targetNamespace",
    "test",
    "timeout",
    "uninstall",
    "upgrade",
    "wait",
    "applyNestedSelectors",
    "ignoreApplicationDifferences",
];

/// Whether a replacement may decide which images an object deploys.
pub(super) fn may_decide(object: &RenderedObject, replacement: &Replacement) -> bool {
    match object.is_whole {
        true => replacement.fields.iter().any(|field| decides(field)),
        false => replacement.writes_images,
    }
}

/// Whether a field of a controller's object may decide what it deploys, by its path with dots.
fn decides(path: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match first {
        "metadata" | "status" => return false,
        "spec" => {}
        _ => return true,
    }
    // A set's own fields, or those of the Applications that it makes.
    let rest = match rest.strip_prefix("template.") {
        Some(template) if template.starts_with("metadata") => return false,
        Some(template) => template.strip_prefix("spec.").unwrap_or(template),
        None => rest,
    };
    let field = rest.split(['.', '[']).next().unwrap_or_default();
    if OTHER.contains(&field) || rest == "destination.namespace" {
        return false;
    }
    let values = ["values.", "source.helm.valuesObject."]
        .iter()
        .find_map(|above| rest.strip_prefix(above));
    values.is_none_or(may_be_of_image)
}

#[cfg(test)]
mod tests {
    use super::decides;

    #[test]
    fn what_decides_a_folder_a_source_or_an_image() {
        for path in [
            "",
            "spec",
            "*",
            "spec.path",
            "spec.sourceRef.name",
            "spec.images.0.newTag",
            "spec.images.[name=app].digest",
            "spec.source.targetRevision",
            "spec.sources.0.path",
            "spec.source",
            "spec.template.spec.source.path",
            "spec.template.spec",
            "spec.template",
            "spec.generators.0.git.directories",
            "spec.destination.server",
            "spec.values",
            "spec.values.image.tag",
            "spec.values.sidecars.0.image",
            "spec.source.helm.valuesObject.web.digest",
            "spec.chart.spec.chart",
            "spec.postBuild.substitute.TAG",
            "spec.unheardOf",
        ] {
            assert!(decides(path), "{path}");
        }
    }

    #[test]
    fn what_does_not() {
        for path in [
            "metadata.name",
            "metadata.labels.app",
            "status.phase",
            "spec.interval",
            "spec.project",
            "spec.syncPolicy.automated.prune",
            "spec.destination.namespace",
            "spec.template.metadata.name",
            "spec.template.spec.project",
            "spec.dependsOn.0.name",
            "spec.values.ingress.host",
            "spec.source.helm.valuesObject.replicas",
            "spec.healthChecks[0]",
        ] {
            assert!(!decides(path), "{path}");
        }
    }
}

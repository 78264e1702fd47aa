//! What patches make of the objects of a kustomization.

use crate::sources::git::manifest::{
    DocumentPart, FieldSpec, Kustomization, Operation, Patch, PatchSource, Replacement,
};

use super::node::RenderNode;
use super::objects::{RenderedObject, TargetSelector, mark};
use super::patch_nodes;
use super::render::{Rendered, Renderer};

impl Renderer<'_> {
    /// Lays the patches of a kustomization over objects. `file` is the one that names them.
    pub(super) fn patches(
        &self,
        file: u32,
        own: &Kustomization,
        objects: &mut Vec<RenderedObject>,
        out: &mut Rendered,
    ) {
        for rule in &own.patches {
            let target = rule
                .target
                .as_ref()
                .map(|target| TargetSelector::new(target, &self.expressions));
            let may_mean = |object: &&mut RenderedObject| {
                let selects = |target: &TargetSelector<'_>| target.selects(object) || target.may_select(object);
                target.as_ref().is_none_or(selects)
            };
            match &rule.from {
                PatchSource::Inline(patches) => {
                    for patch in patches {
                        self.patch(file, patch, target.as_ref(), own.has_schema, objects, out);
                    }
                }
                PatchSource::File(path) => {
                    let from = self.files.resolve(file, path).and_then(|path| self.files.find(&path));
                    let Some(from) = from else {
                        let why = format!("the patch {path} could not be read and may change it");
                        mark(objects.iter_mut().filter(may_mean), &why);
                        out.notes_unread(file, path, self.files.resolve(file, path));
                        continue;
                    };
                    for part in self.files.parts(from) {
                        let patch = match part {
                            DocumentPart::Object(object) | DocumentPart::Controller(object) => {
                                Patch::Merge(object.clone())
                            }
                            DocumentPart::Operations(operations) => Patch::Operations(operations.clone()),
                            // What the object before it says.
                            DocumentPart::Application(_) => continue,
                            _ => {
                                let why = format!("the patch {path} may change it and could not be read as one");
                                mark(objects.iter_mut().filter(may_mean), &why);
                                continue;
                            }
                        };
                        self.patch(from, &patch, target.as_ref(), own.has_schema, objects, out);
                    }
                    // Last, so that it counts for what the readable part writes too.
                    if let Some(why) = self.files.scan(from).and_then(|scan| scan.unread_part()) {
                        let why = format!("the patch {path} may change it and cannot be read for certain: {why}");
                        mark(objects.iter_mut().filter(may_mean), &why);
                    }
                }
                PatchSource::Unread => {
                    let why = "a patch is written in a way that cannot be read, and may change it";
                    mark(objects.iter_mut().filter(may_mean), why);
                }
            }
        }
    }

    fn patch(
        &self,
        file: u32,
        patch: &Patch,
        target: Option<&TargetSelector<'_>>,
        has_schema: bool,
        objects: &mut Vec<RenderedObject>,
        out: &mut Rendered,
    ) {
        let selected = |object: &RenderedObject, named: Option<&RenderedObject>| match (target, named) {
            (Some(target), _) => target.selects(object),
            (None, Some(named)) => object.is_named_by(named),
            (None, None) => false,
        };
        let may = |object: &RenderedObject| target.is_some_and(|target| target.may_select(object));
        mark(
            objects.iter_mut().filter(|object| may(object)),
            "a patch may select it by labels that another patch changes, or by an expression that cannot be read",
        );
        match patch {
            Patch::Merge(written) => {
                let patch = RenderedObject::new(written, file);
                let whole = written.whole.as_ref().map(|whole| RenderNode::of(whole, file));
                let mut matched = out.is_open;
                objects.retain_mut(|object| {
                    if !selected(object, Some(&patch)) {
                        return true;
                    }
                    matched = true;
                    let by_name = object.is_builtin();
                    object.label_by(&patch);
                    if !object.is_whole {
                        return patch_nodes::merge(&mut object.body, &patch.body, by_name, &mut out.gone);
                    }
                    let why = match &whole {
                        None => Some("a patch changes it and is read only in part"),
                        Some(whole) if has_schema && patch_nodes::has_list(whole) => {
                            Some("a patch changes a list of it as a schema of its own says, which is not read")
                        }
                        Some(whole) if patch_nodes::has_directive(whole) => {
                            Some("a patch changes it by a directive that is not followed")
                        }
                        Some(_) => None,
                    };
                    if let Some(why) = why {
                        mark(std::iter::once(&mut *object), why);
                    }
                    object.is_changed = true;
                    let body = patch_nodes::without_identity(whole.as_ref().unwrap_or(&patch.body));
                    let is_kept = patch_nodes::merge(&mut object.body, &body, by_name, &mut out.gone);
                    if !is_kept && object.origin.is_some() {
                        out.removed.push(object.clone());
                    }
                    is_kept
                });
                if matched {
                    self.used.borrow_mut().extend(patch.body.sites());
                }
            }
            Patch::Operations(operations) => {
                let mut matched = out.is_open;
                let labels = |one: &Operation| {
                    let steps: Vec<&str> = one.path.iter().take(2).map(String::as_str).collect();
                    matches!(steps[..], [] | ["metadata"] | ["metadata", "labels" | "annotations"])
                };
                let relabels = operations.iter().any(labels);
                for object in objects.iter_mut().filter(|object| selected(object, None)) {
                    matched = true;
                    object.relabelled |= relabels;
                    object.is_changed = true;
                    let operate = if object.is_whole {
                        patch_nodes::operate_whole
                    } else {
                        patch_nodes::operate
                    };
                    if let Some(why) = operate(&mut object.body, operations, file, &mut out.gone) {
                        mark(std::iter::once(object), &why);
                    }
                }
                if matched {
                    let values = operations
                        .iter()
                        .flat_map(|one| RenderNode::of(&one.value, file).sites());
                    self.used.borrow_mut().extend(values);
                }
            }
        }
    }

    /// Fields that `configurations` add to what `images` changes.
    pub(super) fn field_specs(&self, file: u32, own: &Kustomization) -> Vec<FieldSpec> {
        let mut out = Vec::new();
        for path in &own.configurations {
            let found = self.files.resolve(file, path).and_then(|path| self.files.find(&path));
            for part in found.map_or(&[][..], |file| self.files.parts(file)) {
                if let DocumentPart::Fields(fields) = part {
                    out.extend(fields.iter().cloned());
                }
            }
        }
        out
    }

    /// The targets of all replacements, each with what is said of what it may write.
    pub(super) fn replacements(&self, file: u32, own: &Kustomization) -> Vec<(Replacement, String)> {
        let why = |name: &str| format!("a replacement of {name} may write it");
        let mut out: Vec<(Replacement, String)> = Vec::new();
        out.extend(
            own.replacements
                .iter()
                .map(|one| (one.clone(), why(self.files.path(file)))),
        );
        for path in &own.replacement_files {
            let found = self.files.resolve(file, path).and_then(|path| self.files.find(&path));
            for part in found.map_or(&[][..], |file| self.files.parts(file)) {
                if let DocumentPart::Replacements(all) = part {
                    out.extend(all.iter().map(|one| (one.clone(), why(path))));
                }
            }
        }
        out
    }

    /// Whether a transformer is one of kustomize's own that never touches images.
    pub(super) fn is_harmless(&self, file: u32, written: &str) -> bool {
        const KINDS: [&str; 8] = [
            "AnnotationsTransformer",
            "HashTransformer",
            "LabelTransformer",
            "NamespaceTransformer",
            "PrefixTransformer",
            "PrefixSuffixTransformer",
            "ReplicaCountTransformer",
            "SuffixTransformer",
        ];
        let path = self.files.resolve(file, written);
        let found = path.and_then(|path| self.files.find(&path));
        let parts = found.map_or(&[][..], |file| self.files.parts(file));
        !parts.is_empty()
            && parts
                .iter()
                .all(|part| matches!(part, DocumentPart::Object(object) if KINDS.contains(&object.kind.as_str())))
    }
}

//! Reading policies of a cluster's gate from YAML, as they would be given to the cluster.
//!
//! A file is somebody's input: it is read by the one bounded reader of YAML, aliases and keys that stand twice are errors
//! (a gate and pindeck might take them differently), and what is not known is kept as a part that was not read.

mod error;
mod fields;
mod kyverno_attestor;
mod kyverno_images;
mod kyverno_rule;
mod openshift;
mod policy_controller;

use crate::domain::admission::AdmissionPolicy;
use crate::domain::text::Clean;
use crate::sources::git::manifest::events;
use crate::sources::git::manifest::tree::{Id, Tree};

pub use error::AdmissionError;
use fields::PolicyFields;

/// Most bytes of a file: policies are written by people.
const MAX_BYTES: usize = 1 << 20;
/// Most policies of one file.
const MAX_POLICIES: usize = 200;

/// Reads the policies of a file.
///
/// # Errors
/// If it is no YAML, something in it is no policy that its gate accepts, or there is no policy in it.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<AdmissionPolicy>, AdmissionError> {
    let error = |line: u32, what: String| AdmissionError {
        file: file.to_owned(),
        line,
        what: Clean::from_untrusted(&what).into_string(),
    };
    if bytes.len() > MAX_BYTES {
        let what = format!(
            "{} bytes are more than the {MAX_BYTES} that a policy may have",
            bytes.len()
        );
        return Err(error(1, what));
    }
    let text = events::text(bytes).map_err(|why| {
        let valid = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
        let lines = bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
        error(u32::try_from(lines + 1).unwrap_or(u32::MAX), why)
    })?;
    let tree = Tree::read(text.strip_prefix('\u{feff}').unwrap_or(text));
    if let Some(stopped) = &tree.stopped {
        return Err(error(
            stopped.line.max(1),
            format!("it is no YAML that pindeck reads: {}", stopped.why),
        ));
    }
    let fields = PolicyFields { file, tree: &tree };
    let mut found = Vec::new();
    let mut others = Vec::new();
    for root in &tree.roots {
        documents(&fields, *root, 0, &mut found, &mut others)?;
        if found.len() > MAX_POLICIES {
            return Err(error(1, format!("there are more than {MAX_POLICIES} policies in it")));
        }
    }
    if found.is_empty() {
        let other = others
            .first()
            .map_or_else(String::new, |kind| format!("; it has {kind}"));
        let what = format!(
            "there is no policy in it that pindeck reads{other}: ClusterImagePolicy (policy.sigstore.dev, \
             config.openshift.io), ClusterPolicy with verifyImages (kyverno.io), ImageValidatingPolicy \
             (policies.kyverno.io)"
        );
        return Err(error(1, what));
    }
    Ok(found)
}

/// Reads one document, or each item of a list.
fn documents(
    fields: &PolicyFields<'_>,
    root: Id,
    depth: u32,
    found: &mut Vec<AdmissionPolicy>,
    others: &mut Vec<String>,
) -> Result<(), AdmissionError> {
    if fields.is_nothing(root) {
        return Ok(());
    }
    fields.plain(root)?;
    let get = |key: &str| {
        fields
            .tree
            .get(root, key)
            .and_then(|id| fields.tree.text_of(id))
            .unwrap_or_default()
    };
    let (version, kind) = (get("apiVersion"), get("kind"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    match (group, kind) {
        ("policy.sigstore.dev", "ClusterImagePolicy") => found.push(policy_controller::read(fields, root, version)?),
        ("config.openshift.io", "ClusterImagePolicy" | "ImagePolicy") => {
            found.push(openshift::read(fields, root, version, kind)?);
        }
        ("kyverno.io", "ClusterPolicy" | "Policy") => {
            let rules = kyverno_rule::read(fields, root, version, kind)?;
            if rules.is_empty() {
                others.push(format!("a {kind} without verifyImages"));
            }
            found.extend(rules);
        }
        ("policies.kyverno.io", "ImageValidatingPolicy" | "NamespacedImageValidatingPolicy") => {
            found.push(kyverno_images::read(fields, root, version, kind)?);
        }
        (_, "ClusterImagePolicy") => {
            let what = format!("{version:?} is no API group of a ClusterImagePolicy that pindeck reads");
            return Err(fields.error(root, what));
        }
        ("" | "v1", list) if depth == 0 && list.ends_with("List") => {
            items(fields, root, depth, found, others)?;
        }
        (_, list) if depth == 0 && list.ends_with("PolicyList") => {
            items(fields, root, depth, found, others)?;
        }
        _ => others.push(format!("a {kind} of {version:?}")),
    }
    Ok(())
}

fn items(
    fields: &PolicyFields<'_>,
    root: Id,
    depth: u32,
    found: &mut Vec<AdmissionPolicy>,
    others: &mut Vec<String>,
) -> Result<(), AdmissionError> {
    let Some(list) = fields.tree.get(root, "items") else {
        return Ok(());
    };
    for item in fields.list(list, "items")? {
        documents(fields, *item, depth + 1, found, others)?;
        if found.len() > MAX_POLICIES {
            return Err(fields.error(*item, format!("there are more than {MAX_POLICIES} policies in it")));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;

//! What stands around an edit: controllers that would not apply it or would undo it, and robots that rewrite
//! images in the whole repository.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::pin::{Location, Pin};
use crate::domain::text::Untrusted;
use crate::sources::git::manifest::{PlannedEdit, WrittenBranch, disregards_edit, overwrites_edit, repository_updater};

use super::plan_context::PlanContext;

/// The files that decide these pins, each once.
pub(super) fn files_of(pins: &[&Pin]) -> BTreeSet<String> {
    let locations = pins.iter().flat_map(|pin| pin.deciding());
    locations.map(|l| l.file.clone()).collect()
}

/// Controllers that would not apply an edit of these pins or would undo it, and robots that rewrite their files.
pub(super) fn surroundings(context: &PlanContext, pins: &[&Pin]) -> Vec<Untrusted> {
    let mut out: Vec<Untrusted> = Vec::new();
    let to = WrittenBranch {
        branch: &context.ledger().tip.branch,
        remote: context.remote_url.as_deref(),
    };
    for file in files_of(pins) {
        let edit = planned(context, &file, pins);
        let arrives = disregards_edit(&edit, &to, &context.controllers);
        let stays = overwrites_edit(&edit, &to, &context.controllers, &context.writers);
        out.extend(arrives.into_iter().chain(stays).map(Untrusted::from));
    }
    let robots: BTreeMap<&str, &str> = context
        .files
        .iter()
        .filter_map(|f| Some((repository_updater(&f.path)?, f.path.as_str())))
        .collect();
    for (who, file) in robots {
        out.push(format!("{who} is configured ({file}) and may propose other digests for this pin").into());
    }
    out
}

/// The edit of one file that changes these pins.
fn planned<'a>(context: &PlanContext, file: &'a str, pins: &[&'a Pin]) -> PlannedEdit<'a> {
    let deciding = || pins.iter().flat_map(|pin| pin.deciding());
    let here: Vec<&Location> = deciding().filter(|location| location.file == file).collect();
    let paths: BTreeSet<&str> = here.iter().map(|location| location.yaml_path.as_str()).collect();
    let mut policies = BTreeSet::new();
    if let Some(scan) = context.ledger().commit.scans.get(file) {
        for found in scan.all().filter(|found| paths.contains(found.yaml_path.as_str())) {
            let here = scan.warnings.iter().filter(|warning| warning.concerns(found));
            policies.extend(here.filter_map(|warning| warning.policy.clone()));
        }
    }
    PlannedEdit {
        file,
        applied: context.includes.kustomizations_over(file),
        lines: here.iter().map(|location| location.line).collect(),
        images: deciding().map(|location| &location.image).collect(),
        policies,
    }
}

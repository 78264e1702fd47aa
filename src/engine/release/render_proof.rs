//! The last proof of a plan: the commit with all of its edits, rendered once, deploys the same images everywhere, except
//! for the pins that were meant.

use std::collections::BTreeMap;

use crate::domain::plan;
use crate::engine::effective::{self, Effective, MeantEdit};

use super::draft::Draft;
use super::plan_context::PlanContext;

/// Closes the drafts whose edits would change more than they are meant to. However many drafts there are, one render
/// shows that none does; only where one does, each is rendered by itself to find it.
pub(super) fn close_what_changes_more(context: &PlanContext, drafts: &mut [Draft]) {
    let meant: Vec<MeantEdit> = drafts.iter().filter_map(|draft| draft.meant.clone()).collect();
    let changes_files = drafts
        .iter()
        .any(|draft| draft.meant.is_some() && !draft.files.is_empty());
    if !changes_files {
        return;
    }
    let before = &context.ledger().effective;
    let Some(why) = before.changes_more(&rendered(context, drafts), &meant) else {
        return;
    };
    let mut guilty = Vec::new();
    let mut so_far = (**before).clone();
    for at in 0..drafts.len() {
        let with_this = rendered(context, &drafts[..=at]);
        if let Some(meant) = &drafts[at].meant
            && let Some(why) = so_far.changes_more(&with_this, std::slice::from_ref(meant))
        {
            guilty.push((at, why));
        }
        so_far = with_this;
    }
    if guilty.is_empty() {
        // Only together they change more.
        guilty.extend((0..drafts.len()).map(|at| (at, why.clone())));
    }
    for (at, why) in guilty {
        drafts[at].plan.gates.push(plan::edit_gate(&why));
    }
}

/// What is deployed with the edits of these drafts, each on top of those before.
fn rendered(context: &PlanContext, drafts: &[Draft]) -> Effective {
    let ledger = context.ledger();
    let files = drafts.iter().flat_map(|draft| &draft.files);
    let changed: BTreeMap<&str, &[u8]> = files
        .filter_map(|change| Some((change.path.as_str(), change.content()?)))
        .filter(|(path, _)| ledger.commit.scans.contains_key(*path))
        .collect();
    let commit = ledger.commit.with(changed.into_iter());
    effective::render(&commit, &ledger.environments_here())
}

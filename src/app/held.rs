//! Which cells a hold keeps from their next step: of a digest that was reverted nothing is pinned any more where it was
//! taken out, so the place to see its hold is where it would step forward from.

use std::collections::BTreeSet;

use super::cursor::Column;
use crate::domain::board::{Board, Hold};
use crate::domain::hold::HoldsInForce;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};

/// Finds the hold that a digest would meet where it steps next.
#[derive(Debug)]
pub struct HeldSteps<'a> {
    board: &'a Board,
    holds: &'a [Hold],
    services: BTreeSet<ServiceId>,
}

impl<'a> HeldSteps<'a> {
    /// What the holds of a board keep from stepping forward. Where the holds could not be read nothing is known of them
    /// here: the board says so elsewhere.
    pub fn new(board: &'a Board) -> Self {
        let holds = board.rules.holds.as_deref().unwrap_or_default();
        let names = board.services.iter().map(|row| row.name.clone());
        Self {
            board,
            holds,
            // Without a hold nobody asks for them.
            services: if holds.is_empty() {
                BTreeSet::new()
            } else {
                names.collect()
            },
        }
    }

    /// Whether there is a hold at all.
    pub fn has_any(&self) -> bool {
        !self.holds.is_empty()
    }

    /// The hold that closes an environment which comes next for this digest, out of a column of the board.
    pub fn next(&self, service: &ServiceId, from: &Column, digest: Digest) -> Option<&'a Hold> {
        if !self.holds.iter().any(|hold| hold.digest == digest) {
            return None;
        }
        let in_force = HoldsInForce {
            holds: self.holds,
            environments: &self.board.environments,
            services: &self.services,
        };
        next_environments(self.board, from).into_iter().find_map(|to| {
            let target = Target::new(service.clone(), to);
            in_force.closing(&target, digest).next()
        })
    }
}

/// Where a digest of this column steps next: the environments that come after it, by `after`.
pub(super) fn next_environments(board: &Board, from: &Column) -> Vec<EnvId> {
    let environments = &board.environments;
    let follows = |after: &[EnvId]| match from {
        Column::Candidate => after.is_empty(),
        Column::Environment(name) => after.contains(name),
    };
    let following = environments.iter().filter(|e| follows(&e.after));
    let mut out: Vec<EnvId> = following.map(|e| e.name.clone()).collect();
    // Without any order, only the first takes what CI built.
    if *from == Column::Candidate && environments.iter().all(|e| e.after.is_empty()) {
        out.truncate(1);
    }
    out
}

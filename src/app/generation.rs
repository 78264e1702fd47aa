//! Newest wins: every question carries a ticket, and an answer to an older question is dropped.

use std::collections::BTreeMap;

use crate::domain::id::Target;

/// What can be asked for; one question of each kind is current at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryKind {
    /// The whole board.
    Board,
    /// The history of one target.
    History,
    /// What separates two digests, for the diff screen.
    Diff,
    /// The digests that a target could go back to.
    Earlier,
    /// What separates one of those from what is pinned now.
    EarlierDiff,
    /// A write being planned.
    Plan,
    /// What separates the digests of a plan.
    PlanDiff,
    /// A write being carried out.
    Write,
    /// What a crash left unfinished.
    Left,
    /// Whether clusters run what was written.
    Running,
}

/// Names one question. Every answer, errors too, brings it back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// What was asked for.
    pub slot: QueryKind,
    /// How many questions of this kind came before.
    pub generation: u64,
    /// About what, where the question is about one target.
    pub target: Option<Target>,
}

/// The current question of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generations {
    issued: u64,
    current: BTreeMap<QueryKind, Ticket>,
}

impl Generations {
    /// A ticket for a new question; older ones of the same kind become stale.
    pub fn issue(&mut self, slot: QueryKind, target: Option<Target>) -> Ticket {
        self.issued += 1;
        let ticket = Ticket {
            slot,
            generation: self.issued,
            target,
        };
        self.current.insert(slot, ticket.clone());
        ticket
    }

    /// How many questions have been asked: one with a higher generation is asked later.
    pub const fn issued(&self) -> u64 {
        self.issued
    }

    /// Whether an answer with this ticket is still wanted.
    pub fn accepts(&self, ticket: &Ticket) -> bool {
        self.current.get(&ticket.slot) == Some(ticket)
    }

    /// Nobody waits for an answer of this kind any more.
    pub fn forget(&mut self, slot: QueryKind) {
        self.current.remove(&slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_of_a_slot_is_accepted() {
        let mut generations = Generations::default();
        let first = generations.issue(QueryKind::Board, None);
        let history = generations.issue(QueryKind::History, Some(Target::new("a", "dev")));
        let second = generations.issue(QueryKind::Board, None);
        assert!(!generations.accepts(&first));
        assert!(generations.accepts(&second));
        assert!(generations.accepts(&history));
        generations.forget(QueryKind::History);
        assert!(!generations.accepts(&history));
    }

    #[test]
    fn the_target_counts() {
        let mut generations = Generations::default();
        let mut ticket = generations.issue(QueryKind::History, Some(Target::new("a", "dev")));
        ticket.target = Some(Target::new("a", "prod"));
        assert!(!generations.accepts(&ticket));
    }
}

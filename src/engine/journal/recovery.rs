//! What stands after a crash: the journal says what was meant, the facts say what is.

use super::entry::{Entry, WriteStep};

/// An answer that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody could be asked.
    Unknown,
}

impl Fact {
    /// A fact, or why there is none.
    pub fn of<E>(asked: &Result<bool, E>) -> Self {
        match asked {
            Ok(true) => Self::Yes,
            Ok(false) => Self::No,
            Err(_) => Self::Unknown,
        }
    }
}

/// What was found out about an entry left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryFacts {
    /// The remote's branch contains the last commit now.
    pub landed: Fact,
    /// Every digest that was to be copied is at its destination now (whole, with its tag).
    pub copied: Fact,
    /// This clone still has the commits.
    pub commits_here: bool,
}

/// What stands, and what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryStatus {
    /// The content is at its destination; `None` = nothing had to be copied.
    pub copied: Option<Fact>,
    /// The commits were made (in this clone).
    pub committed: bool,
    /// The remote has them.
    pub pushed: Fact,
    /// What finishing means.
    pub next: RecoveryAction,
}

/// What finishing an entry means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryAction {
    /// It landed: only the entry is left to remove.
    Close,
    /// It did not: ask the same again on the newest commit, and go on if it comes to the same.
    Retry,
    /// Whether it landed is not known, so neither is safe: ask again when the remote answers.
    Wait,
}

impl Entry {
    /// Whether the remote has to be asked whether it landed: it was asked to take it, or may have been.
    pub fn may_have_landed(&self) -> bool {
        self.step >= WriteStep::Pushing && self.last_commit().is_some()
    }

    /// What stands, from the facts.
    pub fn recovery(&self, facts: RecoveryFacts) -> RecoveryStatus {
        let pushed = if self.may_have_landed() { facts.landed } else { Fact::No };
        let next = match pushed {
            Fact::Yes => RecoveryAction::Close,
            Fact::No => RecoveryAction::Retry,
            Fact::Unknown => RecoveryAction::Wait,
        };
        RecoveryStatus {
            copied: self.copies().then_some(facts.copied),
            committed: self.step >= WriteStep::Committed && (facts.commits_here || pushed == Fact::Yes),
            pushed,
            next,
        }
    }
}

impl RecoveryStatus {
    /// The same in words: copied? committed? pushed?
    pub fn says(&self) -> String {
        let copied = match self.copied {
            None => "nothing to copy",
            Some(Fact::Yes) => "copied",
            Some(Fact::No) => "not wholly copied",
            Some(Fact::Unknown) => "copied or not: not known",
        };
        let committed = if self.committed { "committed" } else { "not committed" };
        let pushed = match self.pushed {
            Fact::Yes => "pushed",
            Fact::No => "not pushed",
            Fact::Unknown => "pushed or not: not known until the remote answers",
        };
        format!("{copied}, {committed}, {pushed}")
    }
}

//! What stands after a crash: the journal says what was meant, the facts say what is.

use super::entry::{Entry, Step};

/// An answer that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody could be asked.
    Unknown,
}

impl Answer {
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
pub struct Facts {
    /// The remote's branch contains the last commit now.
    pub landed: Answer,
    /// Every digest that was to be copied is at its destination now (whole, with its tag).
    pub copied: Answer,
    /// This clone still has the commits.
    pub commits_here: bool,
}

/// What stands, and what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The content is at its destination; `None` = nothing had to be copied.
    pub copied: Option<Answer>,
    /// The commits were made (in this clone).
    pub committed: bool,
    /// The remote has them.
    pub pushed: Answer,
    /// What finishing means.
    pub next: Next,
}

/// What finishing an entry means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It landed: only the entry is left to remove.
    Close,
    /// It did not: ask the same again on the newest commit, and go on if it comes to the same.
    Again,
    /// Whether it landed is not known, so neither is safe: ask again when the remote answers.
    Wait,
}

impl Entry {
    /// Whether the remote has to be asked whether it landed: it was asked to take it, or may have been.
    pub fn may_have_landed(&self) -> bool {
        self.step >= Step::Pushing && self.last_commit().is_some()
    }

    /// What stands, from the facts.
    pub fn standing(&self, facts: Facts) -> Standing {
        let pushed = if self.may_have_landed() {
            facts.landed
        } else {
            Answer::No
        };
        let next = match pushed {
            Answer::Yes => Next::Close,
            Answer::No => Next::Again,
            Answer::Unknown => Next::Wait,
        };
        Standing {
            copied: self.copies().then_some(facts.copied),
            committed: self.step >= Step::Committed && (facts.commits_here || pushed == Answer::Yes),
            pushed,
            next,
        }
    }
}

impl Standing {
    /// The same in words: copied? committed? pushed?
    pub fn says(&self) -> String {
        let copied = match self.copied {
            None => "nothing to copy",
            Some(Answer::Yes) => "copied",
            Some(Answer::No) => "not wholly copied",
            Some(Answer::Unknown) => "copied or not: not known",
        };
        let committed = if self.committed { "committed" } else { "not committed" };
        let pushed = match self.pushed {
            Answer::Yes => "pushed",
            Answer::No => "not pushed",
            Answer::Unknown => "pushed or not: not known until the remote answers",
        };
        format!("{copied}, {committed}, {pushed}")
    }
}

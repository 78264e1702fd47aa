//! What a crash left behind, and what can be done about it: the journal says what was meant, the facts say what is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{Digest, EnvId};
use super::write::Ask;

/// How far a write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteStep {
    /// Confirmed; nothing has been done.
    Planned,
    /// Content is being copied.
    Copying,
    /// All content is where it belongs, and was judged there.
    Copied,
    /// The commits are made, in this clone only.
    Committed,
    /// The remote is being asked to take them.
    Pushing,
    /// The hold was pushed on its own; the pin is next.
    HoldPushed,
    /// The remote has them.
    Pushed,
    /// Over. No entry says so: it is gone then.
    Done,
}

impl WriteStep {
    /// All, in their order.
    pub const ALL: [Self; 8] = [
        Self::Planned,
        Self::Copying,
        Self::Copied,
        Self::Committed,
        Self::Pushing,
        Self::HoldPushed,
        Self::Pushed,
        Self::Done,
    ];

    /// Its name, as in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Copying => "copying",
            Self::Copied => "copied",
            Self::Committed => "committed",
            Self::Pushing => "pushing",
            Self::HoldPushed => "hold-pushed",
            Self::Pushed => "pushed",
            Self::Done => "done",
        }
    }
}

/// The answer to a question that perhaps nobody could ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// It was asked, and it is so.
    Yes,
    /// It was asked, and it is not so.
    No,
    /// Nobody could be asked.
    Unknown,
}

impl Fact {
    /// A fact, or why there is none.
    pub(crate) fn of<E>(asked: &Result<bool, E>) -> Self {
        match asked {
            Ok(true) => Self::Yes,
            Ok(false) => Self::No,
            Err(_) => Self::Unknown,
        }
    }
}

/// What was found out about an entry left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecoveryFacts {
    /// The remote's branch contains the last commit now.
    pub landed: Fact,
    /// Every digest that was to be copied is at its destination now (whole, with its tag).
    pub copied: Fact,
    /// The same of a hold that is pushed before the pin; `None` = nothing is pushed on its own.
    pub hold: Option<Fact>,
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
    /// The remote has the hold that is pushed before them; `None` = nothing is pushed on its own.
    pub hold: Option<Fact>,
    /// What finishing means.
    pub next: RecoveryAction,
}

/// One pin of a write that a crash left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftPin {
    /// What was to be done, as a clause: "promote payments in production".
    pub what: String,
    /// The digest that it was to pin.
    pub to: Digest,
}

/// A write that a crash left behind, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftWrite {
    /// The name by which it is finished or forgotten.
    pub id: String,
    /// What was asked; `None` = its note cannot be read, or another process is at it.
    pub ask: Option<Ask>,
    /// What was confirmed, for each pin.
    pub writes: Vec<LeftPin>,
    /// When it began, where that can be read.
    pub started: Option<Timestamp>,
    /// What stands, as a sentence.
    pub says: String,
    /// The environment whose name is typed to finish it.
    pub type_name: Option<EnvId>,
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

/// Whether a write that had come to this step may be on the remote: it was asked to take it.
pub(crate) fn may_have_landed(step: WriteStep, has_commits: bool) -> bool {
    has_commits && step >= WriteStep::Pushing
}

impl RecoveryStatus {
    /// What stands of a write that had come to this step when its process ended: whether commits are recorded,
    /// whether content had to be copied, and what was found out since.
    pub(crate) fn of(step: WriteStep, has_commits: bool, has_copies: bool, facts: RecoveryFacts) -> Self {
        let pushed = if may_have_landed(step, has_commits) {
            facts.landed
        } else {
            Fact::No
        };
        // Whatever the step: it is noted right before its push, and a later try begins with its step anew.
        let hold = facts.hold;
        let next = match (pushed, hold) {
            (Fact::Yes, _) => RecoveryAction::Close,
            (Fact::No, None | Some(Fact::Yes | Fact::No)) => RecoveryAction::Retry,
            (Fact::Unknown, _) | (_, Some(Fact::Unknown)) => RecoveryAction::Wait,
        };
        Self {
            copied: has_copies.then_some(facts.copied),
            committed: step >= WriteStep::Committed && (facts.commits_here || pushed == Fact::Yes),
            pushed,
            hold,
            next,
        }
    }

    /// The same in words: copied? committed? pushed?
    pub fn says(&self) -> String {
        self.says_with(" until the remote answers")
    }

    /// The same where no answer of the remote tells more.
    pub(crate) fn says_once(&self) -> String {
        self.says_with("")
    }

    fn says_with(&self, until: &str) -> String {
        let copied = match self.copied {
            None => "nothing to copy",
            Some(Fact::Yes) => "copied",
            Some(Fact::No) => "not wholly copied",
            Some(Fact::Unknown) => "copied or not: not known",
        };
        let committed = if self.committed { "committed" } else { "not committed" };
        let pushed = match (self.pushed, self.hold) {
            (Fact::Yes, _) => "pushed".to_owned(),
            (Fact::No, Some(Fact::Yes)) => "the hold is pushed, the pin is not".to_owned(),
            (Fact::No, None | Some(Fact::No)) => "not pushed".to_owned(),
            (Fact::No, Some(Fact::Unknown)) => {
                format!("the pin is not pushed, the hold perhaps: not known{until}")
            }
            (Fact::Unknown, Some(Fact::Yes)) => {
                format!("the hold is pushed, the pin perhaps: not known{until}")
            }
            (Fact::Unknown, _) => format!("pushed or not: not known{until}"),
        };
        format!("{copied}, {committed}, {pushed}")
    }
}

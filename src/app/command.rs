//! What the state machine asks the runtime to do. Plain data.

use super::cursor::Column;
use super::generation::{QueryKind, Ticket};
use crate::domain::board::PinKey;
use crate::domain::id::{Digest, Target};
use crate::domain::reference::Repository;
use crate::domain::rotation::BoardLook;
use crate::domain::write::{Proposal, Request};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Look at everything again and stream what is found: what is selected first, and of registries what is on the screen
    /// more often than the rest.
    Refresh(Ticket, BoardLook),
    /// Read the history of a target, newest first.
    History {
        /// The question.
        ticket: Ticket,
        /// About what.
        target: Target,
    },
    /// List the digests that a target could go back to, and judge them by today's policy.
    EarlierDigests {
        /// The question.
        ticket: Ticket,
        /// About what.
        target: Target,
        /// The digest that the person came for, if it was a certain one: it is judged first.
        wanted: Option<Digest>,
    },
    /// Compare two digests.
    Diff {
        /// The question.
        ticket: Ticket,
        /// The old side: where it lives, which.
        a: (Repository, Digest),
        /// The new side.
        b: (Repository, Digest),
    },
    /// Stop working on a question of that kind; nobody looks at the answer any more.
    Stop(QueryKind),
    /// Plan a write. Nothing is written.
    Plan {
        /// The question.
        ticket: Ticket,
        /// What is asked.
        request: Box<Request>,
    },
    /// Carry out a proposal exactly as it was shown.
    Execute {
        /// The question.
        ticket: Ticket,
        /// The proposal as it was shown and confirmed.
        proposal: Box<Proposal>,
    },
    /// List what a crash left unfinished.
    Left(Ticket),
    /// Finish one of those, if it still comes to what was confirmed.
    FinishLeft {
        /// The question.
        ticket: Ticket,
        /// Which, by its name.
        id: String,
        /// What it does, in a few words.
        what: String,
    },
    /// Forget one of those, and list the rest.
    ForgetLeft {
        /// The question.
        ticket: Ticket,
        /// Which, by its name.
        id: String,
    },
    /// Look at the clusters until they run what was written.
    Follow {
        /// The question.
        ticket: Ticket,
        /// The pins that were written.
        pins: Vec<PinKey>,
    },
    /// Stop the write in flight if its git step has not begun.
    CancelWrite,
    /// Hand a text to the terminal's clipboard.
    Copy {
        /// The text to copy, as one line or several.
        text: String,
        /// What it is, in a few words.
        what: String,
    },
    /// Remember which columns of the board are put away.
    RememberColumns(Vec<Column>),
    /// Switch to the next theme.
    NextTheme,
    /// Draw everything anew: the screen was disturbed.
    Redraw,
    /// Restore the terminal and stop until continued.
    Suspend,
    /// End.
    Quit,
}

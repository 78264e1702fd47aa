//! What the state machine asks the runtime to do. Plain data.

use super::generation::Ticket;
use crate::domain::id::Target;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Look at everything again and stream what is found.
    Refresh(Ticket),
    /// Read the history of a target, newest first.
    History {
        /// The question.
        ticket: Ticket,
        /// About what.
        target: Target,
    },
    /// Stop working on the history; nobody looks at it any more.
    StopHistory,
    /// Hand a text to the terminal's clipboard.
    Copy {
        /// The text.
        text: String,
        /// What it is, in a few words.
        what: String,
    },
    /// Switch to the next theme.
    NextTheme,
    /// Draw everything anew: the screen was disturbed.
    Redraw,
    /// Restore the terminal and stop until continued.
    Suspend,
    /// End.
    Quit,
}

//! What can happen to the cockpit. Plain data, so that a recorded run replays.

use super::cursor::Column;
use super::generation::Ticket;
use super::key::KeyPress;
use super::pane::Pane;
use crate::domain::board::Update;
use crate::domain::diff::DigestDiff;
use crate::domain::failure::Failure;
use crate::domain::history::Entry;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::known_good::EarlierDigest;
use crate::domain::recovery::LeftWrite;
use crate::domain::verdict::Verdict;
use crate::domain::write::{Progress, Proposal, Receipt, WriteFailure};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// The cockpit has started.
    Start,
    /// A key was pressed.
    Key(KeyPress),
    /// Text was pasted; it only ever goes into a text field.
    Paste(String),
    /// The mouse was pressed on something that the last frame showed.
    Pointed(Spot),
    /// The wheel of the mouse was turned by so many notches; below zero is up.
    Wheel(i8),
    /// The terminal has this size now.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Time has passed.
    Tick,
    /// The engine found something out.
    Update {
        /// The question it answers.
        ticket: Ticket,
        /// What the refresh has found out.
        update: Box<Update>,
    },
    /// A pass over the board has ended.
    RefreshEnded {
        /// The question it answers.
        ticket: Ticket,
        /// Whether it came to its end.
        result: Result<(), Failure>,
    },
    /// Some entries of a history, newest first, after those sent before.
    History {
        /// The question it answers.
        ticket: Ticket,
        /// Entries of the history, newest first; more may follow.
        entries: Vec<Entry>,
    },
    /// A history has ended.
    HistoryEnded {
        /// The question it answers.
        ticket: Ticket,
        /// Whether it came to its end.
        result: Result<(), Failure>,
    },
    /// The digests that a target could go back to, the one that was replaced last first.
    EarlierDigests {
        /// The question it answers.
        ticket: Ticket,
        /// The digests, none of them judged yet.
        digests: Vec<EarlierDigest>,
    },
    /// One of those digests has been judged by today's policy.
    EarlierJudged {
        /// The question it answers.
        ticket: Ticket,
        /// Which.
        digest: Digest,
        /// The verdict on that digest under today's policy.
        verdict: Verdict,
    },
    /// Nothing more comes about those digests.
    EarlierEnded {
        /// The question it answers.
        ticket: Ticket,
        /// Whether it came to its end.
        result: Result<(), Failure>,
    },
    /// Two digests have been compared, or could not be.
    Compared {
        /// The question it answers.
        ticket: Ticket,
        /// What separates them.
        result: Result<Box<DigestDiff>, Failure>,
    },
    /// A write has been planned, or could not be.
    Planned {
        /// The question it answers.
        ticket: Ticket,
        /// The proposal.
        result: Result<Box<Proposal>, WriteFailure>,
    },
    /// The write in flight has come so far.
    Progress {
        /// The question it answers.
        ticket: Ticket,
        /// How far.
        progress: Progress,
    },
    /// The write in flight has ended.
    Written {
        /// The question it answers.
        ticket: Ticket,
        /// What became of it.
        result: Result<Box<Receipt>, WriteFailure>,
    },
    /// What a crash left unfinished here, oldest first.
    Left {
        /// The question it answers.
        ticket: Ticket,
        /// The list, or why there is none.
        result: Result<Vec<LeftWrite>, Failure>,
    },
    /// Nobody looks any more whether clusters run what was written: they do, or it took too long.
    Followed {
        /// The question it answers.
        ticket: Ticket,
    },
    /// A text was handed to the terminal's clipboard, or could not be.
    Sent {
        /// What it was, in a few words.
        what: String,
        /// Why not, if not.
        refused: Option<String>,
    },
    /// The view's limits of the last frame, so that scrolling ends where the text ends.
    Drawn(ScrollLimits),
}

/// What the mouse can be pressed on: what a frame showed there, never a place on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// A cell of the board.
    Cell(ServiceId, Column),
    /// The name of a service on the board.
    Service(ServiceId),
    /// A drift in the feed, by its id.
    Drift(String),
    /// A pane of the board.
    Pane(Pane),
}

/// How far the scrollable parts of the last frame go, in lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScrollLimits {
    /// Last useful scroll position of the help.
    pub help: u16,
    /// Last useful scroll position of the inspector.
    pub inspector: u16,
    /// Rows of the main list that fit, for paging.
    pub page: u16,
    /// The first row of the board that is on the screen.
    pub first_row: usize,
    /// How many rows of the board are on the screen.
    pub rows: u16,
    /// Last useful scroll position of a plan or a comparison.
    pub text: u16,
    /// The proposal that the person could see in this frame, by its serial.
    pub proposal: Option<u64>,
}

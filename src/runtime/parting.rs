//! How the cockpit ends while a write is in flight: the terminal first, then the write; and what becomes of it is said.

use super::clock::SETTLE;
use super::executor::{Executor, ExecutorEvent, ExecutorEvents};
use super::signals::{Signal, Signals};
use crate::app::Msg;
use crate::app::plan_screen::title;
use crate::domain::write::{Proposal, Receipt, WriteFailure};

/// A write of which nobody has seen the end yet.
#[derive(Debug)]
pub(super) struct Flight {
    /// What it does, in a few words.
    what: String,
    /// What was confirmed on screen; `None` = a write that a crash had left is being finished.
    proposal: Option<Box<Proposal>>,
    /// How it ended; not on screen yet.
    pub(super) ended: Option<Result<Box<Receipt>, WriteFailure>>,
}

impl Flight {
    /// The write of a proposal that is about to be carried out.
    pub(super) fn of(proposal: &Proposal) -> Self {
        Self {
            what: title(&proposal.request.ask),
            proposal: Some(Box::new(proposal.clone())),
            ended: None,
        }
    }

    /// A write that a crash had left, and that is about to be finished.
    pub(super) fn left(what: String) -> Self {
        Self {
            what,
            proposal: None,
            ended: None,
        }
    }
}

/// What is said about a write after the terminal was given back.
#[derive(Debug)]
pub(crate) enum Parting {
    /// It is brought to its end: stopped before its git step, finished after it.
    Waiting {
        /// What it does, in a few words.
        what: String,
    },
    /// How it ended.
    Ended {
        /// What it does, in a few words.
        what: String,
        /// What was confirmed on screen; `None` = a write that a crash had left.
        proposal: Option<Box<Proposal>>,
        /// What became of it.
        result: Result<Box<Receipt>, WriteFailure>,
    },
    /// It had not ended in time, or nobody wanted to wait for it.
    Left {
        /// What it does, in a few words.
        what: String,
    },
}

/// Lets the write end. A second signal does not wait; nor is a write waited for longer than [`SETTLE`]. Then its journal
/// says what stands.
pub(super) async fn settle(
    flight: Flight,
    executor: &Executor,
    answers: &mut ExecutorEvents,
    signals: &mut Signals,
    tell: fn(Parting),
) {
    let Flight { what, proposal, ended } = flight;
    if let Some(result) = ended {
        return tell(Parting::Ended { what, proposal, result });
    }
    executor.cancel_write();
    tell(Parting::Waiting { what: what.clone() });
    let end = async {
        loop {
            match answers.writes.recv().await {
                Some(ExecutorEvent::Msg(Msg::Written { result, .. })) => return Some(result),
                Some(_) => {}
                None => return None,
            }
        }
    };
    let again = async { while !matches!(signals.next().await, Signal::End(_)) {} };
    let result = tokio::select! {
        biased;
        result = end => result,
        () = again => None,
        () = tokio::time::sleep(SETTLE) => None,
    };
    tell(match result {
        Some(result) => Parting::Ended { what, proposal, result },
        None => Parting::Left { what },
    });
}

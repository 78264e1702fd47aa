//! Commands to tasks, answers to messages. Reads are cancelled by dropping them; the newest of a
//! kind wins.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::AbortHandle;

use super::backend::{Backend, Job};
use crate::app::Msg;
use crate::app::generation::{Slot, Ticket};
use crate::app::msg::Failure;
use crate::domain::id::Target;

/// What comes back from the executor's tasks.
#[derive(Debug)]
pub enum Answer {
    /// A message for the state machine.
    Msg(Msg),
    /// The backend panicked while doing this.
    Panicked(&'static str),
}

/// Runs the backend's jobs.
pub struct Executor {
    backend: Arc<dyn Backend>,
    answers: Sender<Answer>,
    running: BTreeMap<Slot, AbortHandle>,
}

impl Executor {
    /// An executor, and the channel its answers come by.
    pub fn new(backend: Arc<dyn Backend>) -> (Self, Receiver<Answer>) {
        let (answers, receiver) = channel(256);
        let executor = Self {
            backend,
            answers,
            running: BTreeMap::new(),
        };
        (executor, receiver)
    }

    /// Starts a pass over the board; a running one is dropped.
    pub fn refresh(&mut self, ticket: Ticket) {
        let (to, from) = channel(64);
        let job = self.backend.refresh(to);
        let (updates, ended) = (ticket.clone(), ticket);
        self.spawn(
            Slot::Board,
            "refreshing the board",
            job,
            from,
            move |update| Msg::Update {
                ticket: updates.clone(),
                update: Box::new(update),
            },
            move |result| Msg::RefreshEnded { ticket: ended, result },
        );
    }

    /// Starts reading a history; one being read is dropped.
    pub fn history(&mut self, ticket: Ticket, target: Target) {
        let (to, from) = channel(16);
        let job = self.backend.history(target, to);
        let (batches, ended) = (ticket.clone(), ticket);
        self.spawn(
            Slot::History,
            "reading a history",
            job,
            from,
            move |entries| Msg::History {
                ticket: batches.clone(),
                entries,
            },
            move |result| Msg::HistoryEnded { ticket: ended, result },
        );
    }

    /// Drops what runs of a kind.
    pub fn stop(&mut self, slot: Slot) {
        if let Some(task) = self.running.remove(&slot) {
            task.abort();
        }
    }

    fn spawn<T: Send + 'static>(
        &mut self,
        slot: Slot,
        doing: &'static str,
        job: Job,
        mut from: Receiver<T>,
        each: impl Fn(T) -> Msg + Send + Sync + 'static,
        end: impl FnOnce(Result<(), Failure>) -> Msg + Send + 'static,
    ) {
        self.stop(slot);
        let answers = self.answers.clone();
        let task = tokio::spawn(async move {
            let pump = async {
                while let Some(answer) = from.recv().await {
                    if answers.send(Answer::Msg(each(answer))).await.is_err() {
                        break;
                    }
                }
            };
            // The end is told after everything that was found on the way.
            let (result, ()) = tokio::join!(AssertUnwindSafe(job).catch_unwind(), pump);
            let last = match result {
                Ok(result) => Answer::Msg(end(result)),
                Err(_) => Answer::Panicked(doing),
            };
            // A closed channel means that the cockpit has ended.
            let _ = answers.send(last).await;
        });
        self.running.insert(slot, task.abort_handle());
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        for task in self.running.values() {
            task.abort();
        }
    }
}

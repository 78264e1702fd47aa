//! Commands to tasks, answers to messages.
//!
//! Reads are cancelled by dropping them; the newest of a kind wins. A write is never dropped and never
//! raced: one at a time, stopped by its signal only, and its answers come by a channel of their own
//! that is read first.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use super::backend::{Backend, BackendJob, EarlierFound, WriteJob};
use super::faults;
use crate::app::Msg;
use crate::app::generation::{QueryKind, Ticket};
use crate::domain::board::PinKey;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, Target};
use crate::domain::reference::Repository;
use crate::domain::rotation::BoardLook;
use crate::domain::write::{Progress, Proposal, Request};

/// What comes back from the executor's tasks.
#[derive(Debug)]
pub(crate) enum ExecutorEvent {
    /// A message for the state machine.
    Msg(Msg),
    /// The backend panicked while doing this.
    Panicked(&'static str),
}

/// The channels that answers come by.
#[derive(Debug)]
pub(crate) struct ExecutorEvents {
    /// Of the write in flight; to be read first.
    pub writes: Receiver<ExecutorEvent>,
    /// Of everything else.
    pub reads: Receiver<ExecutorEvent>,
}

/// Runs the backend's jobs.
pub(crate) struct Executor {
    backend: Arc<dyn Backend>,
    reads: Sender<ExecutorEvent>,
    writes: Sender<ExecutorEvent>,
    running: BTreeMap<QueryKind, AbortHandle>,
    write: Option<WriteTask>,
}

/// The write in flight, or the last one.
struct WriteTask {
    task: JoinHandle<()>,
    cancel: watch::Sender<bool>,
}

impl Executor {
    /// An executor, and the channels its answers come by.
    pub(crate) fn new(backend: Arc<dyn Backend>) -> (Self, ExecutorEvents) {
        let (reads, read) = channel(256);
        let (writes, written) = channel(64);
        let executor = Self {
            backend,
            reads,
            writes,
            running: BTreeMap::new(),
            write: None,
        };
        let answers = ExecutorEvents {
            writes: written,
            reads: read,
        };
        (executor, answers)
    }

    /// Starts a pass over the board; a running one is dropped.
    pub(crate) fn refresh(&mut self, ticket: Ticket, look: BoardLook) {
        let (to, from) = channel(64);
        let job = self.backend.refresh(look, to);
        let (updates, ended) = (ticket.clone(), ticket);
        self.stream(
            QueryKind::Board,
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
    pub(crate) fn history(&mut self, ticket: Ticket, target: Target) {
        let (to, from) = channel(16);
        let job = self.backend.history(target, to);
        let (batches, ended) = (ticket.clone(), ticket);
        self.stream(
            QueryKind::History,
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

    /// Starts listing what a target could go back to; a list being made is dropped.
    pub(crate) fn earlier_digests(&mut self, ticket: Ticket, target: Target, wanted: Option<Digest>) {
        let (to, from) = channel(16);
        let job = self.backend.earlier_digests(target, wanted, to);
        let (each, ended) = (ticket.clone(), ticket);
        self.stream(
            QueryKind::Earlier,
            "listing earlier digests",
            job,
            from,
            move |found| match found {
                EarlierFound::List(digests) => Msg::EarlierDigests {
                    ticket: each.clone(),
                    digests,
                },
                EarlierFound::Judged(digest, verdict) => Msg::EarlierJudged {
                    ticket: each.clone(),
                    digest,
                    verdict,
                },
            },
            move |result| Msg::EarlierEnded { ticket: ended, result },
        );
    }

    /// Starts comparing two digests; another comparison for the same place on screen is dropped.
    pub(crate) fn diff(&mut self, ticket: Ticket, a: (Repository, Digest), b: (Repository, Digest)) {
        let job = self.backend.diff(a, b);
        self.read(ticket.slot, "comparing two digests", async move {
            Msg::Compared {
                ticket,
                result: job.await.map(Box::new),
            }
        });
    }

    /// Starts looking whether clusters run what was written; another such look is dropped.
    pub(crate) fn follow(&mut self, ticket: Ticket, pins: Vec<PinKey>) {
        let (to, from) = channel(64);
        let job = self.backend.follow(pins, to);
        let (updates, ended) = (ticket.clone(), ticket);
        self.stream(
            QueryKind::Running,
            "looking at the clusters",
            job,
            from,
            move |update| Msg::Update {
                ticket: updates.clone(),
                update: Box::new(update),
            },
            move |_| Msg::Followed { ticket: ended },
        );
    }

    /// Starts planning a write; a plan being made is dropped: it has written nothing.
    pub(crate) fn plan(&mut self, ticket: Ticket, request: Request) {
        let job = self.backend.plan(request);
        self.read(QueryKind::Plan, "planning a write", async move {
            Msg::Planned {
                ticket,
                result: job.await.map(Box::new),
            }
        });
    }

    /// Starts a write. While one is in flight, another is refused.
    pub(crate) fn execute(&mut self, ticket: Ticket, proposal: Proposal) {
        let backend = Arc::clone(&self.backend);
        self.write(ticket, |to, cancelled| backend.execute(proposal, to, cancelled));
    }

    /// Starts finishing a write that a crash left. While one is in flight, another is refused.
    pub(crate) fn finish_left(&mut self, ticket: Ticket, id: String) {
        let backend = Arc::clone(&self.backend);
        self.write(ticket, |to, cancelled| backend.finish_left(id, to, cancelled));
    }

    /// Lists what a crash left unfinished.
    pub(crate) fn left(&mut self, ticket: Ticket) {
        let job = self.backend.left();
        self.read(QueryKind::Left, "reading the journal", async move {
            Msg::Left {
                ticket,
                result: job.await,
            }
        });
    }

    /// Forgets one of those, and lists the rest.
    pub(crate) fn forget_left(&mut self, ticket: Ticket, id: String) {
        let job = self.backend.forget_left(id);
        self.read(QueryKind::Left, "changing the journal", async move {
            Msg::Left {
                ticket,
                result: job.await,
            }
        });
    }

    fn write(&mut self, ticket: Ticket, begin: impl FnOnce(Sender<Progress>, watch::Receiver<bool>) -> WriteJob) {
        let answers = self.writes.clone();
        if self.is_writing() {
            let msg = Msg::Written {
                ticket,
                result: Err(Failure::failed("another write is in flight, and nothing was written")
                    .hint("wait for it to end")
                    .into()),
            };
            tokio::spawn(async move { answers.send(ExecutorEvent::Msg(msg)).await });
            return;
        }
        let (cancel, cancelled) = watch::channel(false);
        let (to, mut from) = channel(64);
        let job = begin(to, cancelled);
        // The signal lives as long as the write: its end must not read as one.
        let signal = cancel.clone();
        let task = tokio::spawn(async move {
            let pump = async {
                while let Some(progress) = from.recv().await {
                    let msg = Msg::Progress {
                        ticket: ticket.clone(),
                        progress,
                    };
                    if answers.send(ExecutorEvent::Msg(msg)).await.is_err() {
                        break;
                    }
                }
            };
            let job = async {
                faults::point("write");
                job.await
            };
            let (result, ()) = tokio::join!(AssertUnwindSafe(job).catch_unwind(), pump);
            drop(signal);
            let result = result.unwrap_or_else(|_| {
                Err(Failure::failed("pindeck itself failed during the write")
                    .hint("`pindeck resume` says what stands. Please report it with the log")
                    .into())
            });
            let msg = Msg::Written {
                ticket,
                result: result.map(Box::new),
            };
            // A closed channel means that the cockpit has ended.
            let _ = answers.send(ExecutorEvent::Msg(msg)).await;
        });
        self.write = Some(WriteTask { task, cancel });
    }

    /// Asks the write in flight to stop; past its git step it goes on.
    pub(crate) fn cancel_write(&self) {
        if let Some(write) = &self.write {
            // Without a receiver there is nothing left to stop.
            let _ = write.cancel.send(true);
        }
    }

    /// Whether a write is in flight.
    pub(crate) fn is_writing(&self) -> bool {
        self.write.as_ref().is_some_and(|write| !write.task.is_finished())
    }

    /// Drops what runs of a kind. Writes are not dropped.
    pub(crate) fn stop(&mut self, slot: QueryKind) {
        if let Some(task) = self.running.remove(&slot) {
            task.abort();
        }
    }

    /// A question with one answer.
    fn read(&mut self, slot: QueryKind, doing: &'static str, job: impl Future<Output = Msg> + Send + 'static) {
        self.stop(slot);
        let answers = self.reads.clone();
        let task = tokio::spawn(async move {
            let job = async {
                faults::point("read");
                job.await
            };
            let last = match AssertUnwindSafe(job).catch_unwind().await {
                Ok(msg) => ExecutorEvent::Msg(msg),
                Err(_) => ExecutorEvent::Panicked(doing),
            };
            // A closed channel means that the cockpit has ended.
            let _ = answers.send(last).await;
        });
        self.running.insert(slot, task.abort_handle());
    }

    /// A question whose answer is streamed.
    fn stream<T: Send + 'static>(
        &mut self,
        slot: QueryKind,
        doing: &'static str,
        job: BackendJob,
        mut from: Receiver<T>,
        each: impl Fn(T) -> Msg + Send + Sync + 'static,
        end: impl FnOnce(Result<(), Failure>) -> Msg + Send + 'static,
    ) {
        self.stop(slot);
        let answers = self.reads.clone();
        let task = tokio::spawn(async move {
            let pump = async {
                while let Some(answer) = from.recv().await {
                    if answers.send(ExecutorEvent::Msg(each(answer))).await.is_err() {
                        break;
                    }
                }
            };
            let job = async {
                faults::point("read");
                job.await
            };
            // The end is told after everything that was found on the way.
            let (result, ()) = tokio::join!(AssertUnwindSafe(job).catch_unwind(), pump);
            let last = match result {
                Ok(result) => ExecutorEvent::Msg(end(result)),
                Err(_) => ExecutorEvent::Panicked(doing),
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

#[cfg(test)]
#[path = "executor_tests.rs"]
mod tests;

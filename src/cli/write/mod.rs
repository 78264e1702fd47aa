//! Writes on the command line: plan, show, confirm, carry out, report. One way for every verb.

pub(crate) mod confirm;
mod document;
mod options;
mod text;
mod wait;

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;
use tokio::sync::mpsc;

use crate::cli::exit::Exit;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::write::{Ask, Proposal, Receipt, Request, Source, WriteFailure, WriteState};
use crate::engine::Engine;

use super::signals::Interrupts;

pub(crate) use options::WriteOptions;

/// Runs a write from its plan to its result. Gives the exit status.
pub(crate) async fn run(engine: &Engine, command: &'static str, request: Request, how: &WriteOptions) -> Exit {
    let said = WriteReport { command, how };
    if !how.dry_run && !how.yes && how.confirm.is_none() && !said.has_terminal() {
        let failure =
            Failure::usage("there is no terminal to confirm on").hint("add --yes, or --dry-run to see the plan");
        return said.failed(&failure.into());
    }
    let chosen = matches!(&request.ask, Ask::Promote { from: Some(_), .. });
    let interrupts = Interrupts::listen();
    let proposal = match interrupts.or(engine.plan(request)).await {
        Ok(Ok(proposal)) => proposal,
        Ok(Err(failure)) => return said.failed(&failure),
        Err(status) => return said.cancelled(status),
    };
    crate::cli::root_warnings::tell_problems(&engine.roots_told());
    let candidate = matches!(
        &proposal.request.ask,
        Ask::Promote {
            from: Some(Source::Candidate),
            ..
        }
    );
    let unattended = how.yes || how.confirm.is_some();
    if unattended && !how.dry_run && candidate && !chosen {
        let failure =
            Failure::usage("the first environment takes what CI offers at this moment, and no person looks at it")
                .hint("say so with --from candidate, or name it with --digest");
        return said.failed(&failure.into());
    }
    if how.wait.is_some()
        && let Err(failure) = engine.check_waiting(&wait::targets(&proposal)).await
    {
        return said.failed(&failure.into());
    }
    if proposal.plans.is_empty() {
        return said.done(engine, &proposal, &empty(&proposal), &interrupts).await;
    }
    if !how.json {
        say(&text::proposal(&proposal));
    }
    if how.dry_run {
        return said.planned(&proposal);
    }
    if let Err(failure) = confirm::beforehand(&proposal, how, said.has_terminal()) {
        return said.failed(&failure.into());
    }
    if let Some(refused) = proposal.refusal() {
        return said.failed(&refused);
    }
    match interrupts.or(confirm::ask(&proposal, how)).await {
        Ok(true) => {}
        Ok(false) => return said.failed(&Failure::interrupted().into()),
        Err(status) => return said.cancelled(status),
    }
    match carry_out(engine, proposal.clone(), how, &interrupts).await {
        Ok(receipt) => said.done(engine, &proposal, &receipt, &interrupts).await,
        Err(failure) if failure.kind() == FailureKind::Interrupted => {
            said.cancelled(interrupts.status().unwrap_or(Exit::of(FailureKind::Interrupted)))
        }
        Err(failure) => said.failed(&failure),
    }
}

/// What a person answers at the terminal.
pub(crate) async fn answer(question: &str) -> Option<String> {
    confirm::answer(question.to_owned()).await
}

/// Carries a proposal out, with progress on stderr; a signal stops it before the git step.
async fn carry_out(
    engine: &Engine,
    proposal: Proposal,
    how: &WriteOptions,
    interrupts: &Interrupts,
) -> Result<Receipt, WriteFailure> {
    let (tx, mut rx) = mpsc::channel(32);
    let quiet = how.json || !std::io::stderr().is_terminal();
    let shown = tokio::spawn(async move {
        let mut line = text::ProgressLine::default();
        while let Some(step) = rx.recv().await {
            if !quiet {
                line.show(&step);
            }
        }
        line.end();
    });
    let done = engine.execute(proposal, tx, interrupts.cancel()).await;
    let _ = shown.await;
    done
}

/// The receipt of a proposal with nothing to do.
fn empty(proposal: &Proposal) -> Receipt {
    Receipt {
        state: WriteState::Already,
        plans: proposal.plans.clone(),
        commits: Vec::new(),
        pushed: None,
        proposal_url: None,
        is_open: false,
        notes: Vec::new(),
        copied: Default::default(),
        missing_at_destination: Vec::new(),
        remote_words: Vec::new(),
    }
}

/// Reports how a write ended: for people, or as one JSON document.
struct WriteReport<'a> {
    command: &'static str,
    how: &'a WriteOptions,
}

impl WriteReport<'_> {
    fn has_terminal(&self) -> bool {
        !self.how.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    fn planned(&self, proposal: &Proposal) -> Exit {
        if self.how.json {
            print(&document::planned(self.command, proposal));
        }
        // The plan is the answer; the status says whether it could be carried out.
        proposal
            .refusal()
            .map_or(Exit::Done, |failure| Exit::of(failure.kind()))
    }

    /// Says what git has, and with `--wait` what becomes of it. Whatever the waiting comes to, the push stands.
    async fn done(&self, engine: &Engine, proposal: &Proposal, receipt: &Receipt, interrupts: &Interrupts) -> Exit {
        if !self.how.json {
            say(&text::receipt(proposal, receipt));
        }
        let targets = wait::targets(proposal);
        let waits = matches!(receipt.state, WriteState::Pushed | WriteState::Already) && !targets.is_empty();
        let end = match self.how.wait.filter(|_| waits) {
            Some(limit) => Some(wait::run(engine, &targets, limit, interrupts).await),
            None => None,
        };
        if self.how.json {
            let waited = end.as_ref().map(wait::document);
            print(&document::receipt(self.command, proposal, receipt, waited));
        } else if let Some(end) = &end {
            say(&wait::lines(end));
        }
        end.map_or(Exit::Done, |end| wait::status(&end, interrupts))
    }

    fn failed(&self, failure: &WriteFailure) -> Exit {
        self.ended(failure, Exit::of(failure.kind()))
    }

    /// Ended by a signal, with the status of that signal.
    fn cancelled(&self, status: Exit) -> Exit {
        self.ended(&Failure::interrupted().into(), status)
    }

    fn ended(&self, failure: &WriteFailure, status: Exit) -> Exit {
        if self.how.json {
            print(&document::failure(failure, status));
        }
        let mut err = std::io::stderr().lock();
        for line in text::failure(failure) {
            let _ = writeln!(err, "{line}");
        }
        status
    }
}

/// The lines of text that say how a write ended.
pub(crate) fn ended(proposal: &Proposal, result: Result<&Receipt, &WriteFailure>) -> Vec<String> {
    match result {
        Ok(receipt) => text::receipt(proposal, receipt),
        Err(failure) => text::failure(failure),
    }
}

fn say(lines: &[String]) {
    let mut out = std::io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
}

fn print(document: &Value) {
    if let Err(failure) = super::json::print_line(document) {
        super::output::warn(failure.what.clean().as_str());
    }
}

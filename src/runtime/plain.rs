//! Line mode: the cockpit as a conversation, for screen readers, dumb terminals and pipes. One fact a line, no
//! cursor movement, no colours; the same state machine and the same executor as on a screen.

use std::io::{self, BufRead, Read as _, Write};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::watch;

use super::backend::Backend;
use super::clock::TICK;
use super::executor::{Executor, ExecutorEvent};
use super::folding::folded;
use crate::app::command::Command;
use crate::app::dialogue::{self, Dialogue, LineQuestion, Told};
use crate::app::msg::ScrollLimits;
use crate::app::plan_screen::Stage;
use crate::app::state::{BoardPass, Screen, Setup};
use crate::app::update::update;
use crate::app::{CockpitState, Keymap, Msg};
use crate::domain::failure::Failure;
use crate::view::spoken;

/// Bytes of one line. A longer one is taken as an empty line, which never confirms anything.
const LONGEST: u64 = 4096;

/// At most so many events are told before the answer to a line.
const MEANWHILE: usize = 5;

/// How a conversation is begun.
#[derive(Debug)]
pub(crate) struct PlainOptions {
    /// What the state machine needs to know.
    pub setup: Setup,
    /// The person's keys: a line that is a key means what the key means.
    pub keymap: Keymap,
    /// A person types, who can wait and can be asked again; else the lines come from a pipe.
    pub is_terminal: bool,
    /// Tells the time.
    pub clock: fn() -> Timestamp,
    /// How wide the lines may be; `None` = they are not folded.
    pub columns: fn() -> Option<u16>,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainEnd {
    /// The person left, or there were no more lines.
    Quit,
    /// A signal asked for the end.
    Interrupted,
}

/// The lines of a reader, read on a thread of its own: it ends with the program, wherever it waits.
pub(crate) fn lines(mut from: impl BufRead + Send + 'static) -> Receiver<String> {
    let (to, lines) = channel(16);
    std::thread::spawn(move || {
        while let Some(line) = next_line(&mut from) {
            if to.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The next line; `None` at the end. Of a line that is too long nothing is taken.
fn next_line(from: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let mut too_long = false;
    loop {
        bytes.clear();
        let read = from.by_ref().take(LONGEST).read_until(b'\n', &mut bytes).ok()?;
        match (read, bytes.last()) {
            (0, _) if too_long => return Some(String::new()),
            (0, _) => return None,
            (_, Some(b'\n')) | (1..=4095, _) => {
                let line = String::from_utf8_lossy(&bytes).trim().to_owned();
                return Some(if too_long { String::new() } else { line });
            }
            _ => too_long = true,
        }
    }
}

/// Talks until the person leaves, the lines end, or a signal asks for the end. A write that has been confirmed is
/// waited for, whatever ends the conversation.
///
/// # Errors
/// If the lines cannot be written.
pub(crate) async fn run(
    backend: Arc<dyn Backend>,
    options: PlainOptions,
    mut lines: Receiver<String>,
    mut interrupted: watch::Receiver<bool>,
    out: &mut (dyn Write + Send),
) -> io::Result<Result<PlainEnd, Failure>> {
    let (executor, mut answers) = Executor::new(backend);
    let mut talk = Conversation {
        state: CockpitState::new(options.setup, options.keymap, (80, 24), (options.clock)()),
        dialogue: Dialogue::default(),
        executor,
        out,
        is_terminal: options.is_terminal,
        clock: options.clock,
        columns: options.columns,
        pending: None,
        awaits_pass: true,
        is_watching: false,
        events_told: 0,
        last_step: String::new(),
    };
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    talk.begin()?;
    let (mut has_ended, mut is_leaving) = (false, false);
    loop {
        talk.tell_what_is_due()?;
        if is_leaving && !talk.executor.is_writing() {
            return Ok(Ok(PlainEnd::Interrupted));
        }
        if talk.state.quitting {
            return Ok(Ok(PlainEnd::Quit));
        }
        if has_ended && talk.is_at_rest() && !talk.is_watching {
            return Ok(talk.end());
        }
        tokio::select! {
            biased;
            _ = interrupted.wait_for(|is_asked| *is_asked), if !is_leaving => {
                is_leaving = true;
                if talk.executor.is_writing() {
                    talk.say("stopping: what is not committed yet is given up")?;
                    talk.executor.cancel_write();
                } else {
                    talk.leave("interrupted")?;
                }
            },
            answer = answers.writes.recv() => if let Some(failure) = talk.hear(answer)? {
                return Ok(Err(failure));
            },
            answer = answers.reads.recv() => if let Some(failure) = talk.hear(answer)? {
                return Ok(Err(failure));
            },
            line = lines.recv(), if !has_ended && talk.takes_lines() => match line {
                Some(line) => talk.line(&line)?,
                None => has_ended = true,
            },
            _ = tick.tick() => talk.handle(Msg::Tick)?,
        }
    }
}

struct Conversation<'a> {
    state: CockpitState,
    dialogue: Dialogue,
    executor: Executor,
    out: &'a mut (dyn Write + Send),
    is_terminal: bool,
    clock: fn() -> Timestamp,
    columns: fn() -> Option<u16>,
    /// What is told as soon as nothing is waited for any more.
    pending: Option<Told>,
    /// The summary is told when the pass ends.
    awaits_pass: bool,
    is_watching: bool,
    events_told: usize,
    last_step: String,
}

impl Conversation<'_> {
    fn begin(&mut self) -> io::Result<()> {
        if let Some(banner) = self.state.setup.banner.clone() {
            self.say(&format!("{banner}: a world of its own, nothing outside is touched"))?;
        }
        self.say("pindeck line by line; help lists the commands, quit leaves")?;
        self.say("looking at git and the registries")?;
        self.out.flush()?;
        self.handle(Msg::Start)
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let Some(columns) = (self.columns)() else {
            return writeln!(self.out, "{line}");
        };
        folded(line, columns)
            .iter()
            .try_for_each(|line| writeln!(self.out, "{line}"))
    }

    fn say_all(&mut self, lines: &[String]) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.say(line))
    }

    /// Whether nothing is waited for.
    fn is_at_rest(&self) -> bool {
        let is_asked = dialogue::question(&self.state) != LineQuestion::AtWork;
        is_asked && !self.state.is_refreshing() && self.pending.is_none() && !self.awaits_pass
    }

    /// A person can type at any time. What comes from a pipe waits for the answer to the line before.
    fn takes_lines(&self) -> bool {
        self.is_terminal || self.is_at_rest()
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.is_watching = false;
        self.tell_events("meanwhile: ", MEANWHILE)?;
        if matches!(line, "?" | "help") {
            self.pending = Some(Told::Help);
            return Ok(());
        }
        let (commands, told) = dialogue::answer(&self.dialogue, &mut self.state, line, (self.clock)());
        self.awaits_pass |= commands.iter().any(|command| matches!(command, Command::Refresh(..)));
        self.carry_out(commands);
        self.pending = Some(told);
        Ok(())
    }

    fn handle(&mut self, msg: Msg) -> io::Result<()> {
        if let Msg::Progress { progress, .. } = &msg {
            let step = spoken::progress(progress);
            if step != self.last_step {
                self.say(&step)?;
                self.out.flush()?;
                self.last_step = step;
            }
        }
        let is_result = matches!(msg, Msg::Written { .. });
        let commands = update(&mut self.state, msg, (self.clock)());
        if is_result {
            self.last_step.clear();
            self.pending = Some(Told::Opened);
        }
        self.carry_out(commands);
        if self.is_watching {
            self.tell_events("", usize::MAX)?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Takes an answer of the executor in. A panic of the backend ends the conversation.
    fn hear(&mut self, answer: Option<ExecutorEvent>) -> io::Result<Option<Failure>> {
        match answer {
            Some(ExecutorEvent::Msg(msg)) => self.handle(msg).map(|()| None),
            Some(ExecutorEvent::Panicked(doing)) => Ok(Some(super::RunError::Panicked(doing).into())),
            None => Ok(None),
        }
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Refresh(ticket, look) => self.executor.refresh(ticket, look),
                Command::History { ticket, target } => self.executor.history(ticket, target),
                Command::EarlierDigests { ticket, target, wanted } => {
                    self.executor.earlier_digests(ticket, target, wanted);
                }
                Command::Diff { ticket, a, b } => self.executor.diff(ticket, a, b),
                Command::Follow { ticket, pins } => self.executor.follow(ticket, pins),
                Command::Plan { ticket, request } => self.executor.plan(ticket, *request),
                Command::Execute { ticket, proposal } => self.executor.execute(ticket, *proposal),
                Command::Left(ticket) => self.executor.left(ticket),
                Command::FinishLeft { ticket, id, .. } => self.executor.finish_left(ticket, id),
                Command::ForgetLeft { ticket, id } => self.executor.forget_left(ticket, id),
                Command::CancelWrite => self.executor.cancel_write(),
                Command::Stop(slot) => self.executor.stop(slot),
                // Of a screen, and there is none.
                Command::Copy { .. }
                | Command::RememberColumns(_)
                | Command::NextTheme
                | Command::Redraw
                | Command::Suspend
                | Command::Quit => {}
            }
        }
    }

    /// Tells what was waited for, and asks what comes next.
    fn tell_what_is_due(&mut self) -> io::Result<()> {
        if dialogue::question(&self.state) == LineQuestion::AtWork {
            return Ok(());
        }
        let mut is_told = false;
        if self.awaits_pass && dialogue::has_looked(&self.state) {
            self.awaits_pass = false;
            // What is asked now comes first.
            if dialogue::question(&self.state) == LineQuestion::Command {
                self.tell_pass()?;
                is_told = true;
            }
        }
        if let Some(told) = self.pending.take() {
            self.tell(&told)?;
            is_told = true;
        }
        if is_told {
            self.ask()?;
        }
        Ok(())
    }

    fn tell_pass(&mut self) -> io::Result<()> {
        let mut lines = spoken::repository(&self.state);
        lines.extend(spoken::summary(&self.state));
        self.say_all(&lines)
    }

    fn tell(&mut self, told: &Told) -> io::Result<()> {
        let notice = self.state.notice.take().filter(|notice| notice.until.is_none());
        if let Some(notice) = notice {
            self.say(&spoken::line(&notice.text))?;
        }
        let lines = match told {
            Told::Opened => spoken::opened(&self.state),
            Told::Question => Vec::new(),
            Told::Help => spoken::help(&self.state),
            Told::Summary => spoken::summary(&self.state),
            Told::List => {
                let (lines, listed) = spoken::list(&self.state);
                self.dialogue.listed = listed;
                lines
            }
            Told::Service(name) => spoken::service(&self.state, name),
            Told::Cell => spoken::cell(&self.state),
            Told::Drift => spoken::drift(&self.state),
            Told::Watching => {
                self.is_watching = true;
                vec!["watching; an empty line ends it".to_owned()]
            }
        };
        self.say_all(&lines)?;
        // What has been told can be confirmed, as what has been drawn.
        if let Some(Screen::Plan(plan)) = self.state.screen()
            && let Stage::Shown(_) = plan.stage
        {
            let limits = ScrollLimits {
                proposal: Some(plan.serial),
                ..self.state.limits
            };
            self.handle(Msg::Drawn(limits))?;
        }
        let commands = dialogue::close_told(&mut self.state, (self.clock)());
        self.carry_out(commands);
        self.state.notice = None;
        Ok(())
    }

    fn ask(&mut self) -> io::Result<()> {
        match spoken::question(&self.state) {
            Some(question) => self.say(&question)?,
            None if self.is_terminal && !self.is_watching => write!(self.out, "> ")?,
            None => {}
        }
        self.out.flush()
    }

    fn tell_events(&mut self, before: &str, most: usize) -> io::Result<()> {
        let events = self.state.events.since(self.events_told);
        self.events_told = self.state.events.count();
        let more = events.len().saturating_sub(most);
        let lines: Vec<String> = events
            .iter()
            .take(most)
            .map(|event| spoken::line(&event.text))
            .collect();
        for line in lines {
            self.say(&format!("{before}{line}"))?;
        }
        if more > 0 {
            self.say(&format!("and {more} more; events lists them"))?;
        }
        Ok(())
    }

    /// Gives up what waits for an answer, and says so.
    fn leave(&mut self, why: &str) -> io::Result<()> {
        let was_asked = self.state.layer.is_some() || self.state.screen().is_some();
        dialogue::leave(&mut self.state, (self.clock)());
        if self.is_terminal {
            self.say("")?;
        }
        let what = if was_asked {
            "; nothing was confirmed, and nothing was written"
        } else {
            ""
        };
        self.say(&format!("{why}{what}"))?;
        self.out.flush()
    }

    /// The lines have ended.
    fn end(&mut self) -> Result<PlainEnd, Failure> {
        // A reader that has gone away as well needs no farewell.
        let _ = self.leave("end of input");
        match &self.state.pass {
            BoardPass::Failed(failure, _) => Err(failure.clone()),
            BoardPass::None | BoardPass::Running(_) | BoardPass::Ended(_) => Ok(PlainEnd::Quit),
        }
    }
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;

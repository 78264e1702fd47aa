//! The loop: one owner of the state, one order of precedence (signals, input, answers, time), one
//! write per frame.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use super::backend::Backend;
use super::clock::{self, BATCH, FRAME, PULSE, SETTLE, TICK};
use super::display::Display;
use super::executor::{Executor, ExecutorEvent, ExecutorEvents};
use super::input;
use super::options::{CheckedOptions, CockpitEnd, CockpitOptions, RunError};
use super::remembered::Remembered;
use crate::app::command::Command;
use crate::app::update::update;
use crate::app::{CockpitState, Msg};
use crate::term::caps::Caps;
use crate::term::{Guard, background, clipboard, suspend};
use crate::view::theme::{ColourDepth, fits};
use crossterm::event::{Event, EventStream};
use futures_util::{FutureExt as _, StreamExt as _};

pub(super) async fn run(backend: Arc<dyn Backend>, options: CockpitOptions) -> Result<CockpitEnd, RunError> {
    let caps = Caps::from_env(|name| std::env::var(name).ok());
    let checked = options.checked(&caps)?;
    if !std::io::stdin().is_terminal() {
        return Err(RunError::NotATerminal("stdin"));
    }
    if !std::io::stdout().is_terminal() {
        return Err(RunError::NotATerminal("stdout"));
    }
    if caps.dumb {
        return Err(RunError::DumbTerminal(std::env::var("TERM").unwrap_or_default()));
    }
    let mut signals = Signals::new()?;
    let size = crossterm::terminal::size()?;
    let (executor, answers) = Executor::new(backend);
    let guard = Guard::enter(checked.setup.mouse)?;
    let is_light = if checked.depth == ColourDepth::Mono || checked.theme.is_some() {
        None
    } else {
        background::is_light(background::PATIENCE)
    };
    let remembered = checked.remembered.theme();
    let remembered = remembered.filter(|name| fits(name, is_light));
    let theme = match (&checked.theme, &remembered) {
        (Some(theme), _) | (None, Some(theme)) => theme.as_str(),
        (None, None) if is_light == Some(true) => "light",
        (None, None) => "dark",
    };
    let display = Display::new(theme, checked.depth, checked.glyphs, is_light)?;
    let CheckedOptions {
        setup,
        keymap,
        tmux,
        remembered,
        ..
    } = checked;
    let mut cockpit = Cockpit {
        state: CockpitState::new(setup, keymap, size, clock::now()),
        display,
        executor,
        guard,
        tmux,
        remembered,
        dirty: true,
        drawn: None,
        was_suspended: false,
    };
    let ended = cockpit.run(answers, &mut signals).await;
    // The terminal first: what follows may take a moment.
    let Cockpit { executor, guard, .. } = cockpit;
    drop(guard);
    settle(executor, &mut signals).await;
    ended
}

/// Lets a write in flight end: stopped before its git step, finished after it. A second signal does
/// not wait; the journal then says what stands.
async fn settle(mut executor: Executor, signals: &mut Signals) {
    if executor.is_writing() {
        let again = async { while !matches!(signals.next().await, Signal::End(_)) {} };
        tokio::select! {
            () = executor.settle(SETTLE) => {}
            () = again => {}
        }
    }
}

struct Cockpit {
    state: CockpitState,
    display: Display,
    executor: Executor,
    guard: Guard,
    tmux: bool,
    remembered: Remembered,
    dirty: bool,
    drawn: Option<Instant>,
    /// The next "continued" is the answer to our own stop, and has been dealt with.
    was_suspended: bool,
}

impl Cockpit {
    async fn run(&mut self, mut answers: ExecutorEvents, signals: &mut Signals) -> Result<CockpitEnd, RunError> {
        let mut events = EventStream::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.handle(Msg::Start)?;
        self.draw()?;
        loop {
            let due = self.drawn.map_or_else(Instant::now, |at| at + FRAME);
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::End(number) => return Ok(CockpitEnd::Signal(number)),
                    // Stopped from outside and continued: the screen is no longer what we know.
                    Signal::Continued if std::mem::take(&mut self.was_suspended) => {}
                    Signal::Continued => {
                        self.dirty = true;
                        self.guard.pause()?;
                        self.guard.resume()?;
                        self.display.forget();
                        self.draw()?;
                    }
                },
                event = events.next() => match event {
                    // The terminal is gone.
                    None => return Ok(CockpitEnd::Signal(1)),
                    Some(Err(error)) => return Err(error.into()),
                    Some(Ok(event)) => {
                        self.input(event)?;
                        // Keys that wait already are dealt with before the next frame: one frame for all.
                        for _ in 1..BATCH {
                            if self.state.quitting {
                                break;
                            }
                            match events.next().now_or_never() {
                                Some(Some(Ok(event))) => self.input(event)?,
                                Some(Some(Err(error))) => return Err(error.into()),
                                Some(None) => return Ok(CockpitEnd::Signal(1)),
                                None => break,
                            }
                        }
                        if !self.state.quitting {
                            self.draw()?;
                        }
                    }
                },
                () = tokio::time::sleep_until(due.into()), if self.dirty => self.draw()?,
                answer = answers.writes.recv() => self.answer(answer)?,
                answer = answers.reads.recv() => self.answer(answer)?,
                _ = pulse.tick(), if self.state.is_waiting() => self.handle(Msg::Tick)?,
                _ = tick.tick() => self.handle(Msg::Tick)?,
            }
            if self.state.quitting {
                return Ok(CockpitEnd::Quit);
            }
        }
    }

    fn answer(&mut self, answer: Option<ExecutorEvent>) -> Result<(), RunError> {
        match answer {
            Some(ExecutorEvent::Msg(msg)) => self.handle(msg),
            Some(ExecutorEvent::Panicked(doing)) => Err(RunError::Panicked(doing)),
            // The executor keeps a sender as long as it lives.
            None => Ok(()),
        }
    }

    fn input(&mut self, event: Event) -> Result<(), RunError> {
        if let Some((x, y)) = input::pressed(&event) {
            return match self.display.spot(x, y) {
                Some(spot) => self.handle(Msg::Pointed(spot)),
                None => Ok(()),
            };
        }
        match input::translate(event) {
            Some(msg) => self.handle(msg),
            None => Ok(()),
        }
    }

    fn handle(&mut self, msg: Msg) -> Result<(), RunError> {
        let mut messages = vec![msg];
        while let Some(msg) = messages.pop() {
            // Time that passes shows only where it is on screen: no frame is built for it while it is not.
            let shown = matches!(msg, Msg::Tick).then(|| self.state.shown_time());
            let commands = update(&mut self.state, msg, clock::now());
            self.dirty |= shown.is_none_or(|shown| shown != self.state.shown_time() || !commands.is_empty());
            for command in commands {
                messages.extend(self.carry_out(command)?);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, command: Command) -> Result<Option<Msg>, RunError> {
        match command {
            Command::Refresh(ticket) => self.executor.refresh(ticket),
            Command::History { ticket, target } => self.executor.history(ticket, target),
            Command::EarlierDigests { ticket, target, wanted } => {
                self.executor.earlier_digests(ticket, target, wanted);
            }
            Command::Diff { ticket, a, b } => self.executor.diff(ticket, a, b),
            Command::Plan { ticket, request } => self.executor.plan(ticket, *request),
            Command::Execute { ticket, proposal } => self.executor.execute(ticket, *proposal),
            Command::CancelWrite => self.executor.cancel_write(),
            Command::Stop(slot) => self.executor.stop(slot),
            Command::Copy { text, what } => {
                let refused = match clipboard::sequence(&text, self.tmux) {
                    Ok(bytes) => {
                        write(&bytes)?;
                        None
                    }
                    Err(error) => Some(error.to_string()),
                };
                return Ok(Some(Msg::Sent { what, refused }));
            }
            Command::NextTheme => {
                let name = self.display.next_theme();
                match self.remembered.keep_theme(&name) {
                    Err(error) => self
                        .state
                        .complain(format!("theme {name}, which cannot be remembered: {error}")),
                    Ok(true) => self.state.say(format!("theme {name}, remembered for the next start")),
                    Ok(false) => self.state.say(format!("theme {name}")),
                }
            }
            Command::RememberColumns(columns) => {
                if let Err(error) = self.remembered.keep_columns(&columns) {
                    self.state
                        .complain(format!("these columns cannot be remembered: {error}"));
                }
            }
            Command::Redraw => self.display.forget(),
            Command::Suspend => {
                self.was_suspended = true;
                suspend::suspend(&self.guard)?;
                self.display.forget();
                // The terminal may have another size by now.
                let (width, height) = crossterm::terminal::size()?;
                return Ok(Some(Msg::Resize { width, height }));
            }
            // The loop looks at the state after every key.
            Command::Quit => {}
        }
        Ok(None)
    }

    /// Draws if anything has happened; writes only if anything looks different.
    fn draw(&mut self) -> Result<(), RunError> {
        if !self.dirty {
            return Ok(());
        }
        self.dirty = false;
        self.drawn = Some(Instant::now());
        let (bytes, limits) = self.display.frame(&self.state);
        if limits != self.state.limits {
            update(&mut self.state, Msg::Drawn(limits), clock::now());
        }
        if !bytes.is_empty() {
            write(&bytes)?;
        }
        Ok(())
    }
}

/// Writes a whole frame to the terminal in one call.
fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

enum Signal {
    End(u8),
    Continued,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::End(15),
            _ = self.hangup.recv() => Signal::End(1),
            _ = self.interrupt.recv() => Signal::End(2),
            _ = self.continued.recv() => Signal::Continued,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::End(2)
    }
}

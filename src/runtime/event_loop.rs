//! The loop: one owner of the state, one order of precedence (signals, input, answers, time), one
//! write per frame.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::IsTerminal as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::backend::Backend;
use super::clock::{self, BATCH, PULSE, TICK};
use super::display::Display;
use super::executor::{Executor, ExecutorEvent, ExecutorEvents};
use super::options::{CheckedOptions, CockpitEnd, CockpitOptions, RunError};
use super::parting::{self, Flight};
use super::remembered::Remembered;
use super::session::CockpitSession;
use super::signals::{HANGUP, Signal, Signals};
use super::{faults, input};
use crate::app::command::Command;
use crate::app::{CockpitState, Msg};
use crate::term::caps::Caps;
use crate::term::{Guard, background, clipboard, suspend};
use crate::view::theme::{ColourDepth, fits};
use crossterm::event::{Event, EventStream};
use futures_util::{FutureExt as _, Stream, StreamExt as _};

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
    let tell = options.tell;
    let (executor, mut answers) = Executor::new(backend);
    let guard = Guard::enter(checked.setup.mouse)?;
    let asked = checked.depth != ColourDepth::Mono && checked.theme.is_none();
    let is_light = if asked {
        background::is_light(background::PATIENCE)
    } else {
        None
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
    let state = CockpitState::new(setup, keymap, size, clock::now());
    let mut cockpit = Cockpit {
        session: CockpitSession::new(state, display),
        executor,
        guard,
        tmux,
        remembered,
        late: input::LateAnswer::new(asked && is_light.is_none()),
        is_away: false,
        flight: None,
    };
    let ended = AssertUnwindSafe(cockpit.run(&mut answers, &mut signals))
        .catch_unwind()
        .await
        .unwrap_or(Err(RunError::Panicked("drawing or answering a key")));
    // The terminal first: what follows may take a moment.
    let Cockpit {
        executor,
        guard,
        flight,
        ..
    } = cockpit;
    drop(guard);
    if let Some(flight) = flight {
        parting::settle(flight, &executor, &mut answers, &mut signals, tell).await;
    }
    ended
}

struct Cockpit {
    session: CockpitSession,
    executor: Executor,
    guard: Guard,
    tmux: bool,
    remembered: Remembered,
    late: input::LateAnswer,
    /// The terminal is not ours to touch: it was given back for a stop, or we were continued in the background.
    is_away: bool,
    /// The write of which nobody has seen the end yet.
    flight: Option<Flight>,
}

impl Cockpit {
    async fn run(&mut self, answers: &mut ExecutorEvents, signals: &mut Signals) -> Result<CockpitEnd, RunError> {
        match self.go_on(answers, signals).await {
            Err(RunError::Terminal(error)) if is_gone(&error) => Ok(CockpitEnd::Signal(HANGUP)),
            ended => ended,
        }
    }

    async fn go_on(&mut self, answers: &mut ExecutorEvents, signals: &mut Signals) -> Result<CockpitEnd, RunError> {
        let mut events = EventStream::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.handle(Msg::Start)?;
        self.draw()?;
        loop {
            let due = self.session.due(Instant::now()).filter(|_| !self.is_away);
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::End(number) => return Ok(CockpitEnd::Signal(number)),
                    Signal::Continued => self.take_terminal_again()?,
                    Signal::Resized => self.measure()?,
                },
                event = events.next() => match event {
                    // The terminal is gone.
                    None => return Ok(CockpitEnd::Signal(HANGUP)),
                    Some(event) => {
                        // Keys that wait already are dealt with before the next frame: one frame for all.
                        let mut batch = VecDeque::from([event?]);
                        let mut is_over = false;
                        while batch.len() < BATCH && !is_over {
                            match waiting(&mut events).await {
                                Some(Some(event)) => batch.push_back(event?),
                                Some(None) => is_over = true,
                                None => break,
                            }
                        }
                        self.take_batch(batch)?;
                        if is_over {
                            return Ok(CockpitEnd::Signal(HANGUP));
                        }
                        if !self.session.state.quitting && self.session.keys_are_shown_at(Instant::now()) {
                            self.draw()?;
                        }
                    }
                },
                () = sleep_until(due) => self.draw()?,
                answer = answers.writes.recv() => self.answer(answer)?,
                answer = answers.reads.recv() => self.answer(answer)?,
                _ = pulse.tick(), if self.session.state.is_waiting() => self.handle(Msg::Tick)?,
                _ = tick.tick() => {
                    if self.is_away {
                        self.take_terminal_again()?;
                    }
                    self.handle(Msg::Tick)?;
                }
            }
            if self.session.state.quitting {
                return Ok(CockpitEnd::Quit);
            }
        }
    }

    /// Takes the terminal if it is ours to touch; else a later tick tries again. After a stop the screen is no longer
    /// what was drawn, and it may have another size.
    fn take_terminal_again(&mut self) -> Result<(), RunError> {
        self.is_away = !suspend::is_in_foreground();
        if self.is_away {
            return Ok(());
        }
        self.guard.pause()?;
        self.guard.resume()?;
        self.session.disturbed();
        self.measure()?;
        self.draw()
    }

    /// Asks the terminal for its size. The events tell it too, but of several changes at once the last one can be missing
    /// there.
    fn measure(&mut self) -> Result<(), RunError> {
        let (width, height) = crossterm::terminal::size()?;
        if (width, height) == self.session.state.size {
            return Ok(());
        }
        self.handle(Msg::Resize { width, height })
    }

    fn answer(&mut self, answer: Option<ExecutorEvent>) -> Result<(), RunError> {
        match answer {
            Some(ExecutorEvent::Msg(msg)) => {
                if let (Msg::Written { result, .. }, Some(flight)) = (&msg, &mut self.flight) {
                    flight.ended = Some(result.clone());
                }
                self.handle(msg)
            }
            Some(ExecutorEvent::Panicked(doing)) => Err(RunError::Panicked(doing)),
            // The executor keeps a sender as long as it lives.
            None => Ok(()),
        }
    }

    /// Takes in what the terminal has sent at once. Words among it, where nothing is typed, were not pressed as keys:
    /// they were pasted in a terminal that does not mark pastes, or typed ahead.
    fn take_batch(&mut self, mut batch: VecDeque<Event>) -> Result<(), RunError> {
        while let Some(event) = batch.pop_front() {
            if self.session.state.quitting {
                break;
            }
            if self.late.takes(&event) {
                continue;
            }
            let begins = !self.late.is_reading() && self.session.state.awaits_keys();
            let words = if begins {
                input::words(&event, &batch, &self.session.state.keymap)
            } else {
                0
            };
            if words == 0 {
                self.input(event)?;
            } else {
                batch.drain(..words - 1);
                self.handle(Msg::Paste(String::new()))?;
            }
        }
        Ok(())
    }

    fn input(&mut self, event: Event) -> Result<(), RunError> {
        if let Some((x, y)) = input::pressed(&event) {
            return match self.session.display.spot(x, y) {
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
            for command in self.session.take(msg, clock::now()) {
                messages.extend(self.carry_out(command)?);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, command: Command) -> Result<Option<Msg>, RunError> {
        match command {
            Command::Refresh(ticket, look) => self.executor.refresh(ticket, look),
            Command::History { ticket, target } => self.executor.history(ticket, target),
            Command::EarlierDigests { ticket, target, wanted } => {
                self.executor.earlier_digests(ticket, target, wanted);
            }
            Command::Diff { ticket, a, b } => self.executor.diff(ticket, a, b),
            Command::Follow { ticket, pins } => self.executor.follow(ticket, pins),
            Command::Plan { ticket, request } => self.executor.plan(ticket, *request),
            Command::Execute { ticket, proposal } => {
                self.flight = Some(Flight::of(&proposal));
                self.executor.execute(ticket, *proposal);
            }
            Command::Left(ticket) => self.executor.left(ticket),
            Command::FinishLeft { ticket, id, what } => {
                self.flight = Some(Flight::left(what));
                self.executor.finish_left(ticket, id);
            }
            Command::ForgetLeft { ticket, id } => self.executor.forget_left(ticket, id),
            Command::CancelWrite => self.executor.cancel_write(),
            Command::Stop(slot) => self.executor.stop(slot),
            Command::Copy { text, what } => {
                let refused = match clipboard::sequence(&text, self.tmux) {
                    Ok(bytes) => {
                        self.guard.write(&bytes)?;
                        None
                    }
                    Err(error) => Some(error.to_string()),
                };
                return Ok(Some(Msg::Sent { what, refused }));
            }
            Command::NextTheme => {
                let name = self.session.display.next_theme();
                match self.remembered.keep_theme(&name) {
                    Err(error) => self
                        .session
                        .state
                        .complain(format!("theme {name}, which cannot be remembered: {error}")),
                    Ok(true) => self
                        .session
                        .state
                        .say(format!("theme {name}, remembered for the next start")),
                    Ok(false) => self.session.state.say(format!("theme {name}")),
                }
            }
            Command::RememberColumns(columns) => {
                if let Err(error) = self.remembered.keep_columns(&columns) {
                    self.session
                        .state
                        .complain(format!("these columns cannot be remembered: {error}"));
                }
            }
            Command::Redraw => self.session.display.forget(),
            Command::Suspend => {
                self.is_away = true;
                suspend::suspend(&self.guard)?;
            }
            // The loop looks at the state after every key.
            Command::Quit => {}
        }
        Ok(None)
    }

    /// Draws if anything has happened; writes only if anything looks different.
    fn draw(&mut self) -> Result<(), RunError> {
        if self.is_away {
            return Ok(());
        }
        faults::point("draw");
        // A panic anywhere gives the terminal back before it prints. Then nothing may be drawn over that.
        if !self.guard.is_held() {
            return Err(RunError::Panicked("working in the background"));
        }
        let bytes = self.session.draw(Instant::now(), clock::now());
        if !bytes.is_empty() {
            self.guard.write(&bytes)?;
        }
        let seen = self.guard.is_held();
        if seen && self.flight.as_ref().is_some_and(|flight| flight.ended.is_some()) {
            self.flight = None;
        }
        Ok(())
    }
}

/// What the terminal has sent already; `None` = nothing waits. The loop's own waker is left with the stream: with any
/// other one, the next key would wake nobody.
async fn waiting<S: Stream + Unpin>(events: &mut S) -> Option<Option<S::Item>> {
    poll_fn(|context| {
        Poll::Ready(match events.poll_next_unpin(context) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        })
    })
    .await
}

/// Waits for a moment; for ever if there is none.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Whether the terminal itself is gone: nobody is left to tell.
fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use super::*;

    /// Nothing waits; remembers whom it would wake.
    #[derive(Default)]
    struct Silent(Option<Waker>);

    impl Stream for Silent {
        type Item = u8;

        fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<u8>> {
            self.0 = Some(context.waker().clone());
            Poll::Pending
        }
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The terminal's stream keeps the first waker that it is given while nothing waits. If that were not the loop's, the
    /// next key would be answered when a second has passed.
    #[test]
    fn looking_for_more_keys_leaves_the_loop_to_be_woken() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut silent = Silent::default();
        let looked = pin!(waiting(&mut silent)).poll(&mut Context::from_waker(&waker));
        assert_eq!(looked, Poll::Ready(None));
        silent.0.expect("asked").wake();
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_terminal_that_is_gone_is_no_failure() {
        let errno = |code| std::io::Error::from_raw_os_error(code);
        assert!(is_gone(&errno(5)) && is_gone(&std::io::ErrorKind::BrokenPipe.into()));
        assert!(!is_gone(&errno(28)));
    }
}

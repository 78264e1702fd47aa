//! A cockpit without a terminal, on the sample board of the tests: what is measured.

use std::time::Instant;

use jiff::Timestamp;

use super::display::Display;
use super::session::CockpitSession;
use crate::app::generation::Ticket;
use crate::app::{Msg, sample};
use crate::domain::board::Update;
use crate::view::glyphs::UNICODE;
use crate::view::theme::{ColourDepth, ThemeError};

/// A cockpit whose board has so many services in four environments.
#[derive(Debug)]
pub struct Headless {
    session: CockpitSession,
    ticket: Ticket,
    services: usize,
    seconds: i64,
}

impl Headless {
    /// A cockpit of so many columns and rows that has read the repository, and waits for the answers of its first pass.
    ///
    /// # Errors
    /// If the theme `dark` is broken.
    pub fn started(services: usize, (width, height): (u16, u16)) -> Result<Self, ThemeError> {
        let (state, ticket) = sample::started(width, height);
        let display = Display::new("dark", ColourDepth::True, &UNICODE, None)?;
        let mut headless = Self {
            session: CockpitSession::new(state, display),
            ticket,
            services,
            seconds: 0,
        };
        headless.open();
        Ok(headless)
    }

    /// The same after everything was found.
    ///
    /// # Errors
    /// As [`Self::started`].
    pub fn complete(services: usize, size: (u16, u16)) -> Result<Self, ThemeError> {
        let mut headless = Self::started(services, size)?;
        for nth in 0..services {
            for found in sample::large_findings(nth) {
                headless.take(found);
            }
        }
        sample::finish(&mut headless.session.state, &headless.ticket);
        Ok(headless)
    }

    /// The repository has been read, once more.
    pub fn open(&mut self) {
        self.take(sample::large_opened(self.services));
    }

    /// Everything that a pass finds about one of the services, ready to be taken.
    pub fn findings(&self, service: usize) -> Vec<Update> {
        sample::large_findings(service)
    }

    /// Folds in one thing that was found.
    pub fn take(&mut self, found: Update) {
        let msg = Msg::Update {
            ticket: self.ticket.clone(),
            update: Box::new(found),
        };
        self.session.take(msg, self.now());
    }

    /// Presses keys, by their names in angle brackets or as they are: `jj<enter>`.
    pub fn press(&mut self, keys: &str) {
        sample::press(&mut self.session.state, keys);
        self.session.wants_a_frame();
    }

    /// A second passes.
    pub fn tick(&mut self) {
        self.seconds += 1;
        self.session.take(Msg::Tick, self.now());
    }

    /// Draws what has changed; answers the number of bytes that the terminal would get.
    pub fn draw(&mut self) -> usize {
        self.session.wants_a_frame();
        self.session.draw(Instant::now(), self.now()).len()
    }

    /// Draws everything anew; answers the number of bytes.
    pub fn draw_whole(&mut self) -> usize {
        self.session.disturbed();
        self.session.draw(Instant::now(), self.now()).len()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(sample::now().as_second() + self.seconds).unwrap_or_else(|_| sample::now())
    }
}

//! Holds the terminal in raw mode on the alternate screen, and gives it back whatever happens.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Alternate screen, hidden cursor, bracketed paste.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The reverse, after ending a synchronized update that a crash may have left open.
const LEAVE: &str = "\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// Presses and the wheel of the mouse, in a form without limits of size.
const MOUSE: &str = "\x1b[?1000h\x1b[?1006h";
/// The reverse.
const NO_MOUSE: &str = "\x1b[?1006l\x1b[?1000l";

/// Whether the mouse is used while the terminal is ours.
static USES_MOUSE: AtomicBool = AtomicBool::new(false);

/// Whether the terminal is ours now. Global because a panic hook has nothing else to ask.
static HELD: AtomicBool = AtomicBool::new(false);

/// While it lives, the terminal is ours; dropping it gives the terminal back.
#[derive(Debug)]
pub(crate) struct Guard(());

impl Guard {
    /// Takes the terminal, with the mouse if it shall be used, and makes panics give it back before they
    /// print.
    ///
    /// # Errors
    /// If the terminal cannot be switched.
    pub(crate) fn enter(mouse: bool) -> io::Result<Self> {
        hook_panics();
        USES_MOUSE.store(mouse, Ordering::SeqCst);
        take()?;
        Ok(Self(()))
    }

    /// Gives the terminal back for a while, until [`Self::resume`].
    ///
    /// # Errors
    /// If the terminal cannot be switched.
    pub(crate) fn pause(&self) -> io::Result<()> {
        give_back()
    }

    /// Whether the terminal is still ours: a panic, on whatever thread, gives it back.
    pub(crate) fn is_held(&self) -> bool {
        HELD.load(Ordering::SeqCst)
    }

    /// Writes to the terminal in one call, as long as it is ours: whoever gives it back has the last word.
    ///
    /// # Errors
    /// If the terminal does not take it.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.is_held() {
            return Ok(());
        }
        out.write_all(bytes)?;
        out.flush()
    }

    /// Takes the terminal again.
    ///
    /// # Errors
    /// If the terminal cannot be switched.
    pub(crate) fn resume(&self) -> io::Result<()> {
        take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = give_back();
    }
}

fn take() -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    HELD.store(true, Ordering::SeqCst);
    write(ENTER)?;
    if USES_MOUSE.load(Ordering::SeqCst) {
        write(MOUSE)?;
    }
    Ok(())
}

/// Gives the terminal back if pindeck has it; may be called any number of times.
///
/// # Errors
/// If the terminal cannot be switched.
pub(crate) fn give_back() -> io::Result<()> {
    if !HELD.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let without_mouse = if USES_MOUSE.load(Ordering::SeqCst) {
        write(NO_MOUSE)
    } else {
        Ok(())
    };
    let written = write(LEAVE).and(without_mouse);
    crossterm::terminal::disable_raw_mode()?;
    written
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn hook_panics() {
    static HOOKED: AtomicBool = AtomicBool::new(false);
    if HOOKED.swap(true, Ordering::SeqCst) {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = give_back();
        before(panic);
    }));
}

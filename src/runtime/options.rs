//! How the cockpit is started, and how it can end.

use std::collections::BTreeMap;

use super::parting::Parting;
use super::remembered::Remembered;
use crate::app::keymap::{Keymap, KeymapError};
use crate::app::state::Setup;
use crate::domain::failure::{Failure, Hint, Part};
use crate::term::caps::{Caps, Colours};
use crate::view::glyphs::{self, Glyphs};
use crate::view::theme::{ColourDepth, Theme, ThemeError};

/// How a person wants the cockpit to look and listen. Names as configured, not yet checked.
#[derive(Debug, Clone)]
pub(crate) struct CockpitOptions {
    /// What the state machine needs to know.
    pub setup: Setup,
    /// Keys per action name, replacing the defaults.
    pub keys: BTreeMap<String, Vec<String>>,
    /// A built-in theme's name; `None` = by the terminal.
    pub theme: Option<String>,
    /// Where is remembered what the person chose with keys.
    pub remembered: Remembered,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// `unicode` or `ascii`; `None` = by the locale.
    pub glyphs: Option<String>,
    /// `truecolor`, `256`, `16` or `mono`; `None` = by the terminal.
    pub colours: Option<String>,
    /// Says what becomes of a write in flight after the terminal was given back.
    pub tell: fn(Parting),
}

/// How the cockpit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CockpitEnd {
    /// The person left.
    Quit,
    /// A signal, by its number (2 = SIGINT, 15 = SIGTERM): the exit status is 128 more.
    Signal(u8),
}

/// Why the cockpit could not run, or could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// Nobody is there to look.
    #[error("the cockpit needs a terminal, and {0} is none")]
    NotATerminal(&'static str),
    /// A terminal without a cursor.
    #[error("TERM={0:?} cannot place a cursor")]
    DumbTerminal(String),
    /// Configured keys.
    #[error(transparent)]
    Keys(#[from] KeymapError),
    /// Configured theme.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// Configured glyphs or colours.
    #[error("{setting} = {value:?} is unknown")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// As written.
        value: String,
        /// What would be valid.
        valid: &'static str,
    },
    /// The terminal went away or refused.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] std::io::Error),
    /// A fault of pindeck itself.
    #[error("pindeck itself failed while {0}")]
    Panicked(&'static str),
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let what = error.to_string();
        match error {
            RunError::NotATerminal(_) => Self::usage(what).hint("`pindeck status` prints the same without one"),
            RunError::DumbTerminal(_) => Self::usage(what).hint("`pindeck --plain` prints line by line"),
            RunError::Keys(_) | RunError::Theme(_) => Self::usage(what).hint("correct it in your configuration"),
            RunError::Setting { valid, .. } => {
                Self::usage(what).hint(Hint::with("valid are {}", &[Part::literal(valid)]))
            }
            RunError::Terminal(_) => Self::failed(what),
            RunError::Panicked(_) => Self::failed(what).hint("please report it with the log"),
        }
    }
}

/// Options after checking.
#[derive(Debug, Clone)]
pub(crate) struct CheckedOptions {
    pub(crate) setup: Setup,
    pub(crate) keymap: Keymap,
    pub(crate) theme: Option<String>,
    pub(crate) remembered: Remembered,
    pub(crate) glyphs: &'static Glyphs,
    pub(crate) depth: ColourDepth,
    pub(crate) tmux: bool,
}

impl CockpitOptions {
    /// Checks every name, so that mistakes show before the screen is taken.
    ///
    /// # Errors
    /// A [`RunError`] naming the setting.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        self.checked(&Caps::from_env(|name| std::env::var(name).ok())).map(drop)
    }

    pub(crate) fn checked(&self, caps: &Caps) -> Result<CheckedOptions, RunError> {
        let keymap = Keymap::with(&self.keys)?;
        let glyphs = match self.glyphs.as_deref() {
            None if caps.unicode => &glyphs::UNICODE,
            None => &glyphs::ASCII,
            Some(name) => Glyphs::named(name).ok_or_else(|| RunError::Setting {
                setting: "glyphs",
                value: name.to_owned(),
                valid: "unicode, ascii",
            })?,
        };
        let depth = match self.colours.as_deref() {
            None => match caps.colours {
                Colours::None => ColourDepth::Mono,
                Colours::Sixteen => ColourDepth::Sixteen,
                Colours::Indexed => ColourDepth::Indexed,
                Colours::True => ColourDepth::True,
            },
            Some("mono") => ColourDepth::Mono,
            Some("16") => ColourDepth::Sixteen,
            Some("256") => ColourDepth::Indexed,
            Some("truecolor") => ColourDepth::True,
            Some(other) => {
                return Err(RunError::Setting {
                    setting: "colours",
                    value: other.to_owned(),
                    valid: "truecolor, 256, 16, mono",
                });
            }
        };
        if let Some(name) = &self.theme {
            Theme::built_in(name, depth)?;
        }
        Ok(CheckedOptions {
            setup: Setup {
                mouse: self.mouse,
                hidden_columns: self.remembered.columns(),
                ..self.setup.clone()
            },
            keymap,
            theme: self.theme.clone(),
            remembered: self.remembered.clone(),
            glyphs,
            depth,
            tmux: caps.tmux,
        })
    }
}

//! The cockpit's pure state machine: [`update::update`] takes the [`CockpitState`], one [`Msg`] and the
//! time, and answers with [`Command`]s for the runtime.
//!
//! Nothing in here knows a terminal, a task or a source. Every action of the cockpit has one row in
//! [`action::ACTIONS`], from which the keymap, the help, the palette and the key docs are made.

pub mod action;
pub mod age;
mod availability;
pub mod cell_status;
pub mod command;
mod comparable;
pub mod comparison;
pub mod cursor;
pub mod dialogue;
pub mod drift_index;
pub mod equivalent;
pub mod events;
mod facet;
pub mod filter;
pub mod generation;
pub mod guidance;
pub mod guide;
pub mod held;
pub mod key;
pub mod keymap;
pub mod modal_choice;
pub mod msg;
mod notice;
pub mod palette;
pub mod pane;
mod passing;
pub mod plan_screen;
mod reading;
pub mod request;
pub mod revert_screen;
pub mod running_words;
pub mod select;
pub mod signs;
pub mod sorting;
pub mod state;
pub mod undo;
pub mod unfinished;
pub mod update;
pub mod versions;

#[cfg(any(test, feature = "measure"))]
#[cfg_attr(
    not(test),
    allow(dead_code, unused_imports, reason = "tests use more of it than what is measured")
)]
pub(crate) mod sample;

pub use action::Action;
pub use keymap::Keymap;
pub use msg::Msg;
pub use state::CockpitState;

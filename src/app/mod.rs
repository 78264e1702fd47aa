//! The cockpit's pure state machine: [`update::update`] takes the [`State`], one [`Msg`] and the
//! time, and answers with [`Command`]s for the runtime.
//!
//! Nothing in here knows a terminal, a task or a source. Every action of the cockpit stands in one
//! table ([`action::ACTIONS`]), from which the keymap, the help, the palette and the key docs come.

pub mod action;
pub mod age;
mod allowed;
pub mod command;
pub mod filter;
pub mod generation;
pub mod key;
pub mod keymap;
pub mod msg;
pub mod offer;
pub mod release;
pub mod select;
pub mod standing;
pub mod state;
pub mod update;

#[cfg(test)]
pub(crate) mod sample;

pub use action::Action;
pub use command::Command;
pub use key::Key;
pub use keymap::Keymap;
pub use msg::Msg;
pub use state::State;

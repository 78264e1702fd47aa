//! pindeck: a terminal release cockpit in which the digest is the release.
//!
//! ```text
//! git / registry ─adapter→ domain values ─Update / Msg→ app::update(&mut State, Msg) ─→ Vec<Command>
//!       ↑                                                                                  │
//!    engine  ←──────────────────────── runtime::executor ←──── Command ────────────────────┘
//!                                      view(&State) → Buffer → one write
//! ```
//!
//! * [`domain`] is pure: no I/O, no clock.
//! * [`sources`] are the adapters; foreign types stop at their doors.
//! * [`engine`] answers domain questions with the sources; CLI and cockpit share it.
//! * [`app`] is the cockpit's pure state machine, [`view`] draws it, [`term`] owns the terminal and
//!   [`runtime`] ties them together.
//! * [`config`] reads `pindeck.toml` and the user's preferences, [`cli`] is the command line, and
//!   [`demo`] the embedded world.
//!
//! Who may import what is kept by `tests/house/imports.rs`.

pub(crate) mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
pub(crate) mod runtime;
pub mod sources;
pub(crate) mod term;
pub(crate) mod view;

#[cfg(feature = "measure")]
pub use runtime::headless;

//! What fills the screen.

pub mod board;
pub mod diff;
pub mod events;
pub mod evidence;
pub mod feed;
pub mod history;
pub mod inspector;
pub mod plan;
pub mod revert;
pub mod table;

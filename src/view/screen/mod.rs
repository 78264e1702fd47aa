//! What fills the screen.

pub mod board;
pub mod evidence;
pub mod feed;
pub mod history;
pub mod inspector;
pub mod table;

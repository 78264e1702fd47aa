//! What lies over a screen.

pub mod ask;
pub mod choose;
pub mod columns;
pub mod help;
pub mod leave;
pub mod palette;
pub mod unfinished;
mod window;

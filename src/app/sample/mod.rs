//! A canned board for tests: every state that the screen can show, once at least.

mod drive;
mod large;
mod pieces;
mod release;
mod reverting;
mod running;
mod world;

pub(crate) use drive::*;
pub(crate) use large::*;
pub(crate) use pieces::*;
pub(crate) use release::*;
pub(crate) use reverting::*;
pub(crate) use running::*;
pub(crate) use world::*;

//! The terminal: guard, capabilities, one write per frame, clipboard. Knows nothing of pindeck.

pub(crate) mod background;
pub(crate) mod caps;
pub(crate) mod clipboard;
pub(crate) mod frame;
pub(crate) mod guard;
mod pen;
mod scroll;
pub(crate) mod suspend;

pub(crate) use frame::Painter;
pub(crate) use guard::Guard;

//! The terminal: guard, capabilities, one write per frame, clipboard. Knows nothing of pindeck.

pub mod background;
pub mod caps;
pub mod clipboard;
pub mod frame;
pub mod guard;
pub mod suspend;

pub use frame::Painter;
pub use guard::Guard;

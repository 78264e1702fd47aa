//! The terminal: guard, capabilities, one write per frame.

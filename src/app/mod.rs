//! The cockpit's pure state machine.

//! Draws the state.

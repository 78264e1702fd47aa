//! Event loop, executor and clock.

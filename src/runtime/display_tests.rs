//! Byte counts.

//! Small parts that several screens share.

pub mod badge;
pub mod fingerprint;
pub mod footer;
pub mod header;
pub mod list;
pub mod scroll;

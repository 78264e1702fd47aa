//! Small parts that several screens share.

pub mod badge;

pub mod footer;
pub mod guide;
pub mod header;
pub mod list;
pub mod proposal;
pub mod running;
pub mod scroll;
pub mod sign;
pub mod version;

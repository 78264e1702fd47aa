//! What is said to the person in one line.

use jiff::Timestamp;

/// A line for the person, shown until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What is said, already cleaned.
    pub text: String,
    /// Whether something was refused or went wrong.
    pub bad: bool,
    /// When it goes by itself; `None` = with the next key only. What answers a key stays until the next one.
    pub until: Option<Timestamp>,
}

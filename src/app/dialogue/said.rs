//! What has been said, and what is to be told next.

use crate::domain::id::ServiceId;

/// What is to be told after a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// What has been opened by it, or what was answered.
    Opened,
    /// Nothing but the question: what it is about was told the line before.
    Question,
    /// The commands.
    Help,
    /// How the board stands in a few lines.
    Summary,
    /// Every service that the filter lets through, numbered.
    List,
    /// One service in every environment.
    Service(ServiceId),
    /// Everything about the selected cell.
    Cell,
    /// Everything that has drifted, numbered.
    Drift,
    /// Nothing: events are told as they come, until the next line.
    Watching,
}

/// What has been said so far, so that numbers mean what they meant when they were said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialogue {
    /// The services of the last list, in its order.
    pub listed: Vec<ServiceId>,
}

/// A number as a place in a list.
pub(super) fn number(line: &str) -> Option<usize> {
    let digits = !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| line.parse::<usize>().ok()?.checked_sub(1)).flatten()
}

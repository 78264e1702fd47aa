//! What a crash left unfinished, as it lies on the screen.

use crate::domain::failure::Failure;
use crate::domain::recovery::LeftWrite;

/// The list of what a crash left unfinished.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnfinishedList {
    /// Oldest first; `None` = being read.
    pub found: Option<Result<Vec<LeftWrite>, Failure>>,
    /// The selected one.
    pub at: usize,
    /// A frame has shown the list: before that, nothing is confirmed.
    pub is_drawn: bool,
    /// What the next answer is about.
    pub question: UnfinishedQuestion,
}

/// What is asked about the selected write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum UnfinishedQuestion {
    /// Whether to finish it.
    #[default]
    Finish,
    /// The name of its environment, as far as it has been typed.
    Name(String),
    /// Whether to forget it.
    Forget,
}

impl UnfinishedList {
    /// Whether a frame has to show it before anything can be answered.
    pub const fn waits_to_be_seen(&self) -> bool {
        self.found.is_some() && !self.is_drawn
    }

    /// The selected write.
    pub fn selected(&self) -> Option<&LeftWrite> {
        self.found.as_ref()?.as_ref().ok()?.get(self.at)
    }
}

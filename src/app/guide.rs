//! How far somebody has been led who sees a cockpit for the first time. What is said is in
//! [`super::guidance`].

use super::cursor::Cursor;

/// How far somebody has been led.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guide {
    /// What comes next.
    pub step: GuideStep,
    /// Where the cursor stood when it began; `None` = there was none yet.
    pub began_at: Option<Cursor>,
}

/// The steps, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuideStep {
    /// Looking around.
    #[default]
    Look,
    /// Why something is rejected.
    Why,
    /// A promotion.
    Promote,
    /// The way back.
    Revert,
    /// All of it has been done.
    Done,
}

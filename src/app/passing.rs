//! What time alone changes on screen: ages, seconds of waiting, and what goes by itself.

use jiff::Timestamp;

use super::comparison::ComparisonState;
use super::plan_screen::Stage;
use super::state::{CockpitState, Reading, Screen};

/// The time as far as it shows in a frame: one that is built while this stays the same looks the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownTime {
    /// The minute, for ages.
    minute: Timestamp,
    /// The moment itself, while the screen says how long something has taken.
    moment: Option<Timestamp>,
    /// Whether a line for the person is there, which may go by itself.
    notice: bool,
}

impl CockpitState {
    /// The time as far as it shows in a frame.
    pub fn shown_time(&self) -> ShownTime {
        ShownTime {
            minute: self.minute(),
            moment: self.is_waiting().then_some(self.now),
            notice: self.notice.is_some(),
        }
    }

    /// Whether something on screen waits for an answer, so that its waiting is worth showing.
    pub fn is_waiting(&self) -> bool {
        self.writing.is_some()
            || !self.flashing.is_empty()
            || match self.screen() {
                Some(Screen::Plan(plan)) => {
                    matches!(plan.stage, Stage::Planning { .. }) || plan.compared.contains(&ComparisonState::Running)
                }
                Some(Screen::Diff(diff)) => diff.compared == ComparisonState::Running,
                Some(Screen::Revert(revert)) => {
                    revert.reading == Reading::Running || revert.compared == ComparisonState::Running
                }
                _ => false,
            }
    }
}

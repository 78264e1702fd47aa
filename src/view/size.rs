//! The sizes of a terminal at which the screens change.

use crate::app::state::CockpitState;

/// The smallest terminal that gets a screen: columns and rows.
pub const SMALLEST: (u16, u16) = (60, 15);

/// From this many columns on, the panes of the board share the screen.
pub const WIDE: u16 = 90;

/// From this many columns on, the events have a place beside the drift feed.
const EVENTS: u16 = 180;

/// Whether the log of events stands beside the board.
pub fn has_events_pane(state: &CockpitState) -> bool {
    state.size.0 >= EVENTS && !state.full_screen
}

//! The sizes of a terminal at which the screens change.

/// The smallest terminal that gets a screen: columns and rows.
pub const SMALLEST: (u16, u16) = (60, 15);

/// From this many columns on, the panes of the board share the screen.
pub const WIDE: u16 = 90;

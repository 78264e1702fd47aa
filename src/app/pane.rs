//! The panes of the board.

/// The panes of the board screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// Services × environments.
    #[default]
    Board,
    /// Everything about the selected cell.
    Inspector,
    /// The drift feed.
    Feed,
}

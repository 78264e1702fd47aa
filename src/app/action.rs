//! The one table of everything the cockpit can do.
//!
//! Keymap, help, palette, key hints and the generated key docs are all made from [`ACTIONS`].

use super::allowed::{
    always, can_diff, can_mark, can_open, can_pin, can_promote, can_release_hold, can_revert, can_undo, has_command,
    has_digest, has_filter, has_panes, has_pin, has_several_pins, not_refreshing, not_writing, on_board,
};
use super::state::State;

/// Everything the cockpit can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Selection up.
    MoveUp,
    /// Selection down.
    MoveDown,
    /// Selection left.
    MoveLeft,
    /// Selection right.
    MoveRight,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// The next pin where an environment has several of one service.
    NextPin,
    /// To the next pane.
    NextPane,
    /// To the pane before.
    PreviousPane,
    /// Drill in.
    Open,
    /// Back out.
    Back,
    /// Type a filter.
    Filter,
    /// Show every row again.
    ClearFilter,
    /// Evidence screen.
    Evidence,
    /// History screen.
    History,
    /// Digest diff.
    Diff,
    /// Copy the digest.
    CopyDigest,
    /// Copy the full reference.
    CopyReference,
    /// Copy the equivalent command.
    CopyCommand,
    /// Look again.
    Refresh,
    /// Hold the screen still.
    Freeze,
    /// Step a digest forward.
    Promote,
    /// Put an earlier digest back.
    Revert,
    /// Give a pin by tag its digest.
    Pin,
    /// Let a reverted digest step forward again.
    ReleaseHold,
    /// Mark a row for a set.
    Mark,
    /// Propose the inverse of the last write.
    Undo,
    /// Every action by name.
    Palette,
    /// Keys and words.
    Help,
    /// The next theme.
    NextTheme,
    /// Draw everything anew.
    Redraw,
    /// To the shell and back.
    Suspend,
    /// End.
    Quit,
}

/// Groups of the help, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Moving around.
    Move,
    /// Looking closer.
    Look,
    /// Changing what is released.
    Release,
    /// The cockpit itself.
    Cockpit,
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Self; 4] = [Self::Look, Self::Release, Self::Move, Self::Cockpit];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "moving",
            Self::Look => "looking",
            Self::Release => "releasing",
            Self::Cockpit => "the cockpit",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Spec {
    /// Which action.
    pub action: Action,
    /// Its name in configuration and palette.
    pub name: &'static str,
    /// A word or two for the key hints.
    pub short: &'static str,
    /// Its keys unless configured otherwise.
    pub keys: &'static [&'static str],
    /// Where it stands in the help.
    pub group: Group,
    /// What it does, one line.
    pub help: &'static str,
    /// Whether it can be done now, and why not.
    pub enabled: fn(&State) -> Result<(), String>,
}

impl Action {
    /// Its row of the table.
    pub fn spec(self) -> &'static Spec {
        ACTIONS.iter().find(|spec| spec.action == self).unwrap_or(&ACTIONS[0])
    }

    /// The action with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|spec| spec.name == name).map(|spec| spec.action)
    }

    /// Whether it can be done now, and why not.
    ///
    /// # Errors
    /// The reason, as a clause for the person.
    pub fn enabled(self, state: &State) -> Result<(), String> {
        (self.spec().enabled)(state)
    }
}

macro_rules! spec {
    ($action:ident, $name:literal, $short:literal, [$($key:literal),*], $group:ident, $help:literal, $enabled:expr) => {
        Spec {
            action: Action::$action,
            name: $name,
            short: $short,
            keys: &[$($key),*],
            group: Group::$group,
            help: $help,
            enabled: $enabled,
        }
    };
}

/// Everything the cockpit can do, in the order of help and palette.
pub static ACTIONS: &[Spec] = &[
    spec!(
        Open,
        "open",
        "open",
        ["enter"],
        Look,
        "look closer: cell, then its evidence, then each check",
        can_open
    ),
    spec!(
        Back,
        "back",
        "back",
        ["esc"],
        Look,
        "back out, one step at a time",
        always
    ),
    spec!(
        Evidence,
        "evidence",
        "evidence",
        ["e"],
        Look,
        "every statement about this digest, with every check",
        has_digest
    ),
    spec!(
        History,
        "history",
        "history",
        ["h"],
        Look,
        "who pinned what here, when and why",
        has_pin
    ),
    spec!(
        Diff,
        "diff",
        "diff",
        ["d"],
        Look,
        "what separates these bytes from what CI offers, or from another environment's",
        can_diff
    ),
    spec!(
        Filter,
        "filter",
        "filter",
        ["/"],
        Look,
        "show only rows that match words and facets",
        on_board
    ),
    spec!(
        ClearFilter,
        "clear-filter",
        "all rows",
        ["ctrl-u"],
        Look,
        "show every row again",
        has_filter
    ),
    spec!(
        CopyDigest,
        "copy-digest",
        "copy digest",
        ["y"],
        Look,
        "send the digest to the terminal's clipboard",
        has_digest
    ),
    spec!(
        CopyReference,
        "copy-reference",
        "copy ref",
        ["Y"],
        Look,
        "send the full image reference to the terminal's clipboard",
        has_digest
    ),
    spec!(
        CopyCommand,
        "copy-command",
        "copy command",
        ["c"],
        Look,
        "send the equivalent pindeck command to the terminal's clipboard",
        has_command
    ),
    spec!(
        Promote,
        "promote",
        "promote",
        ["p"],
        Release,
        "step the digest under the cursor (or those of the marked services) into the next environment",
        can_promote
    ),
    spec!(
        Revert,
        "revert",
        "revert",
        ["r"],
        Release,
        "put back the digest that was pinned before (in the history: that of the line)",
        can_revert
    ),
    spec!(
        Mark,
        "mark",
        "mark",
        ["space"],
        Release,
        "mark this service for a set that steps forward together",
        can_mark
    ),
    spec!(
        Undo,
        "undo",
        "undo",
        ["u"],
        Release,
        "propose the inverse of the last write",
        can_undo
    ),
    spec!(
        Pin,
        "pin",
        "pin digest",
        ["P"],
        Release,
        "give this pin by tag the digest that its tag names now",
        can_pin
    ),
    spec!(
        ReleaseHold,
        "release-hold",
        "release hold",
        ["H"],
        Release,
        "let a digest that was reverted here step forward again",
        can_release_hold
    ),
    spec!(
        MoveLeft,
        "move-left",
        "left",
        ["left"],
        Move,
        "to the environment before",
        on_board
    ),
    spec!(
        MoveRight,
        "move-right",
        "right",
        ["right", "l"],
        Move,
        "to the next environment",
        on_board
    ),
    spec!(MoveUp, "move-up", "up", ["up", "k"], Move, "one row up", always),
    spec!(
        MoveDown,
        "move-down",
        "down",
        ["down", "j"],
        Move,
        "one row down",
        always
    ),
    spec!(
        PageUp,
        "page-up",
        "page up",
        ["pageup", "ctrl-b"],
        Move,
        "a page up",
        always
    ),
    spec!(
        PageDown,
        "page-down",
        "page down",
        ["pagedown", "ctrl-f"],
        Move,
        "a page down",
        always
    ),
    spec!(First, "first", "first", ["home", "g"], Move, "to the first row", always),
    spec!(Last, "last", "last", ["end", "G"], Move, "to the last row", always),
    spec!(
        NextPane,
        "next-pane",
        "pane",
        ["tab"],
        Move,
        "board, details, drift; the next comparison",
        has_panes
    ),
    spec!(
        PreviousPane,
        "previous-pane",
        "pane back",
        ["shift-tab"],
        Move,
        "drift, details, board; the comparison before",
        has_panes
    ),
    spec!(
        NextPin,
        "next-pin",
        "next pin",
        ["n"],
        Move,
        "the next pin, where an environment has several of one service",
        has_several_pins
    ),
    spec!(
        Refresh,
        "refresh",
        "refresh",
        ["R"],
        Cockpit,
        "look at git and the registries again",
        not_refreshing
    ),
    spec!(
        Freeze,
        "freeze",
        "freeze",
        ["f"],
        Cockpit,
        "hold the screen still; updates wait and are counted",
        always
    ),
    spec!(
        Palette,
        "palette",
        "commands",
        [":"],
        Cockpit,
        "every action by name, with its key",
        always
    ),
    spec!(
        Help,
        "help",
        "help",
        ["?", "f1"],
        Cockpit,
        "keys, words and signs",
        always
    ),
    spec!(
        NextTheme,
        "next-theme",
        "theme",
        ["t"],
        Cockpit,
        "the next theme",
        always
    ),
    spec!(
        Redraw,
        "redraw",
        "redraw",
        ["ctrl-l"],
        Cockpit,
        "draw everything anew",
        always
    ),
    spec!(
        Suspend,
        "suspend",
        "suspend",
        ["ctrl-z"],
        Cockpit,
        "to the shell; `fg` comes back",
        not_writing
    ),
    spec!(Quit, "quit", "quit", ["q", "ctrl-c"], Cockpit, "leave", always),
];

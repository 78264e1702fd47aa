//! The one table of everything the cockpit can do: names, keys and help.
//!
//! Keymap, help, palette, key hints and the generated key docs are all made from [`ACTIONS`]. Whether
//! an action is possible now is decided in [`super::availability`].

/// Groups of the help, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HelpGroup {
    /// Moving around.
    Move,
    /// Looking closer.
    Look,
    /// Changing what is released.
    Release,
    /// The cockpit itself.
    Cockpit,
}

impl HelpGroup {
    /// Every group, in the order of the help.
    pub const ALL: [Self; 4] = [Self::Look, Self::Release, Self::Move, Self::Cockpit];

    /// The title of the group in help and key docs.
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
pub struct ActionSpec {
    /// The action that this row describes.
    pub action: Action,
    /// Its name in configuration and palette.
    pub name: &'static str,
    /// A word or two for the key hints.
    pub short: &'static str,
    /// Its keys unless they are configured otherwise.
    pub keys: &'static [&'static str],
    /// The group of the help that lists it.
    pub group: HelpGroup,
    /// What it does, in one line.
    pub help: &'static str,
}

macro_rules! actions {
    ($($action:ident: $name:literal, $short:literal, [$($key:literal),*], $group:ident, $help:literal;)*) => {
        /// Everything the cockpit can do, in the order of help and palette.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $help] $action,)*
        }

        /// Everything the cockpit can do, in the order of help and palette: one row for each [`Action`].
        pub static ACTIONS: &[ActionSpec] = &[$(
            ActionSpec {
                action: Action::$action,
                name: $name,
                short: $short,
                keys: &[$($key),*],
                group: HelpGroup::$group,
                help: $help,
            },
        )*];
    };
}

actions! {
    Open: "open", "open", ["enter"], Look,
        "look closer: cell, then its evidence, then each check";
    Back: "back", "back", ["esc"], Look,
        "back out, one step at a time";
    Evidence: "evidence", "evidence", ["e"], Look,
        "every statement about this digest, with every check";
    History: "history", "history", ["L"], Look,
        "who pinned what here, when and why";
    Diff: "diff", "diff", ["d"], Look,
        "what separates these bytes from what CI offers, or from another environment's";
    Events: "events", "events", ["E"], Look,
        "what happened while you looked: builds, pins, tags that moved, verdicts that changed";
    Filter: "filter", "filter", ["/"], Look,
        "show only rows that match words and facets";
    Sort: "sort", "sort", ["s"], Look,
        "sort the rows: by name, versions behind, verdict, age, drift";
    SortThen: "sort-then", "then by", ["S"], Look,
        "sort what is the same in the first order by a second one";
    Columns: "columns", "columns", ["C"], Look,
        "choose which columns of the board are shown; the choice is remembered";
    FullScreen: "full-screen", "full screen", ["z"], Look,
        "give the whole screen to the pane that has the keys, or take it back";
    ClearFilter: "clear-filter", "all rows", ["ctrl-u"], Look,
        "show every row again";
    CopyDigest: "copy-digest", "copy digest", ["D"], Look,
        "send the digest to the terminal's clipboard";
    CopyReference: "copy-reference", "copy ref", ["I"], Look,
        "send the full image reference to the terminal's clipboard";
    CopyCommand: "copy-command", "copy command", ["c"], Look,
        "send the equivalent pindeck command to the terminal's clipboard";
    Promote: "promote", "promote", ["p"], Release,
        "step the digest under the cursor (or those of the marked services) into the next environment";
    Revert: "revert", "revert", ["r"], Release,
        "go back to an earlier digest: the last known good one, or another (in the history: that of the line)";
    RevertTo: "revert-to", "revert to…", ["V"], Release,
        "go back to a digest that you type or paste, whether it was pinned here or not";
    Hold: "hold", "hold", ["O"], Release,
        "put the digest under the cursor on hold: it may not step forward, here or later, until it is released";
    TagRule: "tag-rule", "tag", ["T"], Release,
        "on a plan: what becomes of the tag beside the digest (its own, kept, dropped)";
    Mark: "mark", "mark", ["space"], Release,
        "mark this service for a set that steps forward together, and go on to the next row";
    Undo: "undo", "undo", ["u"], Release,
        "propose the inverse of the last write";
    Unfinished: "unfinished", "unfinished", ["W"], Release,
        "what a crash left unfinished here: what stands of it, to finish or to forget it";
    Pin: "pin", "pin digest", ["P"], Release,
        "give this pin by tag the digest that its tag names now";
    ReleaseHold: "release-hold", "release hold", ["H"], Release,
        "let a digest that was reverted here step forward again";
    MoveLeft: "move-left", "left", ["left", "h"], Move,
        "to the environment before";
    MoveRight: "move-right", "right", ["right", "l"], Move,
        "to the next environment";
    MoveUp: "move-up", "up", ["up", "k"], Move,
        "one row up";
    MoveDown: "move-down", "down", ["down", "j"], Move,
        "one row down";
    PageUp: "page-up", "page up", ["pageup", "ctrl-b"], Move,
        "a page up";
    PageDown: "page-down", "page down", ["pagedown", "ctrl-f"], Move,
        "a page down";
    First: "first", "first", ["home", "g"], Move,
        "to the first row";
    Last: "last", "last", ["end", "G"], Move,
        "to the last row";
    NextPane: "next-pane", "pane", ["tab"], Move,
        "board, details, drift; the next comparison";
    PreviousPane: "previous-pane", "pane back", ["shift-tab"], Move,
        "drift, details, board; the comparison before";
    NextPin: "next-pin", "next pin", ["n"], Move,
        "the next pin, where an environment has several of one service";
    Refresh: "refresh", "refresh", ["R"], Cockpit,
        "look at git and the registries again";
    Freeze: "freeze", "freeze", ["f"], Cockpit,
        "hold the screen still; updates wait and are counted";
    Palette: "palette", "commands", [":"], Cockpit,
        "every action by name, with its key";
    Help: "help", "help", ["?", "f1"], Cockpit,
        "keys, words and signs";
    EndGuide: "end-guide", "send the guide away", ["X"], Cockpit,
        "send the guided line away";
    NextTheme: "next-theme", "theme", ["t"], Cockpit,
        "the next theme";
    Redraw: "redraw", "redraw", ["ctrl-l"], Cockpit,
        "draw everything anew";
    Suspend: "suspend", "suspend", ["ctrl-z"], Cockpit,
        "to the shell; `fg` comes back";
    Quit: "quit", "quit", ["q", "ctrl-c"], Cockpit,
        "leave";
}

impl Action {
    /// The row of [`ACTIONS`] that describes this action. Enum and table are made from one list, so the
    /// place of the one is the place of the other.
    pub fn spec(self) -> &'static ActionSpec {
        &ACTIONS[self as usize]
    }

    /// The action with that name in configuration and palette.
    pub fn from_name(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|spec| spec.name == name).map(|spec| spec.action)
    }
}

//! The one table of everything the cockpit can do: names, keys, danger and help.
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

/// What an action may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// It changes nothing but the screen.
    Harmless,
    /// It opens a plan that a person can confirm. The action itself writes nothing.
    PlansWrite,
}

/// One row of the table.
#[derive(Debug)]
pub struct Spec {
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
    /// What it may lead to.
    pub danger: Danger,
    /// What it does, in one line.
    pub help: &'static str,
}

macro_rules! actions {
    ($($action:ident: $name:literal, $short:literal, [$($key:literal),*], $group:ident, $danger:ident, $help:literal;)*) => {
        /// Everything the cockpit can do, in the order of help and palette.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $help] $action,)*
        }

        /// Everything the cockpit can do, in the order of help and palette: one row for each [`Action`].
        pub static ACTIONS: &[Spec] = &[$(
            Spec {
                action: Action::$action,
                name: $name,
                short: $short,
                keys: &[$($key),*],
                group: HelpGroup::$group,
                danger: Danger::$danger,
                help: $help,
            },
        )*];
    };
}

actions! {
    Open: "open", "open", ["enter"], Look, Harmless,
        "look closer: cell, then its evidence, then each check";
    Back: "back", "back", ["esc"], Look, Harmless,
        "back out, one step at a time";
    Evidence: "evidence", "evidence", ["e"], Look, Harmless,
        "every statement about this digest, with every check";
    History: "history", "history", ["L"], Look, Harmless,
        "who pinned what here, when and why";
    Diff: "diff", "diff", ["d"], Look, Harmless,
        "what separates these bytes from what CI offers, or from another environment's";
    Events: "events", "events", ["E"], Look, Harmless,
        "what happened while you looked: builds, pins, tags that moved, verdicts that changed";
    Filter: "filter", "filter", ["/"], Look, Harmless,
        "show only rows that match words and facets";
    Sort: "sort", "sort", ["s"], Look, Harmless,
        "sort the rows: by name, versions behind, verdict, age, drift";
    SortThen: "sort-then", "then by", ["S"], Look, Harmless,
        "sort what is the same in the first order by a second one";
    Columns: "columns", "columns", ["C"], Look, Harmless,
        "choose which columns of the board are shown; the choice is remembered";
    FullScreen: "full-screen", "full screen", ["z"], Look, Harmless,
        "give the whole screen to the pane that has the keys, or take it back";
    ClearFilter: "clear-filter", "all rows", ["ctrl-u"], Look, Harmless,
        "show every row again";
    CopyDigest: "copy-digest", "copy digest", ["y"], Look, Harmless,
        "send the digest to the terminal's clipboard";
    CopyReference: "copy-reference", "copy ref", ["Y"], Look, Harmless,
        "send the full image reference to the terminal's clipboard";
    CopyCommand: "copy-command", "copy command", ["c"], Look, Harmless,
        "send the equivalent pindeck command to the terminal's clipboard";
    Promote: "promote", "promote", ["p"], Release, PlansWrite,
        "step the digest under the cursor (or those of the marked services) into the next environment";
    Revert: "revert", "revert", ["r"], Release, PlansWrite,
        "go back to an earlier digest: the last known good one, or another (in the history: that of the line)";
    RevertTo: "revert-to", "revert to…", ["V"], Release, PlansWrite,
        "go back to a digest that you type or paste, whether it was pinned here or not";
    Hold: "hold", "hold", ["O"], Release, PlansWrite,
        "put the digest under the cursor on hold: it may not step forward, here or later, until it is released";
    TagRule: "tag-rule", "tag", ["T"], Release, Harmless,
        "on a plan: what becomes of the tag beside the digest (its own, kept, dropped)";
    Mark: "mark", "mark", ["space"], Release, Harmless,
        "mark this service for a set that steps forward together";
    Undo: "undo", "undo", ["u"], Release, PlansWrite,
        "propose the inverse of the last write";
    Pin: "pin", "pin digest", ["P"], Release, PlansWrite,
        "give this pin by tag the digest that its tag names now";
    ReleaseHold: "release-hold", "release hold", ["H"], Release, PlansWrite,
        "let a digest that was reverted here step forward again";
    MoveLeft: "move-left", "left", ["left", "h"], Move, Harmless,
        "to the environment before";
    MoveRight: "move-right", "right", ["right", "l"], Move, Harmless,
        "to the next environment";
    MoveUp: "move-up", "up", ["up", "k"], Move, Harmless,
        "one row up";
    MoveDown: "move-down", "down", ["down", "j"], Move, Harmless,
        "one row down";
    PageUp: "page-up", "page up", ["pageup", "ctrl-b"], Move, Harmless,
        "a page up";
    PageDown: "page-down", "page down", ["pagedown", "ctrl-f"], Move, Harmless,
        "a page down";
    First: "first", "first", ["home", "g"], Move, Harmless,
        "to the first row";
    Last: "last", "last", ["end", "G"], Move, Harmless,
        "to the last row";
    NextPane: "next-pane", "pane", ["tab"], Move, Harmless,
        "board, details, drift; the next comparison";
    PreviousPane: "previous-pane", "pane back", ["shift-tab"], Move, Harmless,
        "drift, details, board; the comparison before";
    NextPin: "next-pin", "next pin", ["n"], Move, Harmless,
        "the next pin, where an environment has several of one service";
    Refresh: "refresh", "refresh", ["R"], Cockpit, Harmless,
        "look at git and the registries again";
    Freeze: "freeze", "freeze", ["f"], Cockpit, Harmless,
        "hold the screen still; updates wait and are counted";
    Palette: "palette", "commands", [":"], Cockpit, Harmless,
        "every action by name, with its key";
    Help: "help", "help", ["?", "f1"], Cockpit, Harmless,
        "keys, words and signs";
    EndGuide: "end-guide", "send the guide away", ["X"], Cockpit, Harmless,
        "send the guided line away";
    NextTheme: "next-theme", "theme", ["t"], Cockpit, Harmless,
        "the next theme";
    Redraw: "redraw", "redraw", ["ctrl-l"], Cockpit, Harmless,
        "draw everything anew";
    Suspend: "suspend", "suspend", ["ctrl-z"], Cockpit, Harmless,
        "to the shell; `fg` comes back";
    Quit: "quit", "quit", ["q", "ctrl-c"], Cockpit, Harmless,
        "leave";
}

impl Action {
    /// The row of [`ACTIONS`] that describes this action. Enum and table are made from one list, so the
    /// place of the one is the place of the other.
    pub fn spec(self) -> &'static Spec {
        &ACTIONS[self as usize]
    }

    /// The action with that name in configuration and palette.
    pub fn from_name(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|spec| spec.name == name).map(|spec| spec.action)
    }
}

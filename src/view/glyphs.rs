//! Every sign the cockpit draws, from one table: Unicode or ASCII, never a patched font.

use crate::app::cell_status::CellStatus;
use crate::domain::running::observation::RunningState;

/// One set of signs. Each is one column wide unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyphs {
    /// Only ASCII may reach the screen.
    pub ascii: bool,
    /// Marks the selected row.
    pub cursor: &'static str,
    /// Shapes of the signs of digests.
    pub swatch: &'static [&'static str],
    /// Horizontal rule.
    pub rule: &'static str,
    /// Horizontal rule of the pane that has the keys.
    pub rule_focus: &'static str,
    /// Stands for cut text.
    pub ellipsis: &'static str,
    /// Between parts of a line.
    pub dot: &'static str,
    /// From old to new.
    pub arrow: &'static str,
    /// Something has drifted here.
    pub drift: &'static str,
    /// Under a hold.
    pub hold: &'static str,
    /// Proposed on a branch of its own.
    pub proposal: &'static str,
    /// A hold keeps it from its next step.
    pub held_next: &'static str,
    /// None of the known versions.
    pub other: &'static str,
    /// Ahead of the candidate.
    pub ahead: &'static str,
    /// Behind the candidate.
    pub behind: &'static str,
    /// Between two numbers: so many times.
    pub times: &'static str,
    /// Old value.
    pub stale: &'static str,
    /// Nothing is pinned here.
    pub nothing: &'static str,
    /// More to the left.
    pub more_left: &'static str,
    /// More to the right.
    pub more_right: &'static str,
    /// A closed fold.
    pub closed: &'static str,
    /// An open fold.
    pub open: &'static str,
    /// In front of a check that passed.
    pub passed: &'static str,
    /// In front of a check that failed.
    pub failed: &'static str,
    /// Nothing there to check.
    pub not_present: &'static str,
    /// In front of what nobody asked about.
    pub not_checked: &'static str,
    /// Marked for a set.
    pub mark: &'static str,
    /// The done part of a bar.
    pub bar: &'static str,
    /// The rest of a bar.
    pub bar_left: &'static str,
    /// The part of a list that is on screen.
    pub thumb: &'static str,
    /// The rest of a list beside it.
    pub track: &'static str,
    /// Sorted by this, the most first.
    pub descending: &'static str,
    verified: &'static str,
    warned: &'static str,
    rejected: &'static str,
    absent: &'static str,
    unknown: &'static str,
    unreachable: &'static str,
    by_tag: &'static str,
    not_judged: &'static str,
    loading: &'static str,
    /// What runs: another image, blocked, both, nobody can tell, nothing, the same.
    running: [&'static str; 6],
}

/// Unicode signs found in ordinary monospaced fonts.
pub static UNICODE: Glyphs = Glyphs {
    ascii: false,
    cursor: "▸",
    swatch: &["▙", "▘", "▞", "▗", "▜", "▖", "▚", "▝", "▛", "▟"],
    rule: "─",
    rule_focus: "━",
    ellipsis: "…",
    dot: "·",
    arrow: "→",
    drift: "⚑",
    hold: "■",
    proposal: "⇡",
    held_next: "□",
    other: "±",
    ahead: "+",
    behind: "-",
    times: "×",
    stale: "~",
    nothing: "·",
    more_left: "‹",
    more_right: "›",
    closed: "▸",
    open: "▾",
    passed: "✓",
    failed: "✗",
    not_present: "○",
    not_checked: "·",
    mark: "◆",
    bar: "█",
    bar_left: "░",
    thumb: "┃",
    track: "│",
    descending: "↓",
    verified: "✓",
    warned: "!",
    rejected: "✗",
    absent: "∅",
    unknown: "?",
    unreachable: "⊘",
    by_tag: "◇",
    not_judged: "○",
    loading: "…",
    running: ["⇄", "⊗", "≈", "¿", "◦", "≡"],
};

/// The same in ASCII.
pub static ASCII: Glyphs = Glyphs {
    ascii: true,
    cursor: ">",
    swatch: &["#"],
    rule: "-",
    rule_focus: "=",
    ellipsis: "~",
    dot: "-",
    arrow: "->",
    drift: "*",
    proposal: "p",
    hold: "&",
    held_next: "]",
    other: "/",
    ahead: "+",
    behind: "-",
    times: "x",
    stale: "~",
    nothing: "-",
    more_left: "<",
    more_right: ">",
    closed: "+",
    open: "-",
    passed: "v",
    failed: "x",
    not_present: "o",
    not_checked: "_",
    mark: "@",
    bar: "#",
    bar_left: ".",
    thumb: "#",
    track: "|",
    descending: "v",
    verified: "v",
    warned: "!",
    rejected: "x",
    absent: "^",
    unknown: "?",
    unreachable: "%",
    by_tag: "t",
    not_judged: "o",
    loading: ".",
    running: ["n", "k", "m", "u", "z", "="],
};

/// For words that are read aloud: signs that mean something are words, the others are left out.
pub static SPOKEN: Glyphs = Glyphs {
    ascii: false,
    cursor: "",
    swatch: &["#"],
    rule: "",
    rule_focus: "",
    ellipsis: "...",
    dot: ",",
    arrow: "to",
    drift: "",
    hold: "",
    proposal: "",
    held_next: "",
    other: "other",
    ahead: "plus",
    behind: "minus",
    times: "times",
    stale: "old",
    nothing: "",
    more_left: "",
    more_right: "",
    closed: "",
    open: "",
    passed: "ok",
    failed: "not ok",
    not_present: "",
    not_checked: "",
    mark: "marked",
    bar: "",
    bar_left: "",
    thumb: "",
    track: "",
    descending: "",
    verified: "",
    warned: "",
    rejected: "",
    absent: "",
    unknown: "",
    unreachable: "",
    by_tag: "",
    not_judged: "",
    loading: "",
    running: ["", "", "", "", "", ""],
};

impl Glyphs {
    /// The set with that name in configuration: `unicode` or `ascii`.
    pub fn named(name: &str) -> Option<&'static Self> {
        match name {
            "unicode" => Some(&UNICODE),
            "ascii" => Some(&ASCII),
            _ => None,
        }
    }

    /// The shape of what runs.
    pub const fn running(&self, state: RunningState) -> &'static str {
        match state {
            RunningState::Differs => self.running[0],
            RunningState::Blocked => self.running[1],
            RunningState::Mixed => self.running[2],
            RunningState::Unknown => self.running[3],
            RunningState::None => self.running[4],
            RunningState::Same => self.running[5],
        }
    }

    /// The shape of a status.
    pub const fn status(&self, status: CellStatus) -> &'static str {
        match status {
            CellStatus::Verified => self.verified,
            CellStatus::Warned => self.warned,
            CellStatus::Rejected => self.rejected,
            CellStatus::Absent => self.absent,
            CellStatus::Unknown => self.unknown,
            CellStatus::Unreachable => self.unreachable,
            CellStatus::ByTag => self.by_tag,
            CellStatus::NotJudged => self.not_judged,
            CellStatus::Loading => self.loading,
            CellStatus::NotChecked => self.not_checked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_standing_has_a_shape_of_its_own() {
        for glyphs in [&UNICODE, &ASCII] {
            let shapes: BTreeSet<_> = CellStatus::ALL.iter().map(|s| glyphs.status(*s)).collect();
            assert_eq!(shapes.len(), CellStatus::ALL.len());
            assert!(shapes.iter().all(|shape| shape.width() == 1));
            let running: BTreeSet<_> = glyphs.running.into_iter().chain(shapes).collect();
            assert_eq!(running.len(), CellStatus::ALL.len() + glyphs.running.len());
            assert!(running.iter().all(|shape| shape.width() == 1));
        }
    }

    #[test]
    fn ascii_is_ascii() {
        assert!(format!("{ASCII:?}").is_ascii());
    }

    #[test]
    fn swatches_are_one_column_wide_and_distinct() {
        let all: BTreeSet<_> = UNICODE.swatch.iter().collect();
        assert_eq!(all.len(), UNICODE.swatch.len());
        assert!(all.iter().all(|glyph| glyph.width() == 1));
    }
}

//! Facets: conditions of the filter that look at cells, in words (`drift`, `!verified`) or in numbers
//! (`behind>2`, `age:<1h`).

use jiff::Timestamp;

use super::cell_status::{self, CellStatus};
use super::drift_index::DriftIndex;
use crate::domain::board::Cell;
use crate::domain::candidate::Relation;
use crate::domain::drift::DriftKind;

/// Words that are facets, for the help line of the filter.
pub const FACETS: &[&str] = &[
    "env:NAME",
    "behind>2",
    "age<1h",
    "verified",
    "warned",
    "rejected",
    "unknown",
    "unreachable",
    "absent",
    "tag",
    "unjudged",
    "same",
    "behind",
    "ahead",
    "other",
    "drift",
    "drift:KIND",
    "held",
];

/// One condition on a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facet {
    /// Whether it must not be so.
    pub not: bool,
    /// What it asks of a cell.
    pub condition: Condition,
}

/// What a facet asks of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    Status(CellStatus),
    Relation(Relation),
    Drift(Option<DriftKind>),
    Held,
    /// How many versions the cell is behind the candidate.
    Behind(Comparison, u64),
    /// How many seconds ago the digest was pinned.
    Age(Comparison, u64),
}

/// How a number of a cell is compared with that of the facet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Comparison {
    fn is_true(self, found: u64, wanted: u64) -> bool {
        match self {
            Self::Less => found < wanted,
            Self::AtMost => found <= wanted,
            Self::Equal => found == wanted,
            Self::AtLeast => found >= wanted,
            Self::More => found > wanted,
        }
    }

    /// Splits `>=3` into the comparison and the rest; without a sign it is equality.
    fn split(text: &str) -> (Self, &str) {
        let signs = [
            (">=", Self::AtLeast),
            ("<=", Self::AtMost),
            (">", Self::More),
            ("<", Self::Less),
            ("=", Self::Equal),
        ];
        signs
            .iter()
            .find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?)))
            .unwrap_or((Self::Equal, text))
    }
}

impl Condition {
    /// The condition that a word names; `None` if it names none.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "verified" => Self::Status(CellStatus::Verified),
            "warned" => Self::Status(CellStatus::Warned),
            "rejected" => Self::Status(CellStatus::Rejected),
            "unknown" => Self::Status(CellStatus::Unknown),
            "unreachable" => Self::Status(CellStatus::Unreachable),
            "absent" => Self::Status(CellStatus::Absent),
            "tag" => Self::Status(CellStatus::ByTag),
            "unjudged" => Self::Status(CellStatus::NotJudged),
            "same" => Self::Relation(Relation::Same),
            "behind" => Self::Relation(Relation::Behind),
            "ahead" => Self::Relation(Relation::Ahead),
            "other" => Self::Relation(Relation::Other),
            "held" => Self::Held,
            "drift" => Self::Drift(None),
            _ => {
                if let Some(kind) = word.strip_prefix("drift:") {
                    return Some(Self::Drift(Some(drift_kind(kind)?)));
                }
                let (name, comparison, value) = numeric(word)?;
                match name {
                    "behind" => Self::Behind(comparison, value.parse().ok()?),
                    _ => Self::Age(comparison, duration(value)?),
                }
            }
        })
    }

    /// Whether a cell meets the condition.
    pub fn is_met(&self, drift: &DriftIndex<'_>, cell: &Cell, now: Timestamp) -> bool {
        match self {
            // Age does not change a status, only its staleness.
            Self::Status(status) => cell_status::of_cell(cell, Timestamp::UNIX_EPOCH).status == *status,
            Self::Relation(relation) => cell.relation == *relation,
            Self::Held => cell.hold.is_some(),
            Self::Drift(kind) => drift
                .of_target(&cell.pin.target)
                .any(|drift| kind.is_none_or(|kind| kind == drift.kind)),
            Self::Behind(comparison, wanted) => match (cell.relation, cell.behind) {
                (Relation::Same, _) => comparison.is_true(0, *wanted),
                (Relation::Behind, Some(behind)) => comparison.is_true(u64::from(behind), *wanted),
                // Not among the versions, or nobody knows how far: no number is made up for it.
                _ => false,
            },
            Self::Age(comparison, wanted) => cell.pinned_by.as_ref().is_some_and(|by| {
                let seconds = u64::try_from(super::age::seconds(by.at, now)).unwrap_or(0);
                comparison.is_true(seconds, *wanted)
            }),
        }
    }
}

/// Splits `behind>2`, `behind:>2` or `age:7d` into name, comparison and value. A name alone, or a name that is
/// followed by something else, is no facet with a number.
fn numeric(word: &str) -> Option<(&str, Comparison, &str)> {
    let (name, rest) = ["behind", "age"]
        .iter()
        .find_map(|name| Some((*name, word.strip_prefix(name)?)))?;
    let colon = rest.strip_prefix(':');
    if colon.is_none() && !rest.starts_with(['<', '>', '=']) {
        return None;
    }
    let (comparison, value) = Comparison::split(colon.unwrap_or(rest));
    Some((name, comparison, value))
}

/// Seconds of `90s`, `30m`, `2h`, `7d` or `3w`.
fn duration(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(seconds)
}

fn drift_kind(name: &str) -> Option<DriftKind> {
    use DriftKind as K;
    let all = [
        K::TagMoved,
        K::PinnedByTag,
        K::RebuiltPerEnvironment,
        K::MissingFromRegistry,
        K::EvidenceElsewhere,
        K::NotVerified,
        K::SkippedEnvironment,
        K::PinSplit,
        K::Held,
        K::RunningDiffers,
    ];
    all.into_iter()
        .find(|kind| kind.as_str().starts_with(name) && !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_and_without_a_colon() {
        let behind = |comparison, number| Some(Condition::Behind(comparison, number));
        assert_eq!(Condition::parse("behind>2"), behind(Comparison::More, 2));
        assert_eq!(Condition::parse("behind:>2"), behind(Comparison::More, 2));
        assert_eq!(Condition::parse("behind>=2"), behind(Comparison::AtLeast, 2));
        assert_eq!(Condition::parse("behind:3"), behind(Comparison::Equal, 3));
        assert_eq!(Condition::parse("behind=3"), behind(Comparison::Equal, 3));
        assert_eq!(
            Condition::parse("age:<1h"),
            Some(Condition::Age(Comparison::Less, 3_600))
        );
        assert_eq!(
            Condition::parse("age>=2w"),
            Some(Condition::Age(Comparison::AtLeast, 14 * 86_400))
        );
    }

    #[test]
    fn what_names_no_number_is_no_facet() {
        for word in [
            "behind>",
            "behind>x",
            "age<1",
            "age:h",
            "age",
            "agent",
            "behind2",
            "age<99999999999999999999d",
        ] {
            assert_eq!(Condition::parse(word), None, "{word}");
        }
    }
}

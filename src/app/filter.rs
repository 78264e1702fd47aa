//! The filter: fuzzy words on the service, and facets on its cells.
//!
//! `pay env:production drift !verified` shows services whose name resembles "pay" and that have a
//! cell in production with drift and without a verified verdict. All facets must be true of the same
//! cell.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::cell_status::{self, CellStatus};
use crate::domain::board::{Board, Cell, ServiceRow};
use crate::domain::candidate::Relation;
use crate::domain::drift::DriftKind;

/// A parsed filter with the text it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    text: String,
    words: String,
    environments: Vec<String>,
    facets: Vec<Facet>,
    unknown: Vec<String>,
}

/// One condition on a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facet {
    not: bool,
    is: Is,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Is {
    Status(CellStatus),
    Relation(Relation),
    Drift(Option<DriftKind>),
    Held,
}

/// Words that are facets, for the help line of the filter.
pub const FACETS: &[&str] = &[
    "env:NAME",
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

impl Filter {
    /// Reads a filter. It never fails: what is no facet is a fuzzy word, and a facet that names
    /// nothing is listed by [`Self::unknown`].
    pub fn parse(text: &str) -> Self {
        let mut filter = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            let (not, bare) = match word.strip_prefix('!') {
                Some(bare) => (true, bare),
                None => (false, word),
            };
            if let Some(environment) = bare.strip_prefix("env:").filter(|_| !not) {
                if !environment.is_empty() {
                    filter.environments.push(environment.to_lowercase());
                }
            } else if let Some(is) = facet(bare) {
                filter.facets.push(Facet { not, is });
            } else if not || bare.contains(':') {
                filter.unknown.push(word.to_owned());
            } else {
                words.push(word);
            }
        }
        filter.words = words.join(" ");
        filter
    }

    /// The text as typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.environments.is_empty() && self.facets.is_empty()
    }

    /// Conditions that name nothing known; they are ignored and said so.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// A matcher, to be used for many rows.
    pub fn matcher(&self) -> RowMatcher<'_> {
        let pattern =
            (!self.words.is_empty()).then(|| Pattern::parse(&self.words, CaseMatching::Ignore, Normalization::Smart));
        RowMatcher {
            filter: self,
            pattern,
            matcher: None,
            buffer: Vec::new(),
        }
    }

    /// Whether a cell meets the conditions on cells; without any, every cell does.
    pub fn cell(&self, board: &Board, cell: &Cell) -> bool {
        let environment = cell.pin.target.environment.as_str().to_lowercase();
        let here =
            self.environments.is_empty() || self.environments.iter().any(|e| environment.starts_with(e.as_str()));
        here && self.facets.iter().all(|facet| facet.is.holds(board, cell) != facet.not)
    }

    fn looks_at_cells(&self) -> bool {
        !self.environments.is_empty() || !self.facets.is_empty()
    }
}

/// Tests rows against a filter.
pub struct RowMatcher<'a> {
    filter: &'a Filter,
    pattern: Option<Pattern>,
    matcher: Option<Matcher>,
    buffer: Vec<char>,
}

impl RowMatcher<'_> {
    /// Whether a row is let through.
    pub fn row(&mut self, board: &Board, row: &ServiceRow) -> bool {
        if self.filter.looks_at_cells() && !row.cells.iter().any(|cell| self.filter.cell(board, cell)) {
            return false;
        }
        let Some(pattern) = &self.pattern else {
            return true;
        };
        // A matcher needs large scratch memory: made only when there are words to match.
        let matcher = self.matcher.get_or_insert_with(|| Matcher::new(Config::DEFAULT));
        pattern
            .score(Utf32Str::new(row.name.as_str(), &mut self.buffer), matcher)
            .is_some()
    }
}

fn facet(word: &str) -> Option<Is> {
    Some(match word {
        "verified" => Is::Status(CellStatus::Verified),
        "warned" => Is::Status(CellStatus::Warned),
        "rejected" => Is::Status(CellStatus::Rejected),
        "unknown" => Is::Status(CellStatus::Unknown),
        "unreachable" => Is::Status(CellStatus::Unreachable),
        "absent" => Is::Status(CellStatus::Absent),
        "tag" => Is::Status(CellStatus::ByTag),
        "unjudged" => Is::Status(CellStatus::NotJudged),
        "same" => Is::Relation(Relation::Same),
        "behind" => Is::Relation(Relation::Behind),
        "ahead" => Is::Relation(Relation::Ahead),
        "other" => Is::Relation(Relation::Other),
        "held" => Is::Held,
        "drift" => Is::Drift(None),
        _ => {
            let kind = word.strip_prefix("drift:")?;
            Is::Drift(Some(drift_kind(kind)?))
        }
    })
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

impl Is {
    fn holds(&self, board: &Board, cell: &Cell) -> bool {
        match self {
            // Age does not change a status, only its staleness.
            Self::Status(status) => cell_status::of_cell(cell, jiff::Timestamp::UNIX_EPOCH).status == *status,
            Self::Relation(relation) => cell.relation == *relation,
            Self::Held => cell.hold.is_some(),
            Self::Drift(kind) => board.drift.iter().any(|drift| {
                drift.service == cell.pin.target.service
                    && drift
                        .environment
                        .as_ref()
                        .is_none_or(|e| *e == cell.pin.target.environment)
                    && kind.is_none_or(|kind| kind == drift.kind)
            }),
        }
    }
}

//! The filter: words on the service, and facets on its cells.
//!
//! `pay env:production drift !verified` shows services whose name contains "pay" and that have a
//! cell in production with drift and without a verified verdict. All facets must be true of the same
//! cell. Where no name contains the words, names that resemble them are shown.

use jiff::Timestamp;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::drift_index::DriftIndex;
pub use super::facet::FACETS;
use super::facet::{Condition, Facet};
use crate::domain::board::{Board, Cell, ServiceRow};

/// A parsed filter with the text it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    text: String,
    words: Vec<String>,
    environments: Vec<String>,
    facets: Vec<Facet>,
    unknown: Vec<String>,
}

impl Filter {
    /// Reads a filter. It never fails: what is no facet is a word, and a facet that names nothing is listed
    /// by [`Self::unknown`].
    pub fn parse(text: &str) -> Self {
        let mut filter = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        for word in text.split_whitespace() {
            let (not, bare) = match word.strip_prefix('!') {
                Some(bare) => (true, bare),
                None => (false, word),
            };
            if let Some(environment) = bare.strip_prefix("env:").filter(|_| !not) {
                if !environment.is_empty() {
                    filter.environments.push(environment.to_lowercase());
                }
            } else if let Some(condition) = Condition::parse(bare) {
                filter.facets.push(Facet { not, condition });
            } else if not || bare.contains([':', '<', '>', '=']) {
                filter.unknown.push(word.to_owned());
            } else {
                filter.words.push(word.to_owned());
            }
        }
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

    /// A matcher for the rows of a board.
    pub fn matcher<'a>(&'a self, board: &'a Board, now: Timestamp) -> RowMatcher<'a> {
        let contained = board.services.iter().any(|row| self.is_contained(row.name.as_str()));
        let words = if self.words.is_empty() {
            FilterWords::None
        } else if contained {
            FilterWords::Contained
        } else {
            let pattern = Pattern::parse(&self.words.join(" "), CaseMatching::Ignore, Normalization::Smart);
            FilterWords::Resembled(pattern, Box::new(Matcher::new(Config::DEFAULT)))
        };
        let drift = if self.facets.is_empty() {
            DriftIndex::default()
        } else {
            DriftIndex::new(board)
        };
        RowMatcher {
            filter: self,
            words,
            drift,
            now,
            buffer: Vec::new(),
        }
    }

    /// Whether cells of an environment count.
    pub fn is_about(&self, environment: &str) -> bool {
        let environment = environment.to_lowercase();
        self.environments.is_empty() || self.environments.iter().any(|e| environment.starts_with(e.as_str()))
    }

    fn is_contained(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.words.iter().all(|word| name.contains(&word.to_lowercase()))
    }
}

/// How the words of a filter are looked for.
enum FilterWords {
    None,
    /// At least one name contains them all: only such names count.
    Contained,
    Resembled(Pattern, Box<Matcher>),
}

/// Tests rows against a filter.
pub struct RowMatcher<'a> {
    filter: &'a Filter,
    words: FilterWords,
    drift: DriftIndex<'a>,
    now: Timestamp,
    buffer: Vec<char>,
}

impl RowMatcher<'_> {
    /// Whether a row is let through.
    pub fn row(&mut self, row: &ServiceRow) -> bool {
        let looks_at_cells = !self.filter.environments.is_empty() || !self.filter.facets.is_empty();
        if looks_at_cells && !row.cells.iter().any(|cell| self.cell(cell)) {
            return false;
        }
        match &mut self.words {
            FilterWords::None => true,
            FilterWords::Contained => self.filter.is_contained(row.name.as_str()),
            FilterWords::Resembled(pattern, matcher) => pattern
                .score(Utf32Str::new(row.name.as_str(), &mut self.buffer), matcher)
                .is_some(),
        }
    }

    /// The characters of a name that the words of the filter were found in, by their number.
    pub fn found_in(&mut self, name: &str) -> Vec<usize> {
        let mut found: Vec<usize> = match &mut self.words {
            FilterWords::None => Vec::new(),
            FilterWords::Contained => {
                let small: Vec<char> = name.chars().map(lower).collect();
                let words = self.filter.words.iter();
                words
                    .flat_map(|word| {
                        let word: Vec<char> = word.chars().map(lower).collect();
                        let at = small.windows(word.len().max(1)).position(|part| part == word);
                        at.map_or(0..0, |at| at..at + word.len())
                    })
                    .collect()
            }
            FilterWords::Resembled(pattern, matcher) => {
                let mut indices = Vec::new();
                pattern.indices(Utf32Str::new(name, &mut self.buffer), matcher, &mut indices);
                indices.into_iter().filter_map(|at| usize::try_from(at).ok()).collect()
            }
        };
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a cell meets the conditions on cells; without any, every cell does.
    fn cell(&self, cell: &Cell) -> bool {
        self.filter.is_about(cell.pin.target.environment.as_str())
            && self
                .filter
                .facets
                .iter()
                .all(|facet| facet.condition.is_met(&self.drift, cell, self.now) != facet.not)
    }
}

/// One character for one, so that places in the small name are places in the name.
fn lower(c: char) -> char {
    let mut small = c.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) => small,
        _ => c,
    }
}

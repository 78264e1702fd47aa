//! Tables and blocks for people: plain text, no colour, every word from outside cleaned.

use unicode_width::UnicodeWidthStr as _;

use crate::domain::evidence::{CheckState, Evidence};
use crate::domain::verdict::{Outcome, Verdict};

/// A table whose columns are as wide as their widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these column headings.
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self {
            rows: vec![heading.iter().map(|h| (*h).to_owned()).collect()],
        }
    }

    /// Adds a row; missing cells stay empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there is nothing below the heading.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The lines, columns two spaces apart.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| self.rows.iter().filter_map(|r| r.get(column)).map(|c| c.width()).max();
        let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
        self.rows
            .iter()
            .map(|row| {
                let mut line = String::new();
                for (cell, width) in row.iter().zip(&widths) {
                    line.push_str(cell);
                    line.push_str(&" ".repeat(width - cell.width() + 2));
                }
                line.trim_end().to_owned()
            })
            .collect()
    }
}

/// A verdict in one line: `rejected: sbom absent, signature other-signer`.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    let word = verdict.result.as_str();
    let causes: Vec<String> = verdict
        .causes
        .iter()
        .map(|cause| format!("{} {}", cause.check.as_str(), cause.cause.as_str()))
        .collect();
    match causes.as_slice() {
        [] if verdict.result == Outcome::Warned => format!("{word}: a test result must be acknowledged"),
        [] => word.to_owned(),
        causes => format!("{word}: {}", causes.join(", ")),
    }
}

/// The causes of a verdict, one a line, with their details.
pub(crate) fn causes(verdict: &Verdict) -> Vec<String> {
    let one = |cause: &crate::domain::Cause| {
        let what = format!("{}: {}", cause.check.as_str(), cause.cause.as_str());
        if cause.detail.is_empty() {
            format!("  {what}")
        } else {
            format!("  {what}: {}", cause.detail.clean())
        }
    };
    verdict.causes.iter().map(one).collect()
}

/// One statement, with every check where `checks`.
pub(crate) fn statement(one: &Evidence, checks: bool) -> Vec<String> {
    let state = serde_word(&one.state);
    let cause = one.cause.map_or_else(String::new, |c| format!(" ({c})"));
    let kind = match &one.predicate_type {
        Some(predicate) => format!("{} {}", one.kind, predicate.clean()),
        None => one.kind.to_string(),
    };
    let signer = one.signer.as_ref().map_or_else(String::new, |s| {
        let issuer = s
            .issuer
            .as_ref()
            .map_or_else(String::new, |i| format!(" by {}", i.quoted()));
        format!(", {} {}{issuer}", serde_word(&s.kind), s.identity.quoted())
    });
    let mut lines = vec![
        format!("  {state}{cause}  {kind}"),
        format!("    {} {}{signer}", serde_word(&one.format), one.digest),
    ];
    if let Some(place) = &one.found_in {
        lines.push(format!("    found in {}", place.quoted()));
    }
    if let Some(detail) = &one.detail {
        lines.push(format!("    {}", detail.clean()));
    }
    if checks {
        for check in &one.checks {
            let mark = match check.state {
                CheckState::Passed => "passed     ",
                CheckState::Failed => "FAILED     ",
                CheckState::NotPresent => "not present",
                CheckState::NotChecked => "not checked",
            };
            let line = format!("    {mark}  {}  {}", serde_word(&check.check), check.detail.clean());
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

/// The name that JSON gives a value of a plain enum.
pub(crate) fn serde_word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(&["A", "B"]);
        table.row(["日本".to_owned(), "x".to_owned()]);
        table.row(["ü".to_owned(), String::new()]);
        assert_eq!(table.lines(), ["A     B", "日本  x", "ü"]);
    }
}

//! A summary for a pull request, in GitHub's and GitLab's Markdown.

use crate::domain::Clean;
use crate::engine::check::{CheckReport, CheckedPin};

use super::words;

/// Longest summary, in bytes: a note of a merge request takes 64 KiB, and a step's summary is dropped whole where it is
/// too long.
const MAX_BYTES: usize = 60 << 10;

/// What is left for the line that says how much is missing.
const ROOM: usize = 200;

/// The summary.
pub(super) fn text(report: &CheckReport) -> String {
    let commits = &report.commits;
    let mut out = format!("## pindeck check: {}\n\n", report.outcome.as_str());
    out.push_str(&format!(
        "{} compared with {} ({}); {}, {} requests.\n",
        code(words::short(&commits.head)),
        code(&commits.base_name),
        code(words::short(&commits.base)),
        words::counts(report),
        report.budget.requests
    ));
    if !report.pins.is_empty() {
        out.push_str("\n| service | environment | pinned | would be pinned | verdict | |\n|---|---|---|---|---|---|\n");
        let rows = report.pins.iter().map(row);
        // The findings say more than the table does: it takes half of the room at most.
        fill(&mut out, rows, MAX_BYTES / 2, "pins");
    }
    if !report.findings.is_empty() {
        out.push('\n');
        let findings = report.findings.iter().map(|finding| {
            let place = words::place(finding)
                .map(|place| format!(" {}", code(&place)))
                .unwrap_or_default();
            format!(
                "* **{} {}**{place}: {}<br>next: {}\n",
                finding.level.as_str(),
                finding.kind.as_str(),
                plain(&words::sentence(finding)),
                plain(finding.next.as_str())
            )
        });
        fill(&mut out, findings, MAX_BYTES, "findings");
    }
    out
}

/// Adds lines as long as there is room, and says how many there was none for.
fn fill(out: &mut String, lines: impl Iterator<Item = String>, limit: usize, what: &str) {
    let mut left = 0;
    for line in lines {
        if left > 0 || out.len() + line.len() + ROOM > limit {
            left += 1;
        } else {
            out.push_str(&line);
        }
    }
    if left > 0 {
        out.push_str(&format!("\nand {left} more {what}\n"));
    }
}

fn row(pin: &CheckedPin) -> String {
    let place = &pin.place;
    let component = place
        .component
        .as_deref()
        .map(|one| format!(" ({one})"))
        .unwrap_or_default();
    let verdict = pin
        .verdict
        .as_ref()
        .map_or_else(|| "-".to_owned(), crate::cli::text::verdict);
    let pinned_in: Vec<&str> = pin.pinned_in.iter().map(|name| name.as_str()).collect();
    let remark = match (pin.is_revert, pinned_in.is_empty()) {
        (true, _) => "back to what was good here".to_owned(),
        (false, false) => format!("same bytes in {}", pinned_in.join(", ")),
        (false, true) => String::new(),
    };
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        code(&format!("{}{component}", place.target.service)),
        code(place.target.environment.as_str()),
        code(&words::version(pin.from.as_ref())),
        code(&words::version(Some(&place.version()))),
        plain(&verdict),
        plain(&remark)
    )
}

/// A text as code: nothing in it is markup, a link or the name of a person to be told.
fn code(text: &str) -> String {
    let text = Clean::from_untrusted(text)
        .into_string()
        .replace('`', "'")
        .replace('\\', "/")
        .replace('|', "\\|");
    format!("`{text}`")
}

/// A text that is nothing but text: every sign that could begin markup, a link, an issue or a mention is written as a
/// number.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in Clean::from_untrusted(text).as_str().chars() {
        match c {
            // Forges look for these in the text that comes out in the end.
            '@' | '#' | '!' | '%' | '$' | '~' | '&' => out.push_str(&format!("&#{};<!-- -->", c as u32)),
            ',' | '.' | ';' | '\'' | '"' | ' ' | '-' | '(' | ')' | '/' => out.push(c),
            c if c.is_ascii_punctuation() => out.push_str(&format!("&#{};", c as u32)),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let hostile = "a|b`c` <script>x</script> [l](http://e.example) **b** @ada #12 !img\n# head";
        let shown = plain(hostile);
        for sign in ["<script", "[l]", "**", "@ada", " #12", "`", "|", "\n", "http:"] {
            assert!(!shown.contains(sign), "{sign}: {shown}");
        }
        let shown = code(hostile);
        assert!(
            shown.starts_with('`') && shown.ends_with('`') && shown.matches('`').count() == 2,
            "{shown}"
        );
        assert!(
            !shown.contains('\n') && !shown.replace("\\|", "").contains('|'),
            "{shown}"
        );
        assert!(
            !code("a\\|b").contains("\\\\"),
            "a backslash cannot take the place of ours"
        );
    }

    #[test]
    fn a_long_list_stays_below_its_limit_and_is_counted() {
        let mut out = String::new();
        fill(
            &mut out,
            (0..500).map(|n| format!("{n} {}\n", "x".repeat(1_000))),
            MAX_BYTES,
            "findings",
        );
        assert!(out.len() <= MAX_BYTES, "{}", out.len());
        let kept = out.lines().filter(|line| line.ends_with('x')).count();
        assert!(out.ends_with(&format!("and {} more findings\n", 500 - kept)), "{kept}");
    }
}

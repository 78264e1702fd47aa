//! What separates two digests. What could not be compared is said, never left out.

use ratatui::layout::Rect;

use crate::app::comparison::{ComparisonState, DiffScreen, PlacedDigest};
use crate::app::msg::ScrollLimits;
use crate::app::state::CockpitState;
use crate::domain::diff::{DigestDiff, Layer};
use crate::domain::evidence::{ProvenanceSummary, TestResultSummary};
use crate::domain::text::Untrusted;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::labelled;
use crate::view::theme::Role;
use crate::view::units::{bytes, waited};
use crate::view::widget::{scroll, sign};

/// Columns of the labels.
const LABEL: u16 = 11;

/// Draws the diff screen.
pub fn draw(canvas: &mut Canvas<'_>, state: &CockpitState, screen: &DiffScreen, area: Rect, limits: &mut ScrollLimits) {
    let glyphs = canvas.glyphs();
    let mut title = vec![span(Role::Title, "diff")];
    let Some(pair) = screen.pairs.get(screen.at) else {
        return;
    };
    title.push(span(
        Role::Text,
        format!("  {} {} {}", pair.a.what, glyphs.arrow, pair.b.what),
    ));
    if screen.pairs.len() > 1 {
        let key = state.keymap.key_of(crate::app::Action::NextPane);
        let key = key.map_or_else(String::new, |key| format!(", {key} next"));
        title.push(span(
            Role::Dim,
            format!("  {} of {}{key}", screen.at + 1, screen.pairs.len()),
        ));
    }
    canvas.rule(Rect { height: 1, ..area }, &title, true);
    let width = area.width - 2;
    let lines = lines(canvas, state, screen, width);
    let body = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width,
        height: area.height - 1,
    };
    limits.page = body.height;
    limits.text = scroll::draw(canvas, &lines, body, screen.top);
}

/// Both sides in full, and what separates them.
pub fn lines(canvas: &Canvas<'_>, state: &CockpitState, screen: &DiffScreen, width: u16) -> Vec<Line> {
    let glyphs = canvas.glyphs();
    let mut lines = Vec::new();
    let Some(pair) = screen.pairs.get(screen.at) else {
        return lines;
    };
    for (label, side) in [("from", &pair.a), ("to", &pair.b)] {
        lines.extend(side_lines(state, label, side, canvas, width));
    }
    lines.push(Line::new());
    match &screen.compared {
        ComparisonState::Known(diff) => lines.extend(full(diff, width, glyphs)),
        ComparisonState::Failed(failure) => {
            lines.extend(labelled(
                "unreachable",
                vec![span(Role::Error, failure.what.clean().into_string())],
                width,
                LABEL,
                6,
                glyphs,
            ));
            lines.extend(labelled(
                "",
                vec![span(Role::Dim, failure.next_on_screen().to_string())],
                width,
                LABEL,
                4,
                glyphs,
            ));
        }
        ComparisonState::Running | ComparisonState::NotAsked => {
            let waited = waited(screen.since, state.now);
            if let Some(waited) = waited {
                lines.push(vec![span(Role::Dim, format!("reading both sides{waited}"))]);
            }
        }
        ComparisonState::Nothing => lines.push(vec![span(Role::Dim, "the same bytes: nothing differs")]),
    }
    lines
}

fn side_lines(state: &CockpitState, label: &str, side: &PlacedDigest, canvas: &Canvas<'_>, width: u16) -> Vec<Line> {
    let (theme, glyphs) = (canvas.theme(), canvas.glyphs());
    let mut digest = vec![span(Role::Dim, format!("{label:<5}"))];
    digest.extend(sign::with_digest(
        state,
        &side.service,
        side.digest,
        Role::Title,
        theme,
        glyphs,
    ));
    let place = vec![span(Role::Dim, format!("       {}, {}", side.what, side.image))];
    let mut out = vec![digest];
    out.extend(crate::view::lines::fold(place, width, 7, 2, glyphs));
    out
}

fn size(layers: &[Layer]) -> String {
    bytes(layers.iter().map(|layer| layer.size).sum())
}

fn short(commit: &str) -> String {
    Untrusted::new(commit.chars().take(9).collect::<String>())
        .clean()
        .into_string()
}

/// `a..b` with short commits.
fn range(commits: &Untrusted) -> String {
    match commits.raw().split_once("..") {
        Some((a, b)) => format!("{}..{}", short(a), short(b)),
        None => commits.clean().into_string(),
    }
}

fn words(text: Option<&Untrusted>, none: &str) -> String {
    text.map_or_else(|| none.to_owned(), |text| text.clean().into_string())
}

/// Whether packages could be compared at all.
fn has_packages(diff: &DigestDiff) -> bool {
    !diff
        .missing
        .iter()
        .any(|what| what == "sbom of a" || what == "sbom of b")
}

/// The comparison in a few lines, for the plan screen.
pub fn summary(diff: &DigestDiff, glyphs: &Glyphs) -> Vec<Line> {
    let mut out = vec![source_line(diff, glyphs)];
    let mut line = layers_line(diff);
    line.push(span(Role::Dim, "; "));
    line.extend(packages_line(diff));
    line.push(span(Role::Dim, "; "));
    line.push(config_span(diff));
    out.push(line);
    let platforms = &diff.platforms;
    if !platforms.added.is_empty() || !platforms.removed.is_empty() {
        out.push(platforms_line(diff));
    }
    if diff.tests.a != diff.tests.b {
        out.push(tests_line(diff, glyphs));
    }
    if !diff.missing.is_empty() {
        out.push(vec![span(Role::Warned, format!("not compared: {}", missing(diff)))]);
    }
    out
}

/// "a" and "b" are the sides of the engine; a person knows them as old and new.
fn missing(diff: &DigestDiff) -> String {
    let words: Vec<String> = diff
        .missing
        .iter()
        .map(|what| match (what.strip_suffix(" of a"), what.strip_suffix(" of b")) {
            (Some(what), _) => format!("{what} of the old digest"),
            (_, Some(what)) => format!("{what} of the new digest"),
            _ => what.clone(),
        })
        .map(|what| Untrusted::new(what).clean().into_string())
        .collect();
    words.join(", ")
}

fn source_line(diff: &DigestDiff, glyphs: &Glyphs) -> Line {
    let source = |p: &Option<ProvenanceSummary>| p.as_ref().and_then(|p| p.source.clone());
    let commit = |p: &Option<ProvenanceSummary>| p.as_ref().and_then(|p| p.commit.clone());
    match (&diff.provenance.commits, &diff.provenance.a, &diff.provenance.b) {
        (Some(commits), _, b) => vec![
            span(Role::Text, words(source(b).as_ref(), "source unknown")),
            span(Role::Title, format!(" {}", range(commits))),
        ],
        (None, None, None) => vec![span(Role::Warned, "no verified provenance on either side")],
        (None, a, b) => {
            let side = |p: &Option<ProvenanceSummary>| match p {
                None => "no verified provenance".to_owned(),
                Some(_) => {
                    let at = commit(p).map_or_else(String::new, |commit| format!("@{}", short(commit.raw())));
                    format!("{}{at}", words(source(p).as_ref(), "source unknown"))
                }
            };
            vec![span(Role::Warned, format!("{} {} {}", side(a), glyphs.arrow, side(b)))]
        }
    }
}

fn layers_line(diff: &DigestDiff) -> Line {
    let layers = &diff.layers;
    if diff.platforms.compared.is_none() && layers.shared == 0 && layers.added.is_empty() && layers.removed.is_empty() {
        return vec![span(Role::Warned, "layers not compared")];
    }
    let shared = match layers.shared {
        1 => "1 layer shared".to_owned(),
        n => format!("{n} layers shared"),
    };
    let mut line = vec![span(Role::Text, shared)];
    if !layers.added.is_empty() {
        line.push(span(
            Role::Added,
            format!(" +{} ({})", layers.added.len(), size(&layers.added)),
        ));
    }
    if !layers.removed.is_empty() {
        line.push(span(
            Role::Removed,
            format!(" -{} ({})", layers.removed.len(), size(&layers.removed)),
        ));
    }
    line
}

fn packages_line(diff: &DigestDiff) -> Line {
    if !has_packages(diff) {
        return vec![span(Role::Warned, "packages not compared")];
    }
    let packages = &diff.packages;
    let (added, removed, changed) = (packages.added.len(), packages.removed.len(), packages.changed.len());
    if added + removed + changed == 0 {
        return vec![span(Role::Text, "the same packages")];
    }
    let mut line = vec![span(Role::Text, "packages")];
    for (count, role, text) in [
        (added, Role::Added, format!(" +{added}")),
        (removed, Role::Removed, format!(" -{removed}")),
        (changed, Role::Text, format!(" {changed} changed")),
    ] {
        if count > 0 {
            line.push(span(role, text));
        }
    }
    line
}

fn config_span(diff: &DigestDiff) -> crate::view::canvas::Span {
    match diff.config.len() {
        0 if diff.platforms.compared.is_none() => span(Role::Warned, "configuration not compared"),
        0 => span(Role::Text, "the same configuration"),
        1 => span(Role::Text, "1 field of the configuration"),
        n => span(Role::Text, format!("{n} fields of the configuration")),
    }
}

fn platforms_line(diff: &DigestDiff) -> Line {
    let platforms = &diff.platforms;
    let mut line = vec![span(Role::Text, "platforms ")];
    let mut say = |role, sign: &str, names: &[String], note: &str| {
        for name in names {
            line.push(span(role, format!("{sign}{name}{note}  ")));
        }
    };
    say(Role::Text, "", &platforms.same, " same");
    say(Role::Text, "", &platforms.changed, " changed");
    say(Role::Added, "+", &platforms.added, "");
    say(Role::Removed, "-", &platforms.removed, " (lost)");
    line
}

fn tests_line(diff: &DigestDiff, glyphs: &Glyphs) -> Line {
    let side = |tests: &Option<TestResultSummary>| match tests {
        None => "no verified test result".to_owned(),
        Some(tests) => {
            let mut text = Untrusted::new(tests.result.clone()).clean().into_string();
            if let Some(passed) = tests.passed {
                text.push_str(&format!(", {passed} passed"));
            }
            if let Some(failed) = tests.failed.filter(|n| *n > 0) {
                text.push_str(&format!(", {failed} failed"));
            }
            text
        }
    };
    vec![
        span(Role::Text, "tests "),
        span(
            Role::Text,
            format!("{} {} {}", side(&diff.tests.a), glyphs.arrow, side(&diff.tests.b)),
        ),
    ]
}

/// Everything, section by section.
fn full(diff: &DigestDiff, width: u16, glyphs: &Glyphs) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut say = |label: &str, line: Line| out.extend(labelled(label, line, width, LABEL, 3, glyphs));
    if !diff.missing.is_empty() {
        say(
            "missing",
            vec![span(Role::Warned, format!("not compared: {}", missing(diff)))],
        );
    }
    say("source", source_line(diff, glyphs));
    let builder = |p: &Option<ProvenanceSummary>| p.as_ref().and_then(|p| p.builder.clone());
    let (old, new) = (builder(&diff.provenance.a), builder(&diff.provenance.b));
    if old != new {
        let line = format!(
            "{} {} {}",
            words(old.as_ref(), "unknown"),
            glyphs.arrow,
            words(new.as_ref(), "unknown")
        );
        say("builder", vec![span(Role::Warned, line)]);
    }
    say("tests", tests_line(diff, glyphs).split_off(1));
    say("platforms", platforms_line(diff).split_off(1));
    if let Some(compared) = &diff.platforms.compared {
        let text = format!("configuration and layers are those of {compared}");
        say("", vec![span(Role::Dim, text)]);
    }
    say("config", vec![config_span(diff)]);
    for change in &diff.config {
        let field = Untrusted::new(change.field.clone()).clean().into_string();
        let line = match (&change.a, &change.b) {
            (Some(a), Some(b)) => vec![
                span(Role::Text, format!("~ {field}  ")),
                span(Role::Removed, a.clean().into_string()),
                span(Role::Dim, format!(" {} ", glyphs.arrow)),
                span(Role::Added, b.clean().into_string()),
            ],
            (None, Some(b)) => vec![span(Role::Added, format!("+ {field}  {}", b.clean()))],
            (Some(a), None) => vec![span(Role::Removed, format!("- {field}  {}", a.clean()))],
            (None, None) => continue,
        };
        say("", line);
    }
    say("layers", layers_line(diff));
    for (role, sign, layers) in [
        (Role::Removed, "-", &diff.layers.removed),
        (Role::Added, "+", &diff.layers.added),
    ] {
        for layer in layers {
            let text = format!("{sign} {}  {}", layer.digest, bytes(layer.size));
            say("", vec![span(role, text)]);
        }
    }
    say("packages", packages_line(diff));
    for package in &diff.packages.removed {
        let text = format!("- {} {}", package.purl.clean(), package.version.clean());
        say("", vec![span(Role::Removed, text)]);
    }
    for package in &diff.packages.added {
        let text = format!("+ {} {}", package.purl.clean(), package.version.clean());
        say("", vec![span(Role::Added, text)]);
    }
    for change in &diff.packages.changed {
        let line = vec![
            span(Role::Text, format!("~ {}  ", change.purl.clean())),
            span(Role::Removed, change.from.clean().into_string()),
            span(Role::Dim, format!(" {} ", glyphs.arrow)),
            span(Role::Added, change.to.clean().into_string()),
        ];
        say("", line);
    }
    out
}

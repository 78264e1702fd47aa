//! Every statement about one digest: one line each, and behind it each check with what was
//! compared to what.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::app::age;
use crate::app::cell_status;
use crate::app::cursor::ScreenSubject;
use crate::app::msg::ScrollLimits;
use crate::app::state::{CockpitState, EvidenceScreen, StatementId};
use crate::domain::evidence::{
    Check, CheckName, CheckState, Evidence, EvidenceState, LogEvidence, Signer, SignerKind, Summary, TimeSource,
};
use crate::domain::freshness::Seen;
use crate::domain::id::Digest;
use crate::domain::text::Untrusted;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::fold;
use crate::view::theme::Role;
use crate::view::widget::{badge, list, sign};

/// Draws the evidence screen.
pub fn draw(
    canvas: &mut Canvas<'_>,
    state: &CockpitState,
    screen: &EvidenceScreen,
    area: Rect,
    limits: &mut ScrollLimits,
) {
    let title = match &screen.subject {
        ScreenSubject::Pin(key) => format!(
            "evidence {} {} {} {}",
            canvas.glyphs().dot,
            key.target.service,
            canvas.glyphs().dot,
            key.target.environment
        ),
        ScreenSubject::Candidate(service) => format!(
            "evidence {} {service} {} what CI offers",
            canvas.glyphs().dot,
            canvas.glyphs().dot
        ),
    };
    canvas.rule(Rect { height: 1, ..area }, &[span(Role::Title, title)], true);
    let mut y = area.y + 1;
    for line in head(canvas, state, screen, area.width - 2) {
        canvas.line(area.x + 1, y, area.width - 2, &line);
        y += 1;
    }
    y += 1;
    let body = Rect {
        y,
        height: area.bottom().saturating_sub(y),
        ..area
    };
    limits.page = body.height;
    let statements = state.statements(&screen.subject);
    if statements.is_empty() {
        let text = nothing(state, &screen.subject);
        canvas.text(body.x + 1, body.y, body.width - 1, &text, Role::Dim);
        return;
    }
    let (rows, selected) = rows(canvas.glyphs(), state, screen, &statements, body.width - 3);
    let top = list::top(selected, rows.len(), usize::from(body.height));
    for (at, row) in rows.iter().enumerate().skip(top).take(usize::from(body.height)) {
        let y = body.y + u16::try_from(at - top).unwrap_or(0);
        canvas.line(body.x + 2, y, body.width - 3, &row.line);
        if row.selected {
            canvas.text(body.x, y, 1, canvas.glyphs().cursor, Role::Accent);
            canvas.lay(
                Rect {
                    x: body.x + 2,
                    y,
                    width: body.width - 3,
                    height: 1,
                },
                Role::Cursor,
            );
        }
    }
}

fn nothing(state: &CockpitState, subject: &ScreenSubject) -> String {
    let seen = match subject {
        ScreenSubject::Pin(key) => state.board.cell(key).map(|cell| &cell.assessment),
        ScreenSubject::Candidate(service) => state.board.row(service).map(|row| &row.assessment),
    };
    match seen {
        None => "this pin has changed since; esc goes back".to_owned(),
        Some(Seen::NotChecked) => "not checked".to_owned(),
        Some(Seen::Loading { .. }) => "checking".to_owned(),
        Some(Seen::Unreachable { failure, .. }) => format!("unreachable: {}", failure.sentence_on_screen().clean()),
        Some(Seen::Fresh { .. }) => "absent: nothing at all is attached to these bytes".to_owned(),
    }
}

/// The digest in full, and the verdict.
fn head(canvas: &Canvas<'_>, state: &CockpitState, screen: &EvidenceScreen, columns: u16) -> Vec<Line> {
    let glyphs = canvas.glyphs();
    let mut out = Vec::new();
    let row = state.row_of(&screen.subject);
    if let (Some(digest), Some(row)) = (state.digest_of(&screen.subject), row) {
        let line = sign::with_digest(state, &row.name, digest, Role::Title, canvas.theme(), glyphs);
        out.push(line.to_vec());
    }
    let now = state.minute();
    let (current, assessment) = match &screen.subject {
        ScreenSubject::Pin(key) => {
            let cell = state.board.cell(key);
            (
                cell.map(|cell| cell_status::of_cell(cell, now)),
                cell.map(|cell| &cell.assessment),
            )
        }
        ScreenSubject::Candidate(_) => (
            row.and_then(|row| cell_status::of_candidate(row, now)),
            row.map(|row| &row.assessment),
        ),
    };
    if let (Some(current), Some(seen)) = (current, assessment) {
        let mut line = vec![badge::full(current.status, glyphs)];
        if let Some(verdict) = seen.value().and_then(|a| a.verdict.as_ref()) {
            line.push(span(Role::Dim, " by policy "));
            line.push(span(Role::Text, verdict.policy.clone()));
        }
        if let Some(at) = seen.at() {
            let old = if current.stale { ", stale" } else { "" };
            line.push(span(Role::Dim, format!("  {}{old}", age::ago(at, now))));
        }
        out.extend(fold(line, columns, 2, 2, glyphs));
        if let (Some(verdict), false) = (seen.value().and_then(|a| a.verdict.as_ref()), seen.is_unreachable()) {
            for cause in &verdict.causes {
                let (sign, role) = badge::cause(cause.cause, glyphs);
                let line = vec![
                    span(role, format!("  {sign} ")),
                    span(Role::Title, format!("{} ", cause.check.as_str())),
                    span(role, format!("{}: ", cause.cause.as_str())),
                    span(Role::Text, cause.detail.clean().into_string()),
                ];
                out.extend(fold(line, columns, 4, 2, glyphs));
            }
        }
    }
    out
}

/// The digest, the verdict and every statement with every check, for whoever has no screen.
pub fn whole(canvas: &Canvas<'_>, state: &CockpitState, screen: &EvidenceScreen, columns: u16) -> Vec<Line> {
    let mut out = head(canvas, state, screen, columns);
    let statements = state.statements(&screen.subject);
    if statements.is_empty() {
        out.push(vec![span(Role::Text, nothing(state, &screen.subject))]);
    }
    let asked = state.digest_of(&screen.subject);
    for (_, evidence) in statements {
        out.push(statement_line(evidence, asked, state.minute(), canvas.glyphs()));
        out.extend(evidence.checks.iter().map(|check| check_line(check, canvas.glyphs())));
        out.extend(about(evidence, asked, state.minute()));
    }
    out
}

struct Row {
    line: Line,
    selected: bool,
}

fn rows(
    glyphs: &Glyphs,
    state: &CockpitState,
    screen: &EvidenceScreen,
    statements: &[(StatementId, &Evidence)],
    columns: u16,
) -> (Vec<Row>, usize) {
    let asked = state.digest_of(&screen.subject);
    let mut out = Vec::new();
    let mut selected = 0;
    for (id, evidence) in statements {
        let open = screen.open.contains(id);
        let here = screen.selected.as_ref() == Some(id);
        let mut line = vec![
            span(Role::Dim, if open { glyphs.open } else { glyphs.closed }),
            span(Role::Text, " "),
        ];
        line.extend(statement_line(evidence, asked, state.minute(), glyphs));
        if here && screen.check.is_none() {
            selected = out.len();
        }
        out.push(Row {
            line,
            selected: here && screen.check.is_none(),
        });
        if !open {
            continue;
        }
        for (at, check) in evidence.checks.iter().enumerate() {
            let on = here && screen.check == Some(at);
            if on {
                selected = out.len();
            }
            // The check with the cursor shows everything; the others their first line.
            let most = if on { 8 } else { 1 };
            for (n, line) in fold(check_line(check, glyphs), columns, 25, most, glyphs)
                .into_iter()
                .enumerate()
            {
                out.push(Row {
                    line,
                    selected: on && n == 0,
                });
            }
        }
        for line in about(evidence, asked, state.minute()) {
            for line in fold(line, columns, 25, 3, glyphs) {
                out.push(Row { line, selected: false });
            }
        }
    }
    (out, selected)
}

fn check_line(check: &Check, glyphs: &Glyphs) -> Line {
    let (sign, role, word) = match check.state {
        CheckState::Passed => (glyphs.passed, Role::Verified, "passed"),
        CheckState::Failed => (glyphs.failed, Role::Rejected, "failed"),
        CheckState::NotPresent => (glyphs.not_present, Role::Quiet, "not present"),
        CheckState::NotChecked => (glyphs.not_checked, Role::Quiet, "not checked"),
    };
    let mut line = vec![
        span(Role::Text, "    "),
        span(role, format!("{sign} ")),
        span(Role::Title, format!("{:<17}  ", check_name(check.check))),
    ];
    if check.state == CheckState::Passed {
        line.push(span(Role::Text, check.detail.clean().into_string()));
    } else {
        line.push(span(role, word));
        if !check.detail.is_empty() {
            line.push(span(Role::Text, format!(": {}", check.detail.clean())));
        }
    }
    line
}

const fn check_name(check: CheckName) -> &'static str {
    match check {
        CheckName::Signature => "signature",
        CheckName::Chain => "certificate chain",
        CheckName::Sct => "SCT",
        CheckName::LogPromise => "log promise",
        CheckName::InclusionProof => "inclusion proof",
        CheckName::Timestamp => "timestamp",
        CheckName::Identity => "identity",
        CheckName::Issuer => "issuer",
        CheckName::Subject => "subject",
        CheckName::Predicate => "predicate",
    }
}

/// What else a statement says about itself: packing, subjects, signer beside builder.
fn about(evidence: &Evidence, asked: Option<Digest>, now: Timestamp) -> Vec<Line> {
    let mut out = Vec::new();
    let mut add = |label: &str, text: String| {
        out.push(vec![
            span(Role::Dim, format!("      {label:<17}  ")),
            span(Role::Text, text),
        ]);
    };
    if let Some(signer) = &evidence.signer {
        let kind = match signer.kind {
            SignerKind::Key => "key",
            SignerKind::Certificate => "certificate",
        };
        let issuer = signer
            .issuer
            .as_ref()
            .map_or_else(String::new, |i| format!(", issued by {}", i.clean()));
        add("signed by", format!("{kind} {}{issuer}", signer.identity.clean()));
    }
    if let Summary::Provenance(provenance) = &evidence.summary {
        let mut say = |label: &str, text: &Option<crate::domain::Untrusted>| {
            if let Some(text) = text {
                add(label, text.clean().into_string());
            }
        };
        say("built by", &provenance.builder);
        say("source", &provenance.source);
        say("commit", &provenance.commit);
        say("workflow", &provenance.workflow);
    }
    if let Summary::TestResult(result) = &evidence.summary
        && let Some(url) = &result.url
    {
        add("more at", url.clean().into_string());
    }
    for subject in &evidence.subjects {
        let note = if Some(*subject) == asked {
            ""
        } else {
            "  (not the digest asked about)"
        };
        add("about", format!("{subject}{note}"));
    }
    if asked.is_some_and(|asked| asked != evidence.attached_to) {
        add("attached to", format!("{}  (via index)", evidence.attached_to));
    }
    if let Some(place) = &evidence.found_in {
        add("found in", place.clean().into_string());
    }
    if let Some(at) = evidence.signed_at {
        let source = match evidence.timestamp {
            TimeSource::Rekor => "by the transparency log",
            TimeSource::Rfc3161 => "by a timestamp authority",
            TimeSource::None => "without a trusted time",
        };
        add("signed at", format!("{at}, {}, {source}", age::ago(at, now)));
    }
    if let Some(predicate) = &evidence.predicate_type {
        add("predicate type", predicate.clean().into_string());
    }
    add(
        "packed as",
        format!("{}, {}", evidence.format.describe(), evidence.id()),
    );
    out
}

/// Sign, role and word of a statement's state; the word is the cause, and empty where it verifies.
pub fn state_words(evidence: &Evidence, glyphs: &Glyphs) -> (&'static str, Role, &'static str) {
    match evidence.state {
        EvidenceState::Verified => (glyphs.passed, Role::Verified, ""),
        EvidenceState::Failed => {
            let cause = evidence.cause.map_or("failed", |cause| cause.as_str());
            (glyphs.failed, Role::Rejected, cause)
        }
        EvidenceState::Unsigned => (glyphs.not_present, Role::Quiet, "unsigned"),
        EvidenceState::Unsupported => ("?", Role::Unknown, "unsupported"),
        EvidenceState::Unreachable => {
            let sign = glyphs.status(cell_status::CellStatus::Unreachable);
            (sign, Role::Unreachable, "unreachable")
        }
        EvidenceState::NotChecked => (glyphs.not_checked, Role::Quiet, "not checked"),
    }
}

/// One statement in one line: state, kind, what it says, who signed, what backs the time.
pub fn statement_line(evidence: &Evidence, asked: Option<Digest>, now: Timestamp, glyphs: &Glyphs) -> Line {
    let (sign, role, word) = state_words(evidence, glyphs);
    let mut line = vec![
        span(role, format!("{sign} ")),
        span(Role::Title, format!("{:<20} ", evidence.kind.as_str())),
    ];
    if !word.is_empty() {
        line.push(span(role, format!("{word}  ")));
    }
    let said = said(evidence, now);
    if !said.0.is_empty() {
        line.push(span(said.1, format!("{}  ", said.0)));
    }
    if evidence.state != EvidenceState::Verified
        && let Some(detail) = &evidence.detail
    {
        line.push(span(Role::Text, format!("{}  ", detail.clean())));
    }
    if let Some(signer) = &evidence.signer {
        line.push(span(Role::Dim, signer_words(signer)));
    }
    if evidence.state == EvidenceState::Verified {
        line.push(span(
            Role::Dim,
            match evidence.log {
                LogEvidence::InclusionProof => ", log inclusion proof",
                LogEvidence::Set => ", log promise",
                LogEvidence::None => ", no log",
            },
        ));
    }
    if asked.is_some_and(|asked| asked != evidence.attached_to) {
        line.push(span(Role::Dim, ", via index"));
    }
    line
}

/// A signer in one breath. A GitHub workflow keeps its repository: file names alone look alike.
pub fn signer_words(signer: &Signer) -> String {
    const GITHUB: &str = "https://token.actions.githubusercontent.com";
    let identity = signer.identity.raw();
    let workflow = identity
        .strip_prefix("https://github.com/")
        .and_then(|rest| rest.split_once("/.github/workflows/"))
        .filter(|_| signer.kind == SignerKind::Certificate)
        .filter(|_| signer.issuer.as_ref().is_some_and(|issuer| issuer.raw() == GITHUB));
    match (workflow, signer.kind) {
        (Some((repository, file)), _) => Untrusted::new(format!("{repository} {file} (GitHub Actions)"))
            .clean()
            .into_string(),
        (None, SignerKind::Key) => format!("key {}", signer.identity.clean()),
        (None, SignerKind::Certificate) => signer.identity.clean().into_string(),
    }
}

/// What the predicate says, in a word or two.
pub fn brief(evidence: &Evidence) -> (String, Role) {
    match &evidence.summary {
        Summary::Provenance(p) => {
            let commit = p
                .commit
                .as_ref()
                .map(|c| c.clean().as_str().chars().take(7).collect::<String>());
            (
                commit.map_or_else(String::new, |commit| format!("of {commit}")),
                Role::Dim,
            )
        }
        Summary::Sbom(s) => (format!("{} packages", s.packages), Role::Dim),
        Summary::TestResult(_) => said(evidence, Timestamp::UNIX_EPOCH),
        Summary::VulnerabilityScan(s) => (format!("{} critical, {} high", s.critical, s.high), Role::Dim),
        Summary::VerificationSummary(_) | Summary::None => (String::new(), Role::Dim),
    }
}

/// What the predicate says, in a few words.
fn said(evidence: &Evidence, now: Timestamp) -> (String, Role) {
    match &evidence.summary {
        Summary::Provenance(p) => {
            let commit = p.commit.as_ref().map(|c| c.raw().chars().take(7).collect::<String>());
            let source = p.source.as_ref().map(|s| s.clean().into_string());
            let text = match (source, commit) {
                (Some(source), Some(commit)) => format!("{source}@{commit}"),
                (Some(source), None) => source,
                (None, Some(commit)) => commit,
                (None, None) => String::new(),
            };
            (text, Role::Text)
        }
        Summary::Sbom(s) => (
            format!("{} {}, {} packages", s.format, s.version.clean(), s.packages),
            Role::Text,
        ),
        Summary::TestResult(t) => {
            let role = match t.result.as_str() {
                "PASSED" => Role::Verified,
                "WARNED" => Role::Warned,
                _ => Role::Rejected,
            };
            (t.result.clone(), role)
        }
        Summary::VulnerabilityScan(s) => {
            let role = if s.critical > 0 { Role::Rejected } else { Role::Text };
            let age = s
                .finished_at
                .map_or_else(String::new, |at| format!(", {}", age::ago(at, now)));
            (
                format!(
                    "{} critical, {} high, {} medium, {} low{age}",
                    s.critical, s.high, s.medium, s.low
                ),
                role,
            )
        }
        Summary::VerificationSummary(v) => {
            let who = v.verifier.as_ref().map(|v| v.clean().into_string()).unwrap_or_default();
            let result = v.result.as_ref().map(|r| r.clean().into_string()).unwrap_or_default();
            (format!("{result} {who}").trim().to_owned(), Role::Text)
        }
        Summary::None => (
            match (&evidence.predicate_type, evidence.kind) {
                (Some(predicate), crate::domain::EvidenceKind::Other) => predicate.clean().into_string(),
                _ => String::new(),
            },
            Role::Text,
        ),
    }
}

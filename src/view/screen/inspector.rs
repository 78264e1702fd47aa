//! Everything about the selected cell, the most urgent first: bytes, verdict, causes, who pinned it.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::app::age;
use crate::app::msg::Limits;
use crate::app::select::cells;
use crate::app::standing::{self, Standing};
use crate::app::state::{State, Subject};
use crate::domain::board::{Assessment, Cell, ServiceRow, TagSource};
use crate::domain::candidate::Relation;
use crate::domain::drift::DriftKind;
use crate::domain::evidence::{EvidenceState, LogEvidence};
use crate::domain::freshness::Seen;
use crate::domain::id::Digest;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::fold;
use crate::view::screen::evidence::{brief, signer_words, state_words, statement_line};
use crate::view::theme::{Role, of_standing};
use crate::view::widget::badge;
use crate::view::widget::fingerprint::Fingerprints;

/// Columns of the labels.
const LABEL: u16 = 11;

/// Lines kept for the cause of a verdict.
const CAUSE: usize = 2;

/// From this width on, facts and evidence stand side by side.
const BESIDE: u16 = 128;

/// Draws the inspector.
pub fn draw(canvas: &mut Canvas<'_>, state: &State, area: Rect, limits: &mut Limits, focus: bool) {
    if area.height == 0 {
        return;
    }
    canvas.rule(Rect { height: 1, ..area }, &title(state, canvas.glyphs()), focus);
    let body = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height - 1,
    };
    // Side by side where there is room: then neither block moves when the other grows.
    let beside = body.width >= BESIDE;
    let left = if beside {
        (body.width * 3 / 5).max(84)
    } else {
        body.width
    };
    let right = if beside { body.width - left - 2 } else { body.width };
    let mut facts = facts(state, canvas, left);
    let mut proofs = proofs(state, canvas, right, beside);
    let mut drifts = drifts(state, canvas, left);
    if !beside {
        facts.append(&mut proofs);
    }
    facts.append(&mut drifts);
    let height = usize::from(body.height);
    let lines = facts.len().max(proofs.len());
    let last = lines.saturating_sub(height);
    limits.inspector = u16::try_from(last).unwrap_or(u16::MAX);
    if focus {
        limits.page = body.height;
    }
    let top = usize::from(state.inspector_top).min(last);
    for (lines, x, width) in [(&facts, body.x, left), (&proofs, body.x + left + 2, right)] {
        for (at, line) in lines.iter().skip(top).take(height).enumerate() {
            canvas.line(x, body.y + u16::try_from(at).unwrap_or(0), width, line);
        }
    }
    let below = lines.saturating_sub(top + height);
    if below > 0 {
        let more = format!(" {below} more {} ", if below == 1 { "line" } else { "lines" });
        let row = Rect {
            height: 1,
            width: area.width - 1,
            ..area
        };
        canvas.line_right(row, &[span(Role::Dim, more)]);
    }
}

fn title(state: &State, glyphs: &Glyphs) -> Line {
    let Some(cursor) = &state.cursor else {
        return vec![span(Role::Dim, "nothing selected")];
    };
    let place = match &cursor.column {
        crate::app::select::Column::Environment(environment) => environment.as_str(),
        crate::app::select::Column::Candidate => "what CI offers",
    };
    let mut line = vec![span(Role::Title, format!("{} {} {place}", cursor.service, glyphs.dot))];
    if let (Some(Subject::Pin(key)), Some(row)) = (state.subject(), state.board.row(&cursor.service)) {
        let keys: Vec<_> = cells(row, &key.target.environment).map(|cell| cell.pin.key()).collect();
        if keys.len() > 1 {
            let at = keys.iter().position(|k| *k == key).map_or(0, |at| at + 1);
            line.push(span(Role::Warned, format!("  pin {at} of {}", keys.len())));
        }
    }
    line
}

fn out<'a>(state: &State, canvas: &Canvas<'a>, width: u16) -> Out<'a> {
    Out {
        lines: Vec::new(),
        width,
        glyphs: canvas.glyphs(),
        now: state.minute(),
    }
}

/// The bytes, the verdict, who put them there.
fn facts(state: &State, canvas: &Canvas<'_>, width: u16) -> Vec<Line> {
    let mut out = out(state, canvas, width);
    let Some(cursor) = &state.cursor else {
        return out.lines;
    };
    let Some(row) = state.board.row(&cursor.service) else {
        out.plain(Role::Warned, format!("{} is no longer on the board.", cursor.service));
        return out.lines;
    };
    let prints = Fingerprints::of_row(row, canvas.theme(), canvas.glyphs());
    match state.subject() {
        None => out.plain(
            Role::Dim,
            "Nothing is pinned here: no file of this environment names this service's image.",
        ),
        Some(Subject::Candidate(_)) => candidate(&mut out, state, row, &prints),
        Some(subject) => {
            if let Some(cell) = state.cell_of(&subject) {
                pin(&mut out, state, row, cell, &prints);
            }
        }
    }
    out.lines
}

/// Drift that nothing above has said yet.
fn drifts(state: &State, canvas: &Canvas<'_>, width: u16) -> Vec<Line> {
    let mut out = out(state, canvas, width);
    if let Some(cell) = state.subject().as_ref().and_then(|subject| state.cell_of(subject)) {
        drift(&mut out, state, cell);
    }
    out.lines
}

/// The evidence, and where the pin is written.
fn proofs(state: &State, canvas: &Canvas<'_>, width: u16, beside: bool) -> Vec<Line> {
    let mut out = out(state, canvas, width);
    let Some(subject) = state.subject() else {
        return out.lines;
    };
    statements(&mut out, state, &subject, beside);
    if let Some(cell) = state.cell_of(&subject) {
        locations(&mut out, cell, beside);
    }
    out.lines
}

struct Out<'a> {
    lines: Vec<Line>,
    width: u16,
    glyphs: &'a Glyphs,
    now: Timestamp,
}

impl Out<'_> {
    fn plain(&mut self, role: Role, text: impl Into<String>) {
        let folded = fold(vec![span(role, text)], self.width, 0, 4, self.glyphs);
        self.lines.extend(folded);
    }

    /// Empty lines up to a number of lines: room kept for a cause, so that moving the cursor moves
    /// no other line.
    fn pad(&mut self, lines: usize) {
        while self.lines.len() < lines {
            self.lines.push(Line::new());
        }
    }

    fn indented(&mut self, indent: u16, most: usize, line: Line) {
        let folded = fold(line, self.width, indent, most, self.glyphs);
        self.lines.extend(folded);
    }

    /// A labelled line that takes one line whatever it holds.
    fn cut(&mut self, label: &str, mut line: Line) {
        line.insert(
            0,
            span(Role::Dim, format!("{label:<width$}", width = usize::from(LABEL))),
        );
        self.lines.push(line);
    }

    fn labelled(&mut self, label: &str, mut line: Line) {
        line.insert(
            0,
            span(Role::Dim, format!("{label:<width$}", width = usize::from(LABEL))),
        );
        let folded = fold(line, self.width, LABEL, 4, self.glyphs);
        self.lines.extend(folded);
    }
}

fn pin(out: &mut Out<'_>, state: &State, row: &ServiceRow, cell: &Cell, prints: &Fingerprints) {
    match cell.pin.digest {
        Some(digest) => {
            out.lines
                .push(vec![prints.span(digest), span(Role::Text, format!(" {digest}"))]);
        }
        None => out.plain(
            Role::ByTag,
            format!(
                "{} pinned by tag {} only: what runs depends on when it is pulled",
                out.glyphs.standing(Standing::ByTag),
                cell.pin.tag.as_deref().unwrap_or("(none)")
            ),
        ),
    }
    let before = out.lines.len();
    verdict(out, state, &cell.assessment, standing::of_cell(cell, out.now));
    if let Some(hold) = &cell.hold {
        let since = hold
            .since
            .map_or_else(String::new, |at| format!(", {}", age::ago(at, out.now)));
        out.labelled(
            "hold",
            vec![
                span(Role::Hold, format!("{} held: ", out.glyphs.hold)),
                span(Role::Text, hold.reason.clean().into_string()),
                span(Role::Dim, since),
            ],
        );
    }
    out.pad(before + 1 + CAUSE);
    pinned_by(out, cell);
    image(out, cell);
    relation(out, row, cell);
}

fn locations(out: &mut Out<'_>, cell: &Cell, beside: bool) {
    if beside {
        out.lines.push(vec![span(Role::Dim, "written in")]);
    }
    for (at, location) in cell.pin.locations.iter().enumerate() {
        let mut line = vec![
            span(Role::Text, format!("{}:{}", location.file, location.line)),
            span(Role::Dim, format!("  {}", location.style.as_str())),
        ];
        if let Some(why) = &location.read_only {
            line.push(span(Role::Warned, format!("  cannot be edited: {why}")));
        }
        if beside {
            line.insert(0, span(Role::Text, "  "));
            out.indented(2, 3, line);
        } else {
            out.labelled(if at == 0 { "written in" } else { "" }, line);
        }
    }
}

fn candidate(out: &mut Out<'_>, state: &State, row: &ServiceRow, prints: &Fingerprints) {
    let offered = row.candidate.value().and_then(Option::as_ref);
    match (&row.candidate, offered) {
        (_, Some(offered)) => {
            let digest = offered.digest;
            out.lines
                .push(vec![prints.span(digest), span(Role::Text, format!(" {digest}"))]);
            if let Some(stand) = standing::of_candidate(row, out.now) {
                let before = out.lines.len();
                verdict(out, state, &row.assessment, stand);
                out.pad(before + 1 + CAUSE);
            }
            let built = match standing::ci_built(row) {
                Some(true) => span(
                    Role::Verified,
                    format!("{} CI-built: its provenance verifies", out.glyphs.passed),
                ),
                Some(false) => span(
                    Role::Warned,
                    "claimed by tag only: no provenance of these bytes verifies",
                ),
                None => span(Role::Dim, "not known yet whether CI built these bytes"),
            };
            out.labelled("origin", vec![built]);
            let tag = vec![
                span(Role::Text, format!("{}:{}", offered.image, offered.tag)),
                span(Role::Dim, seen_note(&row.candidate, out.now)),
            ];
            out.labelled("image", tag);
            let pinned: Vec<&str> = row
                .cells
                .iter()
                .filter(|cell| cell.pin.digest == Some(digest))
                .map(|cell| cell.pin.target.environment.as_str())
                .collect();
            let pinned = if pinned.is_empty() {
                "nowhere yet".to_owned()
            } else {
                pinned.join(", ")
            };
            out.labelled("pinned in", vec![span(Role::Text, pinned)]);
        }
        (Seen::Unreachable { detail, .. }, None) => out.plain(
            Role::Unreachable,
            format!(
                "{} could not be asked: {}",
                out.glyphs.standing(Standing::Unreachable),
                detail.clean()
            ),
        ),
        (Seen::Fresh { .. }, None) => out.plain(
            Role::Dim,
            "CI offers nothing: no tag of this service's repository matches its candidate rule.",
        ),
        (Seen::Loading { .. }, None) => out.plain(Role::Dim, "asking the registry"),
        (Seen::NotChecked, None) => out.plain(Role::Dim, "not checked"),
    }
}

/// How current a value is, in words, where that is worth saying.
fn seen_note<T>(seen: &Seen<T>, now: Timestamp) -> String {
    match seen {
        Seen::NotChecked => "  not checked".to_owned(),
        Seen::Loading { last: None } => "  checking".to_owned(),
        Seen::Loading { last: Some((_, at)) } => format!("  {}, checking again", age::ago(*at, now)),
        Seen::Fresh { at, .. } if age::is_stale(*at, now) => format!("  stale: {}", age::ago(*at, now)),
        Seen::Fresh { at, .. } => format!("  {}", age::ago(*at, now)),
        Seen::Unreachable { last: None, .. } => "  unreachable".to_owned(),
        Seen::Unreachable {
            last: Some((_, at)), ..
        } => format!("  unreachable now; seen {}", age::ago(*at, now)),
    }
}

fn verdict(out: &mut Out<'_>, state: &State, seen: &Seen<Assessment>, stand: standing::Stand) {
    if stand.is == Standing::ByTag {
        out.labelled("verdict", vec![span(Role::Dim, "none: a verdict is about a digest")]);
        return;
    }
    let mut line = vec![badge::full(stand.is, out.glyphs)];
    let verdict = seen.value().and_then(|assessment| assessment.verdict.as_ref());
    match seen {
        Seen::Unreachable { detail, last } => {
            line.push(span(Role::Text, format!(": {}", detail.clean())));
            if let Some((before, at)) = last {
                let was = before.verdict.as_ref().map_or("not judged", |v| v.result.as_str());
                line.push(span(Role::Dim, format!("  (was {was} {})", age::ago(*at, out.now))));
            }
        }
        _ => {
            if let Some(verdict) = verdict {
                line.push(span(Role::Dim, " by policy "));
                line.push(span(Role::Text, verdict.policy.clone()));
            }
            if !matches!(stand.is, Standing::Loading | Standing::NotChecked) {
                line.push(span(Role::Dim, seen_note(seen, out.now)));
            }
        }
    }
    line.insert(
        0,
        span(Role::Dim, format!("{:<width$}", "verdict", width = usize::from(LABEL))),
    );
    out.indented(LABEL, 2, line);
    if stand.is == Standing::NotJudged {
        out.labelled(
            "",
            vec![span(Role::Dim, "no policy is configured for this environment")],
        );
    }
    if let (Some(verdict), false) = (verdict, seen.is_unreachable()) {
        for cause in &verdict.causes {
            let name = format!(
                "{} {} {}",
                out.glyphs.failed,
                cause.check.as_str(),
                cause.cause.as_str()
            );
            let mut line = vec![
                span(of_standing(stand.is), name),
                span(Role::Text, format!("  {}", cause.detail.clean())),
            ];
            if let Some(other) = cause.subject {
                line.push(span(Role::Dim, format!("  (about {})", whose(state, other))));
            }
            line.insert(0, span(Role::Text, " ".repeat(usize::from(LABEL))));
            out.indented(LABEL, 2, line);
        }
    }
}

/// A digest with what pindeck knows it as: where it is pinned, or that CI offers it.
fn whose(state: &State, digest: Digest) -> String {
    let mut places = Vec::new();
    for row in &state.board.services {
        let environments = row.cells.iter().filter(|cell| cell.pin.digest == Some(digest));
        let mut names: Vec<&str> = environments.map(|cell| cell.pin.target.environment.as_str()).collect();
        let candidate = row.candidate.value().and_then(Option::as_ref);
        if candidate.is_some_and(|candidate| candidate.digest == digest) {
            names.push("CI");
        }
        if !names.is_empty() {
            places.push(format!("{} {}", row.name, names.join(", ")));
        }
    }
    if places.is_empty() {
        digest.to_string()
    } else {
        format!("{}: {}", digest.short(), places.join("; "))
    }
}

fn pinned_by(out: &mut Out<'_>, cell: &Cell) {
    let Some(by) = &cell.pinned_by else {
        return;
    };
    let commit: String = by.commit.chars().take(7).collect();
    out.cut(
        "pinned",
        vec![
            span(Role::Text, age::ago(by.at, out.now)),
            span(Role::Dim, " by "),
            span(Role::Text, by.author.clean().into_string()),
            span(Role::Dim, " in "),
            span(Role::Text, commit),
            span(Role::Dim, format!(" “{}”", by.subject.clean())),
        ],
    );
}

/// The image with the tag that is compared, and what that tag points at now.
fn image(out: &mut Out<'_>, cell: &Cell) {
    let mut line = vec![span(Role::Text, cell.pin.image.to_string())];
    match &cell.tag {
        TagSource::None => line.push(span(Role::Dim, "  without a tag")),
        TagSource::Pin(tag) => line.push(span(Role::Text, format!(":{tag}"))),
        TagSource::VersionLabel(tag) => line.push(span(Role::Dim, format!("  labelled {tag}"))),
    }
    if cell.tag.tag().is_some() {
        match (&cell.tag_digest, cell.tag_digest.value()) {
            (Seen::Unreachable { detail, .. }, _) => {
                line.push(span(
                    Role::Unreachable,
                    format!("  tag unreachable: {}", detail.clean()),
                ));
            }
            (Seen::NotChecked, _) => line.push(span(Role::Dim, "  tag not checked")),
            (_, None) => line.push(span(Role::Dim, "  checking the tag")),
            (_, Some(None)) => line.push(span(Role::Warned, "  no such tag in the registry now")),
            (_, Some(Some(now_at))) => match cell.pin.digest {
                None => line.push(span(Role::Dim, format!(" {} {now_at}", out.glyphs.arrow))),
                Some(pinned) if pinned == *now_at => line.push(span(Role::Dim, "  still these bytes")),
                Some(_) if cell.tag_matches_via_index => {
                    line.push(span(Role::Dim, "  still this image (index and platform manifest)"));
                }
                Some(pinned) if cell.tag_is_immutable => {
                    line.push(span(
                        Role::Drift,
                        format!("  {} the tag moved {} ", out.glyphs.drift, out.glyphs.arrow),
                    ));
                    line.push(span(Role::Text, unmistakable(*now_at, pinned)));
                }
                Some(pinned) => {
                    line.push(span(Role::Dim, format!("  the tag has gone on {} ", out.glyphs.arrow)));
                    line.push(span(Role::Text, unmistakable(*now_at, pinned)));
                }
            },
        }
    }
    out.cut("image", line);
}

/// A digest in short form, unless that would make it look like the other one.
fn unmistakable(digest: Digest, beside: Digest) -> String {
    if digest.short() == beside.short() {
        digest.to_string()
    } else {
        digest.short()
    }
}

fn relation(out: &mut Out<'_>, row: &ServiceRow, cell: &Cell) {
    let Some(candidate) = row.candidate.value().and_then(Option::as_ref) else {
        return;
    };
    let offered = format!("{} ({})", candidate.digest.short(), candidate.tag);
    let text = match (cell.relation, cell.behind) {
        (Relation::Same, _) => format!("the same bytes as CI's {offered}"),
        (Relation::Behind, Some(1)) => format!("1 version behind CI's {offered}"),
        (Relation::Behind, Some(n)) => format!("{n} versions behind CI's {offered}"),
        (Relation::Behind, None) => format!("behind CI's {offered}"),
        (Relation::Ahead, _) => format!("newer than CI's {offered}"),
        (Relation::Other, _) => format!("none of the versions CI built; CI offers {offered}"),
        (Relation::None, _) => format!("CI offers {offered}"),
    };
    let version = cell.version.as_ref();
    let version = version.map_or_else(String::new, |version| format!("  (version label {})", version.clean()));
    out.cut("candidate", vec![span(Role::Text, text), span(Role::Dim, version)]);
}

fn drift(out: &mut Out<'_>, state: &State, cell: &Cell) {
    let target = &cell.pin.target;
    let here = state.board.drift.iter().filter(|drift| {
        drift.service == target.service
            && drift.environment.as_ref().is_none_or(|environment| *environment == target.environment)
            // Said above already.
            && !matches!(
                drift.kind,
                DriftKind::NotVerified
                    | DriftKind::TagMoved
                    | DriftKind::Held
                    | DriftKind::PinnedByTag
                    | DriftKind::EvidenceElsewhere
                    | DriftKind::MissingFromRegistry
            )
    });
    for drift in here {
        out.labelled(
            "drift",
            vec![
                span(Role::Drift, format!("{} {}: ", out.glyphs.drift, drift.kind.words())),
                span(Role::Text, drift.detail.clean().into_string()),
            ],
        );
    }
}

/// What holds, by whom, and what does not hold. In a column of its own one statement a line;
/// otherwise all that holds in one line, cut where it must be: the evidence screen has everything.
fn statements(out: &mut Out<'_>, state: &State, subject: &Subject, beside: bool) {
    let statements = state.statements(subject);
    let mut holds: Vec<Line> = Vec::new();
    let mut signers: Vec<String> = Vec::new();
    for (_, evidence) in statements.iter().filter(|(_, e)| e.state == EvidenceState::Verified) {
        let kind = format!("{} {}", out.glyphs.passed, evidence.kind.as_str());
        let mut line = vec![span(Role::Verified, kind)];
        let (said, role) = brief(evidence);
        if !said.is_empty() {
            line.push(span(role, format!(" {said}")));
        }
        holds.push(line);
        let log = match evidence.log {
            LogEvidence::InclusionProof => ", log inclusion proof",
            LogEvidence::Set => ", log promise",
            LogEvidence::None => ", no log",
        };
        if let Some(signer) = &evidence.signer {
            let text = format!("{}{log}", signer_words(signer));
            if !signers.contains(&text) {
                signers.push(text);
            }
        }
    }
    let others = statements.iter().filter(|(_, e)| e.state != EvidenceState::Verified);
    if beside {
        if !statements.is_empty() {
            out.lines.push(vec![span(Role::Dim, "evidence")]);
        }
        for mut line in holds {
            line.insert(0, span(Role::Text, "  "));
            out.lines.push(line);
        }
        for signer in signers {
            out.indented(2, 3, vec![span(Role::Dim, format!("  signed by {signer}"))]);
        }
        for (_, evidence) in others {
            let (sign, role, word) = state_words(evidence, out.glyphs);
            out.lines
                .push(vec![span(role, format!("  {sign} {} {word}", evidence.kind.as_str()))]);
            if let Some(signer) = &evidence.signer {
                out.indented(4, 2, vec![span(Role::Dim, format!("    by {}", signer_words(signer)))]);
            }
        }
        return;
    }
    let mut label = "evidence";
    if !holds.is_empty() {
        // In the colour of its neighbour: a gap should not cost a colour change.
        let gap = || vec![span(Role::Verified, "  ")];
        let line: Line = holds
            .into_iter()
            .reduce(|a, b| [a, gap(), b].concat())
            .unwrap_or_default();
        out.cut(std::mem::take(&mut label), line);
    }
    for signer in signers {
        out.cut("", vec![span(Role::Dim, format!("signed by {signer}"))]);
    }
    for (_, evidence) in others {
        let line = statement_line(evidence, state.digest_of(subject), out.now, out.glyphs);
        out.cut(std::mem::take(&mut label), line);
    }
}

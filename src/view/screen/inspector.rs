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
use crate::domain::freshness::Seen;
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::fold;
use crate::view::screen::evidence::statement_line;
use crate::view::theme::{Role, of_standing};
use crate::view::widget::badge;
use crate::view::widget::fingerprint::Fingerprints;

/// Columns of the labels.
const LABEL: u16 = 11;

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
    let lines = lines(state, canvas, body.width);
    let height = usize::from(body.height);
    let last = lines.len().saturating_sub(height);
    limits.inspector = u16::try_from(last).unwrap_or(u16::MAX);
    if focus {
        limits.page = body.height;
    }
    let top = usize::from(state.inspector_top).min(last);
    for (at, line) in lines.iter().skip(top).take(height).enumerate() {
        let y = body.y + u16::try_from(at).unwrap_or(0);
        canvas.line(body.x, y, body.width, line);
    }
    let below = lines.len().saturating_sub(top + height);
    if below > 0 {
        let more = vec![span(Role::Dim, format!(" {below} more lines "))];
        canvas.line_right(
            Rect {
                height: 1,
                width: area.width - 1,
                ..area
            },
            &more,
        );
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

fn lines(state: &State, canvas: &Canvas<'_>, width: u16) -> Vec<Line> {
    let mut out = Out {
        lines: Vec::new(),
        width,
        glyphs: canvas.glyphs(),
        now: state.minute(),
    };
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
            let mut line = vec![prints.span(digest), span(Role::Text, format!(" {digest}"))];
            if let Some(version) = &cell.version {
                line.push(span(Role::Dim, "  version "));
                line.push(span(Role::Text, version.clean().into_string()));
            }
            out.lines.push(line);
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
    verdict(out, &cell.assessment, standing::of_cell(cell, out.now));
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
    pinned_by(out, cell);
    tag(out, cell);
    relation(out, row, cell);
    drift(out, state, cell);
    statements(out, state);
    out.labelled("image", vec![span(Role::Text, cell.pin.image.to_string())]);
    for (at, location) in cell.pin.locations.iter().enumerate() {
        let mut line = vec![
            span(Role::Text, format!("{}:{}", location.file, location.line)),
            span(Role::Dim, format!("  {}", location.style.as_str())),
        ];
        if let Some(why) = &location.read_only {
            line.push(span(Role::Warned, format!("  cannot be edited: {why}")));
        }
        out.labelled(if at == 0 { "written in" } else { "" }, line);
    }
}

fn candidate(out: &mut Out<'_>, state: &State, row: &ServiceRow, prints: &Fingerprints) {
    let offered = row.candidate.value().and_then(Option::as_ref);
    match (&row.candidate, offered) {
        (_, Some(offered)) => {
            let digest = offered.digest;
            out.lines
                .push(vec![prints.span(digest), span(Role::Text, format!(" {digest}"))]);
            let tag = vec![
                span(Role::Text, format!("{}:{}", offered.image, offered.tag)),
                span(Role::Dim, seen_note(&row.candidate, out.now)),
            ];
            let stand = standing::of_candidate(row, out.now);
            if let Some(stand) = stand {
                verdict(out, &row.assessment, stand);
            }
            out.labelled("CI tag", tag);
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
            statements(out, state);
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

fn verdict(out: &mut Out<'_>, seen: &Seen<Assessment>, stand: standing::Stand) {
    if stand.is == Standing::ByTag {
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
    out.labelled("verdict", line);
    if stand.is == Standing::NotJudged {
        out.labelled(
            "",
            vec![span(Role::Dim, "no policy is configured for this environment")],
        );
    }
    if let (Some(verdict), false) = (verdict, seen.is_unreachable()) {
        for cause in &verdict.causes {
            let mut line = vec![
                span(of_standing(stand.is), format!("{} ", out.glyphs.failed)),
                span(Role::Title, format!("{:<19}", cause.check.as_str())),
                span(of_standing(stand.is), format!("{:<15}", cause.cause.as_str())),
                span(Role::Text, cause.detail.clean().into_string()),
            ];
            if let Some(other) = cause.subject {
                line.push(span(Role::Dim, format!("  (about {other})")));
            }
            out.labelled("", line);
        }
    }
}

fn pinned_by(out: &mut Out<'_>, cell: &Cell) {
    let Some(by) = &cell.pinned_by else {
        return;
    };
    let commit: String = by.commit.chars().take(7).collect();
    out.labelled(
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

fn tag(out: &mut Out<'_>, cell: &Cell) {
    let Some(tag) = cell.tag.tag() else {
        return;
    };
    let label = match cell.tag {
        TagSource::VersionLabel(_) => "its version",
        _ => "tag now",
    };
    let mut line = vec![span(Role::Text, tag)];
    match (&cell.tag_digest, cell.tag_digest.value()) {
        (Seen::Unreachable { detail, .. }, _) => {
            line.push(span(Role::Unreachable, format!("  unreachable: {}", detail.clean())));
        }
        (Seen::NotChecked, _) => line.push(span(Role::Dim, "  not checked")),
        (_, None) => line.push(span(Role::Dim, "  checking")),
        (_, Some(None)) => line.push(span(Role::Warned, "  no such tag in the registry")),
        (_, Some(Some(now_at))) => match cell.pin.digest {
            None => line.push(span(Role::Dim, format!(" {} {now_at}", out.glyphs.arrow))),
            Some(pinned) if pinned == *now_at => line.push(span(Role::Verified, "  still these bytes")),
            Some(_) if cell.tag_matches_via_index => {
                line.push(span(Role::Verified, "  still this image (index and platform manifest)"));
            }
            Some(_) if cell.tag_is_immutable => {
                line.push(span(
                    Role::Drift,
                    format!("  {} moved {} ", out.glyphs.drift, out.glyphs.arrow),
                ));
                line.push(span(Role::Text, now_at.to_string()));
            }
            Some(_) => {
                line.push(span(Role::Dim, format!("  has gone on {} ", out.glyphs.arrow)));
                line.push(span(Role::Text, now_at.short()));
            }
        },
    }
    out.labelled(label, line);
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
    out.labelled("candidate", vec![span(Role::Text, text)]);
}

fn drift(out: &mut Out<'_>, state: &State, cell: &Cell) {
    let target = &cell.pin.target;
    let here = state.board.drift.iter().filter(|drift| {
        drift.service == target.service
            && drift.environment.as_ref().is_none_or(|environment| *environment == target.environment)
            // Said above already.
            && !matches!(drift.kind, DriftKind::NotVerified | DriftKind::TagMoved | DriftKind::Held)
            && (drift.kind != DriftKind::PinnedByTag)
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

fn statements(out: &mut Out<'_>, state: &State) {
    let Some(subject) = state.subject() else {
        return;
    };
    for (at, (_, evidence)) in state.statements(&subject).into_iter().enumerate() {
        let mut line = vec![span(
            Role::Dim,
            format!("{:<11}", if at == 0 { "evidence" } else { "" }),
        )];
        line.extend(statement_line(evidence, state.digest_of(&subject), out.now, out.glyphs));
        out.lines.push(line);
    }
}

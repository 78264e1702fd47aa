//! What is proposed, the weightiest first: digests in full, verdict, gates and warnings, then what
//! changes in the bytes and in git, then the message and the command.

use jiff::Timestamp;

use crate::app::age;
use crate::app::comparison::ComparisonState;
use crate::app::plan_screen::PlanScreen;
use crate::app::state::CockpitState;
use crate::app::{Action, Keymap};
use crate::domain::board::Assessment;
use crate::domain::evidence::EvidenceState;
use crate::domain::hold::HoldChange;
use crate::domain::id::{Digest, ServiceId};
use crate::domain::loose_copy::{self, LooseCopy};
use crate::domain::plan::{Gate, GateState, Opener, Plan, Verb};
use crate::domain::text::clean_lines;
use crate::domain::verdict::{Outcome, Verdict};
use crate::domain::write::{Proposal, TagRule};
use crate::view::canvas::{Canvas, Line, span};
use crate::view::lines::fold;
use crate::view::screen::{diff, evidence};
use crate::view::theme::Role;
use crate::view::widget::{badge, sign, version};

use super::labelled::PlanLines;

/// What is told below the table of a set: the selected member.
pub(super) fn lines(
    canvas: &Canvas<'_>,
    state: &CockpitState,
    screen: &PlanScreen,
    proposal: &Proposal,
    width: u16,
) -> Vec<Line> {
    let at = screen.member_position();
    told(canvas, state, screen, proposal, (width, &|member| member == at))
}

/// Every member of a set, one after another.
pub(super) fn whole(
    canvas: &Canvas<'_>,
    state: &CockpitState,
    screen: &PlanScreen,
    proposal: &Proposal,
    width: u16,
) -> Vec<Line> {
    told(canvas, state, screen, proposal, (width, &|_| true))
}

fn told(
    canvas: &Canvas<'_>,
    state: &CockpitState,
    screen: &PlanScreen,
    proposal: &Proposal,
    (width, is_told): (u16, &dyn Fn(usize) -> bool),
) -> Vec<Line> {
    let mut out = PlanLines::new(width, canvas.glyphs());
    for target in &proposal.already {
        out.say(
            "already",
            vec![span(Role::Verified, format!("{target} is as asked already"))],
        );
    }
    if proposal.plans.is_empty() {
        out.plain(vec![span(Role::Text, "There is nothing to do.")]);
        return out.lines;
    }
    for (at, plan) in proposal.plans.iter().enumerate() {
        if proposal.plans.len() > 1 {
            // The table above tells all of them in short.
            if !is_told(at) {
                continue;
            }
            let of = format!(
                "{} of {}  {} in {}",
                at + 1,
                proposal.plans.len(),
                plan.service,
                plan.environment
            );
            out.plain(vec![span(Role::Accent, of)]);
        }
        one(
            &mut out,
            canvas,
            state,
            screen,
            (proposal, plan),
            screen.compared.get(at),
        );
    }
    out.blank();
    if let Some(commit) = &proposal.whole_commit {
        let commit: String = commit.chars().take(12).collect();
        out.say(
            "undoes",
            vec![
                span(Role::Text, "this pin alone; "),
                span(Role::Warned, format!("commit {commit} touched more (w: all of it)")),
            ],
        );
    }
    for push in proposal.pushes() {
        let what = match (push.holds, proposal.plans.len()) {
            (Some(holds), _) => holds.to_owned(),
            (None, 1) => "1 commit".to_owned(),
            (None, n) => format!("{n} commits, all or none"),
        };
        let line = vec![span(Role::Text, push.place), span(Role::Dim, format!("  {what}"))];
        out.say(push.how, line);
    }
    if let Some(rule) = proposal.request.tag {
        let words = match rule {
            TagRule::Update => "becomes the new digest's own",
            TagRule::Keep => "stays as it is",
            TagRule::Drop => "goes",
        };
        let key = state.keymap.key_of(Action::TagRule);
        let key = key.map_or_else(String::new, |key| format!("  ({key} changes that)"));
        out.say("tag", vec![span(Role::Warned, words), span(Role::Dim, key)]);
    }
    if let Some(command) = crate::app::equivalent::equivalent(state) {
        out.say("command", vec![span(Role::Dim, command)]);
    }
    out.lines
}

fn one(
    out: &mut PlanLines<'_>,
    canvas: &Canvas<'_>,
    state: &CockpitState,
    screen: &PlanScreen,
    (proposal, plan): (&Proposal, &Plan),
    compared: Option<&ComparisonState>,
) {
    let (theme, glyphs) = (canvas.theme(), out.glyphs);
    // A narrow label: a digest must stand in one line at 80 columns.
    let whole = |label: &str, digest: Digest, role| {
        let mut line = vec![span(Role::Dim, format!("{label:<5}"))];
        line.extend(sign::with_digest(state, &plan.service, digest, role, theme, glyphs));
        line
    };
    if let Some(line) = version::change(state, &plan.service, plan.from, plan.to, glyphs) {
        out.say("version", line);
    }
    match plan.from {
        Some(from) if from != plan.to => out.plain(whole("from", from, Role::Text)),
        None => out.say("from", vec![span(Role::ByTag, "no digest: pinned by tag")]),
        Some(_) => {}
    }
    let label = if plan.from == Some(plan.to) { "of" } else { "to" };
    out.plain(whole(label, plan.to, Role::Title));
    holds(out, state, plan);
    moved(out, screen, plan);
    if let Some(verdict) = &plan.verdict {
        verdict_lines(out, plan, verdict);
    }
    if let Some(seen) = seen_evidence(state, &plan.service, plan.to) {
        evidence_line(out, seen);
    }
    for warning in &plan.warnings {
        out.say("warning", vec![span(Role::Warned, format!("! {}", warning.clean()))]);
    }
    if let Some(words) = loose_copy::summary(&plan.loose_copies) {
        let keys = match (
            screen.request.take_copies,
            plan.loose_copies.iter().any(LooseCopy::can_follow),
        ) {
            (true, _) => " (i: leave them)",
            (false, true) => " (i: take them along)",
            (false, false) => "",
        };
        out.say("loose", vec![span(Role::Warned, words), span(Role::Dim, keys)]);
    }
    gates(out, &state.keymap, &plan.gates);
    alternatives(out, proposal, state.minute());
    changes(out, compared);
    for copy in &plan.copies {
        let tag = copy
            .tag
            .as_deref()
            .map_or_else(String::new, |tag| format!(", then tag {tag}"));
        out.say(
            "copies",
            vec![
                span(
                    Role::Text,
                    format!("{} {} {}", copy.source, out.glyphs.arrow, copy.destination),
                ),
                span(Role::Dim, format!("  with all evidence{tag}")),
            ],
        );
    }
    for edit in &plan.edits {
        let place = format!(":{}", edit.line);
        out.say(
            "file",
            vec![span(Role::Title, edit.file.clone()), span(Role::Dim, place)],
        );
        file_diff(out, &edit.diff);
    }
    open_gates(out, &plan.gates);
    message(out, plan);
    let source: String = plan.policy.source.chars().take(60).collect();
    out.say(
        "policy",
        vec![
            span(Role::Text, plan.policy.name.clone()),
            span(
                Role::Dim,
                format!(
                    " {} from {source}; planned on {}",
                    plan.policy.digest.short(),
                    short(&plan.base_commit)
                ),
            ),
        ],
    );
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// The digest is not the one that the board showed when the key was pressed.
fn moved(out: &mut PlanLines<'_>, screen: &PlanScreen, plan: &Plan) {
    let seen = screen.seen.iter().find(|(service, _)| *service == plan.service);
    if let (Verb::Promote, Some((_, seen))) = (plan.verb, seen)
        && *seen != plan.to
    {
        let text = format!("! git has moved on: the board showed {seen} when you asked");
        out.say("warning", vec![span(Role::Warned, text)]);
    }
}

fn verdict_lines(out: &mut PlanLines<'_>, plan: &Plan, verdict: &Verdict) {
    let (role, sign) = match verdict.result {
        Outcome::Verified => (Role::Verified, out.glyphs.passed),
        Outcome::Warned => (Role::Warned, "!"),
        Outcome::Rejected => (Role::Rejected, out.glyphs.failed),
        Outcome::Unknown => (Role::Unknown, "?"),
    };
    let place = if plan.copies.is_empty() {
        " where it is pulled from"
    } else {
        ", and again where it arrives"
    };
    out.say(
        "verdict",
        vec![
            span(role, format!("{sign} {}", verdict.result.as_str())),
            span(Role::Dim, format!(" by policy {}{place}", verdict.policy)),
        ],
    );
    for cause in &verdict.causes {
        let (sign, role) = badge::cause(cause.cause, out.glyphs);
        let name = format!("{sign} {} {}", cause.check.as_str(), cause.cause.as_str());
        let mut line = vec![
            span(role, name),
            span(Role::Text, format!("  {}", cause.detail.clean())),
        ];
        if let Some(subject) = cause.subject {
            line.push(span(Role::Dim, format!("  (about {subject})")));
        }
        out.say("", line);
    }
}

/// What the board knows of these bytes.
fn seen_evidence<'a>(state: &'a CockpitState, service: &ServiceId, digest: Digest) -> Option<&'a Assessment> {
    let row = state.board.row(service)?;
    let candidate = row.candidate.value().and_then(Option::as_ref);
    let offered = candidate
        .filter(|c| c.digest == digest)
        .and_then(|_| row.assessment.value());
    let pinned = row.cells.iter().filter(|cell| cell.pin.digest == Some(digest));
    offered.or_else(|| pinned.filter_map(|cell| cell.assessment.value()).next())
}

fn evidence_line(out: &mut PlanLines<'_>, seen: &Assessment) {
    let mut line = Line::new();
    let mut kinds = Vec::new();
    for evidence in seen.evidence.iter().filter(|e| e.state == EvidenceState::Verified) {
        if kinds.contains(&evidence.kind) {
            continue;
        }
        kinds.push(evidence.kind);
        let (said, role) = evidence::brief(evidence);
        line.push(span(
            Role::Verified,
            format!("{} {} ", out.glyphs.passed, evidence.kind.as_str()),
        ));
        line.push(span(
            role,
            if said.is_empty() {
                " ".to_owned()
            } else {
                format!("{said}  ")
            },
        ));
    }
    if kinds.is_empty() {
        line.push(span(Role::Warned, "none that verifies "));
    }
    out.say("evidence", line);
}

/// Gates that are not simply open, each with what would open it; of the open ones only how many there are:
/// each is listed further down, once.
fn gates(out: &mut PlanLines<'_>, keymap: &Keymap, gates: &[Gate]) {
    let mut label = "gates";
    let order = [
        (GateState::Closed, Role::Rejected, "REFUSES"),
        (GateState::Waived, Role::Warned, "WAIVED"),
        (GateState::Acknowledged, Role::Warned, "acknowledged"),
    ];
    for (state, role, word) in order {
        let sign = if state == GateState::Closed {
            out.glyphs.failed
        } else {
            "!"
        };
        for gate in gates.iter().filter(|gate| gate.state == state) {
            let mut line = vec![
                span(role, format!("{sign} {} {word}  ", gate.gate.as_str())),
                span(Role::Text, gate.detail.clean().into_string()),
            ];
            let opener = (state == GateState::Closed).then_some(gate.opener.as_ref()).flatten();
            if let Some(opener) = opener {
                line.push(span(Role::Dim, format!("  ({})", opener_words(keymap, opener))));
            }
            if gate.waivable {
                line.push(span(Role::Dim, "  (b: a typed reason can waive it)"));
            }
            out.say(std::mem::take(&mut label), line);
        }
    }
    let open = gates.iter().filter(|gate| gate.state == GateState::Open).count();
    if open > 0 {
        let words = match (open, gates.len()) {
            (open, all) if open == all => format!("{} all {all} open", out.glyphs.passed),
            (open, all) => format!("{} {open} of {all} open", out.glyphs.passed),
        };
        out.say(label, vec![span(Role::Verified, words)]);
    }
}

/// What opens a gate from here.
fn opener_words(keymap: &Keymap, opener: &Opener) -> String {
    match opener {
        Opener::Acknowledge => "a: read it, then acknowledge it".to_owned(),
        Opener::ReleaseWithIt => "h: release this hold in the same commit".to_owned(),
        Opener::ReleaseHold(service, environment) => match keymap.key_of(Action::ReleaseHold) {
            Some(key) => format!("{key} on {service} in {environment} releases it"),
            None => format!("its hold in {environment} must be released first"),
        },
    }
}

/// What a revert also does: the holds that begin and end with it.
fn holds(out: &mut PlanLines<'_>, state: &CockpitState, plan: &Plan) {
    let glyph = out.glyphs.hold;
    let name = |digest| {
        let version = state.version_of(&plan.service, digest);
        version.map_or_else(
            || Digest::short(&digest),
            |version| format!("{} ({})", version.text(), digest.short()),
        )
    };
    if plan.verb != Verb::Revert {
        return;
    }
    for change in &plan.holds {
        match change {
            HoldChange::Begins(_, environment, digest) => {
                let does = format!("{glyph} puts {} on hold in {environment}", name(*digest));
                let means = ": it may not step forward there or later until it is released";
                out.say("also", vec![span(Role::Hold, does), span(Role::Dim, means)]);
            }
            HoldChange::Ends(_, environment, digest) => {
                let does = format!("{glyph} releases the hold on {} in {environment}", name(*digest));
                out.say("also", vec![span(Role::Hold, does)]);
            }
        }
    }
}

/// Why the open gates are open.
fn open_gates(out: &mut PlanLines<'_>, gates: &[Gate]) {
    let mut label = "open";
    for gate in gates.iter().filter(|gate| gate.state == GateState::Open) {
        let line = vec![
            span(
                Role::Verified,
                format!("{} {:<12}", out.glyphs.passed, gate.gate.as_str()),
            ),
            span(Role::Dim, gate.detail.clean().into_string()),
        ];
        out.say(std::mem::take(&mut label), line);
    }
}

fn changes(out: &mut PlanLines<'_>, compared: Option<&ComparisonState>) {
    match compared {
        Some(ComparisonState::Known(diff)) => {
            let mut label = "changes";
            for line in diff::summary(diff, out.glyphs) {
                out.say(std::mem::take(&mut label), line);
            }
        }
        Some(ComparisonState::Failed(failure)) => {
            let text = format!("the two digests could not be compared: {}", failure.what.clean());
            out.say("changes", vec![span(Role::Unreachable, text)]);
        }
        Some(ComparisonState::Running | ComparisonState::NotAsked) => {
            out.say("changes", vec![span(Role::Dim, "comparing the two digests")]);
        }
        Some(ComparisonState::Nothing) | None => {}
    }
}

/// The exact change of a file, with one line around it. Nothing of it is cut: long lines are folded.
fn file_diff(out: &mut PlanLines<'_>, diff: &str) {
    let lines = clean_lines(diff);
    let text = |at: usize| lines.get(at).map_or("", |line| line.as_str());
    let is_head = |at: usize| text(at).starts_with("--- ") || text(at).starts_with("+++ ");
    let is_change = |at: usize| !is_head(at) && text(at).starts_with(['+', '-']);
    for at in 0..lines.len() {
        let beside = is_change(at + 1) || at > 0 && is_change(at - 1);
        let hunk = text(at).starts_with('@');
        if is_head(at) || !(is_change(at) || beside && !hunk) {
            continue;
        }
        let role = match text(at).chars().next() {
            Some('+') => Role::Added,
            Some('-') => Role::Removed,
            _ => Role::Dim,
        };
        let line = vec![span(role, format!("  {}", text(at)))];
        out.lines.extend(fold(line, out.width, 4, usize::MAX, out.glyphs));
    }
}

fn message(out: &mut PlanLines<'_>, plan: &Plan) {
    let mut label = "message";
    let lines = clean_lines(&plan.message);
    let blank_end = lines.iter().rev().take_while(|line| line.as_str().is_empty()).count();
    for (at, line) in lines[..lines.len() - blank_end].iter().enumerate() {
        let role = if at == 0 { Role::Title } else { Role::Dim };
        out.say(std::mem::take(&mut label), vec![span(role, line.as_str())]);
    }
}

/// Nothing is chosen: what could be.
fn alternatives(out: &mut PlanLines<'_>, proposal: &Proposal, now: Timestamp) {
    if proposal.alternatives.is_empty() {
        return;
    }
    out.say(
        "choose",
        vec![span(
            Role::Warned,
            "that digest does not verify today. Earlier ones that do:",
        )],
    );
    for (at, other) in proposal.alternatives.iter().enumerate().take(9) {
        let (role, word) = match other.verdict.result {
            Outcome::Verified => (Role::Verified, format!("{} verified", out.glyphs.passed)),
            Outcome::Warned => (Role::Warned, "! warned".to_owned()),
            Outcome::Rejected => (Role::Rejected, format!("{} rejected", out.glyphs.failed)),
            Outcome::Unknown => (Role::Unknown, "? unknown".to_owned()),
        };
        let tag = other.tag.as_deref().unwrap_or("no tag");
        let pinned = format!(
            "  {tag}, pinned {} in {}",
            age::ago(other.at, now),
            short(&other.commit)
        );
        out.plain(vec![
            span(Role::Key, format!("   {} ", at + 1)),
            span(Role::Title, other.digest.to_string()),
        ]);
        out.say("", vec![span(role, word), span(Role::Dim, pinned)]);
    }
}

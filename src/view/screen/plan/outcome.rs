//! What became of a write. "Promoted" is said only of what git accepted on the release branch.

use crate::app::Action;
use crate::app::cell_status::CellStatus;
use crate::app::state::CockpitState;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::hold::HoldChange;
use crate::domain::id::Digest;
use crate::domain::plan::{GateState, Plan, Verb};
use crate::domain::running::wait::{PinProgress, WaitPhase};
use crate::domain::text::{Untrusted, clean_lines};
use crate::domain::write::{Proposal, Receipt, WriteFailure, WriteState};
use crate::view::canvas::{Canvas, Line, span};
use crate::view::glyphs::Glyphs;
use crate::view::lines::{fold, labelled};
use crate::view::theme::Role;
use crate::view::units::bytes;
use crate::view::widget::{sign, version};

use super::labelled::LABEL;

pub(super) fn done(
    canvas: &Canvas<'_>,
    state: &CockpitState,
    proposal: &Proposal,
    receipt: &Receipt,
    width: u16,
) -> Vec<Line> {
    let glyphs = canvas.glyphs();
    let mut out = vec![Line::new()];
    if receipt.state == WriteState::Already || receipt.state == WriteState::Planned {
        out.push(vec![span(Role::Verified, "already so: there was nothing to do")]);
        return out;
    }
    for (at, plan) in receipt.plans.iter().enumerate() {
        let word = match (receipt.state, plan.verb) {
            (WriteState::Proposed, _) => "proposed, not yet on the release branch",
            (_, Verb::Promote) => "promoted",
            (_, Verb::Revert) => "reverted",
            (_, Verb::Pin) => "pinned",
            (_, Verb::Hold) => "held",
            (_, Verb::ReleaseHold) => "hold released",
        };
        let head = vec![
            span(Role::Verified, format!("{} {word}: ", glyphs.passed)),
            span(Role::Title, format!("{} in {}", plan.service, plan.environment)),
        ];
        out.extend(fold(head, width, 2, 2, glyphs));
        if let Some(line) = version::change(state, &plan.service, plan.from, plan.to, glyphs) {
            out.extend(labelled("version", line, width, LABEL, 2, glyphs));
        }
        let mut say = |label: &str, digest: Digest, role| {
            let mut line = vec![span(Role::Dim, format!("{label:<5}"))];
            line.extend(sign::with_digest(
                state,
                &plan.service,
                digest,
                role,
                canvas.theme(),
                glyphs,
            ));
            out.push(line);
        };
        if let Some(from) = plan.from.filter(|from| *from != plan.to) {
            say("from", from, Role::Dim);
        }
        say("to", plan.to, Role::Text);
        if receipt.state == WriteState::Pushed {
            also(&mut out, state, plan, width, glyphs);
        }
        if receipt.state == WriteState::Pushed {
            cluster(&mut out, state, plan, width, glyphs);
        }
        if let Some(commit) = receipt.commits.get(at) {
            let line = vec![span(Role::Title, commit.clone())];
            out.extend(labelled("commit", line, width, LABEL, 3, glyphs));
        }
        out.push(Line::new());
    }
    let mut say = |label: &str, line: Line| out.extend(labelled(label, line, width, LABEL, 4, glyphs));
    for commit in receipt.commits.iter().skip(receipt.plans.len()) {
        let line = vec![
            span(Role::Title, commit.clone()),
            span(Role::Dim, ", on the branch of pindeck.toml"),
        ];
        say("its hold", line);
    }
    if let Some(pushed) = &receipt.pushed {
        say(
            "pushed",
            vec![span(Role::Text, format!("{pushed} of {}", proposal.destination()))],
        );
    }
    if let Some(url) = &receipt.proposal_url {
        let url = Untrusted::new(url.clone()).clean().into_string();
        let label = if receipt.is_open { "is open" } else { "open" };
        say(label, vec![span(Role::Accent, url)]);
    }
    for note in &receipt.notes {
        say("note", vec![span(Role::Warned, note.clean().into_string())]);
    }
    let copied = receipt.copied;
    if copied.manifests + copied.blobs + copied.evidence > 0 {
        let text = format!(
            "{} manifests, {} blobs ({}), {} pieces of evidence",
            copied.manifests,
            copied.blobs,
            bytes(copied.bytes),
            copied.evidence
        );
        say("copied", vec![span(Role::Text, text)]);
    }
    for what in &receipt.missing_at_destination {
        let what = Untrusted::new(what.clone()).clean().into_string();
        say(
            "missing",
            vec![span(Role::Warned, format!("at the destination: {what}"))],
        );
    }
    words(&mut out, "remote", &receipt.remote_words, width, glyphs);
    out
}

/// How far the cluster is with what was written, or who is in the way.
fn cluster(out: &mut Vec<Line>, state: &CockpitState, plan: &Plan, width: u16, glyphs: &Glyphs) {
    let mut environments = state.board.environments.iter();
    let environment = environments.find(|env| env.name == plan.environment);
    if !environment.is_some_and(|env| env.running.is_known()) || matches!(plan.verb, Verb::Hold | Verb::ReleaseHold) {
        return;
    }
    let cell = plan.key_of_result().and_then(|key| state.board.cell(&key));
    let report = cell.and_then(|cell| cell.running.value());
    let Some(report) = report else {
        let line = vec![span(Role::Dim, "git has it; the cluster has not been asked yet")];
        out.extend(labelled("cluster", line, width, LABEL, 2, glyphs));
        return;
    };
    let progress = PinProgress::of(&report.namespaces, plan.to, report.since);
    let role = match (&progress.obstacle, progress.phase) {
        (_, WaitPhase::Runs) => Role::Verified,
        (Some(_), _) => Role::Rejected,
        (None, _) => Role::Text,
    };
    let mut line = vec![span(role, progress.words())];
    if let Some(obstacle) = &progress.obstacle {
        line.push(span(Role::Text, format!("; {}", obstacle.words.clean())));
    }
    out.extend(labelled("cluster", line, width, LABEL, 4, glyphs));
}

/// What the write also did to holds.
fn also(out: &mut Vec<Line>, state: &CockpitState, plan: &Plan, width: u16, glyphs: &Glyphs) {
    let name = |digest: Digest| {
        let version = state.version_of(&plan.service, digest);
        version.map_or_else(
            || digest.short(),
            |version| format!("{} ({})", version.text(), digest.short()),
        )
    };
    let release = state.keymap.key_of(Action::ReleaseHold);
    let release = release.map_or_else(String::new, |key| format!("; {key} there releases it"));
    let mut say = |text: String| {
        let line = vec![span(Role::Hold, format!("{} {text}", glyphs.hold))];
        out.extend(labelled("also", line, width, LABEL, 3, glyphs));
    };
    if plan.verb != Verb::Revert {
        return;
    }
    for change in &plan.holds {
        say(match change {
            HoldChange::Begins(_, environment, digest) => {
                format!("{} is on hold in {environment} now{release}", name(*digest))
            }
            HoldChange::Ends(_, environment, digest) => {
                format!("the hold on {} in {environment} is released", name(*digest))
            }
        });
    }
}

/// Several-line texts of others, line by line.
fn words(out: &mut Vec<Line>, label: &str, texts: &[Untrusted], width: u16, glyphs: &Glyphs) {
    let mut label = label;
    for text in texts {
        for line in clean_lines(text.raw()) {
            let line = vec![span(Role::Text, line.into_string())];
            out.extend(labelled(std::mem::take(&mut label), line, width, LABEL, 4, glyphs));
        }
    }
}

/// What happened, line by line: of a refusal each closed gate and whose it is.
fn said(failure: &WriteFailure) -> Vec<String> {
    if let WriteFailure::Refused(proposal, _) = failure {
        let closed = proposal.plans.iter().flat_map(|plan| {
            let gates = plan.gates.iter().filter(|gate| gate.state == GateState::Closed);
            gates.map(move |gate| (plan, gate))
        });
        let lines: Vec<String> = closed
            .map(|(plan, gate)| {
                let (service, environment) = (&plan.service, &plan.environment);
                format!(
                    "{service} in {environment}, {}: {}",
                    gate.gate.as_str(),
                    gate.detail.clean()
                )
            })
            .collect();
        if !lines.is_empty() {
            return lines;
        }
    }
    let lines = clean_lines(failure.what().raw());
    lines.into_iter().map(crate::domain::text::Clean::into_string).collect()
}

pub(super) fn failed(failure: &WriteFailure, width: u16, glyphs: &Glyphs) -> Vec<Line> {
    let moved = "conflict: something moved since the plan was shown; nothing was written";
    let (role, what, next) = match failure.kind() {
        FailureKind::Usage => (
            Role::Error,
            "it cannot be asked like this; nothing was written",
            "what stands above says what to change",
        ),
        FailureKind::Refused => (
            Role::Rejected,
            "refused by a gate; nothing was written",
            "each gate that refuses says what would open it: n shows them",
        ),
        FailureKind::Conflict => match failure {
            WriteFailure::Conflict(..) => (Role::Warned, moved, "n shows the new plan; it has to be confirmed anew"),
            _ => (Role::Warned, moved, "n plans again on the newest commit"),
        },
        FailureKind::Unreachable | FailureKind::Denied | FailureKind::NotChecked => (
            Role::Unknown,
            "unknown: something needed could not be reached; nothing was written",
            "n tries again; what cannot be verified is never written",
        ),
        FailureKind::RemoteRefused => (
            Role::Rejected,
            "the remote refused; nothing landed. Its own words:",
            "a protected branch or a hook says no: ask whoever keeps it, or let the environment write to a branch",
        ),
        FailureKind::Interrupted => (
            Role::Warned,
            "stopped before anything was committed",
            "content that was copied meanwhile does no harm and is used by the next try",
        ),
        FailureKind::Absent
        | FailureKind::Corrupt
        | FailureKind::Malformed
        | FailureKind::Unsupported
        | FailureKind::TooLarge
        | FailureKind::Failed => (
            Role::Error,
            "it failed:",
            "what was left half-way, if anything, is said on the board",
        ),
    };
    // What could not be reached never looks like a refusal.
    let sign = match role {
        Role::Unknown => glyphs.status(CellStatus::Unreachable),
        Role::Warned => glyphs.status(CellStatus::Warned),
        _ => glyphs.failed,
    };
    let mut out = vec![Line::new()];
    out.extend(fold(vec![span(role, format!("{sign} {what}"))], width, 2, 3, glyphs));
    if failure.kind() != FailureKind::Interrupted {
        out.push(Line::new());
        for line in said(failure) {
            out.extend(fold(vec![span(Role::Text, format!("  {line}"))], width, 4, 6, glyphs));
        }
    }
    out.push(Line::new());
    if let WriteFailure::Failed(Failure {
        hint: Some(hint), kind, ..
    }) = failure
        && *kind != FailureKind::Interrupted
        && !hint.names_command()
    {
        out.extend(fold(vec![span(Role::Dim, format!("  {hint}"))], width, 2, 3, glyphs));
    }
    out.extend(fold(vec![span(Role::Dim, format!("  {next}"))], width, 2, 3, glyphs));
    out
}

//! Frames of plans, writes and comparisons.

use super::*;
use crate::app::generation::Ticket;
use crate::app::sample::{asked, begun, fail_plan, planned, planned_as, proposal_of, receipt_of, written};
use crate::app::state::CockpitState;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::plan::{Gate, GateName, GateState};
use crate::domain::policy::Confirm;
use crate::domain::verdict::Outcome;
use crate::domain::write::{Copied, Progress, Proposal, WriteFailure, WriteState};

const SIZES: [(u16, u16); 2] = [(140, 40), (80, 24)];
/// From integration to staging.
const STEP: &str = "<right>";
const PRODUCTION: &str = "<right><right><right>";

fn at(size: (u16, u16), keys: &str) -> CockpitState {
    let mut state = sample::state(size.0, size.1);
    press(&mut state, keys);
    state
}

fn shots(name: &str, build: impl Fn((u16, u16)) -> CockpitState) {
    for size in SIZES {
        shot(&format!("{name}-{}x{}", size.0, size.1), &build(size));
    }
}

fn gate(gate: GateName, detail: &str, waivable: bool) -> Gate {
    Gate {
        gate,
        state: GateState::Closed,
        detail: detail.into(),
        opener: None,
        waivable,
    }
}

/// Answers the comparison that runs beside a plan.
fn compare(state: &mut CockpitState, commands: &[Command]) {
    for command in commands {
        if let Command::Diff { ticket, .. } = command {
            let msg = Msg::Compared {
                ticket: ticket.clone(),
                result: Ok(Box::new(sample::digest_diff())),
            };
            update(state, msg, sample::now());
        }
    }
}

fn full(proposal: &mut Proposal) {
    let plan = &mut proposal.plans[0];
    plan.copies = vec![sample::copy("checkout", plan.to)];
    plan.warnings = vec![
        "an image automation marker stands beside this pin: Flux would write it again".into(),
        "this digest was reverted here before, in 8be01c2fd1e0 at 2026-02-20T10:00:00Z: Revert checkout".into(),
    ];
}

#[test]
fn a_plan_that_can_be_confirmed() {
    shots("plan-open", |size| {
        let mut state = at(size, STEP);
        let commands = planned_as(&mut state, "p", full);
        compare(&mut state, &commands);
        state
    });
}

#[test]
fn the_rest_of_a_plan() {
    let mut state = at((80, 24), STEP);
    let commands = planned_as(&mut state, "p", full);
    compare(&mut state, &commands);
    press(&mut state, "<pagedown>");
    shot("plan-open-below-80x24", &state);
    press(&mut state, "G");
    shot("plan-open-end-80x24", &state);
}

#[test]
fn a_plan_before_it_is_known() {
    let mut state = at((80, 24), "p");
    shot("plan-planning-at-once-80x24", &state);
    state.now = sample::now() + jiff::SignedDuration::from_millis(2_400);
    shot("plan-planning-80x24", &state);
}

#[test]
fn a_plan_with_closed_gates() {
    shots("plan-closed", |size| {
        let mut state = at(size, STEP);
        planned_as(&mut state, "p", |p| {
            let plan = &mut p.plans[0];
            plan.gates.retain(|gate| gate.gate != GateName::Freeze);
            plan.gates
                .push(gate(GateName::Freeze, "frozen until Mon 08:00 (Europe/Berlin)", true));
            plan.gates[1] = gate(
                GateName::Hold,
                "held since it was reverted in production: double bookings; `pindeck hold release checkout --env production` lifts it",
                false,
            );
        });
        press(&mut state, "y");
        state
    });
}

#[test]
fn a_warned_plan() {
    shots("plan-warned", |size| {
        let mut state = at(size, STEP);
        planned_as(&mut state, "p", |p| {
            let plan = &mut p.plans[0];
            if let Some(verdict) = &mut plan.verdict {
                verdict.result = Outcome::Warned;
            }
            let detail = "a test result WARNED; read it, then acknowledge it (--acknowledge-warned)";
            plan.gates.insert(1, gate(GateName::Acknowledge, detail, false));
        });
        state
    });
}

#[test]
fn glass_being_broken() {
    let mut state = at((80, 24), STEP);
    planned_as(&mut state, "p", |p| {
        p.plans[0]
            .gates
            .push(gate(GateName::Soak, "opens at 2026-03-03T09:00:00Z", true));
    });
    press(&mut state, "bcustomers<space>cannot<space>pay");
    shot("plan-break-glass-80x24", &state);
    let (ticket, request) = asked(&press(&mut state, "<enter>"));
    let mut proposal = proposal_of(request);
    proposal.plans[0].gates[3].state = GateState::Waived;
    sample::answer_plan(&mut state, &ticket, proposal);
    shot("plan-waived-80x24", &state);
}

#[test]
fn a_name_to_type() {
    shots("plan-name", |size| {
        let mut state = at(size, STEP);
        planned_as(&mut state, "p", |p| p.plans[0].confirm = Confirm::TypeName);
        press(&mut state, "ystag");
        state
    });
    let mut state = at((80, 24), STEP);
    planned_as(&mut state, "p", |p| p.plans[0].confirm = Confirm::TypeName);
    shot("plan-name-before-80x24", &state);
}

#[test]
fn what_a_pin_can_go_back_to() {
    for (width, height) in [(60, 15), (80, 24), (140, 40), (200, 60)] {
        let mut state = at((width, height), PRODUCTION);
        let commands = sample::listed(&mut state, "r");
        compare(&mut state, &commands);
        shot(&format!("revert-{width}x{height}"), &state);
    }
    let mut state = at((80, 24), PRODUCTION);
    sample::listed(&mut state, "r");
    press(&mut state, "k<enter>");
    shot("revert-held-80x24", &state);
    let mut state = at((80, 24), PRODUCTION);
    let (ticket, _) = sample::listing(&press(&mut state, "r"));
    sample::answer_list(&mut state, &ticket, Vec::new());
    shot("revert-nothing-80x24", &state);
}

#[test]
fn a_revert_and_its_alternatives() {
    shots("plan-revert", |size| {
        let mut state = at(size, PRODUCTION);
        sample::planned_revert_as(&mut state, "r", |p| {
            p.whole_commit = Some("8be01c2fd1e0b6a5".to_owned())
        });
        state
    });
    shots("plan-alternatives", |size| {
        let mut state = at(size, PRODUCTION);
        sample::planned_revert_as(&mut state, "r", |p| {
            let plan = &mut p.plans[0];
            if let Some(verdict) = &mut plan.verdict {
                verdict.result = Outcome::Rejected;
            }
            plan.gates[0] = gate(GateName::Presence, "absent: MANIFEST_UNKNOWN", false);
            plan.gates[1] = gate(
                GateName::Verdict,
                "rejected under policy release: digest absent (MANIFEST_UNKNOWN)",
                false,
            );
            p.alternatives = sample::alternatives();
        });
        state
    });
}

#[test]
fn a_set_all_or_nothing() {
    shots("plan-set", |size| {
        let mut state = at(size, "<space><space>k");
        planned(&mut state, "p");
        state
    });
    shot("board-marked-80x24", &at((80, 24), "<space>j<space>"));
}

#[test]
fn git_moved_between_key_and_plan() {
    let mut state = at((80, 24), "");
    planned_as(&mut state, "p", |p| p.plans[0].to = sample::digest("another"));
    shot("plan-moved-80x24", &state);
}

#[test]
fn nothing_to_do() {
    let mut state = at((80, 24), "");
    planned_as(&mut state, "p", |p| {
        p.plans.clear();
        p.already = vec![crate::domain::id::Target::new("checkout", "integration")];
    });
    shot("plan-already-80x24", &state);
}

fn flying(size: (u16, u16)) -> (CockpitState, Ticket, Proposal) {
    let mut state = at(size, STEP);
    planned_as(&mut state, "p", full);
    let (ticket, proposal) = begun(&press(&mut state, "y"));
    (state, ticket, proposal)
}

fn step(state: &mut CockpitState, ticket: &Ticket, progress: Progress, ms: i64) {
    let msg = Msg::Progress {
        ticket: ticket.clone(),
        progress,
    };
    update(state, msg, sample::now() + jiff::SignedDuration::from_millis(ms));
}

fn copying(bytes: u64) -> Progress {
    Progress::Copying {
        service: "checkout".into(),
        items: 3,
        of_items: 24,
        bytes,
        of_bytes: 40 << 20,
    }
}

#[test]
fn a_copy_under_way() {
    shots("write-copying", |size| {
        let (mut state, ticket, _) = flying(size);
        step(&mut state, &ticket, copying(0), 0);
        step(&mut state, &ticket, copying(10 << 20), 4_000);
        state
    });
}

#[test]
fn the_other_steps_of_a_write() {
    for (name, progress) in [
        ("verifying", Progress::Verifying("checkout".into())),
        ("committing", Progress::Committing),
        ("pushing", Progress::Pushing),
        ("replanning", Progress::Replanning { attempt: 2 }),
    ] {
        let (mut state, ticket, _) = flying((80, 24));
        step(&mut state, &ticket, progress, 5_000);
        shot(&format!("write-{name}-80x24"), &state);
    }
    let (mut state, _, _) = flying((80, 24));
    press(&mut state, "<esc>");
    shot("write-stopping-80x24", &state);
    let (mut state, _, _) = flying((80, 24));
    press(&mut state, "q");
    shot("write-leave-80x24", &state);
}

#[test]
fn no_word_of_success_before_git_accepted_it() {
    let done = ["promoted", "reverted", "pinned:"];
    let (mut state, ticket, proposal) = flying((140, 40));
    for progress in [copying(1), Progress::Committing, Progress::Pushing] {
        step(&mut state, &ticket, progress, 1_000);
        let frame = text(&buffer(&state, &UNICODE, ColourDepth::Mono));
        assert!(!done.iter().any(|word| frame.contains(&format!("{word}: "))), "{frame}");
    }
    let mut receipt = receipt_of(&proposal);
    receipt.state = WriteState::Proposed;
    written(&mut state, &ticket, Ok(receipt));
    let frame = text(&buffer(&state, &UNICODE, ColourDepth::Mono));
    assert!(frame.contains("proposed") && !frame.contains("promoted"), "{frame}");
}

#[test]
fn what_git_accepted() {
    shots("result-pushed", |size| {
        let (mut state, ticket, proposal) = flying(size);
        let mut receipt = receipt_of(&proposal);
        receipt.copied = Copied {
            manifests: 5,
            blobs: 19,
            bytes: 41 << 20,
            evidence: 4,
        };
        receipt.missing_at_destination = vec!["sbom of linux/arm64".to_owned()];
        receipt.remote_words = vec!["remote: deployed to staging\nremote: bye".into()];
        written(&mut state, &ticket, Ok(receipt));
        state
    });
    shots("result-proposed", |size| {
        let (mut state, ticket, proposal) = flying(size);
        let mut receipt = receipt_of(&proposal);
        receipt.state = WriteState::Proposed;
        receipt.pushed = Some("refs/heads/pindeck/promote-checkout-staging".to_owned());
        receipt.proposal_url = Some("https://forge.example.com/shop/gitops/pulls/new?head=pindeck".to_owned());
        written(&mut state, &ticket, Ok(receipt));
        state
    });
}

#[test]
fn every_kind_of_failure() {
    let words = "remote: refused by policy\nremote: ask the release team";
    for (name, failure) in [
        (
            "usage",
            WriteFailure::from(Failure::usage("nothing else was ever pinned for checkout")),
        ),
        (
            "conflict",
            WriteFailure::from(Failure::conflict("checkout in staging pins another digest now")),
        ),
        (
            "unknown",
            WriteFailure::from(Failure::unreachable("registry.example.com: timed out after 10 s")),
        ),
        (
            "remote-refused",
            WriteFailure::from(Failure::new(FailureKind::RemoteRefused, words)),
        ),
        ("cancelled", WriteFailure::from(Failure::interrupted())),
        (
            "failed",
            WriteFailure::from(Failure::failed("git commit-tree: disk full")),
        ),
    ] {
        let (mut state, ticket, _) = flying((80, 24));
        written(&mut state, &ticket, Err(failure));
        shot(&format!("result-{name}-80x24"), &state);
    }
    let (mut state, ticket, proposal) = flying((80, 24));
    let conflict = WriteFailure::Conflict(Box::new(proposal), "the branch moved".into());
    written(&mut state, &ticket, Err(conflict));
    shot("result-conflict-with-plan-80x24", &state);
    let (ticket, _) = {
        let mut state = at((80, 24), "");
        asked(&press(&mut state, "p"))
    };
    let mut state = at((80, 24), "p");
    fail_plan(
        &mut state,
        &ticket,
        WriteFailure::from(Failure::unreachable("git fetch: could not resolve host")),
    );
    shot("plan-unknown-80x24", &state);
}

#[test]
fn two_digests_compared() {
    shots("diff", |size| {
        let mut state = at(size, PRODUCTION);
        let commands = press(&mut state, "d");
        compare(&mut state, &commands);
        state
    });
    let mut state = at((80, 24), &format!("{PRODUCTION}d"));
    shot("diff-at-once-80x24", &state);
    state.now = sample::now() + jiff::SignedDuration::from_secs(3);
    shot("diff-reading-80x24", &state);
}

#[test]
fn packages_that_were_not_compared_are_not_called_the_same() {
    let mut state = at((80, 24), PRODUCTION);
    let commands = press(&mut state, "d");
    let [Command::Diff { ticket, .. }] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    let mut diff = sample::digest_diff();
    diff.packages = Default::default();
    diff.config.clear();
    diff.layers = Default::default();
    diff.platforms.compared = None;
    diff.provenance = Default::default();
    diff.tests = Default::default();
    diff.missing = vec!["sbom of b".to_owned(), "provenance of a".to_owned()];
    let msg = Msg::Compared {
        ticket: ticket.clone(),
        result: Ok(Box::new(diff)),
    };
    update(&mut state, msg, sample::now());
    let frame = text(&buffer(&state, &UNICODE, ColourDepth::Mono));
    for words in [
        "packages not compared",
        "layers not compared",
        "configuration not compared",
        "no verified",
    ] {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    assert!(!frame.contains("the same"), "{frame}");
}

#[test]
fn plans_and_comparisons_in_ascii() {
    let mut state = at((80, 24), STEP);
    let commands = planned_as(&mut state, "p", full);
    compare(&mut state, &commands);
    shot_ascii("ascii-plan-80x24", &state);
    press(&mut state, "d");
    shot_ascii("ascii-diff-80x24", &state);
    let (mut state, ticket, _) = flying((80, 24));
    step(&mut state, &ticket, copying(10 << 20), 0);
    shot_ascii("ascii-copying-80x24", &state);
}

#[test]
fn the_choice_of_an_environment() {
    let mut state = sample::state(80, 24);
    state.board.environments[2].after = vec!["dev".into()];
    press(&mut state, "pj");
    shot("choose-80x24", &state);
}

#[test]
fn read_only_environments_stand_in_the_header() {
    let mut state = sample::state(120, 24);
    state.board.environments[3].read_only = true;
    shot("read-only-environment-120x24", &state);
}

#[path = "release_safety_tests.rs"]
mod safety;

#[path = "pushes_tests.rs"]
mod pushes;

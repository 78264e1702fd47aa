//! What must be true on every frame of a plan, whatever it says.

use super::*;
use crate::domain::failure::{Failure, FailureKind};

/// The swatch must not be made of the shown digits: two digests that differ only beyond them differ
/// on the plan.
#[test]
fn digests_stand_in_full_on_a_plan() {
    for size in [(140, 40), (80, 24)] {
        let mut state = at(size, STEP);
        planned(&mut state, "p");
        let frame = text(&buffer(&state, &UNICODE, ColourDepth::True));
        for digest in [sample::digest("c2"), sample::digest("c3")] {
            assert!(frame.contains(&digest.to_string()), "{frame}");
        }
    }
}

#[test]
fn every_size_draws_every_stage() {
    let build: Vec<CockpitState> = vec![
        {
            let mut state = at((140, 40), STEP);
            planned_as(&mut state, "p", full);
            state
        },
        {
            let mut state = at((140, 40), STEP);
            planned_as(&mut state, "p", |p| p.plans[0].confirm = Confirm::TypeName);
            press(&mut state, "ystag");
            state
        },
        flying((140, 40)).0,
        {
            let (mut state, _, _) = flying((140, 40));
            press(&mut state, "q");
            state
        },
        {
            let (mut state, ticket, proposal) = flying((140, 40));
            written(&mut state, &ticket, Ok(receipt_of(&proposal)));
            state
        },
        at((140, 40), "d"),
    ];
    for mut state in build {
        for width in (0..150).step_by(7) {
            for height in (0..45).step_by(3) {
                state.size = (width, height);
                let _ = buffer(&state, &UNICODE, ColourDepth::True);
            }
        }
    }
}

#[test]
fn hostile_text_on_plans_results_and_comparisons() {
    for evil in HOSTILE {
        let spoil = |proposal: &mut Proposal| {
            let plan = &mut proposal.plans[0];
            plan.warnings = vec![(*evil).into()];
            plan.message = format!("{evil}\n\n{evil}");
            plan.edits[0].diff = format!("-{evil}\n+{evil}\n");
            plan.edits[0].file = (*evil).to_owned();
            plan.gates.push(gate(GateName::Freeze, evil, true));
            plan.policy.source = (*evil).to_owned();
            proposal.command = format!("pindeck {evil}");
            proposal.remote = (*evil).to_owned();
            proposal.branch = (*evil).to_owned();
            proposal.alternatives = sample::alternatives();
            proposal.alternatives[0].tag = Some((*evil).to_owned());
        };
        let mut states = Vec::new();
        let mut state = at((140, 40), STEP);
        let commands = planned_as(&mut state, "p", spoil);
        let mut diff = sample::digest_diff();
        diff.config[0].field = (*evil).to_owned();
        diff.config[0].b = Some((*evil).into());
        diff.packages.changed[0].purl = (*evil).into();
        diff.packages.added[0].version = (*evil).into();
        diff.provenance.commits = Some((*evil).into());
        diff.platforms.added = vec![(*evil).to_owned()];
        diff.missing = vec![(*evil).to_owned()];
        if let Some(tests) = &mut diff.tests.b {
            tests.result = (*evil).to_owned();
        }
        let [Command::Diff { ticket, .. }] = commands.as_slice() else {
            panic!("{commands:?}");
        };
        let answer = |ticket: &Ticket| Msg::Compared {
            ticket: ticket.clone(),
            result: Ok(Box::new(diff.clone())),
        };
        update(&mut state, answer(ticket), sample::now());
        states.push(state.clone());
        let commands = press(&mut state, "d");
        let [Command::Diff { ticket, .. }] = commands.as_slice() else {
            panic!("{commands:?}");
        };
        update(&mut state, answer(ticket), sample::now());
        states.push(state);
        let (mut state, ticket, proposal) = flying((140, 40));
        let mut receipt = receipt_of(&proposal);
        receipt.remote_words = vec![(*evil).into()];
        receipt.missing_at_destination = vec![(*evil).to_owned()];
        receipt.proposal_url = Some((*evil).to_owned());
        receipt.pushed = Some((*evil).to_owned());
        written(&mut state, &ticket, Ok(receipt));
        states.push(state);
        let (mut state, ticket, _) = flying((140, 40));
        written(
            &mut state,
            &ticket,
            Err(WriteFailure::from(Failure::new(FailureKind::RemoteRefused, *evil))),
        );
        states.push(state);
        for mut state in states {
            for size in SIZES {
                state.size = size;
                for glyphs in [&UNICODE, &ASCII] {
                    for cell in buffer(&state, glyphs, ColourDepth::True).content() {
                        let fine = |c: char| crate::domain::text::is_plain(c) && (!glyphs.ascii || c.is_ascii());
                        assert!(cell.symbol().chars().all(fine), "{:?} for {evil:?}", cell.symbol());
                    }
                }
            }
        }
    }
}

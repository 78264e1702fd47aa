//! What the sample's checkout could go back to, as an engine would list it.

use crate::app::command::Command;
use crate::app::generation::Ticket;
use crate::app::msg::Msg;
use crate::app::state::CockpitState;
use crate::app::update::update;
use crate::domain::board::Hold;
use crate::domain::id::Target;
use crate::domain::known_good::EarlierDigest;
use crate::domain::pin::PinnedBy;
use crate::domain::verdict::{Outcome, Verdict};
use crate::domain::write::Proposal;

use super::pieces::*;
use super::release::{answer_plan, asked, proposal_of};

fn by(name: &str, days: i64, subject: &str) -> PinnedBy {
    PinnedBy {
        commit: digest(name).hex()[..40].to_owned(),
        author: "Grace".into(),
        at: before(days * 86_400),
        subject: subject.into(),
    }
}

fn hold(environment: &str, name: &str) -> Hold {
    Hold {
        service: "checkout".into(),
        environment: environment.into(),
        digest: digest(name),
        reason: "double bookings".into(),
        since: Some(before(3 * 86_400)),
        by: Some("Grace".into()),
    }
}

/// Taken out by a revert, on hold here, good, on hold in an earlier environment, older.
pub(crate) fn earlier() -> Vec<EarlierDigest> {
    let one = |name: &str, tag: &str, days: i64| EarlierDigest {
        digest: digest(name),
        tag: Some(tag.to_owned()),
        pinned: Some(by(&format!("in {name}"), days, "Promote checkout to production")),
        replaced: by(&format!("out {name}"), days - 1, "Promote checkout to production"),
        ended_by_revert: false,
        hold: None,
    };
    vec![
        EarlierDigest {
            ended_by_revert: true,
            ..one("c1", "1.4.1", 8)
        },
        EarlierDigest {
            hold: Some(hold("production", "ch")),
            ended_by_revert: true,
            ..one("ch", "1.4.0", 12)
        },
        one("c0", "1.3.2", 20),
        EarlierDigest {
            hold: Some(hold("staging", "cs")),
            ..one("cs", "1.3.1", 30)
        },
        one("c00", "1.3.0", 40),
    ]
}

/// The ticket and target of the list that was just asked for.
pub(crate) fn listing(commands: &[Command]) -> (Ticket, Target) {
    let found = commands.iter().find_map(|command| match command {
        Command::EarlierDigests { ticket, target, .. } => Some((ticket.clone(), target.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no list was asked for: {commands:?}"))
}

/// Answers the list, and judges all of it.
pub(crate) fn answer_list(state: &mut CockpitState, ticket: &Ticket, earlier: Vec<EarlierDigest>) -> Vec<Command> {
    let digests: Vec<_> = earlier.iter().map(|one| one.digest).collect();
    let msg = Msg::EarlierDigests {
        ticket: ticket.clone(),
        digests: earlier,
    };
    let commands = update(state, msg, now());
    for (at, digest) in digests.into_iter().enumerate() {
        let verdict = Verdict {
            result: if at == 4 { Outcome::Rejected } else { Outcome::Verified },
            policy: "release".to_owned(),
            policy_digest: self::digest("policy"),
            at: now(),
            causes: Vec::new(),
        };
        let msg = Msg::EarlierJudged {
            ticket: ticket.clone(),
            digest,
            verdict,
        };
        assert_eq!(update(state, msg, now()), []);
    }
    let msg = Msg::EarlierEnded {
        ticket: ticket.clone(),
        result: Ok(()),
    };
    assert_eq!(update(state, msg, now()), []);
    commands
}

/// Presses keys that open the list of earlier digests, and answers it.
pub(crate) fn listed(state: &mut CockpitState, keys: &str) -> Vec<Command> {
    let (ticket, _) = listing(&super::press(state, keys));
    answer_list(state, &ticket, earlier())
}

/// Chooses the last known good and answers the plan.
pub(crate) fn planned_revert_as(
    state: &mut CockpitState,
    keys: &str,
    change: impl FnOnce(&mut Proposal),
) -> Vec<Command> {
    listed(state, keys);
    let (ticket, request) = asked(&super::press(state, "<enter>"));
    let mut proposal = proposal_of(request);
    change(&mut proposal);
    answer_plan(state, &ticket, proposal)
}

//! Drives a cockpit over the sample.

use crate::app::command::Command;
use crate::app::generation::{QueryKind, Ticket};
use crate::app::key::KeyPress;
use crate::app::keymap::Keymap;
use crate::app::msg::Msg;
use crate::app::state::{CockpitState, Setup};
use crate::app::update::update;
use crate::domain::board::Update;
use crate::domain::drift_rules;
use crate::domain::history::{Action, Entry};
use crate::domain::id::{Digest, EnvId};
use crate::domain::pin_set::BranchPart;
use crate::domain::registry::Budget;

use super::pieces::*;
use super::world::*;

/// A cockpit of that size which has just been started; the first pass has been asked for.
pub(crate) fn started(width: u16, height: u16) -> (CockpitState, Ticket) {
    let mut state = CockpitState::new(Setup::default(), Keymap::default(), (width, height), now());
    let commands = update(&mut state, Msg::Start, now());
    match commands.as_slice() {
        [Command::Refresh(ticket, _)] => (state, ticket.clone()),
        other => panic!("expected a refresh, got {other:?}"),
    }
}

/// Sends updates of one pass.
pub(crate) fn feed(state: &mut CockpitState, ticket: &Ticket, updates: impl IntoIterator<Item = Update>) {
    for found in updates {
        let msg = Msg::Update {
            ticket: ticket.clone(),
            update: Box::new(found),
        };
        assert_eq!(update(state, msg, now()), []);
    }
}

/// Ends a pass as the engine does: drift, budget, end.
pub(crate) fn finish(state: &mut CockpitState, ticket: &Ticket) {
    let found = drift_rules::detect(state.live_board(), before(300));
    let budget = Budget {
        requests: 41,
        head: 28,
        get: 13,
        from_cache: 120,
        rate_limited: 0,
    };
    feed(
        state,
        ticket,
        [Update::Drift(found), Update::Budget(budget), Update::Finished(now())],
    );
    let msg = Msg::RefreshEnded {
        ticket: ticket.clone(),
        result: Ok(()),
    };
    assert_eq!(update(state, msg, now()), []);
}

/// A cockpit whose first pass has ended.
pub(crate) fn state(width: u16, height: u16) -> CockpitState {
    let (mut state, ticket) = started(width, height);
    // The second time the questions of the first are under way.
    feed(&mut state, &ticket, [opened(), opened()]);
    feed(&mut state, &ticket, findings());
    finish(&mut state, &ticket);
    state
}

/// Presses keys: `jj<enter>:quit<enter>`.
pub(crate) fn press(state: &mut CockpitState, keys: &str) -> Vec<Command> {
    let mut rest = keys;
    let mut commands = Vec::new();
    while let Some(first) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
        let (key, after) = match named {
            Some((name, after)) => (name.parse().expect("a key"), after),
            None => (KeyPress::char(first), &rest[first.len_utf8()..]),
        };
        rest = after;
        commands.extend(update(state, Msg::Key(key), now()));
    }
    commands
}

/// A history with a promotion, a revert, a break-glass and a change by hand.
pub(crate) fn history() -> Vec<Entry> {
    let entry = |n: u8, action, from: Option<&str>, to: Option<&str>, subject: &str| Entry {
        commit: Digest::of(&[n]).hex()[..40].to_owned(),
        author: "Ada".into(),
        at: before(i64::from(n) * 90_000),
        subject: subject.into(),
        action,
        reverts: (action == Action::Revert).then(|| Digest::of(&[n + 1]).hex()[..40].to_owned()),
        from: from.map(digest),
        to: to.map(digest),
        tag: Some("1.4.0".to_owned()),
        component: None,
        break_glass: (n == 4).then(|| "customer outage, soak waived".into()),
        landed: Digest::of(&[n]).hex()[..40].to_owned(),
        part: BranchPart::Branch,
    };
    vec![
        entry(
            1,
            Action::Promote,
            Some("c1"),
            Some("c2"),
            "Promote checkout to production",
        ),
        entry(
            2,
            Action::Revert,
            Some("c2"),
            Some("c1"),
            "Revert checkout in production",
        ),
        entry(
            3,
            Action::Promote,
            Some("c1"),
            Some("c2"),
            "Promote checkout to production",
        ),
        entry(
            4,
            Action::Promote,
            Some("c0"),
            Some("c1"),
            "Promote checkout to production",
        ),
        entry(5, Action::Other, None, Some("c0"), "checkout: pin by digest"),
        entry(6, Action::Other, None, None, "checkout: add production"),
    ]
}

/// Answers the history that was asked for last.
pub(crate) fn answer_history(state: &mut CockpitState, ticket: &Ticket) {
    assert_eq!(ticket.slot, QueryKind::History);
    for msg in [
        Msg::History {
            ticket: ticket.clone(),
            entries: history(),
        },
        Msg::HistoryEnded {
            ticket: ticket.clone(),
            result: Ok(()),
        },
    ] {
        assert_eq!(update(state, msg, now()), []);
    }
}

/// Names an environment.
pub(crate) fn env(name: &str) -> EnvId {
    name.into()
}

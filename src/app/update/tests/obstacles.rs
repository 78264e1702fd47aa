//! What will refuse a step is said before there is a plan.

use jiff::civil::{Time, Weekday};

use super::*;
use crate::domain::board::{Board, Hold, Timing};
use crate::domain::foreseen::obstacle;
use crate::domain::id::{Digest, Target};
use crate::domain::plan::GateName;
use crate::domain::policy::Freeze;
use std::collections::BTreeMap;

fn why(board: &Board, service: &str, environment: &str, digest: Digest) -> Option<(GateName, String)> {
    let target = Target::new(service, environment);
    let found = obstacle(board, &target, digest, sample::now())?;
    Some((found.gate, found.why.clean().into_string()))
}

#[test]
fn an_open_way_has_no_obstacle() {
    let digest = sample::digest("c2b");
    assert_eq!(why(&board().board, "checkout", "staging", digest), None);
}

#[test]
fn a_hold_there_or_earlier_closes_it() {
    let mut board = board().board;
    let digest = sample::digest("c2b");
    let hold = |environment: &str| Hold {
        service: "checkout".into(),
        environment: environment.into(),
        digest,
        reason: "double bookings".into(),
        since: None,
        by: None,
    };
    for (environment, closed) in [("dev", true), ("staging", true), ("production", false)] {
        board.rules.holds = Ok(vec![hold(environment)]);
        let found = why(&board, "checkout", "staging", digest);
        let expected = closed.then(|| (GateName::Hold, format!("on hold in {environment}: \"double bookings\"")));
        assert_eq!(found, expected);
    }
    board.rules.holds = Err("line 3: unknown key".into());
    assert_eq!(
        why(&board, "checkout", "staging", digest),
        Some((GateName::Hold, "line 3: unknown key".to_owned()))
    );
}

#[test]
fn every_environment_before_must_pin_it() {
    let mut board = board().board;
    let digest = sample::digest("c2b");
    board.environments[2].after = vec!["dev".into(), "integration".into()];
    assert_eq!(
        why(&board, "checkout", "staging", digest),
        Some((GateName::After, "not pinned in dev now".to_owned()))
    );
}

#[test]
fn soak_and_freeze_are_told() {
    let mut board = board().board;
    let digest = sample::digest("c2b");
    let timing = |soak, freeze| BTreeMap::from([("staging".into(), Timing { soak, freeze })]);
    board.rules.timing = timing(Some(7 * 86_400), Vec::new());
    assert_eq!(
        why(&board, "checkout", "staging", digest),
        Some((GateName::Soak, "soaks for 24 h more".to_owned()))
    );
    let always = Freeze {
        from: (Weekday::Monday, Time::midnight()),
        to: (Weekday::Tuesday, Time::midnight()),
        zone: "UTC".to_owned(),
    };
    // The sample's now is a Monday.
    board.rules.timing = timing(None, vec![always]);
    let found = why(&board, "checkout", "staging", digest).expect("frozen");
    assert!(
        found.0 == GateName::Freeze && found.1.contains("frozen until Tuesday"),
        "{found:?}"
    );
}

#[test]
fn a_hold_is_released_only_where_there_is_one() {
    let mut state = board();
    assert_eq!(press(&mut state, "H"), []);
    assert!(
        notice(&state).contains("nothing of checkout is on hold here"),
        "{}",
        notice(&state)
    );
}

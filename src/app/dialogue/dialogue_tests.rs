//! Lines over the sample: what they ask for, and that none but a confirmation writes.

use super::*;
use crate::app::sample::{self, answer_plan, asked, begun, fail_plan, now, proposal_of};
use crate::domain::failure::Failure;
use crate::domain::policy::Confirm;
use crate::domain::write::{Ask, Proposal, Source};

fn board() -> CockpitState {
    let mut state = sample::state(80, 24);
    state.settle();
    state
}

fn say(state: &mut CockpitState, line: &str) -> Vec<Command> {
    let dialogue = Dialogue {
        listed: state.matching().iter().map(|row| row.name.clone()).collect(),
    };
    answer(&dialogue, state, line, now()).0
}

fn told(state: &mut CockpitState, line: &str) -> Told {
    answer(&Dialogue::default(), state, line, now()).1
}

fn notice(state: &CockpitState) -> &str {
    state.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

/// A plan for the sample's checkout, told.
fn planned(state: &mut CockpitState, line: &str, change: impl FnOnce(&mut Proposal)) {
    let (ticket, request) = asked(&say(state, line));
    let mut proposal = proposal_of(request);
    change(&mut proposal);
    answer_plan(state, &ticket, proposal);
    // Nothing was compared: the sample's answers come at once.
    if let Some(Screen::Plan(plan)) = state.screens.last_mut() {
        plan.compared.clear();
    }
}

#[test]
fn a_promotion_names_services_and_where_they_go() {
    let mut state = board();
    let (_, request) = asked(&say(&mut state, "promote checkout to staging"));
    let Ask::Promote { services, to, from } = request.ask else {
        panic!("no promotion")
    };
    assert_eq!((services.len(), to.as_str()), (1, "staging"));
    assert_eq!(from, Some(Source::Environment("integration".into())));
    let mut state = board();
    let (_, request) = asked(&say(&mut state, "promote search catalog staging"));
    assert!(matches!(request.ask, Ask::Promote { services, .. } if services.len() == 2));
    let mut state = board();
    assert_eq!(say(&mut state, "promote checkout to mars"), []);
    assert!(notice(&state).contains("no environment mars"), "{}", notice(&state));
    assert_eq!(say(&mut state, "promote chekout to staging"), []);
    assert!(notice(&state).contains("did you mean checkout"), "{}", notice(&state));
}

#[test]
fn y_or_yes_confirms_where_no_name_is_asked_for() {
    for word in ["y", "yes"] {
        let mut state = board();
        planned(&mut state, "promote checkout to staging", |_| {});
        assert_eq!(question(&state), LineQuestion::Confirm);
        begun(&say(&mut state, word));
    }
}

#[test]
fn a_name_confirms_where_it_is_asked_for_and_a_yes_does_not() {
    let by_name = |proposal: &mut Proposal| proposal.plans[0].confirm = Confirm::TypeName;
    let mut state = board();
    planned(&mut state, "promote checkout to staging", by_name);
    assert_eq!(say(&mut state, "yes"), []);
    assert!(notice(&state).contains("type staging"), "{}", notice(&state));
    begun(&say(&mut state, "staging"));
    let mut state = board();
    planned(&mut state, "promote checkout to staging", by_name);
    begun(&say(&mut state, "staging"));
    let mut state = board();
    planned(&mut state, "promote checkout to staging", by_name);
    say(&mut state, "yes");
    say(&mut state, "stagin");
    assert!(state.screens.is_empty() && state.writing.is_none());
}

#[test]
fn whatever_else_is_said_to_a_plan_cancels_it() {
    for line in [
        "",
        "no",
        "production",
        "Y",
        "YES",
        "y please",
        "p",
        "list",
        "quit",
        "staging",
    ] {
        let mut state = board();
        planned(&mut state, "promote checkout to staging", |_| {});
        let commands = say(&mut state, line);
        assert!(!commands.iter().any(|c| matches!(c, Command::Execute { .. })), "{line}");
        assert!(state.screens.is_empty(), "{line}");
        assert!(
            notice(&state).contains("nothing was written"),
            "{line}: {}",
            notice(&state)
        );
    }
}

#[test]
fn a_reason_stands_on_the_same_line_or_on_the_next() {
    let mut state = board();
    planned(&mut state, "promote checkout to staging", |_| {});
    let (_, request) = asked(&say(&mut state, "m customer outage"));
    assert_eq!(request.reason.as_deref(), Some("customer outage"));
    let mut state = board();
    planned(&mut state, "promote checkout to staging", |_| {});
    assert_eq!(say(&mut state, "reason"), []);
    assert_eq!(question(&state), LineQuestion::Typed);
    let (_, request) = asked(&say(&mut state, "yes"));
    assert_eq!(request.reason.as_deref(), Some("yes"));
}

#[test]
fn while_something_is_read_a_line_is_not_taken() {
    let mut state = board();
    let (ticket, _) = asked(&say(&mut state, "promote checkout to staging"));
    assert_eq!(question(&state), LineQuestion::AtWork);
    assert_eq!(say(&mut state, "yes"), []);
    fail_plan(&mut state, &ticket, Failure::unreachable("no route").into());
    assert_eq!(question(&state), LineQuestion::Failed);
    say(&mut state, "");
    assert!(state.screens.is_empty());
}

#[test]
fn services_are_named_by_name_number_or_beginning() {
    let mut state = board();
    say(&mut state, "show search production");
    let cursor = state.cursor.clone().expect("a cursor");
    assert_eq!(cursor.service.as_str(), "search");
    say(&mut state, "history 1 staging");
    assert_eq!(
        state.cursor.clone().expect("a cursor").service,
        state.board.services[0].name
    );
    assert_eq!(told(&mut board(), "checkout"), Told::Service("checkout".into()));
    assert_eq!(told(&mut board(), "check production"), Told::Cell);
}

#[test]
fn a_command_that_there_is_not_is_told_with_the_nearest() {
    let mut state = board();
    say(&mut state, "promot");
    assert!(notice(&state).contains("did you mean promote"), "{}", notice(&state));
    say(&mut state, "t");
    assert!(notice(&state).contains("there is none"), "{}", notice(&state));
}

#[test]
fn every_command_of_the_help_is_understood() {
    for command in LINE_COMMANDS {
        let mut state = board();
        let line = match command.arguments {
            "" | "WORDS" => command.name.to_owned(),
            "SERVICES to ENVIRONMENT" => format!("{} checkout to staging", command.name),
            "SERVICE ENVIRONMENT" => format!("{} checkout staging", command.name),
            _ => format!("{} verdict", command.name),
        };
        say(&mut state, &line);
        assert!(
            !notice(&state).contains("neither a command"),
            "{line}: {}",
            notice(&state)
        );
    }
}

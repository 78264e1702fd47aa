//! What `p` asks for, from where.

use super::*;
use crate::app::sample::{asked, planned, planned_as};
use crate::domain::policy::Confirm;
use crate::domain::write::{Ask, Source};

const PRODUCTION: &str = "<right><right><right>";
const STAGING: &str = "<right><right>";

fn ask(state: &mut CockpitState, keys: &str) -> Ask {
    asked(&press(state, keys)).1.ask
}

#[test]
fn the_digest_under_the_cursor_steps_into_the_next_environment() {
    for (keys, service, from, to) in [
        ("p", "checkout", "dev", "integration"),
        ("<right>p", "checkout", "integration", "staging"),
        ("jj<right>p", "search", "integration", "staging"),
        ("jjj<right><right>p", "catalog", "staging", "production"),
    ] {
        let mut state = board();
        assert_eq!(
            ask(&mut state, keys),
            Ask::Promote {
                services: vec![service.into()],
                to: to.into(),
                from: Some(Source::Environment(from.into())),
            }
        );
    }
}

#[test]
fn the_candidate_steps_into_the_first_environment() {
    let mut state = board();
    assert_eq!(
        ask(&mut state, "jjjj<right><right><right><right>p"),
        Ask::Promote {
            services: vec!["notifier".into()],
            to: "dev".into(),
            from: Some(Source::Candidate),
        }
    );
}

#[test]
fn nothing_comes_after_the_last_environment() {
    let mut state = board();
    assert_eq!(press(&mut state, &format!("{PRODUCTION}p")), []);
    assert!(notice(&state).contains("nothing comes after production"));
    assert!(state.screens.is_empty());
}

#[test]
fn pressing_the_key_writes_nothing() {
    let mut state = board();
    let commands = press(&mut state, "p");
    assert!(matches!(commands.as_slice(), [Command::Plan { .. }]), "{commands:?}");
    assert_eq!(state.writing, None);
}

#[test]
fn a_pin_by_tag_has_no_digest_to_promote_and_says_how_to_get_one() {
    let mut state = board();
    press(&mut state, "jjjjp");
    assert!(notice(&state).contains("pinned by tag only") && notice(&state).contains("P pins"));
}

#[test]
fn one_of_several_pins_is_promoted_by_its_digest() {
    let mut state = board();
    press(&mut state, "jjjjjjj<right><right>");
    assert_eq!(
        ask(&mut state, "p"),
        Ask::Promote {
            services: vec!["inventory".into()],
            to: "production".into(),
            from: Some(Source::Digest(digest("i2"))),
        }
    );
}

#[test]
fn marked_services_step_forward_together() {
    let mut state = board();
    press(&mut state, "<space><space>k");
    is_at(&state, "payments", "dev");
    assert_eq!(
        ask(&mut state, "p"),
        Ask::Promote {
            services: vec!["checkout".into(), "payments".into()],
            to: "integration".into(),
            from: Some(Source::Environment("dev".into())),
        }
    );
}

#[test]
fn where_the_cursor_is_on_none_of_the_marked_ones_it_is_asked_which_are_meant() {
    let services = |keys: &str| {
        let mut state = board();
        press(&mut state, "<space><space>");
        is_at(&state, "search", "dev");
        assert_eq!(press(&mut state, "p"), [], "a question, and no plan");
        assert!(matches!(&state.layer, Some(Modal::Choose { choices, .. }) if choices.len() == 2));
        let Ask::Promote { services, .. } = ask(&mut state, keys) else {
            panic!("no promote");
        };
        services
    };
    assert_eq!(services("<enter>"), ["checkout".into(), "payments".into()]);
    assert_eq!(services("j<enter>"), ["search".into()]);
}

#[test]
fn it_is_asked_even_where_only_one_of_them_is_possible() {
    let mut state = board();
    press(&mut state, "<space>jjj");
    is_at(&state, "notifier", "dev");
    assert_eq!(press(&mut state, "p"), []);
    assert!(matches!(&state.layer, Some(Modal::Choose { choices, .. }) if choices.len() == 1));
    assert_eq!(press(&mut state, "<esc>"), []);
    assert!(state.screens.is_empty());
}

#[test]
fn a_step_that_changes_nothing_is_refused_on_the_board() {
    let mut state = board();
    assert_eq!(press(&mut state, "j<right>p"), []);
    assert!(
        notice(&state).contains("staging pins these bytes already"),
        "{}",
        notice(&state)
    );
    // A set of which only some are there already is a step.
    press(&mut state, "<space><space>k");
    is_at(&state, "search", "integration");
    assert!(matches!(press(&mut state, "p").as_slice(), [Command::Plan { .. }]));
}

#[test]
fn nothing_is_planned_over_the_comparison_of_a_plan() {
    for key in ["p", "r", "P", "H"] {
        let mut state = board();
        planned(&mut state, "p");
        press(&mut state, "d");
        let before = state.screens.clone();
        assert_eq!(press(&mut state, key), [], "{key}");
        assert_eq!(state.screens, before, "{key}");
        assert!(
            notice(&state).contains("a plan is open behind this"),
            "{}",
            notice(&state)
        );
    }
}

#[test]
fn space_again_takes_the_mark_away_and_esc_all_of_them() {
    let mut state = board();
    press(&mut state, "<space>k<space>");
    assert!(state.marked.is_empty());
    press(&mut state, "<space><space>");
    assert_eq!(state.marked.len(), 2);
    press(&mut state, "<esc>");
    assert!(state.marked.is_empty());
}

#[test]
fn a_set_with_a_pin_by_tag_is_refused_by_name() {
    let mut state = board();
    press(&mut state, "<space>jjj<space>");
    assert_eq!(state.marked.len(), 2);
    assert_eq!(press(&mut state, "p"), []);
    assert!(
        notice(&state).contains("notifier is pinned by tag only"),
        "{}",
        notice(&state)
    );
}

#[test]
fn marks_count_on_the_board_only() {
    let mut state = board();
    press(&mut state, "<space><space>e");
    let Ask::Promote { services, .. } = ask(&mut state, "p") else {
        panic!("no promote");
    };
    assert_eq!(services, ["search".into()]);
}

#[test]
fn several_next_environments_are_a_choice() {
    let mut state = board();
    state.board.environments[2].after = vec!["dev".into()];
    assert_eq!(press(&mut state, "p"), []);
    assert!(matches!(&state.layer, Some(Modal::Choose { choices, .. }) if choices.len() == 2));
    let Ask::Promote { to, .. } = ask(&mut state, "j<enter>") else {
        panic!("no promote");
    };
    assert_eq!(to, "staging".into());
}

#[test]
fn choosing_can_be_left() {
    let mut state = board();
    state.board.environments[2].after = vec!["dev".into()];
    assert_eq!(press(&mut state, "p<esc>"), []);
    assert_eq!(state.layer, None);
    assert!(state.screens.is_empty());
}

#[test]
fn a_read_only_environment_is_not_written_to() {
    let mut state = board();
    state.board.environments[3].read_only = true;
    assert_eq!(press(&mut state, &format!("{STAGING}p")), []);
    assert!(notice(&state).contains("production is read-only"));
    assert_eq!(press(&mut state, "<right>r"), []);
    assert!(notice(&state).contains("production is read-only"));
}

#[test]
fn read_only_runs_write_nothing() {
    let mut state = board();
    state.setup.read_only = true;
    for key in ["p", "r", "u", "P", "H", "<space>"] {
        assert_eq!(press(&mut state, key), [], "{key}");
        assert!(notice(&state).contains("read-only"), "{key}: {}", notice(&state));
    }
}

#[test]
fn a_pin_by_tag_gets_its_digest() {
    let mut state = board();
    assert_eq!(
        ask(&mut state, "jjjjP"),
        Ask::Pin {
            services: vec!["notifier".into()],
            environment: Some("dev".into()),
        }
    );
    let mut state = board();
    assert_eq!(press(&mut state, "P"), []);
    assert!(notice(&state).contains("pinned by digest already"));
}

#[test]
fn a_hold_is_released_where_it_stands() {
    let mut state = board();
    press(&mut state, &format!("jjjjj{PRODUCTION}"));
    assert_eq!(
        ask(&mut state, "H"),
        Ask::ReleaseHold {
            target: crate::domain::id::Target::new("ledger", "production")
        }
    );
}

#[test]
fn the_seen_digest_travels_with_the_plan() {
    let mut state = board();
    planned_as(&mut state, "p", |proposal| proposal.plans[0].to = digest("another"));
    let Some(Screen::Plan(plan)) = state.screen() else {
        panic!("no plan");
    };
    assert_eq!(plan.seen, [("checkout".into(), digest("c3"))]);
}

#[test]
fn a_plan_that_was_left_is_not_shown_when_it_comes() {
    let mut state = board();
    let (ticket, request) = asked(&press(&mut state, "p"));
    press(&mut state, "<esc>");
    let msg = Msg::Planned {
        ticket,
        result: Ok(Box::new(sample::proposal_of(request))),
    };
    assert_eq!(update(&mut state, msg, sample::now()), []);
    assert!(state.screens.is_empty());
}

#[test]
fn leaving_a_plan_stops_its_reads_and_says_that_nothing_was_written() {
    let mut state = board();
    planned(&mut state, "p");
    let commands = press(&mut state, "<esc>");
    assert_eq!(
        commands,
        [Command::Stop(QueryKind::Plan), Command::Stop(QueryKind::PlanDiff)]
    );
    assert!(notice(&state).contains("nothing was written"));
}

#[test]
fn no_second_plan_over_a_plan() {
    let mut state = board();
    planned(&mut state, "p");
    for key in ["p", "r", "u"] {
        assert_eq!(press(&mut state, key), [], "{key}");
    }
    assert_eq!(state.screens.len(), 1);
}

#[test]
fn the_name_is_asked_for_where_the_environment_wants_it() {
    let mut state = board();
    planned_as(&mut state, "p", |p| p.plans[0].confirm = Confirm::TypeName);
    assert_eq!(press(&mut state, "y"), []);
    assert!(matches!(state.screen(), Some(Screen::Plan(plan)) if plan.input.is_some()));
    assert_eq!(press(&mut state, "integratio<enter>"), []);
    assert!(notice(&state).contains("exactly integration"));
    assert!(matches!(
        press(&mut state, "n<enter>").as_slice(),
        [Command::Execute { .. }]
    ));
}

#[test]
fn a_member_of_a_set_is_left_out_and_the_others_are_planned_again() {
    let mut state = sample::state(140, 40);
    press(&mut state, "<space><space><space>k");
    sample::planned(&mut state, "p");
    let before = plan_serial(&state);
    press(&mut state, "j");
    let commands = press(&mut state, "x");
    let (_, request) = sample::asked(&commands);
    let crate::domain::write::Ask::Promote { services, .. } = &request.ask else {
        panic!("no promotion: {request:?}");
    };
    assert_eq!(
        services.iter().map(|s| s.as_str()).collect::<Vec<_>>(),
        ["checkout", "search"]
    );
    assert!(
        plan_serial(&state) > before,
        "what was seen before cannot be confirmed any more"
    );
    assert!(!state.marked.iter().any(|marked| marked.as_str() == "payments"));
    let commands = press(&mut state, "y");
    assert!(!commands.iter().any(|c| matches!(c, Command::Execute { .. })));
}

/// `x` leaves out the member that is selected: where one of them is refused, that is the one.
#[test]
fn the_member_that_is_refused_is_the_one_that_x_leaves_out() {
    let mut state = sample::state(140, 40);
    press(&mut state, "<space><space><space>k");
    sample::planned_as(&mut state, "p", |proposal| {
        proposal.plans[2].gates.push(crate::domain::plan::Gate {
            gate: crate::domain::plan::GateName::Freeze,
            state: crate::domain::plan::GateState::Closed,
            detail: "frozen until Monday".into(),
            opener: None,
            waivable: false,
        });
    });
    let (_, request) = sample::asked(&press(&mut state, "x"));
    let crate::domain::write::Ask::Promote { services, .. } = &request.ask else {
        panic!("no promotion: {request:?}");
    };
    let names: Vec<&str> = services.iter().map(|service| service.as_str()).collect();
    assert_eq!(names, ["checkout", "payments"]);
}

#[test]
fn the_last_member_is_not_left_out() {
    let mut state = sample::state(140, 40);
    press(&mut state, "<right>");
    sample::planned(&mut state, "p");
    assert_eq!(press(&mut state, "x"), []);
    assert!(notice(&state).contains("one service"), "{}", notice(&state));
}

fn plan_serial(state: &CockpitState) -> u64 {
    match state.screen() {
        Some(Screen::Plan(plan)) => plan.serial,
        other => panic!("no plan: {other:?}"),
    }
}

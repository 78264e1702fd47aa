//! What keys and answers do to the state.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::app::filter::Filter;
use crate::app::generation::Slot;
use crate::app::msg::{Failure, Limits};
use crate::app::sample::{self, digest, feed, finish, press, started};
use crate::app::select::{Column, Cursor};
use crate::app::standing::{self, Standing};
use crate::app::state::{Pane, Pass, Reading, Screen, Subject};
use crate::domain::board::Update;
use crate::domain::freshness::Seen;

fn board() -> State {
    sample::state(140, 40)
}

fn at(state: &State) -> (String, String) {
    let cursor = state.cursor.as_ref().expect("a cursor");
    let column = match &cursor.column {
        Column::Environment(environment) => environment.to_string(),
        Column::Candidate => "CI".to_owned(),
    };
    (cursor.service.to_string(), column)
}

fn is_at(state: &State, service: &str, column: &str) {
    assert_eq!(at(state), (service.to_owned(), column.to_owned()));
}

fn notice(state: &State) -> &str {
    state.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

fn evidence(state: &State) -> &crate::app::state::EvidenceScreen {
    match state.screen() {
        Some(Screen::Evidence(screen)) => screen,
        other => panic!("no evidence screen: {other:?}"),
    }
}

fn history(state: &State) -> &crate::app::state::HistoryScreen {
    match state.screen() {
        Some(Screen::History(screen)) => screen,
        other => panic!("no history screen: {other:?}"),
    }
}

/// Presses `R`; answers the ticket of the pass that begins.
fn refresh(state: &mut State) -> Ticket {
    match press(state, "R").as_slice() {
        [Command::Refresh(ticket)] => ticket.clone(),
        other => panic!("no refresh: {other:?}"),
    }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(sample::now().as_second() + seconds).expect("valid")
}

mod passes {
    use super::*;

    #[test]
    fn starting_asks_for_the_board() {
        let (state, ticket) = started(80, 24);
        assert_eq!(ticket.slot, Slot::Board);
        assert!(state.is_refreshing());
    }

    #[test]
    fn an_ended_pass_is_ended() {
        assert!(matches!(board().pass, Pass::Ended(_)));
    }

    #[test]
    fn a_failed_pass_keeps_what_was_known() {
        let mut state = board();
        let ticket = refresh(&mut state);
        let failure = Failure {
            what: "no network".into(),
            next: "try again".into(),
        };
        let msg = Msg::RefreshEnded {
            ticket,
            result: Err(failure.clone()),
        };
        update(&mut state, msg, sample::now());
        assert!(matches!(&state.pass, Pass::Failed(f, _) if *f == failure));
        assert_eq!(state.board.services.len(), 8);
    }

    #[test]
    fn a_second_refresh_waits_for_the_first() {
        let mut state = board();
        assert_eq!(press(&mut state, "R").len(), 1);
        assert_eq!(press(&mut state, "R"), []);
        assert!(notice(&state).contains("already running"));
    }

    #[test]
    fn stale_updates_are_dropped() {
        let (mut state, old) = started(80, 24);
        let _new = state.generations.issue(Slot::Board, None);
        let msg = Msg::Update {
            ticket: old.clone(),
            update: Box::new(sample::opened()),
        };
        update(&mut state, msg, sample::now());
        assert!(state.board.services.is_empty());
        let msg = Msg::RefreshEnded {
            ticket: old,
            result: Ok(()),
        };
        update(&mut state, msg, sample::now());
        assert!(state.is_refreshing(), "the end of an old pass ends nothing");
    }

    #[test]
    fn old_values_stay_while_they_are_looked_at_again() {
        let mut state = board();
        let ticket = refresh(&mut state);
        feed(&mut state, &ticket, [sample::opened()]);
        let cell = &state.board.services[0].cells[0];
        let stand = standing::of_cell(cell, sample::now());
        assert_eq!((stand.is, stand.again), (Standing::Verified, true));
    }

    #[test]
    fn without_an_interval_nothing_refreshes_by_itself() {
        let mut state = board();
        assert_eq!(update(&mut state, Msg::Tick, later(86_400)), []);
    }

    #[test]
    fn with_an_interval_it_does_when_the_time_has_come() {
        let mut state = board();
        state.setup.refresh_every = Some(SignedDuration::from_secs(60));
        assert_eq!(update(&mut state, Msg::Tick, later(59)), []);
        assert!(matches!(
            update(&mut state, Msg::Tick, later(60)).as_slice(),
            [Command::Refresh(_)]
        ));
        assert_eq!(update(&mut state, Msg::Tick, later(200)), [], "one at a time");
    }

    #[test]
    fn progress_counts_digests() {
        let (mut state, ticket) = started(80, 24);
        feed(&mut state, &ticket, [sample::opened()]);
        let (done, all) = state.progress();
        assert_eq!(done, 0);
        assert!(all > 25);
        feed(&mut state, &ticket, sample::findings());
        // Two cells of the sample are never answered.
        assert_eq!(state.progress(), (all - 2, all));
    }

    #[test]
    fn drift_that_comes_later_stands_on_top() {
        let mut state = board();
        let first = state.feed()[0].id.clone();
        let ticket = refresh(&mut state);
        let mut drift = state.board.drift.clone();
        let mut news = drift[3].clone();
        news.id = "new".to_owned();
        drift.push(news);
        let msg = Msg::Update {
            ticket,
            update: Box::new(Update::Drift(drift)),
        };
        update(&mut state, msg, later(90));
        assert_eq!(state.feed()[0].id, "new");
        assert_eq!(state.feed()[1].id, first);
    }
}

mod cursor {
    use super::*;

    #[test]
    fn it_appears_with_the_first_row() {
        let (mut state, ticket) = started(80, 24);
        assert_eq!(state.cursor, None);
        feed(&mut state, &ticket, [sample::opened()]);
        is_at(&state, "checkout", "dev");
    }

    #[test]
    fn arrows_and_letters_move_it() {
        let mut state = board();
        press(&mut state, "j<down><right>l");
        is_at(&state, "search", "staging");
        press(&mut state, "k<up><left>");
        is_at(&state, "checkout", "integration");
    }

    #[test]
    fn it_stops_at_the_edges() {
        let mut state = board();
        press(&mut state, "k<left>");
        is_at(&state, "checkout", "dev");
        press(&mut state, "G<right><right><right><right><right><right>j");
        is_at(&state, "inventory", "CI");
        press(&mut state, "g");
        is_at(&state, "checkout", "CI");
    }

    #[test]
    fn pages_are_as_long_as_the_screen_says() {
        let mut state = board();
        update(
            &mut state,
            Msg::Drawn(Limits {
                page: 3,
                ..Limits::default()
            }),
            sample::now(),
        );
        press(&mut state, "<pagedown>");
        is_at(&state, "catalog", "dev");
        press(&mut state, "<pageup>");
        is_at(&state, "checkout", "dev");
    }

    #[test]
    fn live_data_does_not_move_it_to_another_row() {
        let mut state = board();
        press(&mut state, "jj");
        let ticket = refresh(&mut state);
        let mut opened = sample::opened();
        if let Update::Opened { services, .. } = &mut opened {
            services.reverse();
            services.remove(0);
        }
        feed(&mut state, &ticket, [opened]);
        is_at(&state, "search", "dev");
    }

    #[test]
    fn a_row_that_goes_takes_no_other_with_it() {
        let mut state = board();
        press(&mut state, "jj");
        let ticket = refresh(&mut state);
        let mut opened = sample::opened();
        if let Update::Opened { services, .. } = &mut opened {
            services.retain(|row| row.name.as_str() != "search");
        }
        feed(&mut state, &ticket, [opened]);
        is_at(&state, "search", "dev");
        assert_eq!(state.subject(), None);
        press(&mut state, "e");
        assert!(
            notice(&state).contains("search is no longer on the board"),
            "{}",
            notice(&state)
        );
        press(&mut state, "j");
        assert_ne!(at(&state).0, "search");
    }

    #[test]
    fn the_pin_under_it_may_change_and_it_stays_on_the_cell() {
        let mut state = board();
        let ticket = refresh(&mut state);
        let mut opened = sample::opened();
        if let Update::Opened { services, .. } = &mut opened {
            services[0].cells[0].pin.digest = Some(digest("newer"));
        }
        feed(&mut state, &ticket, [opened]);
        is_at(&state, "checkout", "dev");
        let subject = state.subject().expect("a subject");
        assert_eq!(state.digest_of(&subject), Some(digest("newer")));
    }

    #[test]
    fn an_environment_without_a_pin_is_nothing() {
        let mut state = board();
        press(&mut state, "jjjj<right><right><right>");
        is_at(&state, "notifier", "production");
        assert_eq!(state.subject(), None);
        press(&mut state, "y");
        assert!(notice(&state).contains("nothing is pinned here"));
    }

    #[test]
    fn several_pins_are_walked_through() {
        let mut state = board();
        press(&mut state, "G<right><right>");
        let first = state.subject();
        press(&mut state, "n");
        let second = state.subject();
        assert_ne!(first, second);
        press(&mut state, "n");
        assert_eq!(state.subject(), first);
        press(&mut state, "<left>n");
        assert!(notice(&state).contains("one pin here"));
    }

    #[test]
    fn moving_takes_the_inspector_to_its_top() {
        let mut state = board();
        state.limits.inspector = 9;
        press(&mut state, "<enter>jjj");
        assert_eq!(state.inspector_top, 3);
        press(&mut state, "<esc>j");
        assert_eq!(state.inspector_top, 0);
    }

    #[test]
    fn the_inspector_stops_where_its_text_ends() {
        let mut state = board();
        state.limits.inspector = 2;
        press(&mut state, "<enter>jjjjjj");
        assert_eq!(state.inspector_top, 2);
        press(&mut state, "kkkkkk");
        assert_eq!(state.inspector_top, 0);
    }
}

mod panes {
    use super::*;

    #[test]
    fn tab_goes_round() {
        let mut state = board();
        let mut seen = Vec::new();
        for _ in 0..3 {
            press(&mut state, "<tab>");
            seen.push(state.pane);
        }
        assert_eq!(seen, [Pane::Inspector, Pane::Feed, Pane::Board]);
        press(&mut state, "<shift-tab>");
        assert_eq!(state.pane, Pane::Feed);
    }

    #[test]
    fn the_feed_selects_by_id() {
        let mut state = board();
        press(&mut state, "<shift-tab>");
        let first = state.drift_selected.clone().expect("selected");
        press(&mut state, "j");
        let second = state.drift_selected.clone().expect("selected");
        assert_ne!(first, second);
        state.board.drift.reverse();
        state.arrivals.clear();
        assert_eq!(state.drift_selected, Some(second));
    }

    #[test]
    fn enter_leads_from_a_drift_to_its_cell() {
        let mut state = board();
        press(&mut state, "<shift-tab><enter>");
        assert_eq!(state.pane, Pane::Board);
        is_at(&state, "checkout", "production");
    }

    #[test]
    fn a_drift_of_a_split_leads_to_its_own_pin() {
        let mut state = board();
        let at = state
            .feed()
            .iter()
            .position(|d| d.kind == crate::domain::DriftKind::PinSplit)
            .expect("a split");
        press(&mut state, "<shift-tab>");
        press(&mut state, &"j".repeat(at));
        press(&mut state, "<enter>");
        is_at(&state, "inventory", "staging");
    }

    #[test]
    fn esc_leads_back_to_the_board_and_then_says_so() {
        let mut state = board();
        press(&mut state, "<tab><esc>");
        assert_eq!(state.pane, Pane::Board);
        press(&mut state, "<esc>");
        assert!(notice(&state).contains("q leaves"));
        assert!(!state.quitting);
    }

    #[test]
    fn enter_goes_cell_inspector_evidence_check() {
        let mut state = board();
        press(&mut state, "<enter>");
        assert_eq!(state.pane, Pane::Inspector);
        press(&mut state, "<enter>");
        assert!(evidence(&state).open.is_empty());
        press(&mut state, "<enter>");
        assert_eq!(evidence(&state).open.len(), 1);
        press(&mut state, "j");
        assert_eq!(evidence(&state).check, Some(0));
        press(&mut state, "<esc>");
        assert_eq!(evidence(&state).check, None);
        press(&mut state, "<esc>");
        assert!(evidence(&state).open.is_empty());
        press(&mut state, "<esc>");
        assert_eq!(state.screen(), None);
    }
}

mod evidence_screen {
    use super::*;

    #[test]
    fn it_needs_a_digest() {
        let mut state = board();
        press(&mut state, "jjjje");
        assert_eq!(state.screen(), None);
        assert!(notice(&state).contains("no digest"));
    }

    #[test]
    fn the_candidate_has_one_too() {
        let mut state = board();
        press(&mut state, "<right><right><right><right>e");
        assert_eq!(evidence(&state).subject, Subject::Candidate("checkout".into()));
        assert_eq!(state.statements(&evidence(&state).subject).len(), 4);
    }

    #[test]
    fn statements_are_selected_by_identity() {
        let mut state = board();
        press(&mut state, "ejj");
        let selected = evidence(&state).selected.clone().expect("selected");
        let key = state.board.services[0].cells[0].pin.key();
        let mut fewer = sample::whole(digest("c3"));
        fewer.remove(0);
        let ticket = state.generations.issue(Slot::Board, None);
        let found = Update::Assessed {
            key,
            assessment: sample::assessed(crate::domain::Outcome::Verified, Vec::new(), fewer),
            version: None,
            missing: false,
        };
        feed(&mut state, &ticket, [found]);
        assert_eq!(evidence(&state).selected, Some(selected.clone()));
        press(&mut state, "j");
        assert_ne!(evidence(&state).selected, Some(selected));
    }

    #[test]
    fn same_bytes_twice_are_two_statements() {
        let mut state = board();
        let cell = &mut state.board.services[0].cells[0];
        if let Seen::Fresh { value, .. } = &mut cell.assessment {
            let twin = value.evidence[0].clone();
            value.evidence.push(twin);
        }
        let subject = Subject::Pin(cell.pin.key());
        let ids: std::collections::BTreeSet<_> = state.statements(&subject).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn a_pin_that_changes_meanwhile_leaves_no_stranger_behind() {
        let mut state = board();
        press(&mut state, "e");
        state.board.services[0].cells[0].pin.digest = Some(digest("newer"));
        let subject = evidence(&state).subject.clone();
        assert!(state.statements(&subject).is_empty());
    }
}

mod history_screen {
    use super::*;

    fn opened() -> (State, Ticket) {
        let mut state = board();
        match press(&mut state, "h").as_slice() {
            [Command::History { ticket, .. }] => {
                let ticket = ticket.clone();
                (state, ticket)
            }
            other => panic!("no history was asked for: {other:?}"),
        }
    }

    #[test]
    fn it_asks_for_the_target_under_the_cursor() {
        let (state, ticket) = opened();
        assert_eq!(ticket.target, Some(crate::domain::Target::new("checkout", "dev")));
        assert_eq!(history(&state).reading, Reading::Running);
    }

    #[test]
    fn entries_stream_in_and_the_first_is_selected() {
        let (mut state, ticket) = opened();
        let mut all = sample::history();
        let rest = all.split_off(2);
        for entries in [all, rest] {
            let msg = Msg::History {
                ticket: ticket.clone(),
                entries,
            };
            update(&mut state, msg, sample::now());
        }
        assert_eq!(history(&state).entries.len(), 6);
        assert_eq!(history(&state).selected, Some(sample::history()[0].commit.clone()));
        press(&mut state, "jG");
        assert_eq!(history(&state).selected, Some(sample::history()[5].commit.clone()));
    }

    #[test]
    fn a_failure_keeps_what_was_read() {
        let (mut state, ticket) = opened();
        let msg = Msg::History {
            ticket: ticket.clone(),
            entries: sample::history(),
        };
        update(&mut state, msg, sample::now());
        let failure = Failure {
            what: "a blob is missing".into(),
            next: "fetch the whole history".into(),
        };
        let msg = Msg::HistoryEnded {
            ticket,
            result: Err(failure),
        };
        update(&mut state, msg, sample::now());
        assert!(matches!(history(&state).reading, Reading::Failed(_)));
        assert_eq!(history(&state).entries.len(), 6);
    }

    #[test]
    fn leaving_it_cancels_the_reading() {
        let (mut state, ticket) = opened();
        assert_eq!(press(&mut state, "<esc>"), [Command::StopHistory]);
        let msg = Msg::History {
            ticket,
            entries: sample::history(),
        };
        update(&mut state, msg, sample::now());
        assert_eq!(state.screen(), None);
    }

    #[test]
    fn answers_about_another_target_are_dropped() {
        let (mut state, mut ticket) = opened();
        ticket.target = Some(crate::domain::Target::new("checkout", "production"));
        let msg = Msg::History {
            ticket,
            entries: sample::history(),
        };
        update(&mut state, msg, sample::now());
        assert!(history(&state).entries.is_empty());
    }

    #[test]
    fn a_candidate_has_none() {
        let mut state = board();
        assert_eq!(press(&mut state, "<right><right><right><right>h"), []);
        assert!(notice(&state).contains("candidate"));
    }
}

mod frozen {
    use super::*;

    /// The sample's findings without the tag that is told twice, first one way, then the other.
    fn settled() -> Vec<Update> {
        let mut findings = sample::findings();
        let Some(Update::Tag { key, .. }) = findings.iter().rev().find(|f| matches!(f, Update::Tag { .. })).cloned()
        else {
            panic!("the sample moves a tag");
        };
        let first = findings
            .iter()
            .position(|f| matches!(f, Update::Tag { key: k, .. } if *k == key));
        findings.remove(first.expect("told before"));
        findings
    }

    #[test]
    fn updates_wait_and_are_counted() {
        let (mut state, ticket) = started(80, 24);
        feed(&mut state, &ticket, [sample::opened()]);
        press(&mut state, "f");
        let before = state.board.clone();
        feed(&mut state, &ticket, sample::findings());
        assert_eq!(state.board, before);
        let waiting = state.frozen.as_ref().expect("frozen").waiting;
        assert!(waiting > 50, "{waiting}");
        press(&mut state, "f");
        assert_eq!(state.frozen, None);
        assert_ne!(state.board, before);
        assert!(notice(&state).contains(&waiting.to_string()));
    }

    #[test]
    fn what_says_nothing_new_is_not_counted() {
        let mut state = board();
        press(&mut state, "f");
        let ticket = refresh(&mut state);
        feed(&mut state, &ticket, [sample::opened()]);
        feed(&mut state, &ticket, settled());
        finish(&mut state, &ticket);
        assert_eq!(state.frozen.as_ref().map(|f| f.waiting), Some(0));
    }

    #[test]
    fn the_cursor_moves_on_what_is_shown() {
        let mut state = board();
        press(&mut state, "fj");
        is_at(&state, "payments", "dev");
    }
}

mod filters {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let mut state = board();
        state.cursor = None;
        state.filter = Filter::parse(text);
        state.rows().iter().map(|row| row.name.to_string()).collect()
    }

    #[test]
    fn words_are_fuzzy_and_order_stays() {
        assert_eq!(shown("ch"), ["checkout", "search"]);
        assert_eq!(shown("nvtr"), ["inventory"]);
        assert_eq!(shown("zzz"), [] as [&str; 0]);
    }

    #[test]
    fn facets_of_verdicts() {
        assert_eq!(shown("warned"), ["catalog"]);
        assert_eq!(shown("unreachable"), ["search"]);
        assert_eq!(shown("absent"), ["frontend"]);
        assert_eq!(shown("tag"), ["notifier"]);
        assert_eq!(shown("held"), ["ledger"]);
    }

    #[test]
    fn all_facets_hold_for_the_same_cell() {
        assert_eq!(shown("env:production rejected"), ["payments"]);
        assert_eq!(shown("env:staging warned"), ["catalog"]);
        assert_eq!(shown("env:dev warned"), [] as [&str; 0]);
    }

    #[test]
    fn not_and_kinds_of_drift() {
        let rows = shown("env:production !verified");
        assert!(rows.contains(&"payments".to_owned()) && !rows.contains(&"checkout".to_owned()));
        assert_eq!(shown("drift:tag-moved"), ["checkout"]);
        assert_eq!(shown("drift:rebuilt env:production"), ["checkout", "ledger"]);
    }

    #[test]
    fn environments_by_their_beginning() {
        assert_eq!(shown("env:prod rejected"), shown("env:production rejected"));
    }

    #[test]
    fn unknown_conditions_are_named_and_ignored() {
        let filter = Filter::parse("!nonsense drift:nonsense pay");
        assert_eq!(filter.unknown(), ["!nonsense", "drift:nonsense"]);
        assert_eq!(shown("!nonsense pay"), ["payments"]);
    }

    #[test]
    fn typing_narrows_and_moves_to_the_first_match() {
        let mut state = board();
        press(&mut state, "/led");
        is_at(&state, "ledger", "dev");
        assert_eq!(state.rows().len(), 1);
        press(&mut state, "<enter>");
        assert_eq!((state.layer.clone(), state.filter.text()), (None, "led"));
    }

    #[test]
    fn esc_brings_the_filter_before_back() {
        let mut state = board();
        press(&mut state, "/pay<enter>/xyz<esc>");
        assert_eq!(state.filter.text(), "pay");
    }

    #[test]
    fn keys_are_text_while_typing() {
        let mut state = board();
        press(&mut state, "/q");
        assert!(!state.quitting);
        assert_eq!(state.filter.text(), "q");
    }

    #[test]
    fn backspace_word_and_line() {
        let mut state = board();
        press(&mut state, "/one two three<backspace><ctrl-w>");
        assert_eq!(state.filter.text(), "one two ");
        press(&mut state, "<ctrl-u>");
        assert_eq!(state.filter.text(), "");
        press(&mut state, "<backspace>");
        assert_eq!(state.layer, None);
    }

    #[test]
    fn the_selected_row_stays_though_it_stops_matching() {
        let mut state = board();
        press(&mut state, "/warned<enter>");
        is_at(&state, "catalog", "dev");
        let key = state.board.services[3].cells[2].pin.key();
        let ticket = state.generations.issue(Slot::Board, None);
        let found = Update::Assessed {
            key,
            assessment: sample::verified(digest("k2")),
            version: None,
            missing: false,
        };
        feed(&mut state, &ticket, [found]);
        is_at(&state, "catalog", "dev");
        assert_eq!(state.rows().len(), 1);
    }

    #[test]
    fn the_feed_follows_the_filter() {
        let mut state = board();
        press(&mut state, "/ledger<enter>");
        assert!(!state.feed().is_empty());
        assert!(state.feed().iter().all(|drift| drift.service.as_str() == "ledger"));
    }

    #[test]
    fn esc_on_the_board_shows_all_again() {
        let mut state = board();
        press(&mut state, "/led<enter><esc>");
        assert_eq!(state.rows().len(), 8);
        is_at(&state, "ledger", "dev");
    }

    #[test]
    fn pasted_text_goes_into_the_field_without_controls() {
        let mut state = board();
        press(&mut state, "/");
        update(&mut state, Msg::Paste("pay\u{1b}[2J\nq".to_owned()), sample::now());
        assert_eq!(state.filter.text(), "pay[2J");
        assert!(!state.quitting);
    }

    #[test]
    fn pasted_text_is_never_keys() {
        let mut state = board();
        assert_eq!(update(&mut state, Msg::Paste("qq".to_owned()), sample::now()), []);
        assert!(!state.quitting);
    }
}

mod palette {
    use super::*;

    #[test]
    fn it_does_what_it_names() {
        let mut state = board();
        assert!(matches!(
            press(&mut state, ":refresh<enter>").as_slice(),
            [Command::Refresh(_)]
        ));
        assert_eq!(state.layer, None);
    }

    #[test]
    fn names_win_over_explanations() {
        assert_eq!(layer::palette_rows("help")[0], Action::Help);
        assert_eq!(layer::palette_rows("evid")[0], Action::Evidence);
        assert_eq!(layer::palette_rows("").len(), crate::app::action::ACTIONS.len());
    }

    #[test]
    fn a_disabled_action_says_why_and_stays() {
        let mut state = board();
        assert_eq!(press(&mut state, ":promote<enter>"), []);
        assert!(notice(&state).contains("not in this build yet"));
        assert!(matches!(state.layer, Some(Layer::Palette { .. })));
    }

    #[test]
    fn moving_and_leaving() {
        let mut state = board();
        press(&mut state, ":<down><down><up>");
        let Some(Layer::Palette { selected, .. }) = &state.layer else {
            panic!("no palette");
        };
        assert_eq!(*selected, Some(crate::app::action::ACTIONS[1].action));
        press(&mut state, "<esc>");
        assert_eq!(state.layer, None);
    }

    #[test]
    fn nonsense_does_nothing() {
        let mut state = board();
        assert_eq!(press(&mut state, ":xqzxqz<enter>"), []);
        assert!(notice(&state).contains("no action"));
    }
}

mod actions {
    use super::*;
    use crate::app::action::ACTIONS;

    #[test]
    fn writes_are_visible_and_closed() {
        let mut state = board();
        for key in ["p", "r", "<space>", "u", "d"] {
            assert_eq!(press(&mut state, key), []);
            assert!(
                notice(&state).contains("not in this build yet"),
                "{key}: {}",
                notice(&state)
            );
        }
    }

    #[test]
    fn read_only_is_the_reason_before_any_other() {
        let mut state = board();
        state.setup.read_only = true;
        press(&mut state, "p");
        assert!(notice(&state).contains("read-only"));
    }

    /// Every action, from every place: never a panic, and what is disabled does nothing.
    #[test]
    fn every_action_everywhere() {
        for start in [
            "",
            "e",
            "h",
            "<tab>",
            "<tab><tab>",
            "f",
            "jjjj",
            "jjjj<right><right><right>",
        ] {
            for spec in ACTIONS {
                let mut state = board();
                press(&mut state, start);
                let allowed = spec.action.enabled(&state);
                let commands = perform(&mut state, spec.action);
                if let Err(reason) = allowed {
                    assert_eq!(commands, [], "{} after {start:?}", spec.name);
                    assert!(!reason.is_empty() && notice(&state).contains(&reason));
                }
            }
        }
    }

    #[test]
    fn nothing_is_enabled_by_mistake_on_an_empty_board() {
        for spec in ACTIONS {
            let (mut state, _) = started(80, 24);
            let _ = perform(&mut state, spec.action);
        }
    }

    #[test]
    fn an_unbound_key_says_so() {
        let mut state = board();
        press(&mut state, "z");
        assert!(notice(&state).contains("z does nothing here") && notice(&state).contains('?'));
    }

    #[test]
    fn the_next_key_takes_the_notice_away() {
        let mut state = board();
        press(&mut state, "zj");
        assert_eq!(state.notice, None);
    }

    #[test]
    fn copies_are_sent_never_copied() {
        let mut state = board();
        let commands = press(&mut state, "y");
        assert_eq!(
            commands,
            [Command::Copy {
                text: digest("c3").to_string(),
                what: "digest".to_owned()
            }]
        );
        let msg = Msg::Sent {
            what: "digest".to_owned(),
            refused: None,
        };
        update(&mut state, msg, sample::now());
        assert_eq!(notice(&state), "digest sent to terminal");
        let msg = Msg::Sent {
            what: "digest".to_owned(),
            refused: Some("too long".to_owned()),
        };
        update(&mut state, msg, sample::now());
        assert!(state.notice.as_ref().is_some_and(|n| n.bad));
    }

    #[test]
    fn the_full_reference_has_tag_and_digest() {
        let mut state = board();
        let commands = press(&mut state, "Y");
        let [Command::Copy { text, .. }] = commands.as_slice() else {
            panic!("no copy");
        };
        assert_eq!(
            *text,
            format!("registry.example.com/shop/checkout:1.4.0@{}", digest("c3"))
        );
    }

    #[test]
    fn the_equivalent_command_fits_the_screen() {
        let mut state = board();
        state.setup.global_arguments = "-C /srv/gitops".to_owned();
        let text = |state: &State| copy::equivalent(state).expect("a command");
        assert_eq!(
            text(&state),
            "pindeck -C /srv/gitops status --service checkout --env dev"
        );
        press(&mut state, "e");
        assert_eq!(text(&state), "pindeck -C /srv/gitops evidence checkout --env dev");
        press(&mut state, "h");
        assert_eq!(text(&state), "pindeck -C /srv/gitops history checkout --env dev");
        press(&mut state, "<esc><esc><right><right><right><right>");
        assert_eq!(text(&state), "pindeck -C /srv/gitops status --service checkout");
    }

    #[test]
    fn help_scrolls_and_closes() {
        let mut state = board();
        state.limits.help = 4;
        press(&mut state, "?jjjjjjj");
        assert_eq!(state.layer, Some(Layer::Help { top: 4 }));
        press(&mut state, "g");
        assert_eq!(state.layer, Some(Layer::Help { top: 0 }));
        press(&mut state, "q");
        assert_eq!(
            (state.layer.clone(), state.quitting),
            (None, false),
            "q closes the help first"
        );
    }

    #[test]
    fn quitting_suspending_redrawing() {
        let mut state = board();
        assert_eq!(press(&mut state, "<ctrl-z>"), [Command::Suspend]);
        assert_eq!(press(&mut state, "<ctrl-l>"), [Command::Redraw]);
        assert_eq!(press(&mut state, "/<ctrl-z>"), [Command::Suspend], "while typing too");
        assert_eq!(press(&mut state, "<esc>t"), [Command::NextTheme]);
        assert_eq!(press(&mut state, "q"), [Command::Quit]);
        assert!(state.quitting);
    }

    #[test]
    fn a_resize_is_remembered_and_redrawn() {
        let mut state = board();
        let msg = Msg::Resize { width: 80, height: 24 };
        assert_eq!(update(&mut state, msg, sample::now()), [Command::Redraw]);
        assert_eq!(state.size, (80, 24));
    }

    #[test]
    fn the_screens_time_is_a_whole_minute() {
        let mut state = board();
        update(&mut state, Msg::Tick, later(59));
        assert_eq!(state.minute().as_second() % 60, 0);
    }
}

mod standings {
    use super::*;

    fn stand(service: usize, cell: usize) -> Standing {
        standing::of_cell(&board().board.services[service].cells[cell], sample::now()).is
    }

    #[test]
    fn each_state_is_its_own() {
        for (service, cell, expected) in [
            (0, 0, Standing::Verified),
            (1, 3, Standing::Rejected),
            (2, 1, Standing::Unknown),
            (2, 2, Standing::Unreachable),
            (2, 3, Standing::Loading),
            (3, 2, Standing::Warned),
            (4, 0, Standing::ByTag),
            (6, 3, Standing::Absent),
            (7, 0, Standing::NotJudged),
            (7, 4, Standing::NotChecked),
        ] {
            assert_eq!(stand(service, cell), expected, "row {service}, cell {cell}");
        }
    }

    #[test]
    fn unreachable_never_reads_as_verified_though_it_was() {
        let state = board();
        let cell = &state.board.services[2].cells[2];
        assert!(
            cell.verdict()
                .is_some_and(|v| v.result == crate::domain::Outcome::Verified)
        );
        assert_eq!(standing::of_cell(cell, sample::now()).is, Standing::Unreachable);
    }

    #[test]
    fn age_makes_stale_but_changes_no_state() {
        let state = board();
        let cell = &state.board.services[0].cells[0];
        let stand = standing::of_cell(cell, later(601));
        assert_eq!((stand.is, stand.stale), (Standing::Verified, true));
    }

    #[test]
    fn a_candidate_is_ci_built_only_by_its_own_provenance() {
        let mut state = board();
        assert_eq!(standing::ci_built(&state.board.services[0]), Some(true));
        let row = &mut state.board.services[0];
        if let Seen::Fresh { value, .. } = &mut row.assessment {
            for evidence in &mut value.evidence {
                evidence.attached_to = digest("another");
            }
        }
        assert_eq!(standing::ci_built(&state.board.services[0]), Some(false));
    }

    #[test]
    fn no_candidate_is_not_a_state_of_one() {
        let mut state = board();
        let row = &mut state.board.services[0];
        row.candidate = Seen::Fresh {
            value: None,
            at: sample::now(),
        };
        assert_eq!(standing::of_candidate(&state.board.services[0], sample::now()), None);
    }

    #[test]
    fn cursors_compare_by_identity() {
        let a = Cursor::at("a".into(), Column::Candidate);
        assert_eq!(a, Cursor::at("a".into(), Column::Candidate));
        assert_ne!(a, Cursor::at("a".into(), Column::Environment(sample::env("dev"))));
    }
}

//! Frames, counted: time is handed in, nobody waits.

use std::time::Duration;

use super::*;
use crate::app::command::Command;
use crate::app::sample;
use crate::runtime::clock::FRAME;
use crate::view::glyphs::UNICODE;
use crate::view::theme::ColourDepth;

fn session(state: CockpitState) -> CockpitSession {
    let display = Display::new("dark", ColourDepth::True, &UNICODE, None).expect("a theme");
    CockpitSession::new(state, display)
}

/// The time of the sample, so many milliseconds later.
fn later(milliseconds: u64) -> Timestamp {
    let milliseconds = i64::try_from(milliseconds).expect("small");
    Timestamp::from_millisecond(sample::now().as_millisecond() + milliseconds).expect("valid")
}

/// A pass over 125 services × 4 environments brings a verdict every two milliseconds. The loop looks whether a
/// frame is due after each, as the real one does: at once where one is wanted and the last is long enough ago.
#[test]
fn five_hundred_verdicts_within_a_second_make_at_most_twenty_frames() {
    let (mut state, ticket) = sample::started(140, 40);
    sample::feed(&mut state, &ticket, [sample::large_opened(125)]);
    let mut session = session(state);
    let begin = Instant::now();
    assert!(!session.draw(begin, later(0)).is_empty(), "the first frame");
    let verdicts: Vec<_> = (0..125)
        .flat_map(sample::large_findings)
        .filter(|found| matches!(found, crate::domain::board::Update::Assessed { .. }))
        .collect();
    assert_eq!(verdicts.len(), 500);
    let (mut frames, mut bytes) = (0, 0);
    let mut verdicts = verdicts.into_iter();
    for millisecond in 0..1_000 {
        let now = begin + Duration::from_millis(millisecond);
        if millisecond % 2 == 0 {
            let msg = Msg::Update {
                ticket: ticket.clone(),
                update: Box::new(verdicts.next().expect("one every two milliseconds")),
            };
            assert_eq!(session.take(msg, later(millisecond)), []);
        }
        if session.due(now).is_some_and(|due| due <= now) {
            let drawn = session.draw(now, later(millisecond)).len();
            frames += usize::from(drawn > 0);
            bytes += drawn;
        }
    }
    assert_eq!(verdicts.next(), None);
    println!("500 verdicts: {frames} frames, {bytes} bytes");
    assert!(frames <= 20, "{frames} frames");
    // The last verdict is shown too.
    let end = begin + Duration::from_secs(2);
    assert!(session.due(end).is_none_or(|due| due <= end));
    session.draw(end, later(2_000));
    assert_eq!(session.due(end), None);
}

#[test]
fn a_key_is_answered_at_once_whatever_was_just_drawn() {
    let mut session = session(sample::state(120, 40));
    let now = Instant::now();
    session.draw(now, later(0));
    session.take(Msg::Key("j".parse().expect("a key")), later(1));
    assert!(!session.draw(now, later(1)).is_empty());
    // What nobody asked for waits its turn.
    session.state.say("news");
    session.take(
        Msg::Sent {
            what: "it".to_owned(),
            refused: None,
        },
        later(2),
    );
    assert_eq!(session.due(now), Some(now + FRAME));
}

#[test]
fn an_idle_minute_builds_one_frame_and_writes_nothing() {
    let mut session = session(sample::state(140, 40));
    let now = Instant::now();
    session.draw(now, later(0));
    let mut built = 0;
    for second in 1..=60 {
        assert_eq!(session.take(Msg::Tick, later(second * 1_000)), []);
        if session.due(now).is_some() {
            built += 1;
            session.draw(now, later(second * 1_000));
        }
    }
    // The minute in which ages change.
    assert_eq!(built, 1);
}

#[test]
fn what_was_announced_goes_by_itself() {
    let mut session = session(sample::state(140, 40));
    let now = Instant::now();
    session.state.announce("CI built checkout 1.5.1");
    session.draw(now, later(0));
    let mut gone = Vec::new();
    for second in 1..=12 {
        let commands: Vec<Command> = session.take(Msg::Tick, later(second * 1_000));
        assert_eq!(commands, []);
        if session.due(now).is_some() && !session.draw(now, later(second * 1_000)).is_empty() {
            gone.push(second);
        }
    }
    assert_eq!(gone, [8], "drawn once, when it goes");
}

#[test]
fn a_list_of_unfinished_writes_can_be_answered_once_it_was_shown() {
    let mut session = session(sample::state(140, 40));
    let begin = Instant::now();
    session.draw(begin, later(0));
    let commands = sample::press(&mut session.state, "W");
    let [Command::Left(ticket)] = commands.as_slice() else {
        panic!("the journal was not asked: {commands:?}");
    };
    session.disturbed();
    session.draw(begin + Duration::from_secs(1), later(1_000));
    let msg = Msg::Left {
        ticket: ticket.clone(),
        result: Ok(sample::left()),
    };
    session.take(msg, later(1_001));
    assert_eq!(sample::press(&mut session.state, "y"), [], "nobody has seen it");
    session.draw(begin + Duration::from_secs(2), later(2_000));
    let commands = sample::press(&mut session.state, "y");
    assert!(
        matches!(commands.as_slice(), [Command::FinishLeft { .. }]),
        "{commands:?}"
    );
}

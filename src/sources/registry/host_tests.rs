use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;
use crate::sources::registry::pace::AT_ONCE_AT_MOST;

fn detail() -> Wording {
    Wording::own("test")
}

fn shut() -> Admission {
    Admission::Shut(detail())
}

#[test]
fn silence_twice_opens_and_one_probe_decides() {
    let host = Host::new("h".to_owned());
    let now = Instant::now();
    host.failed_at(now, HostFailure::Silent, detail());
    assert_eq!(host.admission(now, None), Admission::Open);
    host.failed_at(now, HostFailure::Silent, detail());
    assert_eq!(host.admission(now, None), shut());
    let later = now + OPEN;
    assert_eq!(host.admission(later, None), Admission::Open, "the probe");
    assert_eq!(host.admission(later, None), shut(), "only one");
    host.succeeded_at(later, Duration::ZERO, later);
    assert_eq!(host.admission(later, None), Admission::Open);
    assert_eq!(host.admission(later, None), Admission::Open);
}

#[test]
fn a_failed_probe_opens_again() {
    let host = Host::new("h".to_owned());
    let now = Instant::now();
    host.failed_at(now, HostFailure::Limited(Duration::ZERO), detail());
    let later = now + OPEN;
    assert_eq!(host.admission(later, None), Admission::Open);
    host.failed_at(later, HostFailure::Server, detail());
    assert_eq!(host.admission(later + OPEN / 2, None), shut());
}

#[test]
fn old_silence_is_forgotten() {
    let host = Host::new("h".to_owned());
    let now = Instant::now();
    host.failed_at(now, HostFailure::Silent, detail());
    let later = now + WINDOW + Duration::from_secs(1);
    host.failed_at(later, HostFailure::Silent, detail());
    assert_eq!(host.admission(later, None), Admission::Open);
}

#[test]
fn server_errors_open_only_in_a_row() {
    let host = Host::new("h".to_owned());
    let now = Instant::now();
    for _ in 0..20 {
        host.failed_at(now, HostFailure::Server, detail());
        host.succeeded_at(now, Duration::ZERO, now);
    }
    assert_eq!(host.admission(now, None), Admission::Open);
    for _ in 0..SOFT_LIMIT {
        host.failed_at(now, HostFailure::Server, detail());
    }
    assert_eq!(host.admission(now, None), shut());
}

#[test]
fn a_limit_is_kept_as_long_as_asked() {
    let host = Host::new("h".to_owned());
    let now = Instant::now();
    host.failed_at(now, HostFailure::Limited(Duration::from_secs(100)), detail());
    assert_eq!(host.admission(now + Duration::from_secs(99), None), shut());
    assert_eq!(host.admission(now + Duration::from_secs(100), None), Admission::Open);
}

#[test]
fn requests_are_spaced() {
    let host = Host::new("h".to_owned());
    host.limit(10);
    let now = Instant::now();
    assert_eq!(host.admission(now, None), Admission::Open);
    for n in 1..20u32 {
        assert_eq!(
            host.admission(now, None),
            Admission::At(now + Duration::from_millis(100) * n)
        );
    }
}

/// A server that answers after a while, and allows so many requests a second, as many of them at once.
struct LimitedServer {
    answers_after: Duration,
    /// Requests a second; `None` = all that come.
    allows: Option<f64>,
    /// Whether it allows them by filling a bucket, else anew in each second.
    fills_a_bucket: bool,
    left: f64,
    filled: Instant,
}

impl LimitedServer {
    fn new(answers_after: Duration, allows: Option<f64>, fills_a_bucket: bool, now: Instant) -> Self {
        Self {
            answers_after,
            allows,
            fills_a_bucket,
            left: allows.unwrap_or(0.0),
            filled: now,
        }
    }

    fn allows(&mut self, now: Instant) -> bool {
        let Some(rate) = self.allows else { return true };
        let seconds = now.duration_since(self.filled).as_secs_f64();
        if self.fills_a_bucket {
            self.left = (self.left + seconds * rate).min(rate);
            self.filled = now;
        } else if seconds >= 1.0 {
            self.left = rate;
            self.filled = now;
        }
        let is_allowed = self.left >= 1.0;
        self.left -= if is_allowed { 1.0 } else { 0.0 };
        is_allowed
    }
}

/// What asking a server came to.
#[derive(Debug)]
struct Asked {
    took: Duration,
    sent: usize,
    refused: usize,
    /// The most sendings of one request.
    tries: usize,
    at_once: usize,
}

/// Asks a server so many times, in a time of its own: what waits, waits for a host as requests do, and keeps its permit
/// until it is answered.
fn ask(host: &Host, mut server: LimitedServer, requests: usize, began: Instant) -> Asked {
    /// What happens to a request; the numbers are its sendings so far, and when it was sent.
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Event {
        Asks(usize),
        Arrives(usize, Instant),
        Answered(Instant),
        Refused(usize, Instant),
    }
    let mut events = BinaryHeap::new();
    let (mut waiting, mut sent, mut refused, mut most, mut at_once) = (requests, 0, 0, 0, 0);
    let mut now = began;
    loop {
        while waiting > 0 && host.permits.available_permits() > 0 {
            host.permits.forget_permits(1);
            waiting -= 1;
            events.push(Reverse((now, Event::Asks(0))));
        }
        let Some(Reverse((at, event))) = events.pop() else {
            break;
        };
        now = at;
        at_once = at_once.max(events.len() + 1);
        let next = match event {
            Event::Asks(tries) => match host.admission(now, None) {
                Admission::Open => (now, Event::Arrives(tries + 1, now)),
                Admission::At(slot) => (slot, Event::Arrives(tries + 1, slot)),
                Admission::AskAgain(at) => (at, Event::Asks(tries)),
                Admission::Shut(why) => panic!("left alone: {why:?}"),
                Admission::TooLate => panic!("nobody set a time"),
            },
            Event::Arrives(tries, _) if host.is_closed(now) => (now, Event::Asks(tries - 1)),
            Event::Arrives(tries, _) => {
                sent += 1;
                most = most.max(tries);
                let answered = now + server.answers_after;
                match server.allows(now) {
                    true => (answered, Event::Answered(now)),
                    false => (answered, Event::Refused(tries, now)),
                }
            }
            Event::Answered(sent) => {
                host.succeeded_at(sent, now.duration_since(sent), now);
                let mut state = host.lock();
                match state.surplus.checked_sub(1) {
                    Some(left) => state.surplus = left,
                    None => host.permits.add_permits(1),
                }
                continue;
            }
            Event::Refused(tries, sent) => {
                refused += 1;
                host.refused_at(sent, now);
                let until = now + Duration::from_millis(900);
                let mut state = host.lock();
                state.not_before = state.not_before.max(Some(until));
                (until, Event::Asks(tries))
            }
        };
        events.push(Reverse(next));
    }
    Asked {
        took: now.duration_since(began),
        sent,
        refused,
        tries: most,
        at_once,
    }
}

fn asked(ceiling: Option<u32>, allows: Option<f64>, bucket: bool, millis: u64, requests: usize) -> Asked {
    let (host, now) = (Host::new("h".to_owned()), Instant::now());
    ceiling.into_iter().for_each(|most| host.limit(most));
    let server = LimitedServer::new(Duration::from_millis(millis), allows, bucket, now);
    ask(&host, server, requests, now)
}

#[test]
fn more_go_at_once_where_that_saves_waiting() {
    let asked = asked(None, None, true, 50, 5_500);
    assert_eq!((asked.refused, asked.at_once), (0, AT_ONCE_AT_MOST), "{asked:?}");
    // Eight at once take 34 s.
    assert!(asked.took < Duration::from_millis(9_500), "{asked:?}");
    let near = self::asked(None, None, true, 1, 5_500);
    assert_eq!(near.at_once, AT_ONCE_AT_FIRST, "{near:?}");
}

#[test]
fn what_the_policy_allows_is_never_passed() {
    for (millis, bucket) in [(5, true), (50, true), (200, true)] {
        let asked = asked(Some(200), Some(200.0), bucket, millis, 5_500);
        assert_eq!(asked.refused, 0, "{asked:?}");
        let least = Duration::from_secs_f64(5_499.0 / 200.0);
        assert!(asked.took >= least, "{asked:?}");
    }
}

/// Of many requests few are refused, none is given up, and little time is lost, whatever a server allows.
#[test]
fn a_limit_that_nobody_told_is_learned() {
    for allows in [10.0, 30.0, 100.0, 200.0, 400.0] {
        for bucket in [true, false] {
            for millis in [5, 50, 150] {
                let asked = asked(None, Some(allows), bucket, millis, 5_500);
                let wasted = asked.refused as f64 / asked.sent as f64;
                assert!(wasted <= 0.02, "{allows} {bucket} {millis}: {wasted:.4} {asked:?}");
                assert!(asked.tries <= 3, "{allows} {bucket} {millis}: {asked:?}");
                let all_at_once = 5_500.0 / AT_ONCE_AT_MOST as f64 * millis as f64 / 1000.0;
                let least = (5_500.0 / allows).max(all_at_once);
                let took = asked.took.as_secs_f64();
                assert!(
                    took <= least * 1.35 + 5.0,
                    "{allows} {bucket} {millis}: {took:.1} of {least:.1}"
                );
            }
        }
    }
}

#[test]
fn a_host_that_takes_more_again_is_soon_asked_for_more() {
    let (host, now) = (Host::new("h".to_owned()), Instant::now());
    let slow = LimitedServer::new(Duration::from_millis(50), Some(5.0), true, now);
    let first = ask(&host, slow, 300, now);
    let now = now + first.took;
    let free = LimitedServer::new(Duration::from_millis(50), None, true, now);
    let then = ask(&host, free, 20_000, now);
    assert_eq!(then.refused, 0);
    assert!(then.took < Duration::from_secs(240), "{then:?}");
}

#[tokio::test]
async fn permits_that_are_one_too_many_end_with_their_use() {
    let (host, now) = (Host::new("h".to_owned()), Instant::now());
    let mut taken = Vec::new();
    for _ in 0..7 {
        taken.push(host.acquire("x").await.expect("a permit"));
    }
    host.refused_at(now, now);
    assert_eq!(host.permits.available_permits(), 0, "five are allowed, seven are taken");
    taken.truncate(5);
    assert_eq!(host.permits.available_permits(), 0);
    taken.clear();
    assert_eq!(host.permits.available_permits(), 5);
    for millis in 1..9_u64 {
        let at = |more: u64| now + Duration::from_millis(2 * millis + more);
        host.refused_at(at(0), at(1));
        assert_eq!(
            host.permits.available_permits(),
            5,
            "an upload never keeps all others waiting"
        );
    }
}

/// Many are sent before the first refusal comes: they tell of one limit, not of many.
#[test]
fn what_was_under_way_when_one_was_refused_says_nothing_new() {
    let (host, now) = (Host::new("h".to_owned()), Instant::now());
    for millis in 0..4_000 {
        host.succeeded_at(now, Duration::from_millis(50), now + Duration::from_millis(millis));
    }
    let at = |millis: u64| now + Duration::from_millis(4_000 + millis);
    let permits = host.permits.available_permits();
    assert_eq!(permits, AT_ONCE_AT_MOST);
    for millis in 0..20 {
        host.refused_at(at(0), at(50 + millis));
    }
    assert_eq!(host.permits.available_permits(), AT_ONCE_AT_MOST / 2);
}

/// A registry that was hardly asked, and refuses the first of many, is not asked once a second from then on.
#[test]
fn a_refusal_before_any_answer_is_no_rate() {
    let (host, now) = (Host::new("h".to_owned()), Instant::now());
    host.refused_at(now, now + Duration::from_millis(1));
    let gap = host.lock().pace.gap(now + Duration::from_millis(1));
    assert_eq!(gap, Duration::from_secs(1) / 8);
}

/// Nobody waits for a turn that comes after the time that the request has, and no host is blamed for it.
#[tokio::test]
async fn a_turn_that_comes_too_late_is_not_waited_for() {
    let host = Host::new("h".to_owned());
    host.limit(1);
    let now = Instant::now();
    let until = Some(now + Duration::from_secs(20));
    for second in 0..=20 {
        assert_ne!(host.admission(now, until), Admission::TooLate, "{second}");
    }
    for _ in 0..100 {
        assert_eq!(host.admission(now, until), Admission::TooLate);
    }
    assert_eq!(
        host.admission(now, None),
        Admission::At(now + Duration::from_secs(21)),
        "they took no turn"
    );
    let error = host.throttle("x", until).await.expect_err("too late");
    assert!(matches!(error, RegistryError::RateLimited { .. }), "{error}");
    assert_eq!(host.lock().hard.len(), 0);
    host.pause(Duration::from_secs(60));
    assert_eq!(host.admission(now, until), Admission::TooLate);
}

/// A turn that was given before the host failed is none any more.
#[test]
fn a_slot_is_no_way_around_the_breaker() {
    let host = Host::new("h".to_owned());
    host.limit(1);
    let now = Instant::now();
    host.admission(now, None);
    assert_eq!(host.admission(now, None), Admission::At(now + Duration::from_secs(1)));
    host.failed_at(now, HostFailure::Limited(Duration::from_secs(300)), detail());
    assert!(host.is_closed(now + Duration::from_secs(1)));
    // Nor does a lesser failure shorten what the host asked for.
    host.failed_at(now, HostFailure::Silent, detail());
    assert_eq!(host.admission(now + Duration::from_secs(299), None), shut());
}

/// A host that answers 503 or not at all gets fewer at once, and nothing is learned of its rate.
#[test]
fn who_is_overloaded_gets_fewer_at_once() {
    let (host, now) = (Host::new("h".to_owned()), Instant::now());
    for millis in 0..4_000 {
        host.succeeded_at(now, Duration::from_millis(50), now + Duration::from_millis(millis));
    }
    host.overloaded(now + Duration::from_secs(5));
    assert_eq!(host.permits.available_permits(), AT_ONCE_AT_MOST / 2);
    assert_eq!(host.lock().pace.gap(Instant::now()), Duration::ZERO);
    // Large answers, too, are no reason for more: what counts is when they begin.
    for millis in 0..4_000 {
        host.succeeded_at(
            now,
            Duration::from_millis(5),
            now + Duration::from_millis(6_000 + millis),
        );
    }
    assert_eq!(host.permits.available_permits(), AT_ONCE_AT_MOST / 2);
}

/// What was under way when a host failed, and is answered afterwards, does not end its rest.
#[test]
fn an_old_answer_does_not_close_the_breaker() {
    let host = Host::new("h".to_owned());
    let now = Instant::now();
    let after = now + Duration::from_millis(10);
    host.failed_at(after, HostFailure::Limited(Duration::from_secs(60)), detail());
    host.succeeded_at(now, Duration::from_millis(20), now + Duration::from_millis(20));
    assert_eq!(host.admission(now + Duration::from_secs(50), None), shut());
}

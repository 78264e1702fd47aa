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
    let host = Host::new("h".to_owned(), None);
    let now = Instant::now();
    host.failed_at(now, HostFailure::Silent, detail());
    assert_eq!(host.admission(now), Admission::Open);
    host.failed_at(now, HostFailure::Silent, detail());
    assert_eq!(host.admission(now), shut());
    let later = now + OPEN;
    assert_eq!(host.admission(later), Admission::Open, "the probe");
    assert_eq!(host.admission(later), shut(), "only one");
    host.succeeded_at(now, now);
    assert_eq!(host.admission(later), Admission::Open);
    assert_eq!(host.admission(later), Admission::Open);
}

#[test]
fn a_failed_probe_opens_again() {
    let host = Host::new("h".to_owned(), None);
    let now = Instant::now();
    host.failed_at(now, HostFailure::Limited(Duration::ZERO), detail());
    let later = now + OPEN;
    assert_eq!(host.admission(later), Admission::Open);
    host.failed_at(later, HostFailure::Server, detail());
    assert_eq!(host.admission(later + OPEN / 2), shut());
}

#[test]
fn old_silence_is_forgotten() {
    let host = Host::new("h".to_owned(), None);
    let now = Instant::now();
    host.failed_at(now, HostFailure::Silent, detail());
    let later = now + WINDOW + Duration::from_secs(1);
    host.failed_at(later, HostFailure::Silent, detail());
    assert_eq!(host.admission(later), Admission::Open);
}

#[test]
fn server_errors_open_only_in_a_row() {
    let host = Host::new("h".to_owned(), None);
    let now = Instant::now();
    for _ in 0..20 {
        host.failed_at(now, HostFailure::Server, detail());
        host.succeeded_at(now, now);
    }
    assert_eq!(host.admission(now), Admission::Open);
    for _ in 0..SOFT_LIMIT {
        host.failed_at(now, HostFailure::Server, detail());
    }
    assert_eq!(host.admission(now), shut());
}

#[test]
fn a_limit_is_kept_as_long_as_asked() {
    let host = Host::new("h".to_owned(), None);
    let now = Instant::now();
    host.failed_at(now, HostFailure::Limited(Duration::from_secs(100)), detail());
    assert_eq!(host.admission(now + Duration::from_secs(99)), shut());
    assert_eq!(host.admission(now + Duration::from_secs(100)), Admission::Open);
}

#[test]
fn requests_are_spaced() {
    let host = Host::new("h".to_owned(), Some(10));
    let now = Instant::now();
    assert_eq!(host.admission(now), Admission::Open);
    for n in 1..20u32 {
        assert_eq!(host.admission(now), Admission::At(now + Duration::from_millis(100) * n));
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

/// Asks a server so many times, in a time of its own: what waits, waits for a host as requests do, and holds its permit
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
            Event::Asks(tries) => match host.admission(now) {
                Admission::Open => (now, Event::Arrives(tries + 1, now)),
                Admission::At(slot) => (slot, Event::Arrives(tries + 1, slot)),
                Admission::AskAgain(at) => (at, Event::Asks(tries)),
                Admission::Shut(why) => panic!("left alone: {why:?}"),
            },
            Event::Arrives(tries, _) if host.is_paused(now) => (now, Event::Asks(tries - 1)),
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
                host.succeeded_at(sent, now);
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
    let (host, now) = (Host::new("h".to_owned(), ceiling), Instant::now());
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
    let (host, now) = (Host::new("h".to_owned(), None), Instant::now());
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
    let (host, now) = (Host::new("h".to_owned(), None), Instant::now());
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(host.acquire("x").await.expect("a permit"));
    }
    host.refused_at(now, now);
    assert_eq!(host.permits.available_permits(), 0, "four are allowed, six are held");
    held.truncate(4);
    assert_eq!(host.permits.available_permits(), 0);
    held.clear();
    assert_eq!(host.permits.available_permits(), 4);
    // Others that were under way then say nothing new.
    host.refused_at(now, now + Duration::from_millis(1));
    assert_eq!(host.permits.available_permits(), 4);
    host.refused_at(now + Duration::from_millis(2), now + Duration::from_millis(3));
    host.refused_at(now + Duration::from_millis(4), now + Duration::from_millis(5));
    host.refused_at(now + Duration::from_millis(6), now + Duration::from_millis(7));
    assert_eq!(host.permits.available_permits(), 2, "never none");
}

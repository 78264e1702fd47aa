//! Ages in words, coarse on purpose: a screen full of running seconds costs bytes and attention.

use jiff::Timestamp;

/// Values older than this many seconds are shown as stale.
pub const STALE_AFTER: i64 = 10 * 60;

/// Seconds between two times, never negative.
pub fn seconds(at: Timestamp, now: Timestamp) -> i64 {
    (now.as_second() - at.as_second()).max(0)
}

/// How long ago, in words: `fresh`, `3 min`, `2 h`, `6 days`, `14 months`.
pub fn words(at: Timestamp, now: Timestamp) -> String {
    let seconds = seconds(at, now);
    let plural = |n: i64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    match seconds {
        0..=59 => "fresh".to_owned(),
        60..=3_599 => format!("{} min", seconds / 60),
        3_600..=86_399 => format!("{} h", seconds / 3_600),
        86_400..=5_183_999 => plural(seconds / 86_400, "day", "days"),
        5_184_000..=62_207_999 => plural(seconds / 2_592_000, "month", "months"),
        _ => plural(seconds / 31_104_000, "year", "years"),
    }
}

/// The same as part of a sentence: `just now`, `3 min ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    match words(at, now).as_str() {
        "fresh" => "just now".to_owned(),
        words => format!("{words} ago"),
    }
}

/// Whether a value of that time is stale.
pub fn is_stale(at: Timestamp, now: Timestamp) -> bool {
    seconds(at, now) >= STALE_AFTER
}

/// The minute a time lies in: what the screen calls "now", so that ages repaint once a minute.
pub fn minute(now: Timestamp) -> Timestamp {
    let seconds = now.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_coarse() {
        let at = Timestamp::from_second(1_000_000_000).expect("valid");
        for (later, expected) in [
            (-5, "fresh"),
            (0, "fresh"),
            (59, "fresh"),
            (60, "1 min"),
            (3_599, "59 min"),
            (7_200, "2 h"),
            (86_400, "1 day"),
            (6 * 86_400, "6 days"),
            (90 * 86_400, "3 months"),
            (800 * 86_400, "2 years"),
        ] {
            let now = Timestamp::from_second(1_000_000_000 + later).expect("valid");
            assert_eq!(words(at, now), expected);
        }
    }

    #[test]
    fn the_screen_lives_in_minutes() {
        let now = Timestamp::from_second(1_000_000_079).expect("valid");
        assert_eq!(minute(now).as_second() % 60, 0);
        assert!(minute(now) <= now);
        assert_eq!(ago(now, minute(now)), "just now");
    }
}

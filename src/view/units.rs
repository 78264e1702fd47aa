//! Sizes and waiting times in words.

use jiff::Timestamp;

/// Bytes in words.
pub fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let of = |unit: u64| count as f64 / unit as f64;
    match count {
        0..=1023 => format!("{count} B"),
        1024..=1_048_575 => format!("{:.1} KiB", of(1024)),
        1_048_576..=1_073_741_823 => format!("{:.1} MiB", of(1_048_576)),
        _ => format!("{:.1} GiB", of(1_073_741_824)),
    }
}

/// Milliseconds before waiting is worth showing.
const PATIENCE: i64 = 300;

/// How long something has been waited for, in words, once that is worth showing.
pub fn waited(since: Timestamp, now: Timestamp) -> Option<String> {
    let ms = now.as_millisecond() - since.as_millisecond();
    (ms >= PATIENCE).then(|| match ms / 1000 {
        0 => String::new(),
        seconds => format!(", {seconds} s"),
    })
}

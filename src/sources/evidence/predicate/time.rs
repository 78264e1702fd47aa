//! Times as predicates write them.

use jiff::Timestamp;

/// A time by RFC 3339. One that cannot be read is none, and so is one at or before 1970: tools write the
/// zero of their clock where they know no time.
pub(super) fn time(text: Option<&str>) -> Option<Timestamp> {
    let at: Timestamp = text?.parse().ok()?;
    (at > Timestamp::UNIX_EPOCH).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zero_of_a_clock_is_no_time() {
        for zero in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", "yesterday"] {
            assert_eq!(time(Some(zero)), None, "{zero}");
        }
        assert_eq!(time(None), None);
        assert!(time(Some("2026-01-31T08:00:00+01:00")).is_some());
    }
}

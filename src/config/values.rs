//! Small values of `pindeck.toml`: durations, weekly moments.

use jiff::civil::{Time, Weekday};

/// Seconds of "24h", "7d", "1d 12h", "30m", "90s", "2w".
///
/// # Errors
/// A sentence saying what is accepted.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let wrong =
        || format!("{text:?} is no duration: write whole numbers with units, as in \"7d\", \"24h\" or \"1d 12h\"");
    let mut total: i64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.chars().next().ok_or_else(wrong)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        rest = rest[unit.len_utf8()..].trim_start();
        total = number
            .checked_mul(factor)
            .and_then(|n| total.checked_add(n))
            .ok_or_else(wrong)?;
    }
    Ok(total)
}

/// "Fri 16:00".
///
/// # Errors
/// A sentence saying what is accepted.
pub(super) fn moment(text: &str) -> Result<(Weekday, Time), String> {
    let wrong = || format!("{text:?} is no moment of the week: write a day and a time, as in \"Fri 16:00\"");
    let (day, time) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let day = match day.to_ascii_lowercase().as_str() {
        "mon" | "monday" => Weekday::Monday,
        "tue" | "tuesday" => Weekday::Tuesday,
        "wed" | "wednesday" => Weekday::Wednesday,
        "thu" | "thursday" => Weekday::Thursday,
        "fri" | "friday" => Weekday::Friday,
        "sat" | "saturday" => Weekday::Saturday,
        "sun" | "sunday" => Weekday::Sunday,
        _ => return Err(wrong()),
    };
    let (hour, minute) = time.trim().split_once(':').ok_or_else(wrong)?;
    let number = |s: &str| {
        if s.len() == 2 {
            s.parse::<i8>().map_err(|_| wrong())
        } else {
            Err(wrong())
        }
    };
    let time = Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| wrong())?;
    Ok((day, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, want) in [
            ("24h", 86_400),
            ("7d", 604_800),
            ("1d 12h", 129_600),
            ("90s", 90),
            ("2w", 1_209_600),
            ("0m", 0),
        ] {
            assert_eq!(seconds(text), Ok(want), "{text}");
        }
        for bad in [
            "",
            "24",
            "h",
            "1.5h",
            "-1h",
            "1y",
            "1h x",
            "99999999999999999999h",
            "9223372036854775807w",
            "1é",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn moments() {
        assert_eq!(moment("Fri 16:00"), Ok((Weekday::Friday, Time::constant(16, 0, 0, 0))));
        for bad in ["Fri", "16:00", "Fri 24:00", "Fri 1:00", "Foo 10:00", "Fri 10:60", ""] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}

//! Scalars without quotes that Helm and kustomize take for something else than a text. They read YAML 1.1, hand it on as
//! JSON and print what comes out: a tag `1.10` becomes `1.1`, `0123` becomes `83`, and 64 digits a number with an exponent.

use granit_parser::ScalarStyle;

use super::tree::{Id, Kind, Tree};

/// What is printed of a scalar that is no text to them; `None` where it is one.
fn printed(text: &str) -> Option<String> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Some("true".to_owned());
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Some("false".to_owned());
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let plain = text.replace('_', "");
    let number = integer(&plain).or_else(|| plain.parse().ok().filter(|_| is_float(&plain)));
    number.filter(|number: &f64| number.is_finite()).map(as_go_prints)
}

/// An integer with the prefixes of other bases, and of base eight where it begins with a zero.
#[allow(
    clippy::cast_precision_loss,
    reason = "the readers that are followed lose the same digits"
)]
fn integer(plain: &str) -> Option<f64> {
    let (sign, digits) = match plain.as_bytes().first()? {
        b'-' => (-1.0, &plain[1..]),
        b'+' => (1.0, &plain[1..]),
        _ => (1.0, plain),
    };
    let lower = digits.to_ascii_lowercase();
    let (digits, base) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, base)
        .ok()
        .map(|number| sign * number as f64)
}

/// Whether a text is a float: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(plain: &str) -> bool {
    let body = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    let (mantissa, exponent) = body.split_once(['e', 'E']).map_or((body, None), |(m, e)| (m, Some(e)));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    is_digits(whole)
        && is_digits(rest)
        && !(whole.is_empty() && rest.is_empty())
        && exponent.is_none_or(|text| {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            !digits.is_empty() && is_digits(digits)
        })
}

/// A number as the templates print it: with an exponent from a million on, and below a ten-thousandth.
fn as_go_prints(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn plain<'t>(tree: &'t Tree<'_>, id: Id) -> Option<&'t str> {
    match &tree.node(tree.resolve(id)).kind {
        Kind::Scalar(text, ScalarStyle::Plain) => Some(text),
        _ => None,
    }
}

/// Why Helm makes another text of a tag or digest than is written, if it does.
pub(super) fn changed_by_helm(tree: &Tree<'_>, id: Id) -> Option<String> {
    let text = plain(tree, id)?;
    let printed = printed(text).filter(|printed| printed != text)?;
    Some(format!(
        "without quotes this is the number {printed} (or a truth value), not the text {text}: quote it"
    ))
}

/// Whether a scalar is no text for readers of YAML 1.1, who refuse it where a text belongs.
pub(super) fn is_typed(tree: &Tree<'_>, id: Id) -> bool {
    plain(tree, id).is_some_and(|text| printed(text).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::printed;

    #[test]
    fn what_helm_prints() {
        let digits = "1".repeat(64);
        for (text, expected) in [
            ("1.10", Some("1.1")),
            ("1.2", Some("1.2")),
            ("2.0", Some("2")),
            ("123", Some("123")),
            ("999999", Some("999999")),
            ("1000000", Some("1e+06")),
            ("20240102", Some("2.0240102e+07")),
            ("0123", Some("83")),
            ("0129", Some("129")),
            ("0x1F", Some("31")),
            ("0o17", Some("15")),
            ("0b11", Some("3")),
            ("1_000", Some("1000")),
            ("1e5", Some("100000")),
            ("1E5", Some("100000")),
            ("12e30", Some("1.2e+31")),
            ("5.", Some("5")),
            (".5", Some("0.5")),
            ("0.00001", Some("1e-05")),
            ("-1", Some("-1")),
            ("on", Some("true")),
            ("No", Some("false")),
            (digits.as_str(), Some("1.1111111111111112e+63")),
            ("1.2.3", None),
            ("v1", None),
            ("1e", None),
            ("1e5a", None),
            ("7e999", None),
            ("0x", None),
            ("1-2", None),
            ("2024-01-02", None),
            ("deadbeef", None),
            ("_1", None),
            ("sha256:11", None),
            ("", None),
        ] {
            assert_eq!(printed(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        /// A letter that no number has makes a text.
        #[test]
        fn versions_with_letters_are_texts(text in "[0-9]{0,8}[g-wyzG-WYZ][0-9a-z.]{1,20}") {
            let is_truth = ["yes", "no", "on", "off", "true", "false", "y", "n"].contains(&text.to_lowercase().as_str());
            prop_assert!(is_truth || text.contains(['o', 'O', 'x']) || printed(&text).is_none());
        }

        /// Nothing panics, and a small number comes out as it is written.
        #[test]
        fn small_numbers_stay(number in 0u32..1_000_000, any in "\\PC{0,20}") {
            let _ = printed(&any);
            prop_assert_eq!(printed(&number.to_string()), Some(number.to_string()));
        }
    }
}

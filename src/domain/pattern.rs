//! Regular expressions that a team writes into its configuration.

use regex::Regex;

/// Where a pattern names the service that is asked about.
const SERVICE: &str = "{service}";

/// Compiles a pattern so that it matches a whole text or nothing. `{service}` stands for the service's
/// name, taken literally; without a name, a pattern that uses it matches nothing.
///
/// The pattern must compile on its own first: `x)|(?:.*` would otherwise close the group that anchors
/// it, and match everything.
///
/// # Errors
/// If the pattern is no regular expression; the text says why.
pub fn anchored(pattern: &str, service: Option<&str>) -> Result<Option<Regex>, String> {
    let filled = match service {
        Some(name) => pattern.replace(SERVICE, &format!("(?:{})", regex::escape(name))),
        None if pattern.contains(SERVICE) => return Ok(None),
        None => pattern.to_owned(),
    };
    Regex::new(&filled).map_err(|error| error.to_string())?;
    // \A and \z mean the ends of the text whatever flags the pattern sets. In a pattern that ends with a
    // comment, `(?x) a # b`, only a new line ends the comment; elsewhere it would be part of the pattern,
    // so it is tried second.
    let whole = Regex::new(&format!(r"\A(?:{filled})\z"));
    whole
        .or_else(|_| Regex::new(&format!("\\A(?:{filled}\n)\\z")))
        .map(Some)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        anchored(pattern, Some("web"))
            .expect(pattern)
            .expect("a name is given")
            .is_match(text)
    }

    #[test]
    fn a_pattern_matches_the_whole_text_or_nothing() {
        for (pattern, yes, no) in [
            ("a|ab", &["a", "ab"][..], &["abc", "xa", "a\n", "\na"][..]),
            ("(?m)^a$", &["a"], &["a\nb", "b\na"]),
            ("(?s).*@example", &["x@example", "x\ny@example"], &["x@example.evil"]),
            ("(?x) a # the letter", &["a"], &["ab", "a\n", "a # the letter"]),
            ("(?x)a#", &["a"], &["ab"]),
            ("(?i)ab", &["AB"], &["ABC"]),
            ("", &[""], &["a"]),
            ("{service}-ci", &["web-ci"], &["webb-ci", "we-ci"]),
            // The name is one thing: it is not its last letter that is optional.
            ("{service}?-ci", &["web-ci", "-ci"], &["we-ci"]),
        ] {
            for text in yes {
                assert!(matches(pattern, text), "{pattern} {text:?}");
            }
            for text in no {
                assert!(!matches(pattern, text), "{pattern} {text:?}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_alone_is_refused() {
        for pattern in ["x)|(?:.*", ")", "(", "x)\\z|(?:", "(?x", "[", "a\\", "x)#|(?x: .*", "*"] {
            assert!(anchored(pattern, Some("web")).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_service_is_taken_literally_and_must_be_known() {
        let regex = anchored("{service}@example", Some("a.b|.*"))
            .expect("compiles")
            .expect("named");
        assert!(regex.is_match("a.b|.*@example"));
        assert!(!regex.is_match("anything@example"));
        assert!(anchored("{service}@example", None).expect("compiles").is_none());
    }
}

//! Texts that a gate matches, said as pindeck says them: patterns anchored at both ends.

use super::AuthorityMatch;
use crate::domain::pattern::anchored;
use crate::domain::policy::Match;

/// What pindeck puts a service's name in for. A gate takes it literally.
const SERVICE: &str = "{service}";

impl AuthorityMatch {
    /// The same rule in pindeck's words.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub(crate) fn as_match(&self) -> Result<Match, String> {
        let (Self::Exact(text) | Self::GoRegexp(text) | Self::Wildcard(text)) = self;
        if text.contains(SERVICE) {
            return Err(format!("{text:?} has {SERVICE} in it, which a gate takes literally"));
        }
        let regex = match self {
            Self::Exact(text) => return Ok(Match::Exact(text.clone())),
            Self::Wildcard(text) if !text.contains(['*', '?']) => return Ok(Match::Exact(text.clone())),
            Self::Wildcard(text) => {
                let part = |c: char| match c {
                    '*' => "(?s:.*)".to_owned(),
                    '?' => "(?s:.)".to_owned(),
                    c => regex::escape(c.encode_utf8(&mut [0; 4])),
                };
                text.chars().map(part).collect()
            }
            Self::GoRegexp(text) => {
                let own = ascii_classes(text)?;
                // It must be a pattern by itself before anything is put around it.
                anchored(&own, None).map_err(|why| format!("{text:?} is no pattern that pindeck reads: {why}"))?;
                match whole(&own) {
                    Some(inner) => inner,
                    None => format!("(?s:.*)(?:{own})(?s:.*)"),
                }
            }
        };
        anchored(&regex, None).map_err(|why| format!("{text:?} is no pattern that pindeck reads: {why}"))?;
        Ok(Match::Regex(regex))
    }

    /// How it is shown.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Exact(text) | Self::Wildcard(text) => text.clone(),
            Self::GoRegexp(text) => format!("/{text}/"),
        }
    }
}

/// The inside of `^…$` where nothing outside the two can match: what is left has no alternatives and no flags of its own.
fn whole(pattern: &str) -> Option<String> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let plain = !inner.contains(['|', '(', ')']) && !inner.ends_with('\\');
    plain.then(|| inner.to_owned())
}

/// Go's classes are those of ASCII, ours those of Unicode: they are written so that both mean the same.
fn ascii_classes(pattern: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let Some(escaped) = chars.next() else {
                    return Err(format!("{pattern:?} ends in the middle of an escape"));
                };
                let name = match escaped {
                    'd' | 'D' => Some("digit"),
                    'w' | 'W' => Some("word"),
                    's' | 'S' => Some("space"),
                    _ => None,
                };
                match (name, class) {
                    (Some(name), _) => {
                        let not = if escaped.is_ascii_uppercase() { "^" } else { "" };
                        match class {
                            true => out.push_str(&format!("[:{not}{name}:]")),
                            false => out.push_str(&format!("[[:{not}{name}:]]")),
                        }
                    }
                    // The edges of a word for us, the characters themselves for Go.
                    (None, _) if matches!(escaped, '<' | '>') => out.push(escaped),
                    (None, false) if matches!(escaped, 'b' | 'B') => out.push_str(&format!("(?-u:\\{escaped})")),
                    (None, _) => {
                        out.push('\\');
                        out.push(escaped);
                    }
                }
            }
            '[' if !class => {
                class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            // Inside a class a bracket is a character for Go, and another class for us.
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
                if !out.ends_with(":]") {
                    return Err(format!("{pattern:?} has [: in a class that names none"));
                }
            }
            '[' => out.push_str("\\["),
            ']' if class => {
                class = false;
                out.push(']');
            }
            // `--`, `&&` and `~~` are operators for us only.
            '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            '-' if class && chars.peek() == Some(&'-') => out.push_str("\\-"),
            // A repetition for us, the characters themselves for Go.
            '{' if !class && chars.peek() == Some(&',') => {
                return Err(format!("{pattern:?} has a repetition without a beginning"));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl AuthorityMatch {
        /// Whether a text is matched; `None` if that cannot be told.
        fn fits(&self, text: &str) -> Option<bool> {
            match self.as_match().ok()? {
                Match::Exact(wanted) => Some(wanted == text),
                Match::Regex(pattern) => Some(anchored(&pattern, None).ok()??.is_match(text)),
            }
        }
    }

    #[test]
    fn a_pattern_of_go_matches_the_same_texts() {
        for (pattern, yes, no) in [
            (
                "kubernetes.io",
                &["https://kubernetes.io/x", "kubernetesXio"][..],
                &["kubernetes"][..],
            ),
            (
                "^https://a/[^/]+$",
                &["https://a/b"],
                &["https://a/b/c", "xhttps://a/b"],
            ),
            ("^a|b$", &["ax", "xb"], &["xa", "bx"]),
            ("\\d", &["a1"], &["a\u{661}"]),
            ("^[\\w.-]+$", &["a_1.b-c"], &["\u{e9}", "a b"]),
            ("^\\W$", &["-", "\u{e9}"], &["a"]),
            ("[[]", &["["], &["a"]),
            ("^[[:alpha:]]$", &["a"], &["1"]),
            ("^[a&&b]$", &["a", "&"], &["c"]),
            ("(?i)^A$", &["a"], &["b"]),
            (".*", &["", "x\ny"], &[]),
            ("\\bx\\b", &["a x"], &["ax"]),
            // An escaped character for Go, the edge of a word for us.
            ("^a\\<b\\>$", &["a<b>"], &["ab"]),
        ] {
            let rule = AuthorityMatch::GoRegexp(pattern.to_owned());
            for text in yes {
                assert_eq!(rule.fits(text), Some(true), "{pattern} {text:?}");
            }
            for text in no {
                assert_eq!(rule.fits(text), Some(false), "{pattern} {text:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_said_is_told() {
        for pattern in [
            "****",
            "(",
            "x)|(?:.*",
            "a\\",
            "\\Qa\\E",
            "{service}",
            "[[:x]a]",
            "a{,2}",
        ] {
            assert!(
                AuthorityMatch::GoRegexp(pattern.to_owned()).as_match().is_err(),
                "{pattern}"
            );
        }
        assert!(AuthorityMatch::Exact("x{service}".to_owned()).as_match().is_err());
    }

    #[test]
    fn wildcards_are_literal_but_for_two_characters() {
        let rule = AuthorityMatch::Wildcard("https://github.com/a.b/*".to_owned());
        assert_eq!(rule.fits("https://github.com/a.b/c/d"), Some(true));
        assert_eq!(rule.fits("https://github.com/aXb/c"), Some(false));
        assert_eq!(rule.fits("xhttps://github.com/a.b/c"), Some(false));
    }
}

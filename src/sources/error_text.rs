//! Errors of other people's crates in words: the outermost often says only that something failed.

use std::error::Error;

/// An error with its causes, outermost first. A cause that the words before it end with is not said twice.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

//! Credentials in memory: nothing prints them.

use std::fmt;

/// A text that no log and no error may show.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SecretText(pub String);

/// Bytes that no log and no error may show.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SecretBytes(pub Vec<u8>);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

//! Tokens that lie in files: they are read anew for each connection, because the cluster changes them.

use std::path::Path;

/// The token in a file, without the space around it.
///
/// # Errors
/// If the file cannot be read: its name and why.
pub(super) fn read_token(file: &Path) -> Result<String, String> {
    let read = std::fs::read_to_string(file);
    read.map(|token| token.trim().to_owned())
        .map_err(|error| format!("{}: {error}", file.display()))
}

//! What a connection takes besides the client: tokens from files, addresses of this machine, reasons of errors.

use std::path::Path;

use reqwest::Url;

pub(super) fn read_token(file: &Path) -> Result<String, String> {
    let read = std::fs::read_to_string(file);
    read.map(|token| token.trim().to_owned())
        .map_err(|error| format!("{}: {error}", file.display()))
}

pub(super) fn is_loopback(server: &str) -> bool {
    let host = Url::parse(server)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "[::1]") || host.starts_with("127."))
}

/// An error with what is behind it: the outermost says only that a request failed.
pub(super) fn reasons(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        source = inner.source();
    }
    words
}

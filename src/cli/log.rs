//! `PINDECK_LOG`: what is logged, to a file in the state folder, never to the screen.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::config::user;

/// A log larger than this is begun anew, the old one kept beside it.
const LARGE: u64 = 8 << 20;

/// Where the log is.
pub(crate) fn path() -> Option<PathBuf> {
    user::state_dir().map(|dir| dir.join("pindeck.log"))
}

/// Starts logging, if `PINDECK_LOG` says what. A log that cannot be written is a warning.
pub(crate) fn start() {
    let Ok(wanted) = std::env::var("PINDECK_LOG") else {
        return;
    };
    if wanted.trim().is_empty() {
        return;
    }
    let filter = match EnvFilter::try_new(&wanted) {
        Ok(filter) => filter,
        Err(error) => {
            return super::output::warn(&format!(
                "PINDECK_LOG={wanted:?} is no filter ({error}); try PINDECK_LOG=debug"
            ));
        }
    };
    let Some(path) = path() else {
        return super::output::warn("nothing is logged: there is no state folder (set HOME or XDG_STATE_HOME)");
    };
    let file = match open(&path) {
        Ok(file) => file,
        Err(error) => {
            return super::output::warn(&format!(
                "nothing is logged: {} cannot be written: {error}",
                path.display()
            ));
        }
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(Redacting(file)))
        .finish();
    // Only ever the first.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn open(path: &std::path::Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    if std::fs::metadata(path).is_ok_and(|m| m.len() > LARGE) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes lines without their secrets.
struct Redacting<W>(W);

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(redacted(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with everything that looks like a credential struck out: what follows `Bearer` and
/// `Basic`, the user part of URLs, and the values of telling names.
fn redacted(text: &str) -> String {
    use std::sync::LazyLock;
    type Rule = (Option<regex::Regex>, &'static str);
    static RULES: LazyLock<[Rule; 3]> = LazyLock::new(|| {
        [
            (r"(?i)\b(bearer|basic)(\s+|%20)[A-Za-z0-9._~+/=-]+", "$1 [redacted]"),
            (r"://[^/\s@]+@", "://[redacted]@"),
            (
                r#"(?i)\b(password|passwd|secret|token|access_token|refresh_token|identitytoken|auth|authorization|sig|signature|x-amz-[a-z-]+)("?\s*[:=]\s*"?)[^\s"&,;}]+"#,
                "$1$2[redacted]",
            ),
        ]
        .map(|(rule, with)| (regex::Regex::new(rule).ok(), with))
    });
    let mut out = text.to_owned();
    for (rule, with) in RULES.iter() {
        match rule {
            Some(rule) => out = rule.replace_all(&out, *with).into_owned(),
            // Better no log than one with secrets.
            None => return "[not logged]\n".to_owned(),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_struck_out() {
        let line = r#"GET https://user:hunter2@r.example/v2/?sig=abc%2F&x=1 Authorization: Bearer eyJhb.Gci-_0 "password": "hunter2", token=hunter2 auth="aHVudGVyMg==""#;
        let out = redacted(line);
        for secret in ["hunter2", "abc%2F", "eyJhb", "aHVudGVyMg"] {
            assert!(!out.contains(secret), "{out}");
        }
        assert!(out.contains("r.example/v2/") && out.contains("x=1"), "{out}");
        assert_eq!(
            redacted("HEAD /v2/shop/api/manifests/v1 200"),
            "HEAD /v2/shop/api/manifests/v1 200"
        );
    }
}

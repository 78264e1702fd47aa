//! The token of a forge: from the environment, else from the forge's own program, which keeps one for each host.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::address::ForgeAddress;
use crate::domain::proposal::ForgeKind;

/// Longest that a forge's own program may take to name a token.
const PROGRAM_LIMIT: Duration = Duration::from_secs(5);

/// A token that no log and no error may show.
#[derive(Clone, PartialEq, Eq)]
pub struct ForgeToken(String);

impl fmt::Debug for ForgeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl ForgeToken {
    /// A text as a token; `None` if it is blank, or no text for a header.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_token = !text.is_empty() && text.len() <= 4096 && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| Self(text.to_owned()))
    }

    /// The text for the one header that carries it.
    pub(super) fn secret(&self) -> &str {
        &self.0
    }

    /// The token for a forge, if one is there and may be sent to it. Blocking: a program may be asked.
    pub(crate) fn find(forge: &ForgeAddress) -> Option<Self> {
        if !forge.may_send_token {
            return None;
        }
        let variable = |name: &&str| std::env::var(name).ok().and_then(|text| Self::new(&text));
        let named = Self::variables(forge).iter().find_map(variable);
        named.or_else(|| Self::of_program(forge))
    }

    /// Whether the environment has a token that would be taken, were it allowed to be sent.
    pub(crate) fn is_set(forge: &ForgeAddress) -> bool {
        let is_set = |name: &&str| std::env::var(name).is_ok_and(|text| Self::new(&text).is_some());
        Self::variables(forge).iter().any(is_set)
    }

    /// The variables that are read, in order. `CI_JOB_TOKEN` is none of them: it opens no merge request.
    fn variables(forge: &ForgeAddress) -> &'static [&'static str] {
        match forge.kind {
            ForgeKind::Github if forge.is_githubs_cloud() => &["PINDECK_FORGE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
            ForgeKind::Github => &["PINDECK_FORGE_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
            ForgeKind::Gitlab => &["PINDECK_FORGE_TOKEN", "GITLAB_TOKEN"],
            ForgeKind::Forgejo | ForgeKind::Gitea => &["PINDECK_FORGE_TOKEN", "GITEA_TOKEN"],
        }
    }

    /// What the forge's own program keeps for the host. Its files are not read: it may keep tokens in a keyring.
    fn of_program(forge: &ForgeAddress) -> Option<Self> {
        let host = forge.host.as_str();
        // An address with a scheme is none that these programs know.
        if host.contains("://") {
            return None;
        }
        let mut command = match forge.kind {
            ForgeKind::Github => {
                let mut gh = Command::new("gh");
                gh.args(["auth", "token", "--hostname", host]);
                gh
            }
            ForgeKind::Gitlab => {
                let mut glab = Command::new("glab");
                glab.args(["config", "get", "token", "--host", host]);
                glab
            }
            ForgeKind::Forgejo | ForgeKind::Gitea => return None,
        };
        let mut child = command
            .env("GH_PROMPT_DISABLED", "1")
            .env("NO_PROMPT", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let deadline = Instant::now() + PROGRAM_LIMIT;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => break,
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return None;
                }
            }
        }
        let mut text = String::new();
        let mut out = std::io::Read::take(child.stdout.take()?, 8192);
        std::io::Read::read_to_string(&mut out, &mut text).ok()?;
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_nobody_prints_it() {
        let token = ForgeToken::new(" glpat-secret\n").expect("a token");
        assert_eq!(token.secret(), "glpat-secret");
        assert!(!format!("{token:?}").contains("glpat"));
        for none in ["", "  ", "two words", "line\nbreak", "\u{7f}", &"x".repeat(5000)] {
            assert_eq!(ForgeToken::new(none), None, "{none:?}");
        }
    }

    #[test]
    fn where_no_token_may_be_sent_none_is_looked_for() {
        let forge = ForgeAddress {
            kind: ForgeKind::Gitlab,
            host: "git.example".to_owned(),
            api: "https://git.example/api/v4".to_owned(),
            repository: "o/r".to_owned(),
            may_send_token: false,
        };
        assert_eq!(ForgeToken::find(&forge), None);
    }
}

//! Source repositories: which URLs name the same one.
//!
//! Provenance writes a repository in many ways (`git+https://…@refs/heads/main`, `git@host:owner/name`).
//! A policy compares it with the one that the team names, so two URLs are equal only where no reader
//! could take them for different repositories. What cannot be decided is equal to nothing.

use std::fmt;

use url::Url;

/// One source repository, in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRepository {
    /// Whether the transport tells who answers (HTTPS, SSH). What plain HTTP names may be answered by
    /// anybody on the way, so it is another repository.
    authenticated: bool,
    /// A user name that is part of the address; the `git` of SSH addresses is none.
    user: Option<String>,
    /// Host name in lower case, without a final dot.
    host: String,
    /// The port, where it is not the usual one of the transport.
    port: Option<u16>,
    /// Path without leading and trailing `/`, without `.git`; unreserved characters are not encoded.
    path: String,
}

/// Why a text names no source repository that can be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; write it like https://github.com/owner/name")]
pub struct SourceError {
    what: &'static str,
}

const fn refused(what: &'static str) -> SourceError {
    SourceError { what }
}

impl fmt::Display for SourceRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.authenticated { "https://" } else { "http://" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.path)
    }
}

impl SourceRepository {
    /// Reads an `https`, `http`, `ssh` or `git` URL, with or without `git+` before it, or the short form
    /// of SSH (`git@host:owner/name`). A revision after `@` and a fragment are left out.
    ///
    /// # Errors
    /// If the text is no such URL, or if readers may understand it differently: dot segments, encoded
    /// dots and slashes, backslashes, empty segments, queries, passwords, control characters.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(refused("it has a blank, a control character or a backslash"));
        }
        let address = text.split('#').next().unwrap_or_default();
        if address.contains('?') {
            return Err(refused("it has a query, which may name another repository"));
        }
        let address = address.strip_prefix("git+").unwrap_or(address);
        let expanded;
        let address = match address.split_once("://") {
            Some(_) => address,
            None => {
                expanded = short_form(address)?;
                &expanded
            }
        };
        let (scheme, rest) = address.split_once("://").unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        let (authenticated, usual) = match scheme.as_str() {
            "https" => (true, 443),
            "ssh" => (true, 22),
            "http" => (false, 80),
            "git" => (false, 9418),
            _ => return Err(refused("it is no URL by https, ssh, http or git")),
        };
        let (authority, path) = rest.split_once('/').ok_or(refused("it has no path"))?;
        let path = repository_path(path)?;
        // Only the authority is left to the parser, as that of a scheme whose rules are written down
        // (WHATWG): it may rewrite a path.
        let parsed = Url::parse(&format!("ftp://{authority}/")).map_err(|_| refused("its host is not valid"))?;
        if parsed.password().is_some() {
            return Err(refused("it has a password in it"));
        }
        let host = parsed.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        // A name of dots alone would pass for the way up.
        let has_empty_label = host.split('.').any(str::is_empty);
        if has_empty_label || authority.contains('%') || authority.matches('@').count() > 1 {
            return Err(refused("its host is not valid"));
        }
        let user = Some(parsed.username()).filter(|user| !(user.is_empty() || scheme == "ssh" && *user == "git"));
        Ok(Self {
            authenticated,
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port: port(authority)?.filter(|port| *port != usual),
            path,
        })
    }

    /// Whether two texts name the same repository. A text that cannot be read is equal to nothing, not
    /// even to itself.
    pub fn same(a: &str, b: &str) -> bool {
        Self::parse(a).is_ok_and(|a| Self::parse(b).is_ok_and(|b| a == b))
    }
}

/// `git@host:owner/name` as an `ssh` URL.
fn short_form(text: &str) -> Result<String, SourceError> {
    let no_url = refused("it is no URL");
    let (authority, path) = text.split_once(':').ok_or(no_url.clone())?;
    let named = authority
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if !named || authority.contains('/') {
        return Err(no_url);
    }
    Ok(format!("ssh://{authority}/{}", path.strip_prefix('/').unwrap_or(path)))
}

/// The port as written. The parser is not asked: it leaves out what is usual for its own scheme.
fn port(authority: &str) -> Result<Option<u16>, SourceError> {
    let host = authority.rsplit('@').next().unwrap_or(authority);
    // The colons of an IPv6 address stand inside brackets.
    let after = host.rsplit(']').next().unwrap_or(host);
    match after.rsplit_once(':') {
        None | Some((_, "")) => Ok(None),
        Some((_, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().map(Some).map_err(|_| refused("its port is not valid"))
        }
        Some(_) => Err(refused("its port is not valid")),
    }
}

/// The path of the repository alone: without a revision, a final `/` and `.git`.
fn repository_path(path: &str) -> Result<String, SourceError> {
    let path = unencoded(path)?;
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(refused("it has a dot segment"));
    }
    let path = without_revision(&path)?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = path.strip_suffix(".git").unwrap_or(path);
    if path.split('/').any(str::is_empty) {
        return Err(refused("a segment of its path is empty"));
    }
    Ok(path.to_owned())
}

/// The path without a revision. A revision follows the last segment; one that has slashes itself is a
/// whole reference (`@refs/heads/main`). Any other `@` is a part of the path.
fn without_revision(path: &str) -> Result<&str, SourceError> {
    let (before, revision) = match path.split_once("@refs/") {
        Some(found) => found,
        None => {
            let last = path.rfind('/').map_or(0, |at| at + 1);
            match path[last..].find('@') {
                // `@scope/name` and a segment that begins with `@` are names.
                Some(0) | None => return Ok(path),
                Some(at) => (&path[..last + at], &path[last + at + 1..]),
            }
        }
    };
    if revision.is_empty() {
        return Err(refused("its revision is empty"));
    }
    Ok(before)
}

/// Percent-encoding in one form: characters that need none are written plainly, other bytes with
/// upper-case digits (RFC 3986, section 6.2.2).
fn unencoded(path: &str) -> Result<String, SourceError> {
    let broken = refused("its percent-encoding is broken");
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3).ok_or(broken.clone())?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(broken);
        }
        let byte = u8::from_str_radix(digits, 16).map_err(|_| broken.clone())?;
        match byte {
            b'.' | b'/' | b'\\' | b'%' | b'@' | b'#' | b'?' | 0..=0x1f | 0x7f => {
                return Err(refused("it encodes a character that changes what a path means"));
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "https://github.com/example/app";

    #[test]
    fn one_repository_has_many_spellings() {
        for same in [
            "https://github.com/example/app",
            "https://github.com/example/app/",
            "https://github.com/example/app.git",
            "https://github.com/example/app.git/",
            "https://GITHUB.com/example/app",
            "HTTPS://github.com/example/app",
            "https://github.com./example/app",
            "https://github.com:443/example/app",
            "https://github.com:/example/app",
            "https://github.com/%65xample/ap%70",
            "https://github.com/example/app#readme",
            "https://github.com/example/app#../../evil",
            "git+https://github.com/example/app",
            "git+https://github.com/example/app@refs/heads/main",
            "git+https://github.com/example/app.git@refs/tags/v1.0",
            "git+https://github.com/example/app@v1.0",
            "git+https://github.com/example/app@4be3c1d0f6a94d0fb1c25a1c4d3b2a1908f7e6d5",
            "https://github.com/example/app@refs/heads/feature/x",
            "git@github.com:example/app",
            "git@github.com:example/app.git",
            "git@github.com:/example/app.git",
            "ssh://git@github.com/example/app",
            "ssh://github.com/example/app.git",
            "ssh://git@github.com:22/example/app.git",
            "git+ssh://git@github.com/example/app.git",
            "git+ssh://git@github.com/example/app@refs/heads/main",
        ] {
            assert!(
                SourceRepository::same(APP, same),
                "{same}: {:?}",
                SourceRepository::parse(same)
            );
        }
    }

    #[test]
    fn another_repository_is_another() {
        for other in [
            "https://github.com/example/app2",
            "https://github.com/example/App",
            "https://github.com/example",
            "https://github.com/evil/backdoor@/example/app",
            "https://github.com/example/app@x/evil/backdoor",
            "https://github.com/example/app.git.git",
            "https://github.com/example/app/tree/main",
            "https://github.com.evil.test/example/app",
            "https://evil.test/github.com/example/app",
            "https://evil.test/https://github.com/example/app",
            "https://github.com:8443/example/app",
            "ssh://git@github.com:443/example/app",
            "http://github.com/example/app",
            "git://github.com/example/app",
            "https://someone@github.com/example/app",
            "https://git@github.com/example/app",
            "https://github.com@evil.test/example/app",
            "ssh://someone@github.com/example/app",
            "git@evil.test:example/app",
            "evil@github.com:example/app",
            "https://g\u{456}thub.com/example/app",
            "https://github.com/example/\u{430}pp",
        ] {
            assert!(!SourceRepository::same(APP, other), "{other}");
        }
        assert!(SourceRepository::same(
            "http://git.test/a/b",
            "http://GIT.test:80/a/b.git"
        ));
        assert!(SourceRepository::same(
            "https://org@dev.test/org/p/_git/r",
            "https://org@dev.test/org/p/_git/r"
        ));

        assert!(SourceRepository::same(
            "https://h.test/a%20b/_git/r",
            "https://h.test/a%20b/_git/r"
        ));
        assert!(SourceRepository::same(
            "https://h.test/a%c3%a9",
            "https://h.test/a%C3%A9"
        ));
    }

    #[test]
    fn what_readers_may_take_differently_is_equal_to_nothing() {
        for text in [
            "https://github.com/example/app@x/../../evil/backdoor",
            "https://github.com/example/app/../app",
            "https://github.com/example/./app",
            "https://github.com/example/app/..",
            "https://github.com/example/app/.",
            "https://github.com/example/app@refs/heads/../../../evil/backdoor",
            "https://github.com/example/%2e%2e/app",
            "https://github.com/example/app%2E",
            "https://github.com/example%2Fapp",
            "https://github.com/example%5capp",
            "https://github.com/example\\app",
            "https:\\\\github.com\\example\\app",
            "https://github.com/example/app%",
            "https://github.com/example/app%4",
            "https://github.com/example/app%+1",
            "https://github.com/example/app%00",
            "https://github.com/example/app%40v1",
            "https://github.com/example//app",
            "https://github.com//example/app",
            "https://github.com/example/app//",
            "https://github.com/example/.git",
            "https://github.com/example/app@",
            "https://github.com/example/app?x=/evil/backdoor",
            "https://github.com/",
            "https://github.com",
            "https:///example/app",
            "https://../example/app",
            "https://github..com/example/app",
            "https://user:secret@github.com/example/app",
            "https://a@b@github.com/example/app",
            "https://gith%75b.com/example/app",
            "https://github.com:99999/example/app",
            "https://github.com:x/example/app",
            " https://github.com/example/app",
            "https://github.com/example/app\n",
            "https://github.com/exa\tmple/app",
            "github.com/example/app",
            "github.com:example/app",
            "file:///example/app",
            "hg+https://github.com/example/app",
            "git+git+https://github.com/example/app",
            "javascript://github.com/example/app",
            "example/app",
            "",
        ] {
            assert!(
                SourceRepository::parse(text).is_err(),
                "{text}: {:?}",
                SourceRepository::parse(text)
            );
            assert!(!SourceRepository::same(text, text), "{text}");
        }
    }
}

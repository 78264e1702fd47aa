//! Another repository that an environment lies in, as a policy names it.

use super::text::quoted;

/// The repository of an environment, where that is not the one of `pindeck.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRepository {
    /// Where it is.
    pub address: RepositoryAddress,
    /// Only a file of a repository names it: it is neither cloned nor pushed to before the person approved it.
    pub by_repository: bool,
}

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryAddress {
    /// An address that git fetches from and pushes to.
    Url(String),
    /// A folder of this machine, absolute or relative to the folder of the policy.
    Folder(String),
}

impl RepositoryAddress {
    /// Reads an address. Only what git itself carries, and what names no program and no password, is one.
    ///
    /// # Errors
    /// What is wrong with it, as a clause that follows its text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('-') || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("is no address of a repository".to_owned());
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            of_scheme(scheme, rest)?;
            return Ok(Self::Url(text.to_owned()));
        }
        if let Some((helper, _)) = text.split_once("::") {
            return Err(format!(
                "names the program {} that git would start",
                quoted(&format!("git-remote-{helper}"))
            ));
        }
        if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) || text == ".." {
            return Ok(Self::Folder(text.to_owned()));
        }
        // As ssh names a place: [user@]host:path.
        let Some((place, path)) = text.split_once(':').filter(|(place, _)| !place.contains('/')) else {
            return Err("is neither an address nor a folder (write ./NAME for a folder)".to_owned());
        };
        let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
        match is_host(host) && !path.is_empty() && !path.starts_with('-') {
            true => Ok(Self::Url(text.to_owned())),
            false => Err("is no address of a repository".to_owned()),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Url(text) | Self::Folder(text) => text,
        }
    }
}

fn of_scheme(scheme: &str, rest: &str) -> Result<(), String> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let has_secret = match scheme {
        "ssh" => user.is_some_and(|user| user.contains(':')),
        _ => user.is_some(),
    };
    if has_secret {
        return Err("carries credentials: leave them to git's own credential helpers".to_owned());
    }
    match scheme {
        "https" | "ssh" if is_host(host) => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => Err("is plain HTTP, which anybody on the way can change: use https".to_owned()),
        "file" if host.is_empty() && rest.len() > 1 => Ok(()),
        "https" | "ssh" | "file" => Err("is no address of a repository".to_owned()),
        other => Err(format!(
            "uses {}: https, ssh and file are the ways to another repository",
            quoted(other)
        )),
    }
}

fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || ".-_:[]".contains(c);
    !host.is_empty() && !host.starts_with('-') && host.chars().all(plain)
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    matches!(name, Some("localhost" | "127.0.0.1" | "::1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_carries_is_an_address() {
        for url in [
            "https://git.example/team/production.git",
            "ssh://git@git.example:2222/team/production",
            "git@git.example:team/production.git",
            "git.example:production",
            "http://127.0.0.1:8080/production",
            "http://[::1]:8080/production",
            "file:///srv/git/production.git",
        ] {
            assert_eq!(
                RepositoryAddress::parse(url),
                Ok(RepositoryAddress::Url(url.to_owned())),
                "{url}"
            );
        }
        for folder in ["/srv/git/production", "./production", "../production", "..", "../a:b"] {
            let found = RepositoryAddress::parse(folder);
            assert_eq!(found, Ok(RepositoryAddress::Folder(folder.to_owned())), "{folder}");
        }
    }

    #[test]
    fn nothing_else_is_one() {
        for (text, words) in [
            ("ext::sh -c id", "no address"),
            ("ext::sh", "names the program"),
            ("git://git.example/x", "uses"),
            ("ftp://git.example/x", "uses"),
            ("http://git.example/x", "plain HTTP"),
            ("https://token@git.example/x", "credentials"),
            ("https://me:secret@git.example/x", "credentials"),
            ("ssh://me:secret@git.example/x", "credentials"),
            ("ssh://-oProxyCommand=id/x", "no address"),
            ("-oProxyCommand=id:x", "no address"),
            ("me@-oProxyCommand:x", "no address"),
            ("--upload-pack=id", "no address"),
            ("host:-x", "no address"),
            ("file://host/x", "no address"),
            ("production", "neither"),
            ("team/production", "neither"),
            ("a\nb", "no address"),
            ("", "no address"),
        ] {
            let wrong = RepositoryAddress::parse(text).expect_err(text);
            assert!(wrong.contains(words), "{text:?}: {wrong}");
        }
    }
}

//! Which forge a repository lies on, and whether a token may be sent there.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::proposal::{ForgeKind, ForgeSettings};

/// What is encoded in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One repository on one forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeAddress {
    /// The make of the forge.
    pub kind: ForgeKind,
    /// The host, with its port where it is written, for people.
    pub host: String,
    /// The address of the API, without a slash at its end.
    pub api: String,
    /// The path of the repository: `OWNER/NAME`, with more groups before it on GitLab.
    pub repository: String,
    /// A token may be sent there.
    pub may_send_token: bool,
}

/// What the URL of a git remote says.
struct RemotePlace {
    host: String,
    path: String,
    is_plain: bool,
}

/// What `[forge]` says of a repository other than the policy's own: not which one it is, and nothing of the forge where it
/// lies on another host than the policy's.
pub(crate) fn settings_elsewhere(
    settings: &ForgeSettings,
    home_url: Option<&str>,
    remote_url: Option<&str>,
) -> ForgeSettings {
    let name = |host: &str| {
        let host = host.rsplit("://").next().unwrap_or_default().trim_end_matches('/');
        host.split(':').next().unwrap_or_default().to_ascii_lowercase()
    };
    let of_url = |url: Option<&str>| url.and_then(place_of).map(|place| name(&place.host));
    let meant = settings.host.as_deref().map(name).or_else(|| of_url(home_url));
    let is_same_host = meant.is_some() && meant == of_url(remote_url);
    ForgeSettings {
        repository: None,
        host: settings.host.clone().filter(|_| is_same_host),
        kind: settings.kind.filter(|_| is_same_host),
        // A person's word about one host is none about another.
        by_repository: settings.by_repository || !is_same_host,
        ..settings.clone()
    }
}

impl ForgeAddress {
    /// The forge of a repository: as `[forge]` says, and where it says nothing, as the git remote does. `None` = there
    /// is none, or nobody said of which make it is.
    ///
    /// `approved` are the hosts that the person approved in their own configuration. A token may be sent where the
    /// person's own file names the host, where they approved it, or to a host that everybody knows and that the clone's
    /// own remote lies on. What a repository's file says permits nothing.
    pub fn of(settings: Option<&ForgeSettings>, remote_url: Option<&str>, approved: &[String]) -> Option<Self> {
        if settings.is_some_and(|settings| settings.is_none) {
            return None;
        }
        let remote = remote_url.and_then(place_of);
        let named = settings.and_then(|settings| settings.host.as_deref());
        let host = match (named, &remote) {
            (Some(named), _) => named.trim_end_matches('/').to_owned(),
            (None, Some(remote)) => remote.host.clone(),
            (None, None) => return None,
        };
        let known = ForgeKind::of_host(&host);
        let kind = settings.and_then(|settings| settings.kind).or(known)?;
        let repository = settings.and_then(|settings| settings.repository.clone());
        let repository = repository.or_else(|| remote.as_ref().map(|remote| remote.path.clone()))?;
        let parts: Vec<&str> = repository.split('/').collect();
        if parts.len() < 2 || parts.len() > 2 && kind != ForgeKind::Gitlab {
            return None;
        }
        let is_plain = named.is_none() && remote.is_some_and(|remote| remote.is_plain);
        let api = api_of(kind, &host, is_plain)?;
        let may_send_token = match settings {
            Some(settings) if !settings.by_repository => true,
            Some(settings) if settings.host.is_some() => approved.contains(&host),
            _ => known == Some(kind) || approved.contains(&host),
        };
        Some(Self {
            kind,
            host,
            api,
            repository,
            may_send_token,
        })
    }

    /// Whether it is GitHub's own cloud, and no server of a company's.
    pub(super) fn is_githubs_cloud(&self) -> bool {
        self.api == "https://api.github.com" || is_tenant(self.host.rsplit("://").next().unwrap_or_default())
    }

    /// Owner and name, each as a segment of a path.
    pub(super) fn owner_and_name(&self) -> (String, String) {
        let (owner, name) = self.repository.split_once('/').unwrap_or((&self.repository, ""));
        (segment(owner), segment(name))
    }

    /// The whole path as one segment, as GitLab takes it.
    pub(super) fn as_one_segment(&self) -> String {
        segment(&self.repository)
    }

    /// Whether an address that the forge names is one of its own, which a person may be sent to. It must say so in the
    /// plainest form: readers disagree about every other one.
    pub(super) fn is_own(&self, address: &str) -> bool {
        let own = self.host.rsplit("://").next().unwrap_or_default();
        let own = own.split('/').next().unwrap_or_default();
        let is_plain_text = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let begins = |scheme: &str| address.starts_with(&format!("{scheme}://{own}/"));
        let is_secure = begins("https") || is_loopback(own) && begins("http");
        is_plain_text && is_secure && address.len() <= 400
    }
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Whether a host, with or without a port, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name == "::1" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a host is a company's own part of GitHub's cloud. A path that ends like one is none.
fn is_tenant(host: &str) -> bool {
    host.ends_with(".ghe.com") && !host.contains(['/', '@', ':'])
}

/// The address of the API of a host, or of a server whose address is written out. `None` = it would be asked without
/// TLS, and is not on this machine.
fn api_of(kind: ForgeKind, host: &str, is_plain: bool) -> Option<String> {
    let path = match kind {
        ForgeKind::Github => "/api/v3",
        ForgeKind::Gitlab => "/api/v4",
        ForgeKind::Forgejo | ForgeKind::Gitea => "/api/v1",
    };
    let (scheme, rest) = match host.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None if is_plain && is_loopback(host) => ("http", host),
        None => ("https", host),
    };
    if scheme != "https" && !is_loopback(rest.split('/').next().unwrap_or_default()) {
        return None;
    }
    if kind == ForgeKind::Github {
        match rest {
            "github.com" | "api.github.com" => return Some("https://api.github.com".to_owned()),
            tenant if is_tenant(tenant) => return Some(format!("https://api.{tenant}")),
            _ => {}
        }
    }
    let rest = rest.trim_end_matches('/');
    // An address with the path of an API is taken as it is.
    let api = format!("{scheme}://{rest}");
    Some(if rest.ends_with(path) {
        api
    } else {
        format!("{api}{path}")
    })
}

/// Host and path of a git remote's URL. The port of SSH is not the web's; names and passwords are left out.
fn place_of(url: &str) -> Option<RemotePlace> {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        // `git@host:owner/name`; a path of this machine has no colon before its first slash.
        None => {
            let (authority, path) = url.split_once(':')?;
            if authority.contains('/') || authority.len() < 2 {
                return None;
            }
            return place("ssh", authority, path);
        }
    };
    let (authority, path) = rest.split_once('/')?;
    place(&scheme, authority, path)
}

fn place(scheme: &str, authority: &str, path: &str) -> Option<RemotePlace> {
    let host = authority.rsplit('@').next()?.to_ascii_lowercase();
    let name = |host: &str| match host.split_once(':') {
        Some((name, _)) if !host.starts_with('[') => name.to_owned(),
        _ => host.to_owned(),
    };
    let host = match scheme {
        "https" => host.strip_suffix(":443").unwrap_or(&host).to_owned(),
        "http" => host.strip_suffix(":80").unwrap_or(&host).to_owned(),
        "ssh" | "git+ssh" | "git" => name(&host),
        _ => return None,
    };
    // GitHub and GitLab take SSH at names of their own, for networks that close port 22.
    let host = match host.as_str() {
        "ssh.github.com" => "github.com".to_owned(),
        "altssh.gitlab.com" => "gitlab.com".to_owned(),
        _ => host,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+');
    let is_name = |part: &str| !part.is_empty() && part.chars().all(is_plain) && part.chars().any(|c| c != '.');
    let is_host = !host.is_empty() && host.chars().all(|c| is_plain(c) || matches!(c, ':' | '[' | ']'));
    let fine = is_host && path.len() <= 300 && path.split('/').all(is_name);
    fine.then(|| RemotePlace {
        host,
        path: path.to_owned(),
        is_plain: scheme == "http",
    })
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;

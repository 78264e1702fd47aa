//! The faults, each of them something that a real registry, machine or remote does.

use crate::support::fake::{Fake, Ways};
use crate::support::server::{Reply, Seen};

/// What is wrong with the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryFault {
    /// Nobody listens there.
    Refused,
    /// The name of the host means nothing.
    NoSuchHost,
    /// What answers speaks no TLS.
    NoTls,
    /// The connection is closed without a word.
    Reset,
    /// The connection is closed in the middle of a body.
    Truncated,
    /// A body begins and never goes on.
    Stalled,
    /// A body never ends.
    Endless,
    /// Credentials are asked for, given, and asked for again.
    Unauthorized,
    /// The answer to everything.
    Status(u16),
    /// Too many requests; for so many seconds, where it is said.
    Limited(Option<u8>),
    /// A page of somebody else says that there is nothing.
    StrangePage,
    /// The registry itself knows nothing any more.
    KnowsNothing,
    /// Other bytes than those that were asked for.
    OtherBytes,
    /// A byte less than there are, and nobody says so.
    ShortBytes,
    /// To another host, which answers as this one would.
    RedirectedElsewhere,
    /// To something that is no web address.
    RedirectedAway,
}

/// Answers a request under a fault. `elsewhere` is the address of another server with the same content.
pub fn answer(fault: RegistryFault, seen: &Seen, fake: &Fake, elsewhere: &str) -> Reply {
    let honest = || fake.answer(seen);
    match fault {
        RegistryFault::Refused | RegistryFault::NoSuchHost | RegistryFault::NoTls => honest(),
        RegistryFault::Reset => Reply::Reset,
        RegistryFault::Truncated => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{\"sch".to_vec()),
        RegistryFault::Stalled => Reply::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{\"sch".to_vec()),
        RegistryFault::Endless => Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        RegistryFault::Unauthorized if seen.path.starts_with("/token") => {
            Reply::new(200, r#"{"token":"dG9rZW4","expires_in":300}"#).with("Content-Type", "application/json")
        }
        RegistryFault::Unauthorized => {
            let host = seen.headers.get("host").cloned().unwrap_or_default();
            let challenge = format!(r#"Bearer realm="http://{host}/token",service="registry""#);
            Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", challenge)
        }
        RegistryFault::Status(status) => Reply::error(status, if status == 403 { "DENIED" } else { "UNKNOWN" }),
        RegistryFault::Limited(None) => Reply::error(429, "TOOMANYREQUESTS"),
        RegistryFault::Limited(Some(seconds)) => {
            Reply::error(429, "TOOMANYREQUESTS").with("Retry-After", seconds.to_string())
        }
        RegistryFault::StrangePage => Reply::new(404, "<html>not found</html>").with("Content-Type", "text/html"),
        RegistryFault::KnowsNothing => match seen.path.contains("/manifests/") {
            true => Reply::error(404, "MANIFEST_UNKNOWN"),
            false => Reply::error(404, "NAME_UNKNOWN"),
        },
        RegistryFault::OtherBytes => changed(honest(), seen, |body| body.push(b'\n')),
        RegistryFault::ShortBytes => changed(honest(), seen, |body| body.truncate(body.len().saturating_sub(1))),
        RegistryFault::RedirectedElsewhere => {
            Reply::new(307, "").with("Location", format!("http://{elsewhere}{}", seen.path))
        }
        RegistryFault::RedirectedAway => Reply::new(307, "").with("Location", "file:///etc/passwd"),
    }
}

/// Answers a request to a cluster's API server under the same fault. `honest` is what it would have said.
pub fn cluster_answer(fault: RegistryFault, seen: &Seen, honest: Reply, elsewhere: &str) -> Reply {
    let status = |code: u16, reason: &str| {
        let body =
            format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{reason}","code":{code}}}"#);
        Reply::new(code, body).with("Content-Type", "application/json")
    };
    match fault {
        RegistryFault::Unauthorized => status(401, "Unauthorized"),
        RegistryFault::Status(code) => status(code, "Forbidden"),
        RegistryFault::Limited(None) => status(429, "TooManyRequests"),
        RegistryFault::Limited(Some(seconds)) => {
            status(429, "TooManyRequests").with("Retry-After", seconds.to_string())
        }
        RegistryFault::KnowsNothing => status(404, "NotFound"),
        RegistryFault::OtherBytes | RegistryFault::ShortBytes => honest,
        RegistryFault::Refused | RegistryFault::NoSuchHost | RegistryFault::NoTls => honest,
        // What breaks a connection or an answer is the same whoever answers.
        broken => answer(broken, seen, &Fake::new(Ways::default()), elsewhere),
    }
}

/// An honest answer about content, with other bytes.
fn changed(reply: Reply, seen: &Seen, change: impl FnOnce(&mut Vec<u8>)) -> Reply {
    let is_content = seen.path.contains("/manifests/sha256:") || seen.path.contains("/blobs/sha256:");
    match reply {
        Reply::Full {
            status: 200,
            headers,
            mut body,
        } if is_content => {
            change(&mut body);
            let headers = headers
                .into_iter()
                .filter(|(name, _)| name != "Content-Length")
                .collect();
            Reply::Full {
                status: 200,
                headers,
                body,
            }
        }
        other => other,
    }
}

/// What is wrong with the machine or with git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalFault {
    /// No file can be written.
    DiskFull,
    /// The cache's folder cannot be made.
    NoCache,
    /// Every file of the cache holds something else.
    DamagedCache,
    /// The clock is so many years wrong.
    Clock(i32),
    /// The index of the clone is locked by another program.
    IndexLocked,
    /// The branch at the remote is locked by another program.
    BranchLocked,
    /// The working tree has changes, and files that nobody added.
    DirtyTree,
    /// The branch at the remote was rewritten: the same content, no common commit.
    RewrittenBranch,
    /// The branch at the remote is gone.
    DeletedBranch,
    /// The remote itself is gone.
    NoRemote,
    /// Another repository hangs in the tree, and is not there.
    Submodule,
    /// Whoever reads the output has left.
    ClosedPipe,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Everything works.
    None,
    Registry(RegistryFault),
    Local(LocalFault),
}

//! What git remembers about a pin.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::id::{Digest, EnvId, ServiceId, Target};
use super::pin_set::BranchPart;
use super::reference::Repository;
use super::text::Untrusted;

/// Whose pins a history is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HistoryKey {
    /// Whose they are.
    pub owner: PinOwner,
    /// Where they count.
    pub environment: EnvId,
    /// Which variant of the image, where the environment has several today.
    pub component: Option<String>,
}

/// Who has what is pinned, by today's names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PinOwner {
    /// A service of today, configured or inferred.
    Service(ServiceId),
    /// A repository that no service has today; a service may have come in its place.
    Nobody(Repository),
}

/// What is pinned. A digest names its bytes wherever they are; a tag names them only together with its repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PinIdentity {
    /// These bytes.
    Digest(Digest),
    /// Whatever a tag of a repository points at.
    Tag(Option<String>, Repository),
}

impl PinIdentity {
    /// The bytes, if they are named.
    pub(crate) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Digest(digest) => Some(*digest),
            Self::Tag(..) => None,
        }
    }
}

/// What is written where something is pinned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WrittenPin {
    /// The tag beside the digest, or alone.
    pub tag: Option<String>,
    /// The repository.
    pub image: Repository,
}

/// What a commit did to a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A step forward recorded by its trailers.
    Promote,
    /// A revert, by trailer or by git's own "This reverts commit".
    Revert,
    /// Anything else.
    Other,
}

/// One change of one pin, newest first in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Full commit id.
    pub commit: String,
    /// Author's name.
    pub author: Untrusted,
    /// Committer date.
    pub at: Timestamp,
    /// First line of the message.
    pub subject: Untrusted,
    /// What it did.
    pub action: Action,
    /// The commit it reverts.
    pub reverts: Option<String>,
    /// Digest before; `None` = no digest before.
    pub from: Option<Digest>,
    /// Digest after; `None` = removed or pinned by tag.
    pub to: Option<Digest>,
    /// Visible tag after.
    pub tag: Option<String>,
    /// Which variant of the image, where the environment has several.
    pub component: Option<String>,
    /// The break-glass reason, if gates were waived.
    pub break_glass: Option<Untrusted>,
    /// The commit of the branch that brought the change: the same one, or the merge of a side branch.
    pub landed: String,
    /// The part of the history in which the pin after it has been: on the branch, or only on a side branch.
    pub part: BranchPart,
}

impl Entry {
    /// Says so where the pin after the change never was what the branch itself pinned.
    pub(crate) fn aside(&self) -> Option<String> {
        let merge: String = self.landed.chars().take(12).collect();
        match self.part {
            BranchPart::Branch => None,
            BranchPart::Passed => Some(format!("on a side branch; merge {merge} brought what came of it")),
            BranchPart::Side => Some(format!(
                "only on a side branch; the branch had its own way before merge {merge}"
            )),
            BranchPart::Dropped => Some(format!("only on a side branch; merge {merge} dropped it")),
        }
    }
}

/// What a commit message records about one target (docs/reference/contract.md, "Commits"). A record, never an
/// input of a
/// gate: anybody may write such lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitRecord {
    /// What it did.
    pub action: Action,
    /// The commit it reverts.
    pub reverts: Option<String>,
    /// The break-glass reason.
    pub break_glass: Option<Untrusted>,
}

impl CommitRecord {
    /// Whether a message may record anything at all.
    pub(crate) fn may_be_in(message: &str) -> bool {
        message.contains("Pindeck-") || message.contains(REVERTS)
    }

    /// Reads a message. A paragraph of `Key: value` lines counts if it speaks of this target, or names
    /// no target; among several (a squash), the last.
    pub(crate) fn read(message: &str, target: &Target) -> Self {
        let reverts = message.lines().find_map(reverted);
        let trailers = message
            .split("\n\n")
            .map(trailers)
            .filter(|found| {
                let is = |name: &str, ours: &str| found.get(name).is_none_or(|value| *value == ours);
                found.contains_key("Action")
                    && is("Service", target.service.as_str())
                    && is("Environment", target.environment.as_str())
            })
            .last()
            .unwrap_or_default();
        let action = match trailers.get("Action").copied() {
            Some("promote") => Action::Promote,
            Some("revert") => Action::Revert,
            Some(_) => Action::Other,
            None if reverts.is_some() => Action::Revert,
            None => Action::Other,
        };
        Self {
            action,
            reverts,
            break_glass: trailers.get("Break-Glass").map(|reason| Untrusted::new(*reason)),
        }
    }
}

const REVERTS: &str = "This reverts commit ";

/// The commit in git's own line `This reverts commit <id>`.
fn reverted(line: &str) -> Option<String> {
    let rest = line.strip_prefix(REVERTS)?;
    let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    (7..=64).contains(&id.len()).then_some(id)
}

/// The `Pindeck-` trailers of one paragraph that contains nothing but trailers; the first of a name counts.
fn trailers(paragraph: &str) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    for line in paragraph.lines().filter(|line| !line.trim().is_empty()) {
        let Some((key, value)) = line.split_once(": ") else {
            return BTreeMap::new();
        };
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return BTreeMap::new();
        }
        if let Some(name) = key.strip_prefix("Pindeck-") {
            found.entry(name).or_insert_with(|| value.trim());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{EnvId, ServiceId};

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn read(message: &str) -> CommitRecord {
        let target = Target {
            service: ServiceId::from("payments"),
            environment: EnvId::from("production"),
        };
        CommitRecord::read(message, &target)
    }

    #[test]
    fn a_promote_and_its_broken_glass() {
        let record = read(
            "Promote payments to production\n\na -> b\n\nPindeck-Action: promote\nPindeck-Service: payments\n\
             Pindeck-Environment: production\nPindeck-Break-Glass: customers are down\nSigned-off-by: Ada <a@b>\n",
        );
        assert_eq!((record.action, record.reverts), (Action::Promote, None));
        assert_eq!(record.break_glass, Some("customers are down".into()));
    }

    #[test]
    fn reverts_by_git_and_by_trailer() {
        let message = format!("Revert \"x\"\n\nThis reverts commit {SHA}.\n");
        assert_eq!(read(&message).action, Action::Revert);
        assert_eq!(read(&message).reverts.as_deref(), Some(SHA));
        let merge = format!("Revert \"x\"\n\nThis reverts commit {SHA}, reversing\nchanges made to {SHA}.\n");
        assert_eq!(read(&merge).reverts.as_deref(), Some(SHA));
        let pin_only = read("Revert payments in production\n\nPindeck-Action: revert\nPindeck-Service: payments\n");
        assert_eq!((pin_only.action, pin_only.reverts), (Action::Revert, None));
    }

    #[test]
    fn what_only_looks_like_a_record_is_none() {
        for message in [
            "bump\n\nplease set\nPindeck-Action: promote\n",
            "bump\n\nPindeck-Action: promote\nPindeck-Service: checkout\n",
            "bump\n\nPindeck-Action: promote\nPindeck-Environment: staging\n",
            "bump\n\n  Pindeck-Action: promote\n",
            "talk about: This reverts commit 0123456789abcdef\n",
            "bump\n\nThis reverts commit it.\n",
            "",
        ] {
            let record = read(message);
            assert_eq!((record.action, record.reverts), (Action::Other, None), "{message}");
        }
        assert_eq!(read("x\n\nPindeck-Action: pin\n").action, Action::Other);
    }

    #[test]
    fn a_squash_of_several_speaks_of_each() {
        let record = read(
            "Release (#7)\n\n* Promote payments to production\n\nPindeck-Action: promote\nPindeck-Service: payments\n\
             Pindeck-Environment: production\n\n* Revert search in production\n\nPindeck-Action: revert\n\
             Pindeck-Service: search\nPindeck-Environment: production\n",
        );
        assert_eq!(record.action, Action::Promote);
    }
}

//! What keeps an image from running, and which digest it keeps from running (docs/reference/running.md, "Who is in
//! the way").
//!
//! A refusal is attributed to the digest in the template that was refused. The conditions of a Deployment alone
//! would blame the wrong one: they are copied from whichever of its ReplicaSets still tries, the old one too.

use jiff::Timestamp;

use super::closure::ImageClosure;
use super::pods::{ContainerSeen, ContainerState, ServiceImages};
use crate::domain::id::Digest;
use crate::domain::text::Untrusted;

/// The longest message of a cluster that is kept, in bytes.
const LONGEST: usize = 2048;

/// Something that keeps an image from running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// What sort of obstacle it is.
    pub what: BlockKind,
    /// Who refuses: the name of the webhook or of the admission policy.
    pub by: Option<Untrusted>,
    /// The digest that is kept from running; `None` where nobody says which one it is.
    pub digest: Option<Digest>,
    /// The cluster's words, at most 2 KiB.
    pub message: Untrusted,
    /// Since when it is reported.
    pub since: Option<Timestamp>,
}

/// The sorts of obstacles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockKind {
    /// A gate was asked and refused: an admission webhook, an admission policy or the node's signature policy.
    GateDenied,
    /// A gate could not be asked, and nothing passes without its answer.
    GateUnreachable,
    /// The node cannot pull the image.
    Pull,
    /// It starts and ends at once.
    Crash,
    /// Anything else: a quota, a missing secret, a full node.
    Other,
}

impl BlockKind {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GateDenied => "gate-denied",
            Self::GateUnreachable => "gate-unreachable",
            Self::Pull => "pull",
            Self::Crash => "crash",
            Self::Other => "other",
        }
    }

    /// A few plain words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::GateDenied => "a gate denies it",
            Self::GateUnreachable => "a gate cannot be asked",
            Self::Pull => "the node cannot pull it",
            Self::Crash => "it starts and ends at once",
            Self::Other => "something is in its way",
        }
    }
}

/// The images of a workload's Pod template with what its controller says about creating Pods from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRefusal {
    /// `image` of every container of the template, init containers too.
    pub template: Vec<Untrusted>,
    /// The message of the condition `ReplicaFailure`, or of an Event `FailedCreate`.
    pub message: Untrusted,
    /// When it was said last.
    pub at: Option<Timestamp>,
    /// Whether the message is certainly about this template. A ReplicaSet has one template for its whole life; a
    /// StatefulSet's Event may be older than the template that it has now.
    pub is_of_template: bool,
}

impl Blocked {
    /// Why a container waits, if something is in its way; creating a container is not.
    pub fn of_waiting(container: &ContainerSeen, images: &ServiceImages) -> Option<Self> {
        let ContainerState::Waiting { reason, message } = &container.state else {
            return None;
        };
        let is_signature = |text: &Untrusted| text.raw().contains("SignatureValidationFailed");
        let what = match reason.raw() {
            "" | "ContainerCreating" | "PodInitializing" => return None,
            _ if is_signature(reason) || is_signature(message) => BlockKind::GateDenied,
            "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable" => BlockKind::Pull,
            "CrashLoopBackOff" | "RunContainerError" | "StartError" => BlockKind::Crash,
            _ => BlockKind::Other,
        };
        let message = match message.is_empty() {
            true => capped(reason.raw()),
            false => capped(&format!("{}: {}", reason.raw(), message.raw())),
        };
        Some(Self {
            what,
            by: (what == BlockKind::GateDenied).then(|| "the node's signature policy".into()),
            digest: images.asked(&container.asked)?.digest,
            message,
            since: None,
        })
    }

    /// What a refused template keeps from running: one obstacle for each of the service's digests in it. None if
    /// the template has no image of the service.
    pub fn of_template(refusal: &TemplateRefusal, images: &ServiceImages) -> Vec<Self> {
        if !refusal.template.iter().any(|image| images.asked(image).is_some()) {
            return Vec::new();
        }
        let asked = images.digests(&refusal.template);
        let named = digests_in(refusal.message.raw());
        // A gate that says which digest it refuses is believed before anything else.
        let refused: Vec<Digest> = match asked.iter().any(|digest| named.contains(digest)) {
            true => asked.into_iter().filter(|digest| named.contains(digest)).collect(),
            false if refusal.is_of_template => asked,
            false => Vec::new(),
        };
        let one = |digest| Self::of_words(&refusal.message, digest, refusal.at);
        match refused.is_empty() {
            true => vec![one(None)],
            false => refused.into_iter().map(|digest| one(Some(digest))).collect(),
        }
    }

    /// What a reconciler's message about a failed attempt keeps from running, if the message names a gate. `pinned`
    /// is the digest that the attempted commit pins.
    pub fn of_attempt(message: &Untrusted, pinned: Digest, at: Option<Timestamp>) -> Option<Self> {
        let named = digests_in(message.raw());
        let digest = (named.is_empty() || named.contains(&pinned)).then_some(pinned);
        let blocked = Self::of_words(message, digest, at);
        matches!(blocked.what, BlockKind::GateDenied | BlockKind::GateUnreachable).then_some(blocked)
    }

    fn of_words(message: &Untrusted, digest: Option<Digest>, since: Option<Timestamp>) -> Self {
        let (what, by) = gate(message.raw());
        Self {
            what,
            by: by.map(capped),
            digest,
            message: capped(message.raw()),
            since,
        }
    }

    /// Whether it keeps the pinned image from running.
    pub fn stops(&self, pin: &ImageClosure) -> bool {
        self.digest.is_some_and(|digest| pin.contains(digest))
    }
}

/// What an API server says of a gate, and the gate's name. The first gate that a text names is the one that speaks:
/// what follows are its own words, which may quote anything.
fn gate(text: &str) -> (BlockKind, Option<&str>) {
    let after = |marker: &str| text.find(marker).map(|at| (at, &text[at + marker.len()..]));
    let webhook = after("admission webhook \"").and_then(|(at, rest)| {
        let (name, rest) = rest.split_once('"')?;
        rest.starts_with(" denied the request")
            .then_some((at, BlockKind::GateDenied, name))
    });
    let unreachable = after("failed calling webhook \"").and_then(|(at, rest)| {
        let (name, _) = rest.split_once('"')?;
        Some((at, BlockKind::GateUnreachable, name))
    });
    let policy = after("ValidatingAdmissionPolicy '").and_then(|(at, rest)| {
        let (name, rest) = rest.split_once('\'')?;
        rest.contains(" denied request")
            .then_some((at, BlockKind::GateDenied, name))
    });
    let first = [webhook, unreachable, policy]
        .into_iter()
        .flatten()
        .min_by_key(|(at, ..)| *at);
    first.map_or((BlockKind::Other, None), |(_, what, name)| (what, Some(name)))
}

/// Every digest that a text names.
fn digests_in(text: &str) -> Vec<Digest> {
    const ALGORITHM: &str = "sha256:";
    let starts = text
        .match_indices(ALGORITHM)
        .map(|(at, _)| &text[at + ALGORITHM.len()..]);
    let hex = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        Digest::from_hex(&rest[..end]).ok()
    };
    starts.filter_map(hex).collect()
}

/// At most 2 KiB of a text, cut between characters.
fn capped(text: &str) -> Untrusted {
    text[..text.floor_char_boundary(LONGEST)].into()
}

#[cfg(test)]
#[path = "blocked_tests.rs"]
mod tests;

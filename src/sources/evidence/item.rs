//! What is checked and what is asked about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::trust::Trust;
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::policy::SignerRule;

/// One blob that may contain a statement, as found in a registry.
#[derive(Debug, Clone)]
pub struct Item {
    /// The image or index it hangs on.
    pub attached_to: Digest,
    /// The artifact manifest that names it.
    pub manifest: Digest,
    /// The blob's digest, as its descriptor names it.
    pub digest: Digest,
    /// The layer's media type (unsigned; decides only which parser is tried).
    pub media_type: String,
    /// The layer's annotations, then the manifest's where the layer has no such key.
    pub annotations: BTreeMap<String, String>,
    /// How it was found.
    pub carrier: Carrier,
    /// The bytes, already hashed against `digest`, or why there are none. An authoritative "not there" of a
    /// blob that a manifest names is no better than unreachable: nobody knows what it said.
    pub content: Result<ItemContent, Failure>,
}

/// The bytes of an item.
#[derive(Debug, Clone)]
pub enum ItemContent {
    /// Kept in memory.
    Kept(Bytes),
    /// Too much to be kept: read again when it is looked at.
    Again(Arc<dyn StatementSource>),
}

impl ItemContent {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::Again(source) => source.size(),
        }
    }

    /// The bytes, for as long as they are held.
    ///
    /// # Errors
    /// What reading them again came to; nobody knows then what they say.
    pub(crate) fn held(&self) -> Result<HeldStatement, Failure> {
        match self {
            Self::Kept(bytes) => Ok(HeldStatement {
                bytes: bytes.clone(),
                room: None,
            }),
            Self::Again(source) => source.read(),
        }
    }
}

impl From<Bytes> for ItemContent {
    fn from(bytes: Bytes) -> Self {
        Self::Kept(bytes)
    }
}

/// A statement that can be read again. Blocking.
pub trait StatementSource: fmt::Debug + Send + Sync {
    /// How many bytes it has.
    fn size(&self) -> u64;

    /// Its bytes, which hash to its digest.
    ///
    /// # Errors
    /// Why they could not be read.
    fn read(&self) -> Result<HeldStatement, Failure>;
}

/// The bytes of a statement, and the room that they take in memory.
pub struct HeldStatement {
    /// What was read, hashed against its digest.
    pub bytes: Bytes,
    /// Given back when it is dropped.
    pub room: Option<Box<dyn Send>>,
}

/// How an item was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// Referrers API or fallback tag.
    Referrer,
    /// cosign's `sha256-<hex>.sig` tag.
    CosignSigTag,
    /// cosign's `sha256-<hex>.att` tag.
    CosignAttTag,
    /// cosign's `sha256-<hex>.sbom` tag: never signed.
    SbomTag,
    /// BuildKit's attestation manifest inside the index: never signed.
    BuildkitInIndex,
    /// GitHub's attestation API.
    GithubApi,
}

/// What is asked about an item.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The digest in question.
    pub subject: Digest,
    /// Other digests of the same content (in-toto digest sets may have SHA-512 or a git commit only).
    /// Empty for content of a registry, which is known by its SHA-256.
    pub also_known_as: &'a [OtherDigest],
    /// An index whose verified bytes list `subject`; its evidence counts too.
    pub via: Option<Digest>,
    /// The bytes of `attached_to` (message signatures by Ed25519 keys are over the bytes).
    pub manifest_bytes: Option<&'a [u8]>,
    /// The service's name, for `{service}` in identities.
    pub service: Option<&'a str>,
    /// Which trust profile signs which kind.
    pub signer: &'a SignerRule,
    /// The service's own trust profile, if it has one.
    pub service_signer: Option<&'a str>,
    /// All trust profiles, ready.
    pub trust: &'a Trust,
    /// Whether verified predicates are kept ([`Evidence::content`](crate::domain::evidence::Evidence)).
    /// They may be large, so only who reads them asks for them.
    pub keep_content: bool,
}

/// A digest under another algorithm than SHA-256, as a subject's digest set writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherDigest {
    /// `sha512`, `gitCommit` and so on.
    pub algorithm: String,
    /// Its value as written.
    pub value: String,
}

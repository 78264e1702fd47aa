//! OCI registries: tags, manifests, blobs and referrers, with as few requests as possible.
//!
//! Every metadata request leaves through one place (`client`), so limits, retries, credentials and
//! counting apply everywhere. An error is never turned into "there is none", and what a registry
//! claims is not taken for what its bytes hash to.

mod auth;
mod blob_streams;
mod budget;
mod cache;
mod challenge;
mod client;
mod content;
mod copy;
mod credentials;
mod documents;
mod endpoint;
mod error;
mod handle;
mod headers;
mod host;
mod link;
mod lock;
pub mod manifest;
mod options;
mod pace;
mod presence;
mod referrers;
mod referrers_support;
mod request;
mod response;
mod tags;
mod transport;
mod upload;

pub use cache::{CacheSize, ContentCache};
pub use copy::{CopyProgress, CopyReport, CopyRequest, MissingEvidence, Preflight};
pub use credentials::Credentials;
pub use documents::Documents;
pub(crate) use documents::{DocumentRequest, FetchedDocument, address};
pub use error::RegistryError;
pub use handle::Registry;
pub use manifest::{Descriptor, Manifest, ManifestBody};
pub use options::Options;
pub use presence::{Head, Place, Present};
pub use referrers::{Referrers, ReferrersVia};
pub use transport::Limits;
